"""The networks of `bench kernels`: shapes as published, weights random.

ResNet8 and MobileNetV1-0.25 are MLPerf Tiny's image classification and visual wake words (github.com/mlcommons/tiny);
the MCUNets have 1000 classes; in2 and in3 200, because of their size in flash.
"""

from __future__ import annotations

from bench.benchmarks.networks.chain import Chain
from bench.training.mcunet import NETS, Net

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


def mcunet(net: Net, seed: int, classes: int = 1000) -> Chain:
    """A convolution, then inverted bottlenecks, with a residual connection where stride and channels allow."""
    n = Chain((net.side, net.side, 3), seed).conv(net.stem, 3, 2)
    for expansion, channels, stride, kernel in net.blocks:
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
    "mcunet_in0": lambda: mcunet(NETS["in0"], 3),
    "mcunet_in1": lambda: mcunet(NETS["in1"], 4),
    "mcunet_in2": lambda: mcunet(NETS["in2"], 5, 200),
    "mcunet_in3": lambda: mcunet(NETS["in3"], 6, 200),
    "agilenn_extractor": extractor,
}
