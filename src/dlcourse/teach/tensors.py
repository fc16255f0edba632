"""Pictures and explorers for section 01: ranks, broadcasting, and the size of a step downhill."""

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import BLUE, GREEN, GREY, ORANGE, VERMILION, Picture, new_figure

# The shapes that the broadcast explorer offers for either operand.
SHAPES = ((), (3,), (4,), (3, 1), (1, 4), (3, 4), (4, 3), (2, 1, 4), (2, 3, 4))
# What the learning-rate explorer offers. On its valley, rates above 0.65 climb.
RATES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.7)
STEPS = (1, 2, 3, 5, 10, 20, 30)

_KINDS = (
    ((), "a number", "one temperature"),
    ((4,), "one sample", "(features)"),
    ((3, 4), "vector data", "(samples, features)"),
    ((3, 2, 4), "timeseries", "(samples, timesteps, features)"),
    ((2, 3, 2, 4), "images", "(samples, height, width, channels)"),
    ((2, 2, 3, 2, 4), "video", "(samples, frames, height, width, channels)"),
)
# Cells are squares of side one; a sheet behind another is moved by this much.
_BEHIND = 0.45
_START = np.array([-2.0, 0.5])


def draw_tensor_ranks() -> Picture:
    """Tensors of rank 0 to 5, each drawn as a collection of those one rank below."""
    figure = new_figure(10, 6)
    panels = figure.subplots(2, 3).ravel()
    for axes, (shape, name, meaning) in zip(panels, _KINDS, strict=True):
        _draw_blocks(axes, shape)
        axes.set_title(f"rank {len(shape)}, shape {shape}\n{name}: {meaning}", fontsize=9.5)
        # One scale for all, so that a cell is a cell.
        axes.set(xlim=(-6.5, 6.5), ylim=(-4.2, 4.2), aspect="equal")
        axes.set_axis_off()
    figure.suptitle("One more axis: a collection of tensors of the rank before")
    said = "; ".join(f"rank {len(shape)}: {name} {meaning}" for shape, name, meaning in _KINDS)
    return Picture(
        figure, f"Six tensors drawn as cells, sheets of cells and rows of sheets. {said}."
    )


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...] | None, str]:
    """The shape of an elementwise operation on shapes `a` and `b`, or None, and why."""
    try:
        result = np.broadcast_shapes(a, b)
    except ValueError:
        result = None
    reasons = []
    for axis in range(-1, -max(len(a), len(b)) - 1, -1):
        one, other = _length(a, axis), _length(b, axis)
        if None not in (one, other) and one != other and 1 not in (one, other):
            reasons.append(f"axis {axis}: {one} against {other}, and neither is 1")
    if result is None:
        return None, f"{a} and {b} do not fit ({'; '.join(reasons)})."
    stretched = [str(shape) if shape else "the number" for shape in (a, b) if shape != result]
    how = {0: "nothing is", 1: "".join(stretched) + " is", 2: " and ".join(stretched) + " are"}
    return result, f"{a} with {b} gives {result}: {how[len(stretched)]} repeated."


def draw_broadcast(a: tuple[int, ...] = (3, 4), b: tuple[int, ...] = (4,)) -> Picture:
    """How shapes `a` and `b` are aligned from the right, and the sum `a + b` with its entries."""
    result, why = broadcast(a, b)
    figure = new_figure(10, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.9])
    _draw_alignment(left, a, b, result)
    _draw_sum(right, a, b, result)
    for axes in (left, right):
        axes.set_aspect("equal")
        axes.set_axis_off()
    left.set_title("aligned from the right", fontsize=11)
    right.set_title("faint entries are repeated, not stored" if result else "no sum", fontsize=11)
    figure.suptitle(why)
    return Picture(figure, why)


def broadcast_explorer() -> Explorer:
    """Two shapes to choose, how they align, and the sum or the reason why there is none."""
    menus = [
        widgets.Dropdown(options=[(str(shape), shape) for shape in SHAPES], description=name)
        for name in ("shape of a", "shape of b")
    ]
    menus[0].value, menus[1].value = (3, 4), (4,)
    return Explorer(widgets.HBox(menus), menus, draw_broadcast)


def valley() -> tuple[np.ndarray, np.ndarray]:
    """The points (x, y), each of shape (20,), that the explorer fits a line y = w * x + b to."""
    x = np.linspace(-1, 2, 20)
    return x, 1.5 * x - 0.5 + np.random.default_rng(1).normal(0, 0.5, x.shape)


