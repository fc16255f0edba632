"""Other things to tell apart, each about two units large around the origin."""

import numpy as np

from dlcourse.data.draw.pen import Pen, ellipse, limb, smooth, tint
from dlcourse.data.draw.places import some_colour, tree


def draw_tree(pen: Pen, rng: np.random.Generator) -> None:
    tree(pen.at(0, 1, 1.1), rng)


def draw_bird(pen: Pen, rng: np.random.Generator) -> None:
    body, wing = some_colour(rng), some_colour(rng)
    lean = pen.at(0, 0, 1, rng.uniform(-0.4, 0.3))
    lean.fill(smooth([(0.7, 0.1), (1.5, rng.uniform(-0.4, 0.2)), (1.55, 0.3), (0.7, 0.4)]), wing)
    for x in (-0.1, 0.2):
        pen.line([(x, 0.5), (x, 1.1), (x - 0.15, 1.15)], 0.05, (200, 140, 60))
    lean.fill(ellipse(0.1, 0.1, 0.85, 0.55), body, shade=tint(body, -0.4))
    lean.fill(ellipse(-0.65, -0.45, 0.38, 0.36), body, shade=tint(body, -0.3))
    beak = rng.uniform(0.25, 0.6)
    lean.fill(np.array([(-0.95, -0.6), (-0.98 - beak, -0.4), (-0.95, -0.3)]), (226, 160, 50))
    lean.fill(ellipse(-0.74, -0.52, 0.1, 0.1), (24, 22, 24))
    lean.fill(ellipse(-0.77, -0.55, 0.03, 0.03), (250, 250, 250))
    lean.fill(
        smooth([(-0.3, -0.1), (0.3, -0.2), (1.0, 0.25), (0.3, 0.4)]), wing, shade=tint(wing, -0.4)
    )


def draw_fish(pen: Pen, rng: np.random.Generator) -> None:
    body, fin = some_colour(rng), some_colour(rng)
    high = rng.uniform(0.4, 0.75)
    lean = pen.at(0, 0, 1, rng.uniform(-0.4, 0.4))
    lean.fill(np.array([(0.7, 0), (1.4, -0.5), (1.2, 0), (1.4, 0.5)]), fin, shade=tint(fin, -0.4))
    lean.fill(smooth([(-0.3, -high), (0.3, -high - 0.3), (0.6, -0.3)]), fin)
    lean.fill(
        smooth(
            [(-1, 0), (-0.4, -high), (0.4, -0.7 * high), (0.9, 0), (0.4, 0.7 * high), (-0.4, high)]
        ),
        body,
        shade=tint(body, -0.4),
    )
    for x in np.arange(-0.25, 0.6, rng.uniform(0.2, 0.4)):
        curve = smooth([(x, -0.6 * high), (x + 0.1, 0), (x, 0.6 * high)], closed=False)
        lean.line(curve, 0.07, tint(body, -0.3))
    lean.fill(ellipse(-0.62, -0.14, 0.13, 0.13), (245, 245, 240))
    lean.fill(ellipse(-0.64, -0.14, 0.07, 0.07), (20, 20, 24))


def draw_car(pen: Pen, rng: np.random.Generator) -> None:
    paint, glass = some_colour(rng), (176, 206, 222)
    roof = rng.uniform(0.45, 0.75)
    pen.fill(smooth([(-0.75, 0), (-0.45, -roof), (0.4, -roof), (0.8, 0)]), tint(paint, 0.1))
    pen.fill(
        np.array([(-0.5, -0.05), (-0.34, -0.8 * roof), (-0.02, -0.8 * roof), (-0.02, -0.05)]), glass
    )
    pen.fill(
        np.array([(0.06, -0.05), (0.06, -0.8 * roof), (0.3, -0.8 * roof), (0.56, -0.05)]), glass
    )
    pen.fill(
        smooth(
            [(-1.2, 0.05), (-0.7, -0.05), (0.9, -0.08), (1.25, 0.1), (1.25, 0.45), (-1.25, 0.45)]
        ),
        paint,
        shade=tint(paint, -0.5),
    )
    for x in (-0.7, 0.72):
        pen.fill(ellipse(x, 0.45, 0.28, 0.28), (30, 30, 34))
        pen.fill(ellipse(x, 0.45, 0.13, 0.13), (190, 190, 196))
    pen.fill(ellipse(-1.2, 0.15, 0.07, 0.09), (250, 236, 170))


def draw_house(pen: Pen, rng: np.random.Generator) -> None:
    wall, roof = some_colour(rng), some_colour(rng)
    high, peak = rng.uniform(0.1, 0.5), rng.uniform(0.5, 0.9)
    pen.fill(
        np.array([(-0.9, -high), (0.9, -high), (0.9, 1), (-0.9, 1)]), wall, shade=tint(wall, -0.3)
    )
    pen.fill(
        np.array([(-1.1, -high), (rng.uniform(-0.4, 0.4), -high - peak), (1.1, -high)]),
        roof,
        shade=tint(roof, -0.3),
    )
    door = rng.uniform(-0.5, 0.3)
    pen.fill(
        np.array([(door, 0.3), (door + 0.32, 0.3), (door + 0.32, 1), (door, 1)]), some_colour(rng)
    )
    for x in (-0.65, 0.4):
        window = np.array([(x, -high + 0.15), (x + 0.3, -high + 0.15), (x + 0.3, 0.15), (x, 0.15)])
        pen.fill(window, (196, 220, 236))
        pen.line(np.concatenate([window, window[:1]]), 0.04, tint(wall, 0.6))


def draw_flower(pen: Pen, rng: np.random.Generator) -> None:
    petal, heart = some_colour(rng), some_colour(rng)
    stem = (76, 128, 58)
    pen.fill(limb([(0, 0), (rng.uniform(-0.2, 0.2), 0.7), (0, 1.4)], 0.1, 0.1), stem)
    pen.fill(
        smooth([(0, 1.1), (0.25, 0.75), (0.7, 0.7), (0.4, 1.05)]), stem, shade=tint(stem, -0.3)
    )
    count = int(rng.integers(5, 11))
    for turn in np.arange(count) * 2 * np.pi / count:
        bloom = pen.at(0, -0.2, 1, turn)
        bloom.fill(ellipse(0, -0.5, 1.5 / count + 0.04, 0.42), petal, shade=tint(petal, -0.35))
    pen.fill(ellipse(0, -0.2, 0.24, 0.24), heart, shade=tint(heart, -0.4))


THINGS = {
    "bird": draw_bird,
    "car": draw_car,
    "fish": draw_fish,
    "flower": draw_flower,
    "house": draw_house,
    "tree": draw_tree,
}
