"""Pictures for notebooks: a Matplotlib figure with a sentence for readers who cannot see it."""

import io

# Okabe and Ito's palette, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color).
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
BLACK = "#000000"
GREY = "#6E6E6E"


class Picture:
    """A figure that a notebook shows as PNG, with its description as alternative text.

    figure: a matplotlib Figure, open to changes. alt: what is to be seen in it, in a sentence.
    """

    def __init__(self, figure: object, alt: str) -> None:
        self.figure = figure
        self.alt = alt

    def png(self) -> bytes:
        """The picture as the bytes of a PNG file."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple:
        """PNG and text for Jupyter; the metadata are where front ends look for alternative text."""
        return (
            {"image/png": self.png(), "text/plain": self.alt},
            {"image/png": {"alt": self.alt}},
        )


def new_figure(width: float, height: float) -> object:
    """An empty Figure of that size in inches, which pyplot knows nothing of and never keeps."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def plain_axes(axes: object) -> None:
    """Leave only the two axis lines that carry numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
