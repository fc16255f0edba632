"""The one who writes into the gradebook: judged submissions, by nbgrader's own conversion."""

import glob
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Grade, InvalidEntry, MissingEntry, SubmittedNotebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.utils import capture_log

from dlcourse.grade.backend import all_said, last_error, nbgrader_api, open_gradebook
from dlcourse.grade.ledger import Ledger
from dlcourse.grade.troubles import trouble

# nbgrader's steps that are done when a submission is judged: its cells have the course's metadata.
DONE = {
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteCells",
    "dlcourse.grade.plugins.RestoreCells",
}
RUNS = {"nbgrader.preprocessors.Execute", "dlcourse.grade.execution.ExecuteSubmission"}


@dataclass(frozen=True)
class Standing:
    """What the gradebook has of a submission, as JSON can carry it.

    points: grade_id -> what the tests gave. shown: all that a feedback page takes from there.
    """

    points: dict[str, float | None]
    shown: list


class _Entering(Autograde):
    """nbgrader's autograding of what has been judged: in one pass, since all is sanitized."""

    def convert_single_notebook(self, notebook_filename):
        # It goes from submitted to autograded/, as for sanitizing, by the steps that come after.
        self.exporter._preprocessors = []
        for step in self.autograde_preprocessors:
            self.exporter.register_preprocessor(step)
        BaseConverter.convert_single_notebook(self, notebook_filename)


class Writer:
    """Writes into the gradebook of the course in `root`, one submission after the other."""

    def __init__(self, root: Path) -> None:
        self.api = nbgrader_api(root)
        config = self.api.config.Autograde
        given = "dlcourse.grade.plugins.GivenVerdicts"
        self._writing = nbgrader_api(
            root,
            CourseDirectory={"submitted_directory": str(Ledger(root).judged)},
            Autograde={
                "exporter_class": "dlcourse.grade.plugins.JudgedExporter",
                "autograde_preprocessors": [
                    given if step in RUNS else step
                    for step in [*config.sanitize_preprocessors, *config.autograde_preprocessors]
                    if step not in DONE
                ],
            },
        )

    def enter(self, section: str, student: str) -> str | None:
        """Writes the points of a judged submission, and autograded/; None, or why it could not.

        Raises GradeError if it could not because the gradebook cannot be used.
        """
        coursedir = self._writing.coursedir
        # nbgrader takes the student for a pattern of file names.
        coursedir.assignment_id, coursedir.student_id = section, glob.escape(student)
        converter = _Entering(coursedir=coursedir, parent=self._writing)
        converter.force = converter.create_student = True
        outcome = capture_log(converter)
        if outcome["success"]:
            return None
        if stopped := trouble(all_said(outcome)):
            raise stopped
        return last_error(outcome)

    def enter_nothing(self, section: str, student: str) -> str | None:
        """Writes that nothing was handed in that earns a point; else as `enter`."""
        try:
            with open_gradebook(self.api.coursedir) as gradebook:
                gradebook.update_or_create_student(student)
                submission = gradebook.update_or_create_submission(section, student)
                for notebook in submission.notebooks:
                    for grade in notebook.grades:
                        grade.auto_score = 0
                        grade.needs_manual_grade = False
                gradebook.db.commit()
        except InvalidEntry as error:
            return str(error)
        return None

    def standing(self, section: str, student: str) -> Standing | None:
        """What the gradebook has of a submission; None if it has none."""
        with open_gradebook(self.api.coursedir) as gradebook, suppress(MissingEntry):
            notebooks = gradebook.find_submission(section, student).notebooks
            grades = [grade for notebook in notebooks for grade in notebook.grades]
            return Standing(
                {grade.name: grade.auto_score for grade in grades},
                [part for notebook in notebooks for part in _shown(notebook)],
            )
        return None


def _shown(notebook: SubmittedNotebook) -> list:
    grades = [_of_grade(grade) for grade in sorted(notebook.grades, key=lambda each: each.name)]
    comments = sorted([each.name, each.comment] for each in notebook.comments)
    return [notebook.name, notebook.late_submission_penalty, grades, comments]


def _of_grade(grade: Grade) -> list:
    return [grade.name, grade.auto_score, grade.manual_score, grade.extra_credit]
