"""What an isolated child may see and take: namespaces of its own, limits, and the watch on them.

A child's keeper calls, in this order: `leave` (then forks the first process of the new pid
namespace), there `build_view`, and in the child proper `confine`. Nothing needs cleaning up:
mounts, files and network end with the namespace's last process.
"""

import contextlib
import errno
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlcourse.run import system

GIB = 1 << 30
USER = 1000
HOME = "/home/student"
WORK = "/home/student/work"
# Where the old root is while the new one is built.
OUTSIDE = "/.outside"
OWN = "/.own"
QUIET = system.MS_NOSUID | system.MS_NODEV
NAMESPACES = (
    system.CLONE_NEWNS
    | system.CLONE_NEWPID
    | system.CLONE_NEWNET
    | system.CLONE_NEWIPC
    | system.CLONE_NEWUTS
    | system.CLONE_NEWCGROUP
)
READ_ONLY = system.MOUNT_ATTR_RDONLY | system.MOUNT_ATTR_NOSUID | system.MOUNT_ATTR_NODEV

SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/certs",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/ptmx": "pts/ptmx",
}
ETC = {
    "passwd": f"student:x:{USER}:{USER}::{HOME}:/bin/sh\n",
    "group": f"student:x:{USER}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hosts": "127.0.0.1 localhost student\n",
}


# What some distributions set to keep ordinary users from namespaces: file, value, and the remedy.
SWITCHES = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
)


@dataclass(frozen=True)
class Isolation:
    """What an isolated child may see and take.

    It sees, read-only, the system's programs and libraries, the folders from which its warm parent
    imports, and `readable`; its own /tmp and home; no network, and no process but its own. It works
    in WORK, which starts as a copy of the folder that it was given. What it writes is in memory,
    and gone with it.

    memory: bytes that all its processes hold together, files that it wrote included. Not counted
        are shared pages without a name that no process has in its tables just then; a child that
        hoards those is the first to go when the machine itself runs out.
    processes: few, since a bomb of forks must be stopped while the machine can still be used by
        others. threads: of all processes together. files: open files for each process.
    disk: bytes in /tmp, /dev/shm and its home together, and the most in one file.
    seconds: how long it may live; None for any time.
    readable: further files and folders to show. hidden: ones to show empty, where they are part of
        what is shown. shared: folders of the machine in which the child may write, for sockets,
        until its owner calls `Child.seal`, and which it can only read from then on.
    """

    memory: int = 4 * GIB
    processes: int = 32
    threads: int = 256
    files: int = 1024
    disk: int = GIB
    seconds: float | None = None
    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The fields, as what JSON can carry."""
        return asdict(self)


def available() -> str | None:
    """None if children can be isolated here; else a sentence that says why not and what to do."""
    if not system.LINUX:
        return (
            "Isolating student code needs Linux. Grade on a Linux machine, or accept the risk of "
            "running student code unprotected with `--isolation none`."
        )
    # Tried rather than guessed, in a process of its own: this one cannot come back.
    command = [sys.executable, "-P", "-m", "dlcourse.run.isolation"]
    tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode == 0:
        return None
    return tried.stdout.strip() or f"Isolation failed: {tried.stderr.strip().splitlines()[-1:]}"


def leave() -> int:
    """Leave the machine's namespaces; the next fork is the first process of its own pid namespace.

    Returns the user (and group) that the child is to be. Raises OSError where that is refused.
    """
    # If the machine itself runs out of memory, this and its children are what must go.
    Path("/proc/self/oom_score_adj").write_text("1000")
    if os.geteuid() == 0:
        # Root in a container may lack the right to do it this way, and have the other.
        with contextlib.suppress(PermissionError):
            system.unshare(NAMESPACES)
            return _free_user()
    _own_user_namespace(NAMESPACES)
    return USER


def build_view(isolation: Isolation, user: int, folder: str | None) -> None:
    """Replace the file system by the child's; `folder` is what its working folder starts as.

    This process keeps its privileges there, and becomes one that nobody may trace. Raises OSError.
    """
    os.umask(0o022)
    shown = [*SYSTEM_PATHS, *_python_paths(), *isolation.readable]
    # Symbolic links are followed in the old view: the new one may lack what they point to.
    sources = {path: os.path.realpath(path) for path in shown if os.path.exists(path)}
    folder = os.path.realpath(folder) if folder else None
    _new_root()
    _own_files(isolation, user)
    for path, source in sources.items():
        _show(source)
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(source, path)
    for path in isolation.hidden:
        _hide(path)
    for path in isolation.shared:
        os.makedirs(path)
        system.mount(OUTSIDE + path, path, flags=system.MS_BIND)
        os.chown(path, user, user)
    _fill_work(folder, user)
    system.unmount(OUTSIDE)
    os.rmdir(OUTSIDE)
    system.restrict_mount("/", READ_ONLY, recursive=False)
    system.set_hostname("student")
    system.prctl(system.PR_SET_DUMPABLE, 0)


def seal_shared(isolation: Isolation) -> None:
    """Make the shared folders read-only in this view.

    Raises OSError, also where a file is still open for writing after a second.
    """
    until = time.monotonic() + 1
    for path in isolation.shared:
        while True:
            try:
                system.restrict_mount(path, READ_ONLY)
                break
            except OSError as error:
                # A socket can be seen before it has been made.
                if error.errno != errno.EBUSY or time.monotonic() > until:
                    raise
                time.sleep(0.001)


def confine(isolation: Isolation, user: int) -> None:
    """Set this process's limits and give up every privilege, for good. Raises OSError."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    # What is not to be traced may not even look at itself in /proc.
    system.prctl(system.PR_SET_DUMPABLE, 1)
    _set_limits(isolation)
    if user != USER:
        _own_user_namespace()
    # Namespaces within would bring capabilities back, and file systems that nobody counts.
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    system.drop_capabilities()


