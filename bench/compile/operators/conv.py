"""CONV_2D: bands of widened input, tiles of two pixels of two channels."""

from __future__ import annotations

from bench.compile.assembly import REACH, Mac, function, guarded
from bench.compile.kernel import Kernel, Site
from bench.compile.operators.pointwise import pointwise, suits
from bench.compile.operators.weighted import data_of, requantization_of, weights_of, zero_of, zeros_after
from bench.compile.operators.window import Window, fused_range, window

SCRATCH = 16 * 1024  # bytes of working memory that a band may take
CACHED = 2560  # bytes of output that stay in the data cache (4 KB) while a band's channels are made
WHOLE = 8192  # a smaller output is made in one band: widening the weights twice would cost more
UNROLLED = 48  # most words of one unrolled stretch
REGISTERS = 5


def conv2d(site: Site) -> Kernel:
    """Weights [oc][kh][kw][ic]; the kernel wants ic padded to a multiple of 4."""
    weights = weights_of(site, 4, axis=0)
    oc, kh, kw, ic = weights.shape
    site.require(ic == site.input().shape[-1], "input channels", expected=ic, got=site.input().shape)
    shape = window(site, (kh, kw), oc)
    low, high = fused_range(site)
    q = requantization_of(site, weights, axis=0)
    macs = shape.pixels * oc * kh * kw * ic
    if suits(shape, q, (low, high)):
        return pointwise(site, shape, data_of(weights).reshape(oc, ic), q)
    shape = wide_rows(shape)
    words = -(-ic // 4) * 2
    width = (shape.output[1] - 1) * shape.stride[1] + kw
    pairs, row = 8 * kh * kw * words, 4 * width * words
    rows = band_rows(shape, SCRATCH - pairs, row)
    next_pixel = 4 * words * shape.stride[1] if shape.output[1] > 1 else 0
    name, helper = tile(kh, kw * words, row, next_pixel)
    literal = shape.literal(zero_of(site), site.takes_frame)
    tail = f"{rows}, {q.kind(low)}, {low}, {high}, {name}"
    return Kernel(
        f"conv2d((const uint8_t *)in0, out, weights, channels, scratch, {literal}, {tail});",
        {"weights": zeros_after(data_of(weights), 4), "channels": q.records},
        macs=macs,
        scratch=pairs + row * ((rows - 1) * shape.stride[0] + kh),
        size=900 + 32 * min(UNROLLED, kh * kw * words),
        helper=helper,
    )


def wide_rows(shape: Window) -> Window:
    """A 1x1 convolution does not care where a row ends: rows of an even number of pixels, at most 64, if possible."""
    if shape.kernel != (1, 1) or shape.stride != (1, 1):
        return shape
    pixels = shape.pixels
    divisors = [n for n in range(1, pixels + 1) if pixels % n == 0]
    even = [n for n in divisors if n % 2 == 0 and n <= 64]
    columns = even[-1] if even else divisors[-1]
    (_, _, ic), (_, _, oc) = shape.input, shape.output
    return Window((pixels // columns, columns, ic), (pixels // columns, columns, oc), (1, 1), (1, 1), (0, 0))


def band_rows(shape: Window, room: int, row: int) -> int:
    """Output rows whose input rows of `row` bytes fit, and whose output stays in the cache."""
    (kh, _), (sy, _), (oh, ow, oc) = shape.kernel, shape.stride, shape.output
    fit = (room // row - kh) // sy + 1
    cached = oh if oh * ow * oc <= WHOLE else -(-CACHED // (ow * oc))
    return max(1, min(oh, fit, cached))


def stretch(words: int) -> int:
    """Words that are unrolled: a divisor of the words in a kernel row."""
    if words <= UNROLLED:
        return words
    return max(n for n in range(1, UNROLLED + 1) if words % n == 0)


def tile(rows: int, words: int, row: int, next_pixel: int) -> tuple[str, str]:
    """Name and C text of the inner loop: `rows` kernel rows of `words` words, `row` bytes apart."""
    if rows * words <= UNROLLED and row * (rows - 1) + 4 * words + next_pixel <= REACH:
        step, starts = rows * words, [row * y + 4 * i for y in range(rows) for i in range(words)]
    else:
        step = stretch(words)
        starts = [4 * i for i in range(step)]
    once = step == rows * words
    block = f"block_{step}_{next_pixel}_{f'{rows}x{row}' if once else 'part'}"
    products = [
        Mac("smlad", total, start + pixel * next_pixel, 8 * i + 4 * channel)
        for i, start in enumerate(starts)
        for total, pixel, channel in ((0, 0, 0), (2, 1, 0), (3, 1, 1), (1, 0, 1))
    ]
    text = guarded(block, function(block, products, 4, REGISTERS, once))
    if once:
        return block, text
    name = f"tile_{rows}_{words}_{row}_{next_pixel}"
    loop = "\n".join([
        f"KERNEL void {name}(const void *x, const void *w, int32_t *s) {{",
        "    const uint8_t *p = x, *q = w;",
        "    s[0] = s[1] = s[2] = s[3] = 0;",
        "    UNROLL(1)",
        f"    for (int y = 0; y < {rows}; y++, p += {row - 4 * words}) {{",
        "        UNROLL(1)",
        f"        for (int i = 0; i < {words // step}; i++, p += {4 * step}, q += {8 * step}) {block}(p, q, s);",
        "    }",
        "}",
    ])  # fmt: skip
    return name, text + guarded(name, loop)
