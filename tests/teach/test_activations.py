"""The activation explorer computes what Keras computes, and its sliders reach every value."""

import itertools

import keras
import numpy as np

from dlcourse.teach import activation_explorer, draw_activations
from dlcourse.teach.activations import HIGH, LOW, START, STEP, sigmoid, softmax

VALUES = np.arange(LOW, HIGH + STEP, STEP)


def test_both_activations_are_those_of_keras_over_the_whole_grid():
    grid = np.array(list(itertools.product(VALUES, repeat=4)), dtype="float32")
    for ours, theirs in (
        (sigmoid, keras.activations.sigmoid),
        (softmax, keras.activations.softmax),
    ):
        expected = keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(grid)))
        np.testing.assert_allclose(ours(grid), expected, atol=1e-6)


def test_the_sliders_offer_the_grid():
    sliders = activation_explorer().children[0].children
    assert [(s.min, s.max, s.step) for s in sliders] == [(LOW, HIGH, STEP)] * 4
    assert tuple(s.value for s in sliders) == START


def test_moving_a_slider_redraws_picture_and_words():
    panel = activation_explorer()
    sliders, image, words = panel.children[0].children, panel.children[1], panel.children[2]
    before = image.value, words.value
    sliders[2].value = 5.0
    assert image.value != before[0]
    assert words.value == draw_activations((2.0, 1.0, 5.0, -2.0)).alt


def test_the_figure_says_the_two_sums():
    titles = [axes.get_title() for axes in draw_activations((0.0, 0.0, 0.0, 0.0)).figure.axes]
    assert titles == ["sigmoid: the outputs sum to 2.00", "softmax: the outputs sum to 1.00"]


def test_extreme_scores_neither_overflow_nor_lose_the_sum():
    assert softmax(np.array([1000.0, 0.0])).sum() == 1.0
