"""Animals: one drawing for all, and a species that says what may differ.

Colour and setting say nothing about the species, pattern says little. Ears, muzzle, nose, eyes,
whiskers and tail do, each of them not quite always: species overlap in every single trait.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from dlcourse.data.draw.pen import Colour, Pen, ellipse, limb, merged, mix, ragged, smooth, tint

Span = tuple[float, float]


@dataclass(frozen=True)
class Species:
    """What a kind of animal looks like: shares of shapes, and spans in units of half a head."""

    ears: dict[str, float]
    ear: Span
    head: Span
    muzzle: Span
    nose: Span
    eye: Span
    legs: Span
    tails: dict[str, float]
    slit: float = 0
    whiskers: float = 0
    tongue: float = 0
    brown_eyes: float = 0.7
    noses: dict[str, float] = field(default_factory=lambda: {"oval": 1})
    coats: dict[str, float] = field(
        default_factory=lambda: {"plain": 0.4, "striped": 0.15, "patched": 0.3, "shaded": 0.15}
    )


SPECIES = {
    "cat": Species(
        ears={"pointed": 0.94, "folded": 0.06},
        ear=(0.6, 0.95),
        head=(0.96, 1.2),
        muzzle=(0.3, 0.44),
        nose=(0.09, 0.15),
        eye=(0.17, 0.26),
        legs=(0.5, 0.9),
        tails={"long": 0.75, "bushy": 0.25},
        slit=0.7,
        whiskers=0.85,
        tongue=0.04,
        brown_eyes=0.15,
        noses={"triangle": 0.9, "oval": 0.1},
        coats={"plain": 0.28, "striped": 0.34, "patched": 0.18, "spotted": 0.06, "shaded": 0.14},
    ),
    "dog": Species(
        ears={"floppy": 0.72, "pointed": 0.14, "folded": 0.14},
        ear=(0.6, 1.0),
        head=(0.82, 1.08),
        muzzle=(0.46, 0.66),
        nose=(0.17, 0.27),
        eye=(0.12, 0.2),
        legs=(0.7, 1.15),
        tails={"bushy": 0.4, "short": 0.3, "curl": 0.3},
        whiskers=0.12,
        tongue=0.4,
        brown_eyes=0.85,
        coats={"plain": 0.28, "striped": 0.12, "patched": 0.28, "spotted": 0.14, "shaded": 0.18},
    ),
    "rabbit": Species(
        ears={"long": 1},
        ear=(1.3, 1.9),
        head=(0.8, 1.0),
        muzzle=(0.3, 0.42),
        nose=(0.08, 0.14),
        eye=(0.13, 0.2),
        legs=(0.4, 0.7),
        tails={"puff": 1},
        whiskers=0.6,
        noses={"triangle": 1},
    ),
    "bear": Species(
        ears={"round": 1},
        ear=(0.3, 0.42),
        head=(0.98, 1.2),
        muzzle=(0.42, 0.56),
        nose=(0.16, 0.24),
        eye=(0.07, 0.12),
        legs=(0.5, 0.8),
        tails={"puff": 1},
    ),
    "mouse": Species(
        ears={"round": 1},
        ear=(0.6, 0.85),
        head=(0.8, 1.0),
        muzzle=(0.28, 0.4),
        nose=(0.1, 0.16),
        eye=(0.1, 0.17),
        legs=(0.3, 0.5),
        tails={"thin": 1},
        whiskers=0.9,
    ),
    "pig": Species(
        ears={"folded": 0.6, "pointed": 0.4},
        ear=(0.4, 0.6),
        head=(0.95, 1.15),
        muzzle=(0.34, 0.46),
        nose=(0.28, 0.38),
        eye=(0.07, 0.12),
        legs=(0.4, 0.7),
        tails={"curl": 1},
        noses={"snout": 1},
    ),
}

FUR: tuple[Colour, ...] = (
    (38, 36, 40),
    (84, 84, 92),
    (128, 134, 148),
    (242, 238, 230),
    (232, 208, 164),
    (222, 140, 62),
    (184, 106, 52),
    (120, 76, 46),
    (78, 50, 36),
    (204, 172, 122),
    (168, 148, 128),
)
BRIGHT: tuple[Colour, ...] = ((122, 168, 66), (204, 168, 48), (98, 152, 200), (62, 120, 92))
BROWN: tuple[Colour, ...] = ((128, 82, 38), (86, 58, 36), (60, 40, 30))
PINK: Colour = (226, 148, 148)
DARK: Colour = (34, 28, 30)


@dataclass(frozen=True)
class Coat:
    """Fur as paints: `lit` and `shade` cover the canvas; colours for what is plain."""

    lit: Image.Image
    shade: Image.Image
    base: Colour
    second: Colour
    line: Colour
    points: bool
    bib: bool
    rough: float


def draw_animal(pen: Pen, species: Species, rng: np.random.Generator) -> None:
    """One animal: half its head's height is the pen's unit, the middle of its head the origin."""
    coat = _coat(pen, species, rng)
    yaw = rng.uniform(-0.8, 0.8)
    pose = rng.choice(["portrait", "sitting", "standing", "lying"], p=[0.3, 0.28, 0.24, 0.18])
    {"portrait": _portrait, "sitting": _sitting, "standing": _standing, "lying": _lying}[pose](
        pen, species, coat, rng
    )
    if rng.random() < 0.3:
        _collar(pen, rng)
    _head(pen.at(0, 0, 1, rng.normal(0, 0.12)), species, coat, yaw, rng)


def _choose(shares: dict[str, float], rng: np.random.Generator) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def _coat(pen: Pen, species: Species, rng: np.random.Generator) -> Coat:
    base, second = (_vary(FUR[i], rng) for i in rng.choice(len(FUR), 2, replace=False))
    lit = _fur(pen, base, second, _choose(species.coats, rng), rng)
    return Coat(
        lit=lit,
        shade=lit.point([round(i * 0.5) for i in range(256)] * 3),
        base=base,
        second=second,
        line=tint(base, -rng.uniform(0.25, 0.8)),
        points=rng.random() < 0.18,
        bib=rng.random() < 0.4,
        rough=rng.uniform(0, 0.05),
    )


def _vary(colour: Colour, rng: np.random.Generator, by: float = 14) -> Colour:
    red, green, blue = np.clip(np.rint(rng.normal(colour, by)), 0, 255).astype(int).tolist()
    return red, green, blue


def _fur(pen: Pen, base: Colour, second: Colour, pattern: str, rng: np.random.Generator):
    """A canvas full of fur. It is made a third as fine as the canvas: fur is soft."""
    size = [max(8, side // 3) for side in pen.image.size]
    unit = max(pen.unit / 3, 2)
    warp = _cloud(size, unit * 0.7, rng)
    if pattern == "striped":
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32) / unit
        angle, pitch = rng.uniform(-0.6, 0.6), rng.uniform(10, 18)
        wave = np.sin(pitch * (x * np.cos(angle) + y * np.sin(angle)) + 5 * warp)
        share = np.clip(2.5 * wave - rng.uniform(0, 1.5), 0, 1) * rng.uniform(0.4, 0.9)
    elif pattern == "patched":
        share = np.clip(6 * (_cloud(size, unit * 0.9, rng) - rng.uniform(-0.3, 0.6)), 0, 1)
    elif pattern == "spotted":
        share = np.clip(6 * (_cloud(size, unit * 0.22, rng) - rng.uniform(0.6, 1.0)), 0, 1)
    elif pattern == "shaded":
        share = np.clip(0.5 + 0.6 * warp, 0, 1)
    else:
        share = np.clip(0.12 * warp, 0, 1)
    grain = 1 + 0.05 * rng.standard_normal((size[1], size[0]), np.float32)
    one, other = (np.array(colour)[:, None, None] for colour in (base, second))
    pixels = np.clip((one + share * (other - one)) * grain, 0, 255).astype(np.uint8)
    return merged(pixels).resize(pen.image.size, Image.BILINEAR)


def _cloud(size, grain: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of about unit variance, `grain` pixels coarse: float32 of shape (h, w)."""
    knots = [max(3, round(side / grain) + 2) for side in size]
    noise = Image.fromarray(rng.standard_normal((knots[1], knots[0]), np.float32))
    return np.asarray(noise.resize(size, Image.BICUBIC)) * 1.3


