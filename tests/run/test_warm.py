"""Warm parents: what their children start with, how they end, and what survives nobody's death."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from processes import HERE, SMALL, Parent, eventually, marked

from dlcourse.run.warm import RunError, WarmParent

WAIT = "import time\ntime.sleep(1000)"
# Out of its session, and its parent gone: nobody's child.
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()
"""
both = pytest.mark.parametrize("isolation", [None, SMALL], ids=["plain", "isolated"])


def test_a_child_has_what_the_parent_imported(parent, nothing_left):
    ended = parent.run("import sys\nprint('numpy' in sys.modules, 'wave' in sys.modules)")
    assert ended.out == "True False\n"


def test_a_child_runs_in_a_process_and_folder_of_its_own(parent, nothing_left, tmp_path):
    ended = parent.run("import os\nprint(os.getpid(), os.getcwd())", cwd=tmp_path)
    pid, folder = ended.out.split()
    assert int(pid) not in (os.getpid(), parent.warm.pid)
    assert folder == str(tmp_path)


ENDS = {
    "pass": 0,
    "1 / 0": 1,
    "raise SystemExit(3)": 3,
    "raise SystemExit('so long')": 1,
    "import os; os._exit(7)": 7,
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": -signal.SIGSEGV,
}


@both
@pytest.mark.parametrize("code", ENDS)
def test_the_exit_status_says_how_a_child_ended(parent, nothing_left, code, isolation):
    assert parent.run(code, isolation).code == ENDS[code]


@both
def test_what_a_child_raises_goes_to_its_own_stderr(parent, nothing_left, isolation):
    assert "ZeroDivisionError" in parent.run("1 / 0", isolation).err


@both
def test_a_signal_reaches_the_child(parent, nothing_left, isolation):
    ours, theirs = os.pipe()
    code = """
import os, time
try:
    os.write(fds[0], b"x")
    time.sleep(60)
except KeyboardInterrupt:
    raise SystemExit(5)
"""
    with closing(parent.fork(code, isolation, fds=[theirs])) as child:
        os.close(theirs)
        assert os.read(ours, 1) == b"x"
        os.close(ours)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 5


@both
def test_descriptors_that_are_passed_on_arrive(parent, nothing_left, isolation):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code = "import os\nos.write(fds[0], os.read(fds[0], 9)[::-1])"
        child = parent.fork(code, isolation, fds=[theirs.fileno()])
        ours.send(b"back")
        assert child.wait(20) == 0
        assert ours.recv(9) == b"kcab"


