"""The pooling explorer: three ways to shrink a feature map, side by side on a real one."""

from functools import lru_cache

import numpy as np
from ipywidgets import Dropdown, Layout

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
    path,
    rect,
    slider,
    stacked,
    text,
)
from dlcourse.teach.pictures import BLUE, ORANGE

_ACROSS = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
# What the explorer offers: patterns to look for, as kernels (3, 3); windows; pixels to the right.
KERNELS = {"left edges": _ACROSS, "right edges": -_ACROSS, "upper edges": _ACROSS.T}
KERNELS["lower edges"] = -_ACROSS.T
WINDOWS = range(2, 5)
SHIFTS = range(4)
WAYS = ("max", "average", "strided")

_WIDTH, _HEIGHT = 940, 492
_MAP, _CELL = (196, 54), 13
_ZOOM, _ZOOM_SIDE = (588, 54), 136
_RESULTS, _RESULT_SIDE = (588, 248), 106


def feature_map(image: np.ndarray, kernel: np.ndarray, shift: int = 0) -> np.ndarray:
    """How strongly `kernel` (3, 3) responds at each place of `image` (h, w); below zero is zero.

    Integers of shape (h - 2, w - 2). The image is moved to the right by `shift` pixels first.
    """
    moved = np.roll(image.astype(int), shift, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(moved, kernel.shape)
    return np.maximum(np.sum(windows * kernel, axis=(2, 3)), 0)


def pooled(features: np.ndarray, window: int, way: str) -> np.ndarray:
    """`features` (h, w) made smaller by `window` along both axes; what is left over is dropped.

    way: "max" or "average" of each window, or "strided": what a convolution with that stride has
    computed, its upper left entry alone.
    """
    rows, columns = (length // window for length in features.shape)
    cut = features[: rows * window, : columns * window]
    blocks = cut.reshape(rows, window, columns, window).swapaxes(1, 2)
    if way == "max":
        return blocks.max(axis=(2, 3))
    return blocks.mean(axis=(2, 3)) if way == "average" else blocks[:, :, 0, 0]


def draw_pooling(
    image: np.ndarray,
    pattern: str = "left edges",
    window: int = 2,
    shift: int = 0,
    row: int = 4,
    column: int = 5,
) -> Drawing:
    """Max, average and strided versions of the feature map of `image` (28, 28), uint8.

    `row` and `column` choose the window that is shown with its numbers.
    """
    return _drawn(image.tobytes(), image.shape, pattern, window, shift, row, column)


def pooling_explorer(image: np.ndarray) -> "PoolingExplorer":
    """What to look for, how large the window is, where the digit stands, and one window to read."""
    return PoolingExplorer(image)


class PoolingExplorer(DrawnExplorer):
    """Fewer rows and columns are left to choose from as the window grows."""

    def __init__(self, image: np.ndarray) -> None:
        self.pattern = Dropdown(
            options=list(KERNELS),
            description="look for",
            style={"description_width": "4.7em"},
            layout=Layout(width="16em"),
        )
        self.window = slider("window", WINDOWS, 2)
        self.shift = slider("shift", SHIFTS, 0)
        places = range((image.shape[0] - 2) // 2)
        self.row, self.column = slider("row", places, 4), slider("column", places, 5)
        self._side = image.shape[0] - 2
        self.window.observe(self._fit, "value")
        controls = stacked(
            in_a_row(self.pattern, self.window, self.shift), in_a_row(self.row, self.column)
        )
        inputs = [self.pattern, self.window, self.shift, self.row, self.column]
        super().__init__(controls, inputs, lambda *values: draw_pooling(image, *values))

    def _fit(self, change: object = None) -> None:
        self.row.max = self.column.max = self._side // self.window.value - 1


def _drawn(
    data: bytes, shape: tuple, pattern: str, window: int, shift: int, row: int, column: int
) -> Drawing:
    parts, features, maps = _maps_drawn(data, shape, pattern, window, shift)
    row, column = (min(at, len(maps["max"]) - 1) for at in (row, column))
    block = features[row * window : (row + 1) * window, column * window : (column + 1) * window]
    results = {way: maps[way][row, column] for way in WAYS}
    moving = (
        _draw_window(window, row, column),
        _draw_zoom(block, results, int(features.max())),
        _draw_marks(maps, row, column),
    )
    return Drawing(
        (*parts, *moving), _WIDTH, _HEIGHT, _describe(pattern, window, shift, row, column, maps)
    )


@lru_cache(maxsize=8)
def _maps_drawn(
    data: bytes, shape: tuple, pattern: str, window: int, shift: int
) -> tuple[tuple[str, ...], np.ndarray, dict[str, np.ndarray]]:
    """All that stays while row and column change: what is drawn, the feature map, its versions."""
    image = np.frombuffer(data, np.uint8).reshape(shape)
    features = feature_map(image, KERNELS[pattern], shift)
    maps = {way: pooled(features, window, way) for way in WAYS}
    parts = (
        _draw_source(np.roll(image, shift, axis=1), pattern),
        _draw_features(features, window),
        _draw_results(maps, features, window),
        _draw_size(len(features), window),
    )
    return parts, features, maps


def _draw_source(image: np.ndarray, pattern: str) -> str:
    kernel = [
        rect(44 + 28 * c, 236 + 28 * r, 28, 28, fill="white", stroke=BLUE, line=0.8)
        + text(58 + 28 * c, 250 + 28 * r, str(weight).replace("-", "−"), size=14)
        for (r, c), weight in np.ndenumerate(KERNELS[pattern])
    ]
    return (
        text(16, 30, "digit", size=16, anchor="start", bold=True)
        + heat(image, 16, 54, 5, 255, colour="#000000")
        + text(16, 218, pattern, size=16, anchor="start", bold=True, fill=BLUE_TEXT)
        + "".join(kernel)
        + text(16, 342, "then relu", size=14, anchor="start", fill=SOFT)
    )


def _draw_features(features: np.ndarray, window: int) -> str:
    """The feature map, with the grid of windows over it and the border that is dropped."""
    (left, top), side = _MAP, len(features)
    whole = side // window * window
    length = whole * _CELL
    lines = range(0, length + 1, window * _CELL)
    steps = [f"M{left + i} {top}v{length}M{left} {top + i}h{length}" for i in lines]
    lost = ""
    if whole < side:
        rest = (side - whole) * _CELL
        lost = rect(left + length, top, rest, length + rest, fill=ORANGE, opacity=0.35)
        lost += rect(left, top + length, length, rest, fill=ORANGE, opacity=0.35)
        words = f"orange: {side - whole} rows and columns fill no window"
        under = top + length + rest + 18
        lost += text(left, under, words, size=13, anchor="start", fill=VERMILION_TEXT)
    title = text(left, 30, f"feature map {side} × {side}", size=16, anchor="start", bold=True)
    grid = path("".join(steps), stroke="#B9B9B9", line=0.7)
    return title + heat(features, left, top, _CELL, features.max()) + grid + lost


def _draw_results(maps: dict[str, np.ndarray], features: np.ndarray, window: int) -> str:
    """The three smaller maps in the shades of the large one, and what is left in them."""
    strongest, drawn = int(features.max()), []
    present = pooled(features, window, "max") > 0
    for index, way in enumerate(WAYS):
        x, y, size = _RESULTS[0] + 116 * index, _RESULTS[1], len(maps[way])
        drawn.append(text(x, y - 16, way, size=15, anchor="start", bold=True))
        drawn.append(group(way, heat(maps[way], x, y, _RESULT_SIDE / size, strongest)))
        kept = f"{100 * maps[way].max() / max(strongest, 1):.0f}%"
        shown = f"{np.sum(maps[way][present] > 0)} of {np.sum(present)}"
        drawn.append(text(x, y + 122, kept, size=15, anchor="start", bold=True))
        drawn.append(text(x, y + 142, "of the strongest", size=12, anchor="start", fill=SOFT))
        drawn.append(text(x, y + 166, shown, size=15, anchor="start", bold=True))
        drawn.append(text(x, y + 186, "windows show it", size=12, anchor="start", fill=SOFT))
    return "".join(drawn)


def _draw_size(side: int, window: int) -> str:
    result = side // window
    quotient = f"{(side - window) / window:.3g}"
    pieces = [("output = ⌊(n − w) / w⌋ + 1 = ", INK)]
    pieces += [(f"⌊({side} − {window}) / {window}⌋ + 1 = ⌊{quotient}⌋ + 1 = {result}", INK)]
    return formula(16, _HEIGHT - 24, pieces, size=17)


def _draw_window(window: int, row: int, column: int) -> str:
    """The chosen window on the feature map, tied to its enlargement."""
    (left, top), side, (x, y) = _MAP, window * _CELL, _ZOOM
    at = left + column * side, top + row * side
    right = at[0] + side
    steps = f"M{right} {at[1]}L{x} {y}M{right} {at[1] + side}L{x} {y + _ZOOM_SIDE}"
    lines = path(steps, stroke=BLUE, line=1, opacity=0.55)
    return lines + group("window", rect(*at, side, side, stroke=BLUE, line=3.5))


def _draw_zoom(block: np.ndarray, results: dict[str, float], strongest: int) -> str:
    """The entries of the window, and what each way makes of them."""
    (left, top), cell = _ZOOM, _ZOOM_SIDE / len(block)
    boxes = []
    for (r, c), value in np.ndenumerate(block):
        x, y = left + c * cell, top + r * cell
        here = (r, c) == np.unravel_index(block.argmax(), block.shape) and value > 0
        fill = "#D6E7F3" if here else "white"
        boxes.append(rect(x, y, cell, cell, fill=fill, stroke="#8A8A8A", line=0.8))
        boxes.append(text(x + cell / 2, y + cell / 2, value, size=min(17, cell / 2.4), bold=here))
    said = [
        text(left + 154, top + 24 + 44 * i, f"{way}:", size=16, anchor="start")
        + text(left + 236, top + 24 + 44 * i, _written(value), size=17, anchor="start", bold=True)
        for i, (way, value) in enumerate(results.items())
    ]
    corner = text(left + 154, top + 130, "(upper left)", size=12, anchor="start", fill=SOFT)
    title = text(left, 30, "this window", size=16, anchor="start", bold=True, fill=BLUE_TEXT)
    return title + group("entries", *boxes) + group("results", *said) + corner


def _draw_marks(maps: dict[str, np.ndarray], row: int, column: int) -> str:
    """The place of the window in each of the smaller maps."""
    cell = _RESULT_SIDE / len(maps["max"])
    left, top = _RESULTS
    return "".join(
        rect(left + 116 * i + column * cell, top + row * cell, cell, cell, stroke=BLUE, line=2.5)
        for i in range(len(WAYS))
    )


def _describe(
    pattern: str, window: int, shift: int, row: int, column: int, maps: dict[str, np.ndarray]
) -> str:
    side = len(maps["max"])
    results = ", ".join(f"{way} {_written(maps[way][row, column])}" for way in WAYS)
    moved = f", the digit {shift} to the right" if shift else ""
    return (
        f"Looking for {pattern}{moved}: windows of {window}×{window} make the feature map "
        f"{side}×{side}. Window [{row}, {column}]: {results}."
    )


def _written(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
