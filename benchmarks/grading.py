"""How fast a class is graded: stock nbgrader, this course with one and two workers, and the floor.

`python benchmarks/grading.py [--section 01_tensors] [--number 20] [--stock 3]` has the
same submissions graded each way, on this machine in one run, and prints submissions per minute, CPU
seconds and proportional memory of each. The floor is what cannot be saved: the cells of students
and tests alone, run in a process that has imported Keras already. What a class pays for once, which
is imports, entering the section and one submission, is on a line of its own. CPU seconds come from
control groups, which have to be writable; without them only times are printed. What two processes
gain over one that share nothing at all is printed too: two workers cannot gain more.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

os.environ["DLCOURSE_SOURCE"] = "synthetic"
os.environ.pop("DLCOURSE_GRADEBOOK", None)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "grade"))

# Version 2 of Linux's control groups, and version 1.
GROUPS = {
    Path("/sys/fs/cgroup"): ("cpu.stat", lambda text: int(text.split()[1]) / 1e6),
    Path("/sys/fs/cgroup/cpuacct"): ("cpuacct.usage", lambda text: int(text) / 1e9),
}
GOALS = {"01_tensors": 15, "02_mnist_dense": 5}
SECONDS_ABOVE_FLOOR, WORKERS_RATIO, MB_PER_WORKER, UNCHANGED = 1.0, 1.7, 400, 0.1


def main() -> int:
    options = _options()
    if options.do:
        print(json.dumps(DO[options.do](Path(options.root), options.section[0], options.number)))
        return 0
    kept = True
    for section in options.section or list(GOALS):
        with tempfile.TemporaryDirectory(prefix="grading-") as folder:
            kept &= _compare(Path(folder), section, options)
    print("All goals are kept." if kept else "Not all goals are kept.")
    return 0 if kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--section", action="append", help="one or more; 01 and 02, if not given")
    parser.add_argument("--number", type=int, default=20, help="of submissions")
    parser.add_argument("--stock", type=int, help="of those that stock nbgrader grades; all")
    parser.add_argument("--do", choices=DO, help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(folder: Path, section: str, options: argparse.Namespace) -> bool:
    from parity import hand_in_to_both, kinds

    chosen = [kind for kind in islice(kinds(section), 200) if not kind.changes][: options.number]
    hand_in_to_both(folder, section, chosen, seed=1)
    print(f"\n{section}: {len(chosen)} submissions, load {os.getloadavg()[0]:.1f} before the start")
    some = options.stock or len(chosen)
    floor = _measure("floor", folder / "ours", section, len(chosen))
    stock = _measure("stock", folder / "stock", section, some)
    runs = {"floor": floor, "stock nbgrader": stock}
    for number in (1, 2):
        _forget(folder / "ours")
        runs[f"{number} worker{'s' * (number > 1)}"] = _measure(
            f"workers{number}", folder / "ours", section, len(chosen)
        )
    unchanged = _measure("workers2", folder / "ours", section, len(chosen))
    print(f"{'':16}{'a minute':>10}{'wall s':>9}{'CPU s':>9}{'MB at most':>12}   each submission")
    for name, run in runs.items():
        print(
            f"{name:16}{60 / run['wall']:10.1f}{run['wall']:9.2f}{run['cpu']:9.2f}{run['mb']:12.0f}"
        )
    print(f"two processes that share nothing do {_ceiling():.2f} times the work of one here")
    one, two = runs["1 worker"], runs["2 workers"]
    print(f"start, once: {two['start']:.1f} s, {two['start_cpu']:.1f} CPU s")
    parts = ", ".join(f"{seconds:.2f} {part}" for part, seconds in two["parts"].items())
    print(f"where the CPU seconds go with two workers: {parts}")
    goals = [
        ("times as fast as stock nbgrader", stock["wall"] / two["wall"], GOALS.get(section, 0)),
        ("times as fast with two workers as with one", one["wall"] / two["wall"], WORKERS_RATIO),
    ]
    limits = [
        ("CPU s above the floor", two["cpu"] - floor["cpu"], SECONDS_ABOVE_FLOOR),
        ("MB for a second worker", two["mb"] - one["mb"], MB_PER_WORKER),
        ("s for a submission that is unchanged", unchanged["wall"], UNCHANGED),
    ]
    lines = [(*goal, goal[1] >= goal[2], "at least") for goal in goals]
    lines += [(*limit, limit[1] <= limit[2], "at most") for limit in limits]
    for what, value, bound, holds, word in lines:
        print(f"{'kept  ' if holds else 'MISSED'} {value:8.2f} {what}; {word} {bound:g}")
    return all(line[3] for line in lines)


def _ceiling() -> float:
    """How many times the work of one process two do that share nothing: the median of five."""
    work = "x = {}\nfor i in range(3_000_000): x[i & 65535] = i * i"

    def seconds(processes: int) -> float:
        start = time.perf_counter()
        running = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(processes)]
        assert not any(process.wait() for process in running)
        return time.perf_counter() - start

    return statistics.median(2 * seconds(1) / seconds(2) for _ in range(5))


def _forget(root: Path) -> None:
    """As if nothing had been graded."""
    import shutil

    for name in (".grading", "autograded", "feedback"):
        shutil.rmtree(root / name, ignore_errors=True)
    # Making a gradebook takes nbgrader seconds, once for a course: it starts with an empty one.
    empty = root / "gradebook.empty.db"
    if not empty.exists():
        shutil.copy(root / "gradebook.db", empty)
    shutil.copy(empty, root / "gradebook.db")


def _measure(do: str, root: Path, section: str, number: int) -> dict:
    """What a process of its own measures; in a control group, if there can be one."""
    command = [sys.executable, __file__, "--do", do, "--root", str(root)]
    command += ["--section", section, "--number", str(number)]
    with _group() as group:
        enter = (lambda: (group / "cgroup.procs").write_text(str(os.getpid()))) if group else None
        env = os.environ | {"GRADING_GROUP": str(group or "")}
        process = subprocess.Popen(
            command, env=env, preexec_fn=enter, stdout=subprocess.PIPE, text=True
        )
        # Reading the memory of many processes takes a processor's time, which two workers have
        # none of to spare: from outside, so that it does not count, and so seldom that it takes 2%.
        most, said, pause = 0.0, None, 1.0
        while said is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                said = process.communicate(timeout=pause)[0]
            start = time.process_time()
            most = max(most, sum(map(_pss, _pids(group))))
            pause = max(1.0, 50 * (time.process_time() - start))
    assert not process.returncode, f"{do} ended with {process.returncode}"
    return json.loads(said.splitlines()[-1]) | {"mb": most}


def _pids(group: Path | None) -> list[str]:
    folders = (group, *group.glob("*/")) if group else ()
    return [pid for each in folders for pid in (each / "cgroup.procs").read_text().split()]


def _pss(pid: str) -> float:
    """Proportional memory of a process in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


