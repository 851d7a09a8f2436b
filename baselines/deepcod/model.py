"""The second step of training: encoder, quantizer, decoder and task network together, as one Keras model."""

from __future__ import annotations

from typing import Any

from baselines.deepcod.method import Settings
from bench.training.backend import keras
from bench.training.loss import cross_entropy
from bench.training.quantizer.cells import HIGH, LOW, entropy, shares
from bench.training.quantizer.ema import RunningMeans

ops = keras.ops
TRACKED = ("accuracy", "prediction_loss", "reconstruction_loss", "distillation_loss", "symbol_entropy")


class DeepCODModel(keras.Model):
    """Frames (N, H, W, C) in [0, 1] -> dict of logits (N, classes), frame (the reconstruction) and codes (quantized).

    Loss = reconstruction * squared error of the frame in [-1, 1] + distillation * squared distance of the logits from
    those of the teacher, which sees the original frame, + cross-entropy of the logits.
    """

    def __init__(self, encoder: Any, decoder: Any, task: Any, teacher: Any, settings: Settings) -> None:
        super().__init__(name="deepcod")
        self.settings = settings
        self.encoder, self.decoder, self.task, self.teacher = encoder, decoder, task, teacher
        self.teacher.trainable = False
        self.quantizer = RunningMeans(settings.bits)
        self.means = {name: keras.metrics.Mean(name) for name in TRACKED}
        self(ops.zeros((1, *encoder.input.shape[1:])))

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        # the device clamps nothing: beyond the outermost centres a code has their symbols anyway
        codes = ops.clip(self.encoder(x, training=training), LOW, HIGH)
        codes = self.quantizer(codes, training=training)
        frame = self.decoder(codes, training=training)
        return {"logits": self.task(frame, training=training), "frame": frame, "codes": codes}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        settings, logits = self.settings, y_pred["logits"]
        teacher = ops.stop_gradient(self.teacher(x, training=False))
        values = {
            "accuracy": ops.equal(ops.argmax(logits, axis=-1), ops.cast(y, "int32")),
            "prediction_loss": cross_entropy(y, logits, settings.smoothing if training else 0.0),
            "reconstruction_loss": ops.mean(ops.square(2 * (y_pred["frame"] - x)), axis=(1, 2, 3)),
            "distillation_loss": ops.mean(ops.square(logits - teacher), axis=-1),
            "symbol_entropy": entropy(shares(y_pred["codes"], self.quantizer.centroids)),
        }
        for name, value in values.items():
            self.means[name].update_state(value)
        return ops.mean(
            settings.reconstruction * values["reconstruction_loss"]
            + settings.distillation * values["distillation_loss"]
            + values["prediction_loss"]
        )
