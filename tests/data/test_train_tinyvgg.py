import keras
import numpy as np
import pytest

from dlcourse.data import train_tinyvgg
from dlcourse.data.cats_and_dogs import SEED
from dlcourse.data.draw.pictures import KINDS
from dlcourse.data.tinyvgg import five_blocks
from dlcourse.data.train_tinyvgg import (
    BATCH,
    PICTURES,
    SEEN,
    SERIES,
    batches,
    draw,
    folded,
    normalised,
    write,
)


@pytest.fixture(scope="module")
def base():
    """The base as it is trained, with normalisation that is not what it was at the start."""
    rng = np.random.default_rng(12)
    keras.utils.set_random_seed(12)
    made = five_blocks((None, None, 3), normalised)
    made.set_weights([w + rng.uniform(0, 0.2, w.shape) for w in made.get_weights()])
    return made


def test_no_picture_of_the_courses_set_is_trained_on():
    assert SERIES != SEED


def test_every_kind_is_drawn():
    assert PICTURES.keys() == set(KINDS)


def test_the_same_pictures_are_drawn_again_the_first_of_each_kind_first():
    numbers = {"cat": 2, "dog": 1}
    (images, labels), (again, _) = draw(numbers), draw(numbers)
    assert np.array_equal(images, again)
    assert labels.tolist() == [KINDS.index("cat"), KINDS.index("dog"), KINDS.index("cat")]


def test_batches_are_the_same_for_a_seed_and_as_large_as_the_base_sees_them():
    images = np.random.default_rng(1).integers(0, 255, (BATCH + 8, 128, 128, 3), dtype=np.uint8)
    labels = np.arange(len(images))
    one, other = batches(images, labels, 5), batches(images, labels, 5)
    for size in (BATCH, 8, BATCH):
        (x, y), (same_x, same_y) = next(one), next(other)
        assert x.shape == (size, SEEN, SEEN, 3)
        assert np.array_equal(x, same_x)
        assert np.array_equal(y, same_y)


def test_folding_the_normalisation_in_changes_nothing_that_the_base_says(base):
    pictures = np.random.default_rng(13).normal(0, 60, (3, 64, 64, 3)).astype("float32")
    expected = base.predict(pictures, verbose=0)
    assert np.allclose(folded(base).predict(pictures, verbose=0), expected, rtol=1e-3, atol=1e-3)


def test_the_written_file_is_small_and_holds_the_weights(base, tmp_path):
    plain = folded(base)
    path = tmp_path / "made.weights.h5"
    write(plain, path)
    assert path.stat().st_size < 1e6
    loaded = folded(base)
    loaded.set_weights([np.zeros_like(weight) for weight in loaded.get_weights()])
    loaded.load_weights(path)
    for kept, weight in zip(loaded.get_weights(), plain.get_weights(), strict=True):
        assert np.allclose(kept, weight, rtol=2e-3, atol=1e-4)


@pytest.mark.long
def test_training_again_on_the_same_machine_gives_the_same_weights(monkeypatch):
    monkeypatch.setattr(train_tinyvgg, "ASIDE", 1)
    monkeypatch.setattr(train_tinyvgg, "EPOCHS", 2)
    count = len(KINDS) + 4 * BATCH
    images = np.random.default_rng(14).integers(256, size=(count, 128, 128, 3), dtype=np.uint8)
    labels = np.arange(count) % len(KINDS)
    first, second = (train_tinyvgg.train(images, labels).get_weights() for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other)