@contextlib.contextmanager
def _group() -> Iterator[Path | None]:
    for folder, (file, _) in GROUPS.items():
        if (folder / file).is_file() and os.access(folder, os.W_OK):
            group = folder / f"grading-{os.getpid()}"
            group.mkdir()
            try:
                yield group
            finally:
                for part in (*group.glob("*/"), group):
                    part.rmdir()
            return
    yield None


class Meter:
    """Wall time and CPU time of all that runs in this process's group."""

    def __init__(self) -> None:
        self._group = Path(os.environ["GRADING_GROUP"]) if os.environ["GRADING_GROUP"] else None

    def cpu(self, part: str = "") -> float:
        """CPU seconds so far of all that was ever in the group, or in a part; NaN without one."""
        for folder, (file, seconds) in GROUPS.items():
            if self._group and self._group.parent == folder:
                return seconds((self._group / part / file).read_text())
        return float("nan")

    def take_apart(self, part: str, pid: int) -> None:
        """Counts a process and its later children apart as well."""
        if self._group:
            (self._group / part).mkdir()
            (self._group / part / "cgroup.procs").write_text(str(pid))

    @contextlib.contextmanager
    def over(self, number: int) -> Iterator[dict]:
        """Fills what it yields with the cost of each of `number` submissions."""
        cost, start, cpu = {}, time.monotonic(), self.cpu()
        yield cost
        cost["wall"] = (time.monotonic() - start) / number
        cost["cpu"] = (self.cpu() - cpu) / number


