import hashlib
import subprocess
import sys

import numpy as np
import pytest

from dlcourse.data import synthetic_digits


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits(4000, seed=3)


def test_digits_have_the_shape_and_dtype_of_mnist(digits):
    images, labels = digits
    assert (images.shape, images.dtype) == ((4000, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((4000,), np.uint8)


def test_every_class_comes_equally_often(digits):
    _, labels = digits
    assert np.bincount(labels).tolist() == [400] * 10


def test_classes_come_in_random_order(digits):
    _, labels = digits
    assert 0.05 < np.mean(labels[1:] == labels[:-1]) < 0.15


def test_any_number_of_digits_can_be_drawn():
    assert [len(synthetic_digits(n, seed=1)[0]) for n in (0, 1, 1001)] == [0, 1, 1001]


def test_digits_are_white_on_black_with_soft_edges(digits):
    images, _ = digits
    assert images.min() == 0
    assert images.max() == 255
    assert 0.7 < np.mean(images == 0) < 0.9
    assert 0.05 < np.mean((images > 0) & (images < 255)) < 0.15


def test_every_digit_has_enough_ink_to_be_seen(digits):
    images, _ = digits
    assert (images > 127).sum(axis=(1, 2)).min() >= 15


def test_digits_lie_around_the_centre(digits):
    images, _ = digits
    ink = images.mean(axis=0)
    pixels = np.arange(28)
    assert np.average(pixels, weights=ink.sum(axis=0)) == pytest.approx(13.5, abs=1)
    assert np.average(pixels, weights=ink.sum(axis=1)) == pytest.approx(13.5, abs=1)


def test_no_two_digits_are_alike(digits):
    images, _ = digits
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_nearest_mean_image_tells_digits_better_than_chance_but_poorly(digits):
    images, labels = digits
    flat = images.reshape(-1, 784) / 255
    train, test = flat[:3000], flat[3000:]
    means = np.array([train[labels[:3000] == digit].mean(axis=0) for digit in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.3 < np.mean(nearest == labels[3000:]) < 0.7


def test_another_seed_draws_other_digits():
    assert not np.array_equal(synthetic_digits(50, seed=1)[0], synthetic_digits(50, seed=2)[0])


def test_the_same_seed_draws_the_same_digits_in_every_process():
    code = (
        "import hashlib; from dlcourse.data import synthetic_digits;"
        "images, labels = synthetic_digits(1500, seed=7);"
        "print(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())"
    )
    images, labels = synthetic_digits(1500, seed=7)
    here = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert elsewhere.stdout.strip() == here
