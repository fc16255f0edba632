"""The still pictures of section 03: their shapes and windows are computed, and said in words."""

import keras
import numpy as np

from dlcourse.data import synthetic_digits
from dlcourse.teach import convolution, draw_convolution, draw_hierarchy, draw_local_patterns

DIGIT = synthetic_digits(1, 4433)[0][0]


def test_the_steps_of_a_convolution_have_the_shapes_of_keras():
    layer = keras.layers.Conv2D(convolution._KERNEL[3], convolution._KERNEL[:2])
    output = layer(np.zeros((1, *convolution._INPUT))).shape[1:]
    picture = draw_convolution()
    texts = " ".join(text.get_text() for text in picture.figure.axes[0].texts)
    for shape in (convolution._INPUT, layer.kernel.shape, output):
        assert str(tuple(shape)) in texts and str(tuple(shape)) in picture.alt
    assert f"{output[0] * output[1]} patches" in picture.alt


def test_each_enlarged_window_is_what_its_frame_holds():
    pixels = DIGIT / 255
    whole, *parts = draw_local_patterns(DIGIT).figure.axes
    np.testing.assert_array_equal(whole.images[0].get_array(), pixels)
    assert len(parts) == 4
    for framed, part in zip(whole.patches, parts, strict=True):
        left, top = (int(at + 0.5) for at in framed.get_xy())
        shown = part.images[0].get_array()
        np.testing.assert_array_equal(shown, pixels[top : top + 5, left : left + 5])
        assert framed.get_edgecolor() == part.patches[0].get_edgecolor()
        # Every window has something to see.
        assert np.ptp(shown) > 0.3


def test_every_window_of_the_hierarchy_is_a_part_of_the_cat_and_has_ink():
    cat, axes = convolution.draw_cat(), draw_hierarchy().figure.axes[0]
    tiles = [image.get_array() for image in axes.images]
    assert [len(tile) for tile in tiles].count(convolution._EDGE) == 9
    np.testing.assert_array_equal(tiles[0], cat)
    windows = {}
    for tile in tiles[1:]:
        side = len(tile)
        if side not in windows:
            windows[side] = np.lib.stride_tricks.sliding_window_view(cat, (side, side))
        assert (windows[side] == tile).all(axis=(2, 3)).any()
        assert np.ptp(tile) > 0.5


def test_the_cat_is_symmetric():
    cat = convolution.draw_cat()
    assert cat.min() >= 0 and cat.max() <= 1
    np.testing.assert_allclose(cat[:, 1:], cat[:, :0:-1], atol=1e-6)
