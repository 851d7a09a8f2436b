"""EfficientNetV2 (Tan and Le 2021) from keras.applications without its stem: the paper's reference network (Sec 7).

As in the published scripts the stem (convolution, batch norm, activation) is cut off and the features take the place of
its output, so they must have as many channels: 24 for V2-S, 32 for V2-B0. Keras downloads the ImageNet weights and
checks their hash.
"""

from __future__ import annotations

from typing import Any

from bench.errors import BenchError
from bench.training.backend import keras

layers = keras.layers
STEMS = {"efficientnetv2s": ("EfficientNetV2S", 24), "efficientnetv2b0": ("EfficientNetV2B0", 32)}


def build(name: str, shape: tuple[int, int, int], classes: int, width: int) -> Any:
    """Features (N, H, W, channels of the stem) -> logits; pooling, dropout 0.5, dense as in the scripts."""
    application, channels = STEMS[name]
    if shape[2] != channels:
        raise BenchError(
            f"the reference network {name} does not fit the feature map",
            expected=f"{(*shape[:2], channels)}, as its stem gives",
            got=shape,
            do=f"set channels = {channels}, or choose efficientnet_lite0 or resnet8, which take any number",
        )
    x = inputs = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(headless(application)(x))
    return keras.Model(inputs, layers.Dense(classes)(layers.Dropout(0.5)(x)), name="reference")


def headless(application: str) -> Any:
    """The network from its stem's output to its last feature map, with ImageNet weights or not at all."""
    try:
        base = getattr(keras.applications, application)(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BenchError(
            f"no ImageNet weights for the reference network {application}",
            expected="Keras to download them, or to find them in its cache (~/.keras/models)",
            got=reason,
            do="check the network and run again, or choose another reference network (resnet8 needs no download)",
        ) from None
    return keras.Model(base.get_layer("stem_activation").output, base.output)
