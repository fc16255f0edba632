"""Runs the test cells of a section, as they stand in source/, on an answer given as text.

Live, in this process, as a notebook runs them; and carried, as grading does: the answer in a
process of its own, the test in this one, and only data between them.
"""

import json
import socket
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path

import nbformat

from dlcourse.build.sections import find_sections
from dlcourse.check import CheckFailed
from dlcourse.grade.carry.rule import free_names
from dlcourse.grade.line import Line
from dlcourse.grade.seeds import seed_everything
from dlcourse.grade.verifier import judge
from dlcourse.teach.setup import load_keras

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PARTS = ("check", "tests")
SEED = 5


class Exercises:
    """The exercises of one section: `verdict` says how an answer fares in its own test cells."""

    def __init__(self, section: str):
        load_keras()
        (found,) = find_sections(ROOT, [section])
        cells = nbformat.read(found.source, as_version=4).cells
        self.cells = {cell.id: cell.source for cell in cells}
        self.names = [name.removesuffix("-tests") for name in self.cells if name.endswith("-tests")]

    def scaffold(self, exercise: str) -> str:
        """The answer cell as students get it."""
        lines, inside = [], False
        for line in self.cells[exercise].split("\n"):
            if "### BEGIN SOLUTION" in line:
                inside = True
                lines.append(line.replace("### BEGIN SOLUTION", "raise NotImplementedError"))
            elif "### END SOLUTION" in line:
                inside = False
            elif not inside:
                lines.append(line)
        return "\n".join(lines)

    def live(self, exercise: str, answer: str) -> list[str]:
        """What each test cell says of the answer, both in this process: "right", or its message."""
        namespace: dict = {}
        exec("import keras\nimport numpy as np\nfrom keras import layers", namespace)
        # A scaffold outside a function stops its own cell; the tests run all the same.
        with suppress(NotImplementedError):
            exec(compile(answer, "<answer>", "exec"), namespace)
        return [self._live(f"{exercise}-{part}", namespace) for part in PARTS]

    def carried(self, exercise: str, answer: str, student: "Student") -> list[str]:
        """What each test cell says of the answer that `student` runs, as it does while grading."""
        sources = [self.cells[f"{exercise}-{part}"] for part in PARTS]
        return student.judged(answer, sources)

    def _live(self, name: str, namespace: dict) -> str:
        seed_everything(SEED)
        try:
            exec(compile(self.cells[name], name, "exec"), namespace)
        except CheckFailed as refusal:
            return str(refusal)
        finally:
            # As a notebook does after each cell: pyplot warns where more than twenty are open.
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")
        return "right"


class Student:
    """A process that runs answers and serves them to test cells in this one."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="dlcourse-line-")
        command = [sys.executable, str(HERE / "student.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def judged(self, answer: str, sources: list[str]) -> list[str]:
        ends = [socket.socket(socket.AF_UNIX) for _ in sources]
        for number, end in enumerate(ends):
            end.bind(f"{self._folder.name}/{number}")
            end.listen()
            end.settimeout(60)
        task = {"answer": answer, "addresses": [end.getsockname() for end in ends], "seed": SEED}
        print(json.dumps(task), file=self._process.stdin, flush=True)
        try:
            return [self._judged(end, source) for end, source in zip(ends, sources, strict=True)]
        finally:
            for end in ends:
                Path(end.getsockname()).unlink()
                end.close()

    def _judged(self, end: socket.socket, source: str) -> str:
        accepted, _ = end.accept()
        with accepted:
            verdict = judge(source, sorted(free_names(source)), Line(accepted), seed=SEED)
        return "right" if verdict.passed else verdict.message

    def close(self) -> None:
        # Processes that were forked since hold its standard input open, so closing it ends nothing.
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def sections() -> list[str]:
    """The sections whose answers are known: those with a TOML file here."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


@cache
def known(section: str) -> dict:
    """What the section's TOML file here says."""
    return tomllib.loads((HERE / f"{section}.toml").read_text("utf-8"))


def known_answers(kind: str) -> list[tuple[str, dict]]:
    """(section, entry) for each answer of a kind, "right" or "wrong", in the TOML files here."""
    return [(name, entry) for name in sections() for entry in known(name)[kind]]


def takes_long(section: str, entry: dict) -> bool:
    """Whether the known answer's exercise is one of those that train for long."""
    return entry["exercise"] in known(section).get("long", [])
