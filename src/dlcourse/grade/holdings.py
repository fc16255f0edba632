"""Files that were handed in, whatever they are: found, and copied under numbers.

It reads submitted/ and never writes there, follows no link that came with a submission, and opens
nothing but regular files. The numbers let no name of a student's matter before it is known what the
file is.
"""

import hashlib
import os
import re
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import FileIO
from itertools import islice
from pathlib import Path, PurePosixPath

MB = 2**20
# The most that is taken: bytes of a notebook, out of a zip and of a submission; files out of a zip
# and of a submission; bytes of a path and of a name in it, and its depth in folders.
NOTEBOOK_SIZE, ZIP_SIZE, SIZE = 256 * MB, 256 * MB, 1024 * MB
ZIP_FILES, FILES = 1_000, 10_000
PATH_SIZE, NAME_SIZE, PATH_DEPTH = 1_000, 255, 50
# How many files a sentence names, and how many characters of a name.
LISTED, SHOWN = 6, 60
_CHUNK = 2**18
_HIDDEN = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
MARKS = {"folder": " (a folder)", "link": " (a link)", "special": " (no ordinary file)"}
# Why something is left, as it follows "was".
_WHY = {
    "link": "left out: links are not followed, so hand in the files themselves",
    "special": "left out: only ordinary files are taken",
    "long": f"left out: a path may have {PATH_SIZE:,} bytes and {PATH_DEPTH} folders",
    "closed": "left out: could not be read",
}


def handed_in(root: Path, section: str) -> list[str]:
    """The names of the students from whom anything came for `section`, sorted.

    That is submitted/STUDENT/SECTION, whatever it is, or SECTION.ipynb or SECTION.zip beside it.
    """
    folder = root / "submitted"
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(n for n in names if not _is_hidden(n) and sources_of(root, section, n))


def fingerprint(root: Path, section: str, student: str) -> str:
    """SHA-256, in hex, of the names, kinds and bytes of all that `take_in` would look at.

    What cannot be read counts by its name. Past the limits, where nothing is graded, sizes count
    for bytes and the rest for nothing.
    """
    digest, left = hashlib.sha256(), SIZE
    for source in sources_of(root, section, student):
        for file in islice(_walk(source), FILES + 1):
            left -= file.size
            content = _sha256(file) if left >= 0 else str(file.size)
            # A zero byte is in no name.
            digest.update(b"%a\0%b\0%a\n" % (file.kind, os.fsencode(file.name), content))
    return digest.hexdigest()


@dataclass(frozen=True)
class File:
    """A file that was handed in, or a folder or what else there is.

    name: its path from the student's folder; in a zip it continues the zip's. place: its path in
    the copy if nothing is in its way. path: where it is; None for a notebook too large to be
    copied. archive: the name of the zip that it comes from.
    """

    name: str
    place: str
    path: Path | None
    size: int
    mtime: float
    kind: str = "file"
    archive: str | None = None


@dataclass
class Held:
    """What a submission holds: copies of its files, and what there is to say of the rest.

    where: the student's folder, as sentences name it. folder: takes the copies. kinds: name ->
    kind of all that was handed in. left: name -> why, after "was". size: bytes copied.
    """

    section: str
    where: str
    folder: Path
    kinds: dict[str, str] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def sources(self) -> list[str]:
        return [name for name in self.kinds if "/" not in name]

    def located(self, *sources: str) -> str:
        return " and ".join(f"{self.where}/{shown(name)}" for name in sources)

    def label(self, name: str) -> str:
        """The name without the submission's folder, as students know it."""
        is_folder = self.kinds.get(self.section) == "folder"
        return name.removeprefix(f"{self.section}/") if is_folder else name

    def listed(self, names: Iterable[str], verbs: str) -> str:
        """The names, the first few of many, and the one of "was|were" that fits their number."""
        quoted = [f"`{shown(self.label(name))}`" for name in names]
        return f"{few(quoted)} {verbs.split('|')[len(quoted) > 1]}"

    def sentences(self, besides: str = "") -> tuple[str, ...]:
        """What was left out, and why, unless `besides` says it."""
        names: dict[str, list[str]] = {}
        for name, why in self.left.items():
            if f"{self.located(name)} was" not in besides:
                names.setdefault(why, []).append(name)
        return tuple(f"{self.listed(some, 'was|were')} {why}." for why, some in names.items())

    def limit(self, files: int, size: int) -> None:
        """Raises TooMuch if a submission may not have as many files or bytes."""
        if files > FILES:
            what = f"more than {FILES:,} files, which is the most that can be graded"
        elif size > SIZE:
            what = f"{megabytes(size)}, and {megabytes(SIZE)} is the most that can be graded"
        else:
            return
        advice = "leave out data, clear the notebook's outputs and hand it in again"
        raise TooMuch(f"{self.located(*self.sources)} holds {what}: {advice}")

    def take(self, file: File, chunks: Iterable[bytes]) -> bool:
        """Copies a file, unless it cannot be read, which is noted; whether it was copied."""
        self.limit(len(self.files) + 1, self.size)
        try:
            with file.path.open("xb") as copy:
                for chunk in chunks:
                    self.size += len(chunk)
                    self.limit(0, self.size)
                    copy.write(chunk)
        except _Left as why:
            self.left[file.name] = str(why)
            return False
        self.files.append(file)
        return True


