"""Drawings for explorers: SVG text, which is drawn anew in milliseconds and sharp at any size.

The pieces are strings, put together by joining them. Lengths are in the drawing's own units, which
are pixels where the page is wide enough; y grows downwards.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
from ipywidgets import HTML, Button, HBox, IntSlider, Layout, VBox, Widget

from dlcourse.teach.explorer import Explorer

INK = "#1A1A1A"
# Darker members of the palette in `pictures`: as text on white each has a contrast above 4.5.
BLUE_TEXT = "#00619A"
GREEN_TEXT = "#00694C"
VERMILION_TEXT = "#A84300"
SOFT = "#595959"

_SHADES = 20
_FONT = "font-family='DejaVu Sans, Verdana, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True)
class Drawing:
    """An SVG picture of `width` by `height`, made of `parts`, with its description in words."""

    parts: tuple[str, ...]
    width: float
    height: float
    alt: str

    @property
    def svg(self) -> str:
        """The picture as SVG text, which fills the width it is given up to its own."""
        label = escape(self.alt, quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
            f'viewBox="0 0 {number(self.width)} {number(self.height)}" width="100%" '
            f'style="max-width:{number(self.width)}px;background:white" {_FONT}>'
            f"{''.join(self.parts)}</svg>"
        )

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """An image with alternative text, for it stays with the notebook where SVG would not."""
        # Without a size of its own a browser would give the image one.
        sized = self.svg.replace('width="100%"', f'width="{number(self.width)}"', 1)
        data = base64.b64encode(sized.encode()).decode()
        html = (
            f'<img alt="{escape(self.alt, quote=True)}" '
            f'style="width:100%;max-width:{number(self.width)}px" '
            f'src="data:image/svg+xml;base64,{data}">'
        )
        return {"text/html": html, "text/plain": self.alt}


class DrawnExplorer(Explorer):
    """An explorer whose picture is a Drawing: `.image` is an HTML that holds the SVG.

    `.words` are for screen readers alone, since the picture says everything itself.
    """

    def _canvas(self) -> HTML:
        return HTML()

    def _redraw(self, change: object = None) -> None:
        self.drawing = drawing = self.draw(*(each.value for each in self.inputs))
        self.image.value, self.words.value = drawing.svg, spoken(drawing.alt)

    def _still(self) -> tuple[dict, dict]:
        return {"text/html": self.drawing._repr_mimebundle_()["text/html"]}, {}


def spoken(sentence: str) -> str:
    """A sentence that screen readers speak when it changes; the eye has the picture instead."""
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    return f'<div role="status" aria-live="polite" style="{hidden}">{escape(sentence)}</div>'


def number(value: float) -> str:
    """A coordinate, to a hundredth, as short as it can be written."""
    return f"{round(float(value), 2):g}"


def group(name: str, *parts: str) -> str:
    """Parts under a class name, by which they can be found again."""
    return f'<g class="{name}">{"".join(parts)}</g>'


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str = "none",
    stroke: str = "none",
    line: float = 1,
    dash: str = "",
    opacity: float = 1,
) -> str:
    """A rectangle with its upper left corner at (x, y)."""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
        f'fill="{fill}"{_stroked(stroke, line, dash)}{_faded(opacity, "fill-")}/>'
    )


@dataclass(frozen=True)
class Cell:
    """A square of a grid: its upper left corner, what is written in it, and its colour."""

    x: float
    y: float
    words: object
    fill: str = "white"


def cells(
    name: str, squares: list[Cell], side: float, *, edge: str, ink: str = INK, size: float = 0
) -> str:
    """Squares of `side` with their words, as a group of that class name.

    size: of the words; by default as large as the longest of them allows. What the squares have in
    common is written once, since there may be hundreds.
    """
    size = size or word_size(side, *(square.words for square in squares))
    corner = f"h{number(side)}v{number(side)}h{number(-side)}z"
    fills: dict[str, list[str]] = {}
    for square in squares:
        fills.setdefault(square.fill, []).append(f"M{number(square.x)} {number(square.y)}{corner}")
    drawn = "".join(f'<path fill="{fill}" d="{"".join(d)}"/>' for fill, d in fills.items())
    words = "".join(
        f'<text x="{number(square.x + side / 2)}" y="{number(square.y + side / 2 + 0.36 * size)}">'
        f"{escape(str(square.words))}</text>"
        for square in squares
    )
    style = f'font-size="{number(size)}" fill="{ink}" text-anchor="middle"'
    return group(name, f"<g{_stroked(edge, 0.8, '')}>{drawn}</g><g {style}>{words}</g>")


def word_size(side: float, *words: object) -> float:
    """How large words can be written in squares of `side`."""
    longest = max((len(str(each)) for each in words), default=1)
    return min(16, 0.46 * side) if longest < 3 else min(15, 0.39 * side)


def path(
    steps: str,
    *,
    stroke: str = "none",
    line: float = 1,
    dash: str = "",
    fill: str = "none",
    opacity: float = 1,
) -> str:
    """A line or an area, in the steps of SVG's path language."""
    return f'<path d="{steps}" fill="{fill}"{_stroked(stroke, line, dash)}{_faded(opacity)}/>'


