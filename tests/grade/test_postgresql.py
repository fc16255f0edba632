"""The gradebook on a real PostgreSQL server, and SQLite's file beside which that is an option."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
import requests
from lab import Lab
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError
from tiny_course import (
    NOTEBOOK,
    ROOT,
    SECTION,
    STUDENTS,
    hand_in,
    make_course,
    released,
    solved,
    state,
    whole_class,
)

from dlcourse.cli import main
from dlcourse.grade import course, database, plugins, workers
from dlcourse.grade.backend import lay_config, nbgrader_api, open_gradebook
from dlcourse.grade.classpage import find_pairs, known_students
from dlcourse.grade.course import GradeError, grade, read_results
from dlcourse.grade.database import address
from dlcourse.grade.ledger import section_key
from dlcourse.grade.report import class_report
from dlcourse.grade.troubles import trouble
from dlcourse.grade.workshop import addresses, environment

SWITCH = "DLCOURSE_GRADEBOOK"
NOWHERE = "postgresql+psycopg://grader:invented-and-secret@127.0.0.1:1/nowhere"


# SQLite


def pragma(root, name):
    with (
        open_gradebook(nbgrader_api(root).coursedir) as gradebook,
        gradebook.engine.connect() as to,
    ):
        return to.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_file_of_sqlites_is_set_for_one_who_writes_and_many_who_read(small):
    settings = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    normal, not_enforced = 1, 0
    found = [pragma(small, name) for name in settings]
    assert found == ["wal", normal, 1000 * database.LOCK, not_enforced]


PROBE = """
from nbgrader.plugins import ExportPlugin

class Probe(ExportPlugin):
    def export(self, gradebook):
        with gradebook.engine.connect() as to:
            print("synchronous:", to.exec_driver_sql("PRAGMA synchronous").scalar())
"""


def test_nbgraders_own_programs_set_it_the_same(small):
    (small / "probe.py").write_text(PROBE)
    command = [sys.executable, "-m", "nbgrader", "export", "--exporter=probe.Probe"]
    env = os.environ | {"PYTHONPATH": str(small)}
    assert "synchronous: 1" in subprocess.check_output(command, cwd=small, env=env, text=True)


def test_somebody_who_writes_keeps_nobody_from_reading(small):
    grade(small, SECTION, ["right"])
    with sqlite3.connect(small / "gradebook.db", isolation_level=None) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("UPDATE grade SET auto_score = 0")
        (result,) = read_results(small, SECTION)
        writer.execute("ROLLBACK")
    assert result.score == 12


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", ""])
def test_where_a_network_may_be_between_there_is_no_write_ahead_log(small, kind, monkeypatch):
    assert pragma(small, "journal_mode") == "wal"
    monkeypatch.setattr(database, "file_system", lambda folder: kind)
    assert (pragma(small, "journal_mode"), pragma(small, "synchronous")) == ("delete", 2)


def test_the_file_system_of_a_folder_is_known():
    assert database.file_system(Path("/proc/self")) == "proc"


READER = """
import sys
from pathlib import Path
from dlcourse.grade.results import read_results
root, stop, reads = Path(sys.argv[1]), Path(sys.argv[2]), 0
print("ready", flush=True)
while not stop.exists():
    read_results(root)
    reads += 1