def environment(outer: dict[str, str]) -> dict[str, str]:
    """`outer` as it is in the child's view."""
    return outer | {"HOME": HOME, "USER": "student", "LOGNAME": "student", "TMPDIR": "/tmp"}


class Watch:
    """The watch that a pid namespace's first process keeps on all the others."""

    def __init__(self, isolation: Isolation) -> None:
        self._limits = isolation
        self._start = time.monotonic()

    def excess(self) -> str | None:
        """The limit that the namespace has passed, or None: "time", "processes", "threads" or
        "memory"."""
        limits = self._limits
        if limits.seconds is not None and time.monotonic() - self._start > limits.seconds:
            return "time"
        pids = _pids()
        if len(pids) > limits.processes:
            return "processes"
        threads, resident = _usage(pids)
        if threads > limits.threads:
            return "threads"
        files = _file_bytes(pids)
        # Pages that processes share are counted for each: quick, and never too little.
        if resident + files > limits.memory:
            return self._excess_in_detail(pids, files)
        return None

    def _excess_in_detail(self, pids: list[int], memory: int) -> str | None:
        """Count shared pages once; slow, above all while a process forks, and they may be many."""
        for pid in pids:
            memory += _proportional(pid)
            if memory > self._limits.memory:
                return "memory"
            if len(_pids()) > self._limits.processes:
                return "processes"
        return None


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _usage(pids: Iterable[int]) -> tuple[int, int]:
    """Threads, and bytes of resident private and shared memory, of these processes together."""
    threads = kibibytes = 0
    for pid in pids:
        for key, value in _fields(f"/proc/{pid}/status"):
            if key == "Threads":
                threads += int(value)
            elif key in ("RssAnon", "RssShmem"):
                kibibytes += int(value.split()[0])
    return threads, kibibytes * 1024


def _proportional(pid: int) -> int:
    """Bytes of a process's memory, shared pages split among those who share them."""
    fields = dict(_fields(f"/proc/{pid}/smaps_rollup"))
    return 1024 * sum(int(fields.get(key, "0").split()[0]) for key in ("Pss_Anon", "Pss_Shmem"))


def _file_bytes(pids: Iterable[int]) -> int:
    """Bytes of the files that are held in memory, whether mapped or not."""
    space = os.statvfs("/tmp")
    total = (space.f_blocks - space.f_bfree) * space.f_frsize
    nameless = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for entry in os.scandir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path).startswith("/memfd:"):
                        info = os.stat(entry.path)
                        nameless[info.st_ino] = info.st_blocks * 512
    with contextlib.suppress(OSError), open("/proc/sysvipc/shm") as segments:
        column = next(segments).split().index("rss")
        total += sum(int(line.split()[column]) for line in segments)
    return total + sum(nameless.values())


def _fields(path: str) -> Iterator[tuple[str, str]]:
    """The `key: value` lines of a file in /proc; none if its process has gone."""
    with contextlib.suppress(OSError), open(path) as lines:
        for line in lines:
            key, colon, value = line.partition(":")
            if colon:
                yield key, value.strip()


def _python_paths() -> list[str]:
    """Where this Python imports from. The folder around an editable package is not part of it."""
    folders = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, *sys.path]
    return [folder for folder in folders if os.path.isabs(folder) and folder != "/"]


def _own_user_namespace(further: int = 0) -> None:
    """Enter a user namespace, and `further` ones, in which this user is USER and nobody else is."""
    user, group = os.geteuid(), os.getegid()
    system.unshare(system.CLONE_NEWUSER | further)
    # Without this the group may not be mapped.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1")


