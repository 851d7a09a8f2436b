"""`data NAME...|all`: downloads and checks images into the user cache; without a name it says what is found where."""

from __future__ import annotations

import argparse
import errno
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import datasets, provenance
from bench.cli import Command
from bench.errors import BenchError, DataError, UnknownName
from bench.files import partial
from bench.imagefile import ImageFile
from bench.sample import read as sample

Arrays = dict[str, np.ndarray]
# URL and SHA-256. SVHN: from TensorFlow Datasets' checksums of svhn_cropped; torchvision's prototypes have the same.
# Tiny-ImageNet (248,100,043 bytes): several independent projects record the same hash.
FILES = {
    "svhn": (
        (
            "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        (
            "http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
    ),
    "imagenet200": (
        (
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
        ),
    ),
}
COUNTS = {  # training images, test images, classes
    "cifar10": (50_000, 10_000, 10),
    "cifar100": (50_000, 10_000, 100),
    "svhn": (73_257, 26_032, 10),
    "imagenet200": (100_000, 10_000, 200),
}


class Download(Command):
    claim = "downloads and checks image data; without a name: what is found where"
    minutes = "1-10"
    disk = "0.2-1.4 GB each"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(COUNTS)} or all")
        parser.add_argument("--data-dir", type=Path, help="look in this folder of NAME.npz files first")

    def run(self, args: argparse.Namespace) -> int:
        names = list(COUNTS) if args.names == ["all"] else args.names
        for name in names:
            if name not in (*COUNTS, "digits"):
                raise UnknownName("data set", name, [*COUNTS, "digits", "all"])
        for name in names:
            target = provenance.cache("datasets") / f"{name}.npz"
            if name == "digits":
                print("digits: comes with scikit-learn, nothing to download")
            elif target.exists():
                print(f"{name}: already at {target}")
            else:
                print(f"{name}: downloading")
                write(name, target)
                print(f"{name}: written to {target}")
        if not names:
            print("\n".join(survey(args.data_dir)))
        return 0


def survey(data_dir: Path | None = None) -> list[str]:
    """One line a data set: name, images, where they are and what is special, or how to get them."""
    lines = []
    for name in datasets.available(data_dir):
        found = any((folder / f"{name}.npz").is_file() for _, folder in datasets.folders(data_dir))
        try:
            if name == "digits" and not found:
                text = "1,258 train, 539 test; built in (scikit-learn)"
            else:
                data = datasets.load(name, data_dir)
                place = data.path or "embedded sample"
                text = f"{data.counts['train']:,} train, {data.counts['test']:,} test; {place}; {data.note}"
        except DataError as error:
            text = str(error) if found else f"not here; get it: ./reproduce.sh data {name}"
        lines.append(f"{name:<12} {text}")
    return lines


def write(name: str, target: Path) -> None:
    """Downloads one set and writes target (temporary name, then renamed). Raises DataError with the cause."""
    arrays = guarded(name, SOURCES[name])
    with partial(target) as temporary:
        np.savez(temporary, source=np.array("official"), **arrays)  # type: ignore[arg-type]
        check(name, temporary)
    for url, _ in FILES.get(name, ()):
        (downloads() / file_name(url)).unlink(missing_ok=True)


def guarded(name: str, source: Callable[[], Arrays]) -> Arrays:
    """Runs a source; whatever goes wrong on the way becomes one DataError. A full disk stays an OSError."""
    try:
        return source()
    except BenchError:
        raise
    except Exception as error:  # network libraries raise anything, Keras a bare Exception
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        do = f"check the network and run it again, or put {name}.npz into a folder and give --data-dir FOLDER"
        raise DataError(f"download of {name} failed ({reason})", do=do) from None


def check(name: str, path: Path) -> None:
    """Raises DataError unless the file is sound and has the official number of images and classes."""
    file = ImageFile(path)
    got = (file.counts["train"], file.counts["test"], len(file.classes), file.shape)
    expected = (*COUNTS[name], datasets.NATIVE[name])
    if got != expected:
        raise DataError(f"{name}: not the official set", expected=expected, got=got)


def fetch(name: str) -> list[Path]:
    """The set's files in the cache's downloads folder, each checked. Raises what pooch and requests raise."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    return [
        Path(pooch.retrieve(url, f"sha256:{sha256}", fname=file_name(url), path=downloads(), progressbar=True))
        for url, sha256 in FILES[name]
    ]


def downloads() -> Path:
    return provenance.cache("downloads")


def file_name(url: str) -> str:
    return url.rpartition("/")[2]


def cifar(name: str) -> Arrays:
    """CIFAR-10 or CIFAR-100 (fine labels) through Keras, which checks the archive's SHA-256. Krizhevsky 2009."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    classes = np.array(sample.load(name)[3])
    return {"x_train": x_train, "y_train": y_train[:, 0], "x_test": x_test, "y_test": y_test[:, 0], "classes": classes}


def svhn() -> Arrays:
    """Cropped 32x32 digits; the files' label 10 is the digit 0. Netzer et al. 2011; non-commercial research only."""
    from scipy.io import loadmat

    arrays = {"classes": np.array(list("0123456789"))}
    for split, path in zip(("train", "test"), fetch("svhn"), strict=True):
        content = loadmat(path)
        arrays[f"x_{split}"] = np.ascontiguousarray(content["X"].transpose(3, 0, 1, 2))
        arrays[f"y_{split}"] = content["y"][:, 0].astype(np.int64) % 10
    return arrays


def imagenet200() -> Arrays:
    """Tiny-ImageNet-200; test = its validation set (test labels are not public). Non-commercial research only."""
    [path] = fetch("imagenet200")
    with zipfile.ZipFile(path) as archive:
        root = "tiny-imagenet-200"
        classes = sorted(archive.read(f"{root}/wnids.txt").decode().split())
        number = {wnid: i for i, wnid in enumerate(classes)}
        pattern = re.compile(rf"{root}/train/(\w+)/images/.*\.JPEG")
        train = [(m[0], number[m[1]]) for m in map(pattern.fullmatch, sorted(archive.namelist())) if m]
        rows = [line.split("\t") for line in archive.read(f"{root}/val/val_annotations.txt").decode().splitlines()]
        test = [(f"{root}/val/images/{row[0]}", number[row[1]]) for row in rows]
        arrays = {"classes": np.array(classes)}
        for split, listed in (("train", train), ("test", test)):
            arrays[f"x_{split}"] = pictures(archive, [name for name, _ in listed])
            arrays[f"y_{split}"] = np.array([label for _, label in listed], np.int64)
    return arrays


def pictures(archive: zipfile.ZipFile, names: list[str]) -> np.ndarray:
    """uint8 (N, 64, 64, 3) from the archive's JPEG files."""
    from PIL import Image
    from tqdm import tqdm

    out = np.empty((len(names), 64, 64, 3), np.uint8)
    for i, name in enumerate(tqdm(names, unit="image", leave=False)):
        with archive.open(name) as file, Image.open(file) as image:
            out[i] = np.asarray(image.convert("RGB"))
    return out


SOURCES: dict[str, Callable[[], Arrays]] = {
    "cifar10": lambda: cifar("cifar10"),
    "cifar100": lambda: cifar("cifar100"),
    "svhn": svhn,
    "imagenet200": imagenet200,
}
