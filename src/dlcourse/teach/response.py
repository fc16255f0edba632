"""A filter slid over a digit: nine products at a place, their sum, and the response map of all.

The response at a place is large where the picture looks like the filter. A redraw changes the
pictures and numbers of one figure instead of building another, which keeps it below 100 ms.
"""

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import traitlets

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import BLACK, GREY, ORANGE, Picture
from dlcourse.teach.redrawn import Panels, frame, outline, short

# What a filter finds -> its nine numbers. "Upper edge" is dark above and bright below.
FILTERS = {
    "upper edge": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
    "lower edge": ((1, 1, 1), (0, 0, 0), (-1, -1, -1)),
    "left edge": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    "right edge": ((1, 0, -1), (1, 0, -1), (1, 0, -1)),
    "rising line": ((-0.5, -0.5, 1), (-0.5, 1, -0.5), (1, -0.5, -0.5)),
    "outline": ((-0.25, -0.25, -0.25), (-0.25, 2, -0.25), (-0.25, -0.25, -0.25)),
    "blur": ((1 / 9,) * 3,) * 3,
}
OWN = "your own"
# What the nine sliders offer.
LOW, HIGH, STEP = -2.0, 2.0, 0.25
WINDOW = 3


def response_map(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The response of a filter at every place of a picture where it fits.

    image: (height, width); kernel: (k, k). Returns (height - k + 1, width - k + 1): at each place
    the sum of the products of the filter's numbers with the pixels under them.
    """
    kernel = np.asarray(kernel)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


def draw_response(
    image: np.ndarray,
    kernel: np.ndarray = FILTERS["upper edge"],
    place: tuple[int, int] | None = None,
) -> Picture:
    """A filter at one place of a picture, the nine products there, and its whole response map.

    image: (height, width), uint8, or floats in [0, 1]. kernel: (3, 3). place: row and column of the
    window's upper left pixel, by default where the response is largest.
    """
    if place is None:
        response = response_map(as_floats(image), kernel)
        place = np.unravel_index(response.argmax(), response.shape)
    return _Response(image).show(image, kernel, *place)


def response_explorer(images: np.ndarray, filters: Mapping[str, np.ndarray] = FILTERS) -> Explorer:
    """Choose a digit and a filter, or set its nine numbers; move the window, or let it run.

    images: (n, height, width). filters: name -> (3, 3).
    """
    kernel = KernelGrid(next(iter(filters.values())))
    digit = _slider("digit", len(images) - 1)
    row, column = (_slider(name, side - WINDOW) for name, side in _sides(images))
    row.value, column.value = row.max // 3, column.max // 2
    panels = _Response(images[0])
    return Explorer(
        widgets.HBox(
            [
                widgets.VBox([_menu(kernel, filters), kernel]),
                widgets.VBox([digit, row, column, _player(row, column)]),
            ]
        ),
        [digit, kernel, row, column],
        lambda *values: panels.show(images[values[0]], *values[1:]),
    )


class KernelGrid(widgets.VBox):
    """Nine sliders whose `value`, three rows of three numbers, changes once however many move."""

    value = traitlets.Tuple()

    def __init__(self, kernel: np.ndarray) -> None:
        self._spreading = False
        self.sliders = [
            widgets.FloatSlider(
                min=LOW,
                max=HIGH,
                step=STEP,
                description=f"{row + 1}, {column + 1}",
                layout=widgets.Layout(width="190px"),
                style={"description_width": "30px"},
            )
            for row in range(WINDOW)
            for column in range(WINDOW)
        ]
        super().__init__(
            [widgets.HBox(self.sliders[i : i + WINDOW]) for i in range(0, WINDOW**2, WINDOW)]
        )
        for slider in self.sliders:
            slider.observe(self._collect, "value")
        self.value = _rows(kernel)

    def _collect(self, change: object) -> None:
        if not self._spreading:
            values = [slider.value for slider in self.sliders]
            self.value = tuple(tuple(values[i : i + WINDOW]) for i in range(0, WINDOW**2, WINDOW))

    @traitlets.observe("value")
    def _spread(self, change: object) -> None:
        self._spreading = True
        for slider, number in zip(self.sliders, sum(self.value, ()), strict=True):
            slider.value = number
        self._spreading = False


def _rows(kernel: np.ndarray) -> tuple:
    return tuple(tuple(float(number) for number in row) for row in kernel)


def _sides(images: np.ndarray) -> tuple:
    return ("row", images.shape[1]), ("column", images.shape[2])


def _slider(name: str, most: int) -> widgets.IntSlider:
    return widgets.IntSlider(min=0, max=most, description=name)


def _menu(kernel: KernelGrid, filters: Mapping[str, np.ndarray]) -> widgets.Dropdown:
    """A menu that sets the grid, and that says so when the grid holds none of its filters."""
    known = {name: _rows(numbers) for name, numbers in filters.items()}
    menu = widgets.Dropdown(options=[*known, OWN], description="filter")

    def chosen(change: object) -> None:
        if menu.value != OWN:
            kernel.value = known[menu.value]

    def moved(change: object) -> None:
        names = [name for name, numbers in known.items() if numbers == kernel.value]
        menu.value = menu.value if menu.value in names else (names or [OWN])[0]

    menu.observe(chosen, "value")
    kernel.observe(moved, "value")
    return menu


def _player(row: widgets.IntSlider, column: widgets.IntSlider) -> widgets.HBox:
    """Buttons that move the window along the rows: by itself, or a step at a time."""
    across = column.max + 1
    last = (row.max + 1) * across - 1
    play = widgets.Play(min=0, max=last, interval=200, value=row.value * across + column.value)
    back = widgets.Button(description="◀ back", tooltip="One place back")
    ahead = widgets.Button(description="next ▶", tooltip="One place on")

    def played(change: object) -> None:
        row.value, column.value = divmod(play.value, across)

    def moved(change: object) -> None:
        play.value = row.value * across + column.value

    def step(by: int) -> None:
        place = min(max(row.value * across + column.value + by, 0), last)
        row.value, column.value = divmod(place, across)

    play.observe(played, "value")
    row.observe(moved, "value")
    column.observe(moved, "value")
    back.on_click(lambda button: step(-1))
    ahead.on_click(lambda button: step(1))
    return widgets.HBox([play, back, ahead])


class _Response(Panels):
    """The digit with the window, the nine products there, and the response map."""

    def __init__(self, image: np.ndarray) -> None:
        super().__init__(11.5, 3.7)
        pixels = as_floats(image)
        response = response_map(pixels, np.zeros((WINDOW, WINDOW)))
        left, middle, right = self.figure.subplots(1, 3, width_ratios=[1, 1.65, 1.1])
        self.digit = left.imshow(pixels, cmap="gray", vmin=0, vmax=1)
        # In shares of the largest response, so that the scale stays and need not be drawn anew.
        self.map = right.imshow(response, cmap="RdBu_r", vmin=-1, vmax=1)
        share = "response, share of the largest"
        self.figure.colorbar(self.map, ax=right, label=share, ticks=[-1, 0, 1], shrink=0.8)
        self.window = outline(left, WINDOW, ORANGE, width=3)
        self.place = outline(right, 1, BLACK)
        left.set(title="the window on the digit", xlabel="column", ylabel="row")
        height, width = response.shape
        right.set(title=f"the response map, {height} × {width}", xlabel="column", ylabel="row")
        self.boxes, grid, self.sum = _number_boxes(middle)
        self.headline = self.figure.suptitle("The filter finds nothing here")
        frames = [*left.spines.values(), *right.spines.values(), grid]
        self.settle(*frames, self.window, self.place, self.sum, self.headline)

    def show(self, image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> Picture:
        """The picture for these settings; the next call draws over it."""
        pixels, kernel = as_floats(image), np.asarray(kernel, float)
        response = response_map(pixels, kernel)
        # One colour scale for both signs, so that white means: no response.
        most = max(np.abs(response).max(), 1e-6)
        self.repaint(self.digit, pixels)
        self.repaint(self.map, response / most)
        frame(self.window, row, column)
        frame(self.place, row, column)
        window = pixels[row : row + WINDOW, column : column + WINDOW]
        self.redraw(*_write(self.boxes, window, kernel))
        here = response[row, column]
        self.sum.set_text(f"their sum: {short(here)}")
        self.headline.set_text(_verdict(here, response))
        return self.picture(_words(window * kernel, response, row, column))


def as_floats(image: np.ndarray) -> np.ndarray:
    """A picture's pixels as floats in [0, 1]; uint8 is divided by 255."""
    image = np.asarray(image)
    return image / 255 if image.dtype == np.uint8 else image


def _number_boxes(axes: object) -> tuple[list, object, object]:
    """Three tables of nine boxes each (box, text): pixels, filter, products.

    Also returns the lines around all boxes, and a text below.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    boxes, lines, centred = [], [], {"ha": "center", "va": "center"}
    for table, (name, sign) in enumerate((("pixels", "×"), ("filter", "="), ("products", ""))):
        left = 4 * table
        axes.text(left + 1.5, -0.4, name, fontsize=10, **centred)
        axes.text(left + 3.5, 1.5, sign, fontsize=14, **centred)
        for row, column in np.ndindex(WINDOW, WINDOW):
            box = axes.add_patch(Rectangle((left + column, row), 1, 1, edgecolor="none"))
            place = (left + column + 0.5, row + 0.5)
            boxes.append((box, axes.text(*place, "", fontsize=7.5, clip_path=box, **centred)))
        for line in range(WINDOW + 1):
            lines.append([(left + line, 0), (left + line, WINDOW)])
            lines.append([(left, line), (left + WINDOW, line)])
    edges = LineCollection(lines, colors=GREY, linewidths=1, capstyle="projecting")
    grid = axes.add_collection(edges)
    axes.set(xlim=(-0.1, 11.1), ylim=(4.6, -1), aspect="equal", title="nine products at this place")
    axes.set_axis_off()
    return boxes, grid, axes.text(5.5, 4, "their sum: 0", fontsize=12, **centred)


def _write(boxes: list, window: np.ndarray, kernel: np.ndarray) -> list:
    """Numbers and colours of the three tables; returns the boxes and texts that have changed."""
    from matplotlib import colormaps

    products = window * kernel
    most = max(np.abs(products).max(), 1e-6)
    signed = colormaps["RdBu_r"]
    fills = [
        colormaps["gray"](window),
        signed(0.5 + kernel / (2 * HIGH)),
        signed(0.5 + products / (2 * most)),
    ]
    changed = []
    numbers, colours = np.ravel([window, kernel, products]), np.reshape(fills, (-1, 4))
    for number, colour, (box, text) in zip(numbers, colours, boxes, strict=True):
        if (text.get_text(), box.get_facecolor()) != (short(number), tuple(colour)):
            box.set_facecolor(colour)
            text.set_text(short(number))
            text.set_color("black" if colour[:3] @ (0.3, 0.6, 0.1) > 0.5 else "white")
            changed += [box, text]
    return changed


def _verdict(here: float, response: np.ndarray) -> str:
    """What the response at a place says, compared with all others of the map."""
    most = np.abs(response).max()
    if most < 1e-6:
        return "This filter responds to nothing in this picture"
    if here > 0.7 * most:
        return "A strong response: the pixels here look like the filter"
    if here < -0.7 * most:
        return "A strong negative response: the opposite of what the filter looks for"
    return "A weak response: the pixels here look little like the filter"


def _words(products: np.ndarray, response: np.ndarray, row: int, column: int) -> str:
    listed = ", ".join(map(short, products.ravel()))
    height, width = response.shape
    top, left = np.unravel_index(response.argmax(), response.shape)
    return (
        f"Window at row {row}, column {column}: the nine products {listed} sum to "
        f"{short(response[row, column])}. The response map of {height} × {width} places goes from "
        f"{short(response.min())} to {short(response.max())} and is largest at row {top}, column "
        f"{left}."
    )
