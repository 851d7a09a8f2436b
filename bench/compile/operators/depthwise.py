"""DEPTHWISE_CONV_2D: planes of int16, four outputs of a row at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.compile.assembly import REACH, Mac, function, guarded, schedule
from bench.compile.kernel import Kernel, Site
from bench.compile.operators.weighted import data_of, requantization_of, weights_of, zero_of
from bench.compile.operators.window import Window, fused_range, window
from bench.compile.quantization import Requantization

SCRATCH = 12 * 1024  # bytes of working memory that a band may take
WHOLE = 21 * 1024  # and that all rows may take, where the outputs then take the place of the inputs
REGISTERS = 7
LINES = 72  # of the data cache's 128, which the outputs of one turn may take
NOTHING = -1


@dataclass
class Row:
    """One row of a filter as words of two weights, so that any output finds products of aligned pairs of pixels.

    words: (index of the low weight, of the high weight), NOTHING where there is none.
    """

    words: list[tuple[int, int]] = field(default_factory=list)

    def word(self, low: int, high: int) -> int:
        if (low, high) not in self.words:
            self.words.append((low, high))
        return self.words.index((low, high))

    def single(self, weight: int) -> tuple[int, int]:
        """(word, half) that holds the weight."""
        for index, halves in enumerate(self.words):
            if weight in halves:
                return index, halves.index(weight)
        return self.word(weight, NOTHING), 0


@dataclass(frozen=True)
class Product:
    """Output, pixel word and weight word of a row, and how they are multiplied."""

    op: str
    output: int
    x: int
    w: int


def row_products(width: int, stride: int, outputs: int, odd: bool) -> tuple[Row, list[Product]]:
    """All products of a filter row for outputs beside each other; odd: the first pixel is the upper half of a word."""
    row, found = Row(), list[Product]()
    starts = [int(odd) + stride * i for i in range(outputs)]
    for output, start in enumerate(starts):
        first = start % 2
        for low in range(first, width - 1, 2):
            found.append(Product("smlad", output, (start + low) // 2, row.word(low, low + 1)))
    for output, start in enumerate(starts):
        if start % 2:
            w, half = row.single(0)
            found.append(Product(("smlatb", "smlatt")[half], output, start // 2, w))
        if (width - start) % 2:
            w, half = row.single(width - 1)
            found.append(Product(("smlabb", "smlabt")[half], output, (start + width - 1) // 2, w))
    return row, found


def depthwise(site: Site) -> Kernel:
    """Weights [1][kh][kw][oc], oc = multiplier * ic."""
    weights = weights_of(site, 4, axis=3)
    one, kh, kw, oc = weights.shape
    ic = site.input().shape[-1]
    site.require(one == 1 and oc % ic == 0, "weight shape", expected=f"(1, h, w, multiple of {ic})", got=weights.shape)
    site.operator.option("depthMultiplier", (oc // ic,))
    shape = window(site, (kh, kw), oc)
    low, high = fused_range(site)
    q = requantization_of(site, weights, axis=3)
    filters = np.moveaxis(data_of(weights)[0], 2, 0)
    if direct_suits(shape):
        return direct(site, shape, filters, q, (low, high))
    odd, lead, width = shape.pad[1] % 2 == 1, shape.pad[1] + shape.pad[1] % 2, row_width(shape)
    alike = oc == ic and shape.output == shape.input
    rows = band_rows(shape, width, WHOLE if alike else 0)
    row, _ = row_products(kw, shape.stride[1], 4, odd)
    stored = store(filters, row)
    words = stored.shape[1] // 2
    four, first = filter_block(shape, width, odd, 4, row)
    two, second = filter_block(shape, width, odd, 2, row)
    literal = shape.literal(zero_of(site), site.takes_frame)
    turn = max(1, min(rows, LINES // shape.output[1]))
    tail = f"{rows}, {turn}, {lead}, {width}, {words}, {q.kind(low)}, {low}, {high}, {four}, {two}"
    return Kernel(
        f"depthwise((const uint8_t *)in0, out, weights, channels, scratch, {literal}, {tail});",
        {"weights": stored, "channels": q.records},
        macs=shape.pixels * oc * kh * kw,
        scratch=16 * (oc // ic) * words + 8 * width * ((rows - 1) * shape.stride[0] + kh),
        inplace=alike and rows == shape.output[0],  # four channels are read before they are written
        size=1000 + 50 * kh * kw,
        helper=first + second,
    )


def direct_suits(shape: Window) -> bool:
    """Whether the windows can be read from the image as it is."""
    (kh, kw), (_, sx), (_, ow, _), (_, iw, ic) = shape.kernel, shape.stride, shape.output, shape.input
    return shape.separate and ow >= 4 and ((kh - 1) * iw + 3 * sx + kw) * ic <= REACH


def direct(site: Site, shape: Window, filters: np.ndarray, q: Requantization, limits: tuple[int, int]) -> Kernel:
    """Reads bytes, not planes."""
    oc, kh, kw = filters.shape
    (_, iw, ic), sx = shape.input, shape.stride[1]
    row = Row([(i, i + 1 if i + 1 < kh * kw else NOTHING) for i in range(0, kh * kw, 2)])
    stored = store(filters.reshape(oc, 1, -1), row)
    macs = [
        Mac(("smlabb", "smlabt")[i % 2], output, (i // kw * iw + output * sx + i % kw) * ic, i // 2 * 4)
        for i in range(kh * kw)
        for output in range(4)
    ]
    load = "ldrb" if site.takes_frame else "ldrsb"
    name = f"direct_{kh}x{kw}_{sx}_{iw}_{ic}_{load}"
    words = stored.shape[1] // 2
    literal = shape.literal(zero_of(site), site.takes_frame)
    tail = f"{literal}, {words}, {q.kind(limits[0])}, {limits[0]}, {limits[1]}, {name}"
    return Kernel(
        f"depthwise_direct((const uint8_t *)in0, out, weights, channels, scratch, {tail});",
        {"weights": stored, "channels": q.records},
        macs=shape.pixels * oc * kh * kw,
        scratch=4 * oc * words,
        size=500 + 40 * kh * kw,
        helper=guarded(name, function(name, macs, 4, REGISTERS, load_x=load)),
    )


def row_width(shape: Window) -> int:
    """Values in a row of a plane: even, and enough for the outputs that are made beyond the last one."""
    made = -(-shape.output[1] // 4) * 4 if shape.output[1] % 4 in (0, 3) else -(-shape.output[1] // 2) * 2
    width = shape.pad[1] % 2 + (made - 1) * shape.stride[1] + shape.kernel[1]
    return width + width % 2


def band_rows(shape: Window, width: int, whole: int) -> int:
    """Output rows whose four planes fit: all of them where these take up to `whole` bytes."""
    (kh, _), (sy, _), (oh, _, _) = shape.kernel, shape.stride, shape.output
    if 8 * width * ((oh - 1) * sy + kh) <= whole:
        return oh
    return max(1, min(oh, (SCRATCH // (8 * width) - kh) // sy + 1))


def store(filters: np.ndarray, row: Row) -> np.ndarray:
    """(oc, 2 * words) int8: the words of all filter rows, in the order of bytes that SXTB16 takes apart."""
    oc, kh, _ = filters.shape
    padded = np.concatenate([filters, np.zeros((oc, kh, 1), np.int8)], axis=2)  # NOTHING is the last one
    pairs = padded[:, :, row.words].reshape(oc, -1, 2)
    pairs = np.pad(pairs, [(0, 0), (0, pairs.shape[1] % 2), (0, 0)])
    return np.ascontiguousarray(pairs.reshape(oc, -1, 2, 2).swapaxes(2, 3).reshape(oc, -1))


def filter_block(shape: Window, width: int, odd: bool, outputs: int, row: Row) -> tuple[str, str]:
    """Name and C text of the products of `outputs` outputs; row: the words as they are stored."""
    (kh, kw), stride = shape.kernel, shape.stride[1]
    own, found = row_products(kw, stride, outputs, odd)
    place = [row.words.index(halves) for halves in own.words]
    orders = (
        sorted(found, key=lambda p: (place[p.w], p.output)),
        sorted(found, key=lambda p: (p.x, p.output)),
    )

    def macs(order: list[Product]) -> list[Mac]:
        rows = [(2 * width * y, 4 * len(row.words) * y) for y in range(kh)]
        return [Mac(p.op, p.output, x + 4 * p.x, w + 4 * place[p.w]) for x, w in rows for p in order]

    best = min(map(macs, orders), key=lambda found: len(schedule(found, REGISTERS)))
    name = f"filter_{outputs}_{kh}x{kw}_{stride}_{int(odd)}_{width}_{len(row.words)}"
    return name, guarded(name, function(name, best, outputs, REGISTERS))
