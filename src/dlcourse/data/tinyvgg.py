"""A pretrained base for drawn pictures: VGG16 made narrow.

Its weights, beside this file, come from `python -m dlcourse.data.train_tinyvgg`.
"""

from collections.abc import Callable
from pathlib import Path

# VGG16's five blocks: how many convolutions each has, and tinyvgg's number of filters in them.
# (VGG16 has 64, 128, 256, 512 and 512.)
DEPTHS = (2, 2, 3, 3, 3)
WIDTHS = (8, 16, 32, 64, 96)

WEIGHTS = Path(__file__).with_name("tinyvgg.weights.h5")
# The script prints it.
SHA256 = "c0d56fde0231adbda0bab1765084eecbabc3d6d74bce4064c0deecccb0666f80"


def tinyvgg(input_shape: tuple[int, int, int]) -> object:
    """The base as a Keras model with random weights; pictures of at least 32 x 32 x 3.

    Its layers have the names of VGG16's. It takes what VGG16 takes:
    `keras.applications.vgg16.preprocess_input` of pictures in 0 to 255.
    """
    from keras import layers

    def convolution(x: object, filters: int, name: str) -> object:
        return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)

    return five_blocks(input_shape, convolution)


def five_blocks(input_shape: tuple[int, int, int], convolution: Callable) -> object:
    """VGG16's order of convolutions and pooling; `convolution(x, filters, name)` adds one."""
    import keras

    pictures = x = keras.Input(input_shape)
    for block, (depth, filters) in enumerate(zip(DEPTHS, WIDTHS, strict=True), start=1):
        for number in range(1, depth + 1):
            x = convolution(x, filters, f"block{block}_conv{number}")
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(pictures, x, name="tinyvgg")
