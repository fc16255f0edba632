"""The digit that moves, over every shift, against pixels moved one by one and Keras's answers."""

import keras
import numpy as np
import pytest

from dlcourse.data import synthetic_digits
from dlcourse.teach import draw_shift_curve, draw_shifted, shift_explorer
from dlcourse.teach.learned import feature_maps
from dlcourse.teach.redrawn import Redrawn
from dlcourse.teach.shifting import REACH, probabilities, shift

DIGITS, LABELS = synthetic_digits(3, 4432)
SHIFTS = range(-REACH, REACH + 1)


def moved_pixel_by_pixel(image, dx, dy):
    moved = np.zeros_like(image)
    for row, column in np.ndindex(image.shape):
        if 0 <= row + dy < image.shape[0] and 0 <= column + dx < image.shape[1]:
            moved[row + dy, column + dx] = image[row, column]
    return moved


@pytest.fixture(scope="module")
def networks():
    """A dense network and a convnet for digits, both with weights that tell pictures apart."""
    keras.utils.set_random_seed(4432)
    layers = keras.layers
    last = {"activation": "softmax", "kernel_initializer": keras.initializers.RandomNormal(0, 1, 1)}
    dense = keras.Sequential([keras.Input((784,)), layers.Dense(10, **last)])
    convnet = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, **last),
        ]
    )
    return dense, convnet


def answers(networks, image):
    """What Keras's `predict` says, each network given the form that it takes."""
    dense, convnet = networks
    pixels = image.astype("float32") / 255
    rows = dense.predict(pixels.reshape(1, 784), verbose=0)
    return rows[0], convnet.predict(pixels[None, ..., None], verbose=0)[0]


@pytest.mark.parametrize("dy", [*SHIFTS, -28, 28, 40])
def test_every_shift_moves_each_pixel_and_fills_with_black(dy):
    for dx in (*SHIFTS, -28, 28, 40):
        expected = moved_pixel_by_pixel(DIGITS[0], dx, dy)
        np.testing.assert_array_equal(shift(DIGITS[0], dx, dy), expected)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_batch_moves_like_its_pictures_and_stays_as_it_is(dtype):
    batch = DIGITS.astype(dtype)
    before, moved = batch.copy(), shift(batch, 3, -2)
    assert moved.dtype == dtype
    np.testing.assert_array_equal(batch, before)
    for picture, found in zip(batch, moved, strict=True):
        np.testing.assert_array_equal(found, moved_pixel_by_pixel(picture, 3, -2))
    assert not np.shares_memory(shift(batch, 0), batch)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.long)])
def test_every_place_shows_the_moved_digit_and_what_both_networks_read(networks, monkeypatch, step):
    monkeypatch.setattr(Redrawn, "png", lambda self: b"")
    explorer = shift_explorer(DIGITS, LABELS, *networks)
    digit, right, down = explorer.inputs
    digit.value = 1
    for dx in SHIFTS[::step]:
        right.value = dx
        for dy in SHIFTS[::step]:
            down.value = dy
            expected = moved_pixel_by_pixel(DIGITS[1], dx, dy)
            figure = explorer.draw(1, dx, dy).figure
            shown = figure.axes[0].images[0].get_array()
            np.testing.assert_allclose(shown, expected / 255)
            words = explorer.words.value
            assert f"A {LABELS[1]}, moved by {dx} pixels to the right and {dy} down." in words
            lost = 1 - expected.sum() / DIGITS[1].sum()
            assert (f"{lost:.0%} of its ink has left" in words) == (lost > 0.005)


def test_the_bars_and_the_headline_are_keras_answers(networks):
    for number, dx, dy in ((0, 0, 0), (1, 5, -3), (2, -8, 8)):
        figure = draw_shifted(DIGITS[number], LABELS[number], *networks, dx, dy).figure
        expected = answers(networks, moved_pixel_by_pixel(DIGITS[number], dx, dy))
        for bars, answer in zip(figure.axes[2].containers, expected, strict=True):
            np.testing.assert_allclose([bar.get_height() for bar in bars], answer, atol=1e-5)
        headline = figure.get_suptitle()
        for name, answer in zip(("dense network", "convnet"), expected, strict=True):
            best = answer.argmax()
            mark = "✓" if best == LABELS[number] else "✗"
            assert f"{name}: {best} {mark} ({answer[best]:.0%})" in headline


def test_the_feature_map_is_that_of_the_moved_digit(networks):
    picture = draw_shifted(DIGITS[0], LABELS[0], *networks, 4, 2)
    moved = moved_pixel_by_pixel(DIGITS[0], 4, 2)
    loudest = feature_maps(networks[1], DIGITS[0])[0][1].sum(axis=(0, 1)).argmax()
    kernel, bias = networks[1].layers[0].get_weights()
    windows = np.lib.stride_tricks.sliding_window_view(moved / 255, (3, 3))
    sums = np.einsum("ijkl,kl->ij", windows, kernel[:, :, 0, loudest]) + bias[loudest]
    shown = picture.figure.axes[1].images[0].get_array()
    np.testing.assert_allclose(shown, np.maximum(sums, 0), atol=1e-5)


@pytest.mark.parametrize("control", range(3), ids=["digit", "right", "down"])
def test_a_move_of_a_control_changes_the_picture_and_its_words(networks, control):
    explorer = shift_explorer(DIGITS, LABELS, *networks)
    picture, words = explorer.image.value, explorer.words.value
    explorer.inputs[control].value += 1
    assert explorer.image.value[:4] == b"\x89PNG" and explorer.image.value != picture
    assert explorer.words.value != words


def test_a_network_gets_rows_or_pictures_as_it_asks(networks):
    for network, expected in zip(networks, answers(networks, DIGITS[2]), strict=True):
        np.testing.assert_allclose(probabilities(network, DIGITS[2]), expected, atol=1e-5)


def test_the_curve_shows_both_networks_and_says_their_shares():
    picture = draw_shift_curve([0, 2, 4], [0.9, 0.5, 0.2], [1.0, 0.8, 0.4])
    dense, convnet = picture.figure.axes[0].lines[:2]
    assert dense.get_xydata().tolist() == [[0, 0.9], [2, 0.5], [4, 0.2]]
    assert convnet.get_xydata().tolist() == [[0, 1.0], [2, 0.8], [4, 0.4]]
    assert "2 pixels 0.50 against 0.80" in picture.alt
