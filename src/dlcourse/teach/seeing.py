"""Pictures of what a convnet makes of pictures: its maps, its filters' patterns, its heatmaps."""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import Picture, new_figure

# Channels of a layer that `draw_journey` shows, and how much of a heatmap covers a picture.
CHANNELS = 8
COVER = 0.5


def draw_journey(image: np.ndarray, maps: Mapping[str, np.ndarray]) -> Picture:
    """A picture and, row by row, the busiest channels of the maps that layers make of it.

    image: (height, width, 3), 0 to 255. maps: name of a layer -> (height, width, channels).
    """
    figure = new_figure(1.35 * CHANNELS, 1.45 * len(maps) + 2.2)
    grid = figure.add_gridspec(len(maps) + 1, CHANNELS, height_ratios=[1.5, *[1] * len(maps)])
    axes = figure.add_subplot(grid[0, :])
    axes.imshow(np.asarray(image) / 255)
    axes.set_axis_off()
    for row, (name, values) in enumerate(maps.items(), start=1):
        height, width, count = values.shape
        for column, channel in enumerate(busiest(values)):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(values[..., channel], cmap="magma")
            axes.set_axis_off()
            if column == 0:
                axes.set_title(f"{name}: {count} maps of {height} × {width}", loc="left", size=9)
    figure.suptitle("From the picture down: less and less where, more and more what")
    rows = "; ".join(f"{name} {values.shape}" for name, values in maps.items())
    return Picture(
        figure,
        f"A picture, and below it the {CHANNELS} busiest channels of each of {len(maps)} layers: "
        f"{rows}. The first rows show its outlines, the last ones a few bright places.",
    )


def busiest(maps: np.ndarray) -> np.ndarray:
    """The CHANNELS channels of (height, width, channels) that vary most, in their own order."""
    return np.sort(np.argsort(-maps.std(axis=(0, 1)))[:CHANNELS])


def tiles(values: np.ndarray) -> np.ndarray:
    """Pictures (n, height, width, 3) of any values as pictures to look at: uint8.

    Each is spread around its own mean, so that faint patterns are seen as well.
    """
    middle = values.mean(axis=(1, 2), keepdims=True)
    spread = (values - middle).std(axis=(1, 2, 3), keepdims=True)
    return (127.5 + 52 * (values - middle) / np.maximum(spread, 1e-6)).clip(0, 255).astype("uint8")


def draw_patterns(patterns: Mapping[str, np.ndarray]) -> Picture:
    """What filters respond to most, layer by layer in rows.

    patterns: name of a layer -> (filters, height, width, 3), of any values, RGB.
    """
    most = max(len(values) for values in patterns.values())
    figure = new_figure(1.35 * most, 1.5 * len(patterns) + 0.6)
    grid = figure.subplots(len(patterns), most, squeeze=False)
    for row, (name, values) in zip(grid, patterns.items(), strict=True):
        for axes in row:
            axes.set_axis_off()
        for axes, picture in zip(row, tiles(values), strict=False):
            axes.imshow(picture)
        row[0].set_title(name, loc="left", size=9)
    figure.suptitle("What single filters want to see: colours and lines, textures, parts of things")
    return Picture(
        figure,
        f"Rows of {most} patterns for the layers {', '.join(patterns)}, each the picture to which "
        "one filter responds most: from plain colours and stripes to textures and curls.",
    )


def ascent_explorer(frames: np.ndarray) -> Explorer:
    """Watch patterns grow: frames (steps, filters, height, width, 3), of any values."""
    number = widgets.IntSlider(min=0, max=frames.shape[1] - 1, description="filter")
    step = widgets.IntSlider(min=0, max=len(frames) - 1, description="step")

    def draw(number: int, step: int) -> Picture:
        return draw_ascent(frames, number, [step])

    return Explorer(widgets.HBox([number, step]), [number, step], draw)


