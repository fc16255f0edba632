"""nbval itself, over a stored notebook, with the course's plug-in."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_output
from tiny import code, tiny_notebook

from dlcourse.build.sections import notebook_text, write_text
from dlcourse.build.solved import solve


@pytest.fixture
def stored(tmp_path):
    """A stored notebook with one cell of each kind; a function changes what one of them printed."""
    nb = solve(tiny_notebook())
    nb.cells = [cell for cell in nb.cells if cell.id in ("lesson", "luck")]
    nb.cells.append(code("sample", "print('a digit')", kind="data"))
    nb.metadata["dlcourse"] = {"profile": "full", "data": "mnist", "source": "synthetic"}
    printed = {"lesson": "42\n", "luck": "0.5\n", "sample": "a digit\n"}

    def store(**changed):
        for count, cell in enumerate(nb.cells, start=1):
            cell.execution_count = count
            text = (printed | changed)[cell.id]
            cell.outputs = [new_output("stream", text=text)]
        write_text(tmp_path / "stored.ipynb", notebook_text(nb))
        return tmp_path / "stored.ipynb"

    return store


def nbval(path, source="synthetic"):
    """What nbval says of a notebook on a machine with that data source."""
    environ = {**os.environ, "DLCOURSE_SOURCE": source}
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "dlcourse.build.nbval"]
    return subprocess.run(
        [*command, "-q", "--color=no", "-rf", path.name],
        cwd=path.parent,
        env=environ,
        capture_output=True,
        text=True,
    )


def test_a_notebook_that_prints_what_it_stored_passes(stored):
    # The training cell stored 0.5 and prints something else each time: it is not compared.
    run = nbval(stored())
    assert run.returncode == 0, run.stdout
    assert "3 passed" in run.stdout


def test_a_structural_cell_that_differs_fails_by_the_name_of_its_cell(stored):
    run = nbval(stored(lesson="41\n"))
    assert run.returncode == 1
    assert "stored.ipynb, cell lesson" in run.stdout


def test_a_data_cell_that_differs_fails_where_the_same_source_is_at_hand(stored):
    run = nbval(stored(sample="another digit\n"))
    assert run.returncode == 1
    assert "stored.ipynb, cell sample" in run.stdout


def test_a_data_cell_is_not_compared_with_another_source(stored):
    path = stored(sample="another digit\n")
    nb = nbformat.read(path, as_version=4)
    nb.metadata["dlcourse"]["source"] = "real"
    write_text(path, notebook_text(nb))
    assert nbval(path).returncode == 0
