"""The tiny course: with its class graded once for all that read the results, or a small class."""

import shutil

import pytest
from tiny_course import SECTION, STUDENTS, hand_in, make_course, released, solved, whole_class

from dlcourse.grade import workers
from dlcourse.grade.course import grade


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The tiny course with its class, not graded."""
    root = tmp_path_factory.mktemp("course")
    make_course(root)
    for student, text in whole_class(released(root)).items():
        hand_in(root, student, text)
    hand_in(root, "misnamed", solved(released(root)), name="tiny (1).ipynb")
    return root


@pytest.fixture(scope="session")
def results(course):
    """Student -> Result, of one run over the whole class."""
    return {result.student: result for result in grade(course, SECTION)}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The tiny course, released, with a small class that has handed in."""
    root = tmp_path_factory.mktemp("small")
    make_course(root)
    texts = whole_class(released(root))
    for student in STUDENTS:
        hand_in(root, student, texts[student])
    hand_in(root, "empty-handed", "Nothing.", name="notes.txt")
    return root


@pytest.fixture
def small(template, tmp_path):
    """A copy of it, to do with as one likes."""
    root = tmp_path / "course"
    shutil.copytree(template, root)
    return root


@pytest.fixture
def done(monkeypatch):
    """What workers were asked for: (what, student)."""
    asked = []
    ask = workers.Workers.ask

    def noted(self, do, **order):
        asked.append((do, order["student"]))
        return ask(self, do, **order)

    monkeypatch.setattr(workers.Workers, "ask", noted)
    return asked
