"""The sliding-window explorer: what padding and strides do, in one picture that moves.

Both axes are treated alike, so one axis says it all: how many places there are for the window,
where each begins, and which pixels no window ever covers. Sizes are those of keras.layers.Conv2D.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from ipywidgets import Button, Play, ToggleButtons, jslink

from dlcourse.teach.drawing import (
    BLUE_TEXT,
    GREEN_TEXT,
    INK,
    SOFT,
    VERMILION_TEXT,
    Cell,
    Drawing,
    DrawnExplorer,
    arrow,
    bracket,
    button,
    cells,
    formula,
    group,
    in_a_row,
    number,
    path,
    rect,
    slider,
    stacked,
    text,
    word_size,
)
from dlcourse.teach.pictures import BLUE, GREEN, ORANGE, VERMILION

# What the explorer offers.
SIZES = range(2, 10)
KERNELS = range(1, 7)
STRIDES = range(1, 5)
PADDINGS = ("valid", "same")

# A bright bar and a bright corner; smaller inputs are cut from the upper left.
PIXELS = np.array(
    [
        [1, 8, 9, 2, 0, 1, 6, 7, 3],
        [0, 7, 9, 3, 1, 0, 5, 8, 2],
        [2, 9, 8, 1, 0, 2, 7, 6, 4],
        [1, 8, 7, 2, 9, 8, 9, 5, 3],
        [0, 6, 9, 1, 8, 9, 7, 4, 1],
        [3, 7, 8, 0, 1, 2, 3, 1, 0],
        [1, 9, 6, 2, 0, 4, 5, 2, 6],
        [0, 8, 9, 1, 3, 6, 8, 3, 5],
        [2, 5, 7, 3, 2, 7, 9, 1, 4],
    ]
)

# The formula, its second line and the remark need that much; in the explorer they begin so low that
# nothing jumps while sliders move.
_WIDTH, _FORMULA_HEIGHT, _FORMULA_AT = 940, 80, 492
_COLOURS = {"n": INK, "k": BLUE_TEXT, "s": VERMILION_TEXT, "o": INK}
# The input's corner and the side that it has to fit in; the same for the products and the output.
_INPUT, _INPUT_SIDE = (52, 88), 346
_PRODUCTS, _PRODUCTS_SIDE = (488, 56), 122
_OUTPUT, _OUTPUT_SIDE = (600, 262), 196
_LARGEST_CELL = 42


@dataclass(frozen=True)
class Axis:
    """One axis of `size` pixels under a window of `kernel` pixels that moves by `stride`."""

    size: int
    kernel: int
    stride: int
    padding: str

    @property
    def places(self) -> int:
        """How many places there are for the window: the length of the output."""
        if self.padding == "same":
            return -(-self.size // self.stride)
        return max(0, (self.size - self.kernel) // self.stride + 1)

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros (before, after) the pixels; an odd number of them has one more after."""
        if self.padding == "valid":
            return 0, 0
        total = max(0, (self.places - 1) * self.stride + self.kernel - self.size)
        before = total // 2
        return before, total - before

    def start(self, place: int) -> int:
        """The first pixel under the window at that place; below 0 it is padding."""
        return place * self.stride - self.pads[0]

    @cached_property
    def unseen(self) -> tuple[int, ...]:
        """The pixels that no window covers."""
        seen = {self.start(p) + i for p in range(self.places) for i in range(self.kernel)}
        return tuple(pixel for pixel in range(self.size) if pixel not in seen)

    @property
    def overhang(self) -> int:
        """Pixels by which a window that does not fit any more sticks out; 0 if the last one ends
        at the edge, or if padding sees to it."""
        if self.padding == "same":
            return 0
        if not self.places:
            return self.kernel - self.size
        return -(self.size - self.kernel) % self.stride


def kernel_of(size: int) -> np.ndarray:
    """The kernel of the explorer, integers (size, size): right column minus left column."""
    kernel = np.zeros((size, size), int)
    if size == 1:
        return kernel + 1
    kernel[:, 0], kernel[:, -1] = -1, 1
    return kernel


