"""Figures on what a convolution does: local patterns, patches times a kernel, and a hierarchy."""

import numpy as np

from dlcourse.teach.pictures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    Picture,
    new_figure,
)
from dlcourse.teach.redrawn import frame, outline
from dlcourse.teach.response import FILTERS, as_floats, response_map

PATCH = 5
# A channel behind another is moved by this much, in cells.
_BEHIND = 0.35
# What draw_convolution draws: an input feature map and a kernel with this many output channels.
_INPUT, _KERNEL = (5, 5, 2), (3, 3, 2, 3)
# Parts of the cat: name -> row, column and side of the window that shows it, out of 96 pixels.
_PARTS = {"an ear": (2, 6, 34), "an eye": (34, 22, 24), "nose and mouth": (52, 32, 32)}
_EDGES = {
    "an ear": ((8, 7), (18, 19), (22, 6)),
    "an eye": ((35, 30), (42, 26), (49, 32)),
    "nose and mouth": ((56, 40), (66, 45), (73, 38)),
}
_EDGE = 9


def draw_local_patterns(image: np.ndarray) -> Picture:
    """A picture (height, width) and four small windows of it, each with a pattern of its own."""
    pixels = as_floats(image)
    figure = new_figure(9, 3.5)
    whole, *parts = figure.subplots(1, 5, width_ratios=[2, 1, 1, 1, 1])
    whole.imshow(pixels, cmap="gray")
    whole.set_title("all pixels: a global pattern")
    names = ("upper edge", "left edge", "right edge", "rising line")
    for axes, name, colour in zip(parts, names, (ORANGE, GREEN, PURPLE, VERMILION), strict=True):
        response = response_map(pixels, FILTERS[name])
        row, column = np.unravel_index(response.argmax(), response.shape)
        row, column = (
            int(np.clip(at - 1, 0, side - PATCH))
            for at, side in zip((row, column), pixels.shape, strict=True)
        )
        frame(outline(whole, PATCH, colour), row, column)
        axes.imshow(pixels[row : row + PATCH, column : column + PATCH], cmap="gray", vmin=0, vmax=1)
        axes.set_title(name)
        frame(outline(axes, PATCH, colour, width=6), 0, 0)
    for axes in (whole, *parts):
        axes.set_axis_off()
    figure.suptitle("A dense layer sees the whole; a convolution sees small windows")
    return Picture(
        figure,
        f"A digit with four framed windows of {PATCH} × {PATCH} pixels, and each window enlarged: "
        f"{', '.join(names)}.",
    )


def draw_convolution() -> Picture:
    """How a convolution works: patches of the input, each times one kernel, reassembled."""
    draw = np.random.default_rng(4)
    features, kernel = draw.random(_INPUT), draw.normal(size=_KERNEL)
    side = _INPUT[0] - _KERNEL[0] + 1
    windows = np.lib.stride_tricks.sliding_window_view(features, _KERNEL[:3])[:, :, 0]
    output = np.einsum("ijabc,abcd->ijd", windows, kernel)
    # A number has one colour wherever it stands; the palest ones would vanish on white.
    blue = "Blues", (features.min() - 0.3, features.max() + 0.3)
    orange = "Oranges", (output.min() - 1.5, output.max() + 0.5)
    figure = new_figure(11, 5)
    axes = figure.subplots()
    _sheets(axes, (0, 2.6), features, *blue)
    for i, j in np.ndindex(side, side):
        _sheets(axes, (8 + 4.2 * j, 4.2 * i), windows[i, j], *blue)
        _sheets(axes, (23 + 2.2 * j, 2.4 + 2.9 * i), output[i, j][None, None], *orange)
    _sheets(axes, (32.5, 3.6), output, *orange)
    steps = (
        (2.8, f"input feature map\n{_INPUT}"),
        (14, f"one patch for each place\n{_KERNEL[:3]}"),
        (26, f"each times the kernel\n{_KERNEL}:\na vector ({_KERNEL[3]},)"),
        (34.4, f"reassembled\n{output.shape}"),
    )
    for x, text in steps:
        axes.text(x, 13.2, text, ha="center", va="top", fontsize=11)
    arrow = {"arrowstyle": "-|>", "color": BLACK, "linewidth": 1.5}
    for start, end in ((6, 7.4), (20.6, 22.2), (30, 31.8)):
        axes.annotate("", (end, 5.6), (start, 5.6), arrowprops=arrow)
    axes.set(xlim=(-0.5, 37), ylim=(16, -1.6), aspect="equal")
    axes.set_axis_off()
    axes.set_title("Every patch meets the same kernel, and its answer keeps the patch's place")
    return Picture(
        figure,
        f"An input feature map of shape {_INPUT} gives {side * side} patches of shape "
        f"{_KERNEL[:3]}. Each is multiplied with one kernel of shape {_KERNEL}, which makes a "
        f"vector of {_KERNEL[3]} numbers; in their places these form an output of shape "
        f"{output.shape}.",
    )


