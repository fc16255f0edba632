"""Smooth shapes on a Pillow picture, in coordinates that travel with what is drawn."""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Points = np.ndarray  # (n, 2), x to the right and y downwards


class Pen:
    """Draws on `image` in units of its own: `matrix` (2, 2) and `origin` (2,) lead to pixels."""

    def __init__(self, image: Image.Image, matrix: np.ndarray, origin: np.ndarray):
        self.image = image
        self.matrix = np.asarray(matrix, float)
        self.origin = np.asarray(origin, float)

    @classmethod
    def on(cls, image: Image.Image) -> "Pen":
        """The unit is the picture's height; (0, 0) is its upper left corner."""
        return cls(image, np.eye(2) * image.height, np.zeros(2))

    def at(self, x: float, y: float, scale=1.0, angle=0.0, mirror=False) -> "Pen":
        """A pen with its origin at (x, y), one unit `scale` of these, turned by `angle`."""
        sine, cosine = np.sin(angle), np.cos(angle)
        turn = np.array([[cosine, -sine], [sine, cosine]]) * scale
        if mirror:
            turn = turn * [-1, 1]
        return Pen(self.image, self.matrix @ turn, self.pixels([(x, y)])[0])

    def pixels(self, points: Points) -> np.ndarray:
        return np.asarray(points, float) @ self.matrix.T + self.origin

    @property
    def unit(self) -> float:
        """Pixels to one unit."""
        (a, b), (c, d) = self.matrix.tolist()
        return math.sqrt(abs(a * d - b * c))

    def fill(self, points: Points, paint, *, alpha: float = 1, soft: float = 0, shade=None):
        """Fills a polygon with a colour or with a picture as large as the canvas.

        alpha: how opaque. soft: width of its blurred edge in units. shade: a second paint that
        grows stronger towards the polygon's lower edge, as if light came from above.
        """
        polygon = self.pixels(points)
        blur = soft * self.unit
        box = _box(polygon, self.image.size, blur)
        if box is None:
            return
        # Pillow pastes through a mask of ones and zeros several times faster than through grey.
        hard = alpha == 1 and blur < 0.5
        mask = Image.new("1" if hard else "L", (box[2] - box[0], box[3] - box[1]))
        corners = (np.rint(polygon).astype(int) - box[:2]).ravel().tolist()
        ImageDraw.Draw(mask).polygon(corners, fill=round(255 * alpha))
        if blur >= 0.5:
            mask = mask.filter(ImageFilter.BoxBlur(blur))
        self._paste(paint, box, mask)
        if shade is not None:
            left, upper, right, lower = box
            falling, top = _falling(lower - upper)
            below = mask.crop((0, top, *mask.size)).convert("L")
            # Each row is of one shade: NumPy repeats a column faster than Pillow makes it wider.
            rows = falling.repeat(right - left, axis=1)
            below = ImageChops.multiply(below, Image.frombytes("L", below.size, rows.tobytes()))
            self._paste(shade, (left, upper + top, right, lower), below)

    def line(self, points: Points, width: float, colour: Colour):
        """A line of `width` units, at least one pixel."""
        corners = [tuple(point) for point in np.rint(self.pixels(points)).astype(int).tolist()]
        pixels = max(1, round(width * self.unit))
        ImageDraw.Draw(self.image).line(corners, fill=colour, width=pixels, joint="curve")

    def _paste(self, paint, box, mask):
        if isinstance(paint, Image.Image):
            paint = paint.crop(box)
        elif mask.mode == "L":
            # Pillow blends two pictures faster than a picture and a colour.
            paint = Image.new("RGB", mask.size, paint)
        self.image.paste(paint, box, mask)


@cache
def _falling(height: int) -> tuple[np.ndarray, int]:
    """The light's shadow on a rounded thing: uint8 of shape (n, 1), white below, and its first row.

    Above that row, out of `height`, all is black and left out.
    """
    rows = np.clip(np.linspace(-0.6, 1, 64), 0, 1) ** 1.5
    column = Image.fromarray(np.rint(255 * rows[:, None]).astype(np.uint8)).resize((1, height))
    top = column.getbbox()[1]
    return np.asarray(column)[top:], top


def _box(polygon: np.ndarray, size: tuple[int, int], margin: float):
    """The pixels that a polygon touches: left, upper, right, lower; None if none is in sight."""
    # A few dozen numbers: plain Python is faster here than NumPy.
    xs, ys = polygon.T.tolist()
    left, upper = (max(math.floor(min(each) - 2 * margin - 1), 0) for each in (xs, ys))
    right, lower = (
        min(math.ceil(max(each) + 2 * margin + 2), side)
        for each, side in zip((xs, ys), size, strict=True)
    )
    return (left, upper, right, lower) if left < right and upper < lower else None


_AROUND = np.linspace(0, 2 * np.pi, 36, endpoint=False)
_CIRCLE = np.cos(_AROUND), np.sin(_AROUND)


def ellipse(x: float, y: float, width: float, height: float, angle: float = 0.0) -> Points:
    """The outline of an ellipse with the half axes `width` and `height`."""
    xs, ys = width * _CIRCLE[0], height * _CIRCLE[1]
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.stack([x + cosine * xs - sine * ys, y + sine * xs + cosine * ys], 1)


def smooth(points, *, closed: bool = True, steps: int = 6) -> Points:
    """A curve through `points` (Catmull-Rom), each stretch in `steps` pieces."""
    points = np.asarray(points, float)
    first, last = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    padded = np.concatenate([first, points, last])
    before, here, after, beyond = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t, square, cube = _powers(steps)
    curve = 0.5 * (
        2 * here
        + (after - before) * t
        + (2 * before - 5 * here + 4 * after - beyond) * square
        + (3 * here - before - 3 * after + beyond) * cube
    )
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


@cache
def _powers(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    return t, t**2, t**3


def limb(points, start: float, end: float) -> Points:
    """The outline of a tail, leg or branch along `points`: `start` thick at first, then `end`."""
    middle = smooth(points, closed=False)
    along = np.gradient(middle, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    normal = along[:, ::-1] * [-1, 1]
    half = np.linspace(start, end, len(middle))[:, None] / 2
    turn = np.linspace(-np.pi / 2, np.pi / 2, 7)[1:-1, None]
    tip = middle[-1] + end / 2 * (np.cos(turn) * along[-1] - np.sin(turn) * normal[-1])
    return np.concatenate([middle + half * normal, tip, (middle - half * normal)[::-1]])


def ragged(points: Points, rng: np.random.Generator, depth: float) -> Points:
    """An outline with tufts: every point moved in or out by up to `depth` units."""
    out = points - points.mean(0)
    out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
    return points + out * rng.uniform(-depth, depth, (len(points), 1))


def merged(planes: np.ndarray) -> Image.Image:
    """The picture of its red, green and blue: uint8 of shape (3, height, width)."""
    return Image.merge("RGB", [Image.fromarray(plane) for plane in planes])


def tint(colour: Colour, light: float) -> Colour:
    """A colour lighter (`light` > 0, 1 is white) or darker (`light` < 0, -1 is black)."""
    goal = 255 if light > 0 else 0
    red, green, blue = (round(part + (goal - part) * abs(light)) for part in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour, the rest of the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
