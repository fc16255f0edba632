"""Where the drawn things are: rooms, gardens and blurs, what stands about, and what is in front."""

import numpy as np
from PIL import Image

from dlcourse.data.draw.pen import Colour, Pen, ellipse, limb, smooth, tint


def draw_place(pen: Pen, rng: np.random.Generator) -> None:
    """A background over the whole canvas; the pen's unit is the picture's height."""
    wide = pen.image.width / pen.image.height
    place = rng.choice([_room, _garden, _blur, _pattern], p=[0.36, 0.32, 0.16, 0.16])
    place(pen, wide, rng)
    for _ in range(rng.integers(0, 4)):
        at = pen.at(rng.uniform(0, wide), rng.uniform(0.3, 1), rng.uniform(0.06, 0.2))
        clutter(at, rng)


def draw_in_front(pen: Pen, rng: np.random.Generator) -> None:
    """Something between the camera and the scene, along an edge or across it."""
    wide = pen.image.width / pen.image.height
    kind = rng.choice(["grass", "leaves", "ledge", "twigs", "thing"])
    colour = some_colour(rng)
    if kind == "grass":
        green = _green(rng)
        for x in rng.uniform(0, wide, rng.integers(12, 40)):
            tip = (x + rng.normal(0, 0.06), 1 - rng.uniform(0.08, 0.32))
            blade = limb([(x, 1.05), (x, 0.95), tip], 0.018, 0.004)
            pen.fill(blade, tint(green, rng.uniform(-0.4, 0.3)))
    elif kind == "leaves":
        plant(
            pen.at(rng.choice([-0.02, wide + 0.02]), rng.uniform(0.5, 1), rng.uniform(0.3, 0.5)),
            rng,
        )
    elif kind == "ledge":
        y, tilt = rng.uniform(0.78, 0.95), rng.uniform(-0.06, 0.06)
        pen.fill(
            np.array([(0, y - tilt), (wide, y + tilt), (wide, 1.1), (0, 1.1)]),
            colour,
            shade=tint(colour, -0.5),
        )
    elif kind == "twigs":
        for y in rng.uniform(0, 1, rng.integers(1, 4)):
            ends = [
                (-0.1, y),
                (wide / 2, y + rng.normal(0, 0.1)),
                (wide + 0.1, y + rng.normal(0, 0.3)),
            ]
            pen.fill(limb(ends, 0.035, 0.015), colour, shade=tint(colour, -0.4))
    else:
        clutter(pen.at(rng.uniform(0, wide), rng.uniform(0.75, 1), rng.uniform(0.1, 0.25)), rng)


def some_colour(rng: np.random.Generator) -> Colour:
    """Any colour, rather muted, as most things have."""
    grey = rng.uniform(40, 225)
    red, green, blue = np.clip(grey + rng.normal(0, 38, 3), 0, 255).astype(int).tolist()
    return red, green, blue


def _green(rng) -> Colour:
    red, green, blue = np.clip(rng.normal((92, 138, 62), 22), 0, 255).astype(int).tolist()
    return red, green, blue


def _gradient(pen: Pen, top: Colour, bottom: Colour, box) -> None:
    """Fills a box of fractions (left, upper, right, lower of the canvas) from one to the other."""
    size = pen.image.size
    left, upper, right, lower = (round(part * size[i % 2]) for i, part in enumerate(box))
    if right <= left or lower <= upper:
        return
    blend = np.linspace(0, 1, 16)[:, None, None]
    rows = np.array(top) * (1 - blend) + np.array(bottom) * blend
    strip = Image.fromarray(np.rint(rows).astype(np.uint8))
    # All columns are alike: one is made smooth and then copied, which is much faster.
    column = strip.resize((1, lower - upper), Image.BILINEAR)
    pen.image.paste(column.resize((right - left, lower - upper), Image.NEAREST), (left, upper))


def _room(pen: Pen, wide: float, rng) -> None:
    wall, floor = some_colour(rng), some_colour(rng)
    edge = rng.uniform(0.5, 0.95)
    _gradient(pen, tint(wall, 0.2), wall, (0, 0, 1, edge))
    paper = rng.random()
    if paper < 0.25:
        width = rng.uniform(0.02, 0.12)
        for x in np.arange(rng.uniform(0, 0.1), wide, 2 * width):
            pen.fill(
                np.array([(x, 0), (x + width, 0), (x + width, edge), (x, edge)]), tint(wall, 0.25)
            )
    elif paper < 0.45:
        step, dot = rng.uniform(0.08, 0.16), some_colour(rng)
        for x in np.arange(0, wide, step):
            for y in np.arange(0, edge, step):
                pen.fill(ellipse(x, y, 0.2 * step, 0.2 * step), dot)
    for _ in range(rng.integers(0, 3)):
        _on_the_wall(pen, wide, edge, rng)
    _gradient(pen, floor, tint(floor, -0.3), (0, edge, 1, 1))
    if rng.random() < 0.5:
        for x in np.arange(-1, 2 * wide, rng.uniform(0.15, 0.4)):
            pen.line([(wide / 2 + (x - wide / 2) * 0.6, edge), (x, 1)], 0.006, tint(floor, -0.35))
    if rng.random() < 0.45:
        _sofa(pen.at(rng.uniform(0, wide), edge + rng.uniform(0, 0.15), rng.uniform(0.5, 1)), rng)
    if rng.random() < 0.35:
        rug = some_colour(rng)
        middle = rng.uniform(0, wide)
        for share in (1, 0.8, 0.6):
            pen.fill(ellipse(middle, 0.96, 0.6 * share, 0.16 * share), tint(rug, 0.9 - 0.9 * share))