def draw_hierarchy() -> Picture:
    """A cat, the parts that it consists of, and the edges that the parts consist of."""
    cat = draw_cat()
    figure = new_figure(10, 5.4)
    axes = figure.subplots()
    _tile(axes, cat, (41, 0), 24)
    axes.text(68, 12, "a concept: cat", va="center", fontsize=11)
    for index, (name, (row, column, side)) in enumerate(_PARTS.items()):
        left = 12 + 32 * index
        _join(axes, (53, 24.6), (left + 9, 31))
        _tile(axes, cat[row : row + side, column : column + side], (left, 31), 18)
        axes.text(left + 9, 52, name, ha="center", va="center", fontsize=11)
        for number, (top, start) in enumerate(_EDGES[name]):
            patch = cat[top : top + _EDGE, start : start + _EDGE]
            _join(axes, (left + 9, 54), (left - 1 + 10 * number, 60))
            _tile(axes, patch, (left - 5 + 10 * number, 60), 8)
    axes.text(53, 71.5, "edges: a few pixels each", ha="center", va="center", fontsize=11)
    axes.set(xlim=(2, 104), ylim=(74, -1), aspect="equal")
    axes.set_axis_off()
    axes.set_title("Edges make parts, and parts make a cat: a hierarchy in space")
    return Picture(
        figure,
        "A drawn cat's face at the top; below it an ear, an eye, and nose and mouth; below each of "
        "these three small windows with edges.",
    )


def draw_cat(side: int = 96) -> np.ndarray:
    """A cat's face in black lines on white: floats in [0, 1] of shape (side, side)."""
    y, x = np.mgrid[:side, :side] / side
    ink = np.zeros((side, side))

    def line(distance: np.ndarray, where: np.ndarray | bool = True) -> None:
        np.maximum(ink, np.clip(1.6 - np.abs(distance) * side / 1.1, 0, 1) * where, out=ink)

    head = np.hypot((x - 0.5) / 1.08, y - 0.56) - 0.36
    for sign in (-1, 1):
        across = sign * (x - 0.5)
        outer, inner = 0.42 - 0.1 * (y - 0.06) - across, across - 0.1 - 0.85 * (0.34 - y)
        ear = (y > 0.06) & (head > -0.01)
        line(outer / 1.01, ear & (y < 0.45) & (inner > 0))
        line((across - 0.1 - 1.0 * (0.3 - y) - 0.07) / 1.4, ear & (outer > 0) & (y < 0.3))
        line(np.hypot(across - 0.16, (y - 0.47) * 1.25) - 0.08)
        line(np.hypot((across - 0.16) * 2.4, y - 0.47) - 0.03)
        line(np.hypot(across - 0.06, y - 0.735) - 0.06, y > 0.735)
        for slope in (-0.12, 0.06):
            line(y - 0.7 - slope * (across - 0.2), (across > 0.2) & (across < 0.46))
    line(head, ~((y < 0.36) & (np.abs(x - 0.5) > 0.17)))
    nose = np.maximum(np.abs(x - 0.5) + (y - 0.68), 0.61 - y)
    ink[nose < 0] = 1
    line(x - 0.5, (y > 0.65) & (y < 0.735))
    return 1 - ink


def _sheets(
    axes: object,
    corner: tuple[float, float],
    block: np.ndarray,
    cmap: str,
    limits: tuple[float, float],
) -> None:
    """The channels of (height, width, channels) one behind another, the first in front."""
    height, width, channels = block.shape
    for channel in reversed(range(channels)):
        x, y = corner[0] + _BEHIND * channel, corner[1] - _BEHIND * channel
        # Later sheets cover earlier ones, grid lines included.
        over = {"zorder": 2 * (channels - channel)}
        axes.imshow(
            block[..., channel],
            cmap=cmap,
            extent=(x, x + width, y + height, y),
            vmin=limits[0],
            vmax=limits[1],
            **over,
        )
        for at in range(height + 1):
            axes.plot([x, x + width], [y + at, y + at], color=GREY, linewidth=0.6, **over)
        for at in range(width + 1):
            axes.plot([x + at, x + at], [y, y + height], color=GREY, linewidth=0.6, **over)


def _tile(axes: object, image: np.ndarray, corner: tuple[float, float], side: float) -> None:
    x, y = corner
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(x, x + side, y + side, y))
    axes.plot([x, x + side, x + side, x, x], [y, y, y + side, y + side, y], color=BLUE)


def _join(axes: object, above: tuple[float, float], below: tuple[float, float]) -> None:
    axes.plot(*zip(above, below, strict=True), color=GREY, linewidth=1)
