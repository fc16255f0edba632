"""What grading beyond one machine brings, and what breaks first; writes docs/scale.json and .md.

`python benchmarks/scale.py [--section 01_tensors] [--number 12] [--sizes 10 100 1000 10000]` grades
copies of the right notebook and measures, one part after the other,

- steps: how long judging, entering and writing feedback take, one submission at a time;
- throughput: submissions a minute of a Dask scheduler and one or two workers of one thread each,
  all of them processes on this machine, from the first that is done to the last;
- memory: the command's, for classes of several sizes. Everything is real there but the three steps:
  each waits for as long as it took, entering one at a time and feedback two at a time, as they are;
- writes: submissions a second that the writer enters into each kind of gradebook: medians of rounds
  that take turns. PostgreSQL is a server of its own, which waits for the disk as SQLite does.

It takes about an hour, most of it for the class of 10,000. `--parts` measures some of them anew.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from dlcourse.files import write_text

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PARTS = ("steps", "throughput", "memory", "writes")
STEPS = ("judging", "entering", "feedback")
WORKERS = (1, 2)
# How many pages of feedback the command writes at once: as many as there are cores, 4 at most.
AT_ONCE = min(4, os.cpu_count() or 1)
MB = 2**20

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


def main() -> None:
    os.environ["DLCOURSE_SOURCE"] = "synthetic"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.pop("DLCOURSE_GRADEBOOK", None)
    # Tests' own modules start the servers, and only to measure are they needed.
    sys.path.insert(0, str(ROOT / "tests" / "grade"))
    options = _options()
    if options.do:
        with Path(options.into).open("w") as into:
            json.dump(DO[options.do](Path(options.root), options), into)
        return
    kept = _kept() | {
        "made_with": f"Python {platform.python_version()}, {os.cpu_count()} cores",
        "section": options.section,
    }
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        model = _model(folder / "model", options)
        for part in options.parts:
            load = os.getloadavg()[0]
            kept[part] = MEASURE[part](folder, model, options, kept) | {"load": round(load, 1)}
            print(part, json.dumps(kept[part], indent=1), flush=True)
            write_text(DOCS / "scale.json", json.dumps(kept, indent=1) + "\n")
    if missing := [part for part in PARTS if part not in kept]:
        sys.exit(f"Still to measure, and then the page can be written: {', '.join(missing)}.")
    write_text(DOCS / "scale.md", page(kept))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--section", default="01_tensors")
    parser.add_argument("--number", type=int, default=12, help="of submissions really judged")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--threads", type=int, default=64, help="that wait instead of judging")
    parser.add_argument("--rounds", type=int, default=5, help="of entering, 20 submissions each")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    for hidden in ("do", "root", "address", "into", "steps"):
        parser.add_argument(f"--{hidden}", help=argparse.SUPPRESS)
    return parser.parse_args()


def _model(root: Path, options: argparse.Namespace) -> Path:
    """A course of one section with one right submission, which is judged."""
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
    [result] = grade(root, options.section)
    assert result.score, result
    return root


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


def _steps(folder: Path, model: Path, options: argparse.Namespace, kept: dict) -> dict:
    root = _class(folder / "steps", model, options.section, options.number)
    return _run("steps", root, options)


def _throughput(folder: Path, model: Path, options: argparse.Namespace, kept: dict) -> dict:
    from loopback import Loopback

    rates = {}
    for number in WORKERS:
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
        rates[str(number)] = round(found["a_minute"], 1)
    return {"judged": options.number, "a_minute": rates}


def _memory(folder: Path, model: Path, options: argparse.Namespace, kept: dict) -> dict:
    from loopback import Loopback

    place, steps = folder / "memory", kept["steps"]
    place.mkdir()
    (place / "waiting.py").write_text(WAITING)
    [judged] = (model / ".grading" / "judged").rglob("*.ipynb")
    env = {"SCALE_JUDGED": str(judged), "SCALE_SECONDS": str(steps["judging"])}
    loopback, classes = Loopback(place), {}
    try:
        loopback.scheduler()
        loopback.worker(options.threads, None, env, False, "--preload", str(place / "waiting.py"))
        for size in options.sizes:
            root = _class(place / f"class-{size}", model, options.section, size)
            found = _run("grade", root, options, loopback.address, json.dumps(steps))
            shutil.rmtree(root)
            classes[str(size)] = {key: round(found[key]) for key in ("seconds", "pss", "rss")}
            print(f"a class of {size:,}: {classes[str(size)]}", flush=True)
    finally:
        loopback.stop()
    return {"threads": options.threads, "classes": classes}


def _writes(folder: Path, model: Path, options: argparse.Namespace, kept: dict) -> dict:
    return _run("enter", _class(folder / "writes", model, options.section, 0), options)


MEASURE = {"steps": _steps, "throughput": _throughput, "memory": _memory, "writes": _writes}


def _run(
    do: str, root: Path, options: argparse.Namespace, address: str = "", steps: str = ""
) -> dict:
    """What a process of its own measures."""
    log, into = (root.parent / f"{root.name}.{kind}" for kind in ("log", "json"))
    command = [sys.executable, __file__, "--do", do, "--root", str(root), "--address", address]
    command += ["--section", options.section, "--rounds", str(options.rounds)]
    command += ["--into", str(into), "--steps", steps]
    with log.open("w") as said:
        done = subprocess.run(command, stdout=said, stderr=said)
    if done.returncode:
        sys.exit(log.read_text()[-3000:])
    return json.loads(into.read_text())


def time_steps(root: Path, options: argparse.Namespace) -> dict:
    """The median of each step's seconds, in a class that is graded one at a time."""
    from dlcourse.grade import course

    taken = {step: [] for step in STEPS}
    for step, name in zip(STEPS, ("_judge", "_enter", "_feed_back"), strict=True):
        setattr(course._Batch, name, _timed(getattr(course._Batch, name), taken[step]))
    course.grade_sections(root, {options.section: None}, workers=1)
    # The first one waits until all is imported.
    found = {step: round(statistics.median(taken[step][1:]), 3) for step in STEPS}
    return found | {"feedback at once": AT_ONCE}


