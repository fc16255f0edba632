"""MNIST: real wherever it can be had, and drawn here where it cannot.

The real one comes from the mirror folder, else from the cache, else from where Keras publishes it.
"""

import hashlib
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock

from dlcourse.data.digits import VERSION, synthetic_digits
from dlcourse.data.download import DataError, fetch
from dlcourse.data.origin import (
    ONCE,
    PATIENTLY,
    Origin,
    SyntheticDataWarning,
    banner,
    is_there,
)
from dlcourse.settings import Settings, settings

Pair = tuple[np.ndarray, np.ndarray]

# The synthetic sets' own seeds. Whoever draws digits to be unseen chooses others.
SEEDS = {"train": 60_000, "test": 10_000}

DRAWN = "THESE ARE NOT THE MNIST IMAGES, but digits that the course draws from fonts."


@dataclass(frozen=True)
class Array:
    """One array of an npz archive, always uint8; `sha256` of its bytes in C order, if known."""

    name: str
    shape: tuple[int, ...]
    sha256: str | None = None


@dataclass(frozen=True)
class Published:
    """A data set as somebody publishes it: an npz file of `size` bytes."""

    url: str
    size: int
    sha256: str
    arrays: tuple[Array, ...]

    @property
    def name(self) -> str:
        return Path(urlsplit(self.url).path).name


# A mirror's archive may be packed in another way: there the arrays' own hashes decide.
MNIST = Published(
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    size=11_490_434,
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    arrays=(
        Array(
            "x_train",
            (60_000, 28, 28),
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        ),
        Array(
            "y_train",
            (60_000,),
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        ),
        Array(
            "x_test",
            (10_000, 28, 28),
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        ),
        Array(
            "y_test",
            (10_000,),
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    ),
)


def load_mnist() -> tuple[Pair, Pair]:
    """MNIST as (train_images, train_labels), (test_images, test_labels), the book's order.

    Images are uint8 of shape (60000, 28, 28) and (10000, 28, 28), 0 black to 255 white; labels
    uint8 of shape (60000,) and (10000,). Every call returns arrays of its own. Raises DataError.
    `mnist_origin()` says whether they are real.
    """
    return load(settings(), MNIST)


def mnist_origin() -> Origin:
    """Where `load_mnist` takes its data from in this process, decided once.

    Deciding may take a download, with a progress bar, if there is no copy here. Source "auto"
    warns with SyntheticDataWarning when it decides for drawn digits. Raises DataError.
    """
    return find(settings(), MNIST)


def mnist_at_hand() -> Origin | None:
    """Where real MNIST is here without a download; None if it is not. Raises DataError."""
    return at_hand(settings(), MNIST)


def prepare_mnist() -> str:
    """Gets MNIST ready for offline use and says in two lines what was done. Raises DataError."""
    return prepare(settings(), MNIST)


def load(settings: Settings, published: Published) -> tuple[Pair, Pair]:
    """The arrays of `published`, or digits in their shapes, as `settings` want it."""
    return _read(find(settings, published), published)


def find(settings: Settings, published: Published) -> Origin:
    """Where `load` reads from."""
    return _decide(settings, published, PATIENTLY if settings.source == "real" else ONCE)


def prepare(settings: Settings, published: Published) -> str:
    """Makes sure that `load` finds its data here; what was done, in two lines."""
    before = _written(settings.cache)
    origin = _decide(settings, published, PATIENTLY)
    (train, _), (test, _) = _read(origin, published)
    if not origin.path.exists():
        done = f"They could not be kept in {settings.cache}: every program draws them again."
    elif _written(settings.cache) == before:
        done = "Nothing was left to do."
    else:
        done = "Now they are here for all that follows."
    return (
        f"{origin.where} {origin.path}\n"
        f"{len(train):,} training and {len(test):,} test images of "
        f"{train.shape[1]} x {train.shape[2]} pixels, checked. {done}"
    )


@cache
def _decide(settings: Settings, published: Published, attempts: int) -> Origin:
    """The origin under `settings`: remembered, so that a missing network is waited for once."""
    drawn = _drawn(settings)
    if settings.source == "synthetic":
        where = "Synthetic digits, drawn by the course because DLCOURSE_SOURCE is synthetic."
        return Origin("mnist", "synthetic", where, drawn)
    if here := at_hand(settings, published):
        return here
    kept = settings.cache / published.name
    try:
        fetch(published.url, kept, sha256=published.sha256, size=published.size, attempts=attempts)
    except DataError as error:
        if settings.mirror:
            error = DataError(
                f"There is no {published.name} in {settings.mirror} (DLCOURSE_DATA). {error}"
            )
        if settings.source == "real":
            raise error from None
        warnings.warn(
            banner(DRAWN, "dlcourse data mnist", error), SyntheticDataWarning, stacklevel=3
        )
        where = "Synthetic digits, drawn by the course because MNIST could not be had."
        return Origin("mnist", "synthetic", where, drawn)
    host = urlsplit(published.url).netloc
    return Origin("mnist", "real", f"Real MNIST, downloaded from {host}.", kept)


def _drawn(settings: Settings) -> Path:
    """Where drawn digits are, or will be kept: the mirror may be what was a cache elsewhere."""
    name = f"digits-v{VERSION}.npz"
    if settings.mirror and is_there(settings.mirror / name):
        return settings.mirror / name
    return settings.cache / name


def at_hand(settings: Settings, published: Published) -> Origin | None:
    """Real images that are here and need no download, if there are any."""
    kept = settings.cache / published.name
    if settings.mirror and is_there(settings.mirror / published.name):
        where = "Real MNIST, from the mirror folder (DLCOURSE_DATA)."
        return Origin("mnist", "real", where, settings.mirror / published.name)
    if is_there(kept):
        return Origin("mnist", "real", "Real MNIST, from the cache.", kept)
    return None


def _read(origin: Origin, published: Published) -> tuple[Pair, Pair]:
    read = _read_real if origin.kind == "real" else _read_synthetic
    arrays = read(origin.path, published)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _read_real(path: Path, published: Published) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path, published.arrays)
    except DataError as error:
        raise DataError(
            f"{error} Nothing of it is used. Replace it by the published file ({published.url}), "
            "or delete it to have it downloaded, or set DLCOURSE_SOURCE=synthetic."
        ) from error


