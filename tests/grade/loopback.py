"""A Dask cluster on this machine: a scheduler and workers as anybody starts them, in processes."""

import os
import shlex
import signal
import socket
import subprocess
import sysconfig
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

DASK = str(Path(sysconfig.get_path("scripts")) / "dask")
QUIET = ("--no-dashboard", "--host", "127.0.0.1")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Loopback:
    """Logs and workers' files go to `folder`. Dask's settings are `settings`, as DASK_... has them.

    Nothing is started yet; `stop` ends all that was.
    """

    def __init__(self, folder, **settings):
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._env = os.environ | {f"DASK_DISTRIBUTED__{k}": v for k, v in settings.items()}
        self._started = []

    def scheduler(self):
        """A scheduler; returns when it listens."""
        started = self._start([DASK, "scheduler", *QUIET, "--port", str(self.port)])
        wait_until(self._listens)
        return started

    def _listens(self):
        # A worker does not come again where its first connection is accepted and then closed.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True

    def worker(self, threads=1, address=None, env=None, again=False, *options):
        """A worker with its nanny. again: it is started again whenever it ends, as services are.

        address: of the scheduler, as this worker has it. options: more for its command line.
        """
        files = self.folder / f"files-{len(self._started)}"
        command = [DASK, "worker", *QUIET, address or self.address, "--nthreads", str(threads)]
        command += ["--local-directory", str(files), *options]
        if again:
            command = ["sh", "-c", f"while :; do {shlex.join(command)}; sleep 1; done"]
        worker = self._start(command, env)
        worker.files = files
        return worker

    def _start(self, command, env=None):
        log = (self.folder / f"log-{len(self._started)}").open("wb")
        started = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env=self._env | (env or {})
        )
        self._started.append(started)
        return started

    def stop(self):
        for each in reversed(self._started):
            kill(each)


def kill(process):
    """Ends a process that `Loopback` started and all that it started, and waits for that."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def judging(worker):
    """The process below a worker's nanny that judges; None while there is none."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(worker.pid).children():
            if "resource_tracker" not in " ".join(child.cmdline()):
                return child
    return None


def wait_until(true, seconds=900):
    """What `true` returns once that is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := true():
            return result
        time.sleep(0.05)
    raise TimeoutError(f"not true after {seconds} s")


class Wire:
    """A line to another port of this machine that can be cut."""

    def __init__(self, port):
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self):
        self._listener.close()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._port))
                except ConnectionRefusedError:
                    # Nobody is there yet; who calls will try again.
                    near.close()
                    continue
                self._ends += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(one, other):
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)