def slide(pixels: np.ndarray, kernel: np.ndarray, axis: Axis) -> np.ndarray:
    """The output (places, places) of `kernel` (k, k) slid over `pixels` (n, n), as `axis` says."""
    padded = np.pad(pixels, axis.pads)
    size, stride, places = axis.kernel, axis.stride, range(axis.places)
    sums = [
        np.sum(padded[r * stride : r * stride + size, c * stride : c * stride + size] * kernel)
        for r in places
        for c in places
    ]
    return np.array(sums, pixels.dtype).reshape(axis.places, axis.places)


def draw_sliding_window(
    size: int = 5, kernel: int = 3, stride: int = 1, padding: str = "valid", step: int = 0
) -> Drawing:
    """The window at place number `step`, row by row from 0, over an input of `size` by `size`.

    Shows input, padding, window, products, output so far and the formula with its numbers, or says
    why there is no output. Beyond the last place, `step` is the last one.
    """
    axis = Axis(size, kernel, stride, padding)
    return _drawing(axis, step, _lowest(axis) + 40)


def _drawing(axis: Axis, step: int, formula_at: float) -> Drawing:
    """The picture, with the formula at that height and below it."""
    place = divmod(min(step, max(axis.places**2 - 1, 0)), max(axis.places, 1))
    weights = kernel_of(axis.kernel)
    output = slide(PIXELS[: axis.size, : axis.size], weights, axis)
    cell = _input_cell(axis)
    parts = [
        _draw_input(axis, cell),
        _draw_ruler(axis, cell, place),
        _draw_window(axis, cell, place),
        _draw_products(axis, weights, place) if axis.places else _draw_nothing(axis),
        _draw_output(output, place) if axis.places else "",
        _draw_links(axis, cell, place) if axis.places else "",
        _draw_formula(axis, formula_at),
    ]
    alt = describe(axis, output, place)
    return Drawing(tuple(parts), _WIDTH, formula_at + _FORMULA_HEIGHT, alt)


def _lowest(axis: Axis) -> float:
    """The height at which everything above the formula ends."""
    below = _INPUT[1] + (axis.size + sum(axis.pads)) * _input_cell(axis) + 32
    if not axis.places:
        return max(below, _INPUT[1] + axis.kernel * _input_cell(axis) + 32)
    return max(below, _OUTPUT[1] + axis.places * _cell(_OUTPUT_SIDE, axis.places))


def sliding_window_explorer() -> "SlidingWindowExplorer":
    """Sliders for input, kernel and stride, a choice of padding; play, or go step by step."""
    return SlidingWindowExplorer()


class SlidingWindowExplorer(DrawnExplorer):
    """The controls know each other: the number of steps follows from the sizes."""

    def __init__(self) -> None:
        self.size = slider("input n", SIZES, 5)
        self.kernel = slider("kernel k", KERNELS, 3)
        self.stride = slider("stride s", STRIDES, 1)
        self.padding = ToggleButtons(
            options=PADDINGS, value="valid", style={"button_width": "5em"}, tooltip="padding"
        )
        self.settings = [self.size, self.kernel, self.stride, self.padding]
        self.step = slider("step", range(1, 10), 1, width="26em")
        self.play = Play(
            min=1, max=9, value=1, interval=700, tooltip="Play: the window moves by itself"
        )
        # In the browser, so that playing does not wait for the kernel.
        self.link = jslink((self.play, "value"), (self.step, "value"))
        self.back = button("◀ back", "One step back", self._back)
        self.forward = button("step ▶", "One step on", self._forward)
        for each in self.settings:
            each.observe(self._fit, "value")
        controls = stacked(
            in_a_row(self.size, self.kernel, self.stride, self.padding),
            in_a_row(self.play, self.back, self.forward, self.step),
        )
        super().__init__(controls, [*self.settings, self.step], _draw_steadily)

    def _fit(self, change: object = None) -> None:
        """Let the steps run as far as there are places now, from the first one."""
        last = max(Axis(*(each.value for each in self.settings)).places ** 2, 1)
        self.play.value = self.step.value = 1
        self.play.max = self.step.max = last
        for each in (self.step, self.play, self.back, self.forward):
            each.disabled = last == 1

    def _back(self, button: Button) -> None:
        self.step.value = max(self.step.value - 1, 1)

    def _forward(self, button: Button) -> None:
        # Past the end it begins anew, as playing does.
        self.step.value = self.step.value % self.step.max + 1


