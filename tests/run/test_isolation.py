"""An isolated child: what it sees, what it may take, and that nothing of it stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from processes import HERE, MB, SMALL, eventually

from dlcourse.run.isolation import HOME, WORK
from dlcourse.run.warm import RunError

SAY = "import json, os\nsay = lambda value: print(json.dumps(value))\n"


def said(ended):
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_a_child_sees_the_system_and_no_other_folder(isolated):
    system = {"bin", "dev", "etc", "home", "lib", "lib32", "lib64", "proc", "sbin", "tmp", "usr"}
    imports = {Path(path).parts[1] for path in (sys.prefix, os.path.realpath(os.__file__), HERE)}
    assert set(said(isolated(SAY + "say(os.listdir('/'))"))) <= system | imports


def test_a_child_sees_no_settings_of_the_machine_that_may_be_secret(isolated):
    seen = set(said(isolated(SAY + "say(os.listdir('/etc'))")))
    assert {"passwd", "hosts"} <= seen
    assert not {"shadow", "ssh", "machine-id", "resolv.conf"} & seen


def test_a_child_reads_what_is_readable_and_nothing_beside_it(isolated, tmp_path):
    for name in ("shown", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
    code = f"os.chdir({str(tmp_path)!r})\nsay([os.listdir(), open('shown/file.txt').read()])"
    shown = replace(SMALL, readable=(str(tmp_path / "shown"),))
    assert said(isolated(SAY + code, shown)) == [["shown"], "shown"]


def test_a_child_writes_to_nothing_readable(isolated, tmp_path):
    tmp_path.chmod(0o777)
    code = f"open({str(tmp_path / 'file.txt')!r}, 'w')"
    ended = isolated(code, replace(SMALL, readable=(str(tmp_path),)))
    assert "Read-only file system" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_what_is_hidden_is_empty(isolated, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "one.txt").write_text("secret")
    (tmp_path / "two.txt").write_text("secret")
    hidden = (str(tmp_path / "secrets"), str(tmp_path / "two.txt"))
    code = SAY + f"say([os.listdir({hidden[0]!r}), open({hidden[1]!r}).read()])"
    isolation = replace(SMALL, readable=(str(tmp_path),), hidden=hidden)
    assert said(isolated(code, isolation)) == [[], ""]


def test_a_child_works_on_a_copy(isolated, tmp_path):
    (tmp_path / "answer.txt").write_text("as handed in")
    look = "say([os.getcwd(), open('answer.txt').read()])\n"
    assert said(
        isolated(SAY + look + "open('answer.txt', 'w').write('changed')", cwd=tmp_path)
    ) == [
        WORK,
        "as handed in",
    ]
    assert (tmp_path / "answer.txt").read_text() == "as handed in"


def test_a_pipe_or_a_loose_link_in_the_folder_does_not_hold_it_up(isolated, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/nowhere")
    assert said(isolated(SAY + "say(os.listdir())", cwd=tmp_path)) == ["link"]


def test_a_folder_that_is_too_large_is_refused_with_a_sentence(isolated, tmp_path):
    (tmp_path / "large.bin").write_bytes(bytes(SMALL.disk + MB))
    with pytest.raises(RunError, match=r"No space left on device.*: is it very large\?"):
        isolated("", cwd=tmp_path)


def test_what_one_child_writes_no_other_sees(isolated):
    places = ["/tmp/mine", "/dev/shm/mine", f"{HOME}/mine", f"{WORK}/mine"]
    write = f"for place in {places}:\n    open(place, 'w').write('mine')"
    assert isolated(write).code == 0
    assert not any(Path(place).exists() for place in places)
    assert said(isolated(SAY + f"say([*map(os.path.exists, {places})])")) == [False] * 4


def test_a_child_has_no_network(isolated):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = isolated(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5)")
    assert "Network is unreachable" in ended.err


def test_a_child_cannot_reach_a_socket_without_a_file(isolated):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0dlcourse-test-{os.getpid()}")
        server.listen()
        address = f"'\\0dlcourse-test-{os.getpid()}'"
        ended = isolated(f"import socket\nsocket.socket(socket.AF_UNIX).connect({address})")
    assert "Connection refused" in ended.err


def test_a_child_sees_no_process_but_its_own(isolated):
    code = "say(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    assert said(isolated(SAY + code)) == [1, 2]


def test_two_children_do_not_see_each_other(parent, nothing_left):
    ours, theirs = os.pipe()
    waiting = parent.fork("import os\nos.read(fds[0], 1)", SMALL, fds=[ours])
    with closing(waiting), os.fdopen(theirs, "w"):
        os.close(ours)
        code = "say([os.getpid(), *sorted(name for name in os.listdir('/proc') if name.isdigit())])"
        assert said(parent.run(SAY + code, SMALL)) == [2, "1", "2"]


FORBIDDEN = {
    "becoming root": "os.setuid(0)",
    "giving files away": "os.chown('/tmp', 0, 0)",
    "mounting": "checked(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))",
    "namespaces of its own": "checked(libc.unshare(0x10000000))",
    "a disk": "os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))",
    "the kernel's settings": "open('/proc/sys/kernel/core_pattern', 'w')",
    "the system's files": "open('/etc/passwd', 'w')",
    "the first process's environment": "open('/proc/1/environ', 'rb').read(1)",
    "the first process's memory": "open('/proc/1/mem', 'rb').read(1)",
    "the first process's files": "os.listdir('/proc/1/fd')",
    "tracing the first process": "checked(libc.ptrace(16, 1, 0, 0))",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_child_has_no_right_to(isolated, what):
    code = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
{FORBIDDEN[what]}
"""
    # Not permitted, no access, no such user here, none left of those to be had, read-only.
    refusals = ("[Errno 1]", "[Errno 13]", "[Errno 22]", "[Errno 28]", "[Errno 30]")
    ended = isolated(code)
    assert any(refusal in ended.err for refusal in refusals), ended


