"""The mapping layer (Sec 5): a trained 1x1 mapping of the feature channels that exists during joint training only.

It sits between the extractor's last convolution and that one's batch norm. All three are linear, so it folds into the
convolution's kernel exactly. (The paper puts it behind the extractor; behind a ReLU6 it would not fold.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agilenn.selection import last
from bench.training.backend import keras

NAME = "mapping"


def insert(extractor: Any) -> Any:
    """A network of the same layers, and a mapping that starts as the identity. The extractor itself is not changed."""
    convolution, norm = last(extractor)
    mapping = keras.layers.Conv2D(convolution.filters, 1, use_bias=False, name=NAME)
    x = mapping(convolution.output)
    for layer in extractor.layers[extractor.layers.index(norm) :]:
        x = layer(x)
    reset(mapping)
    return keras.Model(extractor.input, x, name=extractor.name)


def fold(extractor: Any, mapped: Any) -> None:
    """Moves the mapping of `mapped`, which was made from the extractor, into the extractor's last kernel.

    Afterwards both networks compute what `mapped` computed before.
    """
    kernel, mapping = last(extractor)[0].kernel, mapped.get_layer(NAME)
    kernel.assign(keras.ops.tensordot(kernel.value, mapping.kernel.value[0, 0], axes=1))
    reset(mapping)


def reset(mapping: Any) -> None:
    """Makes it the identity."""
    mapping.kernel.assign(np.eye(mapping.filters, dtype=np.float32)[None, None])
