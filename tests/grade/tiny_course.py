"""A tiny course without TensorFlow, and a class that hands in whatever students hand in."""

import copy
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import nbformat
from nbformat import v4
from nbgrader.api import Gradebook

from dlcourse.grade.backend import lay_config, nbgrader_api

ROOT = Path(__file__).parents[2]
SECTION, NOTEBOOK = "00_tiny", "tiny"
# Of a class that takes seconds: one that dies, one that cannot be read, one without a notebook.
STUDENTS = ("right", "blank", "dies", "truncated", "pastes-second-try", "right-deletes", "wrong")
ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "square": "def square(x):\n    return x * x",
    "total": "def total(xs):\n    return sum(xs)",
    "why": "Because it was asked for.",
}
CHECKS = {
    "double": ("assert double(2) == 4", "assert double(-171) == -342, 'negative'"),
    "square": ("assert square(3) == 9", "assert square(-173) == 29929, 'negative'"),
    "total": ("assert total([1, 2]) == 3", "assert total([179]) == 179, 'one'"),
}
HIDDEN = "# More cases\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"


def _cell(kind, name, source, **info):
    make = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
    known = {"grade": False, "solution": False, "locked": False, "task": False, **info}
    nbgrader = {"schema_version": 3, "grade_id": name, **known}
    return make(source, id=name, metadata={"nbgrader": nbgrader})


