"""Which runtime serves a network fastest?

The same MobileNetV2 (without its first convolution, as AgileNN's Remote NN; random weights, 32x32x19 input) in LiteRT
with XNNPACK on one and two threads and in TensorFlow as a compiled graph. Median of single inferences, after warm-up.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.benchmarks import Row
from bench.errors import BenchError

SHAPE, CLASSES = (32, 32, 19), 10
WIDTHS = (0.5, 1.0)
WARM_UP, REPEATS = 20, 200


def milliseconds(infer: Callable[[], object]) -> float:
    """Median time of one call."""
    times = []
    for i in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        infer()
        if i >= WARM_UP:
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def litert(path: Path, threads: int, sample: np.ndarray) -> Callable[[], object]:
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(path), num_threads=threads)
    network.allocate_tensors()
    given, wanted = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def infer() -> Any:
        network.set_tensor(given, sample)
        network.invoke()
        return network.get_tensor(wanted)

    return infer


def tensorflow(model: Any, sample: np.ndarray) -> Callable[[], object]:
    import tensorflow as tf

    call = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec(sample.shape, tf.float32)
    )
    return lambda: call(tf.constant(sample)).numpy()


def measure() -> list[Row]:
    """Milliseconds per inference; raises BenchError if the runtimes disagree on the logits."""
    from bench.training import export
    from bench.training.networks import MOBILENET_V2, mobilenet

    sample = np.random.default_rng(1).normal(size=(1, *SHAPE)).astype(np.float32)
    rows: list[Row] = []
    for width in WIDTHS:
        model = mobilenet(SHAPE, CLASSES, width, MOBILENET_V2, head=1280)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.tflite"
            export.server(model, SHAPE, path)
            runtimes = {f"litert_{threads}_threads": litert(path, threads, sample) for threads in (1, 2)}
            runtimes["tensorflow"] = tensorflow(model, sample)
            reference = np.asarray(runtimes["tensorflow"]())
            times = {}
            for name, infer in runtimes.items():
                if not np.allclose(np.asarray(infer()), reference, rtol=0.02, atol=0.02 * np.abs(reference).max()):
                    raise BenchError(f"{name} computes other logits than TensorFlow")
                times[name] = milliseconds(infer)
                rows.append((f"{name}_width_{width:g}", times[name], "ms"))
            rows.append((f"speedup_litert_width_{width:g}", times["tensorflow"] / times["litert_2_threads"], "ratio"))
    return rows
