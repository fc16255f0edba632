"""Grading a class: what is unchanged is left alone, and stopping at any moment costs nothing."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from nbgrader.api import Gradebook
from tiny_course import (
    NOTEBOOK,
    SECTION,
    STUDENTS,
    hand_in,
    released,
    solved,
    state,
)

from dlcourse.grade import course, workers
from dlcourse.grade.backend import nbgrader_api
from dlcourse.grade.changes import changes, changes_report
from dlcourse.grade.course import GradeError, grade
from dlcourse.grade.ledger import Ledger
from dlcourse.grade.workshop import addresses, kernels, verifiers
from dlcourse.run import wire


def test_what_is_unchanged_is_not_judged_again(small, done):
    first = grade(small, SECTION)
    assert len([what for what, _ in done if what == "judge"]) == len(STUDENTS) + 1
    before = state(small)
    done.clear()
    assert grade(small, SECTION) == first
    assert done == []
    assert state(small) == before


def test_what_is_changed_is_judged_again_and_nothing_else(small, done):
    grade(small, SECTION)
    done.clear()
    hand_in(small, "blank", solved(released(small)))
    scores = {result.student: result.score for result in grade(small, SECTION)}
    assert done == [("judge", "blank"), ("feedback", "blank")]
    assert scores["blank"] == 12


@pytest.mark.parametrize("what", ["section", "configuration"])
def test_another_section_or_configuration_has_everybody_judged_again(small, done, what):
    grade(small, SECTION, ["right", "blank"])
    done.clear()
    if what == "section":
        path = small / "source" / SECTION / f"{NOTEBOOK}.ipynb"
        path.write_text(path.read_text().replace("That was double", "This was double"))
    else:
        (small / "nbgrader_config.py").open("a").write("\nc.Execute.timeout = 4\n")
    grade(small, SECTION, ["right", "blank"])
    assert sorted(student for what, student in done if what == "judge") == ["blank", "right"]


def test_asked_for_again_everything_is_judged_again(small, done):
    first = state_after(small, ["right"])
    done.clear()
    assert grade(small, SECTION, ["right"], again=True)
    assert ("judge", "right") in done
    assert state(small) == first


def state_after(root, students):
    grade(root, SECTION, students)
    return state(root)


def test_a_score_given_by_hand_changes_the_feedback_and_nothing_else(small, done):
    grade(small, SECTION, ["right"])
    done.clear()
    with Gradebook(nbgrader_api(small).coursedir.db_url) as gradebook:
        grade_of_why = gradebook.find_grade("why", NOTEBOOK, SECTION, "right")
        grade_of_why.manual_score, grade_of_why.needs_manual_grade = 1, False
        gradebook.db.commit()
    (result,) = grade(small, SECTION, ["right"])
    assert done == [("feedback", "right")]
    assert result.cells["why"] == (1, 3)
    assert result.by_hand == (), "a person has decided, and nothing has changed since"
    assert result.scored_by_hand == ("why",)


def test_a_gradebook_put_back_from_a_copy_is_filled_again_without_judging(small, done):
    copy = (small / "gradebook.db").read_bytes()
    first = grade(small, SECTION)
    done.clear()
    (small / "gradebook.db").write_bytes(copy)
    assert grade(small, SECTION) == first
    assert {what for what, _ in done} == {"feedback"}


def test_neither_the_number_of_workers_nor_the_order_changes_anything(template, tmp_path):
    states = []
    for number, students in ((1, [*STUDENTS]), (3, [*reversed(STUDENTS)])):
        root = tmp_path / str(number)
        shutil.copytree(template, root)
        for student in students:
            if number == 1:
                grade(root, SECTION, [student], workers=1)
        if number != 1:
            grade(root, SECTION, students, workers=number)
        states.append(state(root))
    assert states[0] == states[1]


def test_a_worker_that_is_killed_costs_its_submission_a_reason_and_no_more(small, monkeypatch):
    send = wire.send

    def then_kill(sock, message, fds=()):
        send(sock, message, fds)
        if message.get("student") == "right" and message["do"] == "judge":
            (mine,) = [p for p in workers_of(os.getpid()) if p.status() != "zombie"][:1]
            mine.kill()

    monkeypatch.setattr(workers.wire, "send", then_kill)
    results = {result.student: result for result in grade(small, SECTION, workers=1)}
    assert results["right"].score is None
    assert "the process ended with code -9" in results["right"].notes[0]
    assert results["wrong"].score == 10
    monkeypatch.setattr(workers.wire, "send", send)
    assert {result.student: result.score for result in grade(small, SECTION)}["right"] == 12


def test_who_waits_for_a_worker_is_told_when_there_will_be_none(small):
    staff = workers.Workers(course._workers(), 0, small, {})
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(staff.ask, "judge") for _ in range(2)]
        staff.close()
        for each in waiting:
            with pytest.raises(GradeError, match="Grading was stopped"):
                each.result(timeout=60)


def workers_of(pid):
    """The processes that judge for the grader `pid`: grandchildren that keepers watch over."""
    warm = [p for p in psutil.Process(pid).children() if "dlcourse.run.parent" in p.cmdline()]
    return [
        worker
        for parent in warm
        if parent.pid == course._workers().pid
        for keeper in parent.children()
        for worker in keeper.children()
    ]


def test_two_cannot_grade_the_same_course_at_once(small):
    with Ledger(small).held(), pytest.raises(GradeError, match="Another process is grading"):
        grade(small, SECTION)


@pytest.fixture
def impatient(monkeypatch):
    """A gradebook that is locked is not waited for."""
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as Dialect

    connect = Dialect.create_connect_args

    def at_once(self, url):
        arguments, options = connect(self, url)
        return arguments, {**options, "timeout": 0.1}

    monkeypatch.setattr(Dialect, "create_connect_args", at_once)


def test_a_locked_gradebook_is_named_and_nothing_is_lost(small, done, impatient, monkeypatch):
    grade(small, SECTION, ["blank"])
    done.clear()
    enter, locks = course.Writer.enter, []

    def locked(self, section, student):
        lock = sqlite3.connect(small / "gradebook.db", check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
        locks.append(lock)
        return enter(self, section, student)

    monkeypatch.setattr(course.Writer, "enter", locked)
    with pytest.raises(GradeError, match="in use by another program.*What was judged is kept"):
        grade(small, SECTION, ["right"], workers=1)
    assert done == [("judge", "right")]
    locks[0].close()
    monkeypatch.setattr(course.Writer, "enter", enter)
    done.clear()
    (result,) = grade(small, SECTION, ["right"])
    assert result.score == 12
    assert done == [("feedback", "right")]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(b"no database" * 200), "is no database, or is damaged"),
        (lambda path: _older(path), "made by another version of nbgrader"),
    ],
)
def test_a_gradebook_that_cannot_be_used_is_named(small, harm, said):
    harm(small / "gradebook.db")
    with pytest.raises(GradeError, match=said):
        grade(small, SECTION, ["right"])


def _older(path):
    with sqlite3.connect(path) as gradebook:
        gradebook.execute("ALTER TABLE grade RENAME COLUMN extra_credit TO extra")


def test_a_full_disk_stops_with_a_sentence_and_the_next_run_goes_on(small, done, monkeypatch):
    keep = Ledger.keep

    def no_room(self, section, student, *rest):
        if student == "wrong":
            raise OSError(28, "No space left on device", "judged")
        keep(self, section, student, *rest)

    monkeypatch.setattr(Ledger, "keep", no_room)
    with pytest.raises(GradeError, match="No space left on device: judged. Make room"):
        grade(small, SECTION, workers=1)
    monkeypatch.setattr(Ledger, "keep", keep)
    finished = {student for what, student in done if what == "feedback"}
    done.clear()
    assert {r.student: r.score for r in grade(small, SECTION)}["wrong"] == 10
    assert not finished & {student for _, student in done}


def test_a_dry_run_says_who_would_get_other_points_and_touches_nothing(small):
    grade(small, SECTION)
    with Gradebook(nbgrader_api(small).coursedir.db_url) as gradebook:
        gradebook.find_grade("total-tests", NOTEBOOK, SECTION, "right").manual_score = 0.5
        gradebook.db.commit()
    before, gradebook = state(small), (small / "gradebook.db").read_bytes()
    path = small / "source" / SECTION / f"{NOTEBOOK}.ipynb"
    path.write_text(path.read_text().replace("double(-171) == -342", "double(171) == 342"))
    found, looked_at = changes(small, {SECTION: None})
    assert [(each.student, each.cell, each.before, each.after) for each in found] == [
        ("wrong", "double-tests", 0, 2)
    ]
    text = changes_report(found, looked_at)
    assert "1 of 8 submissions would get other points." in text
    assert "wrong: +2\n    double-tests: 0 → 2" in text
    assert state(small) == before
    assert (small / "gradebook.db").read_bytes() == gradebook


GRADER = (
    "import sys; from pathlib import Path; from dlcourse.grade.course import grade\n"
    f"grade(Path(sys.argv[1]), {SECTION!r}, workers=2)"
)


@pytest.mark.parametrize(
    ("times", "shares"),
    [
        (1, True),
        pytest.param(20, True, marks=pytest.mark.long),
        # Its own warm processes take most of its time: what is killed is mostly a start.
        pytest.param(3, False, marks=pytest.mark.long),
    ],
)
def test_killed_at_any_moment_and_run_again_it_ends_like_an_uninterrupted_run(
    template, tmp_path, times, shares
):
    env = os.environ | (addresses() if shares else {})
    warm = [psutil.Process(parent.pid) for parent in (kernels(), verifiers()) if shares]
    whole, root = tmp_path / "whole", tmp_path / "killed"
    for copy in (whole, root):
        shutil.copytree(template, copy)

    def grader(folder):
        return subprocess.Popen([sys.executable, "-c", GRADER, folder], env=env, stderr=-3)

    started = time.monotonic()
    assert grader(whole).wait() == 0
    took = time.monotonic() - started
    rng, killed = random.Random(times), 0
    while killed < times:
        running = grader(root)
        try:
            running.wait(timeout=took * rng.uniform(0.2, 1))
        except subprocess.TimeoutExpired:
            killed += 1
            family = psutil.Process(running.pid).children(recursive=True)
            family += [child for parent in warm for child in parent.children(recursive=True)]
            running.kill()
            running.wait()
            _, left = psutil.wait_procs(family, timeout=10)
            assert not left, f"left behind: {left}"
        else:
            # Done before its time. Again from the start, and sooner: this machine got faster.
            assert state(root) == state(whole)
            shutil.rmtree(root)
            shutil.copytree(template, root)
            took *= 0.8
    assert grader(root).wait() == 0
    assert state(root) == state(whole)
    assert not (root / ".grading" / "unfinished").exists()