def descend(learning_rate: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The path (steps + 1, 2) of (w, b) down the valley, and the loss (steps + 1,) along it."""
    x, y = valley()
    path = [_START]
    for _ in range(steps):
        w, b = path[-1]
        error = w * x + b - y
        gradient = np.array([2 * np.mean(error * x), 2 * np.mean(error)])
        path.append(path[-1] - learning_rate * gradient)
    path = np.array(path)
    return path, _loss(path[:, 0], path[:, 1])


def draw_descent(learning_rate: float = 0.1, steps: int = 20) -> Picture:
    """The path of gradient descent over the loss of a line, and the loss after every step."""
    path, losses = descend(learning_rate, steps)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    _draw_valley(left, path)
    right.plot(range(steps + 1), losses, color=VERMILION, marker="o", markersize=4)
    right.axhline(_lowest(), color=GREEN, linestyle="--", label="lowest possible")
    right.set(xlabel="step", ylabel="loss (log scale)", yscale="log", ylim=(0.03, 1000))
    right.xaxis.get_major_locator().set_params(integer=True)
    right.spines[["top", "right"]].set_visible(False)
    right.legend(frameon=False)
    title = f"Learning rate {learning_rate}, {steps} steps: {_verdict(path, losses)}"
    figure.suptitle(title)
    return Picture(figure, f"{title}. The loss goes from {losses[0]:.2f} to {losses[-1]:.2f}.")


def learning_rate_explorer() -> Explorer:
    """A slider for the learning rate and one for the steps, and the path that they make."""
    sliders = [
        widgets.SelectionSlider(
            options=options,
            value=value,
            description=name,
            continuous_update=False,
            style={"description_width": "initial"},
        )
        for name, options, value in (("learning rate", RATES, 0.1), ("steps", STEPS, 20))
    ]
    return Explorer(widgets.HBox(sliders), sliders, draw_descent)


def _draw_blocks(axes: object, shape: tuple[int, ...]) -> None:
    """The cells of a tensor: rank 2 a sheet, rank 3 sheets behind each other, 4 a row, 5 rows."""
    *outer, rows, columns = (1, 1, 1, 1, 1, *shape)[-5:]
    grid_rows, grid_columns, sheets = outer
    depth = _BEHIND * (sheets - 1)
    wide, high = columns + depth + 1, rows + depth + 1
    left, top = (1 - grid_columns * wide) / 2, (grid_rows * high - 1) / 2
    for i in range(grid_rows):
        for j in range(grid_columns):
            for k in reversed(range(sheets)):
                corner = (left + j * wide + k * _BEHIND, top - (i + 1) * high + 1 + k * _BEHIND)
                _draw_sheet(axes, corner, rows, columns, front=k == 0)


def _draw_sheet(axes: object, corner: tuple, rows: int, columns: int, front: bool) -> None:
    from matplotlib.patches import Rectangle

    x, y = corner
    for row in range(rows):
        for column in range(columns):
            colour = BLUE if front else "#9CC7E0"
            axes.add_patch(
                Rectangle((x + column, y + row), 1, 1, facecolor=colour, edgecolor="white")
            )


def _length(shape: tuple[int, ...], axis: int) -> int | None:
    """The length of `shape` along `axis`, counted from the right (-1, -2, ...); None beyond it."""
    return shape[axis] if -axis <= len(shape) else None


def _draw_alignment(axes: object, a: tuple, b: tuple, result: tuple | None) -> None:
    """Three rows of boxes, one box per axis: a, b and the result (in vermilion where none is)."""
    rank = max(len(a), len(b), 1)
    for row, (name, shape) in enumerate((("a", a), ("b", b), ("a + b", result or ()))):
        axes.text(-rank - 0.6, -1.3 * row, name, ha="right", va="center", fontsize=12)
        for axis in range(-rank, 0):
            clash = _clash(a, b, axis)
            if row < 2:
                text, style = _operand_box(_length(shape, axis), clash, a, b, axis)
            elif result is None:
                text, style = ("✗", {"edgecolor": VERMILION}) if clash else ("", None)
            else:
                length = _length(result, axis)
                text, style = str(length or ""), {"edgecolor": GREEN} if length else None
            if style:
                _draw_box(axes, axis, -1.3 * row, text, style)
    axes.set_xlim(-rank - 1.9, 0.1)
    axes.set_ylim(-3.4, 0.8)


def _operand_box(length: int | None, clash: bool, a: tuple, b: tuple, axis: int) -> tuple:
    """The text and the frame of an operand's axis; an axis of 1 or none is stretched (orange)."""
    longest = max(_length(a, axis) or 1, _length(b, axis) or 1)
    if _length(a, axis) is None and _length(b, axis) is None:
        return "", None
    if clash:
        return str(length), {"edgecolor": VERMILION}
    if length is None:
        return f"·→{longest}", {"edgecolor": ORANGE, "linestyle": "--"}
    if length < longest:
        return f"1→{longest}", {"edgecolor": ORANGE}
    return str(length), {"edgecolor": BLUE}


def _clash(a: tuple, b: tuple, axis: int) -> bool:
    lengths = {_length(a, axis), _length(b, axis)} - {None, 1}
    return len(lengths) > 1


def _draw_box(axes: object, x: float, y: float, text: str, style: dict) -> None:
    from matplotlib.patches import Rectangle

    box = Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, facecolor="white", linewidth=2.5, **style)
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", fontsize=12)


