"""PAD: an image with a border. (RESHAPE needs no code; see lower.py.)"""

from __future__ import annotations

from bench.compile.kernel import Kernel, Site


def pad(site: Site) -> Kernel:
    """Height and width of an NHWC image; the border holds the zero point, which stands for 0."""
    site.same_quantization()
    a, b = site.input().shape, site.output.shape
    amounts = site.constant(1, "int32")
    ok = len(a) == 4 and amounts.shape == (4, 2) and amounts.min() >= 0
    site.require(ok, "padding", expected="(4, 2) amounts of an NHWC image", got=amounts.shape)
    site.require(
        not amounts[0].any() and not amounts[3].any(),
        "padding",
        expected="of height and width only",
        got=amounts.tolist(),
    )
    expected = tuple(int(n + p.sum()) for n, p in zip(a, amounts, strict=True))
    site.require(b == expected, "output shape", expected=expected, got=b)
    (top, bottom), (left, right) = amounts[1].tolist(), amounts[2].tolist()
    _, h, w, c = a
    row = b[2] * c
    return Kernel(
        f"pad(in0, out, {h}, {w * c}, {top * row}, {bottom * row}, {left * c}, {right * c}, {site.output.offset});",
        size=200,
    )
