"""What a worker does: judge submissions and write feedback, as it is told, until let go."""

import glob
import logging
import resource
import signal
import socket
from pathlib import Path

from dlcourse.files import is_full
from dlcourse.grade.backend import last_error, logged, nbgrader_api, one_engine
from dlcourse.grade.judge import Judge
from dlcourse.run import wire
from dlcourse.run.warm import RunError

# Bytes that a worker may take for itself. Reading what was handed in is the one thing that could
# make it want more, and then says so.
MOST_MEMORY = 6 * 2**30
# Seconds of a processor that it may spend on one order. Students' code runs elsewhere; what takes
# long here is a text that was written to take for ever to be read, or to be made a page.
MOST_SECONDS = 60


def serve(payload: dict, fds: list[int]) -> None:
    """Answers orders that come over the socket `fds[0]`, by {"said": ...} or {"failed": ...}."""
    orders = socket.socket(fileno=fds[0])
    root = Path(payload["root"])
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, resource.RLIM_INFINITY))
    with logged(root), one_engine():
        _serve(orders, _Work(root, payload["masters"]))


def _serve(orders: socket.socket, work: "_Work") -> None:
    while (order := wire.receive(orders)[0]) is not None:
        do = getattr(work, order.pop("do"))
        # What is written in C hears no exception, so that the signal is left to end the process.
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        try:
            answer = {"said": do(**order)}
        except Exception as error:
            logging.exception("%s: %s", do.__name__, order)
            answer = {"failed": _in_a_line(error), "by_machine": _is_the_machines(error)}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        wire.send(orders, answer)


class _Work:
    def __init__(self, root: Path, masters: dict) -> None:
        self._judge, self._api = Judge(root, masters), nbgrader_api(root)

    def judge(self, section: str, student: str, into: str) -> str | None:
        """Judges into the new folder `into`; the reason why there is nothing to judge, if so."""
        return self._judge.judge(section, student, Path(into))

    def take_in(self, section: str, student: str, into: str) -> list:
        """See `Judge.take_in`."""
        return list(self._judge.take_in(section, student, Path(into)))

    def run(self, section: str, student: str, folder: str, repairs: list[str]) -> None:
        """See `Judge.run`."""
        self._judge.run(section, student, Path(folder), repairs)

    def feedback(self, section: str, student: str) -> str | None:
        """Writes the feedback page; the reason why not, if so."""
        # nbgrader takes the student for a pattern of file names.
        outcome = self._api.generate_feedback(section, glob.escape(student))
        return None if outcome["success"] else last_error(outcome)


def _is_the_machines(error: Exception) -> bool:
    """Whether another machine might do what this one could not."""
    return isinstance(error, RunError) or is_full(error)


def _in_a_line(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"reading it takes more than {MOST_MEMORY // 2**30} GB of memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return " ".join(f"{type(error).__name__}: {error}".split())
