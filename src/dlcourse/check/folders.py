"""Folders for a student's function to work in, and what it leaves there.

    folder = check.Folder({"flat/cat.0.jpg": picture, "flat/dog.0.jpg": picture})
    check.call(split, folder.path / "flat", folder.path / "small")
    check.that("train/cats/cat.0.jpg" in folder.tree("small"), "...")

While grading, the student's function works in a copy on its own side, and `tree` and `saved` tell
how it left that. So a test writes nothing to the folder after it was made, and does not look into
`folder.path` itself.
"""

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4
from weakref import WeakValueDictionary

from dlcourse.check.failures import CheckFailed

# Files of a folder, and folders in it; bytes of all of them; levels of folders in folders.
MOST_FILES, MOST_BYTES, DEEPEST = 10_000, 2**30, 20
# Bytes of a saved model's config.json, and of a single read while its zip archive is opened, which
# is that of the list of its members.
LONGEST_CONFIG, LONGEST_READ = 4 * 2**20, 2**18


@dataclass(frozen=True)
class File:
    """A file: bytes, and the SHA-256 of its contents in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class SavedModel:
    """What a `.keras` file says of its model, which is never built from it.

    config: as Keras wrote it, with "class_name" and "config". sizes: name of a member of the
    archive, such as "model.weights.h5" -> bytes, as the archive states them.
    """

    config: dict
    sizes: dict[str, int]


@dataclass(frozen=True)
class Left:
    """How a copy of a folder was left: files, contents of `.keras` files; or why nobody knows."""

    files: dict[str, File]
    saved: dict[str, bytes]
    why: str | None = None


class Folder:
    """A temporary folder with `files` (relative name -> contents), removed with this object."""

    def __init__(self, files: Mapping[str, bytes] | None = None, *, key: str | None = None):
        self._temporary = TemporaryDirectory(prefix="folder-", ignore_cleanup_errors=True)
        self.path = Path(self._temporary.name).resolve()
        # Known by it on both sides.
        self.key = key or uuid4().hex
        self._left: Left | None = None
        for name, data in (files or {}).items():
            path = self.path / relative(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        LIVE[self.key] = self

    def tree(self, under: str = ".") -> dict[str, File]:
        """Name, relative to the folder `under` -> file, sorted; {} if there is no such folder.

        Only regular files: links are not followed. Raises CheckFailed if there are too many.
        """
        if self._left and self._left.why:
            raise CheckFailed(self._left.why)
        files = self._left.files if self._left else files_in(self.path)
        top = relative(under)
        return {
            PurePosixPath(name).relative_to(top).as_posix(): file
            for name, file in sorted(files.items())
            if PurePosixPath(name).is_relative_to(top)
        }

    def saved(self, name: str) -> SavedModel:
        """What the `.keras` file `name` says; CheckFailed if there is none, or it is damaged."""
        if name not in self.tree():
            there = ", ".join(list(self.tree())[:6]) or "no files at all"
            raise CheckFailed(f"There is no file `{name}`; there is: {there}.")
        if self._left:
            if name not in self._left.saved:
                raise CheckFailed(f"`{name}` is too large to be looked into, or not a .keras file.")
            return _saved_model(io.BytesIO(self._left.saved[name]), name)
        with (self.path / relative(name)).open("rb") as file:
            return _saved_model(file, name)

    def leave(self, left: Left) -> None:
        """Says how a copy was left: `tree` and `saved` tell of that from now on."""
        self._left = left

    @property
    def is_elsewhere(self) -> bool:
        """Whether a copy has been worked on."""
        return self._left is not None


# Key -> folder, as long as there is one: how a path is known to be inside.
LIVE: WeakValueDictionary[str, Folder] = WeakValueDictionary()


def folder_of(path: os.PathLike) -> tuple[Folder, str] | None:
    """The Folder that an absolute path is in, and the path's name relative to it, or None."""
    plain = Path(os.path.normpath(path))
    for folder in list(LIVE.values()):
        if plain.is_relative_to(folder.path):
            return folder, plain.relative_to(folder.path).as_posix()
    return None


def relative(name: str) -> PurePosixPath:
    """The name as a path; ValueError unless it leads to somewhere inside a folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or len(path.parts) > DEEPEST:
        raise ValueError(f"{name!r:.100} is no name of something inside a folder.")
    return path


def files_in(top: Path) -> dict[str, File]:
    """Relative name -> each regular file in `top` and below.

    Links are not followed. Raises CheckFailed if there is too much, or it cannot be read.
    """
    found: dict[str, File] = {}
    pending, seen, room = [top], 0, MOST_BYTES
    try:
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MOST_FILES:
                        raise CheckFailed(f"There are more than {MOST_FILES:,} files to look at.")
                    path = Path(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        name = relative(path.relative_to(top).as_posix())
                        found[name.as_posix()] = file = _file(path, room)
                        room -= file.size
    except FileNotFoundError:
        # The student's code may have removed the folder itself.
        return found
    except (OSError, ValueError) as error:
        raise CheckFailed(f"The folder cannot be looked through: {error}") from None
    return found


def read(path: Path, most: int) -> bytes:
    """The contents of a regular file of at most that many bytes; OSError if it is none."""
    with _opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path.name} is too large")
    return data


def _file(path: Path, room: int) -> File:
    with _opened(path) as file:
        digest, size = hashlib.sha256(), 0
        while part := file.read(2**20):
            digest.update(part)
            size += len(part)
            if size > room:
                raise CheckFailed(f"The files have more than {MOST_BYTES // 2**20:,} MB.")
    return File(size, digest.hexdigest())


def _opened(path: Path) -> BinaryIO:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path.name} is not a regular file")
    return os.fdopen(file, "rb")


def _saved_model(file: BinaryIO, name: str) -> SavedModel:
    try:
        with zipfile.ZipFile(_Guarded(file)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            config = json.loads(_member(archive, "config.json"))
    except CheckFailed:
        raise
    except Exception as error:
        # A damaged archive fails in many ways: zipfile, zlib and json raise a dozen kinds.
        raise CheckFailed(
            f"`{name}` is not a saved Keras model ({type(error).__name__}): that is a zip archive "
            f'with a config.json in it. model.save("{name}") writes one.'
        ) from None
    if type(config) is not dict or type(config.get("class_name")) is not str:
        raise CheckFailed(f"`{name}` holds a config.json that describes no model.")
    return SavedModel(config, sizes)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CheckFailed(f"{name} is compressed in a way that Keras does not use.")
    with archive.open(name) as file:
        data = file.read(LONGEST_CONFIG + 1)
    if len(data) > LONGEST_CONFIG:
        raise CheckFailed(f"{name} has more than {LONGEST_CONFIG // 2**20} MB.")
    return data


class _Guarded:
    """A file that refuses to be read in large parts, whatever sizes it states."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(LONGEST_READ + 1 if size < 0 else min(size, LONGEST_READ + 1))
        if len(data) > LONGEST_READ:
            raise CheckFailed("A saved model has a few members; this archive lists thousands.")
        return data