print(reads)
"""


@pytest.mark.long
def test_a_class_is_graded_while_somebody_reads_all_the_time(small, tmp_path):
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, small, stop]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as reader:
        # Grading a few submissions takes less time than a process that imports all it needs.
        assert reader.stdout.readline() == "ready\n"
        grade(small, SECTION)
        stop.touch()
        said, error = reader.communicate(timeout=900)
    assert (reader.returncode, error) == (0, "")
    assert int(said) > 10


# The switch


def test_the_gradebook_is_where_the_environment_says(small, monkeypatch):
    assert nbgrader_api(small).coursedir.db_url == f"sqlite:///{small}/gradebook.db"
    monkeypatch.setenv(SWITCH, NOWHERE)
    assert nbgrader_api(small).coursedir.db_url == NOWHERE


def test_a_course_aside_has_a_gradebook_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(SWITCH, NOWHERE)
    lay_config(ROOT, tmp_path)
    assert nbgrader_api(tmp_path).coursedir.db_url == f"sqlite:///{tmp_path}/gradebook.db"


def test_where_the_gradebook_is_decides_no_verdict_and_reaches_no_student(small, monkeypatch):
    before = section_key(small, SECTION, "namespaces")
    monkeypatch.setenv(SWITCH, NOWHERE)
    monkeypatch.setenv("PGPASSWORD", "invented-and-secret")
    assert section_key(small, SECTION, "namespaces") == before
    assert "secret" not in str(environment())


def test_a_password_is_not_shown():
    assert str(address(NOWHERE)) == "postgresql+psycopg://grader:***@127.0.0.1:1/nowhere"


def test_a_server_that_does_not_answer_is_named(small, done, monkeypatch, capsys):
    monkeypatch.setenv(SWITCH, NOWHERE)
    monkeypatch.chdir(small)
    with pytest.raises(GradeError, match="does not answer.*What was judged is kept"):
        grade(small, SECTION)
    assert main(["report"]) == 2
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "dlcourse: The gradebook's server does not answer" in said.err
    assert re.search("!!  Gradebook +cannot be used", said.out)
    assert "secret" not in said.out + said.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+no_driver://127.0.0.1/x", "is no URL of a database"),
        ("postgresql+psycopg://127.0.0.1:port/x", "is no URL of a database"),
        ("no url", "is no URL of a database"),
        ("postgresql+psycopg2://127.0.0.1/x", r"pip install 'dlcourse\[postgresql\]'"),
    ],
)
def test_a_url_that_cannot_be_used_is_named(small, url, said, monkeypatch):
    monkeypatch.setenv(SWITCH, url)
    with pytest.raises(GradeError, match=said):
        grade(small, SECTION)


def test_what_students_are_called_is_no_trouble():
    error = "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed\n"
    assert trouble(f"{error}[SQL: INSERT ...]\n[parameters: ('malformed',)]") is None
    assert trouble("ValueError: submitted/malformed is no notebook") is None


def test_a_full_disk_of_a_server_is_named():
    said = "could not extend file: No space left on device\nHINT:  Check free disk space."
    for log in (
        f"sqlalchemy.exc.OperationalError: (psycopg.errors.DiskFull) {said}",
        f"nbgrader.api.InvalidEntry: (psycopg.errors.DiskFull) {said}",
    ):
        assert "no room on its disk" in str(trouble(log))


# A server


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", postgres.PASSWORD)
        started = postgres.Server()
        yield started
        started.close()


@pytest.fixture
def on_server(server, tmp_path, monkeypatch):
    """The URL of a new database on the server, which the environment names meanwhile."""
    url = server.new(f"test-{tmp_path.name}")
    monkeypatch.setenv(SWITCH, url)
    return url


def score_by_hand(root, student, points):
    """As formgrader does."""
    with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
        found = gradebook.find_grade("why", NOTEBOOK, SECTION, student)
        found.manual_score, found.needs_manual_grade = points, False
        gradebook.find_comment("why", NOTEBOOK, SECTION, student).manual_comment = "Why not?"
        gradebook.db.commit()


def rehearsal(root):
    """A section from release to report; all that comes of it."""
    make_course(root)
    texts = whole_class(released(root))
    for student in STUDENTS:
        hand_in(root, student, texts[student])
    hand_in(root, "empty-handed", "Nothing.", name="notes.txt")
    first = grade(root, SECTION)
    score_by_hand(root, "wrong", 1)
    second = grade(root, SECTION)
    export = "export --exporter=dlcourse.grade.exports.CanvasExporter --to=canvas.csv"
    subprocess.run([sys.executable, "-m", "nbgrader", *export.split()], cwd=root, check=True)
    both = [[replace(each, seconds=None) for each in results] for results in (first, second)]
    told = {
        "results": both,
        "report": class_report(both[1], root, pairs=find_pairs(root, second)),
        "students": known_students(root),
        "left": state(root),
        "exported": (root / "canvas.csv").read_text(),
    }
    return {name: repr(what).replace(str(root), "ROOT") for name, what in told.items()}


@pytest.mark.long
def test_a_rehearsal_ends_cell_by_cell_as_with_sqlite(server, tmp_path, monkeypatch):
    ends = []
    for name, url in (("one", ""), ("two", server.new("rehearsal"))):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(SWITCH, url)
        ends.append(rehearsal(tmp_path / name))
    assert ends[0] == ends[1]
    assert server.sql("SELECT count(*) FROM submitted_assignment", "rehearsal") != "0"


@pytest.mark.long
def test_a_class_moves_to_a_server_without_being_judged_again(small, done, server, monkeypatch):
    first = grade(small, SECTION)
    before = state(small)
    done.clear()
    monkeypatch.setenv(SWITCH, server.new("moved"))
    assert grade(small, SECTION) == first
    assert {what for what, _ in done} == {"feedback"}
    assert state(small) == before


@pytest.mark.long
def test_what_the_guide_copies_is_all_of_it(small, done, server, on_server, monkeypatch):
    monkeypatch.setenv(SWITCH, "")
    grade(small, SECTION)
    score_by_hand(small, "right", 1)
    first = grade(small, SECTION)
    before = state(small)
    monkeypatch.setenv(SWITCH, on_server)
    guide = (ROOT / "docs" / "postgresql.md").read_text("utf-8")
    [copies] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    subprocess.run([sys.executable, "-c", copies], cwd=small, check=True)
    done.clear()
    assert grade(small, SECTION) == first
    assert done == []
    assert state(small) == before


@pytest.mark.long
def test_a_dump_restored_into_another_database_is_the_same_gradebook(
    small, done, server, on_server, tmp_path, monkeypatch
):
    grade(small, SECTION)
    score_by_hand(small, "right", 1)
    first = grade(small, SECTION)
    before = state(small)
    place = ("-h", server.folder, "-p", server.port, "-U", postgres.USER)
    dump = tmp_path / "gradebook.dump"
    server.client("pg_dump", *place, "-Fc", "-f", dump, on_server.rpartition("/")[2])
    monkeypatch.setenv(SWITCH, server.new("restored"))
    server.client("pg_restore", *place, "--exit-on-error", "-d", "restored", dump)
    done.clear()
    assert grade(small, SECTION) == first
    assert done == []
    assert state(small) == before


@pytest.mark.long
def test_the_password_is_in_nothing_that_grading_leaves(small, server, on_server, monkeypatch):
    monkeypatch.setenv(SWITCH, on_server.replace("grader@", f"grader:{postgres.PASSWORD}@"))
    looks = "import glob, os\nprint(os.environ)\nfor path in glob.glob('/proc/*/environ'):\n"
    looks += "    try:\n        print(open(path).read())\n    except OSError:\n        pass"
    hand_in(small, "right", solved(released(small), double=f"{looks}\ndef double(x): return 2 * x"))
    (result,) = grade(small, SECTION, ["right"])
    assert result.score == 12
    assert "environ({" in (small / "autograded" / "right" / SECTION / "tiny.ipynb").read_text()
    left = [path for path in small.rglob("*") if path.is_file()]
    assert [path for path in left if postgres.PASSWORD.encode() in path.read_bytes()] == []


# Several at once


GRADER = (
    "import sys; from pathlib import Path; from dlcourse.grade.course import grade\n"
    f"grade(Path(sys.argv[1]), {SECTION!r}, workers=2)"
)


def grader(root):
    env = os.environ | addresses()
    return subprocess.Popen([sys.executable, "-c", GRADER, root], env=env, stderr=-1, text=True)


@pytest.mark.long
@pytest.mark.parametrize("shared", [True, False], ids=["the-same-class", "halves-of-a-class"])
def test_two_grade_from_two_folders_into_one_gradebook(
    template, shared, server, on_server, tmp_path, monkeypatch
):
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    monkeypatch.setenv(SWITCH, "")
    grade(whole, SECTION)
    rows, _ = state(whole)

    monkeypatch.setenv(SWITCH, on_server)
    folders = [tmp_path / name for name in ("one", "other")]
    for number, folder in enumerate(folders):
        shutil.copytree(template, folder)
        names = sorted(path.name for path in (folder / "submitted").iterdir())
        for name in names if not shared else ():
            if names.index(name) % 2 == number:
                shutil.rmtree(folder / "submitted" / name)
    # Both begin with a database that has no tables yet.
    running = [grader(folder) for folder in folders]
    said = [process.communicate(timeout=900)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert state(folders[0])[0] == rows
    twice = "SELECT count(*) FROM submitted_assignment GROUP BY student_id HAVING count(*) > 1"
    assert server.sql(twice, on_server.rpartition("/")[2]) == ""


# Trouble


@pytest.fixture
def goes(server):
    """Has the server go away, and come back by itself after `seconds`, if any."""
    timers = []

    def goes(seconds=None):
        server.stop()
        if seconds:
            timers.append(threading.Timer(seconds, server.start))
            timers[-1].start()

    yield goes
    for timer in timers:
        timer.join()


def once(patch, place, name, do, wanted=lambda *a, **k: True):
    """Has `do` called when `place.name` is called for the first time with what is wanted."""
    call, done = getattr(place, name), []

    def before(*arguments, **named):
        if not done and wanted(*arguments, **named):
            done.append(True)
            do()
        return call(*arguments, **named)

    patch.setattr(place, name, before)
    return done


MOMENTS = {
    "before-writing": (course.Writer, "enter"),
    "amid-writing": (plugins, "_enter_score"),
    "before-looking": (course.Writer, "standing"),
    "before-feedback": (workers.Workers, "ask", lambda self, do, **order: do == "feedback"),
}


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_that_restarts_is_waited_for(moment, small, on_server, goes, monkeypatch):
    shutil.copytree(small, whole := small.parent / "whole")
    place, name, *wanted = MOMENTS[moment]
    with monkeypatch.context() as patch:
        happened = once(patch, place, name, lambda: goes(3), *wanted)
        grade(small, SECTION, workers=2)
    assert happened
    monkeypatch.setenv(SWITCH, "")
    grade(whole, SECTION)
    monkeypatch.setenv(SWITCH, on_server)
    assert state(small) == state(whole)


@pytest.mark.long
def test_a_server_that_stays_away_is_named_and_nothing_is_lost(
    small, done, server, on_server, goes, monkeypatch
):
    monkeypatch.setattr(database, "RESTART", 2)
    with monkeypatch.context() as patch:
        once(patch, plugins, "_enter_score", goes)
        with pytest.raises(GradeError, match="does not answer.*What was judged is kept"):
            grade(small, SECTION, ["right"])
    server.start()
    assert done == [("judge", "right")]
    done.clear()
    (result,) = grade(small, SECTION, ["right"])
    assert result.score == 12
    assert done == [("feedback", "right")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://grader:wrong@{host}/{name}", "does not take the password"),
        ("postgresql+psycopg://nobody@{host}/{name}", "does not take the password"),
        ("postgresql+psycopg://grader@{host}/missing", "There is no such database"),
        ("postgresql+psycopg://nobody@/{name}?host={folder}&port={port}", "not know that user"),
        ("postgresql+psycopg://guest@{host}/{name}", "make you the owner"),
        ("postgresql+psycopg://crowded@{host}/{name}", "no connection left to give"),
        ("postgresql+psycopg://reader@{host}/{name}", "lets nobody write"),
        ("postgresql+psycopg://grader@no-such-host.invalid/{name}", "no computer of the name"),
        ("postgresql+psycopg://grader@/{name}?host=/no/such/folder", "does not answer"),
    ],
)
def test_why_a_server_does_not_serve_is_said(url, said, small, server, on_server, monkeypatch):
    for role, more in (("guest", ""), ("crowded", "CONNECTION LIMIT 0"), ("reader", "")):
        with contextlib.suppress(subprocess.CalledProcessError):
            server.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{postgres.PASSWORD}' {more}")
    server.sql("ALTER ROLE reader SET default_transaction_read_only = on")
    name = on_server.rpartition("/")[2]
    known = {"host": f"127.0.0.1:{server.port}", "folder": server.folder, "port": server.port}
    monkeypatch.setenv(SWITCH, url.format(name=name, **known))
    with pytest.raises(GradeError, match=said):
        grade(small, SECTION)


@pytest.mark.long
def test_a_server_without_a_connection_left_is_named(small, server, on_server):
    engine = create_engine(on_server, poolclass=NullPool)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OperationalError):
            while True:
                stack.enter_context(engine.connect())
        with pytest.raises(GradeError, match="no connection left to give"):
            grade(small, SECTION)


@pytest.mark.long
def test_grading_takes_few_connections_and_leaves_none(small, server, on_server, monkeypatch):
    name, seen = on_server.rpartition("/")[2], []
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    enter = course.Writer.enter

    def counted(self, section, student):
        seen.append(int(server.sql(count)))
        return enter(self, section, student)

    monkeypatch.setattr(course.Writer, "enter", counted)
    grade(small, SECTION, workers=2)
    assert max(seen) <= 2 + 2, "one for each worker, one to write, one that holds the lock"
    assert server.sql(count) == "0"


@pytest.fixture
def small_disk(server):
    """The name of a tablespace on a disk of 16 MB, which only root can make."""
    place = server.folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], check=True)
    shutil.chown(place, "postgres")
    server.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
    yield "small"
    server.sql('DROP DATABASE "full" (FORCE)')
    server.sql("DROP TABLESPACE small")
    subprocess.run(["umount", place], check=True)


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="The disk's own sign is tested above for everybody.")
def test_a_disk_that_fills_amid_a_class_is_named_and_nothing_is_lost(
    small, done, server, small_disk, monkeypatch
):
    server.sql(f'CREATE DATABASE "full" TABLESPACE {small_disk}')
    monkeypatch.setenv(SWITCH, server.url("full"))
    students = [f"student-{number:02}" for number in range(40)]
    for student in students:
        hand_in(small, student, "Nothing.", name="notes.txt")

    def fill():
        server.sql("CREATE TABLE filler (junk text)", "full")
        with pytest.raises(subprocess.CalledProcessError):
            junk = "INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 100)"
            while True:
                server.sql(junk, "full")

    with monkeypatch.context() as patch:
        once(patch, course.Writer, "enter_nothing", fill)
        with pytest.raises(GradeError, match="no room on its disk.*What was judged is kept"):
            grade(small, SECTION, students)
    server.sql("DROP TABLE filler", "full")
    done.clear()
    assert {result.score for result in grade(small, SECTION, students)} == {0}
    assert len(done) < len(students)


@pytest.mark.long
def test_a_name_too_long_for_the_server_is_a_reason_for_that_student_alone(small, on_server):
    hand_in(small, "x" * 200, "Nothing.", name="notes.txt")
    hand_in(small, "y" * 200, solved(released(small)))
    results = {result.student: result for result in grade(small, SECTION)}
    assert results["right"].score == 12
    for student in ("x" * 200, "y" * 200):
        assert results[student].score is None
        assert "value too long" in results[student].notes[0]


@pytest.mark.long
def test_a_gradebook_that_somebody_holds_is_named(small, server, on_server, monkeypatch):
    grade(small, SECTION, ["blank"])
    monkeypatch.setattr(database, "LOCK", 1)
    with create_engine(on_server).connect() as other:
        other.execute(text("LOCK TABLE submitted_assignment"))
        with pytest.raises(GradeError, match="does not let go of it.*What was judged is kept"):
            grade(small, SECTION, ["right"])
    (result,) = grade(small, SECTION, ["right"])
    assert result.score == 12


@pytest.mark.long
def test_a_gradebook_of_another_version_is_named(small, server, on_server):
    grade(small, SECTION, ["right"])
    server.sql(
        "ALTER TABLE grade RENAME COLUMN extra_credit TO extra", on_server.rpartition("/")[2]
    )
    with pytest.raises(GradeError, match="made by another version of nbgrader"):
        grade(small, SECTION, ["right"])


# nbgrader's own programs


# An id is drawn, and the index is the place among them.
DRAWN = ("id", "index")


def told(api, students):
    """What formgrader asks nbgrader for, without names that are drawn, times and order."""
    tables = {
        "assignments": api.get_assignments(),
        "notebooks": api.get_notebooks(SECTION),
        "students": api.get_students(),
        "submissions": api.get_submissions(SECTION),
        "submitted": api.get_notebook_submissions(SECTION, NOTEBOOK),
        **{student: api.get_student_submissions(student) for student in students},
        **{
            f"{student}'s": api.get_student_notebook_submissions(student, SECTION)
            for student in students
        },
    }
    return {
        name: sorted(
            repr({key: value for key, value in row.items() if key not in DRAWN}) for row in rows
        )
        for name, rows in tables.items()
    }


@pytest.mark.long
def test_nbgrader_tells_the_same_of_a_gradebook_on_either(small, server, monkeypatch):
    (grade(small, SECTION), score_by_hand(small, "right", 1))
    sqlite = told(nbgrader_api(small), STUDENTS)
    monkeypatch.setenv(SWITCH, server.new("told"))
    (grade(small, SECTION), score_by_hand(small, "right", 1))
    assert told(nbgrader_api(small), STUDENTS) == sqlite


def nbgrader(root, *arguments):
    """What a command of nbgrader's says."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command, cwd=root, env=os.environ | addresses(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.long
