"""Figures that are drawn over: what was moved is shown as if everything had been drawn anew."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from dlcourse.data import synthetic_digits
from dlcourse.teach import (
    augmentation_explorer,
    feature_map_explorer,
    response_explorer,
    shift_explorer,
)
from dlcourse.teach.augmenting import UNANSWERED, YES
from dlcourse.teach.redrawn import Panels

layers = keras.layers
DIGITS, LABELS = synthetic_digits(3, 8311)
PICTURES = np.random.default_rng(8313).random((2, 24, 32, 3))


def convnet():
    keras.utils.set_random_seed(8312)
    stack = [layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()]
    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Dense(10, "softmax")])


def dense():
    return keras.Sequential([keras.Input((784,)), layers.Dense(10, "softmax")])


EXPLORERS = {
    "response": (
        lambda: response_explorer(DIGITS),
        [(0, ((0, 0, 0), (0, 1, 0), (0, 0, -1)), 3, 20), (2, ((-1, 0, 1),) * 3, 14, 9)],
    ),
    "feature maps": (lambda: feature_map_explorer(convnet(), DIGITS), [(1, 1, 7), (2, 0, 3)]),
    "shifted": (
        lambda: shift_explorer(DIGITS, LABELS, dense(), convnet()),
        [(1, -5, 4), (2, 8, -8)],
    ),
    "augmented": (
        lambda: augmentation_explorer(PICTURES, ["cat", "dog"]),
        [
            (1, 90, 0.2, 0.4, 0.2, "upside down", 3, UNANSWERED),
            (0, 0, 0.0, 0.0, 0.8, "none", 7, YES),
        ],
    ),
}


def seen(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def drawn_whole(panels):
    """The figure as Matplotlib draws it when nothing is left out."""
    for artist in panels.moving:
        artist.set_animated(False)
    whole = io.BytesIO()
    panels.figure.savefig(whole, format="png", dpi="figure")
    for artist in panels.moving:
        artist.set_animated(True)
    return seen(whole.getvalue())


@pytest.mark.parametrize("name", EXPLORERS)
def test_what_is_drawn_over_looks_like_what_is_drawn_anew(name):
    make, settings = EXPLORERS[name]
    explorer = make()
    for values in [*settings, settings[0]]:
        picture = explorer.draw(*values)
        over = seen(picture.png())
        anew = drawn_whole(picture.panels)
        assert over.shape == anew.shape
        # Where an axis line crosses a picture, the order may differ by a shade.
        assert np.mean(np.abs(over - anew).max(axis=2) > 40) < 0.002


@pytest.mark.parametrize("name", ["response", "shifted", "augmented"])
def test_nothing_of_the_move_before_stays(name):
    make, (first, second) = EXPLORERS[name]
    explorer = make()
    fresh = explorer.draw(*first).png()
    explorer.draw(*second).png()
    assert explorer.draw(*first).png() == fresh


def test_panels_that_name_nothing_that_moves_are_drawn_whole():
    class Dot(Panels):
        def __init__(self):
            super().__init__(2, 1)
            axes = self.figure.subplots()
            axes.set(xlim=(0, 1), ylim=(0, 1))
            (self.dot,) = axes.plot([0.1], [0.5], "o")
            self.settle()

    panels = Dot()
    before = panels.picture("a dot").png()
    panels.dot.set_xdata([0.9])
    assert panels.picture("a dot, moved").png() != before