def _read_synthetic(path: Path, published: Published) -> dict[str, np.ndarray]:
    """The drawn digits in `path`; drawn, and kept there if possible, where they are missing."""
    expected = tuple(Array(array.name, array.shape) for array in published.arrays)
    try:
        return read_arrays(path, expected)
    except DataError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            print(f"{error} It is drawn again.", file=sys.stderr)
    # Where nobody may write, drawing again costs seconds, but no answer.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            with suppress(DataError):  # Another process may have drawn them meanwhile.
                return read_arrays(path, expected)
            return _keep(path, _draw(expected))
    return _draw(expected)


def _draw(expected: tuple[Array, ...]) -> dict[str, np.ndarray]:
    counts = {array.name: array.shape[0] for array in expected}
    arrays = {}
    for split, seed in SEEDS.items():
        images, labels = synthetic_digits(counts[f"x_{split}"], seed)
        arrays |= {f"x_{split}": images, f"y_{split}": labels}
    return arrays


def _keep(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Writes `arrays` to `path`, which never holds half of them; returns them."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    part.replace(path)
    return arrays


def read_arrays(path: Path, expected: tuple[Array, ...]) -> dict[str, np.ndarray]:
    """The arrays of the npz file `path`, each as `expected` describes it.

    Raises DataError with one sentence that names the file and what is wrong with it.
    """
    names = [array.name for array in expected]
    try:
        # Opened here, since NumPy leaves a file open that turns out to be broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in names if name in archive.files}
    except FileNotFoundError as error:
        raise DataError(f"There is no {path}.") from error
    except Exception as error:  # A broken archive makes NumPy raise nearly anything.
        raise DataError(
            f"{path} cannot be read as an npz archive of plain arrays: "
            f"it is truncated, altered or something else ({type(error).__name__}: {error})."
        ) from error
    for array in expected:
        if problem := _problem(arrays.get(array.name), array):
            raise DataError(f"{path} is not what it should be: {array.name} {problem}.")
    return arrays


def _problem(actual: np.ndarray | None, expected: Array) -> str | None:
    """What is wrong with an array, as the rest of a sentence that begins with its name."""
    if actual is None:
        return "is missing"
    if actual.shape != expected.shape:
        return f"has the shape {actual.shape} instead of {expected.shape}"
    if actual.dtype != np.uint8:
        return f"has the dtype {actual.dtype} instead of uint8"
    if expected.sha256 and hashlib.sha256(np.ascontiguousarray(actual)).hexdigest() != (
        expected.sha256
    ):
        return "has the right shape, but other values than the published array"
    return None


def _written(folder: Path) -> dict[Path, int]:
    """The archives in a folder and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