def test_nbgraders_commands_work_on_a_gradebook_there(small, server, on_server):
    name = on_server.rpartition("/")[2]
    nbgrader(small, "generate_assignment", SECTION, "--force")
    nbgrader(small, "autograde", SECTION, "--create")
    scores = {result.student: result.score for result in read_results(small, SECTION)}
    assert (scores["right"], scores["wrong"]) == (12, 10)
    nbgrader(small, "generate_feedback", SECTION)
    assert (small / "feedback" / "right" / SECTION / f"{NOTEBOOK}.html").is_file()
    before = server.sql("SELECT * FROM alembic_version", name)
    nbgrader(small, "db", "upgrade")
    assert server.sql("SELECT * FROM alembic_version", name) == before
    nbgrader(small, "db", "student", "add", "late-comer", "--last-name=Comer")
    assert "late-comer (Comer" in nbgrader(small, "db", "student", "list")
    nbgrader(small, "db", "student", "remove", "right", "--force")
    assert "right (" not in nbgrader(small, "db", "student", "list")
    nbgrader(small, "db", "assignment", "remove", SECTION, "--force")
    assert SECTION not in nbgrader(small, "db", "assignment", "list")
    assert server.sql("SELECT count(*) FROM grade", name) == "0"


class Formgrader:
    """A grader's browser, as far as the server can tell."""

    def __init__(self, lab):
        self._place, _, token = lab.url.partition("?token=")
        self._place = self._place.removesuffix("lab")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"token {token}"

    def get(self, path):
        return self._session.get(f"{self._place}formgrader/{path}", timeout=120)

    def put(self, path, **what):
        return self._session.put(f"{self._place}formgrader/api/{path}", json=what, timeout=120)

    def post(self, path):
        return self._session.post(f"{self._place}formgrader/api/{path}", timeout=300)

    def grades(self, root, student):
        """Asks for all grades of a student, as the grading page does."""
        with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
            mine = gradebook.find_submission_notebook(NOTEBOOK, SECTION, student).id
        return self.get(f"api/grades?submission_id={mine}")

    def score(self, root, student, points):
        """Gives the written answer so many points."""
        (why,) = [each for each in self.grades(root, student).json() if each["name"] == "why"]
        return self.put(f"grade/{why['id']}", manual_score=points)


