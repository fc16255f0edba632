"""Stock nbgrader in a container: what runs inside, and as programs of their own.

`python container.py supervise ROOT SECTION STUDENT NEXT SECONDS`, with the token of the student's
processes on stdin, is the container's first process, which nobody inside can kill. It starts
`... grade ROOT SECTION STUDENT NEXT TOKEN_FILE`, which is stock nbgrader: it grades STUDENT, then
NEXT, if there is one.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

# Seconds for what was left running to do what it may still do.
GRACE = 15


def supervise(root: str, section: str, student: str, following: str, seconds: str) -> None:
    """Prints, as JSON, whether grading ended, why there is no grade, and what was left."""
    token = sys.stdin.read().strip()
    seen = Path(root) / "seen.json"
    command = [sys.executable, "-P", __file__, "grade", root, section, student, following]
    with tempfile.TemporaryFile("w+") as pipe:
        pipe.write(token)
        pipe.seek(0)
        process = subprocess.Popen(command, stdin=pipe, stdout=sys.stderr)
        try:
            finished, reason = process.wait(float(seconds)) >= 0, ""
        except subprocess.TimeoutExpired:
            process.kill()
            finished, reason = False, f"nbgrader did not end within {seconds} s"
    told = {"reason": reason, "left": running(token, 1)}
    if seen.is_file():
        told |= json.loads(seen.read_text())
    print(json.dumps({"finished": finished, **told}), flush=True)


def grade(root: str, section: str, student: str, following: str) -> None:
    """Grades both by nbgrader's own steps; what there is to say of the first goes to a file."""
    from functools import cache

    import nbgrader.api

    from dlcourse.grade.backend import nbgrader_api

    token = sys.stdin.read().strip()
    # nbgrader asks alembic, which takes seconds, and gets the same answer every time.
    nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)
    api = nbgrader_api(Path(root))
    reason = _grade(api, section, student)
    seen = {"reason": reason, "left": running(token, 1)}
    (Path(root) / "seen.json").write_text(json.dumps(seen))
    running(token, GRACE)
    if following:
        _grade(api, section, following)


def _grade(api, section: str, student: str) -> str:
    """The reason why there is no grade or no feedback, if there is none."""
    from dlcourse.grade.backend import last_error

    for step in (api.autograde, api.generate_feedback):
        done = step(section, student)
        if not done["success"]:
            return last_error(done)
    return ""


def running(token: str, seconds: float) -> int:
    """How many processes with `token` in their command line are still there after `seconds`."""
    until = time.monotonic() + seconds
    while (found := _count(token)) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def _count(token: str) -> int:
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        # Some end while one looks.
        with suppress(OSError):
            found += token.encode() in path.read_bytes().split(b"\0")
    return found


if __name__ == "__main__":
    {"supervise": supervise, "grade": grade}[sys.argv[1]](*sys.argv[2:])
