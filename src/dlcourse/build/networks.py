"""The networks of the notebooks for programs that train them: plain Keras, on any of its backends.

In the notebooks students see and write them; a test holds both to be the same.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

Pictures = tuple[np.ndarray, np.ndarray]


def digits_dense() -> keras.Model:
    """Section 02: 784 numbers in, ten probabilities out; 407,050 parameters, not compiled."""
    return keras.Sequential(
        [
            keras.Input((28 * 28,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def digits_convnet() -> keras.Model:
    """Section 03: three convolutions on (28, 28, 1); 93,322 parameters, not compiled."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def convnet(side: int = 150, *, dropout: bool) -> keras.Model:
    """Sections 05 and 06 (with dropout): 3,453,121 parameters for (150, 150, 3), not compiled."""
    model = keras.Sequential([keras.Input((side, side, 3))])
    for filters in (32, 64, 128, 128):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    if dropout:
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def classifier(shape: tuple[int, ...], *, dropout: bool = True) -> keras.Model:
    """Section 07's for feature maps of that shape (section 08's without dropout), not compiled."""
    model = keras.Sequential([keras.Input(shape), layers.Flatten()])
    model.add(layers.Dense(256, activation="relu"))
    if dropout:
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def for_two_classes(model: keras.Model, rate: float) -> keras.Model:
    """The model, compiled for one sigmoid unit with RMSprop at that learning rate."""
    model.compile(keras.optimizers.RMSprop(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def read_pictures(folder: Path, side: int) -> Pictures:
    """The JPEG files of a folder with a folder for each class, in the order of their names.

    uint8 (n, side, side, 3), resized by Pillow, and int32 (n,): 0 for the first class by name.
    """
    files = sorted(folder.glob("*/*.jpg"))
    classes = sorted({file.parent.name for file in files})
    size = {"target_size": (side, side), "interpolation": "bilinear"}
    images = np.stack([np.asarray(keras.utils.load_img(file, **size)) for file in files])
    return images, np.array([classes.index(file.parent.name) for file in files], np.int32)


def record(base: keras.Model, preprocess: Callable, pictures: Pictures) -> Pictures:
    """What a base makes of pictures in 0 to 255: float32 feature maps, and the same labels."""
    images, labels = pictures
    starts = range(0, len(images), 20)
    batches = (preprocess(images[start : start + 20].astype("float32")) for start in starts)
    # Every batch is an array; on TensorFlow predict would also take a dataset.
    maps = [keras.ops.convert_to_numpy(base.predict_on_batch(batch)) for batch in batches]
    return np.concatenate(maps), labels