def _draw_steadily(size: int, kernel: int, stride: int, padding: str, step: int) -> Drawing:
    """The explorer's picture, where steps are counted from 1 and nothing jumps."""
    return _drawing(Axis(size, kernel, stride, padding), step - 1, _FORMULA_AT)


def describe(axis: Axis, output: np.ndarray, place: tuple[int, int]) -> str:
    """The picture in words: setting, output size, what this step makes, and what is lost."""
    n, k, s = axis.size, axis.kernel, axis.stride
    setting = f"A {k}×{k} window, stride {s}, padding {axis.padding}, on a {n}×{n} input"
    if not axis.places:
        return (
            f"{setting}: the window is larger than the input, so it fits nowhere and Keras raises "
            "an error. Choose a smaller kernel, a larger input or padding same."
        )
    row, column = place
    before, after = axis.pads
    zeros = f", {before} zeros before and {after} after it on each axis" if after else ""
    return (
        f"{setting}{zeros}: {axis.places}×{axis.places} places. "
        f"Step {row * axis.places + column + 1} of {axis.places**2}: the products add up to "
        f"{_signed(output[place])}, which is output [{row}, {column}]. {remark(axis)}".strip()
    )


def remark(axis: Axis) -> str:
    """What there is to notice about a setting, in a sentence or two; often nothing."""
    n, k, s, (before, after) = axis.size, axis.kernel, axis.stride, axis.pads
    if not axis.places:
        return ""
    said = []
    if axis.overhang:
        quotient = f"({n} − {k}) / {s} = {_fraction(n - k, s)}"
        said.append(f"{quotient} is floored to {axis.places - 1}: no window may stick out.")
    if axis.unseen:
        lost = n * n - (n - len(axis.unseen)) ** 2
        jumped = any(pixel < axis.start(axis.places - 1) for pixel in axis.unseen)
        why = "as the window jumps" if jumped else "crossed out"
        said.append(f"Never seen, {why}: {lost} of {n * n} pixels.")
    if before != after:
        said.append("An odd number of zeros cannot be shared: one more at the end.")
    elif axis.padding == "same" and not after and k > 1:
        said.append("No zeros are needed: every place has its pixels.")
    return " ".join(said)


@lru_cache(maxsize=8)
def _draw_input(axis: Axis, cell: float) -> str:
    """Pixels, zeros around them, and crosses on the pixels that no window covers."""
    (left, top), (before, after), n = _INPUT, axis.pads, axis.size
    total, pixels, zeros, lost = n + before + after, [], [], []
    for r, c in np.ndindex(total, total):
        x, y, row, column = left + c * cell, top + r * cell, r - before, c - before
        if not (0 <= row < n and 0 <= column < n):
            zeros.append(Cell(x, y, 0, "#E2F2EC"))
        elif axis.places and (row in axis.unseen or column in axis.unseen):
            lost.append(Cell(x, y, PIXELS[row, column], "#FBEBC8"))
        else:
            pixels.append(Cell(x, y, PIXELS[row, column], _grey(PIXELS[row, column])))
    words = f"input {n} × {n}" + (f", padded to {total} × {total}" if before + after else "")
    return (
        text(left, 24, words, size=17, anchor="start", bold=True)
        + cells("pixels", pixels, cell, edge="#8A8A8A")
        + cells("zeros", zeros, cell, edge=GREEN, ink=GREEN_TEXT)
        + cells("unseen", lost, cell, edge="#8A8A8A", ink=SOFT)
        + _draw_crosses(lost, cell)
        + group("sides", *_draw_sides(axis, cell))
    )


def _grey(value: int) -> str:
    """The brighter the pixel, the lighter; never so dark that it could not be read."""
    return "#" + 3 * f"{214 + 4 * int(value):02X}"