def _on_the_wall(pen: Pen, wide: float, edge: float, rng) -> None:
    x, y = rng.uniform(0, wide), rng.uniform(0.05, max(0.1, edge - 0.3))
    width, height = rng.uniform(0.12, 0.4, 2)
    frame, inside = some_colour(rng), some_colour(rng)
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    pen.fill(corners, frame)
    middle = corners.mean(0)
    pen.fill(middle + 0.85 * (corners - middle), inside, shade=some_colour(rng))
    if rng.random() < 0.5:
        pen.line([(middle[0], y), (middle[0], y + height)], 0.015, frame)
        pen.line([(x, middle[1]), (x + width, middle[1])], 0.015, frame)


def _sofa(pen: Pen, rng) -> None:
    cloth = some_colour(rng)
    for points in (
        [(-0.6, -0.5), (0.6, -0.5), (0.66, 0), (-0.66, 0)],
        [(-0.7, -0.22), (-0.5, -0.26), (-0.48, 0.2), (-0.72, 0.2)],
        [(0.7, -0.22), (0.5, -0.26), (0.48, 0.2), (0.72, 0.2)],
        [(-0.52, -0.1), (0.52, -0.1), (0.55, 0.2), (-0.55, 0.2)],
    ):
        pen.fill(smooth(points), cloth, shade=tint(cloth, -0.45))
        cloth = tint(cloth, 0.08)


def _garden(pen: Pen, wide: float, rng) -> None:
    dusk = rng.random() < 0.2
    sky = (226, 150, 110) if dusk else (120, 176, 226)
    edge = rng.uniform(0.2, 0.7)
    _gradient(
        pen, tint(sky, rng.uniform(-0.3, 0.1)), tint(sky, rng.uniform(0.3, 0.7)), (0, 0, 1, edge)
    )
    for _ in range(rng.integers(0, 4)):
        cloud = pen.at(rng.uniform(0, wide), rng.uniform(0, edge), rng.uniform(0.05, 0.15))
        for x in (-0.8, 0, 0.8):
            cloud.fill(
                ellipse(x, rng.normal(0, 0.1), 0.9, 0.5), tint(sky, 0.85), alpha=0.8, soft=0.2
            )
    for _ in range(rng.integers(0, 3)):
        hills = [(x, edge - rng.uniform(0, 0.2)) for x in np.linspace(-0.2, wide + 0.2, 6)]
        green = tint(_green(rng), rng.uniform(-0.3, 0.3))
        pen.fill(np.concatenate([smooth(hills, closed=False), [(wide + 0.2, 1), (-0.2, 1)]]), green)
    ground = _green(rng) if rng.random() < 0.7 else some_colour(rng)
    _gradient(pen, tint(ground, 0.2), tint(ground, -0.3), (0, edge, 1, 1))
    for _ in range(rng.integers(0, 60)):
        x, y = rng.uniform(0, wide), rng.uniform(edge, 1)
        blade = tint(ground, rng.uniform(-0.3, 0.4))
        pen.line([(x, y), (x + rng.normal(0, 0.012), y - 0.04 * y)], 0.006, blade)
    for _ in range(rng.integers(0, 3)):
        tree(pen.at(rng.uniform(0, wide), edge + rng.uniform(0, 0.1), rng.uniform(0.15, 0.5)), rng)
    if rng.random() < 0.25:
        wood = some_colour(rng)
        for x in np.arange(0, wide, 0.09):
            top = edge - 0.12
            pen.fill(
                np.array(
                    [
                        (x, top),
                        (x + 0.035, top - 0.04),
                        (x + 0.07, top),
                        (x + 0.07, edge + 0.1),
                        (x, edge + 0.1),
                    ]
                ),
                wood,
            )
        pen.line([(0, edge - 0.02), (wide, edge - 0.02)], 0.025, tint(wood, -0.2))


def _blur(pen: Pen, wide: float, rng) -> None:
    """Far out of focus."""
    coarse = rng.uniform(0, 1, (rng.integers(2, 5), rng.integers(2, 5), 3))
    colours = np.array(some_colour(rng)) + (coarse - 0.5) * rng.uniform(60, 200)
    spots = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    pen.image.paste(spots.resize(pen.image.size, Image.BICUBIC))
    for _ in range(rng.integers(0, 12)):
        size = rng.uniform(0.02, 0.12)
        pen.fill(
            ellipse(rng.uniform(0, wide), rng.uniform(0, 1), size, size),
            tint(some_colour(rng), 0.4),
            alpha=rng.uniform(0.2, 0.6),
            soft=0.01,
        )


