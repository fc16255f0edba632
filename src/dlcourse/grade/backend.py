"""nbgrader as this course has it."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import Engine
from traitlets.config import Config, PyFileConfigLoader

from dlcourse.grade.database import address
from dlcourse.grade.troubles import in_sentences

LOG = ".nbgrader.log"


class Course(CourseDirectory):
    """nbgrader's course, with a method that it calls and does not have."""

    def fail(self, message: str) -> None:
        """Refuses a submission whose timestamp.txt does not say when it was handed in."""
        raise ValueError(message)


def nbgrader_api(root: Path, **changes: dict[str, object]) -> NbGraderAPI:
    """nbgrader, configured as the course in `root` is, apart from `changes`: class -> traits."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.merge(Config(changes))
    return NbGraderAPI(Course(config=config), config=config)


def lay_config(root: Path, aside: Path) -> None:
    """Configures the folder `aside` as the course in `root`, with a gradebook of its own there."""
    aside = aside.resolve()
    text = (root / "nbgrader_config.py").read_text("utf-8")
    place = f"c.CourseDirectory.root = {str(aside)!r}\n"
    gradebook = f"c.CourseDirectory.db_url = {f'sqlite:///{aside}/gradebook.db'!r}\n"
    (aside / "nbgrader_config.py").write_text(f"{text}\n{place}{gradebook}", "utf-8")


@contextmanager
def open_gradebook(course: CourseDirectory) -> Iterator[Gradebook]:
    """The gradebook of a course, which is made if there is none.

    Raises GradeError, saying what to do, if it cannot be used, then or while it is open.
    """
    address(course.db_url)
    with in_sentences(), Gradebook(course.db_url, course.course_id) as gradebook:
        yield gradebook


@contextmanager
def one_engine() -> Iterator[None]:
    """Has nbgrader use one database engine meanwhile, where it makes one each time it looks.

    With the engine SQLAlchemy keeps its connection, which nbgrader would close each time, and what
    it has compiled. That the gradebook has all its tables is looked up once, too.
    """
    make, made, complete = api.create_engine, {}, set()
    add_tables = api.Base.metadata.create_all

    def engine(url: str, **options: object) -> Engine:
        if url not in made:
            # A server may have restarted since the last time.
            made[url] = make(url, pool_pre_ping=True, **options)
            made[url].dispose = lambda: None
        return made[url]

    def tables(bind: Engine) -> None:
        if bind not in complete:
            add_tables(bind=bind)
            complete.add(bind)

    engines = mock.patch.object(api, "create_engine", engine)
    with engines, mock.patch.object(api.Base.metadata, "create_all", tables):
        try:
            yield
        finally:
            for each in made.values():
                Engine.dispose(each)


def all_said(outcome: dict) -> str:
    """What nbgrader logged, and its own error."""
    return f"{outcome.get('log') or ''} {outcome.get('error') or ''}"


def last_error(outcome: dict) -> str:
    """The last line of the last traceback in what nbgrader logged, or of its own error."""
    # The log indents what follows a message by four; frames of a traceback are indented further.
    log = [line.removeprefix("    ") for line in outcome.get("log", "").splitlines()]
    for lines in (log, outcome.get("error", "").splitlines()):
        errors = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)]
        if errors:
            return errors[-1]
    return f"nbgrader gave no reason; see {LOG}"


@contextmanager
def logged(root: Path) -> Iterator[None]:
    """Sends what nbgrader says in this process meanwhile, warnings too, to the course's log."""
    handler = logging.FileHandler(root / LOG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)
        handler.close()
