"""Loading, checking, splitting and resizing images; nothing here needs a file that is not in the repository."""

import contextlib
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench import datasets
from bench.errors import DataError, UnknownName
from bench.method import Request
from bench.sample.read import tile, untile
from bench.training.task import LEAST, open_task


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """A machine without any image data."""
    monkeypatch.delenv("AGILENN_DATA", raising=False)
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))


def content(train=40, test=20, kinds=4, shape=(32, 32, 3), **changes):
    rng = np.random.default_rng(0)
    fields = {
        "x_train": rng.integers(0, 256, (train, *shape), np.uint8),
        "y_train": np.arange(train) % kinds,
        "x_test": rng.integers(0, 256, (test, *shape), np.uint8),
        "y_test": np.arange(test) % kinds,
        "classes": np.array([f"class {i}" for i in range(kinds)]),
    }
    return {key: value for key, value in (fields | changes).items() if value is not None}


def put(folder, name="cifar10", **changes):
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{name}.npz", **content(**changes))
    return folder


def test_a_folder_gives_images_labels_and_a_validation_split_cut_from_train(tmp_path):
    data = datasets.load("cifar10", put(tmp_path))
    assert data.source == "folder" and data.shape == (32, 32, 3) and data.counts == {"train": 40, "test": 20}
    assert (len(data.x_train), len(data.x_val), len(data.x_test)) == (36, 4, 20)
    assert data.x_train.dtype == np.uint8 and data.y_train.dtype == np.int64
    assert np.bincount(data.y_val).tolist() == [1, 1, 1, 1], "one in ten of each class"
    whole = content()
    both = np.concatenate([data.x_train, data.x_val])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in whole["x_train"])
    assert (data.x_test == whole["x_test"]).all() and (data.rows == np.arange(20)).all()


def test_lookup_order_is_argument_then_variable_then_cache_then_sample(tmp_path, monkeypatch):
    assert datasets.load("cifar10").source == "sample"
    put(tmp_path / "cache" / "datasets", test=21)
    assert (datasets.load("cifar10").source, datasets.load("cifar10").counts["test"]) == ("cache", 21)
    monkeypatch.setenv("AGILENN_DATA", str(put(tmp_path / "variable", test=22)))
    assert datasets.load("cifar10").counts["test"] == 22
    assert datasets.load("cifar10", put(tmp_path / "argument", test=23)).counts["test"] == 23


def test_any_other_file_in_the_folder_is_a_data_set(tmp_path):
    data = datasets.load("fruit", put(tmp_path, "fruit", shape=(20, 24, 1)))
    assert data.shape == (20, 24, 1) and not data.comparable and "origin unknown" in data.note
    assert "fruit" in datasets.available(tmp_path)


def test_only_a_file_that_says_so_is_official(tmp_path):
    assert not datasets.load("cifar10", put(tmp_path)).comparable
    data = datasets.load("cifar10", put(tmp_path, source=np.array("official")))
    assert data.comparable and data.origin == "official"


def test_a_file_that_says_something_else_is_told_so(tmp_path):
    data = datasets.load("cifar10", put(tmp_path, source=np.array("Official")))
    assert data.origin == "unknown" and "the file says 'Official', not 'official'" in data.note


def test_a_known_copy_is_named_honestly(tmp_path, monkeypatch):
    put(tmp_path, "fruit")
    crc = int(datasets.load("fruit", tmp_path).fingerprint[:8], 16)
    monkeypatch.setitem(datasets.ORIGINS, crc, ("our fruit", "half of it", False))
    data = datasets.load("fruit", tmp_path)
    assert (data.origin, data.note, data.comparable) == ("our fruit", "half of it", False)


