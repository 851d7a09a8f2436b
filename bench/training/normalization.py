"""Batch normalization in one TensorFlow operation while training: faster steps of a MobileNetV2 on a CPU.

Keras computes moments and output in a dozen element-wise ones. Depthwise convolutions need no such help: TensorFlow's
own kernels beat gradients as shifted sums, as grouped convolutions and under XLA at every shape of our networks.
"""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras, tf


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer with the same variables and values; on maps (N, H, W, C) under TensorFlow, fused while training.

    TensorFlow's gradient of its gradient is wrong: differentiate twice with training=False only, as attributions do.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable and len(inputs.shape) == 4 and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        out, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return out
