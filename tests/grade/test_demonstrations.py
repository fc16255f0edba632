"""Which of the course's own cells need not run: none that anything graded could notice."""

import copy

import nbformat
import pytest
from nbformat import v4
from nbgrader import utils
from tiny_course import ROOT

from dlcourse.grade.demonstrations import unneeded
from dlcourse.grade.notebook import plain_code


def sections():
    """The cells of each section that has exercises."""
    for path in sorted((ROOT / "source").glob("*/*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        if any(utils.is_grade(cell) for cell in cells):
            yield pytest.param(cells, id=path.parent.name)


def plain(name, source):
    return v4.new_code_cell(source, id=name)


def answer(name, source):
    info = {"grade_id": name, "solution": True, "grade": False, "locked": False}
    return v4.new_code_cell(source, id=name, metadata={"nbgrader": info})


def check(name, source):
    info = {"grade_id": name, "solution": False, "grade": True, "locked": True, "points": 1}
    return v4.new_code_cell(source, id=name, metadata={"nbgrader": info})


def notebook(*, before=(), after=(), answered="def train(model, data):\n    model.fit(data)"):
    """A section with one exercise and one demonstration of it, and a student's cells around."""
    own = [
        plain("setup", "from course import setup\nsetup()"),
        plain("data", "import numpy as np\ndata = np.ones(3)"),
        answer("train", answered),
        check("train-tests", "import course\nassert course.works(train)"),
        plain("trained", "model = build()\nhistory = train(model, data)"),
        plain("drawn", "curves(history)"),
        check("later-tests", "assert later() == 1"),
    ]
    cells = copy.deepcopy([*own[:3], *before, *own[3:6], *after, own[6]])
    return cells, plain_code(own)


def idle(cells, own):
    return {cells[place].id for place in unneeded(cells, own)}


def test_what_nothing_uses_need_not_run():
    assert idle(*notebook()) == {"data", "trained", "drawn"}


def test_what_a_cell_needs_that_runs_is_run_as_well():
    cells = [v4.new_code_cell("print(model)", id="mine")]
    assert idle(*notebook(after=cells)) == {"drawn"}


def test_the_cell_that_sets_the_notebook_up_always_runs():
    assert "setup" not in idle(*notebook())


@pytest.mark.parametrize(
    "source",
    [
        "print(history)",
        "def best():\n    return max(history)",
        "[f for f in (lambda: model,)]",
        "history.clear()",
        "print(globals()['history'])",
        "exec('print(history)')",
        "%time print(history)",
        "get_ipython().run_cell('history')",
        "print(_)",
        "import __main__\nprint(__main__.history)",
    ],
)
def test_a_training_that_a_later_cell_of_the_student_may_use_runs(source):
    assert "trained" not in idle(*notebook(after=[v4.new_code_cell(source, id="mine")]))


@pytest.mark.parametrize("source", ["print(data.sum())", "total = data + 1"])
def test_a_training_runs_that_may_change_what_the_student_looks_at(source):
    assert "trained" not in idle(*notebook(after=[v4.new_code_cell(source, id="mine")]))


@pytest.mark.parametrize(
    "source", ["same = data", "parts = [1, data]", "parts = []\nparts.append(data)"]
)
def test_a_second_name_for_what_a_training_may_change_counts_as_well(source):
    before = [v4.new_code_cell(source, id="before")]
    name = source.split()[0]
    after = [v4.new_code_cell(f"print({name})", id="after")]
    assert "trained" in idle(*notebook(before=before))
    assert "trained" not in idle(*notebook(before=before, after=after))


def test_what_the_students_function_keeps_to_itself_counts():
    answered = "calls = []\n\n\ndef train(model, data):\n    calls.append(1)"
    after = [v4.new_code_cell("print(len(calls))", id="mine")]
    assert "trained" in idle(*notebook(answered=answered))
    assert "trained" not in idle(*notebook(answered=answered, after=after))


def test_a_training_that_the_student_changed_runs():
    cells, own = notebook()
    next(cell for cell in cells if cell.id == "drawn").source += "\nprint(1)"
    assert idle(cells, own) == set()


def test_a_training_that_the_student_marked_as_an_answer_runs():
    cells, own = notebook()
    changed = next(cell for cell in cells if cell.id == "drawn")
    changed.metadata["nbgrader"] = {"grade_id": "mine", "grade": False, "solution": True}
    assert idle(cells, own) == set()


def test_a_cell_of_the_students_own_always_runs():
    cells, own = notebook(after=[plain("mine", "print('here I am')")])
    assert idle(cells, own) == {"data", "trained", "drawn"}


@pytest.mark.parametrize("source", ["def broken(", "\0", "x = " + "(" * 500 + ")" * 500, "!ls {x}"])
def test_code_that_cannot_be_read_is_no_obstacle(source):
    idle(*notebook(after=[v4.new_code_cell(source, id="mine")]))


@pytest.mark.parametrize("cells", list(sections()))
def test_most_cells_of_each_section_need_not_run(cells):
    own = plain_code(cells)
    assert len(idle(cells, own)) > 0.9 * len(own)
