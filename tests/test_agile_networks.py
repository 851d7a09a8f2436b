"""AgileNN's networks: the published costs, the paper's device time, and files that device and server can take."""

from __future__ import annotations

from pathlib import Path

import board_net
import numpy as np
import pytest
from host_net import arena
from scrambling import scrambled

from agilenn import networks
from bench.compile.layout import SRAM
from bench.compile.lower import compile_net
from bench.errors import UnknownName
from bench.training import export
from bench.training.backend import keras
from bench.training.networks import server_network

layers = keras.layers


def macs(model: keras.Model) -> int:
    """Multiply-accumulates of one inference."""
    total = 0
    for layer in model.layers:
        outputs = int(np.prod(layer.output.shape[1:]))
        if isinstance(layer, layers.SeparableConv2D):
            total += outputs // layer.filters * layer.depthwise_kernel.shape[2] * 9
            total += outputs * layer.pointwise_kernel.shape[2]
        elif isinstance(layer, layers.DepthwiseConv2D):
            total += outputs * 9
        elif isinstance(layer, layers.Conv2D):
            total += outputs * int(np.prod(layer.kernel.shape[:3]))
        elif isinstance(layer, layers.Dense):
            total += outputs * layer.kernel.shape[0]
    return total


def frames(shape: tuple[int, int, int], count: int = 20) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "frame", "stride", "shape", "expected"),
    [
        ("separable", (96, 96, 3), 3, (32, 32, 24), 175_104),
        ("separable", (128, 128, 3), 2, (64, 64, 24), 700_416),
        ("separable", (32, 32, 3), 1, (32, 32, 24), 175_104),
        ("standard", (96, 96, 3), 3, (24, 24, 24), 3_359_232),
        ("standard", (128, 128, 3), 2, (43, 43, 24), 10_783_368),
        ("standard", (32, 32, 3), 1, (16, 16, 24), 1_492_992),
    ],
)
def test_extractor_maps_and_costs(
    kind: str, frame: tuple[int, ...], stride: int, shape: tuple[int, ...], expected: int
) -> None:
    model = networks.extractor(frame, 24, stride, kind)
    assert model.output.shape[1:] == shape and macs(model) == expected


@pytest.mark.parametrize(("side", "classes", "cost", "size"), [(32, 100, 87.3, 2.35), (64, 200, 348.9, 2.48)])
def test_published_remote_costs_what_the_scripts_cost(side: int, classes: int, cost: float, size: float) -> None:
    model = server_network("published", (side, side, 19), classes, 1.0, 7, 1280)
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert (round(macs(model) / 1e6, 1), round(weights / 1e6, 2)) == (cost, size)
    assert isinstance(model.layers[-1], layers.BatchNormalization)


def test_the_papers_remote_is_mobilenetv2_with_its_own_strides_and_without_its_first_convolution() -> None:
    whole = keras.applications.MobileNetV2(input_shape=(64, 64, 3), weights=None)
    ours = server_network("mobilenetv2", (32, 32, 32), 1000, 1.0, 7, 1280)
    expected, found = (
        [
            (*layer.kernel.shape, getattr(layer, "strides", ()))
            for layer in model.layers
            if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense))
        ]
        for model in (whole, ours)
    )
    assert found == expected[1:] and expected[0] == (3, 3, 3, 32, (2, 2))


@pytest.mark.parametrize(("kind", "low", "high"), [("standard", 8, 16), ("separable", 1, 2)])
def test_device_time_at_216_mhz(kind: str, low: float, high: float, tmp_path: Path) -> None:
    """Milliseconds for a 96x96x3 frame; the paper has 14 (CIFAR-10) and 16 (CIFAR-100)."""
    path, images = tmp_path / "extractor.tflite", frames((96, 96, 3))
    export.frame_network(scrambled(networks.extractor((96, 96, 3), 24, 3, kind)), images, path)
    net = compile_net(path, "n", uint8_input=True)
    output, cycles = board_net.run(net, images[0])
    assert np.array_equal(output[0], export.run(path, (images[:1] ^ 0x80).view(np.int8))[0])
    assert low < sum(cycles.values()) / 216e3 < high


@pytest.mark.parametrize("kind", ["separable", "standard"])
def test_the_largest_extractor_fits_the_board(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "extractor.tflite"
    export.frame_network(networks.extractor((128, 128, 3), 24, 2, kind), frames((128, 128, 3), 4), path)
    assert arena(compile_net(path, "n", uint8_input=True))[1] <= SRAM


@pytest.mark.parametrize("normalized", [False, True])
def test_local_network_is_a_mean_and_one_dense_layer_on_the_device(normalized: bool, tmp_path: Path) -> None:
    first, path = tmp_path / "extractor.tflite", tmp_path / "local.tflite"
    images = frames((24, 24, 3))
    export.frame_network(scrambled(networks.extractor((24, 24, 3), 24, 3)), images, first)
    features = export.run(first, (images ^ 0x80).view(np.int8))[..., :5]
    scale, zero = export.quantization(first)[1]
    values = np.float32(scale) * (features.astype(np.float32) - zero)
    model = scrambled(networks.local((8, 8, 5), 10, normalized))
    export.chained(model, values, first, path)
    assert export.operators(path.read_bytes()) == {"MEAN", "FULLY_CONNECTED"}
    scale, zero = export.quantization(path)[1]
    expected = keras.ops.convert_to_numpy(model(values, training=False))
    assert np.abs(scale * (export.run(path, features).astype(float) - zero) - expected).mean() < 2 * scale


@pytest.mark.parametrize("kind", ["mobilenetv2", "published", "resnet8", "vgg"])
@pytest.mark.parametrize("stem_stride", [0, 3])
def test_server_networks_export(kind: str, stem_stride: int, tmp_path: Path) -> None:
    shape = (24, 24, 3) if stem_stride else (8, 8, 19)
    model = scrambled(server_network(kind, shape, 10, 0.5, 4, 64, stem_stride))
    export.server(model, shape, tmp_path / "server.tflite")  # refuses foreign operators
    runner, values = export.reference(tmp_path / "server.tflite"), np.random.default_rng(0).random((1, *shape))
    runner.set_tensor(runner.get_input_details()[0]["index"], values.astype(np.float32))
    runner.invoke()
    logits = runner.get_tensor(runner.get_output_details()[0]["index"])
    expected = keras.ops.convert_to_numpy(model(values.astype(np.float32), training=False))
    np.testing.assert_allclose(logits, expected, atol=0.02 * np.abs(expected).max())


def test_the_plain_server_network_halves_large_maps_at_once() -> None:
    small, large = (server_network("vgg", (side, side, 19), 10, 0.25, 7, 64) for side in (32, 64))
    assert macs(large) == macs(small)


def test_unknown_networks_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown extractor 'dense'; expected one of separable, standard"):
        networks.extractor((24, 24, 3), 24, 3, "dense")
    with pytest.raises(UnknownName, match="expected one of mobilenetv2, published, resnet8, vgg"):
        server_network("lenet", (8, 8, 19), 10, 1.0, 7, 1280)
