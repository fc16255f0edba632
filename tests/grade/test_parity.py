"""Honest work earns what stock nbgrader gives for it, cell by cell, but for documented differences.

Few submissions here, with many answers each; `benchmarks/parity.py` has all kinds of them.
"""

import pytest
from parity import (
    STDERR,
    WRITTEN,
    Compared,
    Kind,
    adds_cells,
    compare,
    edits_text,
    mixed,
    shows_progress,
    was_run_before,
)

from dlcourse.settings import settings

pytestmark = pytest.mark.long

SEED = 1
CLASS = {
    "01_tensors": Kind("messy", mixed, (shows_progress, adds_cells, edits_text, was_run_before)),
    "02_mnist_dense": Kind("mixed", mixed),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_SOURCE", "synthetic")
        settings.cache_clear()
        yield [
            cell
            for section, kind in CLASS.items()
            for cell in compare(tmp_path_factory.mktemp(section), section, [kind], SEED)
        ]
    settings.cache_clear()


def test_every_score_is_stock_nbgraders_or_differs_as_documented(cells):
    assert [str(cell) for cell in cells if not cell.as_documented] == []


@pytest.mark.parametrize("reason", [WRITTEN, STDERR])
def test_what_is_documented_to_differ_does(cells, reason):
    assert [cell for cell in cells if cell.reason == reason and cell.stock != cell.ours]


@pytest.mark.parametrize("section", CLASS)
def test_right_and_wrong_answers_are_among_those_compared(cells, section):
    agreed = [cell.ours for cell in cells if cell.section == section and cell.reason is None]
    assert any(score == most for score, most in agreed)
    assert any(score == 0 for score, most in agreed)


@pytest.mark.parametrize(
    ("ours", "stock", "reason"),
    [
        ((1, 1), (0, 1), None),
        ((0, 1), (1, 1), None),
        ((1, 1), (1, 2), None),
        ((1, 1), (1, 1), WRITTEN),
        ((0, 1), (0, 1), WRITTEN),
        ((0, 1), (1, 1), WRITTEN),
    ],
)
def test_another_difference_would_be_noticed(ours, stock, reason):
    assert not Compared("section", "student", "cell", ours, stock, reason).as_documented
