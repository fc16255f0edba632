"""A picture that is transformed at random, as far as sliders allow: is its label still true?"""

from collections.abc import Callable
from functools import cache

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer, PhotographExplorer
from dlcourse.teach.pictures import Picture
from dlcourse.teach.redrawn import Panels, photograph

# How many random draws of a picture are shown beside it, in two rows.
DRAWS = 8
# Explorers show pictures at most this high and wide: Keras transforms those within a slider's move.
LARGEST = 96
# What `flip` may be -> the mode of Keras's RandomFlip.
FLIPS = {
    "none": None,
    "left to right": "horizontal",
    "upside down": "vertical",
}
# The settings of the book, and how far the sliders go.
BOOKS = {"degrees": 40, "shift": 0.2, "shear": 0.2, "zoom": 0.2, "flip": "left to right"}
NOTHING = {"degrees": 0, "shift": 0, "shear": 0, "zoom": 0, "flip": "none"}
FURTHEST = {"degrees": 180, "shift": 0.6, "shear": 0.8, "zoom": 0.8}
STEPS = {"degrees": 5, "shift": 0.05, "shear": 0.05, "zoom": 0.05}
NAMES = {"degrees": "rotation, ±°", "shift": "shift", "shear": "shear", "zoom": "zoom"}

UNANSWERED, YES, NO = "not answered yet", "yes, for all of them", "not for all of them"


def augmentation_layers(degrees: float, shift: float, shear: float, zoom: float, flip: str) -> list:
    """Keras's layers for these settings, in the lesson's order; none for what is zero or "none".

    degrees: of rotation, either way. shift, zoom: as fractions of the picture. shear: pixels per
    pixel. flip: one of `FLIPS`.
    """
    from keras import layers

    nearest = {"fill_mode": "nearest"}
    made = {
        flip: lambda: layers.RandomFlip(FLIPS[flip]),
        "degrees": lambda: layers.RandomRotation(degrees / 360, **nearest),
        "shift": lambda: layers.RandomTranslation(shift, shift, **nearest),
        "shear": lambda: layers.RandomShear(shear, shear, **nearest),
        "zoom": lambda: layers.RandomZoom(zoom, **nearest),
    }
    reaches = _reaches(degrees, shift, shear, zoom, flip)
    return [make() for name, make in made.items() if reaches[name]]


def _reaches(degrees: float, shift: float, shear: float, zoom: float, flip: str) -> dict:
    """How far each layer goes, in Keras's units and the lesson's order; zero: there is none."""
    turns = degrees / 360
    return {flip: flip != "none", "degrees": turns, "shift": shift, "shear": shear, "zoom": zoom}


def augmented(image: np.ndarray, seed: int, **settings: object) -> np.ndarray:
    """`DRAWS` random draws of a picture (height, width, 3) in [0, 1], as Keras's layers make them.

    settings: those of `augmentation_layers`. With one seed each call draws the same numbers.
    """
    batch = np.repeat(image[None].astype("float32"), DRAWS, axis=0)
    for place, (name, reach) in enumerate(_reaches(**settings).items()):
        if reach:
            # Layers with one seed would draw the same numbers: each gets its own.
            batch = _compiled(name)(batch, np.float64(reach), np.array([10 * seed + place, 0]))
    return np.asarray(batch)


