"""The receptive-field explorer, over every stack and place, against what Keras's layers pass on."""

import itertools
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from dlcourse.data import synthetic_digits
from dlcourse.teach import receptive

DIGIT = synthetic_digits(1, 4411)[0][0]
STACKS = list(
    itertools.product(
        receptive.CONVOLUTIONS, receptive.KERNELS, receptive.STRIDES, receptive.POOLING
    )
)
SVG = "{http://www.w3.org/2000/svg}"


def passed_on(stack):
    """(784, h, w) of bool: which place of the last map each pixel alone reaches; None if Keras
    refuses to build the stack."""
    convolutions, kernel, stride, pooling = stack
    model = keras.Sequential([keras.Input((28, 28, 1))])
    try:
        for number in range(convolutions):
            if number and pooling == "pooling 2×2":
                model.add(keras.layers.MaxPooling2D(2))
            model.add(keras.layers.Conv2D(1, kernel, strides=stride, kernel_initializer="ones"))
    except ValueError:
        return None
    pixels = np.eye(784, dtype="float32").reshape(784, 28, 28, 1)
    # What reaches a place is a sum of what is not negative, so it is positive.
    return np.asarray(model(pixels))[..., 0] > 0


TRUTH = {}


@pytest.fixture(scope="module", autouse=True)
def truth():
    TRUTH.update({stack: passed_on(stack) for stack in STACKS})


def set_to(explorer, stack):
    for control, value in zip(explorer.stack, stack, strict=True):
        control.value = value


def test_the_explorer_says_of_every_stack_and_place_what_keras_passes_on():
    explorer = receptive.receptive_field_explorer(DIGIT)
    for stack, reached in TRUTH.items():
        set_to(explorer, stack)
        if reached is None:
            continue
        assert explorer.row.max + 1 == reached.shape[1], stack
        for place in range(explorer.row.max + 1):
            # Rows and columns are alike: the diagonal, and the last column below it.
            for column in {place, explorer.column.max}:
                explorer.row.value, explorer.column.value = place, column
                pixels = reached[:, place, column].reshape(28, 28)
                rows, columns = np.nonzero(pixels.any(axis=1))[0], np.nonzero(pixels.any(axis=0))[0]
                expected = f"rows {rows[0]} to {rows[-1]} and columns {columns[0]} to {columns[-1]}"
                assert expected in explorer.words.value, (stack, place)


def test_every_stack_that_keras_refuses_explains_itself():
    explorer = receptive.receptive_field_explorer(DIGIT)
    refused = [stack for stack, reached in TRUTH.items() if reached is None]
    assert refused
    for stack in refused:
        set_to(explorer, stack)
        assert "does not fit into the" in explorer.words.value, stack
        assert "Keras raises an error here" in explorer.image.value


@pytest.mark.parametrize(
    ("pooling", "field"), [(receptive.POOLING[0], 7), (receptive.POOLING[1], 18)]
)
def test_the_lessons_stacks_see_7_and_18_pixels(pooling, field):
    drawing = receptive.draw_receptive_field(DIGIT, pooling=pooling)
    assert f"each of its places sees {field}×{field} pixels" in drawing.alt
    assert np.any(TRUTH[3, 3, 1, pooling][:, 0, 0])
    assert TRUTH[3, 3, 1, pooling][:, 0, 0].sum() == field**2


def test_the_sum_below_the_maps_ends_with_the_field():
    for stack, reached in TRUTH.items():
        if reached is None:
            continue
        drawing = receptive.draw_receptive_field(DIGIT, *stack, 0, 0)
        root = ElementTree.fromstring(drawing.svg)
        (group,) = (g for g in root.iter(f"{SVG}g") if g.get("class") == "formula")
        field = int(np.flatnonzero(reached[:, 0, 0].reshape(28, 28).any(axis=0))[-1]) + 1
        assert "".join(group.itertext()).endswith(f"= {field}"), stack


def test_the_box_on_the_input_covers_the_pixels_that_are_seen():
    for stack, reached in TRUTH.items():
        if reached is None:
            continue
        drawing = receptive.draw_receptive_field(DIGIT, *stack, 0, 0)
        root = ElementTree.fromstring(drawing.svg)
        (group,) = (g for g in root.iter(f"{SVG}g") if g.get("class") == "sight")
        box = next(group.iter(f"{SVG}rect"))
        field = int(np.flatnonzero(reached[:, 0, 0].reshape(28, 28).any(axis=0))[-1]) + 1
        assert float(box.get("width")) == 8 * field, stack


def test_a_place_stays_within_the_last_map_when_the_stack_changes():
    explorer = receptive.receptive_field_explorer(DIGIT)
    explorer.row.value = 21
    explorer.pooling.value = "pooling 2×2"
    assert (explorer.row.max, explorer.row.value) == (2, 2)
    explorer.convolutions.value = 4
    assert explorer.row.disabled
