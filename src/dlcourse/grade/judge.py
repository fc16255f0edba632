"""Judging one submission: from what was handed in to notebooks that carry their verdicts.

Nothing here opens the gradebook or changes what was handed in, so that any number of processes may
judge at once, and one that is killed has done no harm.
"""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.utils import find_all_files

from dlcourse.grade.backend import nbgrader_api, open_gradebook
from dlcourse.grade.execution import ExecuteSubmission
from dlcourse.grade.intake import Expected, take_in
from dlcourse.grade.masters import Master, restore
from dlcourse.grade.notebook import (
    read_or_say_why_not,
    repairs,
    source_cells,
    take_down,
)
from dlcourse.grade.plugins import masters_of, places_of
from dlcourse.grade.verdicts import KEY, leave_verdicts

Masters = dict[str, Master]


def masters(api: NbGraderAPI, section: str) -> dict[str, dict]:
    """What judging needs to know of the gradebook: notebook -> its cells, as JSON can carry them.

    They are those that the section was released with, by name, in the form of `asdict(Master)`.
    Nothing if the gradebook does not know the section, or other notebooks than source/ has.
    """
    found = {}
    unknown = suppress(MissingEntry, FileNotFoundError)
    with open_gradebook(api.coursedir) as gradebook, unknown:
        for notebook in gradebook.find_assignment(section).notebooks:
            places = places_of(_cells(api, section, notebook.name))
            known = masters_of(notebook, places, api)
            found[notebook.name] = {name: asdict(master) for name, master in known.items()}
    return found


def files_of(api: NbGraderAPI, root: Path, section: str) -> dict[str, Path]:
    """What the course hands out beside a section's notebooks: places there -> files."""
    source = root / "source" / section
    found = find_all_files(str(source), [*api.coursedir.ignore, "*.ipynb"])
    return {Path(name).relative_to(source).as_posix(): Path(name) for name in found}


class Judge:
    """Judges the submissions of one course, one after the other.

    masters: section -> what `masters` says of it.
    """

    def __init__(self, root: Path, masters: dict[str, dict[str, dict]]) -> None:
        self._root, self._api = root, nbgrader_api(root)
        self._masters = {
            section: {name: _as_masters(known) for name, known in notebooks.items()}
            for section, notebooks in masters.items()
        }

    def judge(self, section: str, student: str, into: Path) -> str | None:
        """Fills the new folder `into`; None, or the reason why there is nothing to judge.

        In the folder is all that was handed in, and under their right names the section's
        notebooks, put right and run, with their verdicts.
        """
        reason, repairs = self.take_in(section, student, into)
        if not reason:
            self.run(section, student, into, repairs)
        return reason

    def take_in(self, section: str, student: str, into: Path) -> tuple[str | None, tuple[str, ...]]:
        """The first half of `judge`: fills the new folder `into`, runs nothing.

        Returns the reason why there is nothing to judge, or None, and what `run` is to be told.
        """
        expected = [_expected(name, known) for name, known in self._masters[section].items()]
        intake = take_in(self._root, section, student, expected, into)
        if intake.reason:
            return ". ".join([intake.reason, *intake.repairs]), ()
        self._add_the_courses_files(section, into)
        return None, intake.repairs

    def run(self, section: str, student: str, folder: Path, repairs: Sequence[str]) -> None:
        """The second half: runs the notebooks in `folder` and leaves their verdicts in them."""
        for name, known in self._masters[section].items():
            path = folder / f"{name}.ipynb"
            if path.is_file():
                self._judge(path, section, student, known, repairs)

    def _judge(
        self, path: Path, section: str, student: str, known: Masters, put_right: Sequence[str]
    ) -> None:
        start = time.monotonic()
        with path.open(encoding="utf-8") as stream:
            nb = read_or_say_why_not(stream, f"submitted/{student}/{section}/{path.name}")
        repairs(nb).extend(put_right)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        cells = _cells(self._api, section, path.stem)
        restore(nb, known, places_of(cells))
        resources = {
            "nbgrader": {"assignment": section, "notebook": path.stem, "student": student},
            "metadata": {"path": str(path.parent)},
            "unique_key": path.stem,
        }
        nb, resources = self._execute().preprocess(nb, resources)
        leave_verdicts(nb, resources[KEY])
        take_down(nb, time.monotonic() - start)
        # Not as notebooks are written for people, which takes ten times as long.
        path.write_text(json.dumps(nb), encoding="utf-8")

    def _execute(self) -> ExecuteSubmission:
        """nbgrader's step that runs a submission, standing where nbgrader itself has it."""
        converter = Autograde(coursedir=self._api.coursedir, parent=self._api)
        exporter = converter.exporter_class(parent=converter, config=converter.config)
        return ExecuteSubmission(parent=exporter, config=converter.config)

    def _add_the_courses_files(self, section: str, folder: Path) -> None:
        """Data and pictures that the course hands out beside its notebooks, in its own version."""
        for place, file in files_of(self._api, self._root, section).items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            shutil.copy(file, path)


def _as_masters(known: dict[str, dict]) -> Masters:
    return {
        name: Master(**(fields | {"info": NotebookNode(fields["info"])}))
        for name, fields in known.items()
    }


def _expected(name: str, known: Masters) -> Expected:
    answers = {
        grade_id: master.released for grade_id, master in known.items() if master.info.solution
    }
    return Expected(name, answers, frozenset(known))


def _cells(api: NbGraderAPI, section: str, notebook: str) -> list[NotebookNode]:
    return source_cells(api.coursedir, {"assignment": section, "notebook": notebook})
