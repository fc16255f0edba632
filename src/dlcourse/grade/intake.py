"""What students handed in, whatever it is, as a clean folder with the notebooks under their names.

The first step of grading. It reads submitted/ and never writes there, follows no link that came
with a submission, and opens nothing but regular files. Files are copied under numbers first, so
that no name of a student's matters before it is known which of them is the notebook.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import FileIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

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
_MARKS = {"folder": " (a folder)", "link": " (a link)", "special": " (no ordinary file)"}
# Why something is left, as it follows "was".
_WHY = {
    "link": "left out: links are not followed, so hand in the files themselves",
    "special": "left out: only ordinary files are taken",
    "long": f"left out: a path may have {PATH_SIZE:,} bytes and {PATH_DEPTH} folders",
    "closed": "left out: could not be read",
}


@dataclass(frozen=True)
class Expected:
    """A notebook that a section expects.

    name: without suffix. scaffolds: grade_id of each answer cell -> its text as released.
    cells: all grade_ids of the notebook.
    """

    name: str
    scaffolds: Mapping[str, str]
    cells: frozenset[str]

    @property
    def file(self) -> str:
        return f"{self.name}.ipynb"


@dataclass(frozen=True)
class Intake:
    """What came of a submission.

    repairs: sentences on what was put right or left aside, for student and instructor.
    reason: why there is nothing to grade, or None.
    """

    repairs: tuple[str, ...]
    reason: str | None


def handed_in(root: Path, section: str) -> list[str]:
    """The names of the students from whom anything came for `section`, sorted.

    That is submitted/STUDENT/SECTION, whatever it is, or SECTION.ipynb or SECTION.zip beside it.
    """
    folder = root / "submitted"
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(n for n in names if not _is_hidden(n) and _sources(root, section, n))


def fingerprint(root: Path, section: str, student: str) -> str:
    """SHA-256, in hex, of the names, kinds and bytes of all that `take_in` would look at.

    What cannot be read counts by its name. Past the limits, where nothing is graded, sizes count
    for bytes and the rest for nothing.
    """
    digest, left = hashlib.sha256(), SIZE
    for source in _sources(root, section, student):
        for file in islice(_walk(source), FILES + 1):
            left -= file.size
            content = _sha256(file) if left >= 0 else str(file.size)
            # A zero byte is in no name.
            digest.update(b"%a\0%b\0%a\n" % (file.kind, os.fsencode(file.name), content))
    return digest.hexdigest()


def take_in(
    root: Path, section: str, student: str, expected: Sequence[Expected], into: Path
) -> Intake:
    """Copies a submission to the new folder `into`, each expected notebook under its name there.

    If there is a reason, `into` is not made. One of several expected notebooks is enough to grade;
    the repairs say which others are not there. Raises FileExistsError if `into` exists, and any
    other OSError that keeps files from being copied, except for the permission to read one.
    Nothing half-made stays.
    """
    if os.path.lexists(into):
        raise FileExistsError(f"{into} exists")
    # Under a name that the next run finds again, should this one be killed.
    beside = into.with_name(f".{into.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for folder in ("numbered", "copy"):
            (beside / folder).mkdir(parents=True)
        held = _Held(section, f"submitted/{_shown(student)}", beside / "numbered")
        _gather(held, _sources(root, section, student))
        chosen, repairs, problems = _choose(held, expected)
        if problems and not chosen:
            reason = "; ".join(dict.fromkeys(problems))
            return Intake(held.sentences(besides=reason), reason)
        for place, file in _places(held, chosen).items():
            path = beside / "copy" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            file.path.rename(path)
        (beside / "copy").rename(into)
        return Intake((*repairs, *(f"{text}." for text in problems), *held.sentences()), None)
    except _TooMuch as reason:
        return Intake((), str(reason))
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@dataclass(frozen=True)
class _File:
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
class _Held:
    """What a submission holds: copies of its files, and what there is to say of the rest.

    where: the student's folder, as sentences name it. folder: takes the copies. kinds: name ->
    kind of all that was handed in. left: name -> why, after "was". size: bytes copied.
    """

    section: str
    where: str
    folder: Path
    kinds: dict[str, str] = field(default_factory=dict)
    files: list[_File] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def sources(self) -> list[str]:
        return [name for name in self.kinds if "/" not in name]

    def located(self, *sources: str) -> str:
        return " and ".join(f"{self.where}/{_shown(name)}" for name in sources)

    def label(self, name: str) -> str:
        """The name without the submission's folder, as students know it."""
        is_folder = self.kinds.get(self.section) == "folder"
        return name.removeprefix(f"{self.section}/") if is_folder else name

    def listed(self, names: Iterable[str], verbs: str) -> str:
        """The names, the first few of many, and the one of "was|were" that fits their number."""
        quoted = [f"`{_shown(self.label(name))}`" for name in names]
        return f"{_few(quoted)} {verbs.split('|')[len(quoted) > 1]}"

    def sentences(self, besides: str = "") -> tuple[str, ...]:
        """What was left out, and why, unless `besides` says it."""
        names: dict[str, list[str]] = {}
        for name, why in self.left.items():
            if f"{self.located(name)} was" not in besides:
                names.setdefault(why, []).append(name)
        return tuple(f"{self.listed(some, 'was|were')} {why}." for why, some in names.items())

    def limit(self, files: int, size: int) -> None:
        """Raises _TooMuch if a submission may not have as many files or bytes."""
        if files > FILES:
            what = f"more than {FILES:,} files, which is the most that can be graded"
        elif size > SIZE:
            what = f"{_mb(size)}, and {_mb(SIZE)} is the most that can be graded"
        else:
            return
        advice = "leave out data, clear the notebook's outputs and hand it in again"
        raise _TooMuch(f"{self.located(*self.sources)} holds {what}: {advice}")

    def take(self, file: _File, chunks: Iterable[bytes]) -> bool:
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


