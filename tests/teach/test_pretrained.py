import numpy as np
import pytest

from dlcourse.teach import block_explorer, draw_block, draw_intervals, interval
from dlcourse.teach.pretrained import CHANNELS, draw_swapped_classifiers


@pytest.fixture(scope="module")
def base():
    import keras

    keras.utils.set_random_seed(3)
    pictures = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(12, 3, padding="same", name="first")(pictures)
    x = keras.layers.MaxPooling2D(4, name="second")(x)
    return keras.Model(pictures, x)


@pytest.fixture
def images():
    return np.random.default_rng(4).uniform(0, 255, (3, 16, 16, 3)).astype("float32")


def test_an_interval_is_wilsons():
    # By hand: z = 1.96, p = 0.9, n = 100.
    assert interval(0.9, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_an_interval_stays_among_the_fractions_and_holds_the_accuracy(accuracy):
    low, high = interval(accuracy, 20)
    assert -1e-9 <= low <= accuracy <= high <= 1 + 1e-9


def test_more_pictures_make_a_narrower_interval():
    (low, high), (lower, higher) = interval(0.97, 1000), interval(0.97, 100)
    assert lower < low < high < higher


def test_ninety_five_in_a_hundred_intervals_hold_what_is_true():
    counts = np.random.default_rng(6).binomial(200, 0.9, size=1000)
    ends = [interval(count / 200, 200) for count in counts]
    assert 0.93 < np.mean([low <= 0.9 <= high for low, high in ends]) < 0.97


def test_the_drawn_intervals_are_said_in_words():
    picture = draw_intervals({"one": 0.5, "other": 0.9}, 100)
    assert "one 0.500, from 0.404 to 0.596; other 0.900, from 0.826 to 0.945" in picture.alt


def test_a_block_is_shown_by_its_busiest_channels(base, images):
    picture = draw_block(base, images[0], images[0] / 255, "first")
    shown = [axes.images[0].get_array() for axes in picture.figure.axes[1:]]
    inner = np.asarray(base.get_layer("first")(images[:1] / 255))[0]
    order = np.argsort(inner.std(axis=(0, 1)))[::-1][:CHANNELS]
    assert len(shown) == CHANNELS
    assert all(np.allclose(a, inner[..., c], atol=1e-4) for a, c in zip(shown, order, strict=True))


def test_a_block_says_how_large_its_maps_are(base, images):
    alt = draw_block(base, images[0], images[0], "second").alt
    assert "12 channels of second, each of 4 by 4 places" in alt


def test_the_explorer_redraws_for_every_picture_and_block(base, images):
    explorer = block_explorer(base, images, images / 255, ["first", "second"])
    picture, block = explorer.inputs
    seen = set()
    for number in range(3):
        for layer in ("first", "second"):
            picture.value, block.value = number, layer
            assert layer in explorer.words.value
            seen.add(bytes(explorer.image.value))
    assert len(seen) == 6


def test_the_swapped_classifiers_are_described_for_those_who_do_not_see_them():
    assert "new classifier for cat or dog" in draw_swapped_classifiers().alt