@cache
def _compiled(name: str) -> Callable:
    """One of Keras's layers as a graph: of pictures, how far it goes, and its seed's state.

    Called as they are, and made anew for each setting, layers take three times as long.
    """
    import tensorflow as tf

    setting = {"flip": name} if name in FLIPS else {name: BOOKS[name]}
    (layer,) = augmentation_layers(**(NOTHING | setting))
    signature = [
        tf.TensorSpec((DRAWS, None, None, 3)),
        tf.TensorSpec((), "float64"),
        tf.TensorSpec((2,), layer.generator.state.dtype),
    ]

    @tf.function(input_signature=signature, autograph=False)
    def draw(batch: tf.Tensor, reach: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        _let_reach(layer, reach)
        layer.generator.state.assign(state)
        return layer(batch, training=True)

    # Compiled now: by their calls, TensorFlow would take these for one function compiled too often.
    draw.get_concrete_function()
    return draw


def _let_reach(layer: object, reach: object) -> None:
    """Let a layer go as far as a tensor says: when it is made, Keras takes only numbers."""
    lower, upper = -reach, reach
    bounds = {"factor": (lower, upper), "x_factor": (lower, upper), "y_factor": (lower, upper)}
    for side in ("height", "width"):
        bounds |= {f"{side}_lower": lower, f"{side}_upper": upper}
    for attribute, bound in bounds.items():
        if hasattr(layer, attribute):
            setattr(layer, attribute, bound)


def draw_augmented(image: np.ndarray, label: str, seed: int = 1, **settings: object) -> Picture:
    """A picture (height, width, 3) in [0, 1] and random draws of it; settings beside the book's."""
    return _Draws(image).show(image, label, UNANSWERED, seed, **(BOOKS | settings))


def augmentation_explorer(images: np.ndarray, labels: list[str]) -> Explorer:
    """Sliders for how far each transform may go, and draws of a picture: is the label still true?

    images: (n, height, width, 3) in [0, 1], which are made smaller where they are larger than
    `LARGEST`; labels: a word for each. A move of a slider takes back the answer, for there is
    something else to judge.
    """
    sliders = {name: _slider(name) for name in FURTHEST}
    flip = widgets.Dropdown(options=list(FLIPS), value=BOOKS["flip"], description="flip")
    picture = widgets.IntSlider(min=0, max=len(images) - 1, description="picture")
    draw_number = widgets.IntSlider(min=1, max=50, description="another draw")
    answer = widgets.Dropdown(
        options=[UNANSWERED, YES, NO],
        description="Is the label still true?",
        style={"description_width": "initial"},
    )
    inputs = [picture, *sliders.values(), flip, draw_number, answer]
    images = _small(images)
    panels = _Draws(images[0])
    for kind in FLIPS:
        # So that no move has to wait for a layer to be compiled.
        augmented(images[0], 1, **(BOOKS | {"flip": kind}))

    def draw(number: int, *chosen: object) -> Picture:
        *ranges, flip, seed, answer = chosen
        settings = dict(zip(sliders, ranges, strict=True))
        return panels.show(images[number], labels[number], answer, seed, flip=flip, **settings)

    def take_back(change: object) -> None:
        answer.value = UNANSWERED

    for each in inputs[:-1]:
        each.observe(take_back, "value")
    rows = [
        [picture, draw_number, flip],
        [sliders["degrees"], sliders["shift"]],
        [sliders["shear"], sliders["zoom"]],
        [answer],
    ]
    return PhotographExplorer(widgets.VBox([widgets.HBox(row) for row in rows]), inputs, draw)


def _small(images: np.ndarray) -> np.ndarray:
    from keras import ops

    height, width = images.shape[1:3]
    share = LARGEST / max(height, width)
    if share >= 1:
        return images
    size = round(share * height), round(share * width)
    return np.clip(ops.image.resize(images.astype("float32"), size, antialias=True), 0, 1)


def sheet(image: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """A picture twice as large, and its draws in two rows on the right; uint8, white between them.

    image: (height, width, 3), draws: (DRAWS, height, width, 3), both in [0, 1].
    """
    height, width = image.shape[:2]
    gap = gap_of(width)
    pictures = np.rint(255 * np.clip([image, *draws], 0, 1)).astype("uint8")
    columns = DRAWS // 2
    whole = np.full((2 * height + gap, 2 * width + columns * (width + gap), 3), 255, "uint8")
    whole[: 2 * height, : 2 * width] = pictures[0].repeat(2, axis=0).repeat(2, axis=1)
    for place, picture in enumerate(pictures[1:]):
        row, column = divmod(place, columns)
        top, left = row * (height + gap), 2 * width + gap + column * (width + gap)
        whole[top : top + height, left : left + width] = picture
    return whole


def gap_of(width: int) -> int:
    """How many white pixels are between the pictures of a `sheet`."""
    return max(1, width // 24)


def _slider(name: str) -> widgets.ValueWidget:
    kind = widgets.IntSlider if name == "degrees" else widgets.FloatSlider
    return kind(
        value=BOOKS[name], min=0, max=FURTHEST[name], step=STEPS[name], description=NAMES[name]
    )


class _Draws(Panels):
    """A picture on the left, and two rows of draws of it: one image, since each costs time."""

    def __init__(self, image: np.ndarray) -> None:
        super().__init__(10.5, 3.9)
        axes = self.figure.subplots()
        axes.set_axis_off()
        self.shown = photograph(axes, sheet(image, [image] * DRAWS))
        self.headline = self.figure.suptitle("A cat, and eight random draws of it")
        self.settle(self.headline)

    def show(
        self, image: np.ndarray, label: str, answer: str, seed: int, **settings: object
    ) -> Picture:
        """The picture for these settings; the next call draws over it."""
        self.repaint(self.shown, sheet(image, augmented(image, seed, **settings)))
        self.headline.set_text(f"A {label}, and {DRAWS} random draws of it: still a {label}?")
        said = _said(**settings)
        return self.picture(f"A {label}, and {DRAWS} random draws of it, {said}. {_reply(answer)}")


def _said(degrees: float, shift: float, shear: float, zoom: float, flip: str) -> str:
    """The settings in words."""
    parts = {
        f"turned by up to {degrees} degrees": degrees,
        f"shifted by up to {shift:.0%}": shift,
        f"sheared by up to {shear:.2f}": shear,
        f"zoomed by up to {zoom:.0%}": zoom,
        f"half of them flipped {flip}": FLIPS[flip],
    }
    return ", ".join(words for words, on in parts.items() if on) or "with nothing done to it"


def _reply(answer: str) -> str:
    return {
        UNANSWERED: "Would everybody give all of them this label, and no other?",
        YES: "Then all of them may be trained on under this label. Now go further: where does it "
        "stop being true?",
        NO: "Then training on them would teach a wrong label. Take a slider back until all are "
        "right.",
    }[answer]
