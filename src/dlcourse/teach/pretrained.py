"""A pretrained base: what its classifier is exchanged for, what its blocks see, how sure we are."""

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SKY,
    Picture,
    new_figure,
    plain_axes,
)

# Channels of a feature map that are shown: as many as anyone looks at.
CHANNELS = 8


def draw_swapped_classifiers() -> Picture:
    """A trained network, its base without classifier, and the base with a new classifier on top."""
    figure = new_figure(8.5, 4)
    axes = figure.subplots()
    columns = [
        ("as it was trained", "classifier for\n1,000 classes", "solid"),
        ("its classifier taken off", None, "solid"),
        ("a new one on top", "new classifier:\ncat or dog", "dashed"),
    ]
    for place, (name, top, style) in enumerate(columns):
        x = 3 * place
        _box(axes, x, 1.2, "convolutional base,\ntrained on ImageNet", SKY, "solid")
        if top:
            colour = ORANGE if style == "dashed" else "white"
            _box(axes, x, 2.8, top, colour, style)
            _arrow(axes, x, 2.2, 2.8)
            _arrow(axes, x, 3.8, 4.3)
            axes.text(x, 4.35, "prediction", ha="center", va="bottom")
        _arrow(axes, x, 0.7, 1.2)
        axes.text(x, 0.65, "picture", ha="center", va="top")
        axes.text(x, 0.05, name, ha="center", va="top", weight="bold")
    for x in (1.5, 4.5):
        axes.annotate(
            "", (x + 0.35, 1.7), (x - 0.35, 1.7), arrowprops={"arrowstyle": "->", "lw": 2}
        )
    axes.set(xlim=(-1.4, 7.4), ylim=(-0.3, 4.7))
    axes.set_title("The base stays and keeps its weights; the classifier is exchanged")
    axes.set_axis_off()
    alt = (
        "Three stacks from left to right. First a convolutional base trained on ImageNet, with a "
        "classifier for 1,000 classes on it; then the base alone; then the same base with a new "
        "classifier for cat or dog on it."
    )
    return Picture(figure, alt)


def draw_intervals(accuracies: dict[str, float], samples: int) -> Picture:
    """Accuracies (name -> fraction of `samples`) with the 95% interval of each."""
    figure = new_figure(7.5, 0.7 * len(accuracies) + 1.5)
    axes = figure.subplots()
    words = []
    for place, (name, accuracy) in enumerate(accuracies.items()):
        low, high = interval(accuracy, samples)
        colour, marker = [(BLUE, "o"), (ORANGE, "s")][place % 2]
        axes.plot([low, high], [place, place], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(accuracy, place, marker, color=colour, markersize=9, markeredgecolor=BLACK)
        words.append(f"{name} {accuracy:.3f}, from {low:.3f} to {high:.3f}")
    axes.set_yticks(range(len(accuracies)), list(accuracies))
    axes.set(ylim=(len(accuracies) - 0.5, -0.5), xlabel=f"share right of {samples:,} pictures")
    axes.set_title("Where the bars do not touch, the difference is hardly chance")
    plain_axes(axes)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    return Picture(figure, f"Accuracies with their 95% intervals: {'; '.join(words)}.")


def interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95% interval for a share that was counted on `samples` samples.

    Wilson, JASA 22 (1927); unlike the usual formula it stays between 0 and 1.
    """
    z = 1.96
    # As if z**2 more samples had been counted, half of them right.
    middle = (samples * accuracy + z**2 / 2) / (samples + z**2)
    half = z * np.sqrt(samples * accuracy * (1 - accuracy) + z**2 / 4) / (samples + z**2)
    return float(min(middle - half, accuracy)), float(max(middle + half, accuracy))


def draw_block(base: object, image: np.ndarray, prepared: np.ndarray, layer: str) -> Picture:
    """A picture beside the busiest channels of the feature map that `layer` of a base makes of it.

    image: (height, width, 3), 0 to 255. prepared: the same as the base takes it.
    """
    import keras

    inner = keras.Model(base.inputs[0], base.get_layer(layer).output)
    maps = np.asarray(inner(prepared[None], training=False))[0]
    busiest = np.argsort(maps.std(axis=(0, 1)))[::-1][:CHANNELS]
    figure = new_figure(10, 3.4)
    grid = figure.add_gridspec(2, 2 + CHANNELS // 2)
    axes = figure.add_subplot(grid[:, :2])
    axes.imshow(np.asarray(image) / 255)
    axes.set_axis_off()
    for place, channel in enumerate(busiest):
        axes = figure.add_subplot(grid[place // (CHANNELS // 2), 2 + place % (CHANNELS // 2)])
        axes.imshow(maps[..., channel], cmap="viridis")
        axes.set_axis_off()
    height, width, channels = maps.shape
    figure.suptitle(
        f"{layer}: {channels} maps of {height} × {width}, the {CHANNELS} busiest of them"
    )
    alt = (
        f"A picture, and {CHANNELS} of the {channels} channels of {layer}, each of {height} by "
        f"{width} places; brighter where a pattern is found."
    )
    return Picture(figure, alt)


def block_explorer(
    base: object, images: np.ndarray, prepared: np.ndarray, blocks: list[str]
) -> Explorer:
    """Choose a picture and a block, and see what the block makes of it; as in `draw_block`."""
    picture = widgets.IntSlider(min=0, max=len(images) - 1, description="picture")
    block = widgets.SelectionSlider(options=blocks, description="layer")

    def draw(picture: int, layer: str) -> Picture:
        return draw_block(base, images[picture], prepared[picture], layer)

    return Explorer(widgets.HBox([picture, block]), [picture, block], draw)


def _box(axes: object, x: float, y: float, text: str, colour: str, style: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch(
        (x - 1, y), 2, 1, boxstyle="round,pad=0.05", fc=colour, ec=GREY, ls=style, lw=1.5
    )
    axes.add_patch(box)
    axes.text(x, y + 0.5, text, ha="center", va="center")


def _arrow(axes: object, x: float, start: float, end: float) -> None:
    axes.annotate("", (x, end), (x, start), arrowprops={"arrowstyle": "->", "color": GREY})