def _pattern(pen: Pen, wide: float, rng) -> None:
    """A blanket or tiles, looked down upon."""
    one, other = some_colour(rng), some_colour(rng)
    _gradient(pen, one, tint(one, -0.2), (0, 0, 1, 1))
    turned = pen.at(wide / 2, 0.5, 1, rng.uniform(0, np.pi))
    step = rng.uniform(0.08, 0.3)
    for x in np.arange(-1.2, 1.2, step):
        band = np.array([(x, -1.5), (x + step / 2, -1.5), (x + step / 2, 1.5), (x, 1.5)])
        turned.fill(band, other, alpha=0.7)
        if rng.random() < 0.8:
            turned.fill(band[:, ::-1], other, alpha=0.4)


# --- what stands about ------------------------------------------------------------------------


def clutter(pen: Pen, rng: np.random.Generator) -> None:
    """One of the things that lie around, about a unit large."""
    rng.choice([_ball, _box, _bowl, plant, _cushion, _blob])(pen, rng)


def _ball(pen: Pen, rng) -> None:
    colour = some_colour(rng)
    pen.fill(ellipse(0, 0, 0.8, 0.8), colour, shade=tint(colour, -0.5))
    pen.line(
        smooth([(-0.75, -0.2), (0, rng.uniform(-0.4, 0.4)), (0.75, -0.2)], closed=False),
        0.12,
        some_colour(rng),
    )
    pen.fill(ellipse(-0.3, -0.35, 0.16, 0.12), tint(colour, 0.7), soft=0.04)


def _box(pen: Pen, rng) -> None:
    colour, lean = some_colour(rng), rng.uniform(-0.4, 0.4)
    pen.fill(
        np.array([(-0.8, -0.5), (0.8, -0.5), (0.8, 0.7), (-0.8, 0.7)]),
        colour,
        shade=tint(colour, -0.3),
    )
    pen.fill(
        np.array([(-0.8, -0.5), (0.8, -0.5), (0.8 + lean, -0.9), (-0.8 + lean, -0.9)]),
        tint(colour, 0.3),
    )


def _bowl(pen: Pen, rng) -> None:
    colour = some_colour(rng)
    pen.fill(
        smooth([(-0.9, -0.2), (0.9, -0.2), (0.6, 0.45), (-0.6, 0.45)]),
        colour,
        shade=tint(colour, -0.4),
    )
    pen.fill(ellipse(0, -0.2, 0.85, 0.2), tint(colour, -0.5))
    pen.fill(ellipse(0, -0.18, 0.6, 0.13), some_colour(rng))


def _cushion(pen: Pen, rng) -> None:
    colour = some_colour(rng)
    turned = pen.at(0, 0, 1, rng.uniform(0, 1.5))
    turned.fill(
        smooth(
            [
                (-1, -0.8),
                (0, -0.65),
                (1, -0.8),
                (0.85, 0),
                (1, 0.8),
                (0, 0.65),
                (-1, 0.8),
                (-0.85, 0),
            ]
        ),
        colour,
        shade=tint(colour, -0.4),
    )
    turned.fill(ellipse(0, 0, 0.12, 0.1), tint(colour, -0.4))


def _blob(pen: Pen, rng) -> None:
    around = np.linspace(0, 2 * np.pi, 9)[:-1]
    reach = rng.uniform(0.4, 1, (8, 1))
    colour = some_colour(rng)
    pen.fill(
        smooth(np.stack([np.cos(around), np.sin(around)], 1) * reach),
        colour,
        shade=tint(colour, -0.4),
    )


def plant(pen: Pen, rng: np.random.Generator) -> None:
    """A few long leaves from the origin upwards."""
    green = _green(rng)
    for turn in rng.uniform(-1.2, 1.2, rng.integers(4, 9)):
        leaf = pen.at(0, 0, rng.uniform(0.8, 1.6), turn)
        colour = tint(green, rng.uniform(-0.4, 0.3))
        leaf.fill(smooth([(0, 0), (-0.14, -0.45), (0, -1), (0.14, -0.45)]), colour)
        leaf.line([(0, 0), (0, -0.85)], 0.025, tint(colour, -0.3))


def tree(pen: Pen, rng: np.random.Generator) -> None:
    """A tree of about two units that stands on the origin."""
    bark = tint((104, 78, 56), rng.uniform(-0.3, 0.2))
    pen.fill(limb([(0, 0.05), (0.03, -0.5), (0, -0.9)], 0.2, 0.12), bark, shade=tint(bark, -0.4))
    green = tint(_green(rng), rng.uniform(-0.4, 0.1))
    if rng.random() < 0.4:
        for y, size in ((-0.5, 0.6), (-0.95, 0.48), (-1.35, 0.34)):
            pen.fill(
                np.array([(-size, y), (0, y - 0.75), (size, y)]), green, shade=tint(green, -0.4)
            )
        return
    for _ in range(6):
        x, y = rng.normal(0, 0.28), -1.1 + rng.normal(0, 0.22)
        pen.fill(ellipse(x, y, 0.42, 0.38), green, shade=tint(green, -0.4))
        green = tint(green, 0.06)
