"""Grading the attacked class: by the course's harness, and by stock nbgrader in a container.

`grade_here` makes a class of all attackers in one folder and grades it. `grade_with_stock` makes a
course for each attack, and runs stock nbgrader where what it allows can do no harm: it has
process ids and a home of its own, limits, and little time. Attacks leave marks rather than damage,
all the same: a canary file, a bounded number of processes.
"""

import ast
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import catalogue
import outcome
from attacked_course import (
    ANSWERS,
    BLANK,
    HONEST,
    KERAS,
    PLAIN,
    TOKEN,
    VARIABLE,
    Place,
    answered,
    full_marks,
    hand_in,
    make_course,
)
from catalogue import Attack
from container import running
from nbformat import NotebookNode
from outcome import Outcome
from tiny_course import ROOT as REPOSITORY
from tqdm import tqdm

HERE = Path(__file__).parent
# This module as a program of its own, whatever folder it is started in.
_START = f"import sys; sys.path[:0] = {[str(HERE), str(HERE.parent / 'grade')]}; import harness"
PROGRAM = (sys.executable, "-P", "-c", f"{_START}; harness.here(*sys.argv[1:])")
# Seconds that stock nbgrader has for one submission.
STOCK_SECONDS = {PLAIN: 240, KERAS: 600}
# Bytes of memory that each of its processes may have, and that a file may have.
STOCK_MEMORY, STOCK_FILE = 16 * 2**30, 2 * 2**30
# Submissions that this course judges at once: some do nothing but wait to be stopped.
WORKERS = 4
# Seconds for what was left running to end by itself.
GRACE = 5


def grade_here(
    root: Path, section: str, attacks: Iterable[Attack], seconds: float | None = None
) -> dict[str, Outcome]:
    """Name -> outcome of each attack, of the honest students and of the blank notebook.

    All are one class of the course's harness, in the new folder `root`. seconds: how long grading
    may take, in a process of its own; None for any time, in this one.
    """
    nb = make_course(root, section)
    attacks = list(attacks)
    with listening() as line, _secret_in_environment():
        places = _hand_in_all(root, section, nb, attacks, line.port)
        said = _graded(root, section) if seconds is None else _in_time(root, section, seconds)
        left = {name: running(place.token, GRACE) for name, place in places.items()}
        points = outcome.points(root, section)
        harmed = _harmed(points, section)
        return {
            name: outcome.look(
                place,
                section,
                points.get(name),
                **(said or {}).get(name, {}),
                sent=line.heard(name),
                finished=said is not None,
                left=left[name],
                harmed=harmed if name not in HONEST else (),
            )
            for name, place in places.items()
        }


def grade_with_stock(
    folder: Path, section: str, attacks: Iterable[Attack], at_once: int = 2
) -> dict[str, Outcome]:
    """Name -> outcome of each attack and of the blank notebook under stock nbgrader."""
    template = folder / "template"
    nb = make_course(template, section, stock_config(), patience=4)
    for name in HONEST:
        _hand_in(template, section, nb, name)
    # One honest student has a grade already when the attacker comes, the other is yet to get one.
    _contained(template, section, HONEST[0], "none")
    known = outcome.points(template, section)
    assert known == {HONEST[0]: full_marks(section)}, known
    blank = replace(catalogue.attacks()["hands-in-nothing"], name=BLANK, section=section)
    chosen = [blank, *attacks]
    with listening() as line, ThreadPoolExecutor(at_once) as pool:
        done = pool.map(lambda one: _stock_outcome(template, nb, one, line), chosen)
        outcomes = list(tqdm(done, f"Stock nbgrader, {section}", len(chosen), unit="attack"))
    return {attack.name: each for attack, each in zip(chosen, outcomes, strict=True)}


def _harmed(points: dict[str, dict[str, float]], section: str) -> tuple[str, ...]:
    """The honest students whose marks are not full."""
    return tuple(name for name in HONEST if points.get(name) != full_marks(section))


def stock_config() -> str:
    """The course's configuration without the lines that put its own steps in nbgrader's place."""
    tree = ast.parse((REPOSITORY / "nbgrader_config.py").read_text("utf-8"))
    tree.body = [node for node in tree.body if "dlcourse.grade" not in ast.unparse(node)]
    return ast.unparse(tree)


