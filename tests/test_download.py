"""Downloads against a web server of our own on this machine: arrivals are checked, failures are one line."""

import hashlib
import io
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from bench import datasets, download
from bench.cli import main
from bench.errors import DataError

RNG = np.random.default_rng(1)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch, own_cache):
    """(folder that is served, its address), with an empty cache and no data variable."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def offer(monkeypatch, site, name, files, counts):
    """Serves `files` (name -> bytes) as the official files of a set with these counts."""
    folder, address = site
    listed = []
    for file, data in files.items():
        (folder / file).write_bytes(data)
        listed.append((f"{address}/{file}", hashlib.sha256(data).hexdigest()))
    monkeypatch.setitem(download.FILES, name, tuple(listed))
    monkeypatch.setitem(download.COUNTS, name, counts)


def mat(count):
    buffer = io.BytesIO()
    images = RNG.integers(0, 256, (32, 32, 3, count), np.uint8)
    savemat(buffer, {"X": images, "y": (np.arange(count, dtype=np.uint8)[:, None] % 10) + 1})
    return buffer.getvalue(), images


def jpeg(mode):
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).convert(mode).save(buffer, "JPEG")
    return buffer.getvalue()


def test_svhn_arrives_with_the_digit_zero_as_label_zero(site, monkeypatch, capsys):
    (train, _), (test, pixels) = mat(20), mat(10)
    offer(monkeypatch, site, "svhn", {"train_32x32.mat": train, "test_32x32.mat": test}, (20, 10, 10))
    assert main(["data", "svhn"]) == 0
    data = datasets.load("svhn")
    assert (data.source, data.origin, data.comparable) == ("cache", "official", True)
    assert data.y_test.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert (data.x_test[3] == pixels[:, :, :, 3]).all()
    assert not list(download.downloads().iterdir()), "the archives are removed once the .npz is written"
    capsys.readouterr()
    assert main(["data", "svhn"]) == 0 and "already" in capsys.readouterr().out
    assert main(["data"]) == 0 and "20 train, 10 test" in capsys.readouterr().out


def test_tiny_imagenet_takes_its_validation_set_as_test(site, monkeypatch):
    root, buffer = "tiny-imagenet-200", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{root}/wnids.txt", "n02\nn01\n")
        for wnid in ("n01", "n02"):
            for i in range(3):
                archive.writestr(f"{root}/train/{wnid}/images/{wnid}_{i}.JPEG", jpeg("L" if i else "RGB"))
        archive.writestr(f"{root}/val/val_annotations.txt", "a.JPEG\tn02\t0\t0\t9\t9\nb.JPEG\tn01\t0\t0\t9\t9\n")
        for file in ("a", "b"):
            archive.writestr(f"{root}/val/images/{file}.JPEG", jpeg("RGB"))
    offer(monkeypatch, site, "imagenet200", {"tiny-imagenet-200.zip": buffer.getvalue()}, (6, 2, 2))
    download.write("imagenet200", datasets.provenance.cache("datasets") / "imagenet200.npz")
    data = datasets.load("imagenet200")
    assert data.y_test.tolist() == [1, 0] and data.classes == ("n01", "n02") and "validation" in data.note
    assert data.counts == {"train": 6, "test": 2} and data.shape == (64, 64, 3)


def test_what_arrives_damaged_or_not_at_all_leaves_nothing_behind(site, monkeypatch, capsys):
    (train, _), (test, _) = mat(20), mat(10)
    offer(monkeypatch, site, "svhn", {"train_32x32.mat": train, "test_32x32.mat": test}, (20, 10, 10))
    (site[0] / "test_32x32.mat").write_bytes(test[:-1] + b"?")
    assert main(["data", "svhn"]) == 2
    assert "hash" in capsys.readouterr().err.lower()
    (site[0] / "test_32x32.mat").unlink()
    assert main(["data", "svhn"]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("error: download of svhn failed (404") and "--data-dir" in message
    assert not (datasets.provenance.cache("datasets") / "svhn.npz").exists()


def test_a_sound_file_of_another_size_is_not_taken_for_the_official_set(site, monkeypatch):
    (train, _), (test, _) = mat(20), mat(10)
    offer(monkeypatch, site, "svhn", {"train_32x32.mat": train, "test_32x32.mat": test}, (21, 10, 10))
    folder = datasets.provenance.cache("datasets")
    with pytest.raises(DataError, match="not the official set"):
        download.write("svhn", folder / "svhn.npz")
    assert not list(folder.iterdir())


def test_cifar_comes_through_keras_and_gets_its_class_names(site, monkeypatch):
    images = RNG.integers(0, 256, (30, 32, 32, 3), np.uint8)
    labels = (np.arange(30) % 10)[:, None]
    pair = ((images[:20], labels[:20]), (images[20:], labels[20:]))
    fake = type("keras", (), {"datasets": type("d", (), {"cifar10": type("c", (), {"load_data": lambda: pair})})})
    monkeypatch.setitem(__import__("sys").modules, "keras", fake)
    monkeypatch.setitem(download.COUNTS, "cifar10", (20, 10, 10))
    download.write("cifar10", datasets.provenance.cache("datasets") / "cifar10.npz")
    data = datasets.load("cifar10")
    assert data.classes[3] == "cat" and (data.x_test == images[20:]).all() and data.comparable


def test_a_full_disk_stays_a_full_disk(site, monkeypatch, capsys):
    def full():
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setitem(download.SOURCES, "svhn", full)
    assert main(["data", "svhn"]) == 2 and "disk is full" in capsys.readouterr().err


def test_an_unknown_name_is_refused_before_anything_is_downloaded(site, monkeypatch, capsys):
    monkeypatch.setitem(download.SOURCES, "svhn", lambda: pytest.fail("nothing may be downloaded"))
    assert main(["data", "svhn", "svnh"]) == 2 and "svnh" in capsys.readouterr().err
