"""One submission, from `submitted/` to the gradebook and `feedback/`.

`run` grades it in a process of its own, so that whatever happens there stops no other. It prints
one line if there is no grade: the reason.
"""

import glob
import logging
import re
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

LOG = ".nbgrader.log"


class Course(CourseDirectory):
    """nbgrader's course, with a method that it calls and does not have."""

    def fail(self, message: str) -> None:
        """Refuses a submission whose timestamp.txt does not say when it was handed in."""
        raise ValueError(message)


def nbgrader_api(root: Path, release: Path | None = None) -> NbGraderAPI:
    """nbgrader, configured as the course in `root` has it; it writes releases to `release`."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    if release:
        config.CourseDirectory.release_directory = str(release)
    return NbGraderAPI(Course(config=config), config=config)


def submitted_folder(root: Path, section: str, student: str) -> Path:
    return root / "submitted" / student / section


def grade_submission(root: Path, section: str, student: str) -> str | None:
    """Autogrades a submission and writes its feedback; None, or why that was not possible."""
    api = nbgrader_api(root)
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        notebooks = [notebook.name for notebook in gradebook.find_assignment(section).notebooks]
        reason = missing(root, section, student, notebooks)
        if reason:
            _record_zero(gradebook, section, student)
            return reason
    # nbgrader takes the student for a pattern of file names.
    pattern = glob.escape(student)
    outcome = api.autograde(section, pattern)
    if not outcome["success"]:
        return f"could not be graded: {last_error(outcome)}"
    outcome = api.generate_feedback(section, pattern)
    if not outcome["success"]:
        return f"was graded, but has no feedback: {last_error(outcome)}"
    return None


def missing(root: Path, section: str, student: str, notebooks: list[str]) -> str | None:
    """A sentence that says which notebook was not handed in and what was, or None if it was."""
    folder = submitted_folder(root, section, student)
    absent = [name for name in notebooks if not (folder / f"{name}.ipynb").is_file()]
    if not absent:
        return None
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    where = folder.relative_to(root).as_posix()
    wanted = " and ".join(f"{name}.ipynb" for name in absent)
    return f"{where} has no {wanted}; it holds {', '.join(held) if held else 'nothing'}"


def last_error(outcome: dict) -> str:
    """The last line of the last traceback in what nbgrader logged, or of its own error."""
    # The log indents what follows a message by four; frames of a traceback are indented further.
    log = [line.removeprefix("    ") for line in outcome.get("log", "").splitlines()]
    for lines in (log, outcome.get("error", "").splitlines()):
        errors = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)]
        if errors:
            return errors[-1]
    return f"nbgrader gave no reason; see {LOG}"


def _record_zero(gradebook: Gradebook, section: str, student: str) -> None:
    gradebook.update_or_create_student(student)
    submission = gradebook.update_or_create_submission(section, student)
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            grade.auto_score = 0
            grade.needs_manual_grade = False
    gradebook.db.commit()


def log_to_file(root: Path) -> None:
    """Sends everything that nbgrader says in this process to the course's log."""
    logging.basicConfig(
        filename=root / LOG, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO
    )


def run(payload: dict, fds: list[int]) -> None:
    """A process that grades one submission and prints the reason if there is no grade."""
    root = Path(payload["root"])
    log_to_file(root)
    reason = grade_submission(root, payload["section"], payload["student"])
    if reason:
        print(reason, flush=True)
