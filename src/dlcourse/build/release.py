"""`source/` -> `release/`: the students' versions, made by nbgrader's own generate_assignment."""

import logging
import shutil
import tempfile
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from dlcourse.build.sections import BuildError, Section, notebook_text, read_notebook


def load_config(root: Path) -> Config:
    """The course's nbgrader configuration, as nbgrader itself would read it."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()


def release_texts(root: Path, sections: list[Section]) -> dict[Section, str]:
    """The text of each section's release, generated aside: nothing under `root` is touched.

    All sections share one process and one throwaway gradebook; the text depends on `source/` alone.
    """
    with tempfile.TemporaryDirectory(prefix="dlcourse-release-") as folder:
        shutil.copytree(root / "source", Path(folder) / "source")
        config = load_config(root)
        config.CourseDirectory.root = folder
        config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        coursedir = CourseDirectory(config=config)
        api = NbGraderAPI(coursedir, config=config)
        return {section: _generate(api, section, Path(folder)) for section in sections}


def _generate(api: NbGraderAPI, section: Section, folder: Path) -> str:
    # nbgrader reports each file and cell; the build reports only what went wrong.
    with _quiet(logging.getLogger("traitlets")):
        outcome = api.generate_assignment(section.name)
    if not outcome["success"]:
        reason = (outcome["error"] or outcome["log"] or "").strip().splitlines()
        raise BuildError(
            f"{section.source.relative_to(section.root)} cannot be released: "
            f"{reason[-1] if reason else 'nbgrader gave no reason'}"
        )
    made = Section(folder, section.name, section.notebook).release
    return notebook_text(read_notebook(made))


class _quiet:  # noqa: N801 - reads as a verb where it is used
    def __init__(self, logger: logging.Logger):
        self.logger = logger

    def __enter__(self) -> None:
        self.level = self.logger.level
        self.logger.setLevel(logging.CRITICAL)

    def __exit__(self, *_) -> None:
        self.logger.setLevel(self.level)
