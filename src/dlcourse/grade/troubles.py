"""What stops a class from being graded, or read, in sentences that say what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from nbgrader.api import InvalidEntry
from sqlalchemy.exc import DBAPIError, NoSuchModuleError


class GradeError(Exception):
    """Grading cannot start or go on; the message says why and what to do."""


class GradebookError(GradeError):
    """The gradebook cannot be used."""


class ServerAway(GradebookError):  # noqa: N818 - an event
    """Its server does not answer, which may pass by itself."""


OLD = (
    "The gradebook was made by another version of nbgrader. Keep a copy of it, then run "
    "`nbgrader db upgrade`."
)
# What databases and their drivers say -> what to do about it.
TROUBLES = {
    "database is locked": "The gradebook is in use by another program that does not let go of it. "
    "Close formgrader or whatever else has it open.",
    "readonly database": "The gradebook may not be written. Give yourself the right to write it "
    "and the folder that it is in.",
    "unable to open database": "The gradebook cannot be opened. See that its folder exists and "
    "that you may write there.",
    "database or disk is full": "There is no room on the disk for the gradebook. Make some.",
    "file is not a database": "The gradebook is no database, or is damaged. Put a copy of it back, "
    "or move it away to begin a new one.",
    "malformed": "The gradebook is damaged. Put a copy of it back.",
    "no such column": OLD,
    "no such table": OLD,
    # PostgreSQL, from here on. Names of errors come first: the words are in the server's language.
    "errors.UndefinedColumn": OLD,
    "errors.UndefinedTable": OLD,
    "errors.LockNotAvailable": "The gradebook is in use by another program that does not let go of "
    "it. See which: SELECT * FROM pg_stat_activity.",
    "errors.DiskFull": "The gradebook's server has no room on its disk. Make some there.",
    "No space left on device": "The gradebook's server has no room on its disk. Make some there.",
    "errors.ReadOnlySqlTransaction": "The gradebook's server lets nobody write: is it a copy of "
    "another? Name that one in DLCOURSE_GRADEBOOK.",
    "errors.InsufficientPrivilege": "The gradebook's server does not let you write there. Have its "
    "administrator make you the owner of the database.",
    "password authentication failed": "The gradebook's server does not take the password. Put the "
    "right one into ~/.pgpass or PGPASSWORD.",
    "no password supplied": "The gradebook's server asks for a password. Put it into ~/.pgpass or "
    "PGPASSWORD.",
    "authentication failed": "The gradebook's server does not take you for whom the URL says. See "
    "the user in DLCOURSE_GRADEBOOK, and pg_hba.conf on the server.",
    "no pg_hba.conf entry": "The gradebook's server lets nobody in from here under that name. Its "
    "administrator can, by a line in pg_hba.conf.",
    "permission denied for database": "The gradebook's server does not let you into that database. "
    "Have its administrator make you its owner.",
    "resolve host": "There is no computer of the name that the gradebook's URL gives. See "
    "DLCOURSE_GRADEBOOK.",
    "translate host name": "There is no computer of the name that the gradebook's URL gives. See "
    "DLCOURSE_GRADEBOOK.",
}
ABSENT = {
    "database": "There is no such database on the gradebook's server. Make it: `createdb NAME`.",
    "role": "The gradebook's server does not know that user. See DLCOURSE_GRADEBOOK.",
}
# What may pass by itself.
AWAY = {
    "too many": "The gradebook's server has no connection left to give. Wait until others are "
    "done, or have its administrator raise max_connections.",
    "remaining connection slots": "The gradebook's server has no connection left to give. Wait "
    "until others are done, or have its administrator raise max_connections.",
    "errors.DeadlockDetected": "The gradebook's server gave up on two that waited for each other.",
    **dict.fromkeys(
        (
            "errors.AdminShutdown",
            "errors.CannotConnectNow",
            "errors.CrashShutdown",
            "errors.IdleInTransactionSessionTimeout",
            "Connection refused",
            "No such file or directory",
            "No route to host",
            "Network is unreachable",
            "timeout expired",
            "timed out",
            "database system is",
            "server closed the connection",
            "connection is closed",
            "connection is lost",
            "connection is bad",
            "could not receive data",
            "could not send data",
            "consuming input failed",
        ),
        "The gradebook's server does not answer. See that it runs, and that DLCOURSE_GRADEBOOK "
        "names it.",
    ),
}
DRIVER = (
    "The gradebook is on PostgreSQL, and its driver is not installed: `pip install "
    "'dlcourse[postgresql]'`, and let DLCOURSE_GRADEBOOK begin with postgresql+psycopg://."
)
NO_URL = (
    "DLCOURSE_GRADEBOOK is no URL of a database. It should be one as in "
    "postgresql+psycopg://USER@HOST/DATABASE, or be unset for a file of SQLite's."
)
# Where a database's words begin, in whatever else was logged: students' words are none of them.
SPOKEN = re.compile(r"\b(sqlalchemy\.exc|sqlite3|psycopg2?)\.\w")


def trouble(said: str) -> GradebookError | None:
    """What to raise if the gradebook cannot be used, by what was logged; None if it can."""
    if "No module named 'psycopg" in said:
        return GradebookError(DRIVER)
    if not (spoken := SPOKEN.search(said)):
        return None
    # Parameters are the class's own: names, for example.
    said = re.sub(r"\[parameters: .*", "", said[spoken.start() :])
    for sign, sentence in TROUBLES.items():
        if sign in said:
            return GradebookError(sentence)
    if absent := re.search(r'\b(database|role) "[^"]*" does not exist', said):
        return GradebookError(ABSENT[absent[1]])
    for sign, sentence in AWAY.items():
        if sign in said and "psycopg" in said:
            return ServerAway(sentence)
    return None


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turns what a database raises into a GradebookError that says what to do."""
    try:
        yield
    except NoSuchModuleError:
        raise GradebookError(NO_URL) from None
    except ModuleNotFoundError as error:
        raise trouble(str(error)) or error from None
    except InvalidEntry as error:
        # nbgrader says so of whatever it could not write.
        raise trouble(str(error)) or error from error.__cause__
    except DBAPIError as error:
        raise trouble(f"sqlalchemy.exc.{error}") or _in_its_own_words(error) from error


def _in_its_own_words(error: DBAPIError) -> GradebookError:
    words = " ".join(str(error.orig).split())
    return GradebookError(f"The gradebook's database says: {words}.")
