"""Which runtime serves a network fastest? `python -m bench.server_benchmark` -> results/benchmarks/server.csv.

The same MobileNetV2 (without its first convolution, as AgileNN's Remote NN; random weights, 32x32x19 input) in LiteRT
with XNNPACK on one and two threads and in TensorFlow as a compiled graph. Median of single inferences, after warm-up.
"""

from __future__ import annotations

import csv
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.provenance import ROOT
from bench.results import replace

SHAPE, CLASSES = (32, 32, 19), 10
WIDTHS = (0.5, 1.0)
WARM_UP, REPEATS = 20, 200
COMMAND = "python -m bench.server_benchmark"


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


def main() -> int:
    """Measures, prints and writes the table; fails if the runtimes disagree on the logits."""
    from bench.training import export
    from bench.training.networks import MOBILENET_V2, mobilenet

    sample = np.random.default_rng(1).normal(size=(1, *SHAPE)).astype(np.float32)
    lines = [("metric", "value", "unit", "command")]
    for width in WIDTHS:
        model = mobilenet(SHAPE, CLASSES, width, MOBILENET_V2, head=1280)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.tflite"
            export.server(model, SHAPE, path)
            runtimes = {f"litert_{threads}_threads": litert(path, threads, sample) for threads in (1, 2)}
            runtimes["tensorflow"] = tensorflow(model, sample)
            reference = np.asarray(runtimes["tensorflow"]())
            for name, infer in runtimes.items():
                if not np.allclose(np.asarray(infer()), reference, rtol=0.02, atol=0.02 * np.abs(reference).max()):
                    print(f"{name} computes other logits than TensorFlow", file=sys.stderr)
                    return 1
                lines.append((f"{name}_width_{width:g}", f"{milliseconds(infer):.3f}", "ms", COMMAND))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    replace(ROOT / "results" / "benchmarks" / "server.csv", out.getvalue())
    print(out.getvalue(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
