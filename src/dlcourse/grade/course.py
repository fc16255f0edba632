"""Grading one section for a class, and reading back how it went."""

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from tqdm import tqdm

from dlcourse.grade.notebook import grade_id, notes
from dlcourse.grade.submission import LOG, last_error, missing, nbgrader_api
from dlcourse.grade.workshop import NAMESPACES, addresses, default_isolation
from dlcourse.run.isolation import available
from dlcourse.run.warm import WarmParent

GRADER_LIBRARIES = (
    "dlcourse.grade.submission",
    "dlcourse.grade.plugins",
    "dlcourse.grade.execution",
    "dlcourse.grade.feedback:warm_up",
)


class GradeError(Exception):
    """Grading cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Result:
    """How one submission ended.

    score: points earned, manual scores and late penalties counted in; None without a grade.
    cells: grade_id -> (points earned, points possible), in the notebook's order.
    notes: sentences about what happened, the reason for a missing grade among them.
    feedback: the page to hand back, or None if there is none.
    """

    student: str
    section: str
    score: float | None
    max_score: float
    cells: dict[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    feedback: Path | None = None


def grade(
    root: Path, section: str, students: Iterable[str] | None = None, *, jobs: int | None = None
) -> list[Result]:
    """Grades what `students` (all, if None) handed in for `section`; one Result each, by name.

    What was graded before is graded again; scores that a grader gave by hand stay. `jobs`
    submissions run at once, each in a process of its own. Progress goes to stderr, what nbgrader
    says to `.nbgrader.log`. Raises GradeError if the section or a submission does not exist, if
    nobody handed one in, or if student code should be isolated and cannot be.
    """
    return grade_sections(root, {section: students}, jobs=jobs)


def grade_sections(
    root: Path, wanted: dict[str, Iterable[str] | None], *, jobs: int | None = None
) -> list[Result]:
    """Grades several sections in one go, as `grade` does each; `wanted` is section -> students."""
    root = Path(root).resolve()
    if isolation(root) == NAMESPACES and (why_not := available()):
        raise GradeError(why_not)
    shared = start_ahead()
    for section in wanted:
        enter(root, section)
    # Later sections take longer: begun first, they do not keep everybody waiting at the end.
    chosen = [
        (section, name)
        for section in sorted(wanted, reverse=True)
        for name in _chosen(root, section, wanted[section])
    ]
    what = next(iter(wanted)) if len(wanted) == 1 else f"{len(wanted)} sections"
    bar = tqdm(total=len(chosen), desc=f"Grading {what}", unit="submission")
    reasons = {}
    with bar, ThreadPoolExecutor(jobs or min(4, os.cpu_count() or 1)) as pool:
        running = {pool.submit(_grade_apart, root, *one, shared): one for one in chosen}
        try:
            for done in as_completed(running):
                reasons[running[done]] = done.result()
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _graders().close()
            raise
    read = [result for section in wanted for result in read_results(root, section)]
    known = {(result.section, result.student): result for result in read}
    # A student whom nbgrader could not even enter has a reason all the same.
    results = [known.get(one, Result(one[1], one[0], None, 0.0)) for one in sorted(chosen)]
    return [_with_reason(result, reasons[result.section, result.student]) for result in results]


def start_ahead() -> dict[str, str]:
    """Starts the warm processes of grading, which take seconds to import, and does not wait.

    Returns what other processes that grade need in their environment to share them.
    """
    _graders().start(wait=False)
    return addresses()


def isolation(root: Path) -> str:
    """How student code is kept from all else in the course in `root`: "namespaces" or "none"."""
    chosen = nbgrader_api(root).config.ExecuteSubmission.get("isolation")
    return chosen or default_isolation()


def enter(root: Path, section: str) -> None:
    """Makes the gradebook know the section as source/ has it. Neither source/ nor release/ change.

    Raises GradeError if there is no such section, or if its cells are others than those that
    submissions were graded by.
    """
    sections = sorted(path.name for path in (root / "source").glob("*/") if path.is_dir())
    if section not in sections:
        raise GradeError(f"There is no section {section!r}. Sections: {', '.join(sections)}.")
    with tempfile.TemporaryDirectory(prefix="dlcourse-release-") as aside:
        outcome = nbgrader_api(root, release=Path(aside)).generate_assignment(section)
    if not outcome["success"]:
        raise GradeError(
            f"source/{section} cannot be entered into the gradebook: {last_error(outcome)}. If its "
            "graded cells were changed on purpose, forget the old ones by `nbgrader db assignment "
            f"remove {section} --force` and grade again."
        )


def _is_lesson(root: Path, section: str) -> bool:
    """Whether no cell of the section is graded."""
    coursedir = nbgrader_api(root).coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        notebooks = gradebook.find_assignment(section).notebooks
        return not any(notebook.grade_cells for notebook in notebooks)


def read_results(root: Path, section: str | None = None) -> list[Result]:
    """What the gradebook and autograded/ hold for a section (all, if None), without grading."""
    coursedir = nbgrader_api(root).coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
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
    result = Result(
        student,
        section,
        submission.score - penalty,
        submission.max_score,
        {
            grade.name: (grade.score, grade.max_score)
            for notebook in submission.notebooks
            for grade in notebook.grades
        },
    )
    names = [notebook.name for notebook in submission.notebooks]
    absent = missing(root, section, student, names)
    if absent:
        return replace(result, notes=(absent,))
    paths = [root / "autograded" / student / section / f"{name}.ipynb" for name in names]
    if not all(path.is_file() for path in paths):
        # nbgrader removes what it could not finish; scores of an earlier run mean nothing then.
        return replace(result, score=None, cells={})
    graded = [nbformat.read(path, as_version=4) for path in paths]
    order = [name for nb in graded for cell in nb.cells if (name := grade_id(cell))]
    pages = [root / "feedback" / student / section / f"{name}.html" for name in names]
    return replace(
        result,
        cells={name: result.cells[name] for name in order if name in result.cells},
        notes=tuple(note for nb in graded for note in notes(nb)),
        feedback=next((page for page in pages if page.is_file()), None),
    )


def _chosen(root: Path, section: str, students: Iterable[str] | None) -> list[str]:
    folders = sorted((root / "submitted").glob(f"*/{section}"))
    handed_in = [folder.parent.name for folder in folders if folder.is_dir()]
    if students is None:
        if not handed_in:
            raise GradeError(
                f"There is nothing to grade in {section}: it is a lesson, without exercises."
                if _is_lesson(root, section)
                else f"Nobody has handed in {section}: there is no submitted/STUDENT/{section}. "
                "Put each student's notebook there."
            )
        return handed_in
    chosen = sorted(set(students))
    absent = [name for name in chosen if name not in handed_in]
    if absent:
        raise GradeError(f"There is no submitted/{absent[0]}/{section} to grade.")
    return chosen


def _grade_apart(root: Path, section: str, student: str, shared: dict[str, str]) -> str | None:
    """Grades in a process of its own; None, or the reason why there is no grade or feedback.

    `shared` is the part of its environment that names the warm processes to fork from.
    """
    payload = {"root": str(root), "section": section, "student": student}
    with (root / LOG).open("a") as log, tempfile.TemporaryFile("w+") as said:
        child = _graders().fork(
            "dlcourse.grade.submission:run",
            payload,
            cwd=root,
            env=os.environ | shared,
            stdout=said.fileno(),
            stderr=log.fileno(),
        )
        code = child.wait()
        said.seek(0)
        reason = said.read().strip()
    if code:
        return f"could not be graded: the process ended with code {code}; see {LOG}"
    return reason or None


@cache
def _graders() -> WarmParent:
    """The warm process of which those that grade a submission are forks."""
    return WarmParent(GRADER_LIBRARIES, os.environ)


def _with_reason(result: Result, reason: str | None) -> Result:
    if reason is None or reason in result.notes:
        return result
    return replace(result, notes=(reason, *result.notes))
