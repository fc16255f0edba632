"""The verifiers of one submission: forks of one process that meet nothing of each other's."""

import contextlib
import os
import socket

import pytest

from dlcourse.grade.verdicts import Verdict
from dlcourse.grade.workshop import NAMESPACES, Workshop


@pytest.fixture(scope="module")
def verifiers():
    with Workshop.open(NAMESPACES, memory=1024) as workshop:
        yield workshop.verifiers


@contextlib.contextmanager
def begun(verifiers, test):
    """A verifier at work on `test`, which takes nothing from a notebook; the end of its report."""
    line, theirs = socket.socketpair()
    ours, report = os.pipe()
    with line, theirs, os.fdopen(ours) as read:
        try:
            verifiers.begin({"source": test, "names": [], "seed": 1}, [theirs.fileno(), report])
        finally:
            os.close(report)
        try:
            yield read
        finally:
            verifiers.end()


def verdict(verifiers, test):
    with begun(verifiers, test) as report:
        return Verdict.from_json(report.read())


def test_a_verifier_judges(verifiers):
    assert verdict(verifiers, "1.5").value == 1.5
    assert verdict(verifiers, "assert not 'wrong', 'said'").message == "said"


def test_nothing_that_a_test_changes_reaches_the_next_one(verifiers):
    changes = "import os, numpy\nnumpy.left = 1\nos.environ['LEFT'] = '1'\nos.chdir('/')"
    looks = "import os, numpy\nassert not hasattr(numpy, 'left') and 'LEFT' not in os.environ"
    assert verdict(verifiers, changes).passed
    assert verdict(verifiers, looks).passed


def test_files_of_a_test_are_gone_before_the_next_one(verifiers):
    leaves = "import tempfile\nleft = tempfile.mkdtemp()\nopen(left + '/file', 'w').close()"
    looks = "import os, tempfile\nassert os.listdir(tempfile.gettempdir()) == []"
    assert verdict(verifiers, leaves).passed
    assert verdict(verifiers, looks).passed


def test_a_verifier_that_runs_on_is_ended_with_what_it_started(verifiers):
    with begun(verifiers, "import subprocess\nsubprocess.run(['sleep', '43210'])"):
        pass
    looks = (
        "from pathlib import Path\n"
        "running = [path.read_text() for path in Path('/proc').glob('[0-9]*/cmdline')]\n"
        "assert not any('43210' in line for line in running), running"
    )
    assert verdict(verifiers, looks).passed


def test_a_verifier_that_takes_the_process_with_it_costs_the_next_one_nothing(verifiers):
    with begun(verifiers, "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)") as report:
        assert report.read() == ""
    assert verdict(verifiers, "2").value == 2
