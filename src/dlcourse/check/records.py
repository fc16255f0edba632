"""What a check sees of a figure: what it says and which lines it shows, as plain records.

    figure = check.figure(check.call(plot_curves, history))
    check.that("epoch" in figure.axes[0].xlabel.lower(), "Label the x axis: it counts epochs.")

A test reads the same record from a live Matplotlib figure and from one that was carried from the
student's process. Matplotlib is not imported: whoever has a figure has imported it.
"""

import sys
from dataclasses import dataclass, field

import numpy as np

from dlcourse.check.core import describe, is_a
from dlcourse.check.failures import CheckFailed


@dataclass(frozen=True, eq=False)
class Line:
    """A drawn line: label ("" if it has none), and its points as float64 arrays of one length."""

    label: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Axes:
    """One coordinate system of a figure; a text that was not set is "".

    legend: the texts of its entries. xticks, yticks: positions. bars, images: how many there are.
    """

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    legend: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    xticks: tuple[float, ...] = field(default=(), repr=False)
    yticks: tuple[float, ...] = field(default=(), repr=False)
    bars: int = 0
    images: int = 0


@dataclass(frozen=True)
class Figure:
    """A figure: the title above all of it ("" if none), and its axes in the order of drawing."""

    title: str = ""
    axes: tuple[Axes, ...] = ()


def figure(value: object, what: str = "your figure") -> Figure:
    """The record of a live figure, of live axes (a figure that has only these), or of a record.

    Raises CheckFailed if `value` is none of them.
    """
    record = value if is_a(value, Figure, Axes) else record_of(value)
    if is_a(record, Axes):
        return Figure(axes=(record,))
    if record is None:
        end = ": does the function end with `return figure`?" if value is None else "."
        raise CheckFailed(f"{what} should be a Matplotlib figure, but is {describe(value)}{end}")
    return record


def record_of(value: object) -> Figure | Axes | None:
    """The record of a live Matplotlib figure or axes; None for anything else."""
    if "matplotlib.figure" not in sys.modules:
        return None
    from matplotlib.axes import Axes as LiveAxes
    from matplotlib.figure import Figure as LiveFigure

    # Not isinstance: an object may claim any class.
    if issubclass(type(value), LiveFigure):
        return Figure(value.get_suptitle(), tuple(map(_axes, value.axes)))
    return _axes(value) if issubclass(type(value), LiveAxes) else None


def _axes(axes) -> Axes:
    legend = axes.get_legend()
    return Axes(
        title=axes.get_title(),
        xlabel=axes.get_xlabel(),
        ylabel=axes.get_ylabel(),
        legend=tuple(text.get_text() for text in legend.get_texts()) if legend else (),
        lines=tuple(map(_line, axes.lines)),
        xticks=tuple(map(float, axes.get_xticks())),
        yticks=tuple(map(float, axes.get_yticks())),
        bars=sum(len(group) for group in axes.containers if hasattr(group, "patches")),
        images=len(axes.images),
    )


def _line(line) -> Line:
    label = line.get_label()
    x, y = (np.array(values, np.float64) for values in line.get_data(orig=False))
    # Matplotlib itself labels lines that have no label, with an underscore in front.
    return Line("" if label.startswith("_") else label, x, y)
