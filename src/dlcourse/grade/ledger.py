"""What of a class has been judged, from what, and how much of it the gradebook knows already.

A course keeps it in `.grading/`. For each submission there is a copy as it was judged, with the
verdicts in its notebooks, and an entry that says from what it was made: the key. What has another
key today is judged again, and nothing else. The folder may be deleted; it costs time, no grade.
"""

import fcntl
import hashlib
import json
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

import dlcourse
from dlcourse.files import write_text
from dlcourse.grade.workshop import environment

FOLDER = ".grading"
# What decides, besides the course's own code, how a submission is judged.
LIBRARIES = ("tensorflow", "keras", "numpy", "nbgrader", "nbclient", "ipykernel")
SETTINGS = ("DLCOURSE_", "KERAS_", "TF_")


class LedgerInUse(Exception):  # noqa: N818 - an event
    """Another process grades the same course."""


@dataclass(frozen=True)
class Entry:
    """What is known of one submission.

    key: what it was judged from; "" if it was not. reason: why there was nothing to judge, if so.
    points: grade_id -> those that the tests gave, None where only a person can tell; None before
    they stand in the gradebook. shown: what of the gradebook the feedback page was made from.
    """

    key: str = ""
    reason: str | None = None
    points: dict[str, float | None] | None = None
    shown: list = field(default_factory=list)


class Ledger:
    """The ledger of the course in `root`."""

    def __init__(self, root: Path) -> None:
        self.folder = Path(root) / FOLDER

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps others from writing to it meanwhile; LedgerInUse if somebody does already."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LedgerInUse from None
            yield

    @contextmanager
    def unfinished(self) -> Iterator[Path]:
        """A folder for what is not finished yet; what a run that was killed left there is gone."""
        folder = self.folder / "unfinished"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def judged(self) -> Path:
        """The folder of judged submissions, STUDENT/SECTION, as nbgrader reads submissions."""
        return self.folder / "judged"

    def is_entered(self, section: str, key: str, known: object) -> bool:
        """Whether the gradebook holds the section as it was entered last, from what `key` says.

        known: what the gradebook says of the section now, as JSON can carry it.
        """
        try:
            return json.loads(self._section(section).read_text("utf-8")) == [key, digest(known)]
        except (OSError, ValueError):
            return False

    def write_entered(self, section: str, key: str, known: object) -> None:
        write_text(self._section(section), json.dumps([key, digest(known)]))

    def _section(self, section: str) -> Path:
        return self.folder / "sections" / f"{section}.json"

    def entry(self, section: str, student: str) -> Entry:
        """What is known of a submission; an empty entry if nothing is, or nothing readable."""
        try:
            entry = Entry(**json.loads(self._path(section, student).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return Entry()
        if entry.key and not entry.reason and not (self.judged / student / section).is_dir():
            return Entry()
        return entry

    def write(self, section: str, student: str, entry: Entry) -> None:
        write_text(self._path(section, student), json.dumps(asdict(entry)))

    def keep(self, section: str, student: str, key: str, judged: Path | None, reason=None) -> None:
        """Takes what was judged, a folder that is moved here, or the reason why nothing was."""
        self.forget(section, student)
        place = self.judged / student / section
        if judged is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            judged.rename(place)
        self.write(section, student, Entry(key, reason))

    def forget(self, section: str, student: str) -> None:
        """Drops what is known of a submission."""
        with suppress(FileNotFoundError):
            self._path(section, student).unlink()
        if (place := self.judged / student / section).exists():
            shutil.rmtree(place)

    def _path(self, section: str, student: str) -> Path:
        return self.folder / "entries" / student / f"{section}.json"


def digest(*content: object) -> str:
    """SHA-256, in hex, of what JSON can carry."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def section_key(root: Path, section: str, isolation: str) -> str:
    """Changes when anything does that could change a verdict, other than the submission itself."""
    digest = hashlib.sha256(json.dumps(versions()).encode())
    digest.update(isolation.encode())
    files = [path for path in sorted((root / "source" / section).rglob("*")) if path.is_file()]
    for path in [root / "nbgrader_config.py", *files]:
        digest.update(f"\n{path.relative_to(root)}\n".encode())
        digest.update(path.read_bytes())
    digest.update(json.dumps(chosen_settings(), sort_keys=True).encode())
    return digest.hexdigest()


def chosen_settings() -> dict[str, str]:
    """What of the environment decides how a submission is judged."""
    return {k: v for k, v in environment().items() if k.startswith(SETTINGS)}


@cache
def versions() -> dict[str, str]:
    """Of Python, of the libraries that decide, and of the course's own code, by name."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    code = hashlib.sha256()
    folder = Path(dlcourse.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        code.update(path.read_bytes())
    return {**found, "dlcourse": f"{dlcourse.__version__} ({code.hexdigest()[:12]})"}