class _TooMuch(Exception):  # noqa: N818 - no error
    """A submission is past the limits; the message is the reason."""


def _sources(root: Path, section: str, student: str) -> list[Path]:
    paths = (root / "submitted" / student / f"{section}{end}" for end in ("", ".ipynb", ".zip"))
    return [path for path in paths if os.path.lexists(path)]


def _walk(source: Path) -> Iterator[_File]:
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
        yield _File(name, place, path, size, mtime, kind)


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


def _sha256(file: _File) -> str:
    digest = hashlib.sha256()
    try:
        for chunk in _bytes(file.path) if file.kind == "file" else ():
            digest.update(chunk)
    except (_Left, OSError):
        return "unreadable"
    return digest.hexdigest()


def _gather(held: _Held, sources: list[Path]) -> None:
    """Copies all files, those in zips too."""
    found = list(islice((file for source in sources for file in _walk(source)), FILES + 1))
    held.kinds = {file.name: file.kind for file in found}
    held.left = {file.name: _WHY[file.kind] for file in found if file.kind in _WHY}
    held.limit(len(found), sum(file.size for file in found))
    for number, file in enumerate(found):
        if file.kind != "file":
            continue
        copy = replace(file, path=held.folder / f"{number}")
        if _is_notebook(file.name) and file.size > NOTEBOOK_SIZE:
            held.files.append(replace(file, path=None))
        elif held.take(copy, _bytes(file.path)) and _is_zip(copy):
            _unpack(held, copy)


def _is_notebook(name: str) -> bool:
    """Whether the name, such as "tensors.ipynb.txt", says that it is a notebook."""
    name = PurePosixPath(name).name.lower()
    return ".ipynb" in name and not name.endswith(".zip")


def _is_zip(file: _File) -> bool:
    # submitted/STUDENT/SECTION can be a zip that nothing in its name shows as one.
    is_nameless = "/" not in file.name and not _is_notebook(file.name)
    return file.name.lower().endswith(".zip") or is_nameless and zipfile.is_zipfile(file.path)


class _ShortReads(FileIO):
    """A file of which at most 1 MB is read at once: a zip can list millions of members."""

    def read(self, size: int = -1) -> bytes:
        if size > MB:
            raise zipfile.BadZipFile
        return super().read(size)


def _unpack(held: _Held, zipped: _File) -> None:
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
            file = _File(name, place, path, info.file_size, mtime, archive=zipped.name)
            held.take(file, _unpacked(archive, info, end - held.size))


def _members(archive: zipfile.ZipFile, is_whole: bool) -> list[zipfile.ZipInfo]:
    """What is to be unpacked: nothing of a zip that only goes with a notebook, such as data."""
    files = [info for info in archive.infolist() if not info.filename.endswith(("/", "\\"))]
    files = [f for f in files if not any(p != ".." and _is_hidden(p) for p in _parts(f))]
    # What is past the limits should be anything but the notebook.
    files.sort(key=lambda info: not _is_notebook(info.filename))
    names = [info.filename.lower() for info in files]
    return files if is_whole or any(n.endswith(".json") or _is_notebook(n) for n in names) else []


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
        raise _Left(f"left out: {_mb(ZIP_SIZE)} is the most that is taken from a zip")


