"""Grading sections for a class: what is new is judged by workers and entered by one writer."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Lock

from tqdm import tqdm

from dlcourse.files import is_full
from dlcourse.grade.backend import (
    all_said,
    last_error,
    logged,
    nbgrader_api,
    one_engine,
    open_gradebook,
)
from dlcourse.grade.cluster import MOST_AT_ONCE, Cluster, pack
from dlcourse.grade.database import alone, patiently
from dlcourse.grade.holdings import fingerprint, handed_in
from dlcourse.grade.judge import masters
from dlcourse.grade.ledger import Entry, Ledger, LedgerInUse, digest, section_key
from dlcourse.grade.results import Result, read_results
from dlcourse.grade.troubles import GradebookError, GradeError, in_sentences, trouble
from dlcourse.grade.workers import Workers, WorkFailed
from dlcourse.grade.workshop import NAMESPACES, addresses, default_isolation
from dlcourse.grade.writer import Standing, Writer
from dlcourse.run.isolation import available
from dlcourse.run.warm import WarmParent

__all__ = ["GradeError", "Result", "grade", "grade_sections", "read_results"]

WORKER_LIBRARIES = ("dlcourse.grade.work", "dlcourse.grade.feedback:warm_up")
# Submissions at once, where nobody says otherwise.
MOST_WORKERS = 4
Wanted = dict[str, Iterable[str] | None]
# A section and a student.
One = tuple[str, str]


def grade(
    root: Path,
    section: str,
    students: Iterable[str] | None = None,
    *,
    workers: int | None = None,
    again: bool = False,
) -> list[Result]:
    """Grades what `students` (all, if None) handed in for `section`, as `grade_sections` does."""
    return grade_sections(root, {section: students}, workers=workers, again=again)


def grade_sections(
    root: Path,
    wanted: Wanted,
    *,
    workers: int | None = None,
    again: bool = False,
    scheduler: str | None = None,
) -> list[Result]:
    """Grades what was handed in for sections; one Result each, by section and student.

    wanted: section -> students (all, if None). workers: how many submissions are judged at once.
    again: whether what is unchanged since it was judged, the section and all settings too, is
    judged again. scheduler: the address of the Dask scheduler whose workers judge; None to judge
    on this machine.

    Scores that a grader gave by hand stay. It may be stopped at any moment, and called again goes
    on from there. Progress goes to stderr, what nbgrader says to `.nbgrader.log`.

    Raises GradeError if a section or a submission does not exist, if nobody handed one in, if
    student code should be isolated and cannot be, if the gradebook cannot be written, or if the
    cluster cannot be reached or used.
    """
    root = Path(root).resolve()
    if not scheduler and isolation(root) == NAMESPACES and (why_not := available()):
        raise GradeError(why_not)
    cluster = Cluster(scheduler, workers) if scheduler else None
    used = closing(cluster) if cluster else nullcontext()
    with _in_sentences(root), logged(root), one_engine(), Ledger(root).held(), used:
        return _Batch(root, wanted, again, cluster).run(workers)


def with_submissions(root: Path, students: Iterable[str] | None = None) -> list[str]:
    """The sections for which all of `students` (anybody, if None) have handed in something.

    Raises GradeError if there is none.
    """
    found = [
        name
        for name in _sections(root)
        if (given := set(handed_in(root, name))) and given.issuperset(students or ())
    ]
    if not found:
        raise GradeError(
            f"There is no section for which {' and '.join(students)} handed in something."
            if students
            else "Nobody has handed in anything: there is no submitted/STUDENT/SECTION. Put each "
            "student's notebook there."
        )
    return found


def start_ahead() -> dict[str, str]:
    """Starts the warm processes of grading, which take seconds to import, and does not wait.

    Returns what other processes that grade need in their environment to share them.
    """
    _workers().start(wait=False)
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
    _look_up(root, section)
    with tempfile.TemporaryDirectory(prefix="dlcourse-release-") as aside:
        api = nbgrader_api(root, CourseDirectory={"release_directory": aside})
        outcome = api.generate_assignment(section)
    if not outcome["success"]:
        raise trouble(all_said(outcome)) or GradeError(
            f"source/{section} cannot be entered into the gradebook: {last_error(outcome)}. If "
            "its graded cells were changed on purpose, forget the old ones by `nbgrader db "
            f"assignment remove {section} --force` and grade again."
        )


class _Batch:
    """One run over what was handed in."""

    def __init__(self, root: Path, wanted: Wanted, again: bool, cluster: Cluster | None) -> None:
        self.root, self.wanted, self.cluster = root, wanted, cluster
        self.ledger = Ledger(root)
        # Later sections take longer: begun first, they do not keep everybody waiting at the end.
        self.chosen = [
            (section, name)
            for section in sorted(wanted, reverse=True)
            for name in _chosen(root, section, wanted[section])
        ]
        self.how = isolation(root)
        sections = {section: section_key(root, section, self.how) for section in wanted}
        self.keys = {
            one: digest(sections[one[0]], one[1], fingerprint(root, *one)) for one in self.chosen
        }
        self.stale = {
            one for one in self.chosen if again or self.ledger.entry(*one).key != self.keys[one]
        }
        if not self.stale:
            self.cluster = None
        elif cluster:
            cluster.connect()
            _workers().start(wait=False)
        else:
            start_ahead()
        self.writer, self.writing = Writer(root), Lock()
        with self._alone():
            self.masters = {
                section: self._entered(section, sections[section]) for section in wanted
            }

    def run(self, workers: int | None) -> list[Result]:
        staff, at_once = self._staff(workers)
        bar = tqdm(total=len(self.chosen), desc=self._title(), unit="submission")
        reasons = {}
        with self.ledger.unfinished() as aside, bar, ThreadPoolExecutor(at_once) as pool:
            running = {pool.submit(self._grade, one, staff, aside): one for one in self.chosen}
            try:
                for done in as_completed(running):
                    reasons[running[done]] = done.result()
                    bar.update()
            except BaseException:
                # Whatever a worker is at, it ends with the process that it is a fork of.
                pool.shutdown(wait=False, cancel_futures=True)
                staff.close()
                _workers().close()
                raise
            staff.close()
        return self._results(reasons)

    def _staff(self, workers: int | None) -> tuple[Workers | Cluster, int]:
        """Who judges and writes feedback, and how many submissions at once."""
        usual, material = min(MOST_WORKERS, os.cpu_count() or 1), {"masters": self.masters}
        if not self.cluster:
            return Workers(_workers(), workers or usual, self.root, material), workers or usual
        # Nothing is run here, so that no warm kernels are needed.
        local = Workers(_workers(), usual, self.root, material, lambda: os.environ)
        sections = sorted({section for section, _ in self.stale})
        course = pack(self.root, sections, {s: self.masters[s] for s in sections}, self.how)
        self.cluster.begin(self.root, course, local, self.how == NAMESPACES)
        return self.cluster, workers or MOST_AT_ONCE

    def _entered(self, section: str, key: str) -> dict:
        """What the gradebook knows of a section, once it has it as source/ does."""
        known = masters(self.writer.api, section)
        if not self.ledger.is_entered(section, key, known):
            enter(self.root, section)
            known = masters(self.writer.api, section)
            self.ledger.write_entered(section, key, known)
        return known

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self.writer.api.coursedir.db_url)

    def _title(self) -> str:
        return f"Grading {next(iter(self.wanted)) if len(self.wanted) == 1 else 'the class'}"

    def _results(self, reasons: dict[One, str | None]) -> list[Result]:
        read = [result for section in self.wanted for result in read_results(self.root, section)]
        known = {(result.section, result.student): result for result in read}
        results = []
        for section, student in sorted(self.chosen):
            # A student whom nbgrader could not even enter has a reason all the same.
            result = known.get((section, student), Result(student, section, None, 0.0))
            reason = reasons[section, student]
            if reason and reason not in result.notes:
                result = replace(result, notes=(reason, *result.notes))
            results.append(result)
        return results

    def _grade(self, one: One, staff: Workers | Cluster, aside: Path) -> str | None:
        """Judges a submission, enters it and writes its feedback, as far as that is still to do.

        None, or the reason why there is no grade or no feedback.
        """
        try:
            if one in self.stale:
                self._judge(one, staff, aside)
            entry = self.ledger.entry(*one)
            with self.writing:
                standing = patiently(lambda: self._enter(one, entry))
        except WorkFailed as failed:
            self._forget(one)
            return f"could not be graded: {failed}"
        if entry.reason:
            return entry.reason
        try:
            patiently(lambda: self._feed_back(one, standing, staff))
        except WorkFailed as failed:
            return f"was graded, but has no feedback: {failed}"
        return None

    def _judge(self, one: One, staff: Workers | Cluster, aside: Path) -> None:
        section, student = one
        folder = aside / self.keys[one]
        reason = staff.ask("judge", section=section, student=student, into=str(folder))
        self.ledger.keep(*one, self.keys[one], None if reason else folder, reason)

    def _enter(self, one: One, entry: Entry) -> Standing:
        """Writes a judged submission into the gradebook, unless it stands there already."""
        has_page = (self.root / "autograded" / one[1] / one[0]).is_dir()
        standing = self.writer.standing(*one)
        if standing and standing.points == entry.points and has_page != bool(entry.reason):
            return standing
        with self._alone():
            return self._write(one, entry)

    def _write(self, one: One, entry: Entry) -> Standing:
        # Whoever is stopped from here on will do it once more.
        self.ledger.write(*one, replace(entry, points=None))
        if entry.reason:
            self._remove_pages(one)
            failed = self.writer.enter_nothing(*one)
        else:
            failed = self.writer.enter(*one)
        if failed:
            raise WorkFailed(failed)
        standing = self.writer.standing(*one)
        self.ledger.write(*one, replace(entry, points=standing.points, shown=[]))
        return standing

    def _feed_back(self, one: One, standing: Standing, staff: Workers | Cluster) -> None:
        section, student = one
        entry = self.ledger.entry(*one)
        has_page = (self.root / "feedback" / student / section).is_dir()
        if has_page and entry.shown == standing.shown:
            return
        try:
            failed = staff.ask("feedback", section=section, student=student)
        except WorkFailed as ended:
            failed = str(ended)
        if failed:
            raise trouble(failed) or WorkFailed(failed)
        self.ledger.write(*one, replace(entry, shown=standing.shown))

    def _forget(self, one: One) -> None:
        """What was found earlier says nothing about what is handed in now."""
        self.ledger.forget(*one)
        self._remove_pages(one)

    def _remove_pages(self, one: One) -> None:
        for folder in ("autograded", "feedback"):
            shutil.rmtree(self.root / folder / one[1] / one[0], ignore_errors=True)


@contextmanager
def _in_sentences(root: Path) -> Iterator[None]:
    """Turns what stops a whole class into a GradeError that says what to do."""
    try:
        with in_sentences():
            yield
    except GradebookError as error:
        kept = "What was judged is kept: run the same command again."
        raise GradeError(f"{error} {kept}") from error
    except LedgerInUse:
        raise GradeError(f"Another process is grading in {root}. Wait until it is done.") from None
    except OSError as error:
        if not is_full(error):
            raise
        raise GradeError(
            f"{error.strerror}: {error.filename or root}. Make room, and run the same "
            "command again: what was finished is kept."
        ) from error


def _sections(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "source").glob("*/") if path.is_dir())


def _look_up(root: Path, section: str) -> None:
    if section not in (sections := _sections(root)):
        raise GradeError(f"There is no section {section!r}. Sections: {', '.join(sections)}.")


def _is_lesson(root: Path, section: str) -> bool:
    """Whether no cell of the section is graded."""
    with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
        notebooks = gradebook.find_assignment(section).notebooks
        return not any(notebook.grade_cells for notebook in notebooks)


def _chosen(root: Path, section: str, students: Iterable[str] | None) -> list[str]:
    _look_up(root, section)
    names = handed_in(root, section)
    if students is None:
        if not names:
            enter(root, section)
            raise GradeError(
                f"There is nothing to grade in {section}: it is a lesson, without exercises."
                if _is_lesson(root, section)
                else f"Nobody has handed in {section}: there is no submitted/STUDENT/{section}. "
                "Put each student's notebook there."
            )
        return names
    chosen = sorted(set(students))
    absent = [name for name in chosen if name not in names]
    if absent:
        raise GradeError(f"There is no submitted/{absent[0]}/{section} to grade.")
    return chosen


@cache
def _workers() -> WarmParent:
    """The warm process of which the workers are forks."""
    return WarmParent(WORKER_LIBRARIES, os.environ)
