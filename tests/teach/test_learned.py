"""Filters and feature maps of a convnet, over every layer and channel, against Keras itself."""

import keras
import numpy as np
import pytest

from dlcourse.data import synthetic_digits
from dlcourse.teach import draw_feature_maps, draw_filters, feature_map_explorer
from dlcourse.teach.learned import feature_maps, first_filters, mosaic
from dlcourse.teach.redrawn import Redrawn

DIGITS = synthetic_digits(2, 4431)[0]
NAMES = ["Conv2D 1", "MaxPooling2D 1", "Conv2D 2", "MaxPooling2D 2"]


@pytest.fixture(scope="module")
def model():
    """A small one of the section's kind, with a last part of its own as in later sections."""
    keras.utils.set_random_seed(4431)
    layers = keras.layers
    base = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(9, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, 3, activation="relu"),
            layers.MaxPooling2D(2),
        ]
    )
    return keras.Sequential([base, layers.Flatten(), layers.Dense(10)])


@pytest.fixture(scope="module")
def truth(model):
    """For each digit, what Keras's own model of the inner layers says of it."""
    base = model.layers[0]
    inner = keras.Model(base.inputs, [layer.output for layer in base.layers])
    return [
        [np.asarray(each)[0] for each in inner(digit[None, ..., None] / 255)] for digit in DIGITS
    ]


def test_the_maps_are_those_of_keras_layer_by_layer(model, truth):
    for digit, expected in zip(DIGITS, truth, strict=True):
        found = feature_maps(model, digit)
        assert [name for name, _ in found] == NAMES
        for (_, features), wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(features, wanted, atol=1e-5)


def test_every_digit_layer_and_channel_can_be_reached_and_shows_the_map_of_keras(
    model, truth, monkeypatch
):
    monkeypatch.setattr(Redrawn, "png", lambda self: b"")
    explorer = feature_map_explorer(model, DIGITS)
    digit, layer, channel = explorer.inputs
    reached = 0
    # The deepest layer last and the last channels first: each layer must bound the channel anew.
    for number, maps in enumerate(truth):
        digit.value = number
        for place, expected in enumerate(maps):
            layer.value = place
            assert channel.max + 1 == expected.shape[-1]
            for chosen in reversed(range(channel.max + 1)):
                channel.value = chosen
                axes = explorer.draw(number, place, chosen).figure.axes
                shown = axes[2].images[0].get_array()
                share = expected[..., chosen] / expected.max()
                np.testing.assert_allclose(shown, share, atol=1e-5)
                said = f"{NAMES[place]} gives a feature map of shape {expected.shape}. "
                assert said + f"Channel {chosen} " in explorer.words.value
                brightest = np.unravel_index(shown.argmax(), shown.shape)
                where = f"is largest at row {brightest[0]}, column {brightest[1]}"
                assert (where if shown.max() > 0 else "zero everywhere") in explorer.words.value
                reached += 1
    assert reached == 2 * (9 + 9 + 5 + 5)


def test_a_layer_with_fewer_channels_moves_the_channel_to_its_last(model):
    explorer = feature_map_explorer(model, DIGITS)
    digit, layer, channel = explorer.inputs
    channel.value = 8
    layer.value = 2
    assert (channel.max, channel.value) == (4, 4)
    assert "Conv2D 2 gives a feature map of shape (11, 11, 5). Channel 4 " in explorer.words.value
    before = explorer.image.value
    digit.value = 1
    assert explorer.image.value[:4] == b"\x89PNG" and explorer.image.value != before


def test_the_mosaic_marks_the_channel_that_is_enlarged(model, truth):
    picture = draw_feature_maps(model, DIGITS[0], layer=2, channel=3)
    _, middle, right = picture.figure.axes[:3]
    mark, sheet = middle.patches[0], middle.images[0].get_array()
    left, top = (int(at + 0.5) for at in mark.get_xy())
    side = int(mark.get_width())
    enlarged = right.images[0].get_array()
    np.testing.assert_allclose(sheet[top : top + side, left : left + side], enlarged, rtol=1e-6)
    share = truth[0][2] / truth[0][2].max()
    np.testing.assert_allclose(enlarged, share[..., 3], atol=1e-5)


def test_by_default_the_channel_with_the_largest_sum_is_shown(model, truth):
    loudest = truth[1][1].sum(axis=(0, 1)).argmax()
    assert f"Channel {loudest} " in draw_feature_maps(model, DIGITS[1], layer=1).alt


@pytest.mark.parametrize("count", [1, 8, 9])
def test_a_mosaic_keeps_every_channel_whole(count):
    channels = np.arange(count * 6.0).reshape(count, 2, 3)
    sheet = mosaic(channels)
    assert sheet.shape == (3 * -(-count // 8) - 1, 31)
    assert sorted(sheet[~np.isnan(sheet)]) == channels.ravel().tolist()
    for index in range(count):
        top, left = 3 * (index // 8), 4 * (index % 8)
        np.testing.assert_array_equal(sheet[top : top + 2, left : left + 3], channels[index])


def test_the_filters_are_those_of_the_first_convolution(model):
    kernel = np.asarray(model.layers[0].layers[0].kernel)
    found = first_filters(model)
    assert found.shape == (9, 3, 3)
    for number in range(9):
        np.testing.assert_array_equal(found[number], kernel[:, :, 0, number])


def test_the_picture_of_the_filters_counts_those_with_both_signs(model):
    model = keras.models.clone_model(model)
    first = model.layers[0].layers[0]
    kernel = np.ones((3, 3, 1, 9), "float32")
    kernel[0, :, :, :4] = -1
    first.set_weights([kernel, np.zeros(9)])
    picture = draw_filters(model)
    assert "The 9 filters of the first layer, each of 3 × 3 weights; 4 of them" in picture.alt
    low, high = picture.figure.axes[0].images[0].get_clim()
    assert (low, high) == (-1, 1)
