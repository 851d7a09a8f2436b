"""Geometry of a sliding window: padding as TensorFlow Lite computes it, fused activation."""

from __future__ import annotations

from dataclasses import dataclass

from bench.compile.kernel import Site
from bench.compile.quantization import activation_range

SAME, VALID = 0, 1


@dataclass(frozen=True)
class Window:
    """Input, output and kernel (height, width), strides, leading padding."""

    input: tuple[int, int, int]
    output: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]

    def literal(self, zero: int = 0, is_unsigned: bool = False) -> str:
        """The C `struct window`."""
        fields = (*self.input, *self.output, *self.kernel, *self.stride, *self.pad, zero, int(is_unsigned))
        return f"(struct window){{{', '.join(map(str, fields))}}}"

    @property
    def separate(self) -> bool:
        """Whether windows neither overlap nor leave the image."""
        inside = all(
            p == 0 and (n - 1) * s + k <= size
            for p, n, s, k, size in zip(self.pad, self.output, self.stride, self.kernel, self.input, strict=False)
        )
        return inside and all(s >= k for s, k in zip(self.stride, self.kernel, strict=True))

    @property
    def pixels(self) -> int:
        """Output positions."""
        return self.output[0] * self.output[1]


def window(site: Site, kernel: tuple[int, int], channels: int) -> Window:
    """Checks the shapes of a convolution or pooling against its options. channels: of the output."""
    a, b = site.input().shape, site.output.shape
    site.require(len(a) == 4 and len(b) == 4, "rank of input and output", expected=4, got=(a, b))
    option = site.operator.option
    padding = option("padding", (SAME, VALID))
    stride = (int(option("strideH")), int(option("strideW")))
    for name in ("dilationHFactor", "dilationWFactor"):
        if getattr(site.operator.options, name, 1) != 1:
            raise site.operator.refuse("dilation", expected=1, got=getattr(site.operator.options, name))
    site.require(min(stride) >= 1 and min(kernel) >= 1, "stride and kernel", expected="1 or more", got=(stride, kernel))
    sizes, pads = [], []
    for size, k, s in zip(a[1:3], kernel, stride, strict=True):
        out = -(-size // s) if padding == SAME else -(-(size - k + 1) // s)
        sizes.append(out)
        pads.append(max(0, (out - 1) * s + k - size) // 2)
    expected = (1, *sizes, channels)
    site.require(min(sizes) >= 1 and b == expected, "output shape", expected=expected, got=b)
    return Window((a[1], a[2], a[3]), (b[1], b[2], b[3]), kernel, stride, (pads[0], pads[1]))


def fused_range(site: Site) -> tuple[int, int]:
    """(low, high) of the fused activation on the output's int8 values."""
    code = int(site.operator.option("fusedActivationFunction"))
    found = activation_range(code, site.output.step, site.output.offset)
    if found is None:
        raise site.operator.refuse("fused activation", expected="NONE, RELU or RELU6", got=f"schema code {code}")
    return found
