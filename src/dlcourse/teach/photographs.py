"""Photographs of any size, what a network gets of them, and the shapes on their way through it."""

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import BLUE, GREY, ORANGE, Picture, new_figure
from dlcourse.teach.redrawn import Panels

# The sides of the squares that `resolution_explorer` offers.
SIDES = (8, 16, 24, 32, 48, 64, 100, 150)
# Colours of the kinds of layers in `draw_stages`.
_COLOURS = {"Conv2D": BLUE, "MaxPooling2D": ORANGE}


def read_picture(path: Path) -> np.ndarray:
    """The JPEG file's pixels: uint8 (height, width, 3), decoded as Keras's datasets do it."""
    import tensorflow as tf

    # Pillow's decoder differs from TensorFlow's by a value or two.
    return tf.io.decode_jpeg(tf.io.read_file(str(path)), channels=3).numpy()


def squeezed(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture (height, width, 3) as a square, as `image_dataset_from_directory` resizes it.

    Returns float32 (side, side, 3) with values from 0 to 255: what is not square gets distorted.
    """
    import tensorflow as tf

    return tf.image.resize(picture, (side, side), method="bilinear").numpy()


def draw_samples(paths: Sequence[Path], columns: int = 6) -> Picture:
    """The pictures in rows, all at one scale, each with its height and width in pixels."""
    pictures = [read_picture(path) for path in paths]
    rows, most = -(-len(pictures) // columns), max(max(one.shape) for one in pictures)
    figure = new_figure(1.75 * columns, 2 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, picture in zip(grid, pictures, strict=False):
        height, width = picture.shape[:2]
        axes.imshow(picture)
        # The same piece of paper for each, so that a small picture looks small.
        axes.set(xlim=(width / 2 - most / 2, width / 2 + most / 2))
        axes.set(ylim=(height / 2 + most / 2, height / 2 - most / 2))
        axes.set_title(f"{height} × {width}", fontsize=9)
    sizes = len({picture.shape[:2] for picture in pictures})
    said = "all of one size" if sizes == 1 else f"of {sizes} sizes"
    figure.suptitle(f"{len(pictures)} pictures, {said} (height × width in pixels)")
    listed = ", ".join(
        f"{path.name} with {one.shape[0]} × {one.shape[1]} pixels"
        for path, one in zip(paths, pictures, strict=True)
    )
    return Picture(figure, f"{len(pictures)} pictures at one scale: {listed}.")


def draw_reading(path: Path, side: int = 150) -> Picture:
    """A picture on its way into the network: the file, its pixels, the square, the floats."""
    picture, data = read_picture(path), Path(path).read_bytes()
    square = squeezed(picture, side)
    corner = square[:4, :4, 0] / 255
    figure = new_figure(11, 3.2)
    panels = figure.subplots(1, 4, width_ratios=[1.1, 1.1, 1, 1])
    for axes in panels:
        axes.set_axis_off()
    head = [data[i : i + 6].hex(" ") for i in range(0, 48, 6)]
    panels[0].text(
        0.5, 0.5, "\n".join([*head, "..."]), ha="center", va="center", family="monospace"
    )
    panels[1].imshow(picture)
    panels[2].imshow(square.astype("uint8"))
    panels[3].imshow(corner, cmap="gray", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(corner):
        style = {"color": "white" if value < 0.5 else "black", "ha": "center", "va": "center"}
        panels[3].text(column, row, f"{value:.2f}", fontsize=9, **style)
    titles = (
        f"the file:\n{len(data):,} bytes",
        f"decoded:\n{picture.shape}, {picture.dtype}",
        f"resized:\n{square.shape}, {square.dtype}",
        "rescaled: how red the\nupper left corner is",
    )
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=10)
    figure.suptitle("From a JPEG file to what the network gets")
    return Picture(
        figure,
        f"Four steps of {Path(path).name}: a file of {len(data):,} bytes, decoded to an array of "
        f"shape {picture.shape}, resized to {square.shape}, and divided by 255; the upper left "
        f"value of red is {corner[0, 0]:.2f}.",
    )


def draw_resolution(path: Path, side: int = 150) -> Picture:
    """A picture as it is, and as the square of `side` pixels that a network would get."""
    return _Resolution().show(read_picture(path), side)


def resolution_explorer(paths: Sequence[Path]) -> Explorer:
    """Choose a picture and the side of its square: from which side on do you see what it shows?

    The picture itself stays hidden until the box is ticked.
    """
    pictures = [read_picture(path) for path in paths]
    picture = widgets.IntSlider(min=0, max=len(pictures) - 1, description="picture")
    side = widgets.SelectionSlider(options=SIDES, value=SIDES[0], description="side")
    whole = widgets.Checkbox(description="show the picture itself")
    panels = _Resolution()

    def draw(picture: int, side: int, whole: bool) -> Picture:
        return panels.show(pictures[picture], side, whole)

    inputs = [picture, side, whole]
    return Explorer(widgets.HBox(inputs), inputs, draw)


class _Resolution(Panels):
    """A picture beside its square."""

    def __init__(self) -> None:
        super().__init__(8, 4)
        self.whole, self.square = self.figure.subplots(1, 2)
        for axes in (self.whole, self.square):
            axes.set_axis_off()
        blank = np.zeros((2, 2, 3), "uint8")
        self.shown = self.whole.imshow(blank), self.square.imshow(blank, interpolation="nearest")
        self.whole.set_title("the picture: 000 × 000")
        self.square.set_title("what the network gets: 000 × 000")
        self.headline = self.figure.suptitle("000,000 numbers become 000,000")
        self.settle()

    def show(self, picture: np.ndarray, side: int, whole: bool = True) -> Picture:
        """The picture for these settings; the next call draws over it.

        whole: whether the left side shows the picture, or is left grey.
        """
        square = squeezed(picture, side).astype("uint8")
        left = picture if whole else np.full_like(picture, 235)
        for image, axes, data in zip(
            self.shown, (self.whole, self.square), (left, square), strict=True
        ):
            image.set_data(data)
            image.set_extent((-0.5, data.shape[1] - 0.5, data.shape[0] - 0.5, -0.5))
            axes.set_aspect("equal")
        height, width = picture.shape[:2]
        self.whole.set_title(f"the picture: {height} × {width}")
        self.square.set_title(f"what the network gets: {side} × {side}")
        said = f"{picture.size:,} numbers become {square.size:,}"
        self.headline.set_text(said)
        change = "distorted" if height != width else "square as before"
        return self.picture(
            f"A picture of {height} × {width} pixels and the same as {side} × {side}, {change}: "
            f"{said}."
        )


def draw_stages(model: object) -> Picture:
    """What each layer gives, from left to right: as high as its maps, as wide as they are many."""
    stages = [
        (type(layer).__name__, tuple(layer.output.shape[1:]))
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]
    maps = [("input", tuple(model.input_shape[1:]))]
    maps += [(kind, shape) for kind, shape in stages if len(shape) == 3]
    figure = new_figure(11, 3.8)
    axes = figure.subplots()
    _slabs(axes, maps)
    axes.set(
        xlabel="layer by layer, each as wide as it has channels",
        ylabel="height and width in pixels",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xticks([])
    first, last = maps[0][1], maps[-1][1]
    axes.set_title(
        f"Maps shrink from {first[0]} to {last[0]} and deepen from {first[2]} to {last[2]} channels"
    )
    listed = ", ".join(f"{kind} {shape}" for kind, shape in maps)
    return Picture(figure, f"The shapes on the way through the network: {listed}.")


def _slabs(axes: object, maps: list[tuple[str, tuple[int, int, int]]]) -> None:
    from matplotlib.patches import Patch, Rectangle

    left, most = 0.0, maps[0][1][0]
    for kind, (height, _, depth) in maps:
        # A layer of three channels would be a hair.
        width = max(depth, 6)
        axes.add_patch(Rectangle((left, 0), width, height, color=_COLOURS.get(kind, GREY)))
        label = f"{height}\n× {depth}"
        axes.text(left + width / 2, height + 2, label, ha="center", va="bottom", fontsize=9)
        left += width + 28
    axes.set(xlim=(-22, left), ylim=(0, 1.25 * most))
    kinds = dict.fromkeys(kind for kind, _ in maps)
    handles = [Patch(color=_COLOURS.get(kind, GREY), label=kind) for kind in kinds]
    axes.legend(handles=handles, frameon=False, loc="upper right")