class Line:
    """Someone who listens on this machine, and keeps what comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._heard: list[str] = []

    def listen(self) -> None:
        with suppress(OSError):
            while True:
                call, _ = self._socket.accept()
                call.settimeout(GRACE)
                with call, suppress(OSError):
                    parts = iter(lambda: call.recv(2**16), b"")  # noqa: B023 - read at once
                    self._heard.append(b"".join(parts).decode("utf-8", "replace"))

    def heard(self, name: str) -> str:
        """What someone who calls itself `name` has sent."""
        return "\n".join(text for text in self._heard if text.startswith(f"{name} "))

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def listening() -> Iterator[Line]:
    line = Line()
    thread = threading.Thread(target=line.listen, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.close()
        thread.join(GRACE)


def _hand_in_all(
    root: Path, section: str, nb: NotebookNode, attacks: list[Attack], port: int
) -> dict[str, Place]:
    for name in (*HONEST, BLANK):
        _hand_in(root, section, nb, name)
    places = {name: Place(root, name, port, "none") for name in (*HONEST, BLANK)}
    for number, attack in enumerate(attacks):
        place = Place(root, attack.name, port, token(number))
        hand_in(place, section, attack.make(nb, place))
        places[attack.name] = place
    return places


def token(number: int) -> str:
    """What the processes of an attack are called: the seconds that `sleep` has to sleep."""
    return f"{97_000 + number}.{os.getpid()}"


def _hand_in(root: Path, section: str, nb: NotebookNode, name: str) -> None:
    answers = ANSWERS[section] if name in HONEST else {}
    hand_in(Place(root, name, 0, "none"), section, answered(nb, **answers))


@contextmanager
def _secret_in_environment() -> Iterator[None]:
    os.environ[VARIABLE] = TOKEN
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def _graded(root: Path, section: str) -> dict[str, dict]:
    """Grades the class; student -> the notes ("told") and the instructor's report on them alone."""
    from dlcourse.grade.course import grade
    from dlcourse.grade.report import class_report

    return {
        result.student: {"told": list(result.notes), "report": class_report([result], root)}
        for result in grade(root, section, workers=WORKERS)
    }


def _in_time(root: Path, section: str, seconds: float) -> dict[str, dict] | None:
    """The same in a process of its own; None if it has not come to its end after `seconds`."""
    command = [*PROGRAM, str(root), section]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    assert process.returncode == 0, f"grade ended with {process.returncode}"
    return json.loads(said.splitlines()[-1])


def _stock_outcome(template: Path, nb: NotebookNode, attack: Attack, line: Line) -> Outcome:
    root = template.parent / attack.name
    shutil.copytree(template, root)
    place = Place(root, attack.name, line.port, token(0))
    hand_in(place, attack.section, attack.make(nb, place))
    said = _contained(root, attack.section, attack.name, place.token)
    points = outcome.points(root, attack.section)
    seen = outcome.look(
        place,
        attack.section,
        points.get(attack.name),
        [said["reason"]] if said["reason"] else (),
        report=said["reason"],
        sent=line.heard(attack.name),
        finished=said["finished"],
        left=said["left"],
        harmed=() if attack.name == BLANK else _harmed(points, attack.section),
    )
    shutil.rmtree(root)
    return seen


def _contained(root: Path, section: str, student: str, token: str) -> dict:
    """Has stock nbgrader grade one submission, then the last honest one, in a container."""
    home = root / "home"
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    known = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")
    env = {key: value for key, value in os.environ.items() if key in known}
    env |= {"HOME": str(home), "TMPDIR": str(home / "tmp"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    env |= {VARIABLE: TOKEN, "DLCOURSE_SOURCE": "synthetic", "DLCOURSE_PROFILE": "fast"}
    whose = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    container = ["unshare", *whose, "--pid", "--fork", "--mount-proc", "--kill-child", "--ipc"]
    program = [sys.executable, "-P", str(HERE / "container.py"), "supervise"]
    following = HONEST[1] if student != HONEST[0] else ""
    seconds = STOCK_SECONDS[section]
    with (root / "stock.log").open("w") as log:
        done = subprocess.run(
            [*container, *program, str(root), section, student, following, str(seconds)],
            env=env,
            cwd=root,
            input=token,
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=_limit,
            timeout=seconds + 60,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (STOCK_MEMORY, STOCK_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (STOCK_FILE, STOCK_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def here(root: str, section: str) -> None:
    """Grades the class and prints what is said of each student."""
    print(json.dumps(_graded(Path(root), section)))
