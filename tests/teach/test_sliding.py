"""The sliding-window explorer, over every setting and every step, against keras.layers.Conv2D."""

import itertools
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
from conv_by_keras import conv

from dlcourse.teach import sliding

SETTINGS = list(
    itertools.product(sliding.SIZES, sliding.KERNELS, sliding.STRIDES, sliding.PADDINGS)
)
IMPOSSIBLE = [s for s in SETTINGS if s[3] == "valid" and s[1] > s[0]]
POSSIBLE = [s for s in SETTINGS if s not in IMPOSSIBLE]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    """The texts of an SVG by the class of the group that they stand in."""
    groups = {}
    for each in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        texts = ["".join(text.itertext()) for text in each.iter(f"{SVG}text")]
        groups[each.get("class")] = [text.replace("−", "-") for text in texts]
    return groups


def numbers(texts):
    return [int(text) for text in texts]


def set_to(explorer, setting):
    for control, value in zip(explorer.settings, setting, strict=True):
        control.value = value


def pads_of_keras(size, kernel, stride):
    """(before, after) that Keras pads an axis with under "same": told from what windows hold."""
    pixels = np.arange(1.0, size + 1).reshape(1, size, 1, 1)
    copies = np.eye(kernel).reshape(kernel, 1, 1, kernel)
    windows = np.asarray(keras.ops.conv(pixels, copies, strides=(stride, 1), padding="same"))
    held = windows[0, :, 0] > 0
    return int(held[0].argmax()), int(held[-1][::-1].argmax())


def unseen_by_keras(size, kernel, stride, padding):
    """How many pixels change nothing in the output: each alone through a kernel of ones."""
    pictures = np.eye(size * size).reshape(-1, size, size)
    output = conv(pictures, np.ones((kernel, kernel)), stride, padding)
    return int(np.sum(output.sum(axis=(1, 2)) == 0))


@pytest.fixture(scope="module")
def walked():
    """Every setting and every step of the real widget: setting -> what its picture says."""
    explorer, found = sliding.sliding_window_explorer(), {}
    for setting in SETTINGS:
        set_to(explorer, setting)
        steps = []
        for step in range(1, explorer.step.max + 1):
            explorer.step.value = step
            steps.append((drawn(explorer.image.value), explorer.words.value))
        found[setting] = steps
    return found


def test_the_output_is_the_one_of_keras_in_size_and_every_value(walked):
    for setting in POSSIBLE:
        size, kernel, stride, padding = setting
        pixels = sliding.PIXELS[None, :size, :size]
        expected = conv(pixels, sliding.kernel_of(kernel), stride, padding)[0]
        assert len(walked[setting]) == expected.size, setting
        texts, _ = walked[setting][-1]
        assert numbers(texts["output"]) == expected.astype(int).ravel().tolist(), setting


def test_each_step_shows_the_output_so_far_and_makes_its_last_number(walked):
    for setting in POSSIBLE:
        whole = walked[setting][-1][0]["output"]
        for step, (texts, words) in enumerate(walked[setting]):
            assert texts["output"] == whole[: step + 1], (setting, step)
            row, column = divmod(step, round(len(whole) ** 0.5))
            assert texts["sum"] == [f"{whole[step]}, output [{row}, {column}]"], (setting, step)
            assert f"Step {step + 1} of {len(whole)}" in words


def test_each_step_shows_the_products_that_add_up_to_its_number(walked):
    for setting in POSSIBLE:
        kernel = sliding.kernel_of(setting[1]).ravel().tolist()
        for texts, _ in walked[setting]:
            window, weights = numbers(texts["in-window"]), numbers(texts["kernel"])
            products = numbers(texts["products"])
            assert weights == kernel
            assert products == [a * b for a, b in zip(window, weights, strict=True)]
            assert sum(products) == int(texts["sum"][0].split(",")[0])


def test_the_window_shown_holds_what_keras_finds_there(walked):
    for setting in POSSIBLE:
        size, kernel, stride, padding = setting
        pixels = sliding.PIXELS[None, :size, :size]
        copies = np.eye(kernel**2).reshape(kernel, kernel, 1, kernel**2)
        held = keras.ops.conv(
            pixels[..., None].astype("float64"), copies, strides=stride, padding=padding
        )
        expected = np.asarray(held).astype(int).reshape(-1, kernel**2).tolist()
        assert [numbers(texts["in-window"]) for texts, _ in walked[setting]] == expected, setting


