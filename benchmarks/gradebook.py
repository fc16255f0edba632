"""How many judged submissions a second the writer enters, on SQLite and on PostgreSQL.

`python benchmarks/gradebook.py` starts a PostgreSQL server of its own, as the tests do, which waits
for the disk as SQLite does. Entering is the real writer's, nbgrader's conversion included, of the
tests' tiny section; what is compared are medians of rounds that take turns, in one run.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "grade"))
os.environ.pop("DLCOURSE_GRADEBOOK", None)

import postgres  # noqa: E402
from tiny_course import SECTION, hand_in, make_course, released, solved  # noqa: E402

from dlcourse.grade import database  # noqa: E402
from dlcourse.grade.backend import logged, nbgrader_api, one_engine  # noqa: E402
from dlcourse.grade.course import enter, grade  # noqa: E402
from dlcourse.grade.writer import Writer  # noqa: E402


def entered(root: Path, url: str, students: list[str]) -> float:
    """Seconds for entering a judged submission for each of the new `students`."""
    os.environ["DLCOURSE_GRADEBOOK"] = url
    with logged(root), one_engine():
        writer = Writer(root)
        start = time.monotonic()
        for student in students:
            with database.alone(url):
                if failed := writer.enter(SECTION, student):
                    raise SystemExit(failed)
        return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=20, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ["PGPASSWORD"] = postgres.PASSWORD
    with tempfile.TemporaryDirectory() as folder:
        server = postgres.Server(fsync="on")
        try:
            compare(Path(folder), server, options.students, options.rounds)
        finally:
            server.close()


def compare(root: Path, server: postgres.Server, number: int, rounds: int) -> None:
    make_course(root)
    hand_in(root, "template", solved(released(root)))
    grade(root, SECTION)
    judged = root / ".grading" / "judged"
    local = database.LOCAL
    places = {
        "SQLite, write-ahead log": (nbgrader_api(root).coursedir.db_url, local),
        "SQLite, as nbgrader has it": (f"sqlite:///{root}/stock.db", frozenset()),
        "PostgreSQL": (server.new("benchmark"), local),
    }
    for url, database.LOCAL in places.values():
        os.environ["DLCOURSE_GRADEBOOK"] = url
        enter(root, SECTION)
    seconds = {place: [] for place in places}
    for turn in range(rounds):
        for place, (url, database.LOCAL) in places.items():
            students = [f"student-{turn}-{number}" for number in range(number)]
            for student in students:
                if not (judged / student).exists():
                    shutil.copytree(judged / "template", judged / student)
            seconds[place].append(entered(root, url, students))
    first = statistics.median(next(iter(seconds.values())))
    for place, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{place:28} {number / median:6.1f} a second   {median / first:.2f} of the time")


if __name__ == "__main__":
    main()
