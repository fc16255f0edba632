"""What Keras's own layers make of the explorers' settings: the truth that they are held to."""

import keras
import numpy as np


def conv(images, kernel, stride, padding="valid"):
    """(n, h, w) through one kernel (k, k) by keras.layers.Conv2D: (n, rows, columns)."""
    layer = keras.layers.Conv2D(
        1, kernel.shape, strides=stride, padding=padding, use_bias=False, dtype="float32"
    )
    layer.build((None, *images.shape[1:], 1))
    layer.set_weights([kernel[:, :, None, None].astype("float32")])
    return np.asarray(layer(images[..., None].astype("float32")))[..., 0]


def pool(kind, images, window):
    """(n, h, w) through keras.layers.MaxPooling2D or AveragePooling2D, windows side by side."""
    return np.asarray(kind(window)(images[..., None].astype("float32")))[..., 0]
