"""The networks of `bench kernels`: shapes as published, weights random.

ResNet8 and MobileNetV1-0.25 are MLPerf Tiny's image classification and visual wake words (github.com/mlcommons/tiny);
the MCUNets are of Lin et al., NeurIPS'20 (github.com/mit-han-lab/mcunet, mcunet/assets/configs), with 1000 classes; in2
and in3 with 200, because of their size in flash.
"""

from __future__ import annotations

from bench.benchmarks.networks.chain import Chain

Block = tuple[int, int, int, int]  # expansion, output channels, stride, kernel
MCUNET_IN0: list[Block] = [
    (1, 16, 1, 3), (4, 16, 2, 5), (3, 16, 1, 3), (4, 16, 1, 3), (5, 24, 2, 7), (4, 24, 1, 5), (5, 24, 1, 5),
    (5, 48, 2, 7), (4, 48, 1, 5), (5, 56, 1, 3), (4, 56, 1, 5), (5, 56, 1, 3), (6, 112, 2, 3), (4, 112, 1, 5),
    (6, 192, 1, 3),
]  # fmt: skip
MCUNET_IN1: list[Block] = [
    (1, 8, 1, 3), (4, 16, 2, 3), (3, 16, 1, 3), (3, 24, 2, 7), (5, 24, 1, 3), (5, 40, 2, 3), (4, 40, 1, 7),
    (4, 48, 1, 5), (3, 48, 1, 3), (4, 48, 1, 3), (5, 96, 2, 7), (4, 96, 1, 5), (4, 96, 1, 5), (6, 160, 1, 3),
]  # fmt: skip
MCUNET_IN2: list[Block] = [
    (1, 8, 1, 3), (3, 16, 2, 5), (6, 16, 1, 7), (5, 16, 1, 3), (5, 16, 1, 5), (5, 24, 2, 3), (6, 24, 1, 7),
    (6, 24, 1, 5), (4, 40, 2, 7), (5, 40, 1, 5), (5, 48, 1, 3), (5, 48, 1, 5), (4, 48, 1, 3), (6, 96, 2, 5),
    (4, 96, 1, 5), (3, 96, 1, 5), (4, 96, 1, 3), (5, 160, 1, 5),
]  # fmt: skip
MCUNET_IN3: list[Block] = [
    (1, 8, 1, 3), (3, 16, 2, 7), (5, 16, 1, 3), (5, 16, 1, 7), (4, 16, 1, 5), (5, 24, 2, 5), (5, 24, 1, 5),
    (5, 24, 1, 5), (5, 40, 2, 3), (6, 40, 1, 7), (4, 40, 1, 5), (5, 48, 1, 5), (5, 48, 1, 7), (5, 48, 1, 3),
    (6, 96, 2, 3), (5, 96, 1, 7), (4, 96, 1, 3), (5, 160, 1, 7),
]  # fmt: skip
MOBILENET: list[tuple[int, int]] = [  # stride of the depthwise layer, output channels
    (1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256),
]  # fmt: skip


def resnet8(side: int = 32) -> Chain:
    """12.5 M multiply-accumulates at 32x32."""
    n = Chain((side, side, 3), seed=1).conv(16, 3)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        start = n.at
        n.conv(channels, 3, stride).conv(channels, 3, relu6=False)
        if stride == 2:
            end, n.at = n.at, start
            start = n.conv(channels, 1, 2, relu6=False).at
            n.at = end
        n.add(start, relu=True)
    return n.head(10)


def mobilenet() -> Chain:
    """Width 0.25, 96x96, 7.5 M multiply-accumulates."""
    n = Chain((96, 96, 3), seed=2).conv(8, 3, 2)
    for stride, channels in MOBILENET:
        n.depthwise(3, stride).conv(channels)
    return n.head(2)


def mcunet(side: int, stem: int, blocks: list[Block], seed: int, classes: int = 1000) -> Chain:
    """A convolution, then inverted bottlenecks, with a residual connection where stride and channels allow."""
    n = Chain((side, side, 3), seed).conv(stem, 3, 2)
    for expansion, channels, stride, kernel in blocks:
        start = n.at
        if expansion > 1:
            n.conv(expansion * start.shape[-1])
        n.depthwise(kernel, stride).conv(channels, relu6=False)
        if stride == 1 and channels == start.shape[-1]:
            n.add(start)
    return n.head(classes)


def extractor() -> Chain:
    """AgileNN's feature extractor on a 96x96x3 frame: two separable convolutions to 32x32x24, 175,104 in all."""
    return Chain((96, 96, 3)).depthwise(3, 3, relu6=False).conv(4).depthwise(3, relu6=False).conv(24)


NETWORKS = {
    "resnet8": resnet8,
    "mobilenetv1_0.25": mobilenet,
    "mcunet_in0": lambda: mcunet(48, 24, MCUNET_IN0, 3),
    "mcunet_in1": lambda: mcunet(96, 16, MCUNET_IN1, 4),
    "mcunet_in2": lambda: mcunet(160, 16, MCUNET_IN2, 5, 200),
    "mcunet_in3": lambda: mcunet(176, 16, MCUNET_IN3, 6, 200),
    "agilenn_extractor": extractor,
}
