"""The tiny course on disk, and a way to change one cell of it."""

import shutil
from pathlib import Path

import nbformat
import pytest
from tiny import tiny_notebook

from dlcourse.build.sections import Section, notebook_text, write_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path) -> Section:
    """The tiny course on disk, not built yet."""
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "src" / "dlcourse").mkdir(parents=True)
    section = Section(tmp_path, "01_doubling", "doubling")
    write_text(section.source, notebook_text(tiny_notebook()))
    return section


@pytest.fixture
def edit():
    """A function that changes one cell of a notebook on disk."""

    def change(path: Path, cell_id: str, change_cell) -> None:
        nb = nbformat.read(path, as_version=4)
        change_cell(next(cell for cell in nb.cells if cell.id == cell_id))
        write_text(path, notebook_text(nb))

    return change