def _draw_crosses(lost: list[Cell], cell: float) -> str:
    low, high = number(0.14 * cell), number(0.72 * cell)
    steps = "".join(
        f"M{number(square.x)} {number(square.y)}m{low} {low}l{high} {high}m0 -{high}l-{high} {high}"
        for square in lost
    )
    return path(steps, stroke=ORANGE, line=2.5, opacity=0.9)


def _draw_sides(axis: Axis, cell: float) -> list[str]:
    """How many zeros stand on each side, and how many pixels between them."""
    (left, top), (before, after), n = _INPUT, axis.pads, axis.size
    spans = [
        (0, before, GREEN_TEXT),
        (before, before + n, INK),
        (before + n, before + n + after, GREEN_TEXT),
    ]
    drawn = []
    for start, end, colour in spans:
        if start == end:
            continue
        words = f"n = {n}" if colour == INK else end - start
        inset = 2 if cell > 20 else 1
        drawn.append(
            bracket(
                left + start * cell + inset,
                left + end * cell - inset,
                top - 14,
                words,
                colour=colour,
            )
        )
        upright = n if colour == INK else end - start
        drawn.append(
            bracket(
                top + start * cell + inset,
                top + end * cell - inset,
                left - 14,
                upright,
                colour=colour,
                upright=True,
            )
        )
    return drawn


def _draw_ruler(axis: Axis, cell: float, place: tuple[int, int]) -> str:
    """Under the input, a mark where each window begins, and the stride from one to the next."""
    if not axis.places:
        return ""
    left, top = _INPUT
    total = (axis.size + sum(axis.pads)) * cell
    bottom, marks = top + total + 7, []
    for column in range(axis.places):
        x, here = left + (column * axis.stride + 0.5) * cell, column == place[1]
        fill = BLUE if here else "white"
        marks.append(path(f"M{x:.1f} {bottom}l6 10h-12z", stroke=BLUE, line=1.5, fill=fill))
    if axis.places > 1:
        start, end = left + cell / 2, left + (axis.stride + 0.5) * cell
        marks.append(
            path(
                f"M{start:.1f} {bottom + 16}v8M{end:.1f} {bottom + 16}v8",
                stroke=VERMILION,
                line=1.5,
            )
        )
        marks.append(path(f"M{start:.1f} {bottom + 20}H{end:.1f}", stroke=VERMILION, line=1.5))
        marks.append(
            text(
                end + 8,
                bottom + 20,
                f"s = {axis.stride}",
                size=14,
                fill=VERMILION_TEXT,
                anchor="start",
                bold=True,
            )
        )
    else:
        marks.append(
            text(
                left + cell / 2 + 12,
                bottom + 8,
                "one place only",
                size=13,
                fill=SOFT,
                anchor="start",
            )
        )
    return group("ruler", *marks)


def _draw_window(axis: Axis, cell: float, place: tuple[int, int]) -> str:
    """The window where it is, and, dashed, where it goes next or would go if there were room."""
    (left, top), k = _INPUT, axis.kernel * cell
    if not axis.places:
        over = rect(left, top, k, k, stroke=VERMILION, line=3, dash="7 5")
        return over + text(
            left + k / 2,
            top + k + 16,
            f"k = {axis.kernel} does not fit",
            size=14,
            fill=VERMILION_TEXT,
            bold=True,
        )
    row, column = place
    x, y = left + column * axis.stride * cell, top + row * axis.stride * cell
    step, drawn = axis.stride * cell, []
    if column + 1 < axis.places:
        drawn.append(rect(x + step, y, k, k, stroke=VERMILION, line=1.5, dash="5 4"))
    elif axis.overhang:
        drawn.append(rect(x + step, y, k, k, stroke=VERMILION, line=1.5, dash="2 4"))
        drawn.append(
            text(
                x + step + k + 5,
                y + k / 2,
                "✗",
                size=16,
                fill=VERMILION_TEXT,
                anchor="start",
                bold=True,
            )
        )
    elif row + 1 < axis.places:
        drawn.append(rect(left, y + step, k, k, stroke=VERMILION, line=1.5, dash="5 4"))
    drawn.append(rect(x, y, k, k, fill=BLUE, opacity=0.16))
    drawn.append(rect(x, y, k, k, stroke=BLUE, line=3.5))
    return group("window", *drawn)


