"""Data of the course: real from a mirror, the cache or a verified download, or drawn here."""

from dlcourse.data.digits import synthetic_digits
from dlcourse.data.download import DataError
from dlcourse.data.mnist import (
    Origin,
    SyntheticDataWarning,
    load_mnist,
    mnist_origin,
    prepare_mnist,
)

__all__ = [
    "DataError",
    "Origin",
    "SyntheticDataWarning",
    "load_mnist",
    "mnist_origin",
    "prepare_mnist",
    "synthetic_digits",
]
