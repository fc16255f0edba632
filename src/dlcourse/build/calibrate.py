"""How the quantities that hidden tests hold against thresholds are distributed, over many seeds.

`tests/calibration/plan.toml` says which exercises train, and which wrong answers each threshold is
there to refuse. Every answer is run with many seeds, each run in a process of its own; what it came
to is kept in `tests/calibration/measured.json` at once, so that a run that was stopped goes on.
`dlcourse.build.thresholds` makes the page of it.
"""

import json
import multiprocessing
import os
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from multiprocessing.connection import Connection, wait
from pathlib import Path

from dlcourse.build.observing import Run, Threshold, fingerprint, observe, thresholds
from dlcourse.build.sections import BuildError, Section, find_sections, grade_id, read_notebook
from dlcourse.files import write_text
from dlcourse.grade.seeds import seed_of
from dlcourse.grade.workshop import ENVIRONMENT

REFERENCE = "the reference"
# A known answer trains for seconds; what takes longer hangs.
MOST_SECONDS = 900
# As in grading: one thread gives the same bits on every machine.
_ENVIRONMENT = ENVIRONMENT | {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "NBGRADER_EXECUTION": "autograde",
}


@dataclass(frozen=True)
class Exercise:
    """An exercise that trains, and what is planned for it.

    wrong: quantity -> the wrong answers that its threshold is there to refuse.
    left: quantity -> why it is not calibrated.
    own: name -> text of the answers that the plan itself holds.
    """

    section: Section
    name: str
    wrong: dict[str, list[str]]
    left: dict[str, str]
    own: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.section.name}/{self.name}"

    @cached_property
    def _cells(self) -> dict:
        return {grade_id(cell): cell for cell in read_notebook(self.section.source).cells}

    def _cell(self, name: str):
        if name not in self._cells:
            raise BuildError(
                f"{plan_path(self.section.root).name} plans {self.key}, but the section has no "
                f"cell {name!r}. Correct the plan, or the cell's grade_id."
            )
        return self._cells[name]

    @property
    def test(self) -> str:
        """The hidden tests, as they stand in source/."""
        return self._cell(f"{self.name}-tests").source

    @property
    def seed(self) -> int:
        """The seed with which the answer is graded."""
        return seed_of(self.section.name, self._cell(f"{self.name}-tests"))

    @property
    def thresholds(self) -> list[Threshold]:
        """Those that are planned, in the test's order."""
        return [found for found in thresholds(self.test) if found.quantity in self.wrong]

    @cached_property
    def answers(self) -> dict[str, str]:
        """Name -> text: the reference, then every wrong answer that a threshold is to refuse."""
        path = self.section.root / "tests" / "sections" / f"{self.section.name}.toml"
        entries = tomllib.loads(path.read_text("utf-8"))["wrong"] if path.is_file() else []
        known = {
            entry["name"]: entry["answer"] for entry in entries if entry["exercise"] == self.name
        } | self.own
        names = dict.fromkeys(name for some in self.wrong.values() for name in some)
        if missing := [name for name in names if name not in known]:
            raise BuildError(
                f"The plan for {self.key} names {missing[0]!r}, which is no wrong answer of "
                f"{path.name} and not in the plan. Correct the name, or write the answer."
            )
        return {REFERENCE: self._cell(self.name).source} | {name: known[name] for name in names}


@dataclass(frozen=True)
class Job:
    """One run to be done: an answer to an exercise, with the seeds moved by `step`."""

    exercise: Exercise
    answer: str
    step: int


def plan_path(root: Path) -> Path:
    return root / "tests" / "calibration" / "plan.toml"


def measured_path(root: Path) -> Path:
    return root / "tests" / "calibration" / "measured.json"


def read_plan(root: Path, sections: list[str] | None = None) -> list[Exercise]:
    """The exercises that the plan names, of all sections or of those named."""
    entries = tomllib.loads(plan_path(root).read_text("utf-8"))["exercise"]
    places = {section.name: section for section in find_sections(root)}
    chosen = {section.name for section in find_sections(root, sections)}
    return [
        Exercise(
            places[entry["section"]],
            entry["name"],
            entry["wrong"],
            entry.get("left", {}),
            entry.get("answers", {}),
        )
        for entry in entries
        if entry["section"] in chosen
    ]


