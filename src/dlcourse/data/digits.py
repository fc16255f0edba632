"""Digits drawn here: what MNIST is replaced by where the real one cannot be had.

Each picture is a digit of one of the fonts that Matplotlib ships, turned, sheared, scaled, bent,
shifted, and written with a thinner or thicker pen. Every image has strokes at other pixels, while
the shape stays the same: a convnet is at home there, a dense network has to learn each position.
"""

from functools import cache
from pathlib import Path

import numpy as np

# Written into the name of the cached set: raise it with every change of what is drawn.
VERSION = 1

SIDE = 28
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmtt10",
)

# Glyphs are kept this many times finer than the pictures, so that the nearest point is near enough.
FINE = 4
# As in MNIST, the digit fills a box of 20 x 20 pixels before it is distorted.
BOX = 20
# How far from a stroke's edge distances are known, in pixels of a picture.
REACH = 2
# Control points along each side for the bending of a digit.
KNOTS = 4
CHUNK = 1000


def synthetic_digits(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws `n` distorted digits, white on black like MNIST's.

    Returns images, uint8 of shape (n, 28, 28), and labels, uint8 of shape (n,), in random order and
    with every class equally often as far as `n` allows. The same `n` and `seed` (an int >= 0) give
    the same digits in every process.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 10).astype(np.uint8)
    images = np.empty((n, SIDE, SIDE), np.uint8)
    for start in range(0, n, CHUNK):
        chunk = slice(start, start + CHUNK)
        images[chunk] = _draw(labels[chunk], rng)
    return images, labels


def warm_up() -> None:
    """Prepare once what every process would prepare for itself with its first digit."""
    _glyphs()


def _draw(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures of `labels`: uint8 of shape (n, 28, 28)."""
    n = len(labels)
    glyphs = _glyphs()
    font = rng.integers(len(glyphs), size=n)
    x, y = _points_on_glyph(n, rng)
    column, row = (
        np.clip((FINE * axis).astype(np.int32) + SIDE * FINE // 2, 0, SIDE * FINE - 1)
        for axis in (x, y)
    )
    distance = glyphs[font[:, None], labels[:, None], row, column]
    pen = _uniform(rng, n, -0.3, 0.9)
    softness = _uniform(rng, n, 0.8, 1.6)
    ink = np.clip(0.5 + (distance + pen) / softness, 0, 1)
    return np.rint(255 * ink).astype(np.uint8).reshape(n, SIDE, SIDE)


def _points_on_glyph(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel of `n` pictures the point of the glyph that is seen there.

    Two float32 arrays of shape (n, 784), x and y in pixels from the glyph's centre.
    """
    y, x = (np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1) - (SIDE - 1) / 2).astype(np.float32)
    bend = rng.normal(0, 1.8, (2, n, KNOTS**2)).astype(np.float32) @ _bending()
    x = x - _uniform(rng, n, -2.5, 2.5) + bend[0]
    y = y - _uniform(rng, n, -2.5, 2.5) + bend[1]
    angle = np.deg2rad(_uniform(rng, n, -25, 25))
    shear = _uniform(rng, n, -0.3, 0.3)
    x, y = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    x = x + shear * y
    return x / _uniform(rng, n, 0.65, 1.15), y / _uniform(rng, n, 0.65, 1.05)


def _uniform(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    """One number per picture, float32 of shape (n, 1)."""
    return rng.uniform(low, high, (n, 1)).astype(np.float32)


@cache
def _bending() -> np.ndarray:
    """How much each control point moves each pixel: float32 of shape (KNOTS**2, 784)."""
    knots = np.linspace(0, SIDE - 1, KNOTS)
    gaps = (np.arange(SIDE) - knots[:, None]) / (knots[1] - knots[0])
    pull = np.exp(-2 * gaps**2)
    pull /= pull.sum(axis=0)
    return np.kron(pull, pull).astype(np.float32)


@cache
def _glyphs() -> np.ndarray:
    """Every digit of every font as signed distance to its outline, in pixels, positive inside.

    float32 of shape (fonts, 10, 112, 112), cut off at REACH. A pen's thickness is then a sum.
    """
    masks = np.array([[_mask(font, digit) for digit in range(10)] for font in FONTS])
    return (_distance_to(~masks) - _distance_to(masks)) / FINE


def _mask(font: str, digit: int) -> np.ndarray:
    """Where the digit has ink: bool of shape (112, 112), the digit centred in its box."""
    import matplotlib
    from PIL import Image, ImageFont

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    # The basic layout is in every build of Pillow; the other one depends on the machine.
    face = ImageFont.truetype(path, 2 * BOX * FINE, layout_engine=ImageFont.Layout.BASIC)
    ink, _ = face.getmask2(str(digit), mode="L")
    glyph = Image.frombytes("L", ink.size, bytes(ink))
    glyph = glyph.crop(glyph.getbbox())
    shrink = BOX * FINE / max(glyph.size)
    glyph = glyph.resize([max(1, round(shrink * side)) for side in glyph.size])
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    canvas.paste(glyph, [(SIDE * FINE - side) // 2 for side in glyph.size])
    return np.asarray(canvas) > 127


def _distance_to(masks: np.ndarray) -> np.ndarray:
    """Distance of every point to its mask's nearest true point, at most REACH * FINE (float32).

    The square of a distance is a sum over the axes, so the nearest point is found axis by axis.
    """
    reach = REACH * FINE
    square = np.where(masks, 0, reach**2).astype(np.int16)
    for axis in (-1, -2):
        # No glyph comes near the border, so what `roll` carries around it is never the nearest.
        shifted = [np.roll(square, step, axis) + step**2 for step in range(-reach, reach + 1)]
        square = np.minimum.reduce(shifted)
    return np.sqrt(np.minimum(square, reach**2), dtype=np.float32)
