"""Warm parents and their children as the tests watch them: how they end, and what is left."""

import os
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from dlcourse.run import system
from dlcourse.run.isolation import Isolation
from dlcourse.run.warm import WarmParent

HERE = Path(__file__).parent
NOBODY = 65534
MB = 2**20
SMALL = Isolation(memory=400 * MB, processes=8, threads=32, files=64, disk=16 * MB)


@dataclass(frozen=True)
class Ended:
    """How an errand ended, and what it wrote."""

    code: int
    by: str | None
    out: str
    err: str


class Parent:
    """A warm parent whose processes can be told from all others on the machine."""

    def __init__(self, preload, **env):
        self.mark = uuid.uuid4().hex
        always = {"PYTHONPATH": str(HERE), "OPENBLAS_NUM_THREADS": "1", "MARK": self.mark}
        self.warm = WarmParent(preload, always | {"TMPDIR": tempfile.gettempdir()} | env)

    def run(self, code, isolation=None, timeout=60, **options) -> Ended:
        """Have a child run `code`, and wait until nothing of it is left."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            streams = {"stdout": out.fileno(), "stderr": err.fileno()}
            child = self.fork(code, isolation, **streams, **options)
            try:
                ended = child.wait(timeout)
                assert ended is not None, f"The child has not ended after {timeout} s."
            finally:
                child.close()
            texts = [os.pread(file.fileno(), MB, 0).decode() for file in (out, err)]
        return Ended(ended, child.ended_by, *texts)

    def fork(self, code, isolation=None, **options):
        return self.warm.fork("errand:run", {"code": code}, isolation=isolation, **options)

    def processes(self) -> set[int]:
        """The parent, and all that came of it: by descent or by its environment."""
        pid = self.warm.pid
        return ({pid} | descendants(pid) if pid else set()) | marked(self.mark)


def descendants(pid: int) -> set[int]:
    below = set(system.children(pid))
    return below.union(*map(descendants, below))


def marked(mark: str) -> set[int]:
    """Processes that have `mark` in the environment that they were started with."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            pass
    return found


def eventually(holds, seconds: float = 10) -> bool:
    """Whether `holds` comes true: for what the system does in its own time."""
    until = time.monotonic() + seconds
    while not (true := holds()) and time.monotonic() < until:
        time.sleep(0.02)
    return true