def read_measured(root: Path) -> dict:
    """What is kept: exercise -> answer -> its fingerprint, versions and runs by step."""
    path = measured_path(root)
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def calibrate(
    root: Path,
    sections: list[str] | None = None,
    *,
    seeds: int = 30,
    workers: int = 1,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> None:
    """Measures what is not measured yet; `progress` hears (runs done, runs in all, which).

    Raises BuildError where plan and source do not fit, or a run ends without a result.
    """
    measured = read_measured(root)
    jobs = _to_do(read_plan(root, sections), measured, seeds)
    for done, (job, run) in enumerate(_results(jobs, workers), 1):
        kept = measured[job.exercise.key][job.answer]
        kept["runs"][str(job.step)] = _record(run)
        kept["runs"] = dict(sorted(kept["runs"].items(), key=lambda item: int(item[0])))
        write_text(measured_path(root), measured_text(measured))
        progress(done, len(jobs), f"{job.exercise.key}, {job.answer}")


def measured_text(measured: dict) -> str:
    """What is kept, as JSON text with a line for each run."""
    text = json.dumps(dict(sorted(measured.items())), indent=1, ensure_ascii=False)
    return _one_line_a_run(text)


def stale(exercise: Exercise, measured: dict) -> list[str]:
    """The answers that were not measured, or whose code or test has changed since."""
    kept = measured.get(exercise.key, {})
    return [
        name
        for name, text in exercise.answers.items()
        if kept.get(name, {}).get("fingerprint") != fingerprint(exercise.test, text)
    ]


def _to_do(exercises: list[Exercise], measured: dict, seeds: int) -> list[Job]:
    """The runs that are missing; forgets what was measured of code that has changed since.

    A run that is stopped leaves something of everything: one seed of all comes before the next. The
    reference is three times ahead, since of right answers more is to be promised.
    """
    for exercise in exercises:
        kept = measured.setdefault(exercise.key, {})
        for name in [name for name in kept if name not in exercise.answers]:
            del kept[name]
        for name in stale(exercise, measured):
            code = fingerprint(exercise.test, exercise.answers[name])
            kept[name] = {"fingerprint": code, "versions": _versions(), "runs": {}}
    jobs = [
        Job(exercise, name, step)
        for step in range(seeds)
        for exercise in exercises
        for name in exercise.answers
        if str(step) not in measured[exercise.key][name]["runs"]
    ]
    return sorted(jobs, key=lambda job: job.step // 3 if job.answer == REFERENCE else job.step)


def _results(jobs: list[Job], workers: int) -> Iterator[tuple[Job, Run]]:
    """Each job with its result as it comes; every job runs in a fork of this process."""
    os.environ.update(_ENVIRONMENT)
    if jobs:
        # Once, for all forks. No tensor may be made here: a fork of a running TensorFlow hangs.
        import keras  # noqa: F401

        from dlcourse.data.digits import warm_up

        warm_up()
    waiting, running = list(reversed(jobs)), {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop()
                running.update([_started(job)])
            for end in _ready(running):
                job, process, _ = running.pop(end)
                yield job, _received(end, job, process)
    finally:
        for _, process, _ in running.values():
            process.kill()


def _started(job: Job) -> tuple[Connection, tuple]:
    forks = multiprocessing.get_context("fork")
    end, other = forks.Pipe(duplex=False)
    text = job.exercise.answers[job.answer]
    arguments = (other, job.exercise.test, text, job.exercise.seed + job.step, job.step)
    process = forks.Process(target=_child, args=arguments, daemon=True)
    process.start()
    other.close()
    return end, (job, process, time.monotonic() + MOST_SECONDS)


def _ready(running: dict) -> list[Connection]:
    """The pipes at which a result waits, or an end; a BuildError if one has hung for too long."""
    soonest = min(deadline for *_, deadline in running.values())
    ready = wait(list(running), timeout=max(0.0, soonest - time.monotonic()))
    if not ready:
        late = next(job for job, _, deadline in running.values() if deadline == soonest)
        raise BuildError(
            f"{late.exercise.key}, {late.answer}, seed {late.step}: no result after "
            f"{MOST_SECONDS} s. Does the answer come to an end?"
        )
    return ready


def _child(end: Connection, test: str, answer: str, seed: int, step: int) -> None:
    end.send(observe(test, answer, seed=seed % 2**32, step=step))


def _received(end: Connection, job: Job, process: multiprocessing.Process) -> Run:
    try:
        return end.recv()
    except EOFError:
        process.join()
        raise BuildError(
            f"{job.exercise.key}, {job.answer}, seed {job.step}: the run ended without a result "
            f"(exit code {process.exitcode}). What it said stands above."
        ) from None
    finally:
        end.close()
        process.join()


def _record(run: Run) -> dict:
    """A run as it is kept: [value, bound] by quantity, six digits of each."""
    record: dict = {
        quantity: [_short(value), _short(bound)] for quantity, (value, bound) in run.values.items()
    }
    if run.refused:
        record["refused"] = run.refused
    record["seconds"] = round(run.seconds, 1)
    return record


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def _versions() -> str:
    return ", ".join(f"{name} {version(name.lower())}" for name in ("Keras", "TensorFlow"))


def _one_line_a_run(text: str) -> str:
    """JSON text of indent 1 in which what lies deeper than a run's key stands on one line."""
    lines: list[str] = []
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        if depth > 4 or (depth == 4 and line.strip()[0] in "}]"):
            tight = lines[-1].endswith(("{", "[")) or line.strip()[0] in "}]"
            lines[-1] += ("" if tight else " ") + line.strip()
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