def test_an_absent_set_says_what_was_tried_and_which_command_gets_it(tmp_path):
    with pytest.raises(DataError) as caught:
        datasets.load("svhn", tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "svhn.npz") in message and "cache" in message and "./reproduce.sh data svhn" in message
    with pytest.raises(UnknownName, match="cifar10"):
        datasets.load("cfar10")
    with pytest.raises(DataError, match="no such folder"):
        datasets.load("cifar10", tmp_path / "nowhere")
    with pytest.raises(DataError, match="no such folder"):
        datasets.load("cifar10", "~nobody-of-that-name/images")
    (tmp_path / "plain").touch()
    with pytest.raises(DataError, match="plain': it is a file; expected a folder"):
        datasets.load("cifar10", tmp_path / "plain")


@pytest.mark.parametrize("name", ["cifar10", "mine"])
def test_a_folder_called_as_a_file_is_no_data_set(tmp_path, name):
    (tmp_path / f"{name}.npz").mkdir()
    with pytest.raises(DataError, match=rf"{name}\.npz: it is a folder; expected a file"):
        datasets.load(name, tmp_path)
    assert "mine" not in datasets.available(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (7, 32, 1)}, "too small; expected 8 x 8 pixels or more; got 7 x 32"),
        ({"shape": (1, 1, 3)}, "too small; expected 8 x 8"),
        ({"train": 3}, "too few training images.*; expected 6 or more of a class; got 3 images of 4 classes"),
    ],
)
def test_what_no_network_can_be_trained_on_is_refused_at_once(tmp_path, changes, words):
    folder = put(tmp_path / "data", "mine", **changes)
    with pytest.raises(DataError, match=words) as caught:
        open_task(Request("mine", "strong", tmp_path, 0, "quick", False, folder))
    assert "sample" not in str(caught.value) and str(folder / "mine.npz") in str(caught.value)
    put(folder, "mine", shape=(LEAST, LEAST, 1))
    assert open_task(Request("mine", "strong", tmp_path, 0, "quick", False, folder)).frame == (LEAST, LEAST, 1)


NAN = np.where(np.arange(20) < 3, np.nan, 1.0)
BAD = {
    "float64 with 3 NaN": {"y_test": NAN},
    "got float32": {"y_train": np.zeros(40, np.float32)},
    r"got 0\.\.9": {"y_test": np.full(20, 9) * (np.arange(20) > 0)},
    r"got -1\.\.0": {"y_test": -(np.arange(20) % 2)},
    "float64 \\(20": {"x_test": np.zeros((20, 32, 32, 3))},
    r"got uint8 \(20, 3, 32, 32\)": {"x_test": np.zeros((20, 3, 32, 32), np.uint8)},
    r"\(32, 32, 2\)|N, H, W, 1 or 3": {"x_test": np.zeros((20, 32, 32, 2), np.uint8)},
    "differ in length": {"x_test": np.zeros((19, 32, 32, 3), np.uint8)},
    "training and test images differ": {"x_test": np.zeros((20, 16, 16, 3), np.uint8)},
    "wrong shape": {"shape": (16, 16, 3)},
    "y_test missing": {"y_test": None},
    "classes missing": {"classes": None},
    "two or more strings": {"classes": np.arange(4)},
    "cannot be read": {"classes": np.array(["a", None], object)},
    "classes cannot be read": {"classes": np.array([b"\xff", b"a", b"b", b"c"])},
    "source; expected a string.*; got object": {"source": np.array({"a": 1}, object)},
    "source; expected a string.*; got int64": {"source": np.array(3)},
    "source cannot be read": {"source": np.array(b"\xff\xfe")},
}


@pytest.mark.parametrize("message", BAD)
def test_a_file_that_is_not_sound_is_refused_by_name(tmp_path, message):
    with pytest.raises(DataError, match=message) as caught:
        datasets.load("cifar10", put(tmp_path, **BAD[message]))
    assert str(tmp_path / "cifar10.npz") in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    path = put(tmp_path) / "cifar10.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=re.escape(str(path))):
        datasets.load("cifar10", tmp_path)