def _timed(step: object, taken: list[float]) -> object:
    def timed(*arguments: object) -> object:
        start = time.monotonic()
        try:
            return step(*arguments)
        finally:
            taken.append(time.monotonic() - start)

    return timed


def grade(root: Path, options: argparse.Namespace) -> dict:
    """Grades the class on the cluster, and watches this process's memory."""
    import psutil

    from dlcourse.grade import course

    if options.steps:
        _wait_instead(course._Batch, json.loads(options.steps))
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


def _wait_instead(batch: type, steps: dict) -> None:
    """Entering and writing feedback take their time, and do nothing."""
    places = threading.Semaphore(steps["feedback at once"])

    def enter(self: object, one: object, entry: object) -> None:
        time.sleep(steps["entering"])

    def feed_back(self: object, one: object, standing: object, staff: object) -> None:
        with places:
            time.sleep(steps["feedback"])

    batch._enter, batch._feed_back = enter, feed_back


def enter(root: Path, options: argparse.Namespace) -> dict:
    """Enters judged submissions into gradebooks of each kind, which take turns."""
    import postgres

    from dlcourse.grade import course, database
    from dlcourse.grade.backend import logged, nbgrader_api, one_engine
    from dlcourse.grade.writer import Writer

    number, judged = 20, root / ".grading" / "judged"
    [model] = (root.parent / "model" / ".grading" / "judged").glob("*")
    os.environ["PGPASSWORD"] = postgres.PASSWORD
    server = postgres.Server(fsync="on")
    local = database.LOCAL
    places = {
        "SQLite": (nbgrader_api(root).coursedir.db_url, local),
        "SQLite, with nbgrader's own settings": (f"sqlite:///{root}/stock.db", frozenset()),
        "PostgreSQL": (server.new("benchmark"), local),
    }
    rates = {place: [] for place in places}
    try:
        for url, database.LOCAL in places.values():
            os.environ["DLCOURSE_GRADEBOOK"] = url
            course.enter(root, options.section)
        for turn in range(options.rounds):
            students = [f"student-{turn}-{count}" for count in range(number)]
            for student in students:
                shutil.copytree(model, judged / student)
            for place, (url, database.LOCAL) in places.items():
                os.environ["DLCOURSE_GRADEBOOK"] = url
                with logged(root), one_engine():
                    writer, start = Writer(root), time.monotonic()
                    for student in students:
                        with database.alone(url):
                            if failed := writer.enter(options.section, student):
                                sys.exit(failed)
                    rates[place].append(number / (time.monotonic() - start))
    finally:
        server.close()
    return {"a_second": {place: round(statistics.median(each), 1) for place, each in rates.items()}}


