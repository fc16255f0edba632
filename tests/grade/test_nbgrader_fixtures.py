"""The notebooks that nbgrader's own tests grade, graded by nbgrader with the course's plug-ins.

They are installed with nbgrader: changed, cheating and old-format cells, endless loops, and more
that has gone wrong in classes. A fixture is named as its folder there and its file: apps/test.
"""

import json
import shutil
from pathlib import Path

import nbgrader.tests
import pytest
from tiny_course import ROOT

from dlcourse.grade.course import grade

pytestmark = pytest.mark.long

PATHS = {
    f"{path.parent.parent.name}/{path.stem}": path
    for path in sorted(Path(nbgrader.tests.__file__).parent.glob("*/files/*.ipynb"))
}
# Assignment -> what begins like this is handed in for it. Every other fixture is handed in for
# itself, which is how nbgrader's tests use it.
FAMILIES = {
    "apps/submitted-unchanged": ("submitted-",),
    "apps/autotest-simple": ("autotest-simple",),
    "apps/autotest-hashed": ("autotest-hashed",),
    "apps/autotest-multi": ("autotest-multi",),
    "apps/autotest-hidden": ("autotest-hidden",),
    "apps/test-hidden-tests": ("test-hidden-tests",),
    "apps/test": ("test", "too-new", "old-schema", "bad-", "blank-", "cell-type-", "duplicate-"),
}
# The course differs where it says so: an answer in words has its points until a grader says
# otherwise, and no test takes the answer's name away from it, which `dlcourse lint` refuses.
WRITTEN, TAKEN_AWAY = 2, 0.5
# The score that nbgrader's own tests expect.
STATED = {
    "apps/submitted-unchanged": 1,
    "apps/submitted-changed": 2 + WRITTEN,
    "apps/submitted-cheat-attempt": 1 + WRITTEN,
    "apps/submitted-cheat-attempt-alternative": 1 + WRITTEN,
    "apps/autotest-simple-unchanged": 0,
    "apps/autotest-simple-changed": 1,
    "apps/autotest-hashed-unchanged": 0,
    "apps/autotest-hashed-changed": 1,
    "apps/autotest-multi-unchanged": 0,
    "apps/autotest-multi-changed": 3,
    "apps/autotest-hidden-unchanged": 0,
    "apps/autotest-hidden-changed-wrong": 0,
    "apps/autotest-hidden-changed-right": 1,
    "apps/test-hidden-tests": 1.5 - TAKEN_AWAY,
    "apps/validating-environment-variable": 0,
    "apps/timeout": 0,
}
LOOPS = ("apps/infinite-loop", "apps/infinite-loop-with-output")
# submitted-changed as other programs save it (the second has cell ids before nbformat knew them),
# and with other files beside it, as nbgrader's tests hand it in.
SAVED = {
    "unknown-kernel": lambda nb: nb["metadata"].update(kernelspec={"name": "x"}),
    "early-ids": lambda nb: [cell.update(id=f"cell-{n}") for n, cell in enumerate(nb["cells"])],
    "no-metadata": lambda nb: nb.pop("metadata"),
    "more-fields": lambda nb: nb["cells"][0].update(prompt_number=1),
}
FILES = {
    "timestamp": ("timestamp.txt", "2015-02-02 15:58:23.948203 America/Los_Angeles"),
    "empty-timestamp": ("timestamp.txt", ""),
    "extra-notebook": ("p1 copy.ipynb", "{"),
}
FAMILY = "apps/submitted-unchanged"


def assignment_of(name):
    beginning = name.split("/")[1]
    found = (to for to, beginnings in FAMILIES.items() if beginning.startswith(beginnings))
    return next(found, name)


def folder_of(name):
    return name.replace("/", "-")


def hand_in(path, folder, name=None):
    """The notebook at `path` and the files that those of its folder read."""
    folder.mkdir(parents=True, exist_ok=True)
    # One sleeps for five seconds to run over its time, of which a busy machine gives more.
    text = path.read_text("utf-8").replace("time.sleep(5)", "time.sleep(60)")
    (folder / (name or path.name)).write_text(text, "utf-8")
    for beside in ("autotests.yml", "data.txt"):
        if (path.parent / beside).is_file():
            shutil.copy(path.parent / beside, folder)