@pytest.fixture(scope="module")
def graded(template, tmp_path_factory, server):
    """A class that was graded into a gradebook on the server."""
    root = tmp_path_factory.mktemp("formgraded") / "course"
    shutil.copytree(template, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, server.new("formgraded"))
        grade(root, SECTION)
        yield root


@pytest.fixture(scope="module")
def formgrader(graded, tmp_path_factory):
    """Formgrader in a real JupyterLab on that course."""
    with Lab(graded, tmp_path_factory.mktemp("home"), **addresses()) as lab:
        yield Formgrader(lab)


@pytest.mark.long
def test_formgrader_shows_all_its_pages(graded, formgrader):
    with open_gradebook(nbgrader_api(graded).coursedir) as gradebook:
        mine = gradebook.find_submission_notebook(NOTEBOOK, SECTION, "right").id
    pages = [
        "",
        "manage_assignments",
        f"manage_submissions/{SECTION}",
        "gradebook",
        f"gradebook/{SECTION}",
        f"gradebook/{SECTION}/{NOTEBOOK}",
        "manage_students",
        "manage_students/right",
        f"manage_students/right/{SECTION}",
        f"submissions/{mine}",
        f"submissions/{mine}/next_incorrect",
        "api/assignments",
        f"api/assignment/{SECTION}",
        f"api/notebooks/{SECTION}",
        f"api/submissions/{SECTION}",
        f"api/submission/{SECTION}/right",
        f"api/submitted_notebooks/{SECTION}/{NOTEBOOK}",
        f"api/grades?submission_id={mine}",
        f"api/comments?submission_id={mine}",
        "api/students",
        "api/student/right",
        "api/student_submissions/right",
        f"api/student_notebook_submissions/right/{SECTION}",
    ]
    answers = {page: formgrader.get(page).status_code for page in pages}
    assert answers == dict.fromkeys(pages, 200)


