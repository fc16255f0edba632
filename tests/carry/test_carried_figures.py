"""Figures: one record for a live figure, for axes, and for what came from the other side."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure as LiveFigure

from dlcourse import check
from dlcourse.grade.carry import CarryError, unpack


def curves():
    """A figure as a student would draw it."""
    figure = LiveFigure()
    figure.suptitle("Overfitting begins early")
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [0.9, 0.5, 0.2], label="training")
    left.plot([0.8, 0.6, 0.7])
    left.set(title="Loss", xlabel="epoch", ylabel="loss", xticks=[1, 2, 3])
    left.legend()
    right.bar(["cat", "dog"], [3, 4])
    right.imshow(np.zeros((2, 2)))
    return figure


def described(figure):
    """The record's values, with plain lists for the points."""
    return [
        (axes.title, axes.xlabel, axes.ylabel, axes.legend, axes.bars, axes.images)
        + tuple((line.label, line.x.tolist(), line.y.tolist()) for line in axes.lines)
        for axes in figure.axes
    ]


def test_a_figure_is_read_as_titles_labels_legend_and_lines():
    figure = check.figure(curves())
    assert figure.title == "Overfitting begins early"
    assert described(figure)[0] == (
        *("Loss", "epoch", "loss", ("training",), 0, 0),
        ("training", [1, 2, 3], [0.9, 0.5, 0.2]),
        ("", [0, 1, 2], [0.8, 0.6, 0.7]),
    )
    assert figure.axes[0].xticks == (1, 2, 3)


def test_bars_and_images_are_counted():
    bars = check.figure(curves()).axes[1]
    assert (bars.bars, bars.images) == (2, 1)


def test_a_carried_figure_reads_like_the_live_one(trip):
    live = curves()
    carried = trip(live)
    assert check.figure(carried).title == check.figure(live).title
    assert described(check.figure(carried)) == described(check.figure(live))


def test_axes_read_as_a_figure_that_has_only_these(trip):
    axes = curves().axes[0]
    assert described(check.figure(trip(axes))) == described(check.figure(axes))
    assert len(check.figure(axes).axes) == 1


def test_a_record_is_read_as_it_is():
    record = check.figure(curves())
    assert check.figure(record) is record


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "your figure should be a Matplotlib figure, but is None: does the function end"),
        ([1], "your figure should be a Matplotlib figure, but is a list with 1 entry."),
    ],
    ids=["None", "list"],
)
def test_what_is_no_figure_is_said_so(value, message):
    with pytest.raises(check.CheckFailed) as failure:
        check.figure(value)
    assert str(failure.value).startswith(message)


def test_an_object_that_claims_to_be_a_figure_is_none():
    class Claims:
        __class__ = LiveFigure

    with pytest.raises(check.CheckFailed, match="but is an object of type Claims"):
        check.figure(Claims())


def test_checking_does_not_import_matplotlib():
    source = "import sys, dlcourse.check; assert 'matplotlib' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", source], timeout=60).returncode == 0


AXES = {
    "k": "axes",
    "lines": [],
    **dict.fromkeys(("title", "xlabel", "ylabel"), ""),
    **dict.fromkeys(("legend", "xticks", "yticks"), {"k": "tuple", "v": []}),
    **dict.fromkeys(("bars", "images"), 0),
}
ROW = {"k": "array", "dtype": "<f8", "shape": [2], "b": 0}


@pytest.mark.parametrize(
    "node",
    [
        AXES | {"title": 1},
        AXES | {"legend": []},
        AXES | {"legend": {"k": "tuple", "v": [1]}},
        AXES | {"xticks": {"k": "tuple", "v": ["1"]}},
        AXES | {"bars": "many"},
        AXES | {"bars": True},
        AXES | {"lines": [1]},
        AXES | {"lines": [["", ROW]]},
        AXES | {"lines": [[1, ROW, ROW]]},
        AXES | {"lines": [["", ROW, 1]]},
        AXES | {"lines": [["", ROW, ROW | {"shape": [1, 2]}]]},
        AXES | {"lines": [["", ROW, ROW | {"dtype": "<i8"}]]},
        {"k": "figure", "title": "", "v": [1]},
        {"k": "figure", "title": None, "v": []},
        {"k": "figure", "title": "", "v": AXES},
    ],
    ids=str,
)
def test_what_is_no_figure_is_not_unpacked(node, frames):
    with pytest.raises(CarryError):
        unpack(frames(node, bytes(16)))


def test_these_nodes_are_right_but_for_what_the_tests_change(frames):
    node = {"k": "figure", "title": "", "v": [AXES | {"lines": [["", ROW, ROW]]}]}
    assert unpack(frames(node, bytes(16))).axes[0].lines[0].x.tolist() == [0, 0]
