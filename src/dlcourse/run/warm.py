"""A process that has imported heavy libraries, and forks children on demand."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

from dlcourse.run import wire
from dlcourse.run.isolation import Isolation

SOCKET = "fork"
# TensorFlow's import takes up to 30 s from a cold disk.
START_SECONDS = 120.0


class RunError(Exception):
    """A process could not be started; the message says why and what to do."""


class Child:
    """A fork of a warm parent, as its owner sees it: much like a `subprocess.Popen` without pipes.

    It ends when its owner closes it or dies. `fileno()` becomes readable when it has ended, and
    ended means that nothing of it is left: no process, no mount.

    pid: the child's process id as its keeper sees it (in the child's own namespace if isolated).
    ended_by: why the watchdog ended it: "memory", "processes", "threads" or "time"; None if it
        did not.
    """

    stdin = stdout = stderr = None

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unread = b""
        self._code: int | None = None
        self.ended_by: str | None = None
        started = self._next_message()
        if started is None:
            sock.close()
            raise RunError("The warm parent ended before the child had started.")
        if "failed" in started:
            sock.close()
            raise RunError(started["failed"])
        self.pid: int = started["started"]

    def fileno(self) -> int:
        return self._sock.fileno()

    def poll(self) -> int | None:
        """The exit status (-N if signal N ended it), or None while it lives."""
        return self.wait(timeout=0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Like `poll`, but waits for the end, at most `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while self._sock.fileno() >= 0:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self._sock], [], [], left)[0]:
                return None
            message = self._next_message()
            if message is None:
                self.close()
            else:
                self._note(message)
        return self._code

    def send_signal(self, signum: int) -> None:
        """Send a signal to the child and what shares its process group."""
        # A child that has ended needs no signal.
        with contextlib.suppress(OSError):
            self._sock.send(bytes([signum]))

    def seal(self) -> None:
        """Make what an isolated child shares with the machine outside read-only for it.

        It is done on return, or the child has ended. Sockets that are there go on to work. Raises
        RunError, and the child is ended, if it has files there open for writing.
        """
        self.send_signal(wire.SEAL)
        answer = self._next_message() or {}
        if "failed" in answer:
            raise RunError(answer["failed"])
        self._note(answer)

    def terminate(self) -> None:
        """Ask the child to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the child and everything that it started."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the child: whatever of it still runs is killed."""
        self._sock.close()
        if self._code is None:
            self._code = -signal.SIGKILL

    def _note(self, message: dict[str, Any]) -> None:
        if "ended" in message:
            self._code, self.ended_by = message["ended"], message["by"]

    def _next_message(self) -> dict[str, Any] | None:
        """The next message, None at the end; blocks."""
        while b"\n" not in self._unread:
            try:
                part = self._sock.recv(1 << 16)
            except OSError:
                part = b""
            if not part:
                return None
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)


