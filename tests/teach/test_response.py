"""The explorer of filters, over every filter and every place, against Keras's convolution."""

import numpy as np
import pytest
from conv_by_keras import conv

from dlcourse.data import synthetic_digits
from dlcourse.teach import response
from dlcourse.teach.redrawn import Redrawn, short
from dlcourse.teach.response import FILTERS, OWN, draw_response, response_explorer, response_map

DIGITS = synthetic_digits(3, 4430)[0]
# Learned filters are on no slider's steps.
LEARNED = np.random.default_rng(1).normal(size=(3, 3))


def by_keras(image, kernel):
    return conv(image[None] / 255, np.asarray(kernel), 1)[0]


def controls(explorer):
    """The widgets of the explorer by name: digit, kernel, row, column; menu, play, back, ahead."""
    left, right = explorer.children[0].children
    digit, row, column, player = right.children
    menu, kernel = left.children
    play, back, ahead = player.children
    return {
        **{"digit": digit, "kernel": kernel, "row": row, "column": column},
        **{"menu": menu, "play": play, "back": back, "ahead": ahead},
    }


@pytest.fixture
def explorer():
    return response_explorer(DIGITS)


@pytest.fixture
def not_rendered(monkeypatch):
    """Pictures that are laid out and never turned into pixels: that takes 30 ms for each move."""
    monkeypatch.setattr(Redrawn, "png", lambda self: b"")


def filters():
    """All of them; those after the first are for `make test-all`."""
    for number, name in enumerate(FILTERS):
        yield pytest.param(name, marks=[pytest.mark.long] if number else [])


@pytest.mark.parametrize("name", list(filters()))
def test_every_place_of_every_digit_shows_the_sum_that_keras_computes(not_rendered, name):
    explorer = response_explorer(DIGITS)
    use = controls(explorer)
    use["menu"].value = name
    for number, image in enumerate(DIGITS):
        use["digit"].value = number
        expected = by_keras(image, FILTERS[name])
        for row, column in np.ndindex(expected.shape):
            use["row"].value, use["column"].value = row, column
            found = explorer.words.value
            window = image[row : row + 3, column : column + 3] / 255
            products = ", ".join(short(number) for number in (window * FILTERS[name]).ravel())
            assert f"row {row}, column {column}: the nine products {products} sum to" in found
            said = float(found.split(" sum to ")[1].split(". ")[0].replace("−", "-"))
            assert abs(said - expected[row, column]) < 0.0051
        assert f"map of {expected.shape[0]} × {expected.shape[1]} places" in found


def test_the_picture_holds_the_digit_the_map_and_the_nine_products(explorer):
    use = controls(explorer)
    use["digit"].value, use["kernel"].value = 1, response._rows(LEARNED)
    use["row"].value, use["column"].value = 9, 12
    image, expected = DIGITS[1] / 255, by_keras(DIGITS[1], LEARNED)
    picture = explorer.draw(*(each.value for each in explorer.inputs))
    digit, middle, found = picture.figure.axes[:3]
    np.testing.assert_array_equal(digit.images[0].get_array(), image)
    share = expected / np.abs(expected).max()
    np.testing.assert_allclose(found.images[0].get_array(), share, atol=1e-5)
    assert found.images[0].get_clim() == (-1, 1)
    assert digit.patches[0].get_xy() == (11.5, 8.5) and found.patches[0].get_xy() == (11.5, 8.5)
    shown = [text.get_text() for text in middle.texts]
    window = image[9:12, 12:15]
    for numbers in (window, LEARNED, window * LEARNED):
        for number in numbers.ravel():
            assert short(number) in shown
    assert f"their sum: {short(expected[9, 12])}" in shown


@pytest.mark.parametrize("name", ["digit", "row", "column", "play"])
def test_a_move_of_a_control_changes_the_picture_and_its_words(explorer, name):
    use = controls(explorer)
    use["menu"].value = "outline"
    picture, words = explorer.image.value, explorer.words.value
    use[name].value += 1
    assert explorer.image.value[:8] == b"\x89PNG\r\n\x1a\n" and explorer.image.value != picture
    assert explorer.words.value != words


