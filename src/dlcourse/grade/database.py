"""The database that the gradebook is in: a file of SQLite's, or one on a PostgreSQL server.

`nbgrader_config.py` imports this, so that all programs connect in the same way: `dlcourse`,
formgrader, and each command of nbgrader's.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil
from nbgrader import api
from sqlalchemy import URL, Engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from dlcourse.grade.troubles import NO_URL, GradebookError, ServerAway, in_sentences

# Seconds: for somebody else to let go of a row or of the file, for a server to answer at all, and
# for one that has gone to come back.
LOCK, ANSWER, RESTART = 30, 10, 30
# What drivers take besides what the URL says.
OPTIONS = {
    "pysqlite": {"timeout": LOCK},
    "psycopg": {
        "connect_timeout": ANSWER,
        # A line that is cut does not tell.
        "keepalives_idle": LOCK,
        "tcp_user_timeout": 1000 * LOCK,
    },
}
# On these a write-ahead log is safe, which all who read or write must share memory for: they are
# of one machine. Whatever has another name might be a network's.
LOCAL = {"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
# Whoever writes into a gradebook on PostgreSQL holds this lock: any number that all agree on.
WRITING = 0x646C_6772
T = TypeVar("T")


@event.listens_for(Engine, "do_connect")
def _wait_for_answers(dialect, record, arguments, options) -> None:
    for name, value in OPTIONS.get(dialect.driver, {}).items():
        options.setdefault(name, value)


@event.listens_for(Engine, "connect")
def _prepare(connection, record) -> None:
    # What cannot be set, in a file that is damaged or may not be written, is left for its first use
    # to complain of.
    if isinstance(connection, sqlite3.Connection):
        with suppress(sqlite3.DatabaseError):
            _prepare_sqlite(connection)
    elif hasattr(connection, "pgconn"):
        connection.execute(f"SET lock_timeout = '{LOCK}s'")
        connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Has readers and a writer not wait for each other, where the file system allows it.

    Foreign keys stay as nbgrader has them with SQLite: not enforced.
    """
    _, _, path = connection.execute("PRAGMA database_list").fetchone()
    mode = "WAL" if path and file_system(Path(path).parent) in LOCAL else "DELETE"
    (mode,) = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    if mode == "wal":
        # A power cut may cost the last moments, and never the rest.
        connection.execute("PRAGMA synchronous = NORMAL")


@cache
def file_system(folder: Path) -> str:
    """What kind of file system a folder is on, as in ext4; "" where that cannot be found out."""
    place = folder.resolve()
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next((mounts[each] for each in (place, *place.parents) if each in mounts), "")


@event.listens_for(Session, "do_orm_execute")
def _go_on_after_a_restart(state) -> None:
    """Lets formgrader, which keeps one session for as long as it runs, have another connection.

    SQLAlchemy waits for somebody to say that what was begun on the lost one is given up. Where
    nothing was changed, nothing is.
    """
    session = state.session
    changed = session.new or session.dirty or session.deleted
    begun = session.bind is not None and session.is_active and session.in_transaction()
    if begun and not changed and session.connection().invalidated:
        session.rollback()


def address(url: str) -> URL:
    """Where the gradebook is; as text it hides a password.

    Raises GradebookError if `url` is none.
    """
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise GradebookError(NO_URL) from None


def reach(url: str) -> None:
    """Connects to the gradebook once; raises GradebookError, saying what to do, if it cannot."""
    with in_sentences():
        engine = api.create_engine(address(url))
        with engine.connect():
            pass
        engine.dispose()


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keeps whoever else grades into this gradebook from writing meanwhile, on any machine.

    On PostgreSQL; a gradebook of SQLite's belongs to one course folder, which is locked itself.
    """
    if address(url).get_backend_name() != "postgresql":
        yield
        return
    with in_sentences(), api.create_engine(url).connect() as connection:
        # It ends with the transaction, however that ends.
        connection.execute(select(func.pg_advisory_xact_lock(WRITING)))
        yield


def patiently(do: Callable[[], T]) -> T:
    """What `do` returns; called again while the server is away, as it is when it restarts.

    Raises ServerAway if it has not come back after RESTART seconds.
    """
    until = time.monotonic() + RESTART
    while True:
        try:
            return do()
        except ServerAway:
            if time.monotonic() > until:
                raise
        time.sleep(1)