def _part(pen: Pen, outline, coat: Coat, rng, *, dark: bool = False) -> None:
    """A furry part of the body with its contour."""
    outline = ragged(outline, rng, coat.rough) if coat.rough > 0.02 else outline
    if dark and coat.points:
        paint, shade = coat.second, tint(coat.second, -0.4)
    else:
        paint, shade = coat.lit, coat.shade
    pen.fill(outline, paint, shade=shade)
    pen.line(np.concatenate([outline, outline[:1]]), 0.028, coat.line)


# --- bodies -----------------------------------------------------------------------------------


def _portrait(pen: Pen, species: Species, coat: Coat, rng) -> None:
    wide = rng.uniform(0.9, 1.4)
    outline = smooth([(-0.5, 0.4), (0.5, 0.4), (wide, 2), (wide, 4), (-wide, 4), (-wide, 2)])
    _part(pen, outline, coat, rng)
    if coat.bib:
        pen.fill(ellipse(0, 1.5, 0.45, 0.8), tint(coat.base, 0.75), soft=0.08)


def _sitting(pen: Pen, species: Species, coat: Coat, rng) -> None:
    leg = rng.uniform(*species.legs)
    wide, long = rng.uniform(0.75, 1.1), 1.5 + leg
    side = rng.choice([-1, 1])
    _tail(pen.at(side * wide * 0.8, long - 0.1, 1, mirror=side < 0), species, coat, rng)
    outline = [(-0.45, 0.3), (0.45, 0.3), (wide * 0.8, 1.2), (wide, long - 0.3)]
    outline += [(wide * 0.7, long + 0.1), (-wide * 0.7, long + 0.1)]
    outline += [(-wide, long - 0.3), (-wide * 0.8, 1.2)]
    _part(pen, smooth(outline), coat, rng)
    if coat.bib:
        pen.fill(ellipse(0, 1.35, 0.38, 0.6), tint(coat.base, 0.75), soft=0.08)
    for x in (-0.3, 0.3):
        thick = rng.uniform(0.3, 0.42)
        _part(
            pen, limb([(x, 1.4), (x * 1.1, long - 0.2), (x, long + 0.1)], thick, thick), coat, rng
        )
        _paw(pen, x, long + 0.12, coat, rng)
    for x in (-wide * 0.85, wide * 0.85):
        _paw(pen, x, long + 0.1, coat, rng)


