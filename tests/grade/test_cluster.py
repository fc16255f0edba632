"""Grading on a cluster: the same gradebook as here, whatever becomes of workers and scheduler."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client, LocalCluster
from loopback import Loopback, Wire, free_port, judging, kill, wait_until
from nbgrader.api import Gradebook
from tiny_course import (
    ANSWERS,
    NOTEBOOK,
    SECTION,
    empty_gradebook,
    hand_in,
    make_course,
    released,
    solved,
    state,
    whole_class,
)

import dlcourse
from dlcourse.grade import cluster, course, workshop
from dlcourse.grade.backend import nbgrader_api
from dlcourse.grade.changes import changes
from dlcourse.grade.course import GradeError, grade_sections
from dlcourse.grade.judge import Judge, masters

# Of the class: what is right and wrong, what dies, never ends or cannot be read.
STUDENTS = ("right", "blank", "wrong", "dies-in-test", "loops", "truncated", "pastes-second-try")
SLOW = "import time\n\ntime.sleep(1)\n"


# On a busy machine the warm processes of a worker take minutes to import what they need.
pytestmark = pytest.mark.timeout(1800)


def grade(root, address, students=None, **options):
    """Student -> Result."""
    results = grade_sections(root, {SECTION: students}, scheduler=address, **options)
    return {result.student: result for result in results}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The tiny course, and what comes by mail: links, pipes, a zip, a folder, a bomb."""
    root = tmp_path_factory.mktemp("cluster")
    make_course(root)
    right = solved(released(root))
    texts = whole_class(released(root))
    for student in STUDENTS:
        hand_in(root, student, texts[student])
    for number in range(4):
        text = solved(released(root), double=f"{SLOW}{ANSWERS['double']}")
        hand_in(root, f"slow-{number}", text)
    hand_in(root, "links", right)
    (root / "submitted" / "links" / SECTION / "passwd").symlink_to("/etc/passwd")
    hand_in(root, "is-a-link", "Nothing.", name="notes.txt")
    (root / "submitted" / "is-a-link" / SECTION / f"{NOTEBOOK}.ipynb").symlink_to("/etc/passwd")
    hand_in(root, "has-a-pipe", right)
    os.mkfifo(root / "submitted" / "has-a-pipe" / SECTION / "pipe")
    (root / "submitted" / "is-a-pipe").mkdir()
    os.mkfifo(root / "submitted" / "is-a-pipe" / SECTION)
    hand_in(root, "reads-a-file", solved(released(root), double=READS))
    (root / "submitted" / "reads-a-file" / SECTION / "data").mkdir()
    hand_in(root, "reads-a-file", "2", name="data/två.txt")
    (root / "submitted" / "zipped").mkdir()
    with zipfile.ZipFile(root / "submitted" / "zipped" / f"{SECTION}.zip", "w") as archive:
        archive.write(root / "submitted" / "right" / SECTION / f"{NOTEBOOK}.ipynb", "mine.ipynb")
    return root


READS = """FACTOR = int(open('data/två.txt').read())


def double(x):
    return FACTOR * x"""


@pytest.fixture
def small(template, tmp_path):
    """A copy of the course, not graded."""
    root = tmp_path / "course"
    shutil.copytree(template, root, symlinks=True, copy_function=_copy)
    return root


def _copy(source, target):
    if Path(source).is_fifo():
        os.mkfifo(target)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


@pytest.fixture(scope="module")
def expected(template, tmp_path_factory):
    """The course as it is graded on this machine: what grading left behind, and what it said."""
    root = tmp_path_factory.mktemp("local") / "course"
    shutil.copytree(template, root, symlinks=True, copy_function=_copy)
    return grade(root, None), state(root)


@pytest.fixture
def loopback(tmp_path):
    cluster = Loopback(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
def entered(monkeypatch):
    """Student -> how often the writer entered a submission."""
    counted = Counter()
    enter = course.Writer.enter

    def counting(self, section, student):
        counted[student] += 1
        return enter(self, section, student)

    monkeypatch.setattr(course.Writer, "enter", counting)
    return counted


@pytest.fixture
def shared(monkeypatch):
    """Workers in this process take the warm processes that all tests here share."""
    warm = course._workers(), workshop.kernels(), workshop.verifiers()
    monkeypatch.setattr(cluster, "_warm", lambda env: warm)
    yield
    for key in list(cluster._desks):
        cluster._desks.pop(key).close()


@pytest.fixture
def within(shared):
    """A scheduler and two workers in this process, which can be made to fail."""
    with LocalCluster(2, threads_per_worker=1, processes=False, protocol="tcp", **NOWHERE) as made:
        yield made


NOWHERE = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}


