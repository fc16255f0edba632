"""Sections 07 to 09 from end to end on the book's own base, VGG16, with random weights.

Its real weights cannot be had everywhere; that its shapes, sizes and layers' names work can be seen
without them. What such a base leads to is no measurement, and every notebook says so.
"""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = ("07_feature_extraction", "08_fine_tuning", "09_visualizing")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_a_section_runs_on_vgg16_and_says_that_nothing_is_measured(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_BASE", "untrained")
    monkeypatch.setenv("DLCOURSE_PROFILE", "fast")
    monkeypatch.setenv("DLCOURSE_SOURCE", "synthetic")
    nb = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    options = {"kernel_name": "dlcourse", "timeout": 1800}
    # It stops at the first cell that fails.
    NotebookClient(nb, **options, resources={"metadata": {"path": tmp_path}}).execute()
    said = "\n".join(text for cell in nb.cells for text in texts(cell))
    assert "VGG16 WITH RANDOM WEIGHTS IS THE BASE" in said
    assert "not measured: its base has random weights" in said


def texts(cell):
    """What a cell printed and showed, as text."""
    for output in cell.get("outputs", ()):
        yield output.get("text") or output.get("data", {}).get("text/plain", "")