def _free_user() -> int:
    """A user id that nobody else has: from the top of those that exist here, by process id."""
    first, _, length = max(
        (
            tuple(map(int, line.split()))
            for line in Path("/proc/self/uid_map").read_text().splitlines()
        ),
        key=lambda line: line[2],
    )
    # The very last ids are nobody's and invalid. Half of a container's 65536 is left to its users.
    return first + length - 3 - os.getpid() % (length // 2)


def _set_limits(isolation: Isolation) -> None:
    """Lower this process's resource limits for good."""
    # Windows has no such module, and should be told why children cannot be isolated there.
    import resource

    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: isolation.memory,
        resource.RLIMIT_FSIZE: isolation.disk,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: isolation.files,
        # Beyond the limit by a few, so that the watch can see that it has been passed.
        resource.RLIMIT_NPROC: isolation.threads + 8,
        resource.RLIMIT_STACK: 8 << 20,
    }
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def _new_root() -> None:
    """A root of its own with what any program needs, and the old one at OUTSIDE."""
    system.mount("none", "/", flags=system.MS_REC | system.MS_PRIVATE)
    # Any folder would do; what is mounted there becomes the root.
    system.mount("tmpfs", "/tmp", "tmpfs", QUIET, "mode=755,size=16m,nr_inodes=16k")
    os.mkdir("/tmp" + OUTSIDE)
    system.pivot_root("/tmp", "/tmp" + OUTSIDE)
    os.chdir("/")
    for name in ("/dev/pts", "/etc", "/proc"):
        os.makedirs(name)
    system.mount("proc", "/proc", "proc", QUIET | system.MS_NOEXEC)
    system.mount("devpts", "/dev/pts", "devpts", system.MS_NOSUID, "newinstance,ptmxmode=0666")
    for name in DEVICES:
        Path("/dev", name).touch()
        system.mount(f"{OUTSIDE}/dev/{name}", f"/dev/{name}", flags=system.MS_BIND)
    for link, target in LINKS.items():
        os.symlink(target, link)
    for name, text in ETC.items():
        Path("/etc", name).write_text(text)


def _own_files(isolation: Isolation, user: int) -> None:
    """The folders that the child may write to, in one file system, so that one number bounds it."""
    os.mkdir(OWN)
    options = f"mode=755,size={isolation.disk},nr_inodes=64k"
    system.mount("tmpfs", OWN, "tmpfs", QUIET, options)
    for target in ("/tmp", "/dev/shm", HOME):
        source = f"{OWN}/{os.path.basename(target)}"
        os.mkdir(source)
        os.chown(source, user, user)
        os.makedirs(target)
        system.mount(source, target, flags=system.MS_BIND)
    system.unmount(OWN)
    os.rmdir(OWN)


def _show(path: str) -> None:
    """Show a path of the old view, read-only, unless it is there already."""
    if os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.isdir(OUTSIDE + path):
        os.mkdir(path)
    else:
        Path(path).touch()
    system.mount(OUTSIDE + path, path, flags=system.MS_BIND | system.MS_REC)
    system.restrict_mount(path, READ_ONLY)


def _hide(path: str) -> None:
    """Put something empty over a path."""
    if os.path.isdir(path):
        system.mount("tmpfs", path, "tmpfs", system.MS_NOSUID, "mode=755,size=4k")
        system.restrict_mount(path, READ_ONLY)
    elif os.path.exists(path):
        system.mount("/dev/null", path, flags=system.MS_BIND)


def _fill_work(folder: str | None, user: int) -> None:
    """Copy the given folder to the child's working folder, and make it the child's."""
    if folder is None:
        os.mkdir(WORK)
    else:
        shutil.copytree(OUTSIDE + folder, WORK, symlinks=True, ignore=_not_for_the_child)
    for path, folders, files in os.walk(WORK):
        for name in [path, *(os.path.join(path, entry) for entry in [*folders, *files])]:
            os.chown(name, user, user, follow_symlinks=False)
            if not os.path.islink(name):
                os.chmod(name, os.stat(name).st_mode | stat.S_IRUSR | stat.S_IWUSR)


def _not_for_the_child(folder: str, names: list[str]) -> list[str]:
    """Those names that a child gets no copy of.

    They are notebooks, since a grader's have the hidden tests in them, and what is neither file,
    folder nor link: reading a pipe would never end.
    """
    modes = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
    kinds = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return [
        name
        for name, mode in modes.items()
        if name.endswith(".ipynb") or not any(kind(mode) for kind in kinds)
    ]


def why_not(error: OSError) -> str:
    """A sentence for a step that the system refused, with what to do about it."""
    if isinstance(error, shutil.Error):
        _, _, reason = error.args[0][0]
        return f"The working folder cannot be copied for the child ({reason}): is it very large?"
    return f"Student code cannot be isolated here ({error}): {_advice(error)}"


def _advice(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "there is no room for it: is the submission's folder very large?"
    if error.errno == errno.ENOSYS:
        return "it needs Linux 5.14 or newer."
    for switch, value, setting in SWITCHES:
        with contextlib.suppress(OSError):
            if Path(switch).read_text().strip() == value:
                return f"`sudo sysctl {setting}` allows it."
    return (
        "in a container, start it with `--privileged`; or accept the risk of running student code "
        "unprotected with `--isolation none`."
    )


def _try() -> None:
    """Isolate this process's child; print why that does not work, if it does not."""
    try:
        user = leave()
        child = os.fork()
        if child == 0:
            build_view(Isolation(), user, None)
            confine(Isolation(), user)
            os._exit(0)
    except OSError as error:
        print(why_not(error))
        sys.stdout.flush()
        os._exit(1)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    _try()
