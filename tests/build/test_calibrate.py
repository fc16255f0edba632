"""Calibrating measures each answer once, keeps it, and makes a page that follows from it."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell
from tiny import code, graded, make_course

from dlcourse.build import thresholds as thresholds_page
from dlcourse.build.calibrate import (
    REFERENCE,
    measured_path,
    measured_text,
    plan_path,
    read_measured,
    read_plan,
    stale,
)
from dlcourse.build.observing import thresholds, trains
from dlcourse.build.sections import (
    BuildError,
    find_root,
    find_sections,
    notebook_text,
    read_notebook,
)
from dlcourse.build.thresholds import digest, page, page_path, plot_path, rows, write_page
from dlcourse.files import write_text

ROOT = find_root(Path(__file__))
TRAIN = """def train(numbers):
    ### BEGIN SOLUTION
    return float(np.mean(numbers) + np.random.normal(scale=0.01))
    ### END SOLUTION"""
TESTS = """# Hidden tests
### BEGIN HIDDEN TESTS
from dlcourse import check

with check.exercise("train"):
    check.that(check.call(train, [1.0, 2.0, 6.0]) > 2.5, "Take the mean of all.")
### END HIDDEN TESTS"""
PLAN = """[[exercise]]
section = "01_doubling"
name = "train"

[exercise.wrong]
"check.call(train, [1.0, 2.0, 6.0]) >" = ["the median", "the first"]

[exercise.answers]
"the first" = "def train(numbers):\\n    return numbers[0]"
"""
KNOWN = """[[wrong]]
exercise = "train"
name = "the median"
answer = "def train(numbers):\\n    return float(np.median(numbers) + np.random.normal(scale=0.01))"
"""


def with_training(folder):
    """The tiny course with an exercise whose answer is a matter of chance, and a plan for it."""
    course = make_course(folder)
    nb = read_notebook(course.source)
    nb.cells += [
        graded(new_markdown_cell("### Train (2 points)", id="train-prompt"), locked=True),
        graded(code("train", TRAIN), solution=True),
        graded(code("train-check", "assert train"), grade=True, locked=True, points=1),
        graded(code("train-tests", TESTS), grade=True, locked=True, points=1),
    ]
    write_text(course.source, notebook_text(nb))
    write_text(plan_path(folder), PLAN)
    write_text(folder / "tests" / "sections" / "01_doubling.toml", KNOWN)
    return course


