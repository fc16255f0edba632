"""The explorer of augmentation over its settings, against Keras's layers called one by one."""

import itertools

import keras
import numpy as np
import pytest

from dlcourse.teach import augmentation_explorer, draw_augmented
from dlcourse.teach.augmenting import (
    BOOKS,
    DRAWS,
    FLIPS,
    FURTHEST,
    NO,
    UNANSWERED,
    YES,
    augmentation_layers,
    augmented,
    gap_of,
)
from dlcourse.teach.redrawn import Redrawn

PICTURES = np.random.default_rng(4460).random((2, 24, 24, 3))
NEAREST = {"fill_mode": "nearest"}
# Half of one of 255 shades, which is what showing a picture may cost.
SHADE = 0.51 / 255


def by_keras(image, seed, degrees, shift, shear, zoom, flip):
    """The lesson's layers on copies of a picture, each with the seed of its place."""
    batch = np.stack([image] * DRAWS).astype("float32")
    seeds = [10 * seed + place for place in range(5)]
    layers = keras.layers
    if flip != "none":
        batch = layers.RandomFlip(FLIPS[flip], seed=seeds[0])(batch, training=True)
    if degrees:
        turn = layers.RandomRotation(degrees / 360, seed=seeds[1], **NEAREST)
        batch = turn(batch, training=True)
    if shift:
        move = layers.RandomTranslation(shift, shift, seed=seeds[2], **NEAREST)
        batch = move(batch, training=True)
    if shear:
        batch = layers.RandomShear(shear, shear, seed=seeds[3], **NEAREST)(batch, training=True)
    if zoom:
        batch = layers.RandomZoom(zoom, seed=seeds[4], **NEAREST)(batch, training=True)
    return np.asarray(batch)


def shown(figure):
    """The pictures in the figure, in [0, 1]: the one as it is, and the draws."""
    sheet = figure.axes[0].images[0].get_array() / 255
    side, gap = PICTURES.shape[1], gap_of(PICTURES.shape[2])
    tops, lefts = (0, side + gap), [2 * side + gap + column * (side + gap) for column in range(4)]
    draws = [sheet[top : top + side, left : left + side] for top in tops for left in lefts]
    return np.stack([sheet[: 2 * side : 2, : 2 * side : 2], *draws])


GRID = ([0, 40, 180], [0, 0.2, 0.6], [0, 0.2], [0, 0.8], list(FLIPS), [1, 7])
CORNERS = ([0, 180], [0, 0.6], [0, 0.2], [0, 0.8], ["none", "left to right"], [7])


@pytest.mark.parametrize("grid", [CORNERS, pytest.param(GRID, marks=pytest.mark.long)])
def test_every_setting_shows_what_keras_layers_draw_of_the_picture(monkeypatch, grid):
    monkeypatch.setattr(Redrawn, "jpeg", lambda self: b"")
    explorer = augmentation_explorer(PICTURES, ["cat", "dog"])
    picture, degrees, shift, shear, zoom, flip, number, _ = explorer.inputs
    picture.value = 1
    for setting in itertools.product(*grid):
        controls = (degrees, shift, shear, zoom, flip, number)
        for control, value in zip(controls, setting, strict=True):
            control.value = value
        *settings, seed = setting
        found = shown(explorer.draw(1, *settings, seed, UNANSWERED).figure)
        np.testing.assert_allclose(found[0], PICTURES[1], atol=SHADE)
        expected = by_keras(PICTURES[1], seed, *settings)
        drawn = augmented(PICTURES[1], seed, **dict(zip(BOOKS, settings, strict=True)))
        np.testing.assert_allclose(drawn, expected, atol=1e-6)
        np.testing.assert_allclose(found[1:], np.clip(expected, 0, 1), atol=SHADE)
        assert ("turned by up to" in explorer.words.value) == bool(settings[0])
        assert "A dog" in explorer.words.value


def test_the_sliders_reach_as_far_as_they_say_and_start_at_the_book():
    explorer = augmentation_explorer(PICTURES, ["cat", "dog"])
    for control, name in zip(explorer.inputs[1:5], FURTHEST, strict=True):
        assert (control.value, control.max) == (BOOKS[name], FURTHEST[name])
        control.value = control.max
    assert explorer.image.value[:2] == b"\xff\xd8"
    assert explorer.image.format == "jpeg"


def test_large_pictures_are_explored_small():
    large = np.random.default_rng(4461).random((1, 150, 300, 3))
    sheet = augmentation_explorer(large, ["cat"]).draw(0, 0, 0, 0, 0, "none", 1, YES).figure.axes[0]
    assert sheet.images[0].get_array().shape == (2 * 48 + 4, 2 * 96 + 4 * 100, 3)


def test_nothing_asked_for_leaves_the_picture_as_it_is():
    settings = {"degrees": 0, "shift": 0, "shear": 0, "zoom": 0, "flip": "none"}
    assert augmentation_layers(**settings) == []
    np.testing.assert_array_equal(
        augmented(PICTURES[0], 3, **settings), np.stack([PICTURES[0].astype("float32")] * DRAWS)
    )
    words = draw_augmented(PICTURES[0], "cat", **settings).alt
    assert "with nothing done to it" in words


def test_draws_differ_from_each_other_and_come_again_with_their_number():
    first, again, other = (augmented(PICTURES[0], seed, **BOOKS) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({draw.tobytes() for draw in first}) == DRAWS


def test_a_flip_left_to_right_never_turns_a_picture_upside_down():
    only_flips = BOOKS | {"degrees": 0, "shift": 0, "shear": 0, "zoom": 0}
    image = PICTURES[0].astype("float32")
    draws = [draw for seed in range(1, 6) for draw in augmented(image, seed, **only_flips)]
    mirrored = [np.array_equal(draw, image[:, ::-1]) for draw in draws]
    kept = [np.array_equal(draw, image) for draw in draws]
    assert all(np.add(mirrored, kept) == 1)
    assert 0 < sum(mirrored) < len(draws)


@pytest.mark.parametrize(
    ("answer", "reply"), [(YES, "may be trained on"), (NO, "teach a wrong label")]
)
def test_an_answer_gets_a_reply_and_a_move_takes_it_back(answer, reply):
    explorer = augmentation_explorer(PICTURES, ["cat", "dog"])
    assert "Would everybody" in explorer.words.value
    explorer.inputs[-1].value = answer
    assert reply in explorer.words.value
    explorer.inputs[1].value = 90
    assert explorer.inputs[-1].value == UNANSWERED
    assert "Would everybody" in explorer.words.value


@pytest.mark.parametrize("control", range(7))
def test_a_move_of_a_control_changes_the_picture(control):
    explorer = augmentation_explorer(PICTURES, ["cat", "dog"])
    picture, moved = explorer.image.value, explorer.inputs[control]
    moved.value = "upside down" if control == 5 else moved.value + moved.step
    assert explorer.image.value != picture


def test_the_still_picture_says_what_was_done_and_asks_the_question():
    picture = draw_augmented(PICTURES[0], "dog", degrees=180)
    assert "turned by up to 180 degrees" in picture.alt
    assert "shifted by up to 20%" in picture.alt
    assert "still a dog?" in picture.figure.get_suptitle()