DO = {"steps": time_steps, "grade": grade, "enter": enter}


def _kept() -> dict:
    path = DOCS / "scale.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def page(kept: dict) -> str:
    """docs/scale.md, all of whose numbers are from docs/scale.json."""
    steps, memory, throughput = kept["steps"], kept["memory"], kept["throughput"]
    at_once = ("one for each thread of a worker", "one", str(steps["feedback at once"]))
    loads = ", ".join(f"{kept[part]['load']:.1f} for {part}" for part in PARTS)
    lines = [
        "# How far it goes, and what breaks first",
        "",
        f"Measured on copies of the right notebook of `{kept['section']}`, with everything on one",
        f"machine: {kept['made_with']}. Other work ran beside it; the load before each part was",
        f"{loads}.",
        "",
        "What a submission takes (medians, one submission at a time):",
        "",
        "| step | seconds | at once |",
        "|---|---|---|",
        *(f"| {step} | {steps[step]:.2f} | {n} |" for step, n in zip(STEPS, at_once, strict=True)),
        "",
        f"**Workers.** {throughput['judged']} submissions, really judged through Dask's scheduler.",
        "Workers, command and gradebook share the machine's processors:",
        "",
        "| workers of one thread | submissions a minute |",
        "|---|---|",
        *(f"| {number} | {rate:.1f} |" for number, rate in throughput["a_minute"].items()),
        "",
        f"**Class.** The real command, the real scheduler and a worker of {memory['threads']}",
        "threads; each of the three steps only waits for as long as it took above:",
        "",
        "| submissions | minutes | memory of the command, at most, MB |",
        "|---|---|---|",
        *(
            f"| {int(size):,} | {one['seconds'] / 60:.1f} | {one['pss']:,} |"
            for size, one in memory["classes"].items()
        ),
        "",
        "Memory is the command's proportional share of what is in RAM (PSS).",
        "",
        "**Gradebook.** What one writer enters of submissions that are judged already:",
        "",
        "| gradebook | submissions a second |",
        "|---|---|",
        *(f"| {place} | {rate:.1f} |" for place, rate in kept["writes"]["a_second"].items()),
        "",
        *_what_breaks_first(steps),
        "",
        "`python benchmarks/scale.py` measures all this and writes the page.",
        "",
    ]
    return "\n".join(lines)


def _what_breaks_first(steps: dict) -> list[str]:
    """Which step holds up the others, and from how many threads that judge on."""
    each = {
        "the gradebook's writer": steps["entering"],
        "feedback": steps["feedback"] / steps["feedback at once"],
    }
    name = max(each, key=each.get)
    threads = max(1, round(steps["judging"] / each[name]))
    return [
        f"**What breaks first** is {name}, on the machine of the command: it is done with a",
        f"submission every {each[name]:.2f} s, and a thread that judges every "
        f"{steps['judging']:.1f} s. So about {threads}",
        f"threads keep it busy, with {3600 / each[name]:,.0f} submissions an hour, and more bring",
        "nothing. Sections that train take longer to judge, and leave room for more threads.",
    ]


if __name__ == "__main__":
    main()