@dataclass(frozen=True)
class _Candidate:
    """A file that may be a notebook of the section, and what speaks for it.

    home: the expected notebook that it is, or is called like; None if there is none. answers:
    grade_id -> text of the answers that differ from the scaffold.
    """

    file: _File
    home: Expected | None
    is_readable: bool = False
    has_cells: bool = False
    is_named: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple:
        """Sorts the best one first."""
        at_top = self.is_named and "/" not in self.file.place
        merits = (self.is_readable, self.has_cells, bool(self.answers), at_top, self.is_named)
        return (*(not merit for merit in merits), -self.file.mtime, self.file.name)


def _choose(
    held: _Held, expected: Sequence[Expected]
) -> tuple[dict[str, _File], list[str], list[str]]:
    """The notebooks by the names that they are due under, what that took, and what is not there.

    Candidates that were not chosen are no longer among the files then.
    """
    candidates = _candidates(held, expected)
    chosen, repairs, problems = {}, [], []
    for one in expected:
        ranked = sorted((c for c in candidates if c.home is one), key=lambda c: c.rank)
        held.files = [file for file in held.files if all(c.file is not file for c in ranked[1:])]
        if ranked and ranked[0].file.path:
            chosen[one.file] = ranked[0].file
            repairs += _verdict(held, one, *ranked)
        else:
            problems.append(_absence(held, one, ranked or candidates))
    stray = [c.file.name for c in candidates if not c.home and not c.is_readable]
    if stray:
        repairs.append(f"{held.listed(stray, 'is|are')} not readable as a notebook.")
    return chosen, repairs, problems


def _candidates(held: _Held, expected: Sequence[Expected]) -> list[_Candidate]:
    files = [file for file in held.files if _may_be_notebook(file)]
    homes = {f"{held.section}/{one.file}": one for one in expected}
    if sorted(file.name for file in files) == sorted(homes):
        # The ordinary case: there is no choice, so a large notebook need not be parsed for it.
        return [_Candidate(file, homes[file.name]) for file in files]
    judged = [_judged(file, expected) for file in files if expected]
    return [c for c in judged if c.is_readable or _is_notebook(c.file.name)]


def _may_be_notebook(file: _File) -> bool:
    path = PurePosixPath(file.name)
    if _is_notebook(file.name):
        return True
    if len(path.parts) > 1 and path.suffix.lower() not in ("", ".json", ".txt"):
        return False
    return file.size <= NOTEBOOK_SIZE and b'"nbformat"' in file.path.read_bytes()


def _judged(file: _File, expected: Sequence[Expected]) -> _Candidate:
    cells = _cells(file.path) if file.path else None
    named = next((one for one in expected if PurePosixPath(file.place).name == one.file), None)
    if not named and cells is None and "/" not in file.name and _is_notebook(file.name):
        # SECTION.ipynb: the next step says what is wrong with it.
        named = expected[0]
    known = {cell.grade_id or cell.cell_id for cell in cells or ()}
    home = max(expected, key=lambda one: (len(known & one.cells), one is named))
    # Sections share names of cells, such as "train": most have to be this one's, or, where
    # nbgrader's metadata are lost, most of this one's have to be there.
    graded = {cell.grade_id for cell in cells or () if cell.grade_id}
    others = graded - home.cells if graded else home.cells - known
    has_cells = len(known & home.cells) > len(others)
    home = home if has_cells else named
    answers = _answers(cells, home) if cells and home else {}
    return _Candidate(file, home, cells is not None, has_cells, home is named, answers)


class _Cell(NamedTuple):
    grade_id: str | None
    cell_id: str | None
    text: str


def _cells(path: Path) -> list[_Cell] | None:
    """The cells of a notebook in nbformat 3 or 4; None if the file is none."""
    try:
        nb = json.loads(path.read_text("utf-8-sig"))
        if nb["nbformat"] not in (3, 4):
            return None
        sheets = [nb] if "cells" in nb else nb["worksheets"]
        return [_cell(cell) for sheet in sheets for cell in sheet["cells"]]
    except Exception:  # nested too deep, not UTF-8, no dict where one is due, and what else
        return None


def _cell(cell: dict) -> _Cell:
    metadata = cell.get("metadata")
    info = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = info.get("grade_id") if isinstance(info, dict) else None
    # In nbformat 3 the text of a code cell is its input.
    text = "".join(cell["source"] if "source" in cell else cell["input"])
    return _Cell(*(n if isinstance(n, str) else None for n in (name, cell.get("id"))), text)


