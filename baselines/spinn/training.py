"""All exits and the last classifier trained together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from baselines.spinn.method import Settings
from baselines.spinn.network import STRIDES, Progressive, build
from bench.training.backend import keras
from bench.training.budget import SMOOTHING, plan
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit
from bench.training.loss import cross_entropy
from bench.training.task import Task

ops = keras.ops


@dataclass(frozen=True)
class Trained:
    """The network with the weights of its best epoch, and how it was made."""

    network: Progressive
    record: dict[str, Any]


class Joint(keras.Model):
    """Loss = CE(last) + exit_weight * sum of CE(exit). Its metrics: accuracy of the last, of each exit, and the loss
    of the last alone.
    """

    def __init__(self, network: Any, exit_weight: float) -> None:
        super().__init__(name="spinn")
        self.network, self.exit_weight = network, exit_weight
        names = [*(f"exit{i + 1}_accuracy" for i in range(len(network.outputs) - 1)), "accuracy"]
        self.right = [keras.metrics.SparseCategoricalAccuracy(name) for name in names]
        self.prediction_loss = keras.metrics.Mean("prediction_loss")
        self.build(network.inputs[0].shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.network(x, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        smoothing = SMOOTHING if training else 0.0
        *early, last = (ops.mean(cross_entropy(y, logits, smoothing)) for logits in y_pred)
        self.prediction_loss.update_state(last)
        for metric, logits in zip(self.right, y_pred, strict=True):
            metric.update_state(y, logits)
        return last + self.exit_weight * sum(early)


def train(task: Task, settings: Settings, name: str) -> Trained:
    """Trains or resumes, as the budget rule says; all splits are of one training."""
    keras.utils.set_random_seed(task.request.seed)
    network = build(task.frame, task.classes, settings, task.stride)
    schedule = Schedule(**dataclasses.asdict(plan(task.data.name, task.request.budget)))
    batches = task.batches(schedule.batch)
    model = Joint(network.whole, settings.exit_weight)
    model.compile(schedule.optimizer(len(batches)))
    chosen = {**dataclasses.asdict(settings), **dataclasses.asdict(schedule), "strides": STRIDES}
    history = fit(
        model, batches, task.validation(), schedule, folder(task.key("spinn", **chosen)),
        fresh=task.request.fresh, deadline=task.deadline, kept=task.request.out / "weights.npz",
    )  # fmt: skip
    record = {**task.record(name, history, schedule.epochs), "settings": dataclasses.asdict(settings)}
    return Trained(network, record)
