"""The data sets of the course by name: how each is got ready, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass

from dlcourse.data.cats_and_dogs import cats_and_dogs_origin, prepare_cats_and_dogs
from dlcourse.data.mnist import mnist_origin, prepare_mnist
from dlcourse.data.origin import Origin


@dataclass(frozen=True)
class Dataset:
    """A data set.

    prepare: gets it ready for offline use and says what was done. origin: where it comes from in
    this process. Both raise DataError.
    """

    prepare: Callable[[], str]
    origin: Callable[[], Origin]


DATASETS = {
    "mnist": Dataset(prepare_mnist, mnist_origin),
    "cats-and-dogs": Dataset(prepare_cats_and_dogs, cats_and_dogs_origin),
}
