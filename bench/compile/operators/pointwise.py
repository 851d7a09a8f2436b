"""CONV_2D of one pixel with at most four input channels: all output channels of two pixels in one stretch of assembly.

While one channel's products are made, the one before is clipped and stored and the next one's weights are loaded.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from bench.compile.assembly import guarded
from bench.compile.kernel import Kernel, Site
from bench.compile.operators.weighted import zeros_after
from bench.compile.operators.window import Window
from bench.compile.quantization import INT8_MAX, INT8_MIN, Requantization

SHALLOW, NARROW = 4, 32  # most input channels whose pixels fit the registers; most output channels worth unrolling
REGISTERS = 7
RECORD = 20  # bytes of a channel: weights (0, 2), bias, weights (1, 3), mult, add


def suits(shape: Window, q: Requantization, limits: tuple[int, int]) -> bool:
    small = shape.input[2] <= SHALLOW and shape.output[2] <= NARROW and shape.pixels > 1
    return shape.kernel == shape.stride == (1, 1) and small and q.folded and limits == (INT8_MIN, INT8_MAX)


def pointwise(site: Site, shape: Window, weights: np.ndarray, q: Requantization) -> Kernel:
    """weights: [oc][ic]."""
    oc, ic = weights.shape
    shifts = q.records[:, 3].tolist()
    body = "".join(f'        "{line}\\n"\n' for line in allocate(list(instructions(shifts, q.kind(INT8_MIN)))))
    temporary = [f"t{i}" for i in range(REGISTERS)]
    name = f"pixels_{zlib.crc32(body.encode()):08x}"
    head = f"KERNEL void {name}(uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1, const uint32_t *w, int8_t *o) {{"
    inputs = ", ".join(f'[{n}] "r"({n})' for n in ("x0", "x1", "y0", "y1", "w", "o"))
    outputs = ", ".join(f'[{t}] "=&r"({t})' for t in temporary)
    text = "\n".join([
        "#ifdef __arm__", head, f"    uint32_t {', '.join(temporary)};", "    __asm volatile(",
        f'{body}        : {outputs}\n        : {inputs} : "memory");\n}}', "#else", head,
        f"    static const int8_t shifts[] = {{{', '.join(map(str, shifts))}}};",
        f"    two_pixels(x0, x1, y0, y1, w, o, shifts, {oc}, {q.kind(INT8_MIN)});\n}}", "#endif",
    ])  # fmt: skip
    return Kernel(
        f"pointwise((const uint8_t *)in0, out, weights, {shape.pixels}, {ic}, {oc}, {int(site.takes_frame)}, {name});",
        {"weights": records(weights, q)},
        macs=shape.pixels * oc * ic,
        size=150 + 60 * oc,
        helper=guarded(name, text),
    )


def records(weights: np.ndarray, q: Requantization) -> np.ndarray:
    """(oc, 5) words, one channel after another; weights doubled, as folded requantization wants."""
    doubled = zeros_after(weights, 4).astype(np.int64) * 2 & 0xFFFF
    pairs = (doubled[:, :2] | doubled[:, 2:] << 16).astype(np.uint32)
    bias, mult, add = q.records[:, :3].view(np.uint32).T
    return np.stack([pairs[:, 0], bias, pairs[:, 1], mult, add], axis=1)


def instructions(shifts: Sequence[int], kind: str) -> Iterator[str]:
    """Assembly with {virtual} registers: 8 cycles per channel if loads and stores pair as they should."""
    last = len(shifts) - 1
    yield from (load("low", 0, 0), load("bias", 0, 4))
    for c in range(len(shifts)):
        clip_a, clip_b, store_a, store_b = finish(c - 1, shifts) if c else ("",) * 4
        yield load("high", c, 8)
        yield f"smlad {{a{c}}}, %[x0], {{low{c}}}, {{bias{c}}}"
        yield clip_a
        yield f"smlad {{b{c}}}, %[y0], {{low{c}}}, {{bias{c}}}"
        yield clip_b
        yield f"smlad {{aa{c}}}, %[x1], {{high{c}}}, {{a{c}}}"
        yield from (store_a, load("mult", c, 12), store_b, load("add", c, 16))
        yield load("low", c + 1, 0) if c < last else ""
        yield f"smlad {{bb{c}}}, %[y1], {{high{c}}}, {{b{c}}}"
        yield load("bias", c + 1, 4) if c < last else ""
        yield from scale("a", c, kind)
        yield from scale("b", c, kind)
    yield from finish(last, shifts)


def load(name: str, channel: int, offset: int) -> str:
    return f"ldr {{{name}{channel}}}, [%[w], #{RECORD * channel + offset}]"


def scale(name: str, c: int, kind: str) -> Iterator[str]:
    """Rounds to the upper half; half up, or away from zero with one more instruction."""
    add = f"{{add{c}}}"
    if kind != "POSITIVE":
        yield f"add {{{name}add{c}}}, {add}, {{{name}{name}{c}}}, asr #31"
        add = f"{{{name}add{c}}}"
    yield f"smmlar {{{name}high{c}}}, {{{name}{name}{c}}}, {{mult{c}}}, {add}"


def finish(c: int, shifts: Sequence[int]) -> tuple[str, str, str, str]:
    clip = [f"ssat {{{n}out{c}}}, #8, {{{n}high{c}}}, asr #{shifts[c]}" for n in "ab"]
    return clip[0], clip[1], f"strb {{aout{c}}}, [%[o], #{c}]", f"strb {{bout{c}}}, [%[o], #{len(shifts) + c}]"


def allocate(lines: Sequence[str]) -> Iterator[str]:
    """Real registers for virtual ones: each is taken at its first line and free again at its last."""
    lines = [line for line in lines if line]
    last = {name: i for i, line in enumerate(lines) for name in re.findall(r"{(\w+)}", line)}
    free, held = list(range(REGISTERS)), dict[str, int]()
    for i, line in enumerate(lines):
        names = re.findall(r"{(\w+)}", line)
        given = {name: held[name] for name in names if name in held}
        free += [held.pop(name) for name in given if last[name] == i]
        for name in names:
            if name not in given:
                given[name] = free.pop(0)
                if last[name] > i:
                    held[name] = given[name]
                else:
                    free.append(given[name])
        yield line.format(**{name: f"%[t{register}]" for name, register in given.items()})
