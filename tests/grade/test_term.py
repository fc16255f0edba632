"""A term as the instructors' guide has it, through nbgrader's real exchange."""

import getpass
import os
import re
import shlex
import subprocess
import sys

import nbformat
import pytest
from tiny_course import ROOT, SECTION, make_course, released, solved

from dlcourse.grade.workshop import addresses

GUIDE = (ROOT / "docs" / "instructors.md").read_text("utf-8")
[TERM] = re.findall(r"## Run a term.*?```sh\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = [shlex.split(line, comments=True) for line in TERM.splitlines()]
MODULES = {"nbgrader": "nbgrader", "dlcourse": "dlcourse.cli"}


@pytest.fixture
def exchange(tmp_path):
    folder = tmp_path / "exchange"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def run(cwd, program, *rest):
    words = [SECTION if word == "01_tensors" else word for word in rest]
    command = [sys.executable, "-m", MODULES[program], *words]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **addresses()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


@pytest.mark.long
def test_a_term_goes_as_the_guide_says(tmp_path, exchange):
    course, student = tmp_path / "course", tmp_path / "student"
    course.mkdir()
    student.mkdir()
    make_course(course)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
    place = ("--course=dl-practical", f"--Exchange.root={exchange}")
    assert [words[1] for words in COMMANDS] == [
        "release_assignment",
        "collect",
        "grade",
        "release_feedback",
    ]
    release, collect, grade, feedback = COMMANDS

    run(course, *release)
    run(student, "nbgrader", "fetch_assignment", SECTION, *place)
    nbformat.write(solved(released(course)), student / SECTION / "tiny.ipynb")
    run(student, "nbgrader", "submit", SECTION, *place)
    run(course, *collect)
    run(course, *grade)
    run(course, *feedback)
    run(student, "nbgrader", "fetch_feedback", SECTION, *place)

    [page] = (student / SECTION / "feedback").glob("*/tiny.html")
    assert "(Score: 12.0 / 12.0)" in page.read_text("utf-8")
    assert (course / "submitted" / getpass.getuser() / SECTION / "timestamp.txt").is_file()
    assert "100" in (course / "report.html").read_text("utf-8")