def _standing(pen: Pen, species: Species, coat: Coat, rng) -> None:
    leg = rng.uniform(*species.legs)
    long, thick = rng.uniform(2.0, 2.9), rng.uniform(0.55, 0.85)
    back = rng.choice([-1, 1])
    body = pen.at(0, 0, 1, mirror=back < 0)
    _tail(body.at(long + 0.2, 0.75), species, coat, rng)
    feet = 0.9 + thick + leg
    for x, shift in ((0.55, 0.15), (long - 0.2, 0.15), (0.35, 0), (long - 0.45, 0)):
        end = x + rng.uniform(-0.25, 0.25)
        _part(body, limb([(x, 1.1), (x, 1.4), (end, feet - shift)], 0.42, 0.3), coat, rng)
        _paw(body, end - 0.06, feet - shift, coat, rng)
    outline = [(0.1, 0.2), (0.7, 0.35), (long * 0.6, 0.5), (long, 0.55), (long + 0.3, 0.9)]
    outline += [(long, 0.9 + thick), (long * 0.5, 0.8 + thick), (0.4, 1.0 + thick), (-0.2, 1.1)]
    _part(body, smooth(outline), coat, rng)
    if coat.bib:
        body.fill(ellipse(0.2, 1.05, 0.3, 0.4), tint(coat.base, 0.75), soft=0.08)