def same(results, root, expected):
    """Whether results and all that was left behind are what a local run comes to."""
    before, left = expected
    assert {name: told(result) for name, result in results.items()} == {
        name: told(result) for name, result in before.items()
    }
    assert state(root) == left
    with Gradebook(nbgrader_api(root).coursedir.db_url) as gradebook:
        names = [each.student.id for each in gradebook.assignment_submissions(SECTION)]
    assert sorted(names) == sorted(before)


def told(result):
    cells = dict(sorted(result.cells.items()))
    return result.score, cells, result.notes, result.failures, bool(result.feedback)


class Running:
    """A class that is being graded on a cluster meanwhile."""

    def __init__(self, root, address, **options):
        self._root = root
        self._pool = ThreadPoolExecutor(1)
        self._results = self._pool.submit(grade, root, address, **options)

    def wait_for(self, number):
        """Returns when that many submissions have been judged."""
        entries = self._root / ".grading" / "entries"
        wait_until(lambda: self._results.done() or len(list(entries.glob("*/*"))) >= number)
        assert not self._results.done(), self._results.result()

    def results(self):
        with self._pool:
            return self._results.result(timeout=1500)


# Without a cluster


def test_a_scheduler_that_is_not_there_is_named(small):
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(GradeError, match=f"No scheduler answers at {address} .*`dask scheduler`"):
        grade(small, address)


@pytest.mark.parametrize("address", ["nonsense", "carrier-pigeon://roof:1", "tcp://127.0.0.1"])
def test_an_address_that_is_none_is_named(small, address):
    with pytest.raises(GradeError, match=f"No scheduler answers at {address}"):
        grade(small, address)


