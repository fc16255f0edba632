"""Pretrained convolutional bases: which there are, where their weights come from, which to take.

    chosen = pretrained_base()
    print(chosen.where)
    conv_base = chosen.load((150, 150, 3))

Weights are read from the mirror folder, else from the cache, else Keras downloads them. tinyvgg's
come with the course. VGG16 without its weights, DLCOURSE_BASE=untrained, is for trying what the
notebooks do on the book's own base where its weights cannot be had.
"""

import hashlib
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from dlcourse.data import tinyvgg
from dlcourse.data.cats_and_dogs import cats_and_dogs_origin
from dlcourse.data.download import DataError
from dlcourse.data.origin import SyntheticDataWarning, is_there
from dlcourse.settings import Settings, settings

Shape = tuple[int, int, int]

# Seconds until the server has to have said something. Keras itself would wait for ever.
PATIENCE = 20
# The folder of weights, in a cache.
KEPT = "bases"
SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"

KNOWS_DRAWINGS = (
    "TINYVGG IS THE BASE, which has seen drawings only and knows little of photographs."
)
KNOWS_NOTHING = (
    "VGG16 WITH RANDOM WEIGHTS IS THE BASE, because DLCOURSE_BASE is untrained. It knows nothing: "
    "no accuracy that it leads to is a measurement. Unset it to have one that has learned."
)


@dataclass(frozen=True)
class WeightFile:
    """A file with the weights of a base.

    digest: its md5 or sha256 in hexadecimal digits, None where its publisher states none.
    url: where Keras gets it; "" for a file that only mirrors have.
    """

    name: str
    digest: str | None = None
    url: str = ""


@dataclass(frozen=True)
class Base:
    """A convolutional base that has been trained on other pictures.

    title, learned_from: for sentences. knows: "photographs", "drawings" or "nothing".
    architecture: input shape -> a Keras model without classifier and with random weights.
    preprocess: pictures in 0 to 255 -> what the base takes; Keras's own function, which changes
    arrays of floats in place. smallest: the least width and height of pictures; usual: what it was
    trained at. top_block: the layer at which its last block begins. files: any of them will do, and
    none where the weights are to be random. folder: where they are, if they come with the course.
    """

    name: str
    title: str
    learned_from: str
    knows: str
    architecture: Callable[[Shape], object]
    preprocess: Callable
    smallest: int
    usual: int
    top_block: str
    files: tuple[WeightFile, ...]
    folder: Path | None = None


@dataclass(frozen=True)
class Pretrained:
    """A base whose weights are at hand. where: a sentence that says which it is, and from where.

    path: the file of its weights, None where they are random.
    """

    base: Base
    where: str
    path: Path | None

    @property
    def preprocess(self) -> Callable:
        """What turns pictures in 0 to 255 into what the base takes."""
        return self.base.preprocess

    def load(self, input_shape: Shape) -> object:
        """The base as a Keras model for pictures of this shape, with its weights.

        Raises DataError where the file is damaged or belongs to another base.
        """
        least = self.base.smallest
        if min(input_shape[:2]) < least:
            raise DataError(
                f"{self.base.title} takes pictures of at least {least} x {least} pixels, so not "
                f"{input_shape[0]} x {input_shape[1]}. Ask for larger ones."
            )
        model = self.base.architecture(input_shape)
        if self.path is None:
            model.set_weights(_random_weights(model))
            return model
        try:
            model.load_weights(self.path)
        except Exception as error:  # What Keras and HDF5 raise is of many kinds.
            raise DataError(
                f"{self.path} does not hold the weights of {self.base.title}: they are of another "
                "width or depth, or damaged. Replace the file by the published one."
            ) from error
        return model


def _random_weights(model: object) -> list[np.ndarray]:
    """The same weights each time: kernels after He et al. (ICCV 2015), and biases of zero.

    Such kernels keep a signal's size from layer to layer. The first makes it about 1, for what
    VGG16 takes is about as large as pixels are.
    """
    rng = np.random.default_rng(0)
    weights = [
        rng.normal(0, np.sqrt(2 / np.prod(kept.shape[:-1])), kept.shape).astype("float32")
        if kept.ndim > 1
        else np.zeros_like(kept)
        for kept in model.get_weights()
    ]
    return [weights[0] / 64, *weights[1:]]


def _of_keras(module: str, network: str, **options: object) -> dict[str, Callable]:
    """The architecture and the preprocessing of one of `keras.applications`, imported when used."""

    def application() -> object:
        import keras

        return getattr(keras.applications, module)

    def architecture(input_shape: Shape) -> object:
        build = getattr(application(), network)
        return build(weights=None, include_top=False, input_shape=input_shape, **options)

    def preprocess(pictures: object) -> object:
        return application().preprocess_input(pictures)

    return {"architecture": architecture, "preprocess": preprocess}


