"""A section on a JupyterHub, from release to feedback: one instructor and five students at once.

The tests are the steps of one story, in this order: each goes on where the one before it ended.
"""

import os
import re
import sysconfig

import pytest
from conftest import at_once
from machine import PREFIX, SECTION
from nbgrader.api import Gradebook
from person import Person

pytestmark = pytest.mark.timeout(1800)
# Three for each of ten exercises, and two for a written answer, which is right if there is one.
POINTS = {"ada": 32, "ben": 29, "cem": 0, "dua": 6, "eva": 32}


def test_only_members_of_the_course_can_log_in(site):
    wrong = Person(site, f"{PREFIX}ada").log_in("wrong")
    assert wrong.status_code == 403
    outsider = Person(site, "root").log_in("anything")
    assert outsider.status_code == 403


def test_five_students_at_once_have_servers_of_their_own_accounts(class_):
    said = at_once(lambda student: student.run("import getpass; print(getpass.getuser())"), class_)
    assert said == [student.name for student in class_]


def test_an_instructors_server_is_the_courses_account(site, ines):
    said = ines.run("import os, pwd; print(pwd.getpwuid(os.getuid()).pw_name, os.getcwd())")
    assert said == f"{site.account} {site.base / 'course'}"


def test_students_find_the_start_page_and_no_tools_of_instructors(class_):
    student = class_[0]
    assert "# DL Practical" in student.read("start.md")
    assert student.ask("GET", "").headers["Location"].rstrip("?").endswith("/lab/tree/start.md")
    assert student.ask("GET", "formgrader").status_code == 404
    assert student.ask("GET", "formgraders").status_code == 404


def test_formgrader_may_be_shown_within_jupyterlab(ines, class_):
    page = ines.ask("GET", "formgrader/manage_assignments")
    assert page.headers["Content-Security-Policy"].startswith("frame-ancestors 'self'")
    of_students = class_[0].ask("GET", "api/status").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in of_students


def test_instructors_find_formgrader_in_the_course_list(ines):
    courses = ines.ask("GET", "formgraders").json()
    assert [course["course_id"] for course in courses["value"]] == ["dl-practical"]
    assert ines.ask("GET", "formgrader/manage_assignments").ok


def test_all_students_fetch_the_section_at_once(class_, fetched):
    for student in class_:
        [listed] = student.assignments()["value"]
        assert (listed["status"], listed["assignment_id"]) == ("fetched", SECTION)
        assert student.read(fetched)["cells"]


def test_a_kernel_of_the_course_runs_what_the_section_begins_with(class_, fetched):
    cells = [cell["source"] for cell in class_[0].read(fetched)["cells"]]
    first = next(source for source in cells if "dlcourse" in source and "import" in source)

    def begin(student):
        with student.kernel() as kernel:
            kernel.run(first)
            return kernel.run("import keras; print(keras.ops.sum(keras.ops.ones((2, 3))).shape)")

    assert at_once(begin, class_) == ["()"] * len(class_)


def test_all_students_hand_in_at_once(submitted):
    for said in submitted.values():
        assert said["success"], said
        statuses = [entry["status"] for entry in said["value"]]
        assert statuses == ["fetched", "submitted"]


def test_an_instructor_collects_every_submission(site, ines, submitted):
    done = ines.formgrader(SECTION, "collect")
    assert done["success"], done
    collected = {path.parent.name for path in (site.base / "course/submitted").glob("*/*")}
    assert collected == {f"{PREFIX}{name}" for name in submitted}


def test_submissions_are_graded_isolated_by_an_account_that_is_not_root(ines):
    said, status = ines.shell(f"dlcourse grade {SECTION}")
    assert status == 0, said
    assert "not isolated" not in said


def test_everybody_has_the_points_that_they_earned(site, monkeypatch):
    # Where nbgrader finds alembic.
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)
    with Gradebook(f"sqlite:///{site.base / 'course/gradebook.db'}", "dl-practical") as book:
        found = {each.student.id: each.score for each in book.assignment_submissions(SECTION)}
    assert {name.removeprefix(PREFIX): score for name, score in found.items()} == POINTS


def test_each_student_fetches_and_reads_their_own_points(ines, class_):
    done = ines.formgrader(SECTION, "release_feedback")
    assert done["success"], done

    def read(student):
        listed = student.assignments("fetch_feedback", SECTION)["value"]
        [notebook] = listed[-1]["submissions"][0]["notebooks"]
        page = student.ask("GET", f"files/{notebook['local_feedback_path']}").text
        return float(re.search(r"Score: ([\d.]+) / 32", page)[1])

    assert at_once(read, class_) == list(POINTS.values())


def test_a_restart_of_the_hub_leaves_servers_and_their_kernels(site, class_):
    student = class_[0]
    with student.kernel() as kernel:
        kernel.run("kept = 17")
        site.stop()
        site.start()
        assert student.is_running()
        again = student.ask("GET", f"api/kernels/{kernel.id}").json()
        assert again["id"] == kernel.id
