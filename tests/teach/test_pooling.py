"""The pooling explorer, over every setting, against Keras's convolution and pooling layers."""

import itertools
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
from conv_by_keras import conv, pool

from dlcourse.data import synthetic_digits
from dlcourse.teach import pooling

DIGIT = synthetic_digits(1, 4410)[0][0]
SETTINGS = list(itertools.product(pooling.KERNELS, pooling.WINDOWS, pooling.SHIFTS))
SVG = "{http://www.w3.org/2000/svg}"


def texts_of(svg, name):
    (found,) = (g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("class") == name)
    return [text.text for text in found.iter(f"{SVG}text")]


def by_keras(pattern, window, shift):
    """The feature map and, by name, its three smaller versions."""
    image = np.roll(DIGIT.astype(int), shift, axis=1)[None]
    kernel = pooling.KERNELS[pattern]
    features = np.maximum(conv(image, kernel, 1), 0)
    places = features.shape[1] // window
    strided = np.maximum(conv(image, kernel, window), 0)[:, :places, :places]
    return features[0], {
        "max": pool(keras.layers.MaxPooling2D, features, window)[0],
        "average": pool(keras.layers.AveragePooling2D, features, window)[0],
        "strided": strided[0],
    }


def shades(values, full):
    """How many squares of a map are drawn: those that are not white."""
    return int(np.sum(np.rint(20 * values / full) > 0))


@pytest.fixture(scope="module")
def walked():
    """Every setting and every window of the real widget: (setting, row, column) -> SVG."""
    explorer, found = pooling.pooling_explorer(DIGIT), {}
    for pattern, window, shift in SETTINGS:
        explorer.pattern.value, explorer.window.value = pattern, window
        explorer.shift.value = shift
        # The last places first, so that each setting starts from a value that must still fit.
        for row in reversed(range(explorer.row.max + 1)):
            explorer.row.value = row
            for column in range(explorer.column.max + 1):
                explorer.column.value = column
                found[(pattern, window, shift), row, column] = explorer.image.value
    return found


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_three_small_maps_are_those_of_keras(setting):
    pattern, window, shift = setting
    features, expected = by_keras(*setting)
    found = pooling.feature_map(DIGIT, pooling.KERNELS[pattern], shift)
    np.testing.assert_allclose(found, features, atol=1e-3)
    for way in pooling.WAYS:
        np.testing.assert_allclose(pooling.pooled(found, window, way), expected[way], atol=1e-2)


def test_every_window_shows_its_entries_and_what_keras_makes_of_them(walked):
    truth = {setting: by_keras(*setting) for setting in SETTINGS}
    for (setting, row, column), svg in walked.items():
        features, maps = truth[setting]
        window = setting[1]
        block = features[row * window :, column * window :][:window, :window]
        assert [int(t) for t in texts_of(svg, "entries")] == block.astype(int).ravel().tolist()
        shown = [float(t) for t in texts_of(svg, "results")[1::2]]
        expected = [maps[way][row, column] for way in pooling.WAYS]
        np.testing.assert_allclose(shown, expected, atol=0.051)


def test_every_window_of_every_setting_can_be_reached(walked):
    reached = dict.fromkeys(SETTINGS, 0)
    for setting, _, _ in walked:
        reached[setting] += 1
    assert reached == {setting: by_keras(*setting)[1]["max"].size for setting in SETTINGS}


def test_the_small_maps_are_drawn_in_the_shades_of_the_large_one(walked):
    for setting in SETTINGS:
        features, maps = by_keras(*setting)
        root = ElementTree.fromstring(walked[setting, 0, 0])
        for way in pooling.WAYS:
            (group,) = (g for g in root.iter(f"{SVG}g") if g.get("class") == way)
            squares = sum(path.get("d").count("M") for path in group.iter(f"{SVG}path"))
            assert squares == shades(maps[way], features.max()), (setting, way)


def test_a_larger_window_keeps_the_place_within_the_map():
    explorer = pooling.pooling_explorer(DIGIT)
    explorer.row.value = explorer.column.value = 12
    explorer.window.value = 4
    assert (explorer.row.max, explorer.row.value) == (5, 5)
    assert "Window [5, 5]" in explorer.words.value


def test_the_words_name_pattern_shift_and_results():
    drawing = pooling.draw_pooling(DIGIT, "upper edges", 3, 2, 1, 4)
    assert "upper edges, the digit 2 to the right: windows of 3×3" in drawing.alt
    _, maps = by_keras("upper edges", 3, 2)
    assert f"max {maps['max'][1, 4]:.0f}" in drawing.alt
