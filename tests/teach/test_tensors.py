"""The explorers of section 01, over every value that they offer, against NumPy and Keras."""

import itertools

import keras
import numpy as np
import pytest

from dlcourse.teach import tensors

PNG = b"\x89PNG"
PAIRS = list(itertools.product(tensors.SHAPES, repeat=2))


def test_the_picture_of_ranks_names_the_axes_of_every_kind_of_data():
    picture = tensors.draw_tensor_ranks()
    assert picture.png().startswith(PNG)
    for axes in ("(samples, features)", "(samples, frames, height, width, channels)"):
        assert axes in picture.alt


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_broadcast_result_is_what_keras_makes(a, b):
    result, why = tensors.broadcast(a, b)
    # Not keras.ops.add: it takes any second operand that looks like a bias for one (Keras 3.15),
    # and then adds shapes that do not fit.
    if result is None:
        with pytest.raises(Exception, match="(?i)incompatible|broadcast"):
            keras.ops.multiply(np.ones(a), np.ones(b))
        assert "do not fit" in why
    else:
        assert tuple(keras.ops.multiply(np.ones(a), np.ones(b)).shape) == result


def test_a_misfit_names_the_axis_and_both_lengths():
    _, why = tensors.broadcast((4, 3), (4,))
    assert why == "(4, 3) and (4,) do not fit (axis -1: 3 against 4, and neither is 1)."


def test_a_stretched_operand_is_named():
    assert tensors.broadcast((3, 4), (4,))[1] == "(3, 4) with (4,) gives (3, 4): (4,) is repeated."
    assert tensors.broadcast((3,), (3,))[1].endswith("nothing is repeated.")


def test_the_drawn_entries_are_those_of_numpys_sum():
    a, b = (3, 1), (2, 1, 4)
    total = np.arange(3).reshape(a) + 10 * np.arange(1, 9).reshape(b)
    right = tensors.draw_broadcast(a, b).figure.axes[1]
    drawn = [int(text.get_text()) for text in right.texts if text.get_text().isdigit()]
    assert drawn[-total.size :] == total.ravel().tolist()


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.long)])
def test_every_pair_of_shapes_is_drawn_with_its_own_reason(step):
    for a, b in PAIRS[::step]:
        picture = tensors.draw_broadcast(a, b)
        assert picture.figure.get_suptitle() == tensors.broadcast(a, b)[1]


def test_the_broadcast_explorer_redraws_when_either_menu_moves():
    explorer = tensors.broadcast_explorer()
    menus, image, words = explorer.children[0].children, *explorer.children[1:]
    menus[0].value = (4, 3)
    assert words.value == tensors.broadcast((4, 3), (4,))[1]
    menus[1].value = (3,)
    assert words.value == tensors.broadcast((4, 3), (3,))[1]
    assert bytes(image.value) == tensors.draw_broadcast((4, 3), (3,)).png()


@pytest.mark.parametrize("rate", tensors.RATES)
def test_the_path_downhill_is_the_one_that_keras_takes(rate):
    x, y = tensors.valley()
    layer = keras.layers.Dense(1, dtype="float64")
    model = keras.Sequential([keras.Input((1,)), layer])
    path, losses = tensors.descend(rate, max(tensors.STEPS))
    layer.set_weights([path[0][:1, None], path[0][1:]])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse")
    for point, loss in zip(path, losses, strict=True):
        kernel, bias = layer.get_weights()
        # Keras keeps the learning rate in single precision.
        np.testing.assert_allclose([kernel[0, 0], bias[0]], point, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model.train_on_batch(x[:, None], y), loss, rtol=1e-4)


@pytest.mark.parametrize("steps", tensors.STEPS)
def test_fewer_steps_are_the_beginning_of_more(steps):
    long, _ = tensors.descend(0.1, max(tensors.STEPS))
    short, losses = tensors.descend(0.1, steps)
    np.testing.assert_array_equal(short, long[: steps + 1])
    assert losses.shape == (steps + 1,)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.01, "still on its way"),
        (0.3, "at the bottom"),
        (0.6, "across the valley and back"),
        (0.7, "overshoots, and the loss grows"),
    ],
)
def test_the_title_says_what_the_learning_rate_does(rate, words):
    assert words in tensors.draw_descent(rate, 30).alt


def test_every_setting_of_the_learning_rate_explorer_is_drawn_with_its_last_loss():
    for rate, steps in itertools.product(tensors.RATES, tensors.STEPS):
        last = tensors.descend(rate, steps)[1][-1]
        assert tensors.draw_descent(rate, steps).alt.endswith(f"to {last:.2f}.")


def test_the_learning_rate_explorer_redraws_when_either_slider_moves():
    explorer = tensors.learning_rate_explorer()
    sliders, image, words = explorer.children[0].children, *explorer.children[1:]
    sliders[0].value = 0.7
    assert words.value == tensors.draw_descent(0.7, 20).alt
    sliders[1].value = 2
    assert bytes(image.value) == tensors.draw_descent(0.7, 2).png()
