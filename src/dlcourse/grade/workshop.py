"""The warm processes that grading needs: one forks the students' kernels, another the verifiers.

They never meet: what a child inherits from the one, memory, sockets and environment, no child of
the other has ever seen.
"""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from dlcourse.run import wire
from dlcourse.run.isolation import Isolation
from dlcourse.run.provisioner import WarmKernelManager
from dlcourse.run.warm import Child, WarmParent, WarmParentElsewhere
from dlcourse.settings import SettingsError, gpu_visible, read_settings, settings

KERNEL_LIBRARIES = (
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "PIL.Image",
    "ipywidgets",
    "ipykernel.kernelapp",
    "dlcourse.data",
    "dlcourse.teach",
    "dlcourse.grade.agent",
    "dlcourse.grade.carry.models",
    "dlcourse.grade.carry.tensors",
)
VERIFIER_LIBRARIES = (
    "tensorflow",
    "keras",
    "dlcourse.data",
    # Hidden tests draw their own digits.
    "dlcourse.data.digits:warm_up",
    "dlcourse.grade.verifier",
    "dlcourse.grade.carry.models",
    "dlcourse.grade.carry.tensors",
)
# What code of another's making may know of the environment in which it is graded.
PASSED_ON = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "NBGRADER_EXECUTION")
PREFIXES = ("KERAS_", "TF_", "OMP_", "OPENBLAS_")
# One thread gives the same bits on every machine, and several submissions share this one.
ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}
# `dlcourse grade` tells the processes that it starts where its warm ones are.
ADDRESSES = "DLCOURSE_WARM_PROCESSES"
MB = 2**20
NAMESPACES, NONE = "namespaces", "none"
Pair = tuple[WarmParent | WarmParentElsewhere, WarmParent | WarmParentElsewhere]


def default_isolation() -> str:
    """What DLCOURSE_ISOLATION says, "namespaces" or "none"; "namespaces" where it says nothing.

    Raises SettingsError if it says something else: a slip must not open the door.
    """
    said = os.environ.get("DLCOURSE_ISOLATION") or NAMESPACES
    if said not in (NAMESPACES, NONE):
        raise SettingsError(f"DLCOURSE_ISOLATION is {said!r}. Set it to {NAMESPACES} or {NONE}.")
    return said


class Verifiers:
    """The verifiers of one submission: forks of one process, which starts with the first of them.

    isolation: of that process and so of theirs, if any.
    """

    def __init__(self, isolation: Isolation | None) -> None:
        self._isolation = isolation
        self._process: Child | None = None
        self._orders: socket.socket | None = None

    def begin(self, payload: dict, fds: list[int]) -> None:
        """Starts a verifier, which judges by `payload` (see verifier.run); one at a time."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        wire.send(self._orders, payload, fds)

    def end(self) -> None:
        """Ends the verifier, whatever it does; on return nothing is left of it."""
        # If it took the process with it, by the memory that it wanted, the next one gets another.
        with suppress(OSError):
            self._orders.sendall(b"!")
            if wire.receive(self._orders)[0]:
                return
        self.close()

    def close(self) -> None:
        if self._process:
            self._process.close()
            self._orders.close()
        self._process = None

    def _start(self) -> None:
        self.close()
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = verifiers().fork(
                "dlcourse.grade.verifier:serve",
                {},
                fds=[theirs.fileno()],
                isolation=self._isolation,
                env=environment(),
                stderr=2,
            )


@dataclass(frozen=True)
class Workshop:
    """Where a submission is graded: a folder for sockets, isolation if any, its verifiers."""

    folder: str
    isolation: Isolation | None
    verifiers: Verifiers

    @classmethod
    @contextmanager
    def open(cls, isolation: str, memory: int) -> Iterator["Workshop"]:
        """A workshop for one submission.

        isolation: "namespaces" or "none". memory: MB for all its processes.
        """
        # Paths of sockets may be about 100 characters long.
        with tempfile.TemporaryDirectory(prefix="dlc-", dir=_short_folder()) as folder:
            readable = tuple(str(path) for path in (settings().cache, settings().mirror) if path)
            if isolation != NAMESPACES:
                own = theirs = None
            else:
                own = Isolation(memory=memory * MB, readable=readable, shared=(folder,))
                theirs = Isolation(readable=readable)
            verifiers = Verifiers(theirs)
            try:
                yield cls(folder, own, verifiers)
            finally:
                verifiers.close()

    def kernel_manager(self, cwd: str | None) -> WarmKernelManager:
        """The manager of a new kernel, which works on a copy of the folder `cwd`."""
        return WarmKernelManager(partial(self._start_kernel, cwd), self.folder)

    def _start_kernel(self, cwd: str | None, connection: dict, _: str | None) -> Child:
        payload = {"connection": connection, "kernel_class": "dlcourse.grade.agent.Kernel"}
        target = "dlcourse.run.kernel:run"
        return kernels().fork(target, payload, isolation=self.isolation, cwd=cwd, env=environment())


def addresses(pair: Pair | None = None) -> dict[str, str]:
    """What to add to the environment of other processes that grade, for them to share these.

    pair: where the kernels and the verifiers of those are to come from; by default, of this one.
    """
    pair = pair or (kernels(), verifiers())
    return {ADDRESSES: os.pathsep.join(parent.address for parent in pair)}


def kernels() -> WarmParent | WarmParentElsewhere:
    """The warm process of which students' kernels are forks."""
    return _pair()[0]


def verifiers() -> WarmParent | WarmParentElsewhere:
    """The warm process of which verifiers are forks."""
    return _pair()[1]


@cache
def _pair() -> Pair:
    if shared := os.environ.get(ADDRESSES):
        return tuple(WarmParent.at(address) for address in shared.split(os.pathsep))
    return new_pair(environment())


def new_pair(env: dict[str, str]) -> tuple[WarmParent, WarmParent]:
    """Warm processes of kernels and of verifiers, in this environment; neither is started yet.

    That of verifiers allocates by the C library, in one piece, which huge pages cover: a fork of it
    takes two thirds of the time. Kernels do not, since Python itself is faster with an allocator of
    its own.
    """
    return (
        WarmParent(KERNEL_LIBRARIES, env),
        WarmParent(VERIFIER_LIBRARIES, env | {"PYTHONMALLOC": "malloc"}),
    )


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of kernels and verifiers: a harmless part of this one, and the settings.

    given: another environment than this one.
    """
    known = {
        key: value
        for key, value in (os.environ if given is None else given).items()
        if key in PASSED_ON or key.startswith(PREFIXES)
    }
    chosen = settings() if given is None else read_settings(given, gpu_visible())
    data = {
        "DLCOURSE_PROFILE": chosen.profile,
        "DLCOURSE_SOURCE": chosen.source,
        "DLCOURSE_CACHE": str(chosen.cache),
        **({"DLCOURSE_DATA": str(chosen.mirror)} if chosen.mirror else {}),
    }
    return {**known, **ENVIRONMENT, **data}


def _short_folder() -> str | None:
    return "/tmp" if len(tempfile.gettempdir()) > 60 and Path("/tmp").is_dir() else None
