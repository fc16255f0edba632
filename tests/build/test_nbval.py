"""nbval itself, over a stored notebook, with the course's plug-in."""

import os
import subprocess
import sys

import pytest
from nbformat.v4 import new_output
from tiny import code, tiny_notebook

from dlcourse.build.sections import notebook_text
from dlcourse.build.solved import solve
from dlcourse.files import write_text

# Name -> the source of its data, and what its cells printed when it was stored. The "luck" of a
# training is another one each time.
PRINTED = {"lesson": "42\n", "luck": "0.5\n", "sample": "a digit\n"}
STORED = {
    "same": ("synthetic", PRINTED),
    "lesson_differs": ("synthetic", PRINTED | {"lesson": "41\n"}),
    "data_differ": ("synthetic", PRINTED | {"sample": "another digit\n"}),
    "of_other_data": ("real", PRINTED | {"sample": "another digit\n"}),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What nbval said of all stored notebooks, on a machine with synthetic data."""
    folder = tmp_path_factory.mktemp("stored")
    for name, (source, printed) in STORED.items():
        nb = solve(tiny_notebook())
        nb.cells = [cell for cell in nb.cells if cell.id in ("lesson", "luck")]
        nb.cells.append(code("sample", "print('a digit')", kind="data"))
        nb.metadata["dlcourse"] = {"profile": "full", "data": "mnist", "source": source}
        for count, cell in enumerate(nb.cells, start=1):
            cell.execution_count = count
            cell.outputs = [new_output("stream", text=printed[cell.id])]
        write_text(folder / f"{name}.ipynb", notebook_text(nb))
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "dlcourse.build.nbval"]
    return subprocess.run(
        [*command, "-q", "--color=no", "-rf", *(f"{name}.ipynb" for name in STORED)],
        cwd=folder,
        env={**os.environ, "DLCOURSE_SOURCE": "synthetic"},
        capture_output=True,
        text=True,
    )


def failed(run, name):
    """What the summary says of the cells of a notebook that failed."""
    return [line for line in run.stdout.splitlines() if line.startswith(f"FAILED {name}.ipynb")]


def test_a_notebook_that_prints_what_it_stored_passes(run):
    # The training cell stored 0.5 and prints something else each time: it is not compared.
    assert failed(run, "same") == []
    assert "2 failed, 10 passed" in run.stdout


def test_a_structural_cell_that_differs_fails_by_the_name_of_its_cell(run):
    assert run.returncode == 1
    assert len(failed(run, "lesson_differs")) == 1
    assert "lesson_differs.ipynb, cell lesson" in run.stdout


def test_a_data_cell_that_differs_fails_where_the_same_source_is_at_hand(run):
    assert len(failed(run, "data_differ")) == 1
    assert "data_differ.ipynb, cell sample" in run.stdout


def test_a_data_cell_is_not_compared_with_another_source(run):
    assert failed(run, "of_other_data") == []
