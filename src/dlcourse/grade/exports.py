"""The gradebook as CSV files that Canvas and Moodle import.

    nbgrader export --exporter=dlcourse.grade.exports.CanvasExporter --to=grades.csv
    nbgrader export --exporter=dlcourse.grade.exports.MoodleExporter --to=grades.csv

`--assignment` and `--student` choose as they do for nbgrader's own CSV. Scores a person gave count,
late penalties are taken off. Who handed in nothing has no grade, which is not a zero: that is for
the course to decide, in Canvas or Moodle.
"""

import csv
import io
import re
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Enum, Float, Unicode

from dlcourse.files import write_text

# With these a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class GradesExporter(ExportPlugin):
    """What the exporters have in common: whose grades, of what, and how the file is written."""

    columns = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="section -> heading of its column, where the assignment is called something else",
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        to = Path(self.to or "grades.csv")
        rows = self.rows(gradebook)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([map(inert, row) for row in rows])
        write_text(to, text.getvalue())
        self.log.info("Exported grades to %s", to)

    def rows(self, gradebook: Gradebook) -> list[list[str]]:
        """All rows of the file, its heading first."""
        raise NotImplementedError

    def sections(self, gradebook: Gradebook) -> list[Assignment]:
        """The sections to export, by name: those with points that `assignment` allows."""
        wanted = {str(name) for name in self.assignment}
        found = [entry for entry in gradebook.assignments if entry.max_score > 0]
        chosen = [entry for entry in found if not wanted or entry.name in wanted]
        self._warn("There is no section %s with points.", wanted - {one.name for one in found})
        return sorted(chosen, key=lambda entry: entry.name)

    def students(self, gradebook: Gradebook) -> list[Student]:
        """The students to export, by last name, first name and id: those that `student` allows."""
        wanted = {str(name) for name in self.student}
        # Where several have no name, databases give them in any order.
        found = sorted(gradebook.students, key=_by_name)
        self._warn("There is no student %s.", wanted - {one.id for one in found})
        return [one for one in found if not wanted or one.id in wanted]

    def heading(self, section: Assignment) -> str:
        return self.columns.get(section.name, section.name)

    def score(self, gradebook: Gradebook, section: Assignment, student: Student) -> float | None:
        """Points earned, manual scores and late penalties counted in; None without a grade."""
        try:
            submission = gradebook.find_submission(section.name, student.id)
        except MissingEntry:
            return None
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        if all(grade.auto_score is None and grade.manual_score is None for grade in grades):
            self._warn(f"%s has handed in {section.name}, but has no grade.", {student.id})
            return None
        return max(0.0, submission.score - submission.late_submission_penalty)

    def _warn(self, sentence: str, names: set[str]) -> None:
        for name in sorted(names):
            self.log.warning(sentence, name)


class CanvasExporter(GradesExporter):
    """A file for Canvas: Grades, Import.

    Canvas finds a student by ID, its own number; else by SIS User ID, else by SIS Login ID, else by
    name. nbgrader's student is written as the one that `match` says. Numbers in the gradebook's
    `lms_user_id` are written as ID.

    Canvas finds an assignment by a heading like "Tensors (4711)", with its number, or by its name;
    otherwise it offers to make one. `columns` says what a section is called there:
    --CanvasExporter.columns="01_tensors=Tensors (4711)". An empty cell takes away a grade that
    Canvas has already; Canvas shows all changes before it makes them.
    """

    match = Enum(
        ("SIS Login ID", "SIS User ID"),
        default_value="SIS Login ID",
        help="what nbgrader's student ids are called in Canvas",
    ).tag(config=True)

    def rows(self, gradebook: Gradebook) -> list[list[str]]:
        sections = self.sections(gradebook)
        heading = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
        possible = ["    Points Possible", *[""] * (len(heading) - 1)]
        return [
            [*heading, *map(self.heading, sections)],
            [*possible, *(decimal(section.max_score) for section in sections)],
            *(
                [
                    *self._who(student),
                    *(decimal(self.score(gradebook, section, student)) for section in sections),
                ]
                for student in self.students(gradebook)
            ),
        ]

    def _who(self, student: Student) -> list[str]:
        names = [name for name in (student.last_name, student.first_name) if name]
        number = student.lms_user_id or ""
        return [
            ", ".join(names) or student.id,
            # Canvas reads what is no number as 0, and another number as another student's.
            number if re.fullmatch(r"[0-9]+", number) else "",
            student.id if self.match == "SIS User ID" else "",
            student.id if self.match == "SIS Login ID" else "",
            "",
        ]


class MoodleExporter(GradesExporter):
    """A file for Moodle: Grades, Import, CSV file.

    Moodle asks which column says who the student is: it is the first one, and `match` says what
    stands in it. Then it asks which grade item each section goes to. Points are the section's own;
    where all grade items in Moodle are out of 100, `--MoodleExporter.out_of=100` converts them.

    Who has no grade gets "-", as in the files that Moodle writes: an empty cell would become a zero
    in a new grade item. A student without an e-mail address is left out where the address says who
    is who, since Moodle would give the grades to the student in the line above.
    """

    match = Enum(
        ("Username", "ID number", "Email address"),
        default_value="Username",
        help="what says who a student is: nbgrader's id, called one or the other, or the address",
    ).tag(config=True)
    out_of = Float(0, help="what full marks are worth in Moodle; 0: the section's points").tag(
        config=True
    )

    def rows(self, gradebook: Gradebook) -> list[list[str]]:
        sections, students = self.sections(gradebook), self.students(gradebook)
        nameless = {student.id for student in students if not self._id(student)}
        self._warn("%s is left out: no e-mail address.", nameless)
        return [
            [self.match, "First name", "Last name", *map(self.heading, sections)],
            *(
                [
                    self._id(student),
                    student.first_name or "",
                    student.last_name or "",
                    *(self._grade(gradebook, section, student) for section in sections),
                ]
                for student in students
                if student.id not in nameless
            ),
        ]

    def _id(self, student: Student) -> str:
        return (student.email or "").strip() if self.match == "Email address" else student.id

    def _grade(self, gradebook: Gradebook, section: Assignment, student: Student) -> str:
        score = self.score(gradebook, section, student)
        if score is not None and self.out_of:
            score *= self.out_of / section.max_score
        return decimal(score) or "-"


def _by_name(student: Student) -> tuple[str, str, str]:
    return student.last_name or "", student.first_name or "", student.id


def decimal(score: float | None) -> str:
    """A number with a dot and at most four decimals, or nothing without a score."""
    return "" if score is None else f"{score:.4f}".rstrip("0").rstrip(".")


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: names may begin with what one begins with."""
    is_number = re.fullmatch(r"-?[0-9.]*", cell)
    return f"'{cell}" if cell.startswith(_FORMULA) and not is_number else cell
