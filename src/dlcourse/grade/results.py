"""How a class did: what the gradebook and the graded notebooks say, read without grading."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment

from dlcourse.grade.backend import nbgrader_api, open_gradebook
from dlcourse.grade.ledger import Ledger
from dlcourse.grade.notebook import grade_id, notes, repairs, seconds
from dlcourse.grade.troubles import GradeError


@dataclass(frozen=True)
class Result:
    """How one submission ended.

    score: points earned, manual scores and late penalties counted in; None without a grade.
    cells: grade_id -> (points earned, points possible), in the notebook's order.
    notes: sentences about what happened, the reason for a missing grade among them.
    feedback: the page to hand back, or None if there is none.
    repairs: those of the notes that say what was put right before grading.
    failures: grade_id -> what the student is told of a test that failed, without its traceback.
    by_hand: the cells that wait for a person's score.
    scored_by_hand: the cells that have a person's score.
    seconds: how long the submission took to be run and judged; None where that is not known.
    """

    student: str
    section: str
    score: float | None
    max_score: float
    cells: dict[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    feedback: Path | None = None
    repairs: tuple[str, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    scored_by_hand: tuple[str, ...] = ()
    seconds: float | None = None


def read_results(root: Path, section: str | None = None) -> list[Result]:
    """What the gradebook and autograded/ hold for a section (all, if None), by name.

    Raises GradeError if the section has not been graded yet, or if the gradebook cannot be used.
    """
    with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
        names = [section] if section else sorted(entry.name for entry in gradebook.assignments)
        submissions = [found for name in names for found in _submissions(gradebook, name)]
        results = [_result(root, submission) for submission in submissions]
    return sorted(results, key=lambda result: (result.section, result.student))


def _submissions(gradebook: Gradebook, section: str) -> list[SubmittedAssignment]:
    try:
        return gradebook.assignment_submissions(section)
    except MissingEntry:
        raise GradeError(f"{section} has not been graded yet: run `dlcourse grade`.") from None


def _result(root: Path, submission: SubmittedAssignment) -> Result:
    student, section = submission.student.id, submission.assignment.name
    penalty = sum(notebook.late_submission_penalty or 0 for notebook in submission.notebooks)
    # Databases give them in any order.
    grades = sorted(
        (grade for notebook in submission.notebooks for grade in notebook.grades),
        key=lambda grade: grade.name,
    )
    result = Result(
        student,
        section,
        submission.score - penalty,
        submission.max_score,
        {grade.name: (grade.score, grade.max_score) for grade in grades},
    )
    reason = Ledger(root).entry(section, student).reason
    if reason:
        return replace(result, notes=(reason,))
    names = [notebook.name for notebook in submission.notebooks]
    paths = [root / "autograded" / student / section / f"{name}.ipynb" for name in names]
    if not any(path.is_file() for path in paths):
        # nbgrader removes what it could not finish; scores of an earlier run mean nothing then.
        return replace(result, score=None, cells={})
    graded = [_read(path) for path in paths if path.is_file()]
    order = [name for nb in graded for cell in nb.cells if (name := grade_id(cell))]
    pages = [root / "feedback" / student / section / f"{name}.html" for name in names]
    spent = [taken for nb in graded if (taken := seconds(nb)) is not None]
    return replace(
        result,
        cells={name: result.cells[name] for name in order if name in result.cells},
        notes=tuple(note for nb in graded for note in [*repairs(nb), *notes(nb)]),
        feedback=next((page for page in pages if page.is_file()), None),
        repairs=tuple(note for nb in graded for note in repairs(nb)),
        failures=dict(failure for nb in graded for failure in _failures(nb)),
        by_hand=tuple(grade.name for grade in grades if grade.needs_manual_grade),
        scored_by_hand=tuple(grade.name for grade in grades if grade.manual_score is not None),
        seconds=sum(spent) if spent else None,
    )


def _read(path: Path) -> NotebookNode:
    """A notebook that grading has written: it needs no validation."""
    return nbformat.from_dict(json.loads(path.read_text("utf-8")))


def _failures(nb: NotebookNode) -> list[tuple[str, str]]:
    """(grade_id, message) of each test cell that ended with an error."""
    tests = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    return [
        (grade_id(cell), output.evalue)
        for cell in tests
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]