def test_without_dask_it_is_said_what_to_install(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(GradeError, match=r"pip install 'dlcourse\[cluster\]'"):
        grade(small, "tcp://127.0.0.1:1")


def test_what_a_worker_makes_of_a_submission_is_what_is_made_here(small, shared, tmp_path):
    api = nbgrader_api(small)
    known = {SECTION: masters(api, SECTION)}
    judge = Judge(small, known)
    for copy in ("here", "there"):
        (tmp_path / copy).mkdir()
    here, there = tmp_path / "here" / "copy", tmp_path / "there" / "copy"
    assert judge.judge(SECTION, "wrong", here) is None
    reason, repairs = judge.take_in(SECTION, "wrong", there)
    assert reason is None
    files = {f"{NOTEBOOK}.ipynb": (there / f"{NOTEBOOK}.ipynb").read_bytes()}
    packed = cluster.pack(small, [SECTION], known, "namespaces")
    desk = cluster.Desk(packed, tmp_path / "desk", 1)
    try:
        made = desk.judge(SECTION, "wrong", files, list(repairs))
    finally:
        desk.close()
    assert list(made) == [f"{NOTEBOOK}.ipynb"]
    (there / f"{NOTEBOOK}.ipynb").write_bytes(made[f"{NOTEBOOK}.ipynb"])
    assert _cells(here) == _cells(there)


def _cells(folder):
    nb = json.loads((folder / f"{NOTEBOOK}.ipynb").read_text("utf-8"))
    return [
        (cell["source"], cell.get("outputs"), _lasting(cell["metadata"])) for cell in nb["cells"]
    ]


def _lasting(metadata):
    return {key: value for key, value in metadata.items() if key != "execution"}


def test_the_gradebooks_address_is_not_sent(small):
    with (small / "nbgrader_config.py").open("a") as config:
        config.write("\nc.CourseDirectory.db_url = 'postgresql://u:secret@db/course'\n")
    packed = cluster.pack(small, [SECTION], {}, "none")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert f"source/{SECTION}/{NOTEBOOK}.ipynb" in archive.namelist()
        assert all(b"secret" not in archive.read(name) for name in archive.namelist())


def test_a_configuration_that_is_no_data_is_named(small):
    with (small / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Execute.timeout_func = lambda cell: 3\n")
    with pytest.raises(GradeError, match="nbgrader_config.py cannot be sent"):
        cluster.pack(small, [SECTION], {}, "none")


# With workers in this process


@pytest.mark.long
def test_a_full_disk_on_a_worker_is_not_the_students_failing(small, within, monkeypatch, expected):
    judge, full = cluster.Desk.judge, []

    def full_once(self, *order):
        if len(full) < 2:
            full.append(order[1])
            raise OSError(errno.ENOSPC, "No space left on device")
        return judge(self, *order)

    monkeypatch.setattr(cluster, "REST", 1)
    monkeypatch.setattr(cluster.Desk, "judge", full_once)
    results = grade(small, within.scheduler_address)
    assert len(full) == 2
    same(results, small, expected)


@pytest.mark.long
def test_full_disks_everywhere_end_with_a_sentence(small, within, monkeypatch):
    def full(self, *order):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cluster, "REST", 0)
    monkeypatch.setattr(cluster, "MOST", cluster.MOST | {"trouble": 100})
    monkeypatch.setattr(cluster.Desk, "judge", full)
    with pytest.raises(GradeError, match="No worker can judge: .*No space left.*same command"):
        grade(small, within.scheduler_address)


@pytest.mark.long
def test_what_was_judged_on_a_cluster_is_not_judged_again_here(small, within, monkeypatch):
    first = grade(small, within.scheduler_address, ["right", "truncated"])
    asked = []
    ask = course.Workers.ask
    monkeypatch.setattr(
        course.Workers, "ask", lambda self, do, **order: asked.append(do) or ask(self, do, **order)
    )
    assert grade(small, None, ["right", "truncated"]) == first
    assert asked == []


@pytest.mark.long
def test_a_dry_run_judges_on_the_cluster_too(small, within):
    students = ["right", "wrong"]
    grade(small, within.scheduler_address, students)
    path = small / "source" / SECTION / f"{NOTEBOOK}.ipynb"
    path.write_text(path.read_text().replace("double(-171) == -342", "double(171) == 342"))
    found, _ = changes(small, {SECTION: students}, scheduler=within.scheduler_address)
    assert [(each.student, each.cell, each.before, each.after) for each in found] == [
        ("wrong", "double-tests", 0, 2)
    ]


@pytest.mark.long
def test_of_a_large_class_only_so_many_are_in_hand_at_once(small, within, monkeypatch):
    at_once, most, lock = [0], [0], threading.Lock()
    judge = cluster.Cluster._judge

    def counting(self, *order):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        try:
            return judge(self, *order)
        finally:
            with lock:
                at_once[0] -= 1

    monkeypatch.setattr(cluster.Cluster, "_judge", counting)
    grade(small, within.scheduler_address)
    assert most[0] <= cluster.PER_THREAD * 2


# With processes


@pytest.mark.long
def test_the_gradebook_is_the_one_that_grading_here_makes(small, loopback, expected, entered):
    loopback.scheduler()
    loopback.worker(2)
    loopback.worker(1)
    same(grade(small, loopback.address), small, expected)
    assert set(entered.values()) == {1}


@pytest.mark.long
def test_the_whole_class_ends_as_it_does_here(course, results, loopback, tmp_path):
    root = tmp_path / "whole"
    shutil.copytree(course, root, ignore=shutil.ignore_patterns(".grading", "autograded"))
    (root / "gradebook.db").write_bytes(empty_gradebook())
    loopback.scheduler()
    loopback.worker(2)
    there = grade(root, loopback.address)
    assert {name: told(result) for name, result in there.items()} == {
        name: told(result) for name, result in results.items()
    }


@pytest.mark.long
def test_a_worker_that_is_killed_costs_nobody_anything(small, loopback, expected, entered):
    loopback.scheduler()
    first, _ = loopback.worker(1), loopback.worker(1)
    running = Running(small, loopback.address)
    running.wait_for(3)
    kill(first)
    same(running.results(), small, expected)
    assert set(entered.values()) == {1}


@pytest.mark.long
def test_a_worker_that_comes_late_takes_over_from_one_that_goes(small, loopback, expected):
    loopback.scheduler()
    first = loopback.worker(1)
    running = Running(small, loopback.address)
    running.wait_for(2)
    loopback.worker(1)
    kill(first)
    same(running.results(), small, expected)


@pytest.mark.long
def test_a_worker_whose_line_is_cut_is_done_without(small, loopback, expected, entered):
    loopback.scheduler()
    line = Wire(loopback.port)
    loopback.worker(1, line.address)
    running = Running(small, loopback.address)
    running.wait_for(2)
    loopback.worker(1)
    line.cut()
    same(running.results(), small, expected)
    assert set(entered.values()) == {1}


@pytest.mark.long
def test_a_worker_that_stands_still_is_done_without(small, tmp_path, expected, entered):
    loopback = Loopback(tmp_path, SCHEDULER__WORKER_TTL="20s")
    try:
        loopback.scheduler()
        first = loopback.worker(1)
        running = Running(small, loopback.address)
        running.wait_for(2)
        stopped = judging(first)
        stopped.suspend()
        loopback.worker(1)
        same(running.results(), small, expected)
        assert set(entered.values()) == {1}
    finally:
        loopback.stop()


@pytest.mark.long
def test_a_scheduler_that_is_started_again_goes_on(small, loopback, expected, entered):
    scheduler = loopback.scheduler()
    loopback.worker(2, again=True)
    running = Running(small, loopback.address)
    running.wait_for(3)
    kill(scheduler)
    loopback.scheduler()
    same(running.results(), small, expected)
    assert set(entered.values()) == {1}


@pytest.mark.long
def test_a_scheduler_that_stays_away_ends_with_a_sentence_and_nothing_is_lost(
    small, loopback, expected, entered
):
    scheduler = loopback.scheduler()
    loopback.worker(2, again=True)
    running = Running(small, loopback.address)
    running.wait_for(3)
    with dask.config.set({"dlcourse.patience": "5s"}):
        kill(scheduler)
        with pytest.raises(GradeError, match="does not answer.*same command again"):
            running.results()
    loopback.scheduler()
    same(grade(small, loopback.address), small, expected)
    assert set(entered.values()) == {1}


@pytest.mark.long
def test_a_scheduler_without_workers_is_waited_for_but_not_for_ever(small, loopback, capfd):
    loopback.scheduler()
    with dask.config.set({"dlcourse.patience": "15s"}), pytest.raises(GradeError) as caught:
        grade(small, loopback.address)
    assert f"has no workers. Start one with `dask worker {loopback.address}`" in str(caught.value)
    assert "Waiting for it, 15 s at most." in capfd.readouterr().err


@pytest.fixture
def other_version(tmp_path):
    """The environment of a worker that has another version of the course."""
    package = Path(dlcourse.__file__).parent
    folder = tmp_path / "other"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "dlcourse", ignore=ignored)
    with (folder / "dlcourse" / "sections.py").open("a") as code:
        code.write("\n# Another version.\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.long
def test_a_worker_of_another_version_does_not_judge(
    small, loopback, expected, other_version, capfd
):
    loopback.scheduler()
    other = loopback.worker(1, env=other_version)
    with pytest.raises(GradeError, match=r"No worker .*dlcourse 0\.\S+ \(\w+\) \(here"):
        grade(small, loopback.address)
    loopback.worker(1)
    with Client(loopback.address, set_as_default=False) as client:
        client.wait_for_workers(2)
    capfd.readouterr()
    same(grade(small, loopback.address), small, expected)
    assert capfd.readouterr().err.count("is not used: verdicts could differ") == 1
    assert not list(other.files.rglob(f"{NOTEBOOK}.ipynb"))


@pytest.mark.long
def test_a_worker_that_cannot_isolate_does_not_judge(small, loopback, tmp_path):
    loopback.scheduler()
    # The course's code is the same there, its machine is not.
    (tmp_path / "sitecustomize.py").write_text(
        "import dlcourse.run.isolation\n"
        "dlcourse.run.isolation.available = lambda: 'No namespaces on this machine.'\n"
    )
    loopback.worker(1, env={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(GradeError, match="No worker .* may judge .*No namespaces on this machine"):
        grade(small, loopback.address)


@pytest.mark.long
def test_a_submission_that_brings_workers_down_gets_a_reason_and_the_others_get_grades(
    small, loopback, expected
):
    hand_in(small, "killer", solved(released(small)))
    hand_in(small, "killer", "", name="killer.txt")
    loopback.scheduler()
    worker = loopback.worker(2)
    stopped, killed = threading.Event(), []

    def hunt():
        while not stopped.wait(0.05):
            if list(worker.files.rglob("killer.txt")) and (process := judging(worker)):
                killed.append(process.pid)
                process.kill()
                process.wait()
                for path in worker.files.rglob("killer.txt"):
                    path.unlink(missing_ok=True)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        results = grade(small, loopback.address)
    finally:
        stopped.set()
        hunter.join()
    assert len(killed) == 3
    (note,) = results.pop("killer").notes
    assert "3 workers of the cluster were lost while they judged it" in note
    before, _ = expected
    assert {name: told(result) for name, result in results.items()} == {
        name: told(result) for name, result in before.items()
    }


GRADER = (
    # Where tests run in the background the shell has Ctrl-C ignored, by all that they start.
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "import sys; from pathlib import Path; from dlcourse.grade.course import grade_sections\n"
    f"grade_sections(Path(sys.argv[1]), {{{SECTION!r}: None}}, scheduler=sys.argv[2])"
)


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_the_command_ends_and_run_again_goes_on(how, small, loopback, expected, entered):
    loopback.scheduler()
    loopback.worker(2)
    command = [sys.executable, "-c", GRADER, str(small), loopback.address]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    entries = small / ".grading" / "entries"
    wait_until(lambda: len(list(entries.glob("*/*"))) >= 4)
    family = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(how)
    assert running.wait(timeout=300) != 0
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left
    same(grade(small, loopback.address), small, expected)
    assert sum(entered.values()) < len(expected[0])
