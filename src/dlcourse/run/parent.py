"""The warm parent's own process: import once, then fork a keeper for whoever connects.

Started by `WarmParent` as `python -m dlcourse.run.parent LIFELINE LISTENER`, two descriptors.
"""

import contextlib
import fcntl
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dlcourse.run import wire
from dlcourse.run.keeper import keep
from dlcourse.run.system import use_huge_pages

INLINE = "module://matplotlib_inline.backend_inline"


def main() -> None:
    """Serve until the owner closes its end of the lifeline, by will or by death."""
    lifeline, listener = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    order, _ = wire.receive(lifeline)
    if order is None:
        return
    try:
        with ended_with_its_owner(lifeline):
            warm_up(order["preload"])
        wire.send(lifeline, "warm")
        serve(lifeline, listener)
    finally:
        shutil.rmtree(order["folder"], ignore_errors=True)
        end_keepers()


@contextlib.contextmanager
def ended_with_its_owner(lifeline: socket.socket) -> Iterator[None]:
    """Ends this process if the lifeline is closed meanwhile, where nobody looks at it."""

    def leave(*_: object) -> None:
        if select.select([lifeline], [], [], 0)[0]:
            sys.exit()

    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    signal.signal(signal.SIGIO, leave)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        # It may have been closed before anybody listened.
        leave()
        yield
    finally:
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags)
        signal.signal(signal.SIGIO, signal.SIG_DFL)


def warm_up(preload: Sequence[str]) -> None:
    """Import the modules, and call what is named as "module:function", for forks to find done."""
    if "matplotlib.pyplot" in preload:
        # Pyplot settles on a backend when it is imported, and a kernel's children need this one.
        os.environ.setdefault("MPLBACKEND", INLINE)
    # On other systems a fork of a process with TensorFlow in it is not safe: children import it.
    if sys.platform == "linux":
        for name in preload:
            module, _, function = name.partition(":")
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
    # What is here now is never collected, so that children do not touch, and copy, its pages.
    gc.collect()
    gc.freeze()
    use_huge_pages()


def serve(lifeline: socket.socket, listener: socket.socket) -> None:
    """Fork a keeper for each connection. In a child this never returns."""
    # The system reaps the keepers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    me = os.getpid()
    while True:
        readable, _, _ = select.select([lifeline, listener], [], [])
        if lifeline in readable:
            return
        connection, _ = listener.accept()
        with connection:
            try:
                refusal = unfit()
                child = None if refusal else os.fork()
            except OSError as error:
                refusal, child = f"The machine has no room for another process ({error}).", None
            if child == 0:
                lifeline.close()
                listener.close()
                keep(connection, parent=me)
            if refusal:
                # Who asked may be gone.
                with contextlib.suppress(OSError):
                    wire.send(connection, {"failed": refusal})


def end_keepers() -> None:
    """End the keepers, which are this process's group, and wait until they have ended theirs."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    # As their signals are ignored, this returns, with an error, when the last one has gone.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, 0)


def unfit() -> str | None:
    """Why this process must not fork, or None."""
    context = sys.modules.get("tensorflow.python.eager.context")
    if context is not None and context.context()._initialized:
        return (
            "A preloaded module has made a tensor, and every child would hang: "
            "find it and make it do so when it is used, not when it is imported."
        )
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.is_dir() else 1
    # Importing TensorFlow leaves one thread beside the main one, which children do not need.
    if threads > 2:
        return (
            f"The warm parent has {threads} threads, which its children would lack. Set "
            "OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1 in its environment."
        )
    return None


if __name__ == "__main__":
    main()