def test_the_zeros_on_each_side_are_those_of_keras(walked):
    for setting in POSSIBLE:
        size, kernel, stride, padding = setting
        before, after = pads_of_keras(size, kernel, stride) if padding == "same" else (0, 0)
        texts, _ = walked[setting][0]
        total = size + before + after
        assert len(texts["zeros"]) == total**2 - size**2, setting
        sides = [str(n) for n in (before, after) if n for _ in "xy"]
        assert sorted(t for t in texts["sides"] if "n" not in t) == sorted([*sides, str(size)])
        assert sliding.Axis(*setting).pads == (before, after)


def test_the_pixels_crossed_out_are_those_that_change_nothing_in_keras(walked):
    for setting in POSSIBLE:
        lost = unseen_by_keras(*setting)
        texts, words = walked[setting][0]
        assert len(texts["unseen"]) == lost, setting
        assert (f"{lost} of {setting[0] ** 2} pixels" in words) == (lost > 0), setting


def test_the_formula_ends_with_the_size_of_the_output(walked):
    for setting in POSSIBLE:
        texts, _ = walked[setting][0]
        places = round(len(walked[setting]) ** 0.5)
        assert texts["formula"][0].endswith(f"= {places}"), setting
        assert (len(texts["formula"]) == 2) == (setting[3] == "same")


def test_a_fraction_that_is_floored_is_said(walked):
    for setting in POSSIBLE:
        size, kernel, stride, padding = setting
        floored = padding == "valid" and (size - kernel) % stride
        texts, words = walked[setting][0]
        assert ("is floored to" in words) == bool(floored), setting
        assert ("is floored to" in "".join(texts["remark"])) == bool(floored)


@pytest.mark.parametrize("setting", IMPOSSIBLE[::7], ids=str)
def test_a_kernel_larger_than_the_input_is_refused_by_keras(setting):
    size, kernel, stride, padding = setting
    with pytest.raises(ValueError, match=r"(?i)negative|must|dimension|size"):
        conv(np.zeros((1, size, size)), np.zeros((kernel, kernel)), stride, padding)


def test_a_kernel_larger_than_the_input_explains_itself(walked):
    for setting in IMPOSSIBLE:
        ((texts, words),) = walked[setting]
        assert "fits nowhere and Keras raises an error" in words
        assert "output" not in texts
        assert texts["formula"][0].endswith("no place at all")


def test_where_there_is_one_place_only_nothing_can_be_stepped():
    explorer = sliding.sliding_window_explorer()
    set_to(explorer, (5, 5, 1, "valid"))
    assert explorer.step.disabled
    assert explorer.play.disabled
    set_to(explorer, (5, 3, 1, "valid"))
    assert not explorer.step.disabled


def test_the_buttons_go_one_step_and_round_from_the_end():
    explorer = sliding.sliding_window_explorer()
    explorer.forward.click()
    explorer.forward.click()
    explorer.back.click()
    assert explorer.step.value == 2
    explorer.step.value = explorer.step.max
    explorer.forward.click()
    assert explorer.step.value == 1
    explorer.back.click()
    assert explorer.step.value == 1


def test_play_runs_over_as_many_steps_as_there_are_and_moves_the_slider():
    explorer = sliding.sliding_window_explorer()
    set_to(explorer, (9, 3, 2, "same"))
    assert (explorer.play.min, explorer.play.max) == (1, 25)
    assert explorer.link.source == (explorer.play, "value")
    assert explorer.link.target == (explorer.step, "value")


def test_a_new_setting_begins_at_the_first_step():
    explorer = sliding.sliding_window_explorer()
    explorer.step.value = 5
    explorer.stride.value = 2
    assert (explorer.step.value, explorer.play.value) == (1, 1)
    assert "Step 1 of 4" in explorer.words.value


def test_the_static_picture_is_an_image_with_its_words_as_alternative_text():
    drawing = sliding.draw_sliding_window(6, 3, 2, "valid", 1)
    html = drawing._repr_mimebundle_()["text/html"]
    image = ElementTree.fromstring(html.replace('">', '"/>'))
    assert image.get("alt") == drawing.alt
    assert "11 of 36 pixels" in drawing.alt
    assert drawing._repr_mimebundle_()["text/plain"] == drawing.alt
