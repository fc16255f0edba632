"""Whole pictures: a place, something in it, light, a camera, and a JPEG file."""

import io
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from dlcourse.data.draw.animals import SPECIES, draw_animal
from dlcourse.data.draw.pen import Pen, ellipse, merged
from dlcourse.data.draw.places import draw_in_front, draw_place
from dlcourse.data.draw.things import THINGS

# Part of the name under which drawn sets are kept: raise it with every change of what is drawn.
VERSION = 1

KINDS = (*SPECIES, *THINGS)

# Shapes are drawn this many times finer than the picture, then made smaller: smooth edges.
FINE = 2


def draw_picture(kind: str, seed: int, index: int) -> bytes:
    """The JPEG file of the `index`-th picture of `kind` (one of KINDS) in the series `seed`.

    120 to 320 pixels wide and high. The same arguments give the same bytes in every process.
    """
    rng = np.random.default_rng([seed, index, zlib.crc32(kind.encode())])
    width, height = _size(rng)
    canvas = Image.new("RGB", (FINE * width, FINE * height))
    pen = Pen.on(canvas)
    draw_place(pen, rng)
    _subject(pen, kind, rng)
    if rng.random() < 0.3:
        draw_in_front(pen, rng)
    picture = _camera(canvas.reduce(FINE), rng)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(70, 93)))
    return file.getvalue()


def _size(rng) -> tuple[int, int]:
    long = rng.integers(160, 321)
    short = max(120, round(long * rng.uniform(0.62, 1)))
    return (int(long), int(short)) if rng.random() < 0.65 else (int(short), int(long))


def _subject(pen: Pen, kind: str, rng) -> None:
    wide = pen.image.width / pen.image.height
    size = 0.3 * min(wide, 1) * np.exp(rng.uniform(np.log(0.45), np.log(1.25)))
    angle = float(np.clip(rng.normal(0, 0.16), -0.5, 0.5))
    mirror = rng.random() < 0.5
    squash = np.exp(rng.normal(0, 0.06))
    if kind in SPECIES:
        x = rng.uniform(min(1.1 * size, wide / 2), max(wide - 1.1 * size, wide / 2))
        y = rng.uniform(1.3 * size, max(1.35 * size, min(0.75, 0.9 - size)))
    else:
        size *= 1.3
        x, y = rng.uniform(0.25 * wide, 0.75 * wide), rng.uniform(0.4, 0.7)
    at = pen.at(x, y, size, angle, mirror)
    at.matrix = at.matrix @ np.diag([squash, 1 / squash])
    if rng.random() < 0.5:
        at.fill(ellipse(rng.normal(0.3, 0.3), 2, 2.2, 1.6), (16, 14, 20), alpha=0.35, soft=0.3)
    if kind in SPECIES:
        draw_animal(at, SPECIES[kind], rng)
    else:
        THINGS[kind](at, rng)


def _camera(picture: Image.Image, rng) -> Image.Image:
    """Light from somewhere, its colour, exposure, focus and noise."""
    if rng.random() < 0.35:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6)))
    # Colour by colour: NumPy is slow where the last of a shape is three.
    pixels = np.stack([np.asarray(band) for band in picture.split()]).astype(np.float32)
    _, height, width = pixels.shape
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.45)
    light = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    light -= rng.uniform(0, 0.25) * (x**2 + y**2)
    cast = np.exp(rng.normal(0, 0.09, 3) + rng.normal(0, 0.15))
    pixels *= (light * cast[:, None, None]).astype(np.float32)
    # In place: fresh arrays of this size cost more than the arithmetic.
    pixels -= 128
    pixels *= rng.uniform(0.7, 1.15)
    pixels += 128
    if rng.random() < 0.06:
        pixels[:] = pixels.mean(0)
    pixels += rng.uniform(1, 9) * rng.standard_normal((height, width), np.float32)
    return merged(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))


def synthetic_pictures(
    n: int, seed: int, *, size: tuple[int, int] = (150, 150), kinds: Sequence[str] = ("cat", "dog")
) -> tuple[np.ndarray, np.ndarray]:
    """Draws `n` pictures like the files of the synthetic set, squeezed to `size` (height, width).

    Returns images, uint8 of shape (n, height, width, 3), and labels, uint8 of shape (n,): positions
    in `kinds` (each one of KINDS), in random order and with every kind equally often as far as `n`
    allows. The same arguments give the same pictures in every process; about 15 ms each.
    """
    labels = np.random.default_rng(seed).permutation(np.arange(n) % len(kinds)).astype(np.uint8)
    images = np.empty((n, *size, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = squeezed(draw_picture(kinds[label], seed, i), size)
    return images, labels


def squeezed(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """A picture as `keras.utils.image_dataset_from_directory` reads it, to the nearest integer."""
    height, width = size
    with Image.open(io.BytesIO(content)) as image:
        across, down = image.width / width, image.height / height
        scale = (across, 0, 0, 0, down, 0)
        return np.asarray(image.transform((width, height), Image.AFFINE, scale, Image.BILINEAR))
