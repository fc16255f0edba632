"""Cats and dogs: 2,000 pictures to train with, 1,000 to validate, 1,000 to test; real or drawn.

The real ones come from the mirror folder in any layout that `collection` knows, else from the
cache, else from Microsoft's archive of the pictures of Kaggle's competition. They are checked and
sorted into a folder in the cache once.
"""

import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from dlcourse.data import tree
from dlcourse.data.collection import KINDS, Collection, Picture, is_collection, opened
from dlcourse.data.download import DataError, check_space, fetch, file_sha256
from dlcourse.data.draw.pictures import VERSION
from dlcourse.data.draw.workers import drawing
from dlcourse.data.origin import (
    ONCE,
    PATIENTLY,
    Origin,
    SyntheticDataWarning,
    banner,
    is_there,
)
from dlcourse.settings import Settings, settings

# What a mirror may hold, the fullest first.
MIRRORED = (
    "dogs-vs-cats.zip",
    "dogs-vs-cats",
    "train.zip",
    "train",
    "kagglecatsanddogs_5340.zip",
    "PetImages",
    "dogs-vs-cats-200px.zip",
)

# The drawn set's own series. Whoever draws pictures to be unseen chooses another.
SEED = 4_000

# A generous guess, for the disk to have room: a drawn picture, and the share of an archive's
# pictures that are taken, times two where files cannot be linked.
DRAWN_SIZE = 20_000
TAKEN = 0.4

PART = ".part"
# The folder of prepared sets, in a cache.
PREPARED = "cats-and-dogs"

ASKED = "Synthetic cats and dogs, drawn by the course because DLCOURSE_SOURCE is synthetic."
HAD_TO = "Synthetic cats and dogs, drawn by the course because the real ones could not be had."
NOTHING_LEFT = "Nothing was left to do."
PURPOSE = {"train": "pictures to train", "validation": "to validate", "test": "to test"}
DRAWN = "THESE ARE NOT PHOTOGRAPHS, but cats and dogs that the course draws."


@dataclass(frozen=True)
class Published:
    """An archive of `size` bytes as somebody publishes it, and what is made of it.

    reported_sha256: what others say its hash is; the publisher says nothing.
    splits: how many pictures of each kind the folders get.
    """

    url: str
    size: int
    reported_sha256: str
    splits: tree.Splits = (("train", 1000), ("validation", 500), ("test", 500))

    @property
    def name(self) -> str:
        return Path(urlsplit(self.url).path).name


CATS_AND_DOGS = Published(
    url="https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
    "kagglecatsanddogs_5340.zip",
    size=824_887_076,
    reported_sha256="b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
)


@dataclass(frozen=True)
class Source:
    """Where pictures are, or will be once they are taken out of `archive` or drawn.

    folder: the prepared folder. archive: a file or folder of the mirror or the cache, or None.
    """

    kind: str
    where: str
    folder: Path
    archive: Path | None = None
    downloaded: bool = False

    @property
    def origin(self) -> Origin:
        return Origin("cats-and-dogs", self.kind, self.where, self.folder / tree.SMALL)


def cats_and_dogs() -> Path:
    """The folder with train/, validation/ and test/, each with cats/ and dogs/ full of JPEG files.

    1,000 + 1,000, 500 + 500 and 500 + 500 pictures of many sizes; none is in two places. The first
    call may take seconds to minutes, later ones nothing. It is a cache: read from it, and write
    elsewhere. Raises DataError. `cats_and_dogs_origin()` says whether the pictures are real.
    """
    return load(settings(), CATS_AND_DOGS)


def original_cats_and_dogs() -> Path:
    """The same pictures unsorted, as Kaggle has them: a folder with cat.0.jpg, dog.0.jpg, ...

    2,000 of each kind. Where a picture of the original set was broken, its number is missing.
    Raises DataError.
    """
    return cats_and_dogs().with_name(tree.ORIGINAL)


def cats_and_dogs_origin() -> Origin:
    """Where `cats_and_dogs` takes its pictures from in this process, decided once.

    Deciding may take a download, with a progress bar, if there is no copy here. Source "auto"
    warns with SyntheticDataWarning when it decides for drawn pictures. Raises DataError.
    """
    return find(settings(), CATS_AND_DOGS)