def _lying(pen: Pen, species: Species, coat: Coat, rng) -> None:
    long, high = rng.uniform(1.9, 2.7), rng.uniform(0.9, 1.2)
    back = rng.choice([-1, 1])
    body = pen.at(0, 0, 1, mirror=back < 0)
    _tail(body.at(long, high + 0.1), species, coat, rng)
    outline = [(-0.6, 0.5), (0.6, 0.15), (long * 0.6, 0.2), (long, 0.5), (long + 0.15, high)]
    outline += [(long * 0.7, high + 0.25), (0, high + 0.25), (-0.7, high)]
    _part(body, smooth(outline), coat, rng)
    _part(body, ellipse(long - 0.35, high - 0.15, 0.5, 0.42), coat, rng)
    for x in (-0.75, -0.35):
        reach = x - rng.uniform(0.1, 0.6)
        _part(
            body,
            limb([(x + 0.7, high), (x, high + 0.15), (reach, high + 0.18)], 0.36, 0.3),
            coat,
            rng,
        )
        _paw(body, reach - 0.05, high + 0.2, coat, rng)


def _paw(pen: Pen, x: float, y: float, coat: Coat, rng) -> None:
    outline = ellipse(x, y, 0.26, 0.15)
    if coat.bib:
        pen.fill(outline, tint(coat.base, 0.7))
        pen.line(np.concatenate([outline, outline[:1]]), 0.025, coat.line)
    else:
        _part(pen, outline, coat, rng, dark=True)
    for toe in (-0.08, 0.08):
        pen.line([(x + toe, y + 0.02), (x + toe, y + 0.12)], 0.025, coat.line)


def _tail(pen: Pen, species: Species, coat: Coat, rng) -> None:
    """A tail that leaves the origin to the right."""
    kind = _choose(species.tails, rng)
    up = rng.uniform(0.3, 1)
    if kind == "long":
        path = [(-0.3, 0), (0.5, -0.1), (0.9, -up), (0.7 + rng.uniform(-0.4, 0.5), -1.2 - up)]
        outline = limb(path, 0.26, 0.2)
    elif kind == "thin":
        path = [(-0.2, 0), (0.6, 0.1), (1.1, -up * 0.5), (1.6, -0.2 - up)]
        outline = limb(path, 0.1, 0.04)
    elif kind == "bushy":
        path = [(-0.3, 0), (0.35, -0.1), (0.7, -up * 0.8), (0.8, -0.6 - up)]
        outline = limb(path, 0.28, 0.5)
    elif kind == "short":
        outline = limb([(-0.3, 0), (0.2, -0.2 * up), (0.45, -0.7 * up)], 0.28, 0.14)
    elif kind == "curl":
        path = [(-0.2, 0.1), (0.3, -0.3), (0.25, -0.85), (-0.2, -0.85), (-0.15, -0.5)]
        outline = limb(path, 0.24, 0.16)
    else:  # a puff
        outline = ellipse(0.15, -0.1, 0.3, 0.28)
    _part(pen, outline, coat, rng, dark=True)


def _collar(pen: Pen, rng) -> None:
    colour = tuple(rng.integers(30, 255, 3).tolist())
    y = rng.uniform(0.86, 1.0)
    pen.line(
        smooth([(-0.55, y - 0.12), (0, y + 0.06), (0.55, y - 0.12)], closed=False), 0.13, colour
    )
    if rng.random() < 0.6:
        pen.fill(ellipse(0, y + 0.16, 0.1, 0.1), (224, 190, 80))


# --- heads ------------------------------------------------------------------------------------