def dlcourse(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "dlcourse.cli", *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def calibrated_once(tmp_path_factory):
    """The course, calibrated with four seeds by the command; and what the command said."""
    course = with_training(tmp_path_factory.mktemp("calibrated"))
    return course, dlcourse(course.root, "calibrate", "--seeds", "4", "--workers", "2")


@pytest.fixture
def calibrated(calibrated_once, tmp_path):
    """A copy of it, to be changed."""
    course, _ = calibrated_once
    shutil.copytree(course.root, tmp_path, dirs_exist_ok=True)
    return replace(course, root=tmp_path)


def test_the_command_measures_every_answer_with_every_seed(calibrated_once):
    course, run = calibrated_once
    assert run.returncode == 0, run.stderr
    kept = read_measured(course.root)["01_doubling/train"]
    assert list(kept) == [REFERENCE, "the median", "the first"]
    assert all(list(each["runs"]) == ["0", "1", "2", "3"] for each in kept.values())


def test_the_page_says_that_the_threshold_lies_between(calibrated):
    [row] = rows(calibrated.root)
    assert (row.verdict, row.hardest.answer, row.bound) == ("yes", "the median", 2.5)
    assert row.right.sample.limit > 2.5 > row.hardest.sample.limit
    assert "| yes |" in page_path(calibrated.root).read_text()


def test_seeds_that_are_done_are_not_done_again(calibrated):
    before = measured_path(calibrated.root).read_bytes()
    run = dlcourse(calibrated.root, "calibrate", "--seeds", "4")
    assert run.returncode == 0
    assert measured_path(calibrated.root).read_bytes() == before


def test_page_and_plot_are_the_same_when_they_are_made_again(calibrated):
    before = [
        path.read_bytes() for path in (page_path(calibrated.root), plot_path(calibrated.root))
    ]
    assert [path.read_bytes() for path in write_page(calibrated.root)] == before


def test_a_threshold_that_is_moved_is_judged_anew_without_new_measurements(
    calibrated, edit, monkeypatch
):
    def move(cell):
        cell.source = cell.source.replace("> 2.5", "> 1.0")

    monkeypatch.setattr(thresholds_page, "FEWEST", 4)
    edit(calibrated.source, "train-tests", move)
    [exercise] = read_plan(calibrated.root)
    assert stale(exercise, read_measured(calibrated.root)) == []
    [row] = rows(calibrated.root)
    assert re.fullmatch(r"\*\*no\*\*; 2\.\d+ would", row.verdict)
    assert row.hardest.crossing == 4


@pytest.mark.parametrize(
    ("fewest", "verdict"),
    [(4, "**no threshold can**: the limits overlap"), (5, "too few runs to say")],
)
def test_limits_that_overlap_leave_no_threshold_where_there_are_runs_enough_to_say_so(
    calibrated, monkeypatch, fewest, verdict
):
    monkeypatch.setattr(thresholds_page, "FEWEST", fewest)
    measured = read_measured(calibrated.root)
    for step, run in measured["01_doubling/train"]["the median"]["runs"].items():
        run["check.call(train, [1.0, 2.0, 6.0]) >"][0] = 2 + int(step) / 2
    write_text(measured_path(calibrated.root), measured_text(measured))
    [row] = rows(calibrated.root)
    assert row.verdict == verdict


def test_a_reference_that_has_changed_is_measured_anew(calibrated, edit):
    def change(cell):
        cell.source = cell.source.replace("0.01", "0.02")

    edit(calibrated.source, "train", change)
    [exercise] = read_plan(calibrated.root)
    assert stale(exercise, read_measured(calibrated.root)) == [REFERENCE]


def test_a_plan_that_names_no_known_answer_is_refused_by_name(calibrated):
    write_text(plan_path(calibrated.root), PLAN.replace("the median", "the modal"))
    [exercise] = read_plan(calibrated.root)
    with pytest.raises(BuildError, match="'the modal', which is no wrong answer of"):
        stale(exercise, read_measured(calibrated.root))


# The course's own thresholds

MEASURED = read_measured(ROOT)
EXERCISES = read_plan(ROOT)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_no_code_has_changed_since_it_was_measured(exercise):
    assert stale(exercise, MEASURED) == [], "run `dlcourse calibrate`"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_every_threshold_of_an_exercise_that_trains_is_planned_or_left_with_a_reason(exercise):
    found = {each.quantity for each in thresholds(exercise.test)}
    assert found == exercise.wrong.keys() | exercise.left.keys()


@pytest.mark.parametrize("row", rows(ROOT), ids=lambda row: f"{row.exercise.key}, {row.name}")
def test_every_threshold_lies_between_thirty_right_runs_and_thirty_wrong_ones(row):
    assert row.verdict == "yes"
    counts = [len(each.values) + each.stopped for each in (row.right, *row.wrong)]
    assert min(counts) >= 30, "run `dlcourse calibrate`"


def test_every_exercise_whose_hidden_tests_train_is_planned():
    training = [
        f"{section.name}/{cell.id.removesuffix('-tests')}"
        for section in find_sections(ROOT)
        for cell in read_notebook(section.source).cells
        if cell.id.endswith("-tests") and trains(cell.source)
    ]
    assert training == [exercise.key for exercise in EXERCISES]


def test_the_page_follows_from_what_was_measured_and_from_the_thresholds_in_source():
    assert page_path(ROOT).read_text("utf-8") == page(rows(ROOT), MEASURED), (
        "run `dlcourse calibrate --page`"
    )


def test_the_plot_is_that_of_the_page():
    assert digest(page_path(ROOT).read_text("utf-8")) in plot_path(ROOT).read_text("utf-8")


def test_what_is_measured_is_kept_as_calibrating_writes_it():
    text = measured_path(ROOT).read_text("utf-8")
    assert text == measured_text(json.loads(text))
