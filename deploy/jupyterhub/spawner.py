"""How the hub starts a person's server: as which Unix account, and with how much of the machine."""

import asyncio
import contextlib
import grp
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Integer, Unicode

# Microseconds that the kernel counts a group's processor time over.
PERIOD = 100_000


class CourseSpawner(LocalProcessSpawner):
    """Starts a server on this machine, in a group of processes that has limits together.

    The limits are JupyterHub's own settings `mem_limit` (bytes) and `cpu_limit` (processors), and
    `process_limit`. What a server leaves behind ends with it.
    """

    account = Unicode(help="The Unix account that the server runs as; the person's own if empty.")
    process_limit = Integer(help="How many processes and threads there may be at once.")
    starter = Unicode(
        help="A program that the account runs first: it gets a folder, and then the command."
    ).tag(config=True)
    folder = Unicode(help="The folder that the server works in.")

    @property
    def owner(self) -> pwd.struct_passwd:
        return pwd.getpwnam(self.account or self.user.name)

    @property
    def runtime(self) -> Path:
        """Where the server and its kernels talk: short, for sockets have names of 107 bytes."""
        return Path("/run/jupyterhub", self.user.name)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        owner = self.owner
        named = {"USER": owner.pw_name, "LOGNAME": owner.pw_name}
        places = {"HOME": owner.pw_dir, "JUPYTER_RUNTIME_DIR": str(self.runtime)}
        return env | named | places | {"SHELL": owner.pw_shell}

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """What the process does first. Who it is to be is left to `setpriv`, which comes next."""
        return self._group.enter

    async def start(self) -> tuple[str, int]:
        command, owner = self.cmd, self.owner
        self._group = group_of(self.user.name)
        limits = int(self.mem_limit), self.cpu_limit, self.process_limit
        # In a thread, for the hub has others to serve meanwhile.
        await asyncio.to_thread(self._group.make, *limits)
        self.runtime.mkdir(parents=True, exist_ok=True)
        os.chown(self.runtime, owner.pw_uid, owner.pw_gid)
        self.runtime.chmod(0o700)
        self.cmd = [
            *self._group.command,
            # No program makes more of this account than it is: no sudo, no su.
            *("setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
            *(f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--init-groups", "--"),
            *(self.starter, self.folder, *command),
        ]
        try:
            return await super().start()
        finally:
            self.cmd = command

    async def stop(self, now: bool = False) -> None:
        await super().stop(now)
        await asyncio.to_thread(group_of(self.user.name).end)
        shutil.rmtree(self.runtime, ignore_errors=True)


def group_of(name: str) -> "Scope | Cgroup":
    """The group of a person's processes. Raises RuntimeError where the machine has none."""
    if Path("/run/systemd/system").is_dir():
        return Scope(name)
    if Path("/sys/fs/cgroup/memory").is_dir():
        return Cgroup(name)
    raise RuntimeError(
        "Students' servers cannot be limited here: there is neither systemd nor version 1 of the "
        "kernel's cgroups. Run the hub on a machine with systemd."
    )


class Scope:
    """A scope of systemd's: what `systemd-run --scope` starts."""

    def __init__(self, name: str) -> None:
        # Other characters mean something to systemd.
        escaped = "".join(c if c.isalnum() else f"\\x{ord(c):02x}" for c in name)
        self.unit = f"jupyterhub-{escaped}.scope"

    def make(self, memory: int, cpus: float, processes: int) -> None:
        self.end()
        limits = {
            "MemoryMax": memory,
            "MemorySwapMax": 0,
            "CPUQuota": f"{round(100 * cpus)}%",
            "TasksMax": processes,
            # Without this, newer ones end the whole scope where one process had too much memory.
            "Delegate": "yes",
        }
        self.command = ["systemd-run", "--scope", "--quiet", "--collect", f"--unit={self.unit}"]
        self.command += [f"--property={name}={value}" for name, value in limits.items()]
        self.command += ["--slice=jupyterhub.slice", "--"]

    def enter(self) -> None:
        """Nothing: `systemd-run` does it."""

    def end(self) -> None:
        # Asked politely, a process could take its time.
        for what in (["kill", "--signal=SIGKILL"], ["stop"], ["reset-failed"]):
            subprocess.run(["systemctl", *what, self.unit], capture_output=True, check=False)


class Cgroup:
    """Version 1 of the kernel's cgroups, where no systemd looks after them."""

    command: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        root = Path("/sys/fs/cgroup")
        self._folders = [root / each / "jupyterhub" / name for each in ("memory", "cpu", "pids")]

    def make(self, memory: int, cpus: float, processes: int) -> None:
        self.end()
        limits = {
            "memory.limit_in_bytes": memory,
            "cpu.cfs_period_us": PERIOD,
            "cpu.cfs_quota_us": round(cpus * PERIOD),
            "pids.max": processes,
        }
        for folder in self._folders:
            folder.mkdir(parents=True)
            for name, value in limits.items():
                if (folder / name).exists():
                    (folder / name).write_text(str(value))

    def enter(self) -> None:
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def end(self) -> None:
        # Killed again, for what is killed may have forked before.
        for _ in range(100):
            if not self._kill():
                break
            time.sleep(0.05)
        for folder in self._folders:
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()

    def _kill(self) -> bool:
        """Whether there was anything to kill."""
        pids = {pid for folder in self._folders for pid in _words(folder / "cgroup.procs")}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return bool(pids)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []


def unix_groups(name: str) -> set[str]:
    """The Unix groups that an account is in. Raises KeyError if there is no such account."""
    account = pwd.getpwnam(name)
    return {grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, account.pw_gid)}