def _head(pen: Pen, species: Species, coat: Coat, yaw: float, rng) -> None:
    """The head, turned to one side by `yaw` (-1 to 1), which shifts what lies further in front."""
    wide = rng.uniform(*species.head)
    ears = _choose(species.ears, rng)
    ear = rng.uniform(*species.ear)
    hanging = ears == "floppy"
    if not hanging:
        _ears(pen, ears, ear, wide, coat, rng)
    jaw = rng.uniform(0.6, 0.85) * wide
    outline = [(-wide * 0.95, -0.1), (-wide * 0.62, -0.8), (0, -0.98), (wide * 0.62, -0.8)]
    outline += [(wide * 0.95, -0.1), (jaw, 0.62), (0, 0.95), (-jaw, 0.62)]
    _part(pen, smooth(outline), coat, rng)
    if coat.bib:
        pen.fill(
            smooth([(0.12, -0.9), (0.3, 0.3), (-0.3, 0.3), (-0.12, -0.9)]),
            tint(coat.base, 0.75),
            alpha=0.9,
            soft=0.05,
        )
    if hanging:
        _ears(pen, ears, ear, wide, coat, rng)
    muzzle = rng.uniform(*species.muzzle)
    _eyes(pen, species, wide, muzzle, coat, yaw, rng)
    _muzzle(pen.at(yaw * (0.18 + 0.5 * muzzle), 0.32 + 0.1 * muzzle), species, muzzle, coat, rng)


def _ears(pen: Pen, kind: str, ear: float, wide: float, coat: Coat, rng) -> None:
    inner = mix(PINK, coat.base, rng.uniform(0.1, 0.7))
    apart = rng.uniform(0.5, 0.68) * wide
    lean = rng.uniform(-0.35, 0.1) if kind == "floppy" else rng.uniform(0.05, 0.45)
    for side in (-1, 1):
        pen_ear = pen.at(side * apart, -0.62, 1, side * (lean + rng.normal(0, 0.08)), side < 0)
        if kind == "pointed":
            outline = smooth(
                [
                    (-0.42, 0.15),
                    (-0.3, -0.4 * ear),
                    (0, -ear),
                    (0.06, -ear),
                    (0.36, -0.3 * ear),
                    (0.42, 0.3),
                ]
            )
            inside = [(-0.24, 0.05), (0, -0.75 * ear), (0.25, 0.1)]
        elif kind == "folded":
            outline = smooth(
                [
                    (-0.42, 0.1),
                    (-0.25, -0.5 * ear),
                    (0.05, -0.62 * ear),
                    (0.42, -0.3 * ear),
                    (0.4, 0.2),
                ]
            )
            inside = None
        elif kind == "round":
            outline = ellipse(0, -0.3 * ear, ear, ear)
            inside = ellipse(0, -0.3 * ear, 0.65 * ear, 0.65 * ear)
        elif kind == "long":
            outline = smooth(
                [(-0.2, 0.1), (-0.28, -0.6 * ear), (0, -ear), (0.28, -0.6 * ear), (0.2, 0.1)]
            )
            inside = smooth(
                [(-0.08, 0), (-0.14, -0.6 * ear), (0, -0.85 * ear), (0.14, -0.6 * ear), (0.08, 0)]
            )
        else:  # floppy
            out = rng.uniform(0.15, 0.45)
            outline = smooth(
                [
                    (-0.15, -0.12),
                    (0.2, -0.18),
                    (0.3 + out, 0.4 * ear),
                    (0.25 + out, 1.2 * ear),
                    (0.02 + out, 1.35 * ear),
                    (-0.05, 0.7 * ear),
                ]
            )
            inside = None
        _part(pen_ear, outline, coat, rng, dark=True)
        if inside is not None:
            pen_ear.fill(inside, inner, alpha=0.85, soft=0.02)
        if kind == "folded":
            flap = smooth(
                [(-0.25, -0.5 * ear), (0.05, -0.62 * ear), (0.42, -0.3 * ear), (0.12, 0.12)]
            )
            _part(pen_ear, flap, coat, rng, dark=True)


