"""A hidden test that asks for less than it should is found: a known wrong answer passes it."""

import shutil

import nbformat
import pytest
from grade_answers import ROOT, graded

from dlcourse.grade.notebook import grade_id

# section, exercise, what its hidden tests say, what they say instead, and who gets away with it.
WEAKENED = [
    (
        "01_tensors",
        "relu",
        'in ["float32", "float64", "int64"]',
        'in ["float64"]',
        "relu: float64",
    ),
    (
        "02_mnist_dense",
        "k-fold",
        "in ((12, 4), (11, 4), (20, 6), (5, 5), (9, 2))",
        "in ((12, 4), (5, 5))",
        "k-fold: drops remainder",
    ),
    (
        "03_convnets",
        "parameters",
        "for bias in (True, False)",
        "for bias in (True,)",
        "parameters: use_bias ignored",
    ),
    (
        "05_small_data",
        "best-epoch",
        'history["val_loss"][70] = history["val_loss"][20] = 0.1',
        'history["val_loss"][20] = 0.1',
        "best-epoch takes the last of equal minima",
    ),
    (
        "08_fine_tuning",
        "smooth",
        "in ((12, 0.8), (7, 0.5), (30, 0.95), (5, 0.0), (1, 0.8))",
        "in ((12, 0.8), (1, 0.8))",
        "smooth: always 0.8",
    ),
]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("section", "exercise", "asked", "less", "name"), WEAKENED)
def test_a_weakened_hidden_test_lets_a_known_wrong_answer_pass(
    tmp_path, section, exercise, asked, less, name
):
    shutil.copytree(ROOT / "source" / section, tmp_path / "source" / section)
    (path,) = (tmp_path / "source" / section).glob("*.ipynb")
    nb = nbformat.read(path, as_version=4)
    (tests,) = (cell for cell in nb.cells if grade_id(cell) == f"{exercise}-tests")
    assert asked in tests.source
    tests.source = tests.source.replace(asked, less)
    nbformat.write(nb, path)

    source = tmp_path / "source"
    outcomes = graded(tmp_path / "class", [section], exercise=exercise, source=source)

    passed = {one.name for one in outcomes if not one.is_right and one.is_accepted}
    assert name in passed
    assert all(one.is_accepted for one in outcomes if one.is_right)