def test_one_slider_of_nine_changes_one_number_and_the_menu_says_that_it_is_your_own(explorer):
    use = controls(explorer)
    before = explorer.words.value
    use["kernel"].sliders[4].value = 1.75
    assert use["menu"].value == OWN
    expected = np.array(FILTERS["upper edge"], float)
    expected[1, 1] = 1.75
    assert use["kernel"].value == response._rows(expected)
    row, column = use["row"].value, use["column"].value
    here = by_keras(DIGITS[0], expected)[row, column]
    assert f"sum to {short(here)}" in explorer.words.value != before


def test_numbers_that_are_those_of_a_filter_get_its_name(explorer):
    use = controls(explorer)
    use["kernel"].sliders[0].value = 2.0
    assert use["menu"].value == OWN
    use["kernel"].sliders[0].value = -1.0
    assert use["menu"].value == "upper edge"


@pytest.mark.parametrize("name", FILTERS)
def test_the_menu_sets_the_nine_sliders_and_draws_once(explorer, name):
    use = controls(explorer)
    use["kernel"].value = ((2.0,) * 3,) * 3
    drawn, draw = [], explorer.draw
    explorer.draw = lambda *values: drawn.append(values) or draw(*values)
    use["menu"].value = name
    numbers = [slider.value for slider in use["kernel"].sliders]
    assert numbers == [number for row in FILTERS[name] for number in row]
    assert len(drawn) == 1


def test_every_filter_on_offer_is_on_the_sliders():
    offered = np.array([*FILTERS.values()])
    assert offered.min() >= response.LOW and offered.max() <= response.HIGH


def test_the_buttons_walk_along_the_rows_and_stop_at_both_ends(not_rendered):
    explorer = response_explorer(DIGITS)
    use = controls(explorer)
    use["row"].value = use["column"].value = 0
    use["back"].click()
    assert (use["row"].value, use["column"].value) == (0, 0)
    walked = []
    for _ in range(26 * 26):
        walked.append((use["row"].value, use["column"].value))
        assert use["play"].value == 26 * use["row"].value + use["column"].value
        use["ahead"].click()
    assert walked == list(np.ndindex(26, 26))
    assert (use["row"].value, use["column"].value) == (25, 25)
    use["back"].click()
    assert (use["row"].value, use["column"].value) == (25, 24)


def test_playing_moves_the_window(not_rendered):
    explorer = response_explorer(DIGITS)
    use = controls(explorer)
    for place in (0, 27, use["play"].max):
        use["play"].value = place
        row, column = divmod(place, 26)
        assert f"Window at row {row}, column {column}:" in explorer.words.value


def test_a_filter_of_zeros_and_a_black_picture_say_that_nothing_responds():
    zeros = draw_response(DIGITS[0], np.zeros((3, 3)))
    black = draw_response(np.zeros((28, 28), "uint8"))
    for picture in (zeros, black):
        assert "responds to nothing" in picture.figure.get_suptitle()
        assert "goes from 0 to 0" in picture.alt


@pytest.mark.parametrize("sign", [1, -1])
def test_the_headline_tells_a_match_from_its_opposite(sign):
    image = np.zeros((28, 28))
    image[10:, :] = 1
    kernel = sign * np.array(FILTERS["upper edge"])
    at_the_edge = draw_response(image, kernel, (8, 5)).figure.get_suptitle()
    assert ("strong negative" in at_the_edge) == (sign == -1)
    assert "strong" in at_the_edge
    assert "weak" in draw_response(image, kernel, (2, 5)).figure.get_suptitle()


def test_by_default_the_window_is_where_the_response_is_largest():
    kernel = FILTERS["left edge"]
    expected = by_keras(DIGITS[2], kernel)
    row, column = np.unravel_index(expected.argmax(), expected.shape)
    assert f"Window at row {row}, column {column}:" in draw_response(DIGITS[2], kernel).alt


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_the_map_is_that_of_keras_for_kernels_of_any_side(side):
    kernel = np.random.default_rng(side).normal(size=(side, side))
    image = np.random.default_rng(7).integers(0, 256, (11, 17)).astype("uint8")
    found = response_map(image / 255, kernel)
    np.testing.assert_allclose(found, by_keras(image, kernel), atol=1e-5)