def workers(root: Path, section: str, number: int, *, at_once: int) -> dict:
    """Grades the class with so many workers."""
    from dlcourse.grade import course
    from dlcourse.grade.workshop import kernels, verifiers

    meter, start = Meter(), time.monotonic()
    course.start_ahead()
    parts = {
        "in students' kernels": kernels(),
        "in verifiers": verifiers(),
        "repairing, running, making feedback": course._workers(),
    }
    for part, parent in parts.items():
        parent.start()
        meter.take_apart(part, parent.pid)
    # Stock nbgrader finds the section in the gradebook; here it is entered with the first one.
    [first, *others] = sorted(path.name for path in (root / "submitted").iterdir())
    course.grade(root, section, [first])
    began = {"start": time.monotonic() - start, "start_cpu": meter.cpu()}
    before = {part: meter.cpu(part) for part in parts}
    with meter.over(len(others)) as cost:
        results = course.grade(root, section, others, workers=at_once)
    assert len(results) == len(others) == number - 1
    assert all(result.score is not None for result in results)
    spent = {part: (meter.cpu(part) - before[part]) / len(others) for part in parts}
    spent["writing into the gradebook"] = cost["cpu"] - sum(spent.values())
    return cost | began | {"parts": spent}


def stock(root: Path, section: str, number: int) -> dict:
    """Has stock nbgrader grade the first `number` students, as its own command does."""
    from dlcourse.grade.workshop import environment

    students = sorted(path.name for path in (root / "submitted").iterdir())[:number]
    env, meter = os.environ | environment(), Meter()
    command = [sys.executable, "-m", "nbgrader", "autograde", section]
    if number < len(list((root / "submitted").iterdir())):
        command += ["--student", f"[{''.join({name[0] for name in students})}]*"]
    with meter.over(number) as cost:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
    graded = len(list((root / "autograded").iterdir()))
    assert graded == number, (graded, done.stderr[-2000:])
    return cost


def floor(root: Path, section: str, number: int) -> dict:
    """Runs the cells that grading runs, students' and tests', each notebook in a fork."""
    import importlib

    import nbformat

    from dlcourse.grade.demonstrations import unneeded
    from dlcourse.grade.notebook import plain_code
    from dlcourse.grade.workshop import ENVIRONMENT, KERNEL_LIBRARIES

    os.environ.update(ENVIRONMENT, NBGRADER_EXECUTION="autograde")
    for name in KERNEL_LIBRARIES:
        importlib.import_module(name)
    source = next((root / "source" / section).glob("*.ipynb"))
    cells = nbformat.read(source, as_version=4).cells
    tests = {cell.metadata.nbgrader.grade_id: cell for cell in cells if _is_test(cell)}
    costs, walls = [], []
    for path in sorted((root / "submitted").glob(f"*/{section}/*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        idle = unneeded(nb.cells, plain_code(cells))
        code = [
            tests[name].source if (name := _name(cell)) in tests else cell.source
            for place, cell in enumerate(nb.cells)
            if cell.cell_type == "code" and place not in idle
        ]
        ours, theirs = os.pipe()
        start = time.monotonic()
        child = os.fork()
        if not child:
            _run(code, theirs)
        os.close(theirs)
        with os.fdopen(ours) as said:
            costs.append(float(said.read()))
        os.waitpid(child, 0)
        walls.append(time.monotonic() - start)
    return {"wall": sum(walls) / number, "cpu": sum(costs) / number}


def _is_test(cell: dict) -> bool:
    known = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and known.get("grade") and not known.get("solution")


def _name(cell: dict) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _run(code: list[str], answer: int) -> None:
    """Runs cells in this fork, writes the CPU seconds that it took, and ends it."""
    from IPython.core.interactiveshell import InteractiveShell

    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    before = _cpu_seconds()
    shell = InteractiveShell.instance()
    shell._showtraceback = lambda *_: None
    for source in code:
        shell.run_cell(source)
    os.write(answer, str(_cpu_seconds() - before).encode())
    os._exit(0)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


DO = {
    "floor": floor,
    "stock": stock,
    "workers1": lambda *given: workers(*given, at_once=1),
    "workers2": lambda *given: workers(*given, at_once=2),
}

if __name__ == "__main__":
    sys.exit(main())