def _draw_products(axis: Axis, weights: np.ndarray, place: tuple[int, int]) -> str:
    """Window times kernel, entry by entry, and the sum of the products."""
    (left, top), k = _PRODUCTS, axis.kernel
    start_row, start_column = (axis.start(index) for index in place)
    padded = np.pad(PIXELS[: axis.size, : axis.size], axis.pads)
    before = axis.pads[0]
    window = padded[start_row + before :, start_column + before :][:k, :k]
    cell = min(34, _PRODUCTS_SIDE / k)
    side, drawn = k * cell, []
    x = left
    for name, values, sign in (
        ("in-window", window, "×"),
        ("kernel", weights, "="),
        ("products", window * weights, ""),
    ):
        edge = BLUE if name != "products" else "#8A8A8A"
        squares = [
            Cell(x + c * cell, top + r * cell, _signed(value))
            for (r, c), value in np.ndenumerate(values)
        ]
        drawn.append(cells(name, squares, cell, edge=edge))
        title = {"in-window": "window", "kernel": f"kernel k = {k}", "products": "products"}[name]
        drawn.append(
            text(
                x,
                top - 14,
                title,
                size=14,
                anchor="start",
                bold=True,
                fill=BLUE_TEXT if name != "products" else INK,
            )
        )
        drawn.append(text(x + side + 15, top + side / 2, sign, size=18, bold=True))
        x += max(side, 90) + 34
    total = int(np.sum(window * weights))
    count = "the product is" if k == 1 else f"the {k * k} products add up to"
    made = f"{_signed(total)}, output [{place[0]}, {place[1]}]"
    y = _sum_height()
    drawn.append(text(left, y, count, size=15, anchor="start"))
    drawn.append(
        group(
            "sum",
            text(
                left + 8.4 * len(count) + 12,
                y,
                made,
                size=15,
                anchor="start",
                bold=True,
                fill=BLUE_TEXT,
            ),
        )
    )
    return "".join(drawn)


def _draw_output(output: np.ndarray, place: tuple[int, int]) -> str:
    """The output as far as the window has come; the cell that it makes now in blue."""
    (left, top), side = _OUTPUT, len(output)
    cell = _cell(_OUTPUT_SIDE, side)
    done, later = [], []
    for (r, c), value in np.ndenumerate(output):
        x, y = left + c * cell, top + r * cell
        if (r, c) <= place:
            fill = "#D6E7F3" if (r, c) == place else "white"
            done.append(Cell(x, y, _signed(value), fill))
        else:
            later.append(rect(x, y, cell, cell, fill="#F7F7F7", stroke="#C4C4C4", dash="2 3"))
    here = rect(left + place[1] * cell, top + place[0] * cell, cell, cell, stroke=BLUE, line=3.5)
    title = text(left, top - 18, f"output {side} × {side}", size=17, anchor="start", bold=True)
    count = f"place {place[0] * side + place[1] + 1} of {side * side}"
    title += text(_WIDTH - 20, top - 18, count, size=15, anchor="end", fill=SOFT)
    # As large as the longest of all numbers allows, so that the size stays while they come.
    size = word_size(cell, *map(_signed, output.flat))
    drawn = cells("output", done, cell, edge="#8A8A8A", size=size)
    return title + drawn + group("later", *later) + here