def test_children_draw_different_random_numbers(parent, nothing_left):
    code = "import numpy, random\nprint(numpy.random.rand(), random.random())"
    first, second = (parent.run(code).out.split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_children_run_at_the_same_time(parent, nothing_left):
    ends = [socket.socketpair() for _ in range(3)]
    code = "import os\nos.write(fds[0], b'here')\nos.read(fds[0], 1)"
    children = [parent.fork(code, SMALL, fds=[theirs.fileno()]) for _, theirs in ends]
    # Each is there before any may go.
    assert [ours.recv(4) for ours, _ in ends] == [b"here"] * 3
    for ours, theirs in ends:
        ours.send(b"x")
        theirs.close()
    assert [child.wait(20) for child in children] == [0, 0, 0]
    for ours, _ in ends:
        ours.close()


@both
@pytest.mark.parametrize("code", [WAIT, DAEMON, DAEMON + WAIT], ids=["child", "daemon", "both"])
def test_a_child_that_is_closed_leaves_no_process(parent, nothing_left, code, isolation):
    parent.fork(code, isolation).close()


@both
def test_a_child_that_ended_has_left_no_daemon(parent, nothing_left, isolation):
    assert parent.run(DAEMON, isolation).code == 0
    assert eventually(lambda: parent.processes() == {parent.warm.pid})


@both
def test_closing_the_parent_returns_when_all_are_gone(folder, isolation):
    other = Parent(["json"])
    with other.warm:
        child = other.fork(DAEMON + WAIT, isolation)
        assert eventually(lambda: len(other.processes()) >= 4)
    assert other.processes() == set()
    assert child.poll() == -signal.SIGKILL


OWNER = f"""
import sys, time
sys.path.insert(0, {str(HERE)!r})
from processes import SMALL, Parent
from test_warm import DAEMON, WAIT
parent = Parent(["json"])
children = [parent.fork(DAEMON + WAIT, isolation) for isolation in (None, SMALL)]
print(parent.warm.pid, parent.mark, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def place(folder):
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture
def owner(place):
    """A process that owns a warm parent with two children and two daemons, and their mark."""
    env = os.environ | {"TMPDIR": str(place)}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=env
    ) as process:
        pid, mark = process.stdout.readline().split()
        mark = mark.decode()
        # The parent, two keepers, a namespace's first process, two children, two daemons; what an
        # ordinary user may not look at is not counted.
        assert eventually(lambda: len(marked(mark)) >= 6)
        yield process, int(pid), mark
        process.kill()


def test_nothing_survives_a_killed_owner(owner, place):
    process, _, mark = owner
    process.kill()
    assert eventually(lambda: marked(mark) == set())
    assert list(place.iterdir()) == []


def test_no_process_survives_a_killed_parent(owner):
    _, pid, mark = owner
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: marked(mark) == set())


def test_another_process_forks_by_the_parents_address(parent, nothing_left):
    code = f"""
import sys
from dlcourse.run.warm import WarmParent
child = WarmParent.at({parent.warm.address!r}).fork("errand:run", {{"code": "raise SystemExit(4)"}})
sys.exit(child.wait(20))
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 4


def test_where_there_is_no_parent_the_error_says_so(folder):
    with pytest.raises(RunError, match="There is no warm parent at /nowhere"):
        WarmParent.at("/nowhere").fork("errand:run", {})


@pytest.mark.parametrize("said", [b"", b"{", b"[]\n", b"{}\n", b"nonsense\n"])
def test_who_hangs_up_or_talks_nonsense_harms_nobody(parent, nothing_left, said):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(parent.warm.address)
        end.send(said)
    assert parent.run("print('fine')").out == "fine\n"


def test_a_target_that_does_not_exist_is_the_childs_own_error(parent, nothing_left):
    child = parent.warm.fork("errand:walk", {})
    assert child.wait(20) == 1


def test_a_module_that_cannot_be_imported_is_named(folder):
    with pytest.raises(RunError, match=r"could not import no\.such: ModuleNotFoundError"):
        Parent(["no.such"]).warm.start()


@pytest.fixture
def module(tmp_path):
    """Writes a module, and returns a parent that preloads it."""

    def write(code):
        (tmp_path / "preloaded.py").write_text(code)
        return Parent(["preloaded"], PYTHONPATH=f"{tmp_path}:{HERE}")

    return write


def test_what_a_parent_is_told_to_call_is_done_for_its_children(folder, tmp_path):
    (tmp_path / "preloaded.py").write_text("done = []\ndef prepare():\n    done.append(1)\n")
    parent = Parent(["preloaded:prepare"], PYTHONPATH=f"{tmp_path}:{HERE}")
    with parent.warm:
        for _ in range(2):
            assert parent.run("import preloaded; print(preloaded.done)").out == "[1]\n"


def test_a_parent_that_hangs_at_its_imports_can_be_closed(folder, module):
    parent = module("import time\ntime.sleep(1000)")
    parent.warm.start(wait=False)
    parent.warm.close()
    assert parent.processes() == set()


def test_a_parent_that_has_made_a_tensor_refuses(folder, module):
    parent = module("import keras\nkeras.ops.ones(3)")
    with parent.warm, pytest.raises(RunError, match="A preloaded module has made a tensor"):
        parent.run("pass")


def test_a_parent_that_has_threads_refuses(folder, module):
    thread = "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
    parent = module("import threading, time\n" + 2 * thread)
    with parent.warm, pytest.raises(RunError, match="has 3 threads, which its children would lack"):
        parent.run("pass")


def test_a_parent_that_was_killed_starts_again(folder):
    parent = Parent(["json"])
    with parent.warm:
        parent.warm.start()
        os.kill(parent.warm.pid, signal.SIGKILL)
        os.waitid(os.P_PID, parent.warm.pid, os.WEXITED | os.WNOWAIT)
        assert parent.run("print('fine')").out == "fine\n"


# What another system is like, as far as Python shows it: no Linux, and no module for limits.
ELSEWHERE = "import sys\nsys.platform = 'darwin'\nsys.modules['resource'] = None\n"


def test_every_module_can_be_imported_where_there_is_no_linux():
    code = f"""
import ipykernel.kernelapp, matplotlib_inline.backend_inline, nbgrader, pkgutil, subprocess
{ELSEWHERE}
from importlib import import_module
import dlcourse.run
for module in pkgutil.iter_modules(dlcourse.run.__path__):
    import_module(f"dlcourse.run.{{module.name}}")
print(dlcourse.run.isolation.available())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.startswith("Isolating student code needs Linux."), ran.stderr


def test_children_fork_and_end_where_there_is_no_linux(folder, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(ELSEWHERE)
    parent = Parent(["json"], PYTHONPATH=f"{tmp_path}:{HERE}")
    with parent.warm:
        assert parent.run("import sys\nprint(sys.platform)").out == "darwin\n"
        parent.fork(WAIT).close()
        assert eventually(lambda: parent.processes() == {parent.warm.pid})
