"""What one training step costs: as the published scripts take it, and as ours, in one run on the same batch.

Five steps take turns: "published"; "identical", ours with the same networks and mathematics; "first_order", the same
with the attribution's gradient held constant; "quarter", that on every fourth sample, as the preset `audited` does;
"small", that preset with its own networks. The learning rate is 0, so that all of them see the same weights at every
turn; the work is the same.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agilenn import mapping, networks, references
from agilenn.benchmark import published
from agilenn.config import settings_for
from agilenn.model import AgileModel
from bench import datasets
from bench.errors import BenchError
from bench.training.backend import keras, tf

Row = tuple[str, float | int, str]  # metric, value, unit
STEPS = ("published", "identical", "first_order", "quarter", "small")
CLOCKS = ("cpu", "wall")
CLASSES = 100
TOLERANCE = 1e-5  # of the gradients, relative


@dataclass(frozen=True)
class Case:
    """CIFAR-100 as the scripts train it: frames of 96 x 96, features 32 x 32 x 24, EfficientNetV2-S as reference."""

    side: int = 96
    batch: int = 64
    reference: str = "efficientnetv2s"
    remote: str = "published"
    rounds: int = 10


Step = Callable[[], tuple[Any, list[Any]]]


def batch(case: Case) -> tuple[Any, Any]:
    """Frames (N, H, W, 3) in [0, 1] and labels (N,) from the embedded images."""
    data = datasets.from_sample("cifar100")
    frames = datasets.frames(data.x_test[: case.batch], (case.side, case.side, 3))
    return tf.constant(frames.astype(np.float32) / 255), tf.constant(data.y_test[: case.batch], tf.int64)


def compiled(name: str, model: AgileModel, x: Any, y: Any) -> Step:
    """A step as one TensorFlow function: loss, gradients of all trained weights, update; returns the first two."""
    optimizer = keras.optimizers.SGD(0.0, momentum=0.9, nesterov=True, weight_decay=5e-4)
    optimizer.build(model.trainable_variables)
    if name != "published":
        model.prepare()

    def step(x: Any, y: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            value = loss(name, model, x, y)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return value, gradients

    traced = tf.function(step, autograph=False)
    return lambda: traced(x, y)


def loss(name: str, model: AgileModel, x: Any, y: Any) -> Any:
    """Runs once per step, when TensorFlow traces it."""
    if name == "published":
        return published.loss(model, x, y)
    if name != "small":
        model.attribution = dataclasses.replace(model.attribution, second_order=name == "identical")
        model.settings = dataclasses.replace(model.settings, attributed=0.25 if name == "quarter" else 1.0)
    return model.compute_loss(x, y, model(x, training=True), training=True)


def large(case: Case) -> AgileModel:
    """Preset `scripts` with the case's reference network.

    The centroids are spread: at their published start, all near 3, batch norm would magnify rounding a hundredfold.
    """
    settings = dataclasses.replace(settings_for("cifar100", "full", "scripts"), remote=case.remote)
    extractor = networks.extractor((case.side, case.side, 3), settings.channels, 3)
    shape = extractor.output.shape[1:]
    if case.reference == "efficientnetv2s":
        reference = efficientnet(shape)
    else:
        reference = references.build(case.reference, shape, CLASSES, settings.reference_width)
    model = AgileModel(extractor, reference, CLASSES, settings)
    model.quantizer.places.assign(np.linspace(-2.5, 2.5, 2**settings.bits, dtype=np.float32))
    return model


def small(case: Case) -> AgileModel:
    """Preset `audited` as it is trained."""
    settings = settings_for("cifar100", "full", "audited")
    extractor = mapping.insert(networks.extractor((case.side, case.side, 3), settings.channels, 3))
    shape = extractor.output.shape[1:]
    reference = references.build(settings.reference, shape, CLASSES, settings.reference_width)
    return AgileModel(extractor, reference, CLASSES, settings)


def efficientnet(shape: tuple[int, int, int]) -> Any:
    """EfficientNetV2-S without its stem, as in `references`, but with random weights, so that nothing is downloaded.

    The last batch norm of every block has the scale 0.3: with 1, rounding alone decides a random network's gradients.
    """
    base = keras.applications.EfficientNetV2S(include_top=False, weights=None)
    body = keras.Model(base.get_layer("stem_activation").output, base.output)
    for layer in body.layers:
        if layer.name.endswith("project_bn"):
            layer.gamma.assign(np.full(layer.gamma.shape, 0.3, np.float32))
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling2D()(body(inputs))))


def measure() -> list[Row]:
    """Costs of all steps, then the most memory that each of them takes in a process of its own."""
    case = Case()
    return [*speed(case), *((f"peak_memory_{name}", in_fresh_process(peak, case, name), "MiB") for name in STEPS)]


def speed(case: Case) -> list[Row]:
    """Medians over the rounds. Raises BenchError where "identical" gives other gradients than "published"."""
    keras.utils.set_random_seed(0)
    models = {True: small(case), False: large(case)}
    steps = {name: compiled(name, models[name == "small"], *batch(case)) for name in STEPS}
    rows: list[Row] = [("gradient_difference", compare(steps["published"]()[1], steps["identical"]()[1]), "relative")]
    costs = dict(zip(STEPS, take_turns(list(steps.values()), case.rounds), strict=True))
    for name in STEPS:
        for clock, seconds in zip(CLOCKS, zip(*costs[name], strict=True), strict=True):
            rows.append((f"{clock}_{name}", 1000 * statistics.median(seconds) / case.batch, "ms per image"))
    for name in STEPS[1:]:
        for i, clock in enumerate(CLOCKS):
            ratios = (old[i] / new[i] for old, new in zip(costs["published"], costs[name], strict=True))
            rows.append((f"speedup_{clock}_{name}", statistics.median(ratios), "ratio"))
    return rows


def compare(expected: list[Any], found: list[Any]) -> float:
    """Norm of the difference of two gradients, relative to the first. Raises BenchError above TOLERANCE."""
    one, other = (np.concatenate([np.ravel(part) for part in parts]) for parts in (expected, found))
    difference = float(np.linalg.norm(one - other) / np.linalg.norm(one))
    if not difference <= TOLERANCE:
        raise BenchError("the two training steps have different gradients", expected=f"<= {TOLERANCE}", got=difference)
    return difference


def take_turns(steps: list[Step], rounds: int) -> list[list[tuple[float, float]]]:
    """(CPU, wall) seconds of every step in every round, after one round to warm up."""
    costs: list[list[tuple[float, float]]] = [[] for _ in steps]
    for number in range(rounds + 1):
        for step, cost in zip(steps, costs, strict=True):
            cpu, wall = time.process_time(), time.perf_counter()
            np.asarray(step()[0])
            if number:
                cost.append((time.process_time() - cpu, time.perf_counter() - wall))
    return costs


def peak(case: Case, name: str) -> float:
    """The most memory that this process has held after two steps, MiB."""
    step = compiled(name, (small if name == "small" else large)(case), *batch(case))
    for _ in range(2):
        np.asarray(step()[0])
    return most_memory()


def most_memory() -> float:
    """The most memory that this process has held, MiB. On Linux not ru_maxrss, which a new process takes over."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def in_fresh_process(function: Callable[..., float], *arguments: Any) -> float:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
