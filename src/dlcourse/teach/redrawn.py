"""Figures that explorers draw over: laid out once, then only what moves is drawn anew."""

import io

import numpy as np

from dlcourse.teach.pictures import Picture, new_figure


class Redrawn(Picture):
    """A picture of panels that are drawn again and again: it shows them as they are when asked."""

    def __init__(self, panels: "Panels", alt: str) -> None:
        super().__init__(panels.figure, alt)
        self.panels = panels

    def png(self) -> bytes:
        """The picture as it is now, as the bytes of a PNG file."""
        return self._saved("PNG", compress_level=1)

    def jpeg(self) -> bytes:
        """The picture as it is now, as the bytes of a JPEG file."""
        return self._saved("JPEG", quality=90)

    def _saved(self, format: str, **options: int) -> bytes:
        from PIL import Image

        buffer = io.BytesIO()
        # Pillow leaves the transparency out in a fifth of the time that NumPy takes.
        Image.fromarray(self.panels.pixels()).convert("RGB").save(buffer, format, **options)
        return buffer.getvalue()


class Panels:
    """A figure with its axes, built once by a subclass and changed by each of its `show`s.

    The subclass calls `settle` when everything stands, and keeps the artists that it changes.
    """

    def __init__(self, width: float, height: float) -> None:
        self.figure = new_figure(width, height)

    def settle(self, *moving: object) -> None:
        """Give everything its place for good, and draw once what never changes.

        moving: the artists that `show` changes, in the order in which they are drawn over the
        rest; the whole figure is drawn every time if none are named.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        # The second pass sees the sizes that the first one made.
        for _ in range(2):
            self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        self.moving, self.changed = moving, {}
        self.canvas = FigureCanvasAgg(self.figure)
        for artist in moving:
            # Matplotlib leaves animated artists out when it draws the figure.
            artist.set_animated(True)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(self.figure.bbox)

    def redraw(self, *artists: object) -> None:
        """Draw these once more, below those that move: they stand still, but not for good.

        The first of them has to be opaque and to cover what all of them have shown so far.
        """
        self.changed |= dict.fromkeys(artists)

    def repaint(self, shown: object, data: np.ndarray) -> None:
        """Redraw the image `shown` with other data, unless it has these already."""
        if not np.array_equal(shown.get_array(), data):
            shown.set_data(data)
            self.redraw(shown)

    def pixels(self) -> np.ndarray:
        """The figure as it is now: (height, width, 4), uint8, opaque."""
        if not self.moving:
            self.canvas.draw()
            return np.asarray(self.canvas.buffer_rgba())
        self.canvas.restore_region(self.still)
        if self.changed:
            for artist in self.changed:
                self.figure.draw_artist(artist)
            self.still = self.canvas.copy_from_bbox(self.figure.bbox)
            self.changed.clear()
        for artist in self.moving:
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())

    def picture(self, alt: str) -> Redrawn:
        """What the figure shows now, described by `alt`."""
        return Redrawn(self, alt)


def photograph(axes: object, pixels: np.ndarray) -> object:
    """Like `axes.imshow` of colours (height, width, 3), uint8: an image, in a fifth of the time."""
    from matplotlib.image import AxesImage
    from matplotlib.transforms import IdentityTransform
    from PIL import Image

    class Photograph(AxesImage):
        """An image that Pillow brings to the size in which it is shown."""

        def make_image(self, renderer, magnification=1.0, unsampled=False):
            edges = magnification * self.get_window_extent(renderer).extents
            left, lower, right, upper = np.rint(edges).astype(int).tolist()
            colours = Image.fromarray(self.get_array())
            shown = colours.resize((right - left, upper - lower), Image.HAMMING).convert("RGBA")
            # Matplotlib counts rows from below.
            return np.asarray(shown)[::-1], left, lower, IdentityTransform()

    image = Photograph(axes)
    image.set_data(pixels)
    image.set_extent(image.get_extent())
    axes.set_aspect("equal")
    return axes.add_image(image)


def outline(axes: object, side: float, colour: str, width: float = 2.5) -> object:
    """An empty square on `axes`, to be moved over pixels by `frame`."""
    from matplotlib.patches import Rectangle

    square = Rectangle((0, 0), side, side, fill=False, edgecolor=colour, linewidth=width)
    return axes.add_patch(square)


def frame(square: object, row: float, column: float) -> None:
    """Put the square's upper left corner on the pixel at this row and column."""
    square.set_xy((column - 0.5, row - 0.5))


def short(number: float, signed: bool = False) -> str:
    """A number with at most two decimals and a proper minus: "−1", "0.25", "+1.5"."""
    text = f"{number:{'+' if signed else ''}.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "+0") else text.replace("-", "−")