def _answers(cells: list[_Cell], home: Expected) -> dict[str, str]:
    """The answers that differ from the scaffold; of several copies, as in masters.py, the last."""
    answers = {}
    for cell in cells:
        scaffold = home.scaffolds.get(cell.grade_id or cell.cell_id)
        if scaffold is not None and cell.text.strip() and cell.text.split() != scaffold.split():
            lines = cell.text.strip().splitlines()
            answers[cell.grade_id or cell.cell_id] = "\n".join(map(str.rstrip, lines))
    return answers


def _verdict(held: _Held, one: Expected, best: _Candidate, *others: _Candidate) -> list[str]:
    """Which file was graded and which were not, unless it is just the one that is due."""
    is_due = held.label(best.file.name) == one.file
    if is_due and not others:
        return []
    text = held.listed([best.file.name], "was graded")
    if not is_due:
        text += f" as `{one.file}`"
    if others:
        text += f"; {held.listed([c.file.name for c in others], 'was|were')} not"
    differing = [c.file.name for c in others if not c.answers.items() <= best.answers.items()]
    if not differing:
        return [f"{text}."]
    also = held.listed(differing, "also holds|also hold")
    return [f"{text}.", f"{also} answers, other ones: please check which one counts."]


def _absence(held: _Held, one: Expected, candidates: Sequence[_Candidate]) -> str:
    """Which notebook is not there, and what is."""
    if not held.sources:
        return f"nothing was handed in as {held.located(held.section)}"
    flaws = [_flaw(held, c) for c in candidates if c.home in (one, None)]
    if flaws:
        return f"{held.located(*held.sources)} has no {one.file} to grade: {_few(flaws, '; ')}"
    return "; ".join(
        f"{held.located(source)} {_holding(held, source, one)}" for source in held.sources
    )


def _flaw(held: _Held, candidate: _Candidate) -> str:
    """Why a candidate is not what is due."""
    name = _shown(held.label(candidate.file.name))
    if candidate.is_readable:
        return f"{name} is a notebook, but not of this section"
    if candidate.file.path:
        return f"{name} is not readable as a notebook"
    size = f"{_mb(candidate.file.size)}, and {_mb(NOTEBOOK_SIZE)} is the most that can be graded"
    return f"{name} has {size}: clear its outputs and hand it in again"


def _holding(held: _Held, source: str, one: Expected) -> str:
    """What to say of something handed in that has no notebook in it."""
    if source in held.left:
        return f"was {held.left[source]}"
    if any(file.name == source for file in held.files):
        return "is neither a folder, a notebook nor a zip file"
    kinds: dict[str, str] = {}
    for name, kind in held.kinds.items():
        if name.startswith(f"{source}/"):
            first, slash, _ = name.removeprefix(f"{source}/").partition("/")
            kinds.setdefault(first, "folder" if slash else kind)
    names = [f"{_shown(name)}{_MARKS.get(kind, '')}" for name, kind in sorted(kinds.items())]
    return f"has no {one.file}; it holds {_few(names) or 'nothing'}"


def _places(held: _Held, chosen: dict[str, _File]) -> dict[str, _File]:
    """Where files go in the copy; those that have no place there are noted."""
    placed, folders = dict(chosen), set()
    zips = {file.archive for file in chosen.values()} | {None}
    names = {file.name for file in chosen.values()}
    rest = [f for f in held.files if f.path and f.archive in zips and f.name not in names]
    lifted = {file.name: _lifted(file, chosen.values()) for file in rest}
    # What is at the top keeps its place, the timestamp above all.
    for file in sorted(rest, key=lambda file: lifted[file.name] is not None):
        for place in filter(None, (lifted[file.name], file.place)):
            above = {str(folder) for folder in PurePosixPath(place).parents}
            if place not in placed and place not in folders and above.isdisjoint(placed):
                placed[place] = file
                folders |= above
                break
        else:
            held.left[file.name] = "left out: something else has its place"
    return placed


def _lifted(file: _File, notebooks: Iterable[_File]) -> str | None:
    """The new place of what lay with or below a notebook that comes from a folder to the top."""
    for notebook in notebooks:
        base = f"{PurePosixPath(notebook.place).parent}/"
        if file.archive == notebook.archive and file.place.startswith(base):
            place = file.place.removeprefix(base)
            # When it was handed in is not for a student's own folder to say.
            return None if place == "timestamp.txt" else place
    return None


def _shown(name: str) -> str:
    """A file's name as a sentence can hold it."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name).replace("`", "'")
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}…{text[-19:]}"


def _few(items: Sequence[str], comma: str = ", ") -> str:
    more = f" and {len(items) - LISTED:,} more" if len(items) > LISTED else ""
    return comma.join(items[:LISTED]) + more


def _mb(size: int) -> str:
    return f"{-(-size // MB):,} MB"
