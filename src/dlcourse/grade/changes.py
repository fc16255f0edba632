"""Who would get other points if the class were graded by the sections as they are now."""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlcourse.grade.backend import lay_config
from dlcourse.grade.course import Wanted, grade_sections
from dlcourse.grade.results import Result, read_results


@dataclass(frozen=True)
class Change:
    """Points of one graded cell as they stand in the gradebook, and as they would be.

    before, after: None where there is no such cell, or no grade. why: what the student would be
    told, if the test failed now; else "".
    """

    student: str
    section: str
    cell: str
    before: float | None
    after: float | None
    why: str = ""


def changes(
    root: Path, wanted: Wanted, *, workers: int | None = None, scheduler: str | None = None
) -> tuple[list[Change], int]:
    """What grading `wanted` (section -> students, all if None) again would change.

    Returns the changes and the number of submissions that were looked at.

    Everything is judged in a course aside, with a gradebook of its own; that of the course in
    `root` is only read. Cells that a person has scored are not among the changes: such scores stay.
    Raises GradeError as `grade_sections` does, and if a section was not graded yet.
    """
    root = Path(root).resolve()
    old = [result for section in wanted for result in read_results(root, section)]
    with tempfile.TemporaryDirectory(prefix="dlcourse-dry-run-") as folder:
        aside = Path(folder).resolve()
        _lay_out(root, aside, wanted)
        new = grade_sections(aside, wanted, workers=workers, scheduler=scheduler)
    before = {(result.section, result.student): result for result in old}
    found = [
        change
        for result in new
        for change in _of_one(before.get((result.section, result.student)), result)
    ]
    return found, len(new)


def _lay_out(root: Path, aside: Path, sections: Iterable[str]) -> None:
    """A course in the folder `aside` with the same sections, submissions and configuration."""
    for section in sections:
        if (root / "source" / section).is_dir():
            shutil.copytree(root / "source" / section, aside / "source" / section)
    (aside / "submitted").symlink_to(root / "submitted")
    lay_config(root, aside)


def _of_one(old: Result | None, new: Result) -> list[Change]:
    before, after = _points(old), _points(new)
    found = []
    for cell in {**after, **before}:
        known = before.get(cell), after.get(cell)
        if known[0] != known[1] and not (old and cell in old.scored_by_hand):
            why = new.failures.get(cell) or ("" if new.cells else " ".join(new.notes))
            found.append(Change(new.student, new.section, cell, *known, why))
    return found


def _points(result: Result | None) -> dict[str, float]:
    return {name: score for name, (score, _) in result.cells.items()} if result else {}


def changes_report(found: Sequence[Change], graded: int) -> str:
    """The changes as text for a terminal; `graded`: how many submissions were looked at."""
    touched = {(change.section, change.student) for change in found}
    lines = [f"{len(touched)} of {graded} submissions would get other points.", ""]
    for section, student in sorted(touched):
        own = [change for change in found if (change.section, change.student) == (section, student)]
        total = sum((change.after or 0) - (change.before or 0) for change in own)
        lines.append(f"{section}  {student}: {total:+g}")
        lines += [f"    {_in_words(change)}" for change in own]
    return "\n".join(lines).rstrip() + "\n"


def _in_words(change: Change) -> str:
    before, after = (
        "no grade" if points is None else f"{points:g}" for points in (change.before, change.after)
    )
    first = change.why.strip().splitlines()[:1]
    return f"{change.cell}: {before} → {after}{f', {first[0]}' if first else ''}"
