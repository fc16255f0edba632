"""The opening of a notebook: quiet, seeded, and plain about what one works with."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from dlcourse.data import Origin
from dlcourse.sections import UnknownSection, section
from dlcourse.teach.setup import Fact, banner, facts

OPENING = "from dlcourse.teach import setup\nsetup('02_mnist_dense')"
FIRST_OP = "import keras\nkeras.ops.ones((2, 2)) @ keras.ops.ones((2, 2));"
FITS = """import numpy as np
for units in range(1, 9):
    model = keras.Sequential([keras.layers.Dense(units)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 2)), np.ones((4, units)), verbose=0)
    model.predict(np.ones((units, 2)), verbose=0)
"""
DRAW = "print(np.random.random(), keras.random.uniform((1,)).numpy())"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A notebook that opens, computes, fits and draws, executed in the course's own kernel."""
    cells = [nbformat.v4.new_code_cell(source) for source in (OPENING, FIRST_OP, FITS, DRAW)]
    nb = nbformat.v4.new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_SOURCE", "synthetic")
        patch.setenv("DLCOURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        NotebookClient(nb, kernel_name="dlcourse", timeout=300).execute()
    return nb


def test_nothing_that_tensorflow_says_reaches_the_notebook(notebook):
    shown = [output for cell in notebook.cells[:3] for output in cell.outputs]
    assert [output.output_type for output in shown] == ["display_data"]


def test_the_banner_says_versions_device_profile_data_and_points(notebook):
    text = notebook.cells[0].outputs[0].data["text/plain"]
    for name in ("Versions:", "Device:", "Profile:", "Data:", "Points:"):
        assert name in text


def test_synthetic_data_are_announced_in_text_and_html(notebook):
    data = notebook.cells[0].outputs[0].data
    assert data["text/plain"].startswith("***")
    assert "role='alert'" in data["text/html"]


@pytest.mark.long
def test_random_numbers_are_the_same_every_time(notebook):
    again = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (OPENING, FIRST_OP, FITS, DRAW)]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_SOURCE", "synthetic")
        NotebookClient(again, kernel_name="dlcourse", timeout=300).execute()
    assert again.cells[3].outputs[0].text == notebook.cells[3].outputs[0].text


def test_real_data_need_no_warning():
    origin = Origin("mnist", "real", "Real MNIST <here>.", Path("mnist.npz"))
    html, text = banner("Tensors", [Fact("Data", origin.where)], origin)
    assert "alert" not in html
    assert "&lt;here&gt;" in html
    assert text == "Tensors\nData:     Real MNIST <here>."


def test_the_warning_says_which_data_are_synthetic_and_what_fetches_the_real_ones():
    origin = Origin("cats-and-dogs", "synthetic", "Drawn.", Path("synthetic"))
    for shown in banner("A convnet", [], origin):
        assert "not photographs" in shown
        assert "dlcourse data cats-and-dogs" in shown


def test_a_lesson_without_exercises_says_that_there_is_nothing_to_hand_in():
    asked = {"points": 0, "exercises": {}, "written": {}}
    origin = Origin("mnist", "real", "Real MNIST.", Path("mnist.npz"))
    points = {fact.name: fact.value for fact in facts(asked, None, origin)}["Points"]
    assert points == "none: this section is a lesson, with nothing to hand in"


def test_an_unknown_section_is_refused_with_the_known_ones():
    with pytest.raises(UnknownSection, match="02_mnist_dense"):
        section("02_mnist")


def test_what_an_import_says_is_shown_when_it_fails():
    program = (
        "import os, sys\n"
        "from dlcourse.teach.setup import _stderr_held_back\n"
        "with _stderr_held_back():\n"
        "    os.write(2, b'held, then let out')\n"
        "    raise ImportError('no such library')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr.startswith("held, then let out")
    assert "no such library" in run.stderr


def test_what_an_import_says_is_dropped_when_it_succeeds():
    program = (
        "import os, sys\n"
        "from dlcourse.teach.setup import _stderr_held_back\n"
        "with _stderr_held_back():\n"
        "    os.write(2, b'chatter')\n"
        "print('after', file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr == "after\n"
