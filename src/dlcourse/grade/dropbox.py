"""Collecting from an exchange into which everybody on the machine may write.

nbgrader itself warns where a submission is not of whom it names, and takes it all the same; it
follows links, so that who hands in a link to the gradebook hands in the gradebook, and may read it
in the feedback; and one folder with a strange name stops it for the whole class.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns, parse_utc

from dlcourse.run.exchange import Whole

# What nbgrader writes last when something is handed in.
LAST = ("timestamp.txt", "submission_secret.txt")
# (folder, names in it) -> those of the names that are to be left out.
Ignored = Callable[[str, list[str]], list[str]]


class Collect(Whole, ExchangeCollect):
    """Takes from each student's submission what is the student's own, and leaves out all else.

    With `check_owner` (nbgrader's default) the submission must belong to the Unix account of that
    name. What is left out is named in the log.
    """

    def _path_to_record(self, path: str) -> dict:
        try:
            record = super()._path_to_record(path)
            problem = self._problem(Path(path), record["username"])
        except (ExchangeError, OSError, OverflowError, ValueError) as error:
            record = {"filename": Path(path).name, "timestamp": parse_utc("1970-01-01 00:00 UTC")}
            problem = str(error)
        if problem:
            self.log.warning("%s is left out: %s", path, problem)
            # Nobody's, so that it does not come before what somebody handed in.
            record["username"] = path
        return record | {"problem": problem}

    def init_src(self) -> None:
        super().init_src()
        self.src_records = [record for record in self.src_records if not record["problem"]]

    def _problem(self, folder: Path, student: str) -> str:
        """Why a submission cannot be taken; "" if it can."""
        import pwd  # Other systems than Unix have no exchange, and should be told so by nbgrader.

        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return "it is not a folder."
        if not os.access(folder, os.R_OK | os.X_OK):
            return "its owner lets nobody read it."
        try:
            owner = pwd.getpwuid(found.st_uid).pw_name
        except KeyError:
            owner = f"the user {found.st_uid}"
        if self.check_owner and owner != student:
            return f"it names {student} and belongs to {owner}."
        if not all(_is_written(folder / name) for name in LAST):
            return "it was not handed in to the end."
        return ""

    def do_copy(self, src: str, dest: str, log: object = None) -> None:
        course = self.coursedir
        ignored = ignore_patterns(course.ignore, course.include, course.max_file_size, self.log)
        try:
            for path, why in copy_own(Path(src), Path(dest), ignored, 1000 * course.max_dir_size):
                self.log.warning("%s is left out: %s", path, why)
        except OSError:
            # What is there is not collected again.
            shutil.rmtree(dest, ignore_errors=True)
            raise


def _is_written(path: Path) -> bool:
    try:
        return path.lstat().st_size > 0
    except OSError:
        return False


def copy_own(source: Path, target: Path, ignored: Ignored, room: int) -> Iterator[tuple[Path, str]]:
    """Copies the folder `source` to `target`, which is new; (path, why) for what is left out.

    Left out are links, files of others than the folder's owner, and what is beyond `room` bytes.
    The owner may change the folder meanwhile: each file is opened once, and then looked at.
    """
    owner = source.lstat().st_uid
    unread: list[OSError] = []
    for folder, folders, names, fd in os.fwalk(source, onerror=unread.append):
        left_out = set(ignored(folder, folders + names))
        folders[:] = [name for name in folders if name not in left_out]
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True)
        for name in names:
            if name in left_out:
                continue
            content = _read_own(name, fd, owner, room)
            if isinstance(content, str):
                yield Path(folder, name), content
            else:
                (there / name).write_bytes(content)
                room -= len(content)
    yield from ((Path(error.filename), f"{error.strerror}.") for error in unread)


def _read_own(name: str, folder: int, owner: int, room: int) -> bytes | str:
    """A file's content, if it is the owner's and has room; else the reason that it is left out."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        return f"it is a link or cannot be read ({error.strerror})."
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return "it is not a file."
        if found.st_uid != owner:
            return "it belongs to somebody else."
        if found.st_size > room:
            return "the submission is too large (c.CourseDirectory.max_dir_size)."
        return file.read(found.st_size)
