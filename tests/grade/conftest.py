"""The tiny course with its class, graded once for all tests that read the results."""

import pytest
from tiny_course import SECTION, hand_in, make_course, released, solved, whole_class

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
