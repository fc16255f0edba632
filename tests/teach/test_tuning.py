"""Open layers, and smoothed curves: numbers by hand, and every setting of the explorer."""

import keras
import numpy as np
import pytest

from dlcourse.teach.tuning import (
    FACTORS,
    climb,
    draw_open_layers,
    draw_smoothed,
    fall,
    moving_average,
    smoothing_explorer,
)

POINTS = [0.90, 0.94, 0.91, 0.95, 0.93]


@pytest.fixture(scope="module")
def base():
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Conv2D(2, 3, name="low"),
            keras.layers.BatchNormalization(),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(4, 3, name="high"),
        ]
    )


def test_the_picture_of_a_base_says_which_part_of_the_parameters_is_opened(base):
    low, high = 3 * 3 * 3 * 2 + 2, 3 * 3 * 2 * 4 + 4
    picture = draw_open_layers(base, "high")
    assert f"the last 1, from high on, hold {high / (low + high):.0%}" in picture.alt


def test_the_picture_of_a_base_has_a_bar_for_each_convolution(base):
    axes = draw_open_layers(base, "high").figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [56, 76]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["low", "high"]


def test_the_moving_average_begins_with_the_first_point_and_mixes_by_the_factor():
    assert moving_average([1.0, 2.0, 2.0], 0.5) == [1.0, 1.5, 1.75]


def test_a_factor_of_zero_leaves_the_points():
    assert moving_average(POINTS, 0.0) == POINTS


def test_the_moving_average_is_that_of_a_running_sum_of_weights():
    count, factor = 7, 0.8
    points = np.random.default_rng(3).random(count)
    weights = (1 - factor) * factor ** np.arange(count)[::-1]
    weights[0] = factor ** (count - 1)
    assert moving_average(points, factor)[-1] == pytest.approx(float(weights @ points))


def test_the_description_says_how_far_the_line_is_behind():
    assert draw_smoothed(POINTS, 0.8).alt.endswith(
        f"the last is 0.930; the line is at {moving_average(POINTS, 0.8)[-1]:.3f} at the end."
    )


def factors():
    """All of them; the test runs that must be short take every fourth."""
    for number, factor in enumerate(FACTORS):
        yield pytest.param(factor, marks=[pytest.mark.long] if number % 4 else [])


@pytest.mark.parametrize("factor", [*factors()])
def test_every_setting_of_the_explorer_shows_the_moving_average_of_its_points(factor):
    explorer = smoothing_explorer(POINTS)
    series = {"your training": POINTS, "a climb that ends": climb(), "a sudden fall": fall()}
    which, slider = explorer.inputs
    slider.value = factor
    for name, points in series.items():
        which.value = name
        assert f"the line is at {moving_average(points, factor)[-1]:.3f}" in explorer.words.value
        assert bytes(explorer.image.value[:8]) == b"\x89PNG\r\n\x1a\n"
