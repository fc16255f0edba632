"""The processes that judge submissions; one that a submission brings down is replaced."""

import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from dlcourse.grade.backend import LOG
from dlcourse.grade.troubles import GradeError
from dlcourse.grade.work import MOST_SECONDS
from dlcourse.grade.workshop import addresses
from dlcourse.run import wire
from dlcourse.run.warm import Child, WarmParent

# As nbgrader has it while it autogrades.
ENVIRONMENT = {"NBGRADER_EXECUTION": "autograde"}


class WorkFailed(Exception):  # noqa: N818 - an event
    """A worker could not do something, or ended over it; the message says why.

    by_machine: whether another machine might be able to.
    """

    def __init__(self, why: str, by_machine: bool = False) -> None:
        super().__init__(why)
        self.by_machine = by_machine


class Workers:
    """`number` workers on the course in `root`; each starts when it is first asked.

    parent: the warm process to fork them from. material: what each needs to know of the course, as
    JSON can carry it. env: their environment, asked for when one starts; by default this process's,
    with the warm processes that it shares with them.
    """

    def __init__(
        self,
        parent: WarmParent,
        number: int,
        root: Path,
        material: dict,
        env: Callable[[], Mapping[str, str]] = lambda: os.environ | addresses(),
    ) -> None:
        # None wakes those who wait when nobody is to come any more.
        self._free: SimpleQueue[_Worker | None] = SimpleQueue()
        self._closed = False
        for _ in range(number):
            self._free.put(_Worker(parent, root, material, env))

    def ask(self, do: str, **order: object) -> Any:
        """What a free worker says when it has done something (see `work`); blocks until then.

        Raises WorkFailed if it could not, or ended over it, GradeError if the workers are closed.
        """
        worker = self._free.get()
        if worker is None:
            self._free.put(None)
            raise GradeError("Grading was stopped.")
        try:
            return worker.ask({"do": do, **order})
        finally:
            if self._closed:
                worker.close()
            else:
                self._free.put(worker)

    def close(self) -> None:
        """Ends the workers, those that are busy when they are done; who waits gets GradeError."""
        self._closed = True
        while not self._free.empty():
            if worker := self._free.get():
                worker.close()
        self._free.put(None)


class _Worker:
    def __init__(
        self, parent: WarmParent, root: Path, material: dict, env: Callable[[], Mapping[str, str]]
    ) -> None:
        self._parent, self._root, self._material, self._env = parent, root, material, env
        self._child: Child | None = None
        self._orders: socket.socket | None = None

    def ask(self, order: dict[str, object]) -> Any:
        if self._child is None or self._child.poll() is not None:
            self._start()
        try:
            wire.send(self._orders, order)
            answer, _ = wire.receive(self._orders)
        except OSError:
            answer = None
        if answer is None:
            self._child.wait(timeout=5)
            code = self._child.poll()
            self.close()
            if code == -signal.SIGPROF:
                raise WorkFailed(f"reading it takes more than {MOST_SECONDS} s: look at it by hand")
            raise WorkFailed(f"the process ended with code {code}; see {LOG}")
        if "failed" in answer:
            raise WorkFailed(answer["failed"], answer["by_machine"])
        return answer["said"]

    def close(self) -> None:
        if self._child:
            self._orders.close()
            self._child.close()
        self._child = None

    def _start(self) -> None:
        self.close()
        self._orders, theirs = socket.socketpair()
        with theirs, (self._root / LOG).open("a") as log:
            self._child = self._parent.fork(
                "dlcourse.grade.work:serve",
                {"root": str(self._root), **self._material},
                fds=[theirs.fileno()],
                cwd=self._root,
                env={**self._env(), **ENVIRONMENT},
                stderr=log.fileno(),
            )
