"""Figures that explorers draw over: laid out once, then only what changed is set anew."""

import io

from dlcourse.teach.pictures import Picture, new_figure


class Redrawn(Picture):
    """A picture whose figure is drawn again and again, so its PNG is made in one pass."""

    def png(self) -> bytes:
        """The picture as it is now, as the bytes of a PNG file."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        buffer = io.BytesIO()
        # `savefig` draws twice, the first time to measure; here everything has its place already.
        FigureCanvasAgg(self.figure).print_png(buffer, pil_kwargs={"compress_level": 1})
        return buffer.getvalue()


class Panels:
    """A figure with its axes, to be filled once by `lay_out` and changed by each `show`.

    A subclass keeps the artists that it changes; `settle` fixes where everything stands.
    """

    def __init__(self, width: float, height: float) -> None:
        self.figure = new_figure(width, height)

    def settle(self) -> None:
        """Give everything its place for good: that takes as long as drawing it."""
        # The second pass sees the sizes that the first one made.
        for _ in range(2):
            self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def picture(self, alt: str) -> Redrawn:
        """What the figure shows now, described by `alt`."""
        return Redrawn(self.figure, alt)


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
