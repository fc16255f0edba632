"""Grading a class again, in part, by hand, and by nbgrader's own command."""

import os
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from nbformat import v4
from nbgrader.api import Gradebook
from tiny_course import ANSWERS, NOTEBOOK, SECTION, hand_in, make_course, released, solved

from dlcourse.grade import course, workers
from dlcourse.grade.backend import nbgrader_api
from dlcourse.grade.course import GradeError, grade, read_results
from dlcourse.grade.workshop import ADDRESSES, addresses


@pytest.fixture
def small(tmp_path):
    make_course(tmp_path)
    for student in ("ann", "ben"):
        hand_in(tmp_path, student, solved(released(tmp_path)))
    return tmp_path


def nbgrader(root, *arguments, shared=None):
    """nbgrader's command; `shared` names warm processes to use, or it starts its own."""
    scripts = sysconfig.get_path("scripts")
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env={**os.environ, "PATH": path, **(shared or {})},
        capture_output=True,
        text=True,
    )


def test_only_the_students_named_are_graded(small):
    assert [result.student for result in grade(small, SECTION, ["ben"])] == ["ben"]


def test_grading_again_takes_what_is_handed_in_now(small):
    assert grade(small, SECTION, ["ann"])[0].score == 12
    hand_in(small, "ann", solved(released(small), total="def total(xs):\n    return 0"))
    (again,) = grade(small, SECTION, ["ann"])
    assert again.score == 9
    assert read_results(small, SECTION) == [again]


def test_a_manual_score_survives_grading_again(small):
    grade(small, SECTION, ["ann"])
    with Gradebook(nbgrader_api(small).coursedir.db_url) as gradebook:
        gradebook.find_grade("why", NOTEBOOK, SECTION, "ann").manual_score = 1
        gradebook.db.commit()
    assert grade(small, SECTION, ["ann"])[0].cells["why"] == (1, 3)


def test_grading_changes_neither_source_nor_release_nor_submissions(small):
    folders = [small / name for name in ("source", "release", "submitted")]

    def contents():
        paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

    before = contents()
    grade(small, SECTION)
    assert contents() == before


@pytest.mark.parametrize("shares", [True, pytest.param(False, marks=pytest.mark.long)])
def test_nbgraders_own_command_grades_the_same_way(small, shares):
    noisy = ANSWERS["double"].replace(":\n", ":\n    import sys; sys.stderr.write('noise')\n")
    hand_in(small, "noisy", solved(released(small), double=noisy))
    hand_in(small, "broken", "{")
    done = nbgrader(small, "autograde", SECTION, shared=addresses() if shares else {})
    assert done.returncode == 0, done.stderr
    scores = {result.student: result.score for result in read_results(small)}
    assert scores == {"ann": 12, "ben": 12, "broken": 0, "noisy": 12}


def test_without_execution_cells_that_never_ran_earn_nothing(small):
    done = nbgrader(small, "autograde", SECTION, "--no-execute", "--student", "ann")
    assert done.returncode == 0, done.stderr
    (result,) = read_results(small, SECTION)
    assert result.score == 3, "the written answer alone"


def test_a_grader_that_cannot_run_anything_gives_a_reason_and_no_zero(tmp_path, monkeypatch):
    make_course(tmp_path)
    hand_in(tmp_path, "ann", solved(released(tmp_path)))
    nowhere = {ADDRESSES: os.pathsep.join(["/nowhere/kernels", "/nowhere/verifiers"])}
    monkeypatch.setattr(workers, "addresses", nowhere.copy)
    (result,) = grade(tmp_path, SECTION)
    assert result.score is None
    assert "There is no warm parent at /nowhere/kernels" in " ".join(result.notes)


def test_grading_refuses_where_student_code_cannot_be_isolated(small, monkeypatch):
    monkeypatch.setattr(course, "available", lambda: "No namespaces here.")
    with pytest.raises(GradeError, match="No namespaces here."):
        grade(small, SECTION)


def test_without_isolation_grading_goes_on_where_the_instructor_says_so(small, monkeypatch):
    monkeypatch.setattr(course, "available", lambda: "No namespaces here.")
    monkeypatch.setenv("DLCOURSE_ISOLATION", "none")
    assert [result.score for result in grade(small, SECTION)] == [12, 12]


def test_an_unknown_section_is_answered_with_those_that_exist(small):
    with pytest.raises(GradeError, match="no section '99_none'. Sections: 00_tiny."):
        grade(small, "99_none")


def test_a_lesson_without_exercises_is_refused_with_a_sentence(small):
    path = small / "source" / "09_lesson" / "lesson.ipynb"
    path.parent.mkdir()
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("# A lesson", id="title")]), path)
    with pytest.raises(GradeError, match="nothing to grade in 09_lesson"):
        grade(small, "09_lesson")


def test_a_student_who_handed_in_nothing_is_named(small):
    with pytest.raises(GradeError, match="no submitted/zoe/00_tiny to grade"):
        grade(small, SECTION, ["zoe"])


def test_cells_removed_after_grading_are_refused_with_what_to_do(small):
    grade(small, SECTION, ["ann"])
    path = small / "source" / SECTION / f"{NOTEBOOK}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells = [cell for cell in nb.cells if cell.id != "total-tests"]
    nbformat.write(nb, path)
    with pytest.raises(GradeError, match="Cannot add or remove cells") as refusal:
        grade(small, SECTION)
    assert f"nbgrader db assignment remove {SECTION} --force" in str(refusal.value)
