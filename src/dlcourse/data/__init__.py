"""Data of the course: real from a mirror, the cache or a verified download, or drawn here."""

from dlcourse.data.bases import BASES, Base, Pretrained, pretrained_base
from dlcourse.data.cats_and_dogs import (
    cats_and_dogs,
    cats_and_dogs_origin,
    original_cats_and_dogs,
    prepare_cats_and_dogs,
)
from dlcourse.data.datasets import DATASETS
from dlcourse.data.digits import synthetic_digits
from dlcourse.data.download import DataError
from dlcourse.data.draw.pictures import synthetic_pictures
from dlcourse.data.mnist import load_mnist, mnist_origin, prepare_mnist
from dlcourse.data.origin import Origin, SyntheticDataWarning

__all__ = [
    "BASES",
    "Base",
    "DATASETS",
    "DataError",
    "Origin",
    "Pretrained",
    "SyntheticDataWarning",
    "cats_and_dogs",
    "cats_and_dogs_origin",
    "load_mnist",
    "mnist_origin",
    "original_cats_and_dogs",
    "prepare_cats_and_dogs",
    "prepare_mnist",
    "pretrained_base",
    "synthetic_digits",
    "synthetic_pictures",
]
