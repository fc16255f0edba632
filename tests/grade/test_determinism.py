"""Grading twice gives the same verdicts: chance is seeded by assignment and cell, not by luck."""

import random

import nbformat
import pytest
from nbformat import v4
from tiny_course import NOTEBOOK, SECTION, hand_in, make_course, released, solved

from dlcourse.grade.course import grade

# Right in one call out of two, by three generators' chance.
COIN = "import random\nimport numpy as np\n\n\ndef {}\n    return {} if {} < 0.5 else None"
COINS = {
    "double": COIN.format("double(x):", "2 * x", "random.random()"),
    "square": COIN.format("square(x):", "x * x", "np.random.rand()"),
    "total": COIN.format("total(xs):", "sum(xs)", "random.random()"),
}
DRAW = "import random\nimport numpy as np\nprint(random.random(), np.random.rand())"


def with_cell(nb, source, before, name):
    at = next(index for index, cell in enumerate(nb.cells) if cell.id == before)
    nb.cells.insert(at, v4.new_code_cell(source, id=name))
    return nb


def with_draws(nb, name="draws"):
    """The notebook with a cell after each exercise that prints what chance gives there."""
    for number, before in enumerate(("after-double", "after-square", "after-total")):
        with_cell(nb, DRAW, before, f"{name}-{number}")
    return nb


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("chance")
    make_course(root)
    nb = released(root)
    hand_in(root, "coins", with_draws(solved(nb, **COINS)))
    more = with_draws(solved(nb, **COINS))
    for number, before in enumerate(("double", "double-check", "square-tests", "total-check")):
        with_cell(more, "import random\nrandom.random(); random.random()", before, f"more-{number}")
    hand_in(root, "coins-and-more-cells", more)
    seeded = solved(nb, double="import random\nrandom.seed(7)\n\n\ndef double(x):\n    return x")
    hand_in(root, "seeds-for-itself", with_draws(seeded))
    return root


def graded(course):
    """Student -> points of each test cell, and what the drawing cells printed."""
    scores = {result.student: result.cells for result in grade(course, SECTION)}
    return {student: (scores[student], drawn(course, student)) for student in scores}


def drawn(course, student):
    path = course / "autograded" / student / SECTION / f"{NOTEBOOK}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    drawing = [cell for cell in cells if cell.id.startswith("draws-")]
    # What a cell prints may arrive in pieces, each an output of its own.
    return ["".join(output.text for output in cell.outputs) for cell in drawing]


@pytest.fixture(scope="module")
def twice(course):
    return graded(course), graded(course)


def test_grading_twice_gives_the_same_verdicts_and_the_same_draws(twice):
    assert twice[0] == twice[1]


def test_different_cells_draw_differently(twice):
    _, draws = twice[0]["coins"]
    assert len(set(draws)) == 3


def test_extra_cells_shift_nothing(twice):
    assert twice[0]["coins"] == twice[0]["coins-and-more-cells"]


def test_a_seed_that_the_student_sets_wins(twice):
    _, draws = twice[0]["seeds-for-itself"]
    own = random.Random(7)
    assert [float(text.split()[0]) for text in draws] == [own.random() for _ in range(3)]
