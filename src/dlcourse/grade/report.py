"""The class's results as text for a terminal."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dlcourse.grade.course import Result

BAR = 10
SHOWN = 5
NOT_ISOLATED = (
    "Student code is NOT isolated: it can do to this machine's files, processes and network\n"
    "what you can. Tests still run in a process of their own."
)


def class_report(results: Sequence[Result], root: Path, *, isolated: bool = True) -> str:
    """The whole report: scores, what happened, what the class found hard, where to look next.

    isolated: whether student code was kept from all else; the report says so if it was not.
    """
    parts = [score_table(results), what_happened(results), hardest(results), next_steps(root)]
    if not isolated:
        parts.append(NOT_ISOLATED)
    return "\n\n".join(part for part in parts if part) + "\n"


def score_table(results: Sequence[Result]) -> str:
    """Student by section: a bar, and the points earned of the points possible."""
    sections = sorted({result.section for result in results})
    by_place = {(result.student, result.section): result for result in results}
    students = sorted({result.student for result in results})
    rows = [["student", *sections]]
    for student in students:
        rows.append([student, *(_score(by_place.get((student, name))) for name in sections)])
    rows.append(["class average", *(_average(results, name) for name in sections)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    rule = "─" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def what_happened(results: Sequence[Result]) -> str:
    """The notes of every submission that has some."""
    lines = []
    for result in results:
        if result.notes:
            lines.append(f"  {result.student}, {result.section}")
            lines += [_indented(note) for note in result.notes]
    return "\n".join(["What happened", *lines]) if lines else ""


def hardest(results: Sequence[Result]) -> str:
    """The exercises in which most students lost points."""
    lost, tried = Counter(), Counter()
    for result in results:
        parts = {(result.section, exercise_of(name)): False for name in result.cells}
        for name, (score, most) in result.cells.items():
            parts[result.section, exercise_of(name)] |= score < most
        tried.update(parts.keys())
        lost.update(key for key, failed in parts.items() if failed)
    lines = [
        f"  {section}  {exercise}: {number} of {tried[section, exercise]} submissions lost points"
        for (section, exercise), number in lost.most_common(SHOWN)
    ]
    return "\n".join(["Where the class lost most", *lines]) if lines else ""


def next_steps(root: Path) -> str:
    """Which files to open after grading."""
    places = {
        f"{root / 'feedback'}/STUDENT/SECTION/*.html": "what each student gets back",
        f"{root / 'autograded'}/": "the executed notebooks, hidden tests included",
        f"{root / '.nbgrader.log'}": "what nbgrader said",
        "`make lab`, then Formgrader": "to read written answers and change scores",
    }
    width = max(map(len, places))
    lines = [f"  {place:{width}}  {what}" for place, what in places.items()]
    return "\n".join(["Where to look next", *lines])


def exercise_of(name: str) -> str:
    """The exercise that a graded cell belongs to: `relu` for `relu-check` and `relu-tests`."""
    exercise, _, part = name.rpartition("-")
    return exercise if part in ("check", "tests") else name


def _score(result: Result | None) -> str:
    if result is None:
        return "·"
    if result.score is None:
        return "no grade"
    filled = round(BAR * result.score / result.max_score) if result.max_score else 0
    return f"{'█' * filled}{'░' * (BAR - filled)} {result.score:5.4g} / {result.max_score:g}"


def _average(results: Sequence[Result], section: str) -> str:
    scores = [r.score for r in results if r.section == section and r.score is not None]
    return f"{'':{BAR}} {sum(scores) / len(scores):5.3g}" if scores else "·"


def _indented(note: str) -> str:
    indent = " " * 4
    return textwrap.fill(
        note, 96, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