def _draw_sum(axes: object, a: tuple, b: tuple, result: tuple | None) -> None:
    """The entries of a, of b and of a + b; without a result, those of a and b as they are."""
    arrays = [
        np.arange(np.prod(a, dtype=int)).reshape(a),
        10 * (1 + np.arange(np.prod(b, dtype=int)).reshape(b)),
    ]
    x = 0.0
    for index, array in enumerate([*arrays, *([arrays[0] + arrays[1]] if result else [])]):
        shape = array.shape if result is None else result
        sign = "" if index == 0 else "≠" if result is None else "+="[index - 1]
        if sign:
            axes.text(x - 0.75, 0, sign, ha="center", va="center", fontsize=16)
        x += _draw_entries(axes, x, array, shape) + 1.5
    axes.set_xlim(-0.2, x - 1.3)
    axes.set_ylim(-4.6, 4.6)


def _draw_entries(axes: object, x: float, array: np.ndarray, shape: tuple[int, ...]) -> float:
    """The entries of `array` stretched to `shape`, centred on y = 0; returns the width drawn."""
    from matplotlib.patches import Rectangle

    stored = np.zeros(shape, bool)
    missing = len(shape) - array.ndim
    # What is stored is one place along every axis that the array lacks or has only once.
    stored[(0,) * missing + tuple(slice(length) for length in array.shape)] = True
    sheets, rows, columns = (1, 1, 1, *shape)[-3:]
    values = np.broadcast_to(array, shape).reshape(sheets, rows, columns)
    stored = stored.reshape(sheets, rows, columns)
    top = (sheets * rows + 0.5 * (sheets - 1)) / 2
    for (sheet, row, column), value in np.ndenumerate(values):
        here = stored[sheet, row, column]
        corner = (x + column, top - 1 - row - sheet * (rows + 0.5))
        face, edge = ("#CDE5F3", BLUE) if here else ("white", "#BBBBBB")
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=face, edgecolor=edge))
        axes.text(
            *(np.add(corner, 0.5)),
            str(value),
            ha="center",
            va="center",
            fontsize=9,
            color="black" if here else GREY,
        )
    return columns


def _loss(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean squared error of the lines (w, b), of any equal shapes, over the valley's points."""
    x, y = valley()
    error = np.asarray(w)[..., None] * x + np.asarray(b)[..., None] - y
    return np.mean(error**2, axis=-1)


def _lowest() -> float:
    w, b = np.polyfit(*valley(), 1)
    return float(_loss(w, b))


def _draw_valley(axes: object, path: np.ndarray) -> None:
    w, b = np.meshgrid(np.linspace(-2.5, 5, 90), np.linspace(-3.5, 3.5, 90))
    axes.contourf(w, b, _loss(w, b), levels=np.geomspace(0.05, 60, 18), cmap="Blues")
    axes.plot(*path.T, color=VERMILION, marker="o", markersize=4, linewidth=1.5, label="steps")
    axes.plot(*path[0], color="black", marker="s", label="start", linestyle="")
    best = np.polyfit(*valley(), 1)
    axes.plot(*best, color=GREEN, marker="*", markersize=14, label="lowest loss", linestyle="")
    axes.set(xlim=(-2.5, 5), ylim=(-3.5, 3.5), xlabel="weight w", ylabel="bias b")
    axes.legend(loc="upper right")


def _verdict(path: np.ndarray, losses: np.ndarray) -> str:
    """What to see in the path, told from its losses and from whether its steps turn back."""
    moves = np.diff(path, axis=0)
    turns = np.sum(moves[1:] * moves[:-1], axis=1) < 0
    if losses[-1] > losses[0]:
        return "every step overshoots, and the loss grows"
    left_over = (losses[-1] - _lowest()) / (losses[0] - _lowest())
    ends = "at the bottom" if left_over < 0.002 else "still on its way"
    if turns.any() and turns.mean() > 0.5:
        return f"across the valley and back, {ends}"
    return ends