def _source(kernel):
    cells = [v4.new_markdown_cell("# A tiny section", id="title")]
    for name, (check, hidden) in CHECKS.items():
        signature, body = ANSWERS[name].split("\n")
        solution = f"{signature}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        test = {"grade": True, "locked": True}
        cells += [
            _cell("markdown", f"{name}-prompt", f"Write `{name}`.", locked=True),
            _cell("code", name, solution, solution=True),
            _cell("code", f"{name}-check", check, points=1, **test),
            _cell("code", f"{name}-tests", HIDDEN.format(hidden), points=2, **test),
            v4.new_markdown_cell(f"That was {name}.", id=f"after-{name}"),
        ]
    written = f"Why?\n### BEGIN SOLUTION\n{ANSWERS['why']}\n### END SOLUTION"
    cells.append(_cell("markdown", "why", written, grade=True, solution=True, points=3))
    spec = {"name": kernel, "display_name": "Python", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": spec})


@cache
def empty_gradebook():
    """The bytes of a new gradebook. nbgrader takes seconds to make one, most of them Alembic's."""
    with tempfile.TemporaryDirectory() as folder:
        lay_config(ROOT, Path(folder))
        nbgrader_api(Path(folder)).gradebook.close()
        return (Path(folder) / "gradebook.db").read_bytes()


def make_course(root, kernel="python3"):
    """The tiny course in the folder `root`, released, with the real course's configuration."""
    folder = root / "source" / SECTION
    folder.mkdir(parents=True)
    nbformat.write(_source(kernel), folder / f"{NOTEBOOK}.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "gradebook.db").write_bytes(empty_gradebook())
    # Endless loops and greed should not cost the test run a minute each.
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Execute.timeout = 3\nc.ExecuteSubmission.memory = 1024\n")
    outcome = nbgrader_api(root).generate_assignment(SECTION)
    assert outcome["success"], outcome


def released(root):
    return nbformat.read(root / "release" / SECTION / f"{NOTEBOOK}.ipynb", as_version=4)


def hand_in(root, student, text, name=f"{NOTEBOOK}.ipynb"):
    folder = root / "submitted" / student / SECTION
    folder.mkdir(parents=True, exist_ok=True)
    content = nbformat.writes(text) if isinstance(text, dict) else text
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def cell(nb, name):
    return next(found for found in nb.cells if found.id == name)


def solved(nb, **changes):
    """The notebook with right answers, except where `changes` says otherwise."""
    nb = copy.deepcopy(nb)
    for name, answer in {**ANSWERS, **changes}.items():
        cell(nb, name).source = answer
    return nb


def without(nb, *names):
    nb = copy.deepcopy(nb)
    nb.cells = [found for found in nb.cells if found.id not in names]
    return nb


def pasted(nb, name, after=None, **changes):
    """The notebook with a copy of a cell, as JupyterLab pastes it: same metadata, another id."""
    nb = copy.deepcopy(nb)
    twin = copy.deepcopy(cell(nb, name))
    twin.update(id=f"{name}-pasted", **changes)
    nb.cells.insert(nb.cells.index(cell(nb, after or name)) + 1, twin)
    return nb


TESTS = [f"{name}-{part}" for name in CHECKS for part in ("check", "tests")]


def with_tests(nb, change):
    nb = copy.deepcopy(nb)
    for name in TESTS:
        change(cell(nb, name))
    return nb


def _as_markdown(test):
    test.cell_type = "markdown"
    test.pop("outputs"), test.pop("execution_count")


def _old_format(nb):
    nb = copy.deepcopy(nb)
    nb.nbformat_minor = 2
    for found in nb.cells:
        del found["id"]
    return nb


def _retyped(nb, name):
    """The answer cell is gone; the answer stands in a new cell where it was."""
    nb = solved(nb)
    at = nb.cells.index(cell(nb, name))
    nb.cells[at] = v4.new_code_cell(nb.cells[at].source)
    return nb


def whole_class(nb):
    """Student -> what is handed in."""
    right = solved(nb)
    noise = "import sys\n\n\ndef double(x):\n    print('I am noisy', file=sys.stderr)\n"
    skip = {"tags": ["skip-execution"]}
    invalid = json.loads(nbformat.writes(right))
    invalid["cells"][2]["outputs"] = [{"output_type": "nonsense"}]
    invalid["cells"][3]["metadata"]["tags"] = None
    return {
        "right": right,
        "blank": nb,
        "noisy": solved(nb, double=noise + "    return 2 * x"),
        "wrong": solved(nb, double="def double(x):\n    return abs(2 * x)"),
        "raising": solved(nb, square="1 / 0"),
        "skips": with_tests(nb, lambda test: test.metadata.update(skip)),
        "empties": with_tests(nb, lambda test: test.update(source="")),
        "retypes": with_tests(nb, _as_markdown),
        "ungrades": with_tests(nb, lambda test: test.metadata.nbgrader.update(grade=False)),
        "unlocks": with_tests(nb, lambda test: test.metadata.nbgrader.update(solution=True)),
        "forgets-metadata": with_tests(right, lambda test: test.metadata.pop("nbgrader")),
        "old-metadata": with_tests(right, lambda t: t.metadata.nbgrader.update(schema_version=1)),
        "mangled-metadata": with_tests(right, lambda test: test.metadata.update(nbgrader="?")),
        "deletes": without(nb, *TESTS),
        "right-deletes": without(right, *TESTS),
        "right-deletes-all": without(right, *TESTS, *(f"{name}-prompt" for name in CHECKS)),
        "right-in-new-cell": without(_retyped(nb, "double"), "double-check", "double-tests"),
        "right-old-format": _old_format(without(right, "square-tests")),
        "pastes-answer": pasted(solved(nb), "square"),
        "pastes-test": pasted(right, "square-check", after="double", source="scratch = 1"),
        "pastes-second-try": pasted(
            solved(nb, square="def square(x):\n    return 0"), "square", source=ANSWERS["square"]
        ),
        "dies": solved(nb, square="import os\nos._exit(1)"),
        "dies-in-test": solved(nb, square="import os\n\n\ndef square(x):\n    os._exit(1)"),
        "exits": solved(nb, square="exit()"),
        "exits-in-test": solved(nb, square="def square(x):\n    exit()\n    return x * x"),
        "loops": solved(nb, square="while True:\n    pass"),
        "loops-on": solved(
            nb,
            square="while True:\n    try:\n        while True:\n            pass\n"
            "    except BaseException:\n        pass",
        ),
        "whitespace": solved(nb, why=cell(nb, "why").source + "\n\n   "),
        "wipes-answer": solved(nb, why="Why?"),
        "truncated": nbformat.writes(right)[:900],
        "empty-file": "",
        "no-notebook": "[1, 2, 3]",
        "binary-file": b"\xff\xfe\x00",
        "right-invalid-parts": json.dumps(invalid),
        "right-with-byte-order-mark": "\ufeff" + nbformat.writes(right),
    }


def state(root):
    """All that grading left behind, but for times and for how long something took."""
    coursedir = nbgrader_api(root).coursedir
    with Gradebook(coursedir.db_url) as gradebook:
        rows = sorted(
            (each.student.id, notebook.name, grade.name, grade.auto_score, grade.manual_score)
            + (grade.needs_manual_grade,)
            for each in gradebook.assignment_submissions(SECTION)
            for notebook in each.notebooks
            for grade in notebook.grades
        )
    pages = {}
    for folder in ("autograded", "feedback"):
        for path in sorted((root / folder).rglob("*.*")):
            if path.suffix == ".ipynb":
                nb = nbformat.read(path, as_version=4)
                pages[path.relative_to(root)] = _told(nb)
            elif path.is_file():
                pages[path.relative_to(root)] = None
    return rows, pages


def _told(nb):
    """Every cell with what a test said, and what was noted about the notebook."""
    about = nb.metadata.dlcourse
    cells = [
        (each.source, [out.get("evalue", out.get("text")) for out in each.get("outputs", ())])
        for each in nb.cells
    ]
    return cells, about.get("repairs", []), about.get("notes", [])
