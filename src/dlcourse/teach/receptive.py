"""The receptive-field explorer: which pixels a place of a late feature map can see."""

from dataclasses import dataclass

import numpy as np
from ipywidgets import ToggleButtons

from dlcourse.teach.drawing import (
    BLUE_TEXT,
    INK,
    SOFT,
    VERMILION_TEXT,
    Drawing,
    DrawnExplorer,
    formula,
    group,
    heat,
    in_a_row,
    number,
    path,
    rect,
    slider,
    stacked,
    text,
)
from dlcourse.teach.pictures import BLUE, GREEN

# What the explorer offers; the input is a digit.
CONVOLUTIONS = range(1, 5)
KERNELS = range(2, 6)
STRIDES = range(1, 3)
POOLING = ("no pooling", "pooling 2×2")
SIDE = 28

_WIDTH, _HEIGHT = 940, 408
_TOP, _PIXEL = 62, 8


@dataclass(frozen=True)
class Layer:
    """A convolution or a pooling: a window of `size` that moves by `stride`, without padding."""

    name: str
    size: int
    stride: int


@dataclass(frozen=True)
class Map:
    """A feature map: its length, how many pixels one of its places sees, and their distance.

    jump: pixels between what neighbouring places see. Both are lengths along one axis.
    """

    layer: Layer | None
    length: int
    field: int
    jump: int


def stack_of(convolutions: int, kernel: int, stride: int, pooling: str) -> list[Layer]:
    """Convolutions, with a 2×2 pooling after each but the last where that is asked for."""
    between = [Layer("pool", 2, 2)] if pooling == POOLING[1] else []
    convolution = [Layer("conv", kernel, stride)]
    return (convolution + between) * (convolutions - 1) + convolution


def maps_of(layers: list[Layer], length: int = SIDE) -> list[Map]:
    """The input and the map after each layer, as far as the windows fit."""
    maps = [Map(None, length, 1, 1)]
    for layer in layers:
        before = maps[-1]
        length = (before.length - layer.size) // layer.stride + 1
        if length < 1:
            break
        field = before.field + (layer.size - 1) * before.jump
        maps.append(Map(layer, length, field, before.jump * layer.stride))
    return maps


def seen(maps: list[Map], place: int) -> list[tuple[int, int]]:
    """(first, last) place on each map, along one axis, that `place` of the last one sees."""
    spans = [(place, place)]
    for each in reversed(maps[1:]):
        first, last = spans[0]
        spans.insert(0, (first * each.layer.stride, last * each.layer.stride + each.layer.size - 1))
    return spans


def draw_receptive_field(
    image: np.ndarray,
    convolutions: int = 3,
    kernel: int = 3,
    stride: int = 1,
    pooling: str = POOLING[0],
    row: int = 1,
    column: int = 1,
) -> Drawing:
    """The maps from `image` (28, 28) to the last, and what place [row, column] of that one sees."""
    layers = stack_of(convolutions, kernel, stride, pooling)
    maps = maps_of(layers)
    last = maps[-1].length - 1
    rows, columns = (seen(maps, min(at, last)) for at in (row, column))
    panels = _panels(len(layers))
    parts = [heat(image, *panels[0], _PIXEL, 255, "#000000")]
    for index, each in enumerate(maps):
        parts.append(_draw_map(each, panels[index], _scale(index, panels), index))
    parts.append(_draw_sight(maps, panels, rows, columns))
    whole = len(maps) > len(layers)
    parts.append(_draw_sum(maps, rows, columns) if whole else _draw_end(layers, maps, panels))
    alt = _describe(layers, maps, rows, columns)
    return Drawing(tuple(parts), _WIDTH, _HEIGHT, alt)


def receptive_field_explorer(image: np.ndarray) -> "ReceptiveFieldExplorer":
    """A stack to put together, a place of its last map to choose, and the pixels that it sees."""
    return ReceptiveFieldExplorer(image)


class ReceptiveFieldExplorer(DrawnExplorer):
    """The last map may be large or small, so the choice of places follows the stack."""

    def __init__(self, image: np.ndarray) -> None:
        self.convolutions = slider("layers", CONVOLUTIONS, 3)
        self.kernel = slider("kernel", KERNELS, 3)
        self.stride = slider("stride", STRIDES, 1)
        self.pooling = ToggleButtons(options=POOLING, style={"button_width": "8em"})
        self.stack = [self.convolutions, self.kernel, self.stride, self.pooling]
        self.row, self.column = slider("row", range(22), 10), slider("column", range(22), 10)
        for each in self.stack:
            each.observe(self._fit, "value")
        controls = stacked(
            in_a_row(self.convolutions, self.kernel, self.stride),
            in_a_row(self.pooling, self.row, self.column),
        )
        inputs = [*self.stack, self.row, self.column]
        super().__init__(controls, inputs, lambda *values: draw_receptive_field(image, *values))

    def _fit(self, change: object = None) -> None:
        maps = maps_of(stack_of(*(each.value for each in self.stack)))
        self.row.max = self.column.max = maps[-1].length - 1
        self.row.disabled = self.column.disabled = maps[-1].length == 1


def _panels(layers: int) -> list[tuple[float, float]]:
    """The corners of the input's panel and of one per layer, from left to right."""
    start, room = 16 + SIDE * _PIXEL + 26, _WIDTH - 16 - SIDE * _PIXEL - 36
    width = min(170, room / layers)
    return [(16, _TOP), *((start + index * width, _TOP) for index in range(layers))]


def _scale(index: int, panels: list[tuple[float, float]]) -> float:
    """How many units a pixel is wide in a panel; the input's is the widest."""
    if index == 0:
        return _PIXEL
    width = panels[2][0] - panels[1][0] if len(panels) > 2 else 170
    return (width - 14) / SIDE