def test_a_flipped_byte_in_the_images_is_noticed_when_they_are_read(tmp_path):
    path = put(tmp_path) / "cifar10.npz"
    raw = bytearray(path.read_bytes())
    raw[raw.index(content()["x_test"].tobytes()) + 1000] ^= 1
    path.write_bytes(raw)
    data = datasets.load("cifar10", tmp_path)
    with pytest.raises(DataError, match="x_test cannot be read"):
        _ = data.x_test


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_file_raises_anything_but_a_data_error(tmp_path, data):
    path = put(tmp_path, shape=(2, 2, 1), name="tiny") / "tiny.npz"
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    with contextlib.suppress(DataError):
        tiny = datasets.load("tiny", tmp_path)
        assert tiny.x_test.dtype == np.uint8 and tiny.x_train.dtype == np.uint8


def test_the_sample_holds_25_and_3_test_images_of_each_class():
    for name, each, classes in (("cifar10", 25, 10), ("cifar100", 3, 100)):
        data = datasets.load(name)
        assert data.source == "sample" and data.x_test.shape == (each * classes, 32, 32, 3)
        assert np.bincount(data.y_test).tolist() == [each] * classes and len(data.classes) == classes
        assert len(data.x_train) == len(data.x_val) == 0 and data.x_train.shape[1:] == data.shape
        assert len(set(data.rows)) == len(data.rows) and data.rows.max() < 10_000
    assert datasets.load("cifar10").fingerprint == "bf13eeb0db7076fa", "the committed images, bit for bit"


def test_digits_have_a_fixed_stratified_split():
    data = datasets.load("digits")
    assert [len(data.y_train), len(data.y_val), len(data.y_test)] == [1079, 179, 539]
    assert data.x_test.shape == (539, 8, 8, 1) and data.x_test.max() == 255 and data.x_test.min() == 0
    assert data.fingerprint == "e0f471cc694317a3"
    assert all(np.bincount(y, minlength=10).min() > 0.08 * len(y) for y in (data.y_train, data.y_val, data.y_test))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(0, 9))
def test_cut_is_a_stratified_partition_that_the_seed_decides(labels, seed):
    labels = np.array(labels)
    picked, left = datasets.cut(labels, 0.3, seed)
    assert sorted([*picked, *left]) == list(range(len(labels)))
    for label in set(labels):
        assert (labels[picked] == label).sum() == round(0.3 * (labels == label).sum())
    assert (datasets.cut(labels, 0.3, seed)[0] == picked).all()


def test_frame_shapes_are_those_of_the_paper_or_native():
    shapes = {name: datasets.frame_shape(name, "paper") for name in datasets.NATIVE}
    assert shapes["cifar10"] == shapes["svhn_grey"] == (96, 96, 3)
    assert shapes["imagenet200"] == (128, 128, 3) and shapes["digits"] == (24, 24, 1)
    assert datasets.frame_shape((200, 100, 3), "paper") == (200, 128, 3)
    assert datasets.frame_shape("imagenet200", "strong") == (64, 64, 3)
    with pytest.raises(UnknownName, match="paper, strong"):
        datasets.frame_shape("cifar10", "weak")


def test_frames_resize_exactly_and_leave_native_images_alone():
    gradient = np.array([[0, 100], [200, 40]], np.uint8).reshape(1, 2, 2, 1)
    golden = [[0, 25, 75, 100], [50, 59, 76, 85], [150, 126, 79, 55], [200, 160, 80, 40]]
    assert datasets.frames(gradient, (4, 4, 1))[0, :, :, 0].tolist() == golden
    colour = datasets.frames(np.repeat(gradient, 3, axis=3), (4, 4, 3))
    assert all((colour[0, :, :, c] == golden).all() for c in range(3))
    assert datasets.frames(gradient, (2, 2, 1)) is gradient
    assert datasets.frames(gradient[:0], (4, 4, 1)).shape == (0, 4, 4, 1)
    with pytest.raises(DataError, match="channels"):
        datasets.frames(gradient, (4, 4, 3))


@settings(max_examples=20)
@given(arrays(np.uint8, (6, 4, 4, 3)), st.sampled_from([1, 2, 3, 6]))
def test_the_mosaic_gives_back_every_pixel(images, columns):
    assert (untile(tile(images, columns), 6, 4) == images).all()
