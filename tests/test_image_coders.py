"""Lossless and JPEG: twins byte for byte, round trips, public decoders, damage, and the server behind them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deployments import edge_only
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench import accuracy
from bench.boards.device import Device
from bench.codec import bits, coder, jpeg, jpeg_tables, lossless
from bench.compile import program
from bench.errors import DataError
from bench.method import Deployment
from bench.sample import read as sample
from bench.server import Remote

PHOTOS = sample.load("cifar10")[0]
TABLES = {3: lossless.train(PHOTOS[:40]), 1: lossless.train(PHOTOS[:40, :, :, :1])}
GOLDEN = Deployment.load(Path(__file__).parent / "golden" / "server_tiny")


@st.composite
def images(draw):
    """Of any size and kind: parts of photographs, noise, one colour, grey, extremes."""
    height, width, channels = draw(st.integers(1, 40)), draw(st.integers(1, 40)), draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["photo", "noise", "flat", "grey", "extreme"]))
    if kind == "photo":
        tiled = np.tile(PHOTOS[rng.integers(len(PHOTOS))], (2, 2, 1))
        return np.ascontiguousarray(tiled[:height, :width, :channels])
    if kind == "grey":
        return np.repeat(rng.integers(90, 99, (height, width, 1), np.uint8), channels, axis=2)
    if kind == "flat":
        return np.broadcast_to(rng.integers(0, 256, channels, np.uint8), (height, width, channels)).copy()
    values = rng.integers(0, 256, (height, width, channels), np.uint8)
    return values if kind == "noise" else (values & 128) // 128 * np.uint8(255)


@settings(max_examples=60, deadline=None)
@given(images())
def test_lossless_round_trip_and_twin(twins, image):
    tables = TABLES[image.shape[2]]
    own = coder("lossless", tables)
    data, room = own.encode(image, 8), own.max_bytes(image.shape, 8)
    assert len(data) <= room and own.exact
    assert np.array_equal(own.decode(data, 8, image.shape), image.reshape(-1))
    assert twins.encode("lossless", image, 8, room, tables) == data


@settings(max_examples=60, deadline=None)
@given(images(), st.integers(1, 100))
def test_jpeg_is_its_twin_and_near_the_image(twins, image, quality):
    tables = jpeg_tables.quantizers(quality, image.shape[2])
    own = coder("jpeg", tables)
    data, room = own.encode(image, 8), own.max_bytes(image.shape, 8)
    assert len(data) <= room and not own.exact
    assert twins.encode("jpeg", image, 8, room, tables) == data
    seen = own.decode(data, 8, image.shape)
    assert seen.shape == (image.size,)
    if len(data) == image.size:
        assert np.array_equal(seen, image.reshape(-1))


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_jpeg_is_as_good_and_as_short_as_a_public_encoder(quality):
    """Pillow (libjpeg) with the same tables: its file is ours but for roundings."""
    ours, theirs = np.zeros(2), np.zeros(2)
    steps = jpeg.read(jpeg_tables.quantizers(quality, 3))
    for photo in PHOTOS[:20]:
        data = jpeg.encode(steps, photo, 8)
        with Image.open(io.BytesIO(jpeg.file(steps, data, photo.shape))) as opened:
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (32, 32))
            assert len(opened.quantization) == 2
            seen = np.asarray(opened)
        assert np.array_equal(seen.reshape(-1), jpeg.decode(steps, data, 8, photo.shape))
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        scan = len(file.getvalue()) - file.getvalue().index(b"\xff\xda") - 16
        ours += len(data), np.square(seen - photo.astype(float)).mean()
        theirs += scan, np.square(np.asarray(Image.open(file)) - photo.astype(float)).mean()
        with Image.open(file) as opened:
            assert all((np.array(opened.quantization[i])[jpeg_tables.ZIGZAG] == steps[i]).all() for i in (0, 1))
    assert ours == pytest.approx(theirs, rel=0.03)


def test_lossless_is_half_of_the_image_and_less_than_png():
    sizes, png = [], []
    for photo in PHOTOS[40:80]:
        sizes.append(len(coder("lossless", TABLES[3]).encode(photo, 8)))
        Image.fromarray(photo).save(file := io.BytesIO(), "PNG", optimize=True)
        png.append(len(file.getvalue()))
    assert np.mean(sizes) < 0.65 * 3072 and np.mean(sizes) < 0.85 * np.mean(png)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([(9, 7, 3), (8, 8, 1)]))
def test_noise_is_refused_or_has_the_right_length(data, shape):
    for name, tables in (("lossless", TABLES[shape[2]]), ("jpeg", jpeg_tables.quantizers(75, shape[2]))):
        try:
            values = coder(name, tables).decode(data, 8, shape)
        except DataError:
            continue
        assert values.size == np.prod(shape)


def test_damage_to_a_lossless_stream():
    own, photo = coder("lossless", TABLES[3]), PHOTOS[0]
    good = own.encode(photo, 8)
    for bad in (good[:-1], good + b"\0", b"", good[:5], bytes(3071), bytes(3073)):
        with pytest.raises(DataError, match="lossless stream"):
            own.decode(bad, 8, photo.shape)


def test_damage_to_a_scan():
    own, photo = coder("jpeg", jpeg_tables.quantizers(75, 3)), PHOTOS[0]
    good = own.encode(photo, 8)
    for bad in (b"", good + b"\xff\xd9", b"\xff\xc4" + good, good + b"\xff", bytes(3071)):
        with pytest.raises(DataError, match="JPEG scan"):
            own.decode(bad, 8, photo.shape)


def test_tables_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="complete prefix codes"):
        coder("lossless", [15] * 2048)
    for wrong in ([8] * 2047, [], [0] + [8] * 2047, [8.0] * 2048):
        with pytest.raises(DataError, match="lossless tables"):
            coder("lossless", wrong)
    for wrong in ([16] * 63, [], [0] * 64, [256] * 64):
        with pytest.raises(DataError, match="JPEG tables"):
            coder("jpeg", wrong)
    for name, tables in (("lossless", [8] * 2048), ("jpeg", [16] * 64)):
        own = coder(name, tables)
        for shape, depth in (((8, 8, 3), 8), ((8, 8), 8), ((8, 8, 1), 7), ((0, 8, 1), 8)):
            with pytest.raises(DataError, match="coder"):
                own.max_bytes(shape, depth)
    with pytest.raises(DataError, match="lossless tables with"):
        lossless.train(np.zeros((1, 4, 4, 2), np.uint8))


def test_prefix_codes():
    assert bits.canonical([2, 0, 1, 2]).tolist() == [2, 0, 0, 3]
    assert sorted(bits.huffman(np.array([1, 1, 2, 4]), 15)) == [1, 2, 3, 3]
    fibonacci = [1, 1]
    while len(fibonacci) < 30:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    sizes = np.array(bits.huffman(np.array(fibonacci), 15))  # 29 without a limit
    assert sizes.max() <= 15 and (0.5**sizes).sum() == 1
    assert bits.pack(np.array([1, 0, 5]), np.array([1, 0, 3])).hex() == "d0"
    assert bits.pack(np.array([1]), np.array([2]), fill=1).hex() == "7f"


@pytest.mark.parametrize(("name", "tables"), [("lossless", TABLES[3]), ("jpeg", jpeg_tables.quantizers(85, 3))])
def test_firmware_writes_the_bytes_of_its_twin(tmp_path, name, tables):
    d = accuracy.recoded(edge_only(tmp_path, (20, 19, 3)), name, tuple(tables))
    noise = np.random.default_rng(1).integers(0, 256, (20, 19, 3), np.uint8)
    with Device.open("emu://stm32f746", program.build(d, 216_000_000)) as device:
        for frame in (PHOTOS[0, :20, :19], PHOTOS[1, 5:25, 3:22], noise):
            trace = device.infer(np.ascontiguousarray(frame), lambda _: bytes(20))
            assert trace.payload == coder(name, tables).encode(frame, 8)


def test_the_server_and_the_accuracy_see_what_jpeg_leaves(monkeypatch):
    """The accuracy of a whole test split goes through a coder that loses something, and not through an exact one."""
    frame = np.random.default_rng(0).integers(0, 3, GOLDEN.server.shape, np.uint8)
    stage = replace(GOLDEN.stages[0], op="code", reads=("frame",), params={"coder": "packed", "bits": 8})
    assert np.array_equal(accuracy.arriving(replace(GOLDEN, stages=(stage,)), {"frame": frame}), frame)
    photo, tables = PHOTOS[0], jpeg_tables.quantizers(30, 3)
    lossy = replace(GOLDEN, stages=(replace(stage, params={"coder": "jpeg", "bits": 8, "tables": tables}),))
    own = coder("jpeg", tables)
    left = accuracy.arriving(lossy, {"frame": photo})
    assert np.array_equal(left, own.decode(own.encode(photo, 8), 8, photo.shape))
    remote = Remote(GOLDEN, threads=1)
    remote.server, remote._coder, remote._sent = replace(GOLDEN.server, bits=8), own, (32, 32, 3)
    seen = []
    monkeypatch.setattr(remote, "logits", lambda symbols: seen.append(symbols))
    remote.answer(own.encode(photo, 8))
    assert np.array_equal(seen[0], left)
