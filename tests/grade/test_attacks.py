"""Student code that wants points, secrets or harm meets walls; honest neighbours keep theirs."""

import os
import time
from pathlib import Path

import pytest
from tiny_course import SECTION, hand_in, make_course, released, solved

from dlcourse.grade.course import grade

SECRET = "the gradebook of the class is not for students"

# Name -> what stands in the first answer cell of a notebook that is blank otherwise.
CHEATS = {
    "empties-later-cells": (
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])"
    ),
    "rewrites-syntax-trees": (
        "import ast\n\n\nclass Nothing(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node):\n        return ast.Pass()\n\n\n"
        "get_ipython().ast_transformers.append(Nothing())"
    ),
    "always-equal": (
        "class Equal:\n    def __eq__(self, other):\n        return True\n\n\n"
        "def double(x):\n    return Equal()"
    ),
    "equal-number": (
        "class Equal(int):\n    def __eq__(self, other):\n        return True\n\n\n"
        "def double(x):\n    return Equal(0)"
    ),
    "forges-points": (
        "from IPython.display import display, publish_display_data\n"
        "get_ipython().events.register('post_run_cell', lambda result: display(12))\n12"
    ),
    "replaces-run-cell": (
        "shell = get_ipython()\nshell.run_cell = shell.run_cell_async = lambda *a, **k: None"
    ),
    "patches-the-checks": (
        "import builtins, dlcourse.check.core\n"
        "builtins.AssertionError = type('Fine', (Exception,), {})\n"
        "dlcourse.check.core.CheckFailed = BaseException\n"
        "import dlcourse.grade.verdicts as verdicts\n"
        "verdicts.Verdict.points = lambda self, most: most"
    ),
    "answers-nonsense": (
        "import dlcourse.grade.agent as agent\n"
        "agent.pack = lambda value, **options: [b'\\xff' * 100, b'']"
    ),
    "reads-its-history": (
        "double = square = total = None\n"
        "source = str(globals().get('In')) + str(get_ipython().history_manager.input_hist_raw)\n"
        "assert '-342' not in source"
    ),
}

# What tries to get out: each prints what it got, and what it must not get.
REACHES = {
    "reads-source": "print(open(ROOT + '/source/00_tiny/tiny.ipynb').read())",
    "reads-gradebook": "print(open(ROOT + '/gradebook.db', 'rb').read())",
    "lists-submissions": "import os\nprint(os.listdir(ROOT + '/submitted'))",
    "reads-environment": "import os\nprint(os.environ['DLCOURSE_SECRET_OF_TESTS'])",
    "reads-others-environment": (
        "import glob\nfor path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    print(open(path, 'rb').read())\n1 / 0"
    ),
    "calls-out": "import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)",
    "writes-outside": "open('/etc/mine', 'w').write('mine')",
    "writes-libraries": "import numpy\nopen(numpy.__file__, 'a').write('x')",
}

HARMS = {
    "takes-memory": "hoard = []\nwhile True:\n    hoard.append(bytearray(2**28))",
    "takes-shared-memory": (
        "import mmap\nhoard = []\nwhile True:\n"
        "    hoard.append(mmap.mmap(-1, 2**28))\n    hoard[-1].write(b'x' * 2**28)"
    ),
    "forks": "import os\nwhile True:\n    os.fork()",
    "prints": "while True:\n    print('x' * 10_000)",
    "recurses": "def down(n):\n    return down(n + 1)\n\n\ndown(0)",
    "segfaults": "import ctypes\nctypes.string_at(0)",
    "kills-all": "import os\nos.kill(-1, 9)",
}
DAEMON = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        os.execv('/bin/sleep', ['sleep', '98765'])\n    os._exit(0)"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("attacked")
    make_course(root)
    nb = released(root)
    (root / "hidden.txt").write_text(SECRET)
    for name, code in CHEATS.items():
        hand_in(root, name, solved(nb, double=code, square="square = 0", total="total = 0", why=""))
    for name, code in (REACHES | HARMS).items():
        where = f"ROOT, PORT = {str(root)!r}, 9\n"
        hand_in(root, name, solved(nb, square=where + code))
    hand_in(root, "leaves-a-daemon", solved(nb, square=DAEMON))
    hand_in(root, "shadows-libraries", solved(nb))
    for name in ("json.py", "numpy.py", "zmq.py", "random.py"):
        hand_in(root, "shadows-libraries", "raise SystemExit('shadowed')", name=name)
    hand_in(root, "zoe-honest", solved(nb))
    return root


@pytest.fixture(scope="module")
def results(course):
    os.environ["DLCOURSE_SECRET_OF_TESTS"] = "secret"
    try:
        return {result.student: result for result in grade(course, SECTION)}
    finally:
        del os.environ["DLCOURSE_SECRET_OF_TESTS"]


def earned(result):
    return {name for name, (score, _) in result.cells.items() if score}


@pytest.mark.parametrize("name", CHEATS)
def test_no_trick_in_a_blank_notebook_earns_a_point(results, name):
    assert results[name].score == 0, results[name]


@pytest.mark.parametrize("name", REACHES)
def test_what_is_outside_is_out_of_reach(results, name):
    assert "`square` stopped with" in " ".join(results[name].notes)
    assert earned(results[name]) >= {"double-check", "double-tests", "total-check", "total-tests"}


@pytest.mark.parametrize("name", HARMS)
def test_harm_costs_its_own_submission_and_no_points_earned_before(results, name):
    assert results[name].score is not None
    assert earned(results[name]) >= {"double-check", "double-tests"}
    assert not earned(results[name]) & {"square-check", "square-tests"}


def test_a_kernel_that_takes_too_much_memory_is_named(results):
    assert "needed more memory than it may take" in " ".join(results["takes-shared-memory"].notes)


def test_no_process_outlives_its_submission(results):
    assert results["leaves-a-daemon"].score is not None
    until = time.monotonic() + 5
    while (left := _commands_with("98765")) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == []


def test_files_named_like_libraries_shadow_none(results):
    assert results["shadows-libraries"].score == 12


def test_an_honest_neighbour_keeps_full_marks(results):
    assert results["zoe-honest"].score == 12


def _commands_with(text):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue
        if text.encode() in command:
            found.append(command)
    return found