def text(
    x: float,
    y: float,
    words: object,
    *,
    size: float = 14,
    fill: str = INK,
    anchor: str = "middle",
    bold: bool = False,
) -> str:
    """Words whose middle line is at y; anchored at x by their start, middle or end."""
    weight = ' font-weight="bold"' if bold else ""
    # By the height of digits: browsers do not agree on "dominant-baseline".
    return (
        f'<text x="{number(x)}" y="{number(y + 0.36 * size)}" font-size="{number(size)}" '
        f'fill="{fill}" text-anchor="{anchor}"{weight}>{escape(str(words))}</text>'
    )


def formula(x: float, y: float, pieces: Iterable[tuple[str, str]], *, size: float = 17) -> str:
    """A line of pieces (words, colour), one after the other from x."""
    spans = "".join(
        f'<tspan fill="{colour}"{"" if colour == INK else bold}>{escape(words)}</tspan>'
        for bold in (' font-weight="bold"',)
        for words, colour in pieces
    )
    return (
        f'<text x="{number(x)}" y="{number(y + 0.36 * size)}" font-size="{number(size)}" '
        f'xml:space="preserve">{spans}</text>'
    )


def arrow(x1: float, y1: float, x2: float, y2: float, *, colour: str, line: float = 2) -> str:
    """A straight arrow that ends at (x2, y2)."""
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1e-9)
    along = ((x2 - x1) / length, (y2 - y1) / length)
    head = min(3.2 * line, length)
    base = (x2 - head * along[0], y2 - head * along[1])
    wide = (0.55 * head * along[1], -0.55 * head * along[0])
    corners = [(x2, y2), (base[0] + wide[0], base[1] + wide[1])]
    corners.append((base[0] - wide[0], base[1] - wide[1]))
    points = " ".join(f"{number(a)},{number(b)}" for a, b in corners)
    shaft = path(
        f"M{number(x1)} {number(y1)}L{number(base[0])} {number(base[1])}", stroke=colour, line=line
    )
    return f'{shaft}<polygon points="{points}" fill="{colour}"/>'


def bracket(
    start: float, end: float, at: float, words: object, *, colour: str, upright: bool = False
) -> str:
    """A length from start to end with words on it: at height `at`, or upright at the x of `at`."""
    middle = (start + end) / 2
    if upright:
        ticks = "".join(f"M{number(at - 4)} {number(y)}h8" for y in (start, end))
        drawn = path(f"M{number(at)} {number(start)}V{number(end)}{ticks}", stroke=colour, line=1.5)
        return drawn + text(at - 13, middle, words, size=14, fill=colour, bold=True)
    ticks = "".join(f"M{number(x)} {number(at - 4)}v8" for x in (start, end))
    drawn = path(f"M{number(start)} {number(at)}H{number(end)}{ticks}", stroke=colour, line=1.5)
    return drawn + text(middle, at - 13, words, size=14, fill=colour, bold=True)


def heat(
    values: np.ndarray,
    left: float,
    top: float,
    cell: float,
    full: float,
    colour: str = "#00507F",
) -> str:
    """A map (rows, columns) of numbers from 0, white, to `full`, `colour`, in squares of `cell`.

    Equal shades are drawn as one path, for a map has hundreds of squares.
    """
    shades = np.rint(_SHADES * np.clip(values / (full or 1), 0, 1)).astype(int)
    rows, columns = values.shape
    squares: dict[int, list[str]] = {}
    for (row, column), shade in np.ndenumerate(shades):
        if shade:
            squares.setdefault(int(shade), []).append(f"M{column} {row}h1v1h-1z")
    drawn = "".join(
        f'<path d="{"".join(squares[shade])}" fill-opacity="{shade / _SHADES:g}"/>'
        for shade in sorted(squares)
    )
    # Neighbours would show a seam if their edges were smoothed.
    placed = f"translate({number(left)} {number(top)}) scale({number(cell)})"
    inside = f'<g transform="{placed}" fill="{colour}" shape-rendering="crispEdges">{drawn}</g>'
    frame = rect(left, top, columns * cell, rows * cell, stroke="#8A8A8A", line=1)
    return inside + frame


def stacked(*rows: HBox) -> VBox:
    """Rows of controls, one under the other."""
    return VBox(list(rows), layout=Layout(max_width="100%"))


def in_a_row(*controls: Widget) -> HBox:
    """Controls side by side, wrapped where the page is narrow."""
    return HBox(list(controls), layout=Layout(flex_flow="row wrap", align_items="center"))


def slider(name: str, values: range, value: int, width: str = "17em") -> IntSlider:
    """A slider over `values`, to be moved by mouse or arrow keys."""
    return IntSlider(
        value=value,
        min=values[0],
        max=values[-1],
        description=name,
        style={"description_width": "4.7em"},
        layout=Layout(width=width),
    )


def button(name: str, tooltip: str, clicked: Callable[[Button], None]) -> Button:
    """A button with a tooltip that says what it does."""
    made = Button(description=name, tooltip=tooltip, layout=Layout(width="5.5em"))
    made.on_click(clicked)
    return made


def _stroked(stroke: str, line: float, dash: str) -> str:
    if stroke == "none":
        return ""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f' stroke="{stroke}" stroke-width="{number(line)}"{dashed}'


def _faded(opacity: float, what: str = "") -> str:
    return "" if opacity == 1 else f' {what}opacity="{number(opacity)}"'