class _Left(Exception):  # noqa: N818 - no error
    """A file cannot be taken; the message says why, after "was"."""


class TooMuch(Exception):  # noqa: N818 - no error
    """A submission is past the limits; the message is the reason."""


def sources_of(root: Path, section: str, student: str) -> list[Path]:
    paths = (root / "submitted" / student / f"{section}{end}" for end in ("", ".ipynb", ".zip"))
    return [path for path in paths if os.path.lexists(path)]


def _walk(source: Path) -> Iterator[File]:
    """`source` and all that is not hidden in it, in a fixed order."""
    waiting = [source]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(source.parent).as_posix()
        place = path.name if path == source else path.relative_to(source).as_posix()
        size, mtime = 0, 0.0
        try:
            state = path.lstat()
            kind = _KINDS.get(stat.S_IFMT(state.st_mode), "special")
            if _is_long(name):
                kind = "long"
            elif kind == "folder":
                inside = (inner for inner in path.iterdir() if not _is_hidden(inner.name))
                waiting += sorted(inside, reverse=True)
            elif kind == "file":
                size, mtime = state.st_size, state.st_mtime
        except OSError:
            kind = "closed"
        yield File(name, place, path, size, mtime, kind)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _HIDDEN


def _is_long(path: str) -> bool:
    sizes = [len(os.fsencode(part)) for part in path.split("/")]
    return sum(sizes) > PATH_SIZE or max(sizes) > NAME_SIZE or len(sizes) > PATH_DEPTH


def _bytes(path: Path) -> Iterator[bytes]:
    """A regular file's bytes in chunks."""
    try:
        # Should it have become a link or a FIFO just now: neither follow it nor wait for it.
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise _Left(_WHY["closed"]) from None
    with FileIO(number) as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise _Left(_WHY["special"])
        while chunk := file.read(_CHUNK):
            yield chunk


def _sha256(file: File) -> str:
    digest = hashlib.sha256()
    try:
        for chunk in _bytes(file.path) if file.kind == "file" else ():
            digest.update(chunk)
    except (_Left, OSError):
        return "unreadable"
    return digest.hexdigest()


def gather(held: Held, sources: list[Path]) -> None:
    """Copies all files, those in zips too."""
    found = list(islice((file for source in sources for file in _walk(source)), FILES + 1))
    held.kinds = {file.name: file.kind for file in found}
    held.left = {file.name: _WHY[file.kind] for file in found if file.kind in _WHY}
    held.limit(len(found), sum(file.size for file in found))
    for number, file in enumerate(found):
        if file.kind != "file":
            continue
        copy = replace(file, path=held.folder / f"{number}")
        if is_notebook(file.name) and file.size > NOTEBOOK_SIZE:
            held.files.append(replace(file, path=None))
        elif held.take(copy, _bytes(file.path)) and _is_zip(copy):
            _unpack(held, copy)


def is_notebook(name: str) -> bool:
    """Whether the name, such as "tensors.ipynb.txt", says that it is a notebook."""
    name = PurePosixPath(name).name.lower()
    return ".ipynb" in name and not name.endswith(".zip")