class WarmParent:
    """A process of its own that has imported `preload` and forks a child for each call of `fork`.

    It starts with the first fork (or `start`), in an environment of exactly `env`, and ends when it
    is closed or its owner dies, and its children with it. Other processes of the same user may fork
    from it through its `address`. It serves any number of forks, at once too.

    preload: modules to import, and functions to call ("package.module:function"). They must not
    make a tensor or a thread: children would hang.
    """

    def __init__(self, preload: Sequence[str], env: Mapping[str, str]) -> None:
        self._preload = tuple(preload)
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self._folder: Path | None = None
        # What it says before it is warm is the reason if it never gets there. None once it is.
        self._log: BinaryIO | None = None
        self._starting = threading.Lock()

    @staticmethod
    def at(address: str | os.PathLike[str]) -> "WarmParentElsewhere":
        """The warm parent that another process owns, by its `address`."""
        return WarmParentElsewhere(address)

    @property
    def address(self) -> str:
        """The path of the socket at which it forks, in a folder that only this user can enter."""
        self.start(wait=False)
        return str(self._folder / SOCKET)

    @property
    def pid(self) -> int | None:
        """Its process id, None before its start."""
        return self._process.pid if self._process else None

    @property
    def runs(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start it if it does not run, and wait for its imports unless told otherwise.

        Raises RunError with what it said if an import fails.
        """
        with self._starting:
            if not self.runs:
                self.close()
                self._spawn()
            if wait and self._log is not None:
                self._wait_until_warm()

    def fork(
        self,
        target: str,
        payload: Mapping[str, Any],
        *,
        fds: Sequence[int] = (),
        isolation: Isolation | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> Child:
        """Call `target` ("package.module:function") in the main thread of a fork of the parent.

        It is called with the payload and the descriptors' numbers in the child. The child's exit
        status is 0 when it returns, 1 when it raises, and what `sys.exit` says.

        payload: anything that JSON can carry. fds: descriptors to pass on.
        isolation: what the child may see and take; None for no isolation and no limits.
        cwd: its working folder; an isolated child works on a copy of it.
        env: its whole environment; None for the parent's.
        stdout, stderr: descriptors; None for /dev/null.

        Raises RunError if the parent or the isolation fails.
        """
        self.start()
        return fork_at(
            self.address,
            target,
            payload,
            fds=fds,
            isolation=isolation,
            cwd=cwd,
            env=env,
            stdout=stdout,
            stderr=stderr,
        )

    def close(self) -> None:
        """End it and all its children, and remove its folder."""
        if self._lifeline is not None:
            self._lifeline.close()
        if self._log is not None:
            # It is still at its imports, or hangs there, and has no child yet.
            self._process.kill()
            self._log.close()
        if self._process is not None:
            self._process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._lifeline = self._folder = self._log = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _spawn(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dlcourse-warm-"))
        self._lifeline, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        listener = socket.socket(socket.AF_UNIX)
        with theirs, listener:
            listener.bind(str(self._folder / SOCKET))
            listener.listen(128)
            command = [sys.executable, "-P", "-B", "-m", "dlcourse.run.parent"]
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(listener.fileno())],
                env=self._env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno(), listener.fileno()],
                start_new_session=True,
            )
        wire.send(self._lifeline, {"preload": self._preload, "folder": str(self._folder)})

    def _wait_until_warm(self) -> None:
        self._lifeline.settimeout(START_SECONDS)
        try:
            answer, _ = wire.receive(self._lifeline)
        except OSError as error:
            answer = str(error)
        if answer != "warm":
            self._log.seek(0)
            said = self._log.read().decode("utf-8", "replace").split("\n")
            last = next((line for line in reversed(said) if line.strip()), answer or "no reason")
            self.close()
            raise RunError(f"The warm parent could not import {', '.join(self._preload)}: {last}")
        self._log.close()
        self._log = None


class WarmParentElsewhere:
    """A warm parent that another process owns."""

    def __init__(self, address: str | os.PathLike[str]) -> None:
        self.address = os.fspath(address)

    def fork(self, target: str, payload: Mapping[str, Any], **options: Any) -> Child:
        """Like `WarmParent.fork`."""
        return fork_at(self.address, target, payload, **options)

    def close(self) -> None:
        """Nothing: its owner closes it."""


def fork_at(
    address: str,
    target: str,
    payload: Mapping[str, Any],
    *,
    fds: Sequence[int] = (),
    isolation: Isolation | None = None,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Child:
    """`WarmParent.fork` at the parent whose socket is at `address`."""
    order = {
        "target": target,
        "payload": payload,
        "isolation": isolation.as_data() if isolation else None,
        "cwd": os.fspath(cwd) if cwd is not None else None,
        "env": dict(env) if env is not None else None,
        "streams": [stdout is not None, stderr is not None],
    }
    streams = [fd for fd in (stdout, stderr) if fd is not None]
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(address)
        # A parent that refuses does not wait for the order; why it does is there to be read.
        with contextlib.suppress(BrokenPipeError):
            wire.send(sock, order, [*streams, *fds])
    except OSError as error:
        sock.close()
        raise RunError(f"There is no warm parent at {address} ({error}).") from None
    except BaseException:
        sock.close()
        raise
    return Child(sock)
