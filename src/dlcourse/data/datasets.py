"""The data sets of the course by name: how each is got ready, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass

from dlcourse.data.cats_and_dogs import (
    cats_and_dogs,
    cats_and_dogs_at_hand,
    cats_and_dogs_origin,
    prepare_cats_and_dogs,
)
from dlcourse.data.mnist import load_mnist, mnist_at_hand, mnist_origin, prepare_mnist
from dlcourse.data.origin import Origin


@dataclass(frozen=True)
class Dataset:
    """A data set.

    prepare: gets it ready for offline use and says what was done. origin: where it comes from in
    this process. load: what notebooks call; it makes what `origin` names, if it is not there yet.
    at_hand: where the real ones are here without a download, or None. All raise DataError.
    """

    prepare: Callable[[], str]
    origin: Callable[[], Origin]
    load: Callable[[], object]
    at_hand: Callable[[], Origin | None]

    def make_ready(self) -> None:
        """See to it that processes which may only read find the data. Raises DataError."""
        if not self.origin().path.exists():
            self.load()


DATASETS = {
    "mnist": Dataset(prepare_mnist, mnist_origin, load_mnist, mnist_at_hand),
    "cats-and-dogs": Dataset(
        prepare_cats_and_dogs, cats_and_dogs_origin, cats_and_dogs, cats_and_dogs_at_hand
    ),
}