VGG16 = Base(
    name="vgg16",
    title="VGG16",
    learned_from="ImageNet's photographs",
    knows="photographs",
    **_of_keras("vgg16", "VGG16"),
    smallest=32,
    usual=224,
    top_block="block5_conv1",
    files=(
        WeightFile(
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "6d6bbae143d832006294945121d1f1fc",
            f"{SERVER}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
)

# Three quarters of MobileNet's filters: what a laptop can run.
MOBILENET = Base(
    name="mobilenet",
    title="MobileNet (alpha 0.75)",
    learned_from="ImageNet's photographs",
    knows="photographs",
    **_of_keras("mobilenet", "MobileNet", alpha=0.75),
    smallest=32,
    usual=224,
    top_block="conv_dw_12",
    files=(
        WeightFile(
            "mobilenet_7_5_224_tf_no_top.weights.h5",
            "66bd022112bec96719ceacad505b4f88b5f56e760a178129a6fec35b23775a0b",
        ),
        WeightFile(
            "mobilenet_7_5_224_tf_no_top.h5",
            url=f"{SERVER}/mobilenet/mobilenet_7_5_224_tf_no_top.h5",
        ),
    ),
)

TINYVGG = Base(
    name="tinyvgg",
    title="tinyvgg",
    learned_from="the course's own drawings",
    knows="drawings",
    architecture=tinyvgg.tinyvgg,
    preprocess=VGG16.preprocess,
    smallest=32,
    usual=128,
    top_block="block5_conv1",
    files=(WeightFile(tinyvgg.WEIGHTS.name, tinyvgg.SHA256),),
    folder=tinyvgg.WEIGHTS.parent,
)

UNTRAINED = replace(
    VGG16,
    name="untrained",
    title="VGG16 without training",
    learned_from="nothing",
    knows="nothing",
    files=(),
)

BASES = {base.name: base for base in (VGG16, MOBILENET, TINYVGG, UNTRAINED)}


def pretrained_base(name: str = "") -> Pretrained:
    """A base of BASES with its weights, by its name or as DLCOURSE_BASE says.

    "auto" takes the one for this profile and these pictures. For drawn cats and dogs that is
    tinyvgg. For photographs it is VGG16 in the full profile, where it can be had, and MobileNet
    otherwise; only if neither can be had it is tinyvgg, with a SyntheticDataWarning. "untrained" is
    announced by one too. Looking may take a download. Raises DataError.
    """
    name = name or settings().base
    if name == UNTRAINED.name:
        warnings.warn(KNOWS_NOTHING, SyntheticDataWarning, stacklevel=2)
        return Pretrained(UNTRAINED, KNOWS_NOTHING, path=None)
    if name != "auto":
        return had(known(name), settings())
    return find(settings(), cats_and_dogs_origin().kind)


def known(name: str) -> Base:
    """The base of that name; raises DataError, which lists those there are."""
    if name not in BASES:
        raise DataError(f"There is no base {name!r}. The bases are: {', '.join(BASES)}.")
    return BASES[name]


@cache
def find(settings: Settings, pictures: str) -> Pretrained:
    """What "auto" means under `settings` for pictures that are "real" or "synthetic"."""
    if pictures == "synthetic":
        return had(TINYVGG, settings)
    passed: list[str] = []
    for base in (VGG16, MOBILENET) if settings.profile == "full" else (MOBILENET,):
        try:
            found = had(base, settings)
        except DataError as error:
            passed.append(str(error))
        else:
            missing = f" {VGG16.title}'s weights could not be had." if passed else ""
            return replace(found, where=found.where + missing)
    warnings.warn(f"{KNOWS_DRAWINGS} {' '.join(passed)}", SyntheticDataWarning, stacklevel=3)
    return had(TINYVGG, settings)


def had(base: Base, settings: Settings) -> Pretrained:
    """The base with its weights from wherever they are first found. Raises DataError."""
    found = at_hand(base, settings)
    return found or _found(base, "downloaded by Keras", *_downloaded(base, _kept(settings)))


def at_hand(base: Base, settings: Settings) -> Pretrained | None:
    """The base, if its weights are here and need no download. Raises DataError."""
    for whose, folder in _places(base, settings):
        for file in base.files:
            if is_there(folder / file.name):
                return _found(base, whose, file, folder / file.name)
    return None


def _places(base: Base, settings: Settings) -> Iterator[tuple[str, Path]]:
    """Where a base's weights may be here: whose they are, and the folder."""
    if base.folder:
        yield "come with the course", base.folder
    else:
        if settings.mirror:
            # It may be what was a cache elsewhere.
            for folder in (settings.mirror, settings.mirror / KEPT):
                yield "from the mirror folder (DLCOURSE_DATA)", folder
        yield "from the cache", _kept(settings)


def _found(base: Base, whose: str, file: WeightFile, path: Path) -> Pretrained:
    _verify(path, file)
    where = f"{base.title}, trained on {base.learned_from}; its weights {whose}."
    return Pretrained(base, where, path)


def _kept(settings: Settings) -> Path:
    return settings.cache / KEPT


def _downloaded(base: Base, folder: Path) -> tuple[WeightFile, Path]:
    names = " or ".join(file.name for file in base.files)
    file = next((file for file in base.files if file.url), None)
    if file is None:
        raise DataError(f"{names} of {base.title} is missing. Install the course again.")
    import keras

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder / file.name}.lock"), _impatient():
            path = keras.utils.get_file(
                file.name, file.url, file_hash=file.digest, cache_dir=folder, cache_subdir="."
            )
    except Exception as error:  # Keras raises bare Exception where a server cannot be reached.
        raise DataError(
            f"The weights of {base.title} could not be had: {_reason(error)}. Try again when you "
            f"are online, or put {names} into a folder and set DLCOURSE_DATA to that folder."
        ) from error
    return file, Path(path)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return f"the cache cannot be written ({error.strerror or error})"
    if "corrupted" in str(error):
        return "what arrived is not the published file, for its hash is another"
    return "there is no connection to where Keras keeps them"


@contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _verify(path: Path, file: WeightFile) -> None:
    """Raises DataError unless the file at `path` is `file`."""
    if file.digest and file_digest(path, file.digest) != file.digest:
        raise DataError(
            f"{path} is not the file {file.name} that the course knows: its hash is another. "
            "Delete it, and get it again."
        )


def file_digest(path: Path, like: str) -> str:
    """The md5 of a file, or its sha256, whichever is as long as `like`."""
    algorithm = {32: "md5", 64: "sha256"}[len(like)]
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
