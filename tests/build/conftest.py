"""The tiny course on disk, and a way to change one cell of it."""

from pathlib import Path

import nbformat
import pytest
from tiny import make_course

from dlcourse.build.sections import Section, notebook_text
from dlcourse.files import write_text


@pytest.fixture
def course(tmp_path) -> Section:
    """The tiny course on disk, not built yet."""
    return make_course(tmp_path)


@pytest.fixture
def edit():
    """A function that changes one cell of a notebook on disk."""

    def change(path: Path, cell_id: str, change_cell) -> None:
        nb = nbformat.read(path, as_version=4)
        change_cell(next(cell for cell in nb.cells if cell.id == cell_id))
        write_text(path, notebook_text(nb))

    return change
