"""A course of which there is nothing but a gradebook, for tests of what reads gradebooks."""

import shutil
import warnings

from nbgrader.api import Gradebook
from tiny_course import ROOT, empty_gradebook

from dlcourse.grade.backend import nbgrader_api


def make_bare_course(root):
    """The real course's configuration and an empty gradebook in the folder `root`."""
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "gradebook.db").write_bytes(empty_gradebook())
    (root / "source").mkdir()
    return root


def gradebook(root):
    """The gradebook of the course in `root`, to be used in a `with`."""
    coursedir = nbgrader_api(root).coursedir
    return Gradebook(coursedir.db_url, coursedir.course_id)


def add_section(book, section, points):
    """A section of one notebook, with cells `points`, name -> the points they are worth."""
    book.add_assignment(section)
    book.add_notebook("n", section)
    for name, most in points.items():
        book.add_grade_cell(name, "n", section, max_score=most, cell_type="code")


def hand_in(book, section, student, penalty=None, **scores):
    """A submission with the points of some cells, as a test gives them."""
    book.update_or_create_student(student)
    with warnings.catch_warnings(action="ignore"):  # SQLAlchemy's, of what nbgrader does
        (notebook,) = book.add_submission(section, student).notebooks
    notebook.late_submission_penalty = penalty
    for name, score in scores.items():
        grade = book.find_grade(name, "n", section, student)
        grade.auto_score, grade.needs_manual_grade = score, False
    book.db.commit()