def _is_zip(file: File) -> bool:
    # submitted/STUDENT/SECTION can be a zip that nothing in its name shows as one.
    is_nameless = "/" not in file.name and not is_notebook(file.name)
    return file.name.lower().endswith(".zip") or is_nameless and zipfile.is_zipfile(file.path)


class _ShortReads(FileIO):
    """A file of which at most 1 MB is read at once: a zip can list millions of members."""

    def read(self, size: int = -1) -> bytes:
        if size > MB:
            raise zipfile.BadZipFile
        return super().read(size)


def _unpack(held: Held, zipped: File) -> None:
    """Copies what is in a zip, too, or in place of the zip if that is the whole submission."""
    is_whole = "/" not in zipped.name
    base = "" if is_whole else f"{zipped.place[:-4]}/"
    if is_whole:
        held.files.remove(zipped)
    with _ShortReads(zipped.path) as raw:
        try:
            archive = zipfile.ZipFile(raw)
        except Exception:  # zipfile trips over some files in other ways than BadZipFile
            held.left[zipped.name] = "not unpacked: no zip file, damaged or too full"
            return
        end = held.size + ZIP_SIZE
        for number, info in enumerate(_members(archive, is_whole)):
            name, place = f"{zipped.name}/{info.filename}", base + "/".join(_parts(info))
            held.kinds[name] = "file"
            if why := _refusal(info, place, number):
                held.left[name] = why
                continue
            path = held.folder / f"{zipped.path.name}-{number}"
            mtime = time.mktime((*info.date_time, 0, 0, -1))
            file = File(name, place, path, info.file_size, mtime, archive=zipped.name)
            held.take(file, _unpacked(archive, info, end - held.size))


def _members(archive: zipfile.ZipFile, is_whole: bool) -> list[zipfile.ZipInfo]:
    """What is to be unpacked: nothing of a zip that only goes with a notebook, such as data."""
    files = [info for info in archive.infolist() if not info.filename.endswith(("/", "\\"))]
    files = [f for f in files if not any(p != ".." and _is_hidden(p) for p in _parts(f))]
    # What is past the limits should be anything but the notebook.
    files.sort(key=lambda info: not is_notebook(info.filename))
    names = [info.filename.lower() for info in files]
    return files if is_whole or any(n.endswith(".json") or is_notebook(n) for n in names) else []


def _parts(info: zipfile.ZipInfo) -> list[str]:
    return [part for part in re.split(r"[/\\]", info.filename) if part not in ("", ".")]


def _refusal(info: zipfile.ZipInfo, place: str, number: int) -> str | None:
    """Why a member of a zip, the `number`th from 0, is left out; None if it is not."""
    kind = _KINDS.get(stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG, "special")
    if kind != "file":
        return _WHY.get(kind, _WHY["special"])
    if re.match(r"[/\\]|[A-Za-z]:", info.filename) or ".." in _parts(info):
        return "left out: names in a zip may not lead out of it"
    if info.flag_bits & 1:
        return "left out: packed with a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "left out: packed by a method that is not supported"
    if number >= ZIP_FILES:
        return f"left out: {ZIP_FILES:,} files is the most that is taken from a zip"
    return _WHY["long"] if _is_long(place) else None


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """The bytes of a zip's member in chunks; at most `most`, whatever its header says."""
    try:
        with archive.open(info) as stream:
            while most >= 0 and (chunk := stream.read(_CHUNK)):
                most -= len(chunk)
                yield chunk
    except Exception:  # damage shows itself in many ways
        raise _Left("left out: damaged") from None
    if most < 0:
        raise _Left(f"left out: {megabytes(ZIP_SIZE)} is the most that is taken from a zip")


def shown(name: str) -> str:
    """A file's name as a sentence can hold it."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name).replace("`", "'")
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}…{text[-19:]}"


def few(items: Sequence[str], comma: str = ", ") -> str:
    more = f" and {len(items) - LISTED:,} more" if len(items) > LISTED else ""
    return comma.join(items[:LISTED]) + more


def megabytes(size: int) -> str:
    return f"{-(-size // MB):,} MB"