def _eyes(pen: Pen, species: Species, wide: float, muzzle: float, coat: Coat, yaw, rng) -> None:
    size = rng.uniform(*species.eye)
    apart = rng.uniform(0.36, 0.46) * wide
    y = rng.uniform(-0.2, -0.05)
    irises = BROWN if rng.random() < species.brown_eyes else BRIGHT
    iris = _vary(irises[rng.integers(len(irises))], rng)
    slit = rng.random() < species.slit
    open_ = rng.uniform(0.7, 1) if rng.random() < 0.88 else 0.0
    slant = rng.uniform(0.1, 0.5) if slit else rng.uniform(-0.1, 0.25)
    look = rng.uniform(-0.3, 0.3)
    for side in (-1, 1):
        eye = pen.at(side * apart + 0.16 * yaw, y, size, -side * slant)
        if not open_:
            eye.line(smooth([(-1, 0), (0, 0.35), (1, 0)], closed=False), 0.22, DARK)
            continue
        eye.fill(ellipse(0, 0, 1.16, open_ * 1.1), DARK)
        eye.fill(ellipse(0, 0, 1, open_ * 0.94), iris)
        wide_pupil = rng.uniform(0.15, 0.35) if slit else 0.62
        eye.fill(ellipse(look, 0, wide_pupil, open_ * 0.8), DARK)
        eye.fill(ellipse(look - 0.25, -0.3, 0.2, 0.2), (250, 250, 250))
    if rng.random() < 0.15:
        for side in (-1, 1):
            pen.fill(
                ellipse(side * apart * 0.9 + 0.16 * yaw, y - 0.34, 0.13, 0.08), tint(coat.base, 0.5)
            )


def _muzzle(pen: Pen, species: Species, size: float, coat: Coat, rng) -> None:
    """Cheeks, nose, mouth and whiskers around the origin."""
    light = tint(coat.base, rng.uniform(0.15, 0.8))
    if coat.points:
        light = coat.second
    cheeks = smooth(
        [
            (0, -0.7 * size),
            (0.75 * size, -0.3 * size),
            (size, 0.35 * size),
            (0.5 * size, 0.85 * size),
            (0, 0.75 * size),
            (-0.5 * size, 0.85 * size),
            (-size, 0.35 * size),
            (-0.75 * size, -0.3 * size),
        ]
    )
    pen.fill(cheeks, light, shade=tint(light, -0.25), alpha=0.95, soft=0.02)
    nose = rng.uniform(*species.nose)
    shape = _choose(species.noses, rng)
    colour = _vary(PINK, rng) if rng.random() < 0.35 else DARK
    top = -0.3 * size
    line = mix(DARK, light, 0.2)
    if rng.random() < species.tongue:
        pen.fill(
            smooth(
                [
                    (-0.5 * nose - 0.05, 0.5 * size),
                    (0.5 * nose + 0.05, 0.5 * size),
                    (0.5 * nose + 0.04, 1.2 * size),
                    (0, 1.4 * size),
                    (-0.5 * nose - 0.04, 1.2 * size),
                ]
            ),
            (222, 106, 116),
            shade=(190, 70, 90),
        )
    for side in (-1, 1):
        mouth = [
            (0, top),
            (0, 0.35 * size),
            (side * 0.25 * size, 0.52 * size),
            (side * 0.55 * size, 0.42 * size),
        ]
        pen.line(smooth(mouth, closed=False), 0.035, line)
    if shape == "triangle":
        pen.fill(
            smooth([(-nose, top - 0.6 * nose), (nose, top - 0.6 * nose), (0, top + 0.8 * nose)]),
            colour,
        )
    elif shape == "snout":
        pen.fill(ellipse(0, top + 0.1, nose, 0.75 * nose), mix(PINK, coat.base, 0.5))
        for side in (-1, 1):
            pen.fill(ellipse(side * 0.4 * nose, top + 0.1, 0.16 * nose, 0.3 * nose), DARK)
    else:
        pen.fill(ellipse(0, top, nose, 0.72 * nose), colour)
        pen.fill(
            ellipse(-0.3 * nose, top - 0.3 * nose, 0.25 * nose, 0.14 * nose), tint(colour, 0.6)
        )
    if rng.random() < species.whiskers:
        hair = (240, 240, 236) if sum(coat.base) < 420 or rng.random() < 0.4 else (70, 64, 60)
        for side in (-1, 1):
            for turn in (-0.22, 0.02, 0.26):
                reach = rng.uniform(0.75, 1.15)
                y = 0.25 * size + 0.3 * turn
                pen.line(
                    [(side * 0.5 * size, y), (side * (0.5 * size + reach), y + reach * turn)],
                    0.016,
                    hair,
                )
