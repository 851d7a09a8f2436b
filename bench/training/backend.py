"""The one place that imports TensorFlow and Keras: `from bench.training.backend import keras, tf`.

They start quietly: what C++ code writes to file descriptor 2 is shown only if the import fails. TensorFlow's operations
are told to be deterministic: without that a training on a busy machine now and then ends with other digits. The digits
are those of a number of cores: on another one, sums are cut in other places.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back what C++ code writes to file descriptor 2; on an exception it is shown after all."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with quiet():
    import absl.logging
    import keras
    import tensorflow as tf

    absl.logging.set_verbosity(absl.logging.ERROR)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.experimental.enable_op_determinism()
    tf.constant(0)  # starts the runtime, which writes once more


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of tensors, fused by XLA under TensorFlow: far faster where it has element-wise steps only.

    JAX compiles the whole training step anyway. Convolutions are faster without (oneDNN).
    """
    if keras.backend.backend() != "tensorflow":
        return function
    fused = tf.function(function, jit_compile=True)
    return lambda *tensors: fused(*map(tf.convert_to_tensor, tensors))


__all__ = ["compiled", "keras", "quiet", "tf"]
