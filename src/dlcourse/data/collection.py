"""Numbered cats and dogs in the layouts that people publish: a folder, a zip, a zip in a zip."""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dlcourse.data.download import DataError, check_space

KINDS = ("cat", "dog")

# Kaggle's `train/cat.0.jpg` and Microsoft's `PetImages/Cat/0.jpg`.
LAYOUTS = (
    re.compile(r"(?:.*/)?(?P<kind>cat|dog)\.(?P<number>\d+)\.jpg", re.IGNORECASE),
    re.compile(r"(?:.*/)?PetImages/(?P<kind>cat|dog)/(?P<number>\d+)\.jpg", re.IGNORECASE),
)
# Kaggle packs the labelled pictures once more.
INNER = "train.zip"


@dataclass(frozen=True)
class Picture:
    """A picture of `kind` ("cat" or "dog") that its collection keeps as `member`."""

    kind: str
    number: int
    member: str
    size: int

    @property
    def name(self) -> str:
        """The name of its file as Kaggle has it."""
        return f"{self.kind}.{self.number}.jpg"


@dataclass(frozen=True)
class Collection:
    """Numbered pictures: `pictures[kind]` in the order of their numbers.

    read: gives the bytes of a picture's file; threads may call it at once.
    """

    name: str
    pictures: dict[str, list[Picture]]
    read: Callable[[Picture], bytes]


def is_collection(path: Path) -> bool:
    """Whether `path` is a file, or a folder with at least one picture named as expected."""
    return path.is_file() or (path.is_dir() and any(_in_folder(path)))


@contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Collection]:
    """The collection in the folder or zip file `path`; what must be unpacked goes to `scratch`.

    Raises DataError where it is no such thing, or holds no pictures that are named as expected.
    """
    if path.is_dir():
        pictures = list(_in_folder(path))
        yield _collection(path, pictures, lambda picture: (path / picture.member).read_bytes())
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(
            f"{path} cannot be read as a zip file ({error}). {_advice(path)}"
        ) from error
    with archive:
        if inner := _inner(archive):
            with zipfile.ZipFile(_unpacked(archive, inner, path, scratch)) as pictures:
                yield _in_zip(path, pictures)
        else:
            yield _in_zip(path, archive)


def _in_zip(path: Path, archive: zipfile.ZipFile) -> Collection:
    pictures = [_picture(info.filename, info.file_size) for info in archive.infolist()]
    found = [picture for picture in pictures if picture]
    return _collection(path, found, lambda picture: archive.read(picture.member))


def _in_folder(path: Path) -> Iterator[Picture]:
    for file in path.rglob("*.[jJ][pP][gG]"):
        # The folder's own name is part of Microsoft's layout.
        if picture := _picture(f"{path.name}/{file.relative_to(path).as_posix()}", 0):
            member = file.relative_to(path).as_posix()
            yield Picture(picture.kind, picture.number, member, file.stat().st_size)


def _collection(path: Path, pictures: list[Picture], read) -> Collection:
    by_kind = {
        kind: sorted((p for p in pictures if p.kind == kind), key=lambda p: (p.number, p.member))
        for kind in KINDS
    }
    if not pictures:
        raise DataError(
            f"{path} holds no pictures of cats and dogs: nothing in it is named like "
            f"train/cat.0.jpg or PetImages/Cat/0.jpg. {_advice(path)}"
        )
    for kind, other in (KINDS, KINDS[::-1]):
        if not by_kind[kind]:
            raise DataError(
                f"{path} holds {len(by_kind[other]):,} pictures of {other}s, but none of a {kind}. "
                f"{_advice(path)}"
            )
    return Collection(str(path), by_kind, read)


def _picture(member: str, size: int) -> Picture | None:
    for layout in LAYOUTS:
        if match := layout.fullmatch(member):
            return Picture(match["kind"].lower(), int(match["number"]), member, size)
    return None


def _inner(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    inner = (info for info in archive.infolist() if Path(info.filename).name == INNER)
    return next(inner, None)


def _unpacked(archive: zipfile.ZipFile, inner: zipfile.ZipInfo, path: Path, scratch: Path) -> Path:
    """The zip inside of a zip as a file, since reading in it goes back and forth."""
    # The pictures come on top of it: a share of it, twice where files cannot be linked.
    check_space(f"Unpacking {path}", scratch, round(1.5 * inner.file_size))
    target = scratch / INNER
    try:
        with archive.open(inner) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        zipfile.ZipFile(target).close()
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} has a broken {INNER} inside ({error}). {_advice(path)}") from error
    return target


def _advice(path: Path) -> str:
    return (
        f"Nothing of it is used. Replace {path.name} by the published one, or remove it, or set "
        "DLCOURSE_SOURCE=synthetic to work with pictures drawn by the course."
    )
