"""Makes the .tflite files of this folder with the standard converter: python tests/golden/networks/make.py."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = Path(__file__).parent


def extractor() -> keras.Model:
    """Two separable convolutions, as AgileNN's extractor on a small frame."""
    x = inputs = keras.Input((24, 24, 3), batch_size=1)
    x = layers.SeparableConv2D(4, 3, strides=3, padding="same", activation="relu6")(x)
    x = layers.SeparableConv2D(24, 3, padding="same", activation="relu6")(x)
    return keras.Model(inputs, x)


def classifier() -> keras.Model:
    """One of everything else: stride, zero padding, batch normalization, residual sum, poolings, dense, softmax."""
    x = inputs = keras.Input((16, 16, 1), batch_size=1)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    x = layers.DepthwiseConv2D(3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(8, 1)(x)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.AveragePooling2D(2)(layers.MaxPooling2D(2)(x))
    x = layers.Dense(10)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Softmax()(x))


def mean_head() -> keras.Model:
    """Global average pooling and a dense layer on a feature map."""
    inputs = keras.Input((5, 7, 6), batch_size=1)
    x = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(inputs))
    return keras.Model(inputs, layers.Dense(3)(x))


def export(name: str, model: keras.Model) -> None:
    """Full int8 with pixel-like representative inputs that reach 0 and 1."""
    rng = np.random.default_rng(7)
    for weights in model.weights:  # untrained batch statistics are too tame
        if "moving" in weights.path or "beta" in weights.path:
            weights.assign(rng.uniform(0.3, 1.2, weights.shape))
    samples = rng.random((50, *model.input_shape[1:])).astype(np.float32)
    samples[0].flat[:2] = 0, 1
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([s[None]] for s in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (HERE / f"{name}.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    for maker in (extractor, classifier, mean_head):
        export(maker.__name__, maker())
