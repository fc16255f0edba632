"""`python ordinary.py FOLDER`: what an ordinary user may do and an isolated child of theirs sees.

Started by root, it becomes nobody first, and FOLDER nobody's. Prints a report as JSON.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from processes import SMALL, Parent, eventually

from dlcourse.run import system
from dlcourse.run.isolation import NAMESPACES, QUIET, available

NOBODY = 65534
LOOK = """
import os, socket
print(os.getuid(), sorted(name for name in os.listdir("/proc") if name.isdigit()))
print(os.listdir(os.path.dirname(SHOWN)))
try:
    socket.create_connection(("127.0.0.1", 9), 1)
except OSError as error:
    print(error.strerror)
"""
BOMB = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
DAEMON = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)"


def main() -> None:
    folder = sys.argv[1]
    if os.geteuid() == 0:
        become_nobody(folder)
    report = {"user": os.geteuid(), "allowed": allowed(), "why_not": available()}
    if report["why_not"] is None:
        report |= isolated(Path(folder))
    print(json.dumps(report))


def become_nobody(folder: str) -> None:
    """Start anew as nobody, to whom Python is shown even where it lies in root's own home."""
    os.chown(folder, NOBODY, NOBODY)
    system.unshare(system.CLONE_NEWNS)
    system.mount("none", "/", flags=system.MS_REC | system.MS_PRIVATE)
    barred: dict[str, list[tuple[str, int]]] = {}
    for path in {os.path.realpath(path) for path in (sys.base_prefix, *sys.path) if path}:
        closed = [up for up in Path(path).parents if not up.stat().st_mode & 1]
        if closed and Path(path).is_dir():
            barred.setdefault(str(closed[-1]), []).append((path, os.open(path, os.O_PATH)))
    for top, inside in barred.items():
        system.mount("tmpfs", top, "tmpfs", options="mode=755")
        for path, fd in inside:
            Path(path).mkdir(parents=True, exist_ok=True)
            system.mount(f"/proc/self/fd/{fd}", path, flags=system.MS_BIND)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.execv(sys.executable, [sys.executable, *sys.argv])


def allowed() -> bool:
    """Whether this user may have namespaces and mount in them, which isolation is made of."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        user = os.geteuid()
        system.unshare(system.CLONE_NEWUSER | NAMESPACES)
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        first = os.fork()
        if first:
            os._exit(os.waitpid(first, 0)[1] != 0)
        system.mount("none", "/", flags=system.MS_REC | system.MS_PRIVATE)
        system.mount("proc", "/proc", "proc", QUIET | system.MS_NOEXEC)
    except OSError:
        os._exit(1)
    os._exit(0)


def isolated(folder: Path) -> dict:
    for name in ("shown", "beside"):
        (folder / name).mkdir()
    isolation = replace(SMALL, readable=(str(folder / "shown"),))
    parent = Parent(["json"])
    with parent.warm:
        looked = parent.run(f"SHOWN = {str(folder / 'shown')!r}\n{LOOK}", isolation)
        bomb = parent.run(BOMB, isolation)
        parent.run(DAEMON, isolation)
        alone = eventually(lambda: len(parent.processes()) == 1)
    return {
        "saw": looked.out.splitlines(),
        "bomb": bomb.by,
        "alone": alone,
        "left": len(parent.processes()),
    }


if __name__ == "__main__":
    main()
