"""What a fork of a warm parent does: keep a child, deliver its signals, tell how it ended."""

import atexit
import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NoReturn

from dlcourse.run import system, wire
from dlcourse.run.isolation import (
    WORK,
    Isolation,
    Watch,
    build_view,
    confine,
    environment,
    leave,
    seal_shared,
    why_not,
)

POLL_SECONDS = 0.05


def keep(connection: socket.socket, parent: int) -> NoReturn:
    """Run one child for whoever is at the other end of `connection`, and never return.

    The order comes first (see `warm.fork_at`). After that, each byte that comes is SEAL or the
    number of a signal for the child, and the end of the stream ends it.
    """
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        system.die_with_parent(parent, signal.SIGTERM)
        order, fds = wire.receive(connection)
        if order is None:
            os._exit(0)
        if order["isolation"]:
            _keep_isolated(connection, order, fds)
        else:
            _keep_plain(connection, order, fds)
    except Exception as error:
        _tell(connection, {"failed": f"The child could not be started: {error!r}."})
    finally:
        os._exit(1)


def _keep_plain(connection: socket.socket, order: dict[str, Any], fds: list[int]) -> NoReturn:
    """Keep a child that sees what this process sees."""
    # What the child leaves behind becomes a child of this process, and can be found and ended.
    system.adopt_orphans()
    closing = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: closing.set())
    me = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        system.die_with_parent(me, signal.SIGKILL)
        _begin(connection, order, fds)
    _close_all(fds)
    outcome = _attend(connection, child, gone=closing.is_set)
    _end_descendants()
    _tell(connection, outcome)
    os._exit(0)


def _keep_isolated(connection: socket.socket, order: dict[str, Any], fds: list[int]) -> NoReturn:
    """Keep a child in namespaces of its own, from their first process, which takes all with it.

    This process holds the connection until the system has buried the whole namespace: its end is
    what tells the owner that nothing is left.
    """
    isolation = Isolation(**order["isolation"])
    try:
        user = leave()
        first = os.fork()
        if first == 0:
            _be_first(connection, order, fds, isolation, user)
    except OSError as error:
        _tell(connection, {"failed": why_not(error)})
        os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    _close_all(fds)
    os.waitpid(first, 0)
    os._exit(0)


def _be_first(
    connection: socket.socket,
    order: dict[str, Any],
    fds: list[int],
    isolation: Isolation,
    user: int,
) -> NoReturn:
    """Be the first process of the namespace, out of the child's reach."""
    # Its parent, being outside, has no number here.
    system.die_with_parent(0, signal.SIGKILL)
    # From inside, only signals with a handler reach the first process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    build_view(isolation, user, order["cwd"])
    order["cwd"] = WORK
    order["env"] = environment(dict(os.environ) if order["env"] is None else order["env"])
    child = os.fork()
    if child == 0:
        confine(isolation, user)
        _begin(connection, order, fds)
    _close_all(fds)
    seal = partial(seal_shared, isolation)
    _tell(connection, _attend(connection, child, excess=Watch(isolation).excess, seal=seal))
    os._exit(0)


def _begin(connection: socket.socket, order: dict[str, Any], fds: list[int]) -> NoReturn:
    wire.send(connection, {"started": os.getpid()})
    connection.detach()
    become(order, fds)


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    # The owner may be gone.
    with contextlib.suppress(OSError):
        wire.send(connection, message)


def _attend(
    connection: socket.socket,
    child: int,
    *,
    excess: Callable[[], str | None] = lambda: None,
    seal: Callable[[], None] = lambda: None,
    gone: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Do as the owner says until the child has ended or must: what to tell of its end.

    excess: names the limit that the child has passed, or None. seal: what SEAL asks for.
    gone: whether the owner is.
    """
    by = None
    while not by and not gone():
        if select.select([connection], [], [], POLL_SECONDS)[0]:
            try:
                numbers = connection.recv(64)
            except OSError:
                break
            if not numbers:
                break
            for number in numbers:
                if number == wire.SEAL:
                    seal()
                    _tell(connection, {"sealed": True})
                else:
                    _deliver(child, number)
        code = _reap(child)
        if code is not None:
            return {"ended": code, "by": None}
        by = excess()
    _deliver(child, signal.SIGKILL)
    return {"ended": -signal.SIGKILL, "by": by}


def _deliver(child: int, signum: int) -> None:
    try:
        os.killpg(child, signum)
    except ProcessLookupError:
        # The child has not made its group yet.
        os.kill(child, signum)


def _reap(child: int) -> int | None:
    """Bury what has died; the child's exit status if it is among the dead."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while (dead := os.waitpid(-1, os.WNOHANG))[0]:
            if dead[0] == child:
                code = os.waitstatus_to_exitcode(dead[1])
    return code


def _end_descendants() -> None:
    """Kill everything below this process, generation by generation."""
    while True:
        for pid in system.children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def become(order: dict[str, Any], fds: list[int]) -> NoReturn:
    """Be the child: call the target in this process, which has nothing of the keeper's."""
    code = 1
    try:
        os.setsid()
        # A grader that runs in the background has been told to ignore interrupts; a child has not.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        fds = _streams(order["streams"], fds)
        _close_others(fds)
        if order["env"] is not None:
            os.environ.clear()
            os.environ.update(order["env"])
        if order["cwd"] is not None:
            os.chdir(order["cwd"])
        _fresh_randomness()
        module, _, name = order["target"].partition(":")
        getattr(importlib.import_module(module), name)(order["payload"], fds)
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:
        traceback.print_exc()
    finally:
        # As Python itself would, short of tearing down libraries that the parent imported.
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _streams(given: list[bool], fds: list[int]) -> list[int]:
    """Put the standard streams in place; the descriptors that are left for the target."""
    rest = list(fds)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for number, is_given in zip((1, 2), given, strict=True):
        os.dup2(rest.pop(0) if is_given else null, number)
    return rest


def _close_others(fds: list[int]) -> None:
    """Close every descriptor but the standard streams and `fds`."""
    open_fds = [int(name) for name in os.listdir("/dev/fd")]
    _close_all(fd for fd in open_fds if fd > 2 and fd not in fds)


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)


def _fresh_randomness() -> None:
    """Give this fork random numbers of its own, as a process started cold has."""
    # Python's own generator sees to itself.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _exit_code(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1