def draw_ascent(frames: np.ndarray, number: int, steps: Sequence[int]) -> Picture:
    """One filter's picture after some steps; frames as in `ascent_explorer`."""
    figure = new_figure(2.3 * len(steps), 2.7)
    for axes, step in zip(figure.subplots(1, len(steps), squeeze=False)[0], steps, strict=True):
        axes.imshow(tiles(frames[step][number : number + 1])[0])
        axes.set_axis_off()
        axes.set_title(f"step {step}", size=10)
    if len(steps) > 1:
        figure.suptitle("Step by step, noise becomes what the filter wants to see")
    said = ", ".join(map(str, steps))
    return Picture(figure, f"Filter {number}: the picture after step {said} of gradient ascent.")


def overlaid(image: np.ndarray, heat: np.ndarray, cover: float = COVER) -> np.ndarray:
    """A picture (height, width, 3), 0 to 255, under a heatmap of any size in [0, 1]: in [0, 1].

    cover: how opaque the heatmap is where it is hottest; where it is cold, the picture is clear.
    """
    from matplotlib import colormaps

    large = resized(heat, image.shape[:2])
    share = cover * large[..., None]
    hot = colormaps["inferno"](large)[..., :3]
    return ((1 - share) * np.asarray(image) / 255 + share * hot).clip(0, 1)


def resized(heat: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A heatmap at another size, its places melted into each other, in [0, 1]."""
    import tensorflow as tf

    large = tf.image.resize(heat[..., None], shape, method="bicubic").numpy()[..., 0]
    return large.clip(0, 1)


def draw_heatmaps(
    images: np.ndarray, heats: np.ndarray, titles: Sequence[str], *, title: str
) -> Picture:
    """Pictures above, and below them the same with their heatmaps.

    images: (n, height, width, 3), 0 to 255. heats: (n, rows, columns) in [0, 1]. titles: n texts.
    """
    figure = new_figure(2 * len(images), 4.6)
    rows = figure.subplots(2, len(images), squeeze=False)
    for above, below, image, heat, said in zip(*rows, images, heats, titles, strict=True):
        above.imshow(np.asarray(image) / 255)
        below.imshow(overlaid(image, heat, 0.75))
        above.set_title(said, size=10)
        above.set_axis_off()
        below.set_axis_off()
    figure.suptitle(title)
    places = "; ".join(
        f"{said}, hottest {hottest(heat)}" for said, heat in zip(titles, heats, strict=True)
    )
    return Picture(figure, f"{title}: {places}.")


def hottest(heat: np.ndarray) -> str:
    """Where a heatmap (rows, columns) is hottest, in words: "in the middle", "at the top left"."""
    row, column = np.unravel_index(int(np.argmax(heat)), heat.shape)
    down = ("top", "", "bottom")[3 * int(row) // heat.shape[0]]
    across = ("left", "", "right")[3 * int(column) // heat.shape[1]]
    words = " ".join(word for word in (down, across) if word)
    return f"at the {words}" if words else "in the middle"


def heatmap_explorer(images: np.ndarray, heats: Mapping[str, np.ndarray]) -> Explorer:
    """Choose a picture, what is asked for, and how much the heatmap covers.

    images: (n, height, width, 3), 0 to 255. heats: what is asked for -> (n, rows, columns).
    """
    picture = widgets.IntSlider(min=0, max=len(images) - 1, description="picture")
    asked = widgets.Dropdown(options=list(heats), description="evidence for")
    cover = widgets.FloatSlider(min=0, max=1, step=0.1, value=0.7, description="heat")

    def draw(picture: int, asked: str, cover: float) -> Picture:
        heat = heats[asked][picture]
        figure = new_figure(4.2, 4.5)
        axes = figure.subplots()
        axes.imshow(overlaid(images[picture], heat, cover))
        axes.set_axis_off()
        said = f"Evidence for {asked}: hottest {hottest(heat)}"
        axes.set_title(said, size=11)
        return Picture(figure, f"{said}; picture {picture} under its heatmap.")

    inputs = [picture, asked, cover]
    return Explorer(widgets.HBox(inputs), inputs, draw)