def cats_and_dogs_at_hand() -> Origin | None:
    """Where real pictures are here without a download; None if they are not. Raises DataError."""
    found = at_hand(settings(), CATS_AND_DOGS)
    return found and found.origin


def prepare_cats_and_dogs() -> str:
    """Gets cats and dogs ready for offline use and says what was done. Raises DataError."""
    return prepare(settings(), CATS_AND_DOGS)


def load(settings: Settings, published: Published) -> Path:
    """The prepared folder of `published`, or of drawn pictures, as `settings` want it."""
    source = _decide(settings, published, _attempts(settings))
    _ensure(source, published)
    return source.origin.path


def find(settings: Settings, published: Published) -> Origin:
    """Where `load` takes its pictures from."""
    return _decide(settings, published, _attempts(settings)).origin


def prepare(settings: Settings, published: Published) -> str:
    """Makes sure that `load` finds its pictures here; what was done, in a line each."""
    started = time.monotonic()
    source = _decide(settings, published, PATIENTLY)
    manifest, written = _ensure(source, published)
    counts = (f"{len(KINDS) * number:,} {PURPOSE[split]}" for split, number in published.splits)
    lines = [
        f"{source.where} {source.origin.path}",
        f"{', '.join(counts)}; half of them cats, half dogs; each one decoded, none twice. "
        + (f"Done in {time.monotonic() - started:.1f} s." if written else NOTHING_LEFT),
    ]
    if skipped := tree.say_skipped(manifest["skipped"]):
        lines.append(f"Left out, with the next number in its place: {skipped.strip()}")
    if written and source.downloaded:
        lines.append(_say_hash(manifest["source"]["sha256"], published))
    return "\n".join(lines)


def _attempts(settings: Settings) -> int:
    return PATIENTLY if settings.source == "real" else ONCE


@cache
def _decide(settings: Settings, published: Published, attempts: int) -> Source:
    """The source under `settings`: remembered, so that a missing network is waited for once."""
    folder = settings.cache / PREPARED
    drawn = Source("synthetic", ASKED, _drawn_folder(settings, published))
    if settings.source == "synthetic":
        return drawn
    if here := at_hand(settings, published):
        return here
    try:
        archive = _fetched(settings.cache, published, attempts)
    except DataError as error:
        if settings.mirror:
            error = DataError(
                f"There is none of {', '.join(MIRRORED)} in {settings.mirror} (DLCOURSE_DATA). "
                f"{error}"
            )
        if settings.source == "real":
            raise error from None
        text = banner(DRAWN, "dlcourse data cats-and-dogs", error)
        warnings.warn(text, SyntheticDataWarning, stacklevel=3)
        return replace(drawn, where=HAD_TO)
    where = f"Real cats and dogs, downloaded from {urlsplit(published.url).netloc}."
    return Source("real", where, folder / archive.stem, archive, downloaded=True)


def at_hand(settings: Settings, published: Published) -> Source | None:
    """Real pictures that are here and need no download, if there are any."""
    folder = settings.cache / PREPARED
    if settings.mirror:
        where = "Real cats and dogs, from the mirror folder (DLCOURSE_DATA)."
        # It may be what was a cache elsewhere: then everybody reads the same pictures.
        if prepared := _prepared(settings.mirror / PREPARED, published):
            return Source("real", where, prepared)
        if archive := _mirrored(settings.mirror):
            return Source("real", where, folder / archive.stem, archive)
    if prepared := _prepared(folder, published):
        return Source("real", "Real cats and dogs, from the cache.", prepared)
    return None


def _drawn_folder(settings: Settings, published: Published) -> Path:
    """Where drawn pictures are, or will be: in the mirror, if they are there, or in the cache."""
    name = Path(PREPARED, f"synthetic-v{VERSION}")
    if settings.mirror and tree.read_manifest(settings.mirror / name, published.splits):
        return settings.mirror / name
    return settings.cache / name


