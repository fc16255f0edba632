"""What a cluster brings: submissions a minute, the command's memory, and the gradebook's writes.

`python benchmarks/scale.py [--section 01_tensors] [--number 12] [--sizes 10 100 1000 10000]` starts
a Dask scheduler and workers on this machine and prints

- submissions a minute with one and with two workers of one thread each, all of it real, from the
  first that is done to the last;
- the memory of the command for classes of several sizes. Everything is real there but for two
  things: a worker does not judge, but waits for as long as judging took when it was measured here,
  and gives back that submission's verdicts; and the class is not entered into the gradebook, which
  would take an hour. `--entered` has it entered, and its feedback written;
- how many submissions a second are entered into a gradebook of SQLite.

Submissions are copies of the right notebook.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ["DLCOURSE_SOURCE"] = "synthetic"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "grade"))

# What a worker imports when it starts, to wait instead of judging.
WAITING = """
import os, time
from pathlib import Path
from dlcourse.grade import cluster

judged = Path(os.environ["SCALE_JUDGED"]).read_bytes()


def judge(course, key, section, student, files, repairs):
    time.sleep(float(os.environ["SCALE_SECONDS"]))
    return {"notebooks": {name: judged for name in files if name.endswith(".ipynb")}}


cluster.judge = judge
"""
MB = 2**20


def main() -> None:
    options = _options()
    if options.do:
        do = {"grade": grade, "enter": enter}[options.do]
        print(json.dumps(do(Path(options.root), options)))
        return
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        model, seconds = _model(folder / "model", options)
        print(f"load {os.getloadavg()[0]:.1f} before the start; judging one takes {seconds:.1f} s")
        if "throughput" in options.parts:
            _throughput(folder, model, options)
        if "memory" in options.parts:
            _memory(folder, model, seconds, options)
        if "writes" in options.parts:
            _writes(folder, model, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--section", default="01_tensors")
    parser.add_argument("--number", type=int, default=12, help="of submissions really judged")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--threads", type=int, default=64, help="that wait instead of judging")
    parser.add_argument("--entered", action="store_true", help="also enter those into a gradebook")
    parts = ("throughput", "memory", "writes")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--do", help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    return parser.parse_args()


def _model(root: Path, options: argparse.Namespace) -> tuple[Path, float]:
    """A course of one section with one right submission, judged here, and how long that took."""
    import nbformat

    from dlcourse.grade import demo
    from dlcourse.grade.course import grade
    from dlcourse.grade.notebook import grade_id

    root.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "source" / options.section, root / "source" / options.section)
    handout = demo.release(root, options.section)
    for cell in handout.released.cells:
        cell.source = handout.answers.get(grade_id(cell), cell.source)
    place = root / "submitted" / "model" / options.section
    place.mkdir(parents=True)
    nbformat.write(handout.released, place / f"{handout.notebook}.ipynb")
    # The first one has to wait for imports.
    grade(root, options.section)
    [result] = grade(root, options.section, again=True)
    assert result.score, result
    return root, result.seconds


def _class(folder: Path, model: Path, section: str, number: int) -> Path:
    """A course like the model, where so many have handed in, and nothing was graded."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("feedback", "autograded"))
    shutil.rmtree(folder / ".grading" / "judged")
    shutil.rmtree(folder / ".grading" / "entries")
    one = folder / "submitted" / "model"
    for count in range(number):
        shutil.copytree(one, folder / "submitted" / f"student-{count:05}")
    shutil.rmtree(one)
    return folder


def _throughput(folder: Path, model: Path, options: argparse.Namespace) -> None:
    from loopback import Loopback

    print(f"\n{'workers':>9}{'a minute':>10}{'s in all':>10}   {options.number} submissions judged")
    for number in (1, 2):
        place = folder / f"workers-{number}"
        place.mkdir()
        loopback = Loopback(place)
        try:
            loopback.scheduler()
            for _ in range(number):
                loopback.worker(1)
            # Workers warm up with their first one; each gets one.
            root = _class(place / "warm", model, options.section, 4 * number)
            _run("grade", root, options, loopback.address)
            root = _class(place / "class", model, options.section, options.number)
            found = _run("grade", root, options, loopback.address)
        finally:
            loopback.stop()
        print(f"{number:9}{found['a_minute']:10.1f}{found['seconds']:10.1f}", flush=True)