def _draw_links(axis: Axis, cell: float, place: tuple[int, int]) -> str:
    """Thin lines from the window to its copy, and an arrow from the sum to its output cell."""
    (left, top), (x, y), k = _INPUT, _PRODUCTS, axis.kernel
    right = left + (place[1] * axis.stride + k) * cell
    up = top + place[0] * axis.stride * cell
    copy = k * min(34, _PRODUCTS_SIDE / k)
    lines = path(
        f"M{right:.1f} {up:.1f}L{x} {y}M{right:.1f} {up + k * cell:.1f}L{x} {y + copy:.1f}",
        stroke=BLUE,
        line=1,
        opacity=0.55,
    )
    # To the edge of the row, not over the cells that are there already.
    row = _OUTPUT[1] + (place[0] + 0.5) * _cell(_OUTPUT_SIDE, axis.places)
    down = path(f"M{x + 30} {_sum_height() + 14}V{row:.1f}", stroke=BLUE, line=2)
    return lines + down + arrow(x + 30, row, _OUTPUT[0] - 4, row, colour=BLUE)


def _draw_nothing(axis: Axis) -> str:
    (left, top), n, k = _PRODUCTS, axis.size, axis.kernel
    lines = (
        (f"A {k} × {k} window has no place in a {n} × {n} input.", True, VERMILION_TEXT),
        ("Keras raises an error here: there would be no output.", False, INK),
        (f"Try a kernel of {n} or less, an input of {k} or more,", False, INK),
        ("or padding same, which surrounds the input with zeros.", False, INK),
    )
    return "".join(
        text(
            left,
            top + 40 + 28 * i,
            words,
            size=16 if bold else 15,
            anchor="start",
            bold=bold,
            fill=fill,
        )
        for i, (words, bold, fill) in enumerate(lines)
    )


@lru_cache(maxsize=8)
def _draw_formula(axis: Axis, top: float) -> str:
    """How the output's size, and the zeros on each side, come from n, k and s; what to notice."""
    lines = [formula(30, top + 28 * i, line) for i, line in enumerate(_formulas(axis))]
    y = top + 28 * len(lines) + 2
    note = text(30, y, remark(axis), size=14, anchor="start", fill=VERMILION_TEXT)
    return group("formula", *lines) + group("remark", note)


def _formulas(axis: Axis) -> list[list[tuple[str, str]]]:
    """The lines of the formula as pieces (words, colour)."""
    n, k, s, places = axis.size, axis.kernel, axis.stride, axis.places
    if axis.padding == "valid":
        floored = (n - k) // s
        result = places if places else f"{_signed(floored + 1)}: no place at all"
        end = f" = ⌊{_fraction(n - k, s)}⌋ + 1 = {_signed(floored)} + 1 = {result}"
        return [_filled("output = ", "⌊({n} − {k}) / {s}⌋ + 1", axis, end)]
    first = _filled("output = ", "⌈{n} / {s}⌉", axis, f" = ⌈{_fraction(n, s)}⌉ = {places}")
    total = (places - 1) * s + k - n
    rule = "({o} − 1)·{s} + {k} − {n}"
    second = _filled("zeros = ", rule, axis, f" = {_signed(total)}")
    before, after = axis.pads
    shared = ", so none" if total <= 0 else f" → {before} before, {after} after"
    return [first, [*second, (shared, GREEN_TEXT)]]


def _filled(start: str, rule: str, axis: Axis, end: str) -> list[tuple[str, str]]:
    """A rule twice, with names and with numbers, each in the colour that it has in the picture."""
    names = {"n": "n", "k": "k", "s": "s", "o": "output"}
    values = {"n": axis.size, "k": axis.kernel, "s": axis.stride, "o": axis.places}
    pieces = [(start, INK)]
    for filling, after in ((names, " = "), (values, end)):
        # Every other part of the split is a name.
        for index, part in enumerate(re.split(r"{(\w)}", rule)):
            pieces.append((str(filling[part]), _COLOURS[part]) if index % 2 else (part, INK))
        pieces.append((after, INK))
    return pieces


def _input_cell(axis: Axis) -> float:
    return _cell(_INPUT_SIDE, axis.size + sum(axis.pads) + axis.overhang)


def _cell(side: float, count: int) -> float:
    return min(_LARGEST_CELL, side / max(count, 1))


def _sum_height() -> float:
    return _PRODUCTS[1] + _PRODUCTS_SIDE + 24


def _signed(value: int) -> str:
    return str(value).replace("-", "−")


def _fraction(above: int, below: int) -> str:
    return _signed(f"{above / below:.3g}")
