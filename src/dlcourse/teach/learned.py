"""What a convnet has learned: the filters of its first layer, and the feature maps of all."""

from collections.abc import Iterator

import ipywidgets as widgets
import numpy as np

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import ORANGE, Picture, new_figure
from dlcourse.teach.redrawn import Panels, frame, outline
from dlcourse.teach.response import as_floats

COLUMNS = 8


def first_filters(model: object) -> np.ndarray:
    """The kernels of the first convolution's filters on a grey picture: (filters, k, k)."""
    kernel = next(layer for layer in _stack(model) if hasattr(layer, "kernel_size")).kernel
    return np.moveaxis(np.asarray(kernel)[:, :, 0], -1, 0)


def feature_maps(model: object, image: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """What each layer before the first Flatten makes of one grey picture: name and feature map.

    image: (height, width), uint8 or floats in [0, 1]. Each map is (height, width, channels); a name
    is the class and its number among its kind, such as "Conv2D 2".
    """
    x = as_floats(image).astype("float32")[None, ..., None]
    maps, count = [], {}
    for layer in _stack(model):
        x = layer(x)
        kind = type(layer).__name__
        count[kind] = count.get(kind, 0) + 1
        maps.append((f"{kind} {count[kind]}", np.asarray(x)[0]))
    return maps


def mosaic(channels: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Channels (n, height, width) side by side in rows, one empty (NaN) pixel between them."""
    count, height, width = channels.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for index, channel in enumerate(channels):
        top, left = _corner(index, height, width, columns)
        sheet[top : top + height, left : left + width] = channel
    return sheet


def draw_filters(model: object) -> Picture:
    """The filters of the first layer, red where they want ink and blue where they want none."""
    kernels = first_filters(model)
    most = np.abs(kernels).max()
    figure = new_figure(8, 4)
    axes = figure.subplots()
    shown = axes.imshow(mosaic(kernels), cmap="RdBu_r", vmin=-most, vmax=most)
    figure.colorbar(shown, ax=axes, label="weight", shrink=0.8)
    axes.set_axis_off()
    axes.set_title(f"The {len(kernels)} learned filters: red wants ink, blue wants none")
    opposed = int(((kernels.max(axis=(1, 2)) > 0) & (kernels.min(axis=(1, 2)) < 0)).sum())
    return Picture(
        figure,
        f"The {len(kernels)} filters of the first layer, each of {kernels.shape[1]} × "
        f"{kernels.shape[2]} weights; {opposed} of them have weights of both signs.",
    )


def draw_feature_maps(
    model: object, image: np.ndarray, layer: int = 0, channel: int | None = None
) -> Picture:
    """A picture, all channels of a layer's feature map for it, and one of them enlarged.

    layer: its number from 0. channel: by default the one with the largest sum.
    """
    if channel is None:
        channel = feature_maps(model, image)[layer][1].sum(axis=(0, 1)).argmax()
    return _Maps(image).show(feature_maps(model, image), image, layer, channel)


def feature_map_explorer(model: object, images: np.ndarray) -> Explorer:
    """Choose a digit, a layer and a channel, and see what the network makes of the digit there.

    images: (n, height, width). The channel's slider ends where the layer's channels do.
    """
    names = [(name, place) for place, (name, _) in enumerate(feature_maps(model, images[0]))]
    depths = [features.shape[-1] for _, features in feature_maps(model, images[0])]
    digit = widgets.IntSlider(min=0, max=len(images) - 1, description="digit")
    layer = widgets.Dropdown(options=names, value=0, description="layer")
    channel = widgets.IntSlider(min=0, max=depths[0] - 1, description="channel")

    def deepened(change: object) -> None:
        channel.max = depths[layer.value] - 1

    # Before the explorer listens, so that no channel is asked for that the layer lacks.
    layer.observe(deepened, "value")
    panels = _Maps(images[0])

    def draw(digit: int, layer: int, channel: int) -> Picture:
        return panels.show(feature_maps(model, images[digit]), images[digit], layer, channel)

    inputs = [digit, layer, channel]
    return Explorer(widgets.VBox([widgets.HBox(inputs)]), inputs, draw)


class _Maps(Panels):
    """A digit, the mosaic of a layer's channels with a frame around one, and that one enlarged."""

    def __init__(self, image: np.ndarray) -> None:
        super().__init__(11, 4.2)
        left, self.middle, self.right = self.figure.subplots(1, 3, width_ratios=[1, 1.8, 1.2])
        self.digit = left.imshow(as_floats(image), cmap="gray", vmin=0, vmax=1)
        self.sheet = self.middle.imshow(np.zeros((8, 8)), cmap="viridis")
        self.map = self.right.imshow(np.zeros((8, 8)), cmap="viridis")
        for shown in (self.sheet, self.map):
            # In shares of the largest, so that the scale stays and need not be drawn anew.
            shown.set_clim(0, 1)
        share = "presence, share of the layer's largest"
        self.figure.colorbar(self.map, ax=self.right, label=share, ticks=[0, 1], shrink=0.6)
        self.mark = outline(self.middle, 1, ORANGE)
        for axes in (left, self.middle, self.right):
            axes.set_axis_off()
        left.set_title("the digit")
        # A title whose height is given is not looked for a place for in every redraw.
        self.middle.set_title("all channels", y=1.01)
        self.right.set_title("channel 00", y=1.01)
        self.headline = self.figure.suptitle("MaxPooling2D 2 gives a feature map of (26, 26, 32)")
        self.settle(self.digit, self.middle, self.right, self.headline)

    def show(self, maps: list, image: np.ndarray, layer: int, channel: int) -> Picture:
        """The picture for these settings; the next call draws over it."""
        name, features = maps[layer]
        height, width, _ = features.shape
        channels = np.moveaxis(features, -1, 0)
        most = max(channels.max(), 1e-6)
        self.digit.set_data(as_floats(image))
        for shown, axes, data in (
            (self.sheet, self.middle, mosaic(channels) / most),
            (self.map, self.right, channels[channel] / most),
        ):
            shown.set_data(data)
            shown.set_extent((-0.5, data.shape[1] - 0.5, data.shape[0] - 0.5, -0.5))
            axes.set_aspect("equal")
        top, left = _corner(channel, height, width, COLUMNS)
        self.mark.set_width(width)
        self.mark.set_height(height)
        frame(self.mark, top, left)
        self.middle.title.set_text(f"all {len(channels)} channels")
        self.right.title.set_text(f"channel {channel}")
        said = f"{name} gives a feature map of shape {features.shape}"
        self.headline.set_text(said)
        return self.picture(f"{said}. {_found(channels, channel)}")


def _corner(index: int, height: int, width: int, columns: int) -> tuple[int, int]:
    row, column = divmod(index, columns)
    return row * (height + 1), column * (width + 1)


def _found(channels: np.ndarray, channel: int) -> str:
    chosen = channels[channel]
    silent = int((channels.max(axis=(1, 2)) <= 0).sum())
    row, column = np.unravel_index(chosen.argmax(), chosen.shape)
    where = (
        f"is largest at row {row}, column {column}" if chosen.max() > 0 else "is zero everywhere"
    )
    return (
        f"Channel {channel} {where}; {silent} of the {len(channels)} channels find nothing in this "
        "digit."
    )


def _stack(model: object) -> Iterator[object]:
    """The layers before the first Flatten, those of nested models one by one."""
    for layer in _layers(model):
        if type(layer).__name__ == "Flatten":
            return
        yield layer


def _layers(model: object) -> Iterator[object]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        elif type(layer).__name__ != "InputLayer":
            yield layer
