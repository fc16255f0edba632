"""A digit that moves: what a dense network and a convnet read, and what moves along inside."""

import itertools

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.learned import feature_maps
from dlcourse.teach.pictures import BLUE, GREY, ORANGE, Picture, new_figure, plain_axes
from dlcourse.teach.redrawn import Panels
from dlcourse.teach.response import as_floats

# Pixels that the explorer moves a digit by, at most.
REACH = 8
NAMES = ("dense network", "convnet")


def shift(images: np.ndarray, dx: int, dy: int = 0) -> np.ndarray:
    """Pictures moved by `dx` pixels to the right and `dy` down; black comes in, the rest is lost.

    images: (..., height, width), of any dtype. Returns a new array like it.
    """
    images = np.asarray(images)
    moved = np.zeros_like(images)
    places = [_overlap(by, side) for by, side in zip((dy, dx), images.shape[-2:], strict=True)]
    (rows, from_rows), (columns, from_columns) = places
    moved[..., rows, columns] = images[..., from_rows, from_columns]
    return moved


def draw_shift_curve(shifts: list[int], dense: list[float], convnet: list[float]) -> Picture:
    """The accuracy of both networks against the pixels that all digits were moved by.

    dense, convnet: an accuracy (a fraction of one) for each of `shifts`.
    """
    figure = new_figure(7, 3.8)
    axes = figure.subplots()
    for name, values, colour, marker in zip(
        NAMES, (dense, convnet), (BLUE, ORANGE), "os", strict=True
    ):
        axes.plot(shifts, values, color=colour, marker=marker, label=name)
    axes.axhline(0.1, color=GREY, linestyle=":", label="guessing")
    axes.set(
        ylim=(0, 1.02),
        xlabel="pixels to the right",
        ylabel="share read right",
        title="Moved digits: the convnet holds out longer, and not for ever",
    )
    axes.set_xticks(shifts)
    axes.legend(frameon=False)
    plain_axes(axes)
    said = ", ".join(
        f"{by} pixels {a:.2f} against {b:.2f}"
        for by, a, b in zip(shifts, dense, convnet, strict=True)
    )
    return Picture(figure, f"Share read right, dense network against convnet: {said}.")


def probabilities(model: object, image: np.ndarray) -> np.ndarray:
    """A model's answer to one picture (height, width): (classes,). Rows or pictures, as it asks."""
    pixels = as_floats(image).astype("float32")
    shape = (1, pixels.size) if len(model.input_shape) == 2 else (1, *pixels.shape, 1)
    return np.asarray(model(pixels.reshape(shape), training=False))[0]


def draw_shifted(
    image: np.ndarray, label: int, dense: object, convnet: object, dx: int = 3, dy: int = 0
) -> Picture:
    """A moved digit, a first-layer feature map of it, and what both networks read."""
    return _Moved(image, convnet).show(image, label, dense, convnet, dx, dy)


def shift_explorer(
    images: np.ndarray, labels: np.ndarray, dense: object, convnet: object
) -> Explorer:
    """Move a digit with two sliders, and see what both networks read.

    images: (n, height, width); labels: (n,). dense takes rows, convnet pictures with one channel.
    """
    digit = widgets.IntSlider(min=0, max=len(images) - 1, description="digit")
    right, down = (
        widgets.IntSlider(min=-REACH, max=REACH, value=value, description=name)
        for name, value in (("to the right", 3), ("down", 0))
    )
    panels = _Moved(images[0], convnet)

    def draw(digit: int, dx: int, dy: int) -> Picture:
        return panels.show(images[digit], int(labels[digit]), dense, convnet, dx, dy)

    inputs = [digit, right, down]
    return Explorer(widgets.HBox(inputs), inputs, draw)


class _Moved(Panels):
    """The moved digit, a channel of the first feature map, and a row of bars for each network."""

    def __init__(self, image: np.ndarray, convnet: object) -> None:
        super().__init__(11.5, 3.6)
        left, middle, right = self.figure.subplots(1, 3, width_ratios=[1, 1, 1.8])
        first = feature_maps(convnet, image)[0][1]
        self.channel = int(first.sum(axis=(0, 1)).argmax())
        self.digit = left.imshow(as_floats(image), cmap="gray", vmin=0, vmax=1)
        self.map = middle.imshow(first[..., self.channel], cmap="viridis")
        left.set_title("the digit, moved")
        middle.set_title("one filter's map moves along")
        for axes in (left, middle):
            axes.set_axis_off()
        places = np.arange(10)
        self.bars = [
            right.bar(places + side * 0.2, np.zeros(10), 0.4, color=colour, label=name)
            for name, side, colour in zip(NAMES, (-1, 1), (BLUE, ORANGE), strict=True)
        ]
        right.set(ylim=(0, 1.25), xlabel="class", ylabel="probability", xticks=places)
        right.set_yticks([0, 0.5, 1])
        right.legend(frameon=False, loc="upper center", ncols=2)
        plain_axes(right)
        self.headline = self.figure.suptitle("A 0: the networks read it so")
        bars = itertools.chain.from_iterable(self.bars)
        self.settle(self.digit, self.map, *bars, right.spines["bottom"], self.headline)

    def show(
        self, image: np.ndarray, label: int, dense: object, convnet: object, dx: int, dy: int
    ) -> Picture:
        """The picture for these settings; the next call draws over it."""
        moved = shift(image, dx, dy)
        features = feature_maps(convnet, moved)[0][1][..., self.channel]
        self.digit.set_data(as_floats(moved))
        self.map.set_data(features)
        self.map.set_clim(0, max(features.max(), 1e-6))
        answers = [probabilities(model, moved) for model in (dense, convnet)]
        for bars, answer in zip(self.bars, answers, strict=True):
            for bar, value in zip(bars, answer, strict=True):
                bar.set_height(value)
        reads = "; ".join(_reads(*pair, label) for pair in zip(NAMES, answers, strict=True))
        self.headline.set_text(f"A {label}, moved by ({dx}, {dy}). {reads}".replace("-", "−"))
        ink = 1 - as_floats(moved).sum() / max(as_floats(image).sum(), 1e-6)
        lost = f" {ink:.0%} of its ink has left the picture." if ink > 0.005 else ""
        return self.picture(
            f"A {label}, moved by {dx} pixels to the right and {dy} down.{lost} {reads}."
        )


def _overlap(by: int, side: int) -> tuple[slice, slice]:
    """Where along an axis the moved picture has something, and where that was before."""
    kept = max(side - abs(by), 0)
    return slice(max(by, 0), max(by, 0) + kept), slice(max(-by, 0), max(-by, 0) + kept)


def _reads(name: str, answer: np.ndarray, label: int) -> str:
    best = int(answer.argmax())
    mark = "✓" if best == label else "✗"
    return f"{name}: {best} {mark} ({answer[best]:.0%})"