def _memory(folder: Path, model: Path, seconds: float, options: argparse.Namespace) -> None:
    from loopback import Loopback

    place = folder / "memory"
    place.mkdir()
    (place / "waiting.py").write_text(WAITING)
    [judged] = (model / ".grading" / "judged").rglob("*.ipynb")
    env = {"SCALE_JUDGED": str(judged), "SCALE_SECONDS": str(seconds)}
    print(f"\n{'class':>9}{'PSS MB':>9}{'RSS MB':>9}{'s in all':>10}   of the command, at most")
    loopback = Loopback(place)
    try:
        loopback.scheduler()
        loopback.worker(options.threads, None, env, False, "--preload", str(place / "waiting.py"))
        for size in options.sizes:
            root = _class(place / f"class-{size}", model, options.section, size)
            found = _run("grade", root, options, loopback.address)
            shutil.rmtree(root)
            print(
                f"{size:9}{found['pss']:9.0f}{found['rss']:9.0f}{found['seconds']:10.1f}",
                flush=True,
            )
    finally:
        loopback.stop()


def _writes(folder: Path, model: Path, options: argparse.Namespace) -> None:
    number = 10 * options.number
    root = _class(folder / "writes", model, options.section, 0)
    [judged] = (model / ".grading" / "judged").glob("*")
    for count in range(number):
        shutil.copytree(judged, root / ".grading" / "judged" / f"student-{count:05}")
    seconds = _run("enter", root, options, "")["seconds"]
    print(
        f"\n{number / seconds:.1f} submissions a second are entered into SQLite ({number} of them)"
    )


def _run(do: str, root: Path, options: argparse.Namespace, address: str) -> dict:
    """What a process of its own measures."""
    command = [sys.executable, __file__, "--do", do, "--root", str(root), "--address", address]
    command += ["--section", options.section] + ["--entered"] * (
        options.entered or "memory" not in root.parts
    )
    with (root.parent / f"{root.name}.log").open("w") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True)
    if done.returncode:
        sys.exit((root.parent / f"{root.name}.log").read_text()[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def grade(root: Path, options: argparse.Namespace) -> dict:
    """Grades the class on the cluster, and watches this process's memory."""
    import psutil

    from dlcourse.grade import course

    if not options.entered:
        course._Batch._enter = lambda self, one, entry: None
        course._Batch._feed_back = lambda self, one, standing, staff: None
    most, stopped = {"pss": 0.0, "rss": 0.0}, threading.Event()

    def watch() -> None:
        while not stopped.wait(0.5):
            now = psutil.Process().memory_full_info()
            for kind in most:
                most[kind] = max(most[kind], getattr(now, kind) / MB)

    watching = threading.Thread(target=watch)
    watching.start()
    start = time.monotonic()
    try:
        results = course.grade_sections(root, {options.section: None}, scheduler=options.address)
    finally:
        stopped.set()
    took = time.monotonic() - start
    judged = len(list((root / ".grading" / "judged").glob(f"*/{options.section}/*.ipynb")))
    assert judged == len(results), (judged, len(results))
    entries = (root / ".grading" / "entries").glob("*/*.json")
    done = sorted(path.stat().st_mtime for path in entries)
    rate = 60 * (len(done) - 1) / (done[-1] - done[0]) if len(done) > 1 else 0
    return most | {"seconds": took, "a_minute": rate}


def enter(root: Path, options: argparse.Namespace) -> dict:
    """Enters all that was judged, one after the other."""
    from dlcourse.grade.backend import logged, one_engine
    from dlcourse.grade.writer import Writer

    students = sorted(path.name for path in (root / ".grading" / "judged").iterdir())
    with logged(root), one_engine():
        writer = Writer(root)
        start = time.monotonic()
        for student in students:
            assert writer.enter(options.section, student) is None
            assert writer.standing(options.section, student)
        return {"seconds": time.monotonic() - start}


if __name__ == "__main__":
    main()