def hand_in_changed(root, student):
    """submitted-changed, and the folder in which it is handed in."""
    folder = root / "submitted" / student / folder_of(FAMILY)
    hand_in(PATHS["apps/submitted-changed"], folder, PATHS[FAMILY].name)
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course in which every fixture is the submission of a student of that name."""
    root = tmp_path_factory.mktemp("fixtures")
    config = (ROOT / "nbgrader_config.py").read_text("utf-8")
    # The fixtures were released with nbgrader's own words for what is to be answered.
    code_stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    own = (
        "c.Execute.timeout = 3",
        "c.ExecuteSubmission.memory = 1024",
        "c.ClearSolutions.text_stub = 'YOUR ANSWER HERE'",
        f"c.ClearSolutions.code_stub = {{'python': {code_stub!r}}}",
    )
    (root / "nbgrader_config.py").write_text("\n".join((config, *own)), "utf-8")
    for name, path in PATHS.items():
        released = assignment_of(name)
        hand_in(PATHS[released], root / "source" / folder_of(released))
        folder = root / "submitted" / folder_of(name) / folder_of(released)
        hand_in(path, folder, PATHS[released].name)
    for student, change in SAVED.items():
        path = hand_in_changed(root, student) / PATHS[FAMILY].name
        notebook = json.loads(path.read_text("utf-8"))
        change(notebook)
        path.write_text(json.dumps(notebook), "utf-8")
    for student, (name, text) in FILES.items():
        (hand_in_changed(root, student) / name).write_text(text, "utf-8")
    (hand_in_changed(root, "bad-timestamp") / "timestamp.txt").write_text("yesterday", "utf-8")
    return root


@pytest.fixture(scope="module")
def results(course):
    """Student -> Result."""
    assignments = sorted(path.name for path in (course / "source").iterdir())
    graded = [result for assignment in assignments for result in grade(course, assignment)]
    return {result.student: result for result in graded}


@pytest.mark.parametrize("student", [*map(folder_of, PATHS), *SAVED, *FILES])
def test_every_fixture_ends_with_a_grade_and_feedback(results, student):
    assert results[student].score is not None
    assert results[student].feedback is not None


@pytest.mark.parametrize(("name", "score"), STATED.items())
def test_scores_are_those_that_nbgraders_own_tests_expect(results, name, score):
    assert results[folder_of(name)].score == score


@pytest.mark.parametrize("student", [*SAVED, *FILES])
def test_neither_how_a_notebook_was_saved_nor_what_lies_beside_it_costs_a_point(results, student):
    assert results[student].score == STATED["apps/submitted-changed"]


@pytest.mark.parametrize("what", ["locked-cell", "grade-cell", "grade-cell-type"])
@pytest.mark.parametrize("folder", ["preprocessors", "ui-tests"])
def test_changes_to_the_courses_cells_change_no_score(results, folder, what):
    unchanged = results["apps-submitted-unchanged"]
    assert results[f"{folder}-submitted-{what}-changed"].cells == unchanged.cells


@pytest.mark.parametrize("version", ["v0", "v1", "v2"])
def test_old_formats_of_nbgraders_metadata_cost_nothing(results, version):
    assert results[f"apps-test-{version}"].cells == results["apps-test"].cells


@pytest.mark.parametrize("name", LOOPS)
def test_an_endless_loop_is_said(results, name):
    # One of the two takes memory as well, and a fast machine gets to that limit first.
    reasons = ("was stopped after 3 s", "stopped with MemoryError", "needed more memory")
    notes = " ".join(results[folder_of(name)].notes)
    assert any(reason in notes for reason in reasons)


def test_a_timestamp_that_is_none_is_said(results):
    assert results["bad-timestamp"].score is None
    assert "Invalid timestamp string" in " ".join(results["bad-timestamp"].notes)
