"""What a convnet sees: which channels are shown, patterns as pictures, heatmaps over pictures."""

import numpy as np
import pytest

from dlcourse.teach.seeing import (
    CHANNELS,
    ascent_explorer,
    busiest,
    draw_ascent,
    draw_heatmaps,
    draw_journey,
    draw_patterns,
    heatmap_explorer,
    hottest,
    overlaid,
    tiles,
)

RNG = np.random.default_rng(9)
PICTURES = RNG.uniform(0, 255, (3, 20, 24, 3))
HEATS = RNG.random((3, 4, 4))
FRAMES = RNG.normal(100, 5, (4, 2, 10, 10, 3))


def test_the_busiest_channels_are_those_that_vary_most_in_their_own_order():
    maps = np.zeros((4, 4, 20))
    for channel in range(5, 5 + CHANNELS):
        maps[0, 0, channel] = channel
    assert busiest(maps).tolist() == list(range(5, 5 + CHANNELS))


def test_a_journey_shows_the_picture_and_a_row_for_each_layer():
    maps = {"first": RNG.random((8, 8, 12)), "last": RNG.random((2, 2, 30))}
    picture = draw_journey(PICTURES[0], maps)
    assert len(picture.figure.axes) == 1 + 2 * CHANNELS
    assert "first (8, 8, 12); last (2, 2, 30)" in picture.alt


def test_tiles_are_pictures_however_small_or_large_the_values_are():
    small, large = tiles(FRAMES[0] / 1e4), tiles(FRAMES[0] * 1e4)
    assert small.dtype == np.uint8
    assert np.abs(small.astype(int) - large.astype(int)).max() <= 1


def test_a_pattern_without_any_contrast_is_plain_grey():
    assert set(np.unique(tiles(np.full((1, 4, 4, 3), 7.0)))) == {127}


def test_patterns_stand_in_a_row_for_each_layer():
    picture = draw_patterns({"block1": FRAMES[0], "block2": FRAMES[1]})
    assert len(picture.figure.axes) == 4
    assert "block1, block2" in picture.alt


def test_an_ascent_shows_the_steps_asked_for():
    picture = draw_ascent(FRAMES, 1, [0, 3])
    assert [axes.get_title() for axes in picture.figure.axes] == ["step 0", "step 3"]


def test_without_cover_the_picture_shows_as_it_is():
    assert np.allclose(overlaid(PICTURES[0], HEATS[0], 0.0), PICTURES[0] / 255)


def test_where_it_is_cold_the_picture_is_clear():
    heat = np.zeros((4, 4))
    assert np.allclose(overlaid(PICTURES[0], heat, 1.0), PICTURES[0] / 255)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((1, 1), "in the middle"),
        ((0, 1), "at the top"),
        ((1, 2), "at the right"),
        ((2, 0), "at the bottom left"),
    ],
)
def test_the_hottest_place_is_said_in_words(place, words):
    heat = np.zeros((3, 3))
    heat[place] = 1
    assert hottest(heat) == words


def test_heatmaps_stand_below_their_pictures_and_are_described():
    picture = draw_heatmaps(PICTURES, HEATS, ["a", "b", "c"], title="Heat")
    assert len(picture.figure.axes) == 6
    assert f"b, hottest {hottest(HEATS[1])}" in picture.alt


@pytest.mark.parametrize("step", range(len(FRAMES)))
@pytest.mark.parametrize("number", range(FRAMES.shape[1]))
def test_every_filter_and_step_of_the_ascent_can_be_chosen(number, step):
    explorer = ascent_explorer(FRAMES)
    explorer.inputs[0].value, explorer.inputs[1].value = number, step
    assert explorer.words.value.startswith(f"Filter {number}: the picture after step {step}")


@pytest.mark.parametrize("cover", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("asked", ["cat", "dog"])
@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_every_picture_and_question_of_the_heatmaps_can_be_chosen(number, asked, cover):
    heats = {"cat": HEATS, "dog": 1 - HEATS}
    explorer = heatmap_explorer(PICTURES, heats)
    for each, value in zip(explorer.inputs, (number, asked, cover), strict=True):
        each.value = value
    said = f"Evidence for {asked}: hottest {hottest(heats[asked][number])}"
    assert explorer.words.value.startswith(said)
