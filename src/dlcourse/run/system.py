"""The few Linux calls that Python 3.11 does not offer. Elsewhere the harmless ones do nothing."""

import ctypes
import os
import signal
import sys
from pathlib import Path

LINUX = sys.platform == "linux"

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
# <linux/sched.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
# <linux/mount.h>
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
# <linux/mman.h>, since Linux 6.1
MADV_COLLAPSE = 25
HUGE_PAGE = 2 << 20
# One number on every architecture, as all calls since Linux 5.
SYS_MOUNT_SETATTR = 442
# <linux/capability.h>
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


# However busy a machine is, nothing is waited for longer than so many times its limit.
MOST_PATIENT = 10


def patience() -> float:
    """How many times as long as on a free machine things take here now, going by its load.

    Limits in seconds are meant for a machine that has a processor to spare. Where others compute
    too, who runs over them may just have had to wait.
    """
    # Windows knows no such load.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    return min(max(1.0, load / (os.cpu_count() or 1)), MOST_PATIENT)


def call(name: str, *arguments: object, about: str = "") -> int:
    """Call a function of the C library; `about` says on what in the message of its OSError."""
    result = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about or name)
    return result


def prctl(option: int, value: int) -> None:
    call("prctl", option, *(ctypes.c_ulong(number) for number in (value, 0, 0, 0)))


def die_with_parent(parent: int, signum: signal.Signals) -> None:
    """Have the system send `signum` to this process when its parent, `parent`, dies."""
    if LINUX:
        prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:
            os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    if LINUX:
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def use_huge_pages() -> None:
    """Put what this process holds in memory into huge pages, where the system does that.

    Most of the time that a fork of a large process takes goes into entries for its pages, in the
    fork and at its end; a huge page has one for 512. A page that is written to is copied alone.
    """
    if not LINUX:
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        places, rights, _, _, inode, *_ = line.split()
        if rights != "rw-p" or inode != "0":
            continue
        start, end = (int(place, 16) for place in places.split("-"))
        for address in range(-(-start // HUGE_PAGE) * HUGE_PAGE, end - HUGE_PAGE + 1, HUGE_PAGE):
            # An empty one, or an older system, says no, and forks are as slow as ever.
            _libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(HUGE_PAGE), MADV_COLLAPSE)


def children(pid: int) -> list[int]:
    """The process ids of the children of `pid`."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones; a new pid namespace is for children."""
    call("unshare", flags)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
        about=f"mount {source} on {target}",
    )


def unmount(target: str) -> None:
    """Take a mount, and what is mounted in it, out of the view."""
    call("umount2", os.fsencode(target), MNT_DETACH, about=f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    call("pivot_root", os.fsencode(new), os.fsencode(old))


def restrict_mount(target: str, attributes: int, *, recursive: bool = True) -> None:
    """Add attributes (MOUNT_ATTR_*) to the mount at `target` and, unless told otherwise, below."""
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attr = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    call(
        "syscall",
        ctypes.c_long(SYS_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(AT_RECURSIVE if recursive else 0),
        ctypes.byref(attr),
        ctypes.c_size_t(ctypes.sizeof(attr)),
        about=f"mount_setattr {target}",
    )


def drop_capabilities() -> None:
    """Give up every capability, for good."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def set_hostname(name: str) -> None:
    call("sethostname", name.encode(), ctypes.c_size_t(len(name)))