def _corner(each: Map, panel: tuple[float, float], scale: float) -> tuple[float, float]:
    """Where the map begins in its panel: its places stand in the middle of what they see."""
    margin = (each.field - each.jump) / 2 * scale
    return panel[0] + margin, panel[1] + margin


def _draw_map(each: Map, panel: tuple[float, float], scale: float, index: int) -> str:
    """The places of a map, over the pixels they belong to, and its size in numbers."""
    x, y = _corner(each, panel, scale)
    cell, side = each.jump * scale, SIDE * scale
    length = each.length * cell
    steps = "".join(
        f"M{number(x + i * cell)} {number(y)}v{number(length)}"
        f"M{number(x)} {number(y + i * cell)}h{number(length)}"
        for i in range(each.length + 1)
    )
    colour = GREEN if each.layer and each.layer.name == "pool" else "#7A7A7A"
    grid = path(steps, stroke=colour if index else "#D9D9D9", line=0.6, opacity=min(1, cell / 9))
    frame = rect(*panel, side, side, stroke="#BDBDBD", line=0.8, dash="2 3")
    name = f"{each.layer.name} {each.layer.size}×{each.layer.size}" if each.layer else "input"
    middle, under = panel[0] + side / 2, panel[1] + side
    size = 16 if index == 0 else max(11, min(15, side / 8))
    words = [f"{each.length} × {each.length}", f"sees {each.field} × {each.field}"]
    lines = [
        text(middle, panel[1] - 18, name, size=size, bold=True),
        text(middle, under + 18, words[0], size=size),
        text(middle, under + 40, words[1], size=size, bold=True, fill=BLUE_TEXT) if index else "",
    ]
    return group("map", frame, grid, *lines)


def _draw_sight(maps: list[Map], panels: list, rows: list, columns: list) -> str:
    """The places that count on each map, and lines from each map's to the next one's."""
    boxes, lines, before = [], [], None
    for index, each in enumerate(maps):
        scale = _scale(index, panels)
        x, y = _corner(each, panels[index], scale)
        cell = each.jump * scale
        (up, down), (left, right) = rows[index], columns[index]
        box = (x + left * cell, y + up * cell, (right - left + 1) * cell, (down - up + 1) * cell)
        boxes.append(rect(*box, fill=BLUE, opacity=0.25) + rect(*box, stroke=BLUE, line=2.5))
        if before:
            right_of = before[0] + before[2]
            steps = f"M{number(right_of)} {number(before[1])}L{number(box[0])} {number(box[1])}"
            steps += f"M{number(right_of)} {number(before[1] + before[3])}"
            steps += f"L{number(box[0])} {number(box[1] + box[3])}"
            lines.append(path(steps, stroke=BLUE, line=0.9, opacity=0.6))
        before = box
    return group("sight", *boxes, *lines)


def _draw_sum(maps: list[Map], rows: list, columns: list) -> str:
    """How the field grows: every layer adds its window less one, times the jump before it."""
    pieces = [("field = 1", INK)]
    for before, each in zip(maps, maps[1:], strict=False):
        colour = VERMILION_TEXT if before.jump > 1 else INK
        pieces += [(f" + ({each.layer.size} − 1)·", INK), (str(before.jump), colour)]
    pieces += [(f" = {maps[-1].field}", BLUE_TEXT)]
    rule = "Each layer adds (window − 1) × jump: so many pixels apart are neighbours on its input."
    return (
        group("formula", formula(16, _HEIGHT - 78, pieces))
        + text(16, _HEIGHT - 48, _sight(rows, columns), size=14.5, anchor="start", fill=BLUE_TEXT)
        + text(16, _HEIGHT - 20, rule, size=14, anchor="start", fill=SOFT)
    )


def _sight(rows: list, columns: list) -> str:
    """What the chosen place of the last map sees, in words."""
    (up, down), (left, right) = rows[0], columns[0]
    share = (down - up + 1) * (right - left + 1)
    return (
        f"Place [{rows[-1][0]}, {columns[-1][0]}] of the last map sees rows {up} to {down} and "
        f"columns {left} to {right}: {share} of {SIDE * SIDE} pixels."
    )


def _draw_end(layers: list[Layer], maps: list[Map], panels: list) -> str:
    """Why the stack ends early."""
    layer, length = layers[len(maps) - 1], maps[-1].length
    words = (
        f"The next window, {layer.size}×{layer.size}, does not fit into {length}×{length}: "
        "Keras raises an error here."
    )
    x, y = panels[len(maps)]
    middle = _scale(1, panels) * SIDE / 2
    return text(x + middle, y + middle, "✗", size=26, bold=True, fill=VERMILION_TEXT) + text(
        16, _HEIGHT - 40, words, size=16, anchor="start", bold=True, fill=VERMILION_TEXT
    )


def _describe(layers: list[Layer], maps: list[Map], rows: list, columns: list) -> str:
    names = ", ".join(f"{layer.name} {layer.size}×{layer.size}" for layer in layers)
    last = maps[-1]
    if len(maps) <= len(layers):
        layer = layers[len(maps) - 1]
        return (
            f"{names} with stride {layers[0].stride}: {layer.name} {layer.size}×{layer.size} does "
            f"not fit into the {last.length}×{last.length} map before it. Use fewer layers, a "
            "smaller kernel or stride, or no pooling."
        )
    return (
        f"{names} with stride {layers[0].stride}: the last map is {last.length}×{last.length}, and "
        f"each of its places sees {last.field}×{last.field} pixels. {_sight(rows, columns)}"
    )
