"""Fine-tuning: which layers of a base are open and how much they hold, and curves smoothed."""

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import BLUE, GREY, ORANGE, Picture, new_figure, plain_axes
from dlcourse.teach.redrawn import Panels

# The factors that `smoothing_explorer` offers.
FACTORS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


def draw_open_layers(base: object, top_block: str) -> Picture:
    """The convolutions of a base from top to bottom, each as long as it has weights.

    top_block: the name of the layer from which on they are open in fine-tuning.
    """
    start = base.layers.index(base.get_layer(top_block))
    shown = [
        (layer.name, layer.count_params(), place >= start)
        for place, layer in enumerate(base.layers)
        if layer.count_params() and hasattr(layer, "kernel_size")
    ]
    figure = new_figure(8.5, 0.24 * len(shown) + 1.2)
    axes = figure.subplots()
    for place, (_, count, opened) in enumerate(shown):
        style = {"color": ORANGE, "hatch": "//", "edgecolor": "white"} if opened else {}
        axes.barh(place, count, **({"color": BLUE} | style))
    axes.set_yticks(range(len(shown)), [name for name, *_ in shown], fontsize=8)
    axes.set(ylim=(len(shown) - 0.4, -0.6), xlabel="parameters of the layer")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    plain_axes(axes)
    axes.grid(axis="y", visible=False)
    share = sum(count for _, count, opened in shown if opened) / sum(count for _, count, _ in shown)
    axes.set_title(f"From {top_block} on (orange): {share:.0%} of the convolutions' parameters")
    _legend(axes)
    opened = sum(opened for *_, opened in shown)
    alt = (
        f"{len(shown)} convolutions as bars of their parameters; the last {opened}, from "
        f"{top_block} on, hold {share:.0%} of all."
    )
    return Picture(figure, alt)


def _legend(axes: object) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=BLUE, label="stays frozen"),
        Patch(facecolor=ORANGE, hatch="//", edgecolor="white", label="top block, to be opened"),
    ]
    axes.legend(handles=handles, frameon=False, loc="upper right")


def moving_average(points: Sequence[float], factor: float) -> list[float]:
    """The exponential moving average: each value is factor * the last one + (1 - factor) * point.

    The first point stays as it is.
    """
    smoothed: list[float] = []
    for point in points:
        last = smoothed[-1] if smoothed else point
        smoothed.append(factor * last + (1 - factor) * point)
    return smoothed


def draw_smoothed(points: Sequence[float], factor: float = 0.8) -> Picture:
    """A validation accuracy by epoch, and its exponential moving average over it."""
    return _Smoothed(points).show(points, factor)


def smoothing_explorer(points: Sequence[float]) -> Explorer:
    """Move the factor: what does the smoothed curve show, and how far does it lag behind?

    points: an accuracy per epoch, shown with some that are made up: a climb and a sudden fall.
    """
    series = {"your training": list(points), "a climb that ends": climb(), "a sudden fall": fall()}
    which = widgets.Dropdown(options=list(series), description="points")
    factor = widgets.SelectionSlider(options=FACTORS, value=0.8, description="factor")
    panels = {name: _Smoothed(values) for name, values in series.items()}

    def draw(which: str, factor: float) -> Picture:
        return panels[which].show(series[which], factor)

    inputs = [which, factor]
    return Explorer(widgets.HBox(inputs), inputs, draw)


def climb() -> list[float]:
    """Forty noisy accuracies that climb for fifteen epochs and then stand still."""
    noise = np.random.default_rng(8).normal(0, 0.012, 40)
    return (0.9 + 0.06 * np.minimum(np.arange(40) / 15, 1) + noise).tolist()


def fall() -> list[float]:
    """Forty noisy accuracies that fall by a tenth in the middle."""
    noise = np.random.default_rng(9).normal(0, 0.008, 40)
    return (0.96 - 0.1 * (np.arange(40) >= 20) + noise).tolist()


class _Smoothed(Panels):
    """Points, and the line through them."""

    def __init__(self, points: Sequence[float]) -> None:
        super().__init__(8, 3.6)
        axes = self.figure.subplots()
        steps = np.arange(1, len(points) + 1)
        axes.plot(steps, points, "o", color=GREY, markersize=4, label="measured")
        (self.line,) = axes.plot(steps, points, color=ORANGE, linewidth=2.5, label="smoothed")
        axes.set(xlabel="epoch", ylabel="validation accuracy")
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain_axes(axes)
        axes.legend(frameon=False, loc="lower right")
        self.title = axes.set_title("Smoothed with a factor of 0.00")
        self.settle()

    def show(self, points: Sequence[float], factor: float) -> Picture:
        """The picture for this factor; the next call draws over it."""
        smoothed = moving_average(points, factor)
        self.line.set_ydata(smoothed)
        said = f"Smoothed with a factor of {factor:g}" if factor else "As measured, epoch by epoch"
        self.title.set_text(said)
        low, high = min(points), max(points)
        return self.picture(
            f"{said}: {len(points)} points from {low:.3f} to {high:.3f}, the last is "
            f"{points[-1]:.3f}; the line is at {smoothed[-1]:.3f} at the end."
        )