def test_the_first_process_cannot_be_killed_from_within(isolated):
    code = """
import os, signal
for signum in signal.Signals:
    try:
        os.kill(1, signum)
    except OSError:
        pass
print(os.listdir("/proc").count("1"))
"""
    assert isolated(code).out == "1\n"


def test_the_owners_environment_does_not_leak(isolated, monkeypatch):
    monkeypatch.setenv("DLCOURSE_SECRET_OF_TESTS", "open sesame")
    code = """
import glob, os
print(os.environ)
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        print(open(path).read())
    except OSError:
        pass
"""
    ended = isolated(code, env={"GIVEN": "yes"})
    assert "'GIVEN': 'yes'" in ended.out
    assert "open sesame" not in ended.out


def test_open_files_do_not_leak(isolated, tmp_path):
    code = """
numbers = [int(name) for name in os.listdir("/proc/self/fd")]
say(sorted(fd for fd in numbers if os.path.lexists(f"/proc/self/fd/{fd}")))
"""
    with (tmp_path / "secret.txt").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        assert said(isolated(SAY + code)) == [0, 1, 2]


# What is too much -> code that takes it, what it is told, by which limit it is ended.
TOO_MUCH = {
    "memory in one process": ("hoard = bytearray(500 * 2**20)", "MemoryError", None),
    "memory in several processes": (
        """
import os, time
for _ in range(4):
    if os.fork() == 0:
        break
hoard = b"x" * (150 * 2**20)
time.sleep(60)
""",
        "",
        "memory",
    ),
    "shared memory": (
        """
import mmap
hoard = []
while True:
    hoard.append(mmap.mmap(-1, 2**24))
    hoard[-1].write(b"x" * 2**24)
""",
        "",
        "memory",
    ),
    "memory in files without a name": (
        """
import os
hoard = []
while True:
    hoard.append(os.memfd_create("x"))
    os.write(hoard[-1], b"x" * 2**24)
""",
        "",
        "memory",
    ),
    "processes": (
        """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
        "",
        "processes",
    ),
    "threads": (
        """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(60,)).start()
    except RuntimeError:
        time.sleep(1)
""",
        "",
        "threads",
    ),
    "open files": (
        "hoard = []\nwhile True:\n    hoard.append(open('/dev/null'))",
        "Too many open files",
        None,
    ),
    "disk": (
        "for number in range(9):\n    open(f'/tmp/{number}', 'wb').write(b'x' * 2**22)",
        "No space left on device",
        None,
    ),
    "names on disk": (
        "import os\nfor number in range(10**6):\n    os.mkdir(f'/dev/shm/{number}')",
        "No space left on device",
        None,
    ),
    "one file": (
        "import os\nos.truncate(os.open('file', os.O_CREAT | os.O_RDWR), 2**30)",
        "File too large",
        None,
    ),
    "seconds": ("while True:\n    pass", "", "time"),
    "seconds, deaf to signals": (
        """
import signal, time
for signum in (1, 2, 3, 15):
    signal.signal(signum, signal.SIG_IGN)
while True:
    time.sleep(1)
""",
        "",
        "time",
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_of_anything_ends_in_a_named_reason(isolated, what):
    code, told, ended_by = TOO_MUCH[what]
    ended = isolated(code, replace(SMALL, seconds=0.5) if "seconds" in what else SMALL)
    assert (ended.by, ended.code) == (ended_by, -signal.SIGKILL if ended_by else 1)
    assert told in ended.err


def test_a_child_that_stays_within_its_limits_is_left_alone(isolated):
    code = """
import os, time
hoard = b"x" * (100 * 2**20)
open("/tmp/file", "wb").write(b"x" * 2**23)
if os.fork():
    os.wait()
time.sleep(0.2)
"""
    ended = isolated(code)
    assert (ended.code, ended.by) == (0, None)


@pytest.fixture
def shared(folder):
    path = folder / "shared"
    path.mkdir()
    yield path
    path.rmdir()


def test_a_socket_in_a_shared_folder_works_on_when_it_is_sealed(shared, parent, nothing_left):
    place = shared / "socket"
    code = f"""
import socket
server = socket.create_server({str(place)!r}, family=socket.AF_UNIX)
server.accept()[0].send(b"hello")
"""
    with closing(parent.fork(code, replace(SMALL, shared=(str(shared),)))) as child:
        assert eventually(place.exists)
        child.seal()
        with socket.socket(socket.AF_UNIX) as end:
            assert eventually(lambda: end.connect_ex(str(place)) == 0)
            assert end.recv(5) == b"hello"
        assert child.wait(10) == 0
    place.unlink()


@pytest.mark.parametrize("add", ["open({}, 'w')", "os.mkdir({})", "os.symlink('/', {})"])
def test_nothing_is_added_to_a_sealed_folder(shared, parent, nothing_left, add):
    code = "import os\nos.read(fds[0], 1)\n" + add.format(repr(str(shared / "new")))
    ours, theirs = os.pipe()
    with tempfile.TemporaryFile() as err:
        isolation = replace(SMALL, shared=(str(shared),))
        child = parent.fork(code, isolation, fds=[ours], stderr=err.fileno())
        child.seal()
        for fd in (ours, theirs):
            os.close(fd)
        assert child.wait(10) == 1
        assert b"Read-only file system" in os.pread(err.fileno(), MB, 0)
    assert list(shared.iterdir()) == []


def test_a_folder_with_a_file_that_is_being_written_cannot_be_sealed(shared, parent, nothing_left):
    place = shared / "file"
    code = f"import time\nfile = open({str(place)!r}, 'w')\ntime.sleep(60)"
    with closing(parent.fork(code, replace(SMALL, shared=(str(shared),)))) as child:
        assert eventually(place.exists)
        with pytest.raises(RunError, match="busy"):
            child.seal()
        assert child.wait(10) == -signal.SIGKILL
    place.unlink()


def test_an_ordinary_user_has_isolation_or_a_sentence_about_what_forbids_it():
    with tempfile.TemporaryDirectory(prefix="dlc-user-", dir="/tmp") as own:
        command = [sys.executable, HERE / "ordinary.py", own]
        env = {"PATH": os.environ["PATH"], "TMPDIR": own}
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["user"] != 0
    if not report["allowed"]:
        assert report["why_not"].startswith("Student code cannot be isolated here")
        return
    assert report["why_not"] is None
    assert report["saw"] == ["1000 ['1', '2']", "['shown']", "Network is unreachable"]
    assert report["bomb"] == "processes"
    # The warm parent is alone when its children have ended, and after it there is nothing.
    assert (report["alone"], report["left"]) == (True, 0)
