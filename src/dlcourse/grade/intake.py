"""What students handed in as a clean folder, with the notebooks under their names.

The first step of grading. `holdings` finds the files; here it is decided which of them are the
notebooks that are due, and what there is to say of the others.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlcourse.grade.holdings import (
    MARKS,
    NOTEBOOK_SIZE,
    File,
    Held,
    TooMuch,
    few,
    gather,
    is_notebook,
    megabytes,
    shown,
    sources_of,
)


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
        held = Held(section, f"submitted/{shown(student)}", beside / "numbered")
        gather(held, sources_of(root, section, student))
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
    except TooMuch as reason:
        return Intake((), str(reason))
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@dataclass(frozen=True)
class _Candidate:
    """A file that may be a notebook of the section, and what speaks for it.

    home: the expected notebook that it is, or is called like; None if there is none. answers:
    grade_id -> text of the answers that differ from the scaffold.
    """

    file: File
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
    held: Held, expected: Sequence[Expected]
) -> tuple[dict[str, File], list[str], list[str]]:
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


def _candidates(held: Held, expected: Sequence[Expected]) -> list[_Candidate]:
    files = [file for file in held.files if _may_be_notebook(file)]
    homes = {f"{held.section}/{one.file}": one for one in expected}
    if sorted(file.name for file in files) == sorted(homes):
        # The ordinary case: there is no choice, so a large notebook need not be parsed for it.
        return [_Candidate(file, homes[file.name]) for file in files]
    judged = [_judged(file, expected) for file in files if expected]
    return [c for c in judged if c.is_readable or is_notebook(c.file.name)]


def _may_be_notebook(file: File) -> bool:
    path = PurePosixPath(file.name)
    if is_notebook(file.name):
        return True
    if len(path.parts) > 1 and path.suffix.lower() not in ("", ".json", ".txt"):
        return False
    return file.size <= NOTEBOOK_SIZE and b'"nbformat"' in file.path.read_bytes()


def _judged(file: File, expected: Sequence[Expected]) -> _Candidate:
    cells = _cells(file.path) if file.path else None
    named = next((one for one in expected if PurePosixPath(file.place).name == one.file), None)
    if not named and cells is None and "/" not in file.name and is_notebook(file.name):
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


def _verdict(held: Held, one: Expected, best: _Candidate, *others: _Candidate) -> list[str]:
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


def _absence(held: Held, one: Expected, candidates: Sequence[_Candidate]) -> str:
    """Which notebook is not there, and what is."""
    if not held.sources:
        return f"nothing was handed in as {held.located(held.section)}"
    flaws = [_flaw(held, c) for c in candidates if c.home in (one, None)]
    if flaws:
        return f"{held.located(*held.sources)} has no {one.file} to grade: {few(flaws, '; ')}"
    return "; ".join(
        f"{held.located(source)} {_holding(held, source, one)}" for source in held.sources
    )


def _flaw(held: Held, candidate: _Candidate) -> str:
    """Why a candidate is not what is due."""
    name = shown(held.label(candidate.file.name))
    if candidate.is_readable:
        return f"{name} is a notebook, but not of this section"
    if candidate.file.path:
        return f"{name} is not readable as a notebook"
    size, most = megabytes(candidate.file.size), megabytes(NOTEBOOK_SIZE)
    advice = "clear its outputs and hand it in again"
    return f"{name} has {size}, and {most} is the most that can be graded: {advice}"


def _holding(held: Held, source: str, one: Expected) -> str:
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
    names = [f"{shown(name)}{MARKS.get(kind, '')}" for name, kind in sorted(kinds.items())]
    return f"has no {one.file}; it holds {few(names) or 'nothing'}"


def _places(held: Held, chosen: dict[str, File]) -> dict[str, File]:
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


def _lifted(file: File, notebooks: Iterable[File]) -> str | None:
    """The new place of what lay with or below a notebook that comes from a folder to the top."""
    for notebook in notebooks:
        base = f"{PurePosixPath(notebook.place).parent}/"
        if file.archive == notebook.archive and file.place.startswith(base):
            place = file.place.removeprefix(base)
            # When it was handed in is not for a student's own folder to say.
            return None if place == "timestamp.txt" else place
    return None