def _mirrored(mirror: Path) -> Path | None:
    candidates = (mirror / name for name in MIRRORED)
    return next((path for path in candidates if is_there(path) and is_collection(path)), None)


def _prepared(folder: Path, published: Published) -> Path | None:
    """A whole set of real pictures that is here from an earlier time."""
    for prepared in sorted(folder.glob("*/")):
        # What a killed run left may be complete, but another run is about to clear it away.
        if prepared.suffix not in (PART, tree.OLD):
            known = tree.read_manifest(prepared, published.splits)
            if known and known["source"]["kind"] == "real":
                return prepared
    return None


def _fetched(folder: Path, published: Published, attempts: int) -> Path:
    """The published archive in the cache; it stays only until its pictures are taken out."""
    archive = folder / published.name
    if not archive.exists():
        part = archive.with_name(archive.name + ".part")
        here = part.stat().st_size if part.exists() else 0
        check_space(published.name, folder, round((1 + TAKEN) * published.size) - here)
    return fetch(published.url, archive, sha256=None, size=published.size, attempts=attempts)


def _ensure(source: Source, published: Published) -> tuple[dict, bool]:
    """The manifest of the prepared folder, and whether it had to be prepared first."""
    if known := _known(source, published):
        return known, False
    folder = source.folder
    part = folder.with_name(folder.name + PART)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if known := _known(source, published):  # Another process was faster.
                return known, False
            if folder.exists():
                print(f"{folder} is not as it was prepared. It is made anew.", file=sys.stderr)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            try:
                manifest = _write(source, published, part)
                tree.replace_folder(part, folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            if source.downloaded:
                source.archive.unlink()
    except OSError as error:
        raise DataError(
            f"{folder} could not be written ({error.strerror or error}). "
            "Set DLCOURSE_CACHE to a folder where you may write."
        ) from error
    return manifest, True


def _known(source: Source, published: Published) -> dict | None:
    """The manifest if the folder is whole and was made from this source."""
    manifest = tree.read_manifest(source.folder, published.splits)
    if manifest and source.archive and source.archive.exists():
        made_from, now = manifest["source"], _about(source)
        return manifest if all(made_from.get(key) == now[key] for key in now) else None
    return manifest


def _about(source: Source) -> dict:
    """What the manifest says about a source, as far as it is known at a glance."""
    if source.kind == "synthetic":
        return {"kind": "synthetic", "name": f"drawn by the course, version {VERSION}"}
    about = {"kind": "real", "name": source.archive.name}
    return about | ({"bytes": source.archive.stat().st_size} if source.archive.is_file() else {})


def _write(source: Source, published: Published, part: Path) -> dict:
    if source.kind == "synthetic":
        count = sum(number for _, number in published.splits)
        with _drawn(count) as collection:
            return tree.write_tree(collection, part, published.splits, _about(source))
    if not (source.archive and source.archive.exists()):
        raise DataError(
            f"{source.folder} is not as it was prepared, and what it was made from is not at hand. "
            "Run `dlcourse data cats-and-dogs` to get the pictures again."
        )
    about = _about(source)
    if source.archive.is_file():
        about["sha256"] = file_sha256(source.archive)
    with opened(source.archive, part) as collection:
        return tree.write_tree(collection, part, published.splits, about)


@contextmanager
def _drawn(count: int) -> Iterator[Collection]:
    """Numbered pictures that are drawn when they are read."""
    with drawing(min(4, os.cpu_count() or 1)) as draw:
        yield Collection(
            "the drawn set",
            {
                kind: [Picture(kind, i, f"{kind}.{i}", DRAWN_SIZE) for i in range(count)]
                for kind in KINDS
            },
            lambda picture: draw(picture.kind, SEED, picture.number),
        )


def _say_hash(sha256: str, published: Published) -> str:
    if sha256 == published.reported_sha256:
        return "The archive's sha256 is the one that others report; its publisher states none."
    return (
        f"The archive's sha256 is {sha256}, and others report {published.reported_sha256}; its "
        "publisher states none. It had the right size, and every picture was decoded."
    )