@pytest.mark.long
def test_two_grade_while_a_third_scores_in_formgrader(graded, formgrader, tmp_path):
    """The third reads and scores for as long as the two write."""
    other = tmp_path / "other"
    shutil.copytree(graded, other)
    for folder in (graded, other):
        hand_in(folder, "blank", solved(released(folder)))
        shutil.rmtree(folder / ".grading")
    running, scored = [grader(graded), grader(other)], 0
    while any(process.poll() is None for process in running):
        assert formgrader.score(graded, "right", scored % 4).status_code == 200
        assert formgrader.get(f"api/submissions/{SECTION}").status_code == 200
        scored += 1
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert formgrader.score(graded, "right", 1).status_code == 200
    scores = {result.student: result.score for result in grade(graded, SECTION)}
    assert (scores["blank"], scores["right"]) == (12, 10)


@pytest.mark.long
def test_formgraders_button_grades(graded, formgrader):
    hand_in(graded, "wrong", solved(released(graded)))
    assert formgrader.post(f"submission/{SECTION}/wrong/autograde").json()["success"]
    scores = {result.student: result.score for result in read_results(graded, SECTION)}
    assert scores["wrong"] == 12


@pytest.mark.long
def test_formgrader_goes_on_after_the_server_has_restarted(graded, formgrader, server):
    assert formgrader.score(graded, "wrong", 1).status_code == 200
    # It keeps a transaction open in which it has read.
    assert formgrader.grades(graded, "wrong").status_code == 200
    server.restart()
    # The first who asks finds out that the line is dead.
    assert [formgrader.grades(graded, "wrong").status_code for _ in range(2)] == [500, 200]
    assert formgrader.score(graded, "wrong", 2).status_code == 200
    (result,) = [each for each in read_results(graded, SECTION) if each.student == "wrong"]
    assert result.cells["why"] == (2, 3)
