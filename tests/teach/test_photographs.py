"""Pictures of any size: what is drawn of them, and squares like those that Keras makes."""

import keras
import numpy as np
import pytest
from PIL import Image

from dlcourse.data.draw.pictures import draw_picture
from dlcourse.teach import BOOK, draw_reading, draw_resolution, draw_samples, draw_stages
from dlcourse.teach.photographs import SIDES, read_picture, resolution_explorer, squeezed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures of each kind, drawn, of four sizes."""
    top = tmp_path_factory.mktemp("pictures")
    for kind in ("cat", "dog"):
        (top / f"{kind}s").mkdir()
        for number in range(2):
            path = top / f"{kind}s" / f"{kind}.{number}.jpg"
            path.write_bytes(draw_picture(kind, 4450, number))
    return top


@pytest.fixture(scope="module")
def paths(folder):
    return sorted(folder.glob("*/*.jpg"))


@pytest.fixture(scope="module")
def convnet():
    """The book's network, as its table lists it."""
    layers = [keras.Input((150, 150, 3))]
    for kind, shape, _ in BOOK["05_small_data"]["summary"]:
        if kind == "Conv2D":
            layers.append(keras.layers.Conv2D(shape[-1], 3))
        elif kind == "MaxPooling2D":
            layers.append(keras.layers.MaxPooling2D(2))
        else:
            layers.append(
                keras.layers.Flatten() if kind == "Flatten" else keras.layers.Dense(shape[0])
            )
    return keras.Sequential(layers)


def by_keras(folder, side):
    dataset = keras.utils.image_dataset_from_directory(
        folder, image_size=(side, side), batch_size=None, shuffle=False, verbose=False
    )
    return [image.numpy() for image, _ in dataset]


@pytest.mark.parametrize("side", SIDES)
def test_a_square_is_the_one_that_keras_makes_of_the_file(folder, paths, side):
    for path, expected in zip(paths, by_keras(folder, side), strict=True):
        np.testing.assert_array_equal(squeezed(read_picture(path), side), expected)


def test_samples_say_the_size_of_each_picture(paths):
    picture = draw_samples(paths, columns=2)
    titles = [axes.get_title() for axes in picture.figure.axes]
    sizes = [Image.open(path).size for path in paths]
    assert titles == [f"{height} × {width}" for width, height in sizes]
    assert f"of {len(set(sizes))} sizes" in picture.figure.get_suptitle()
    assert paths[0].name in picture.alt


def test_samples_are_drawn_at_one_scale(paths):
    axes = draw_samples(paths).figure.axes[: len(paths)]
    assert len({np.ptp(one.get_xlim()) for one in axes}) == 1
    assert len({np.ptp(one.get_ylim()) for one in axes}) == 1


def test_samples_of_one_size_are_not_called_many(paths):
    assert "all of one size" in draw_samples(paths[:1]).figure.get_suptitle()


def test_the_way_from_file_to_floats_says_bytes_and_shapes(paths):
    picture = draw_reading(paths[0], side=60)
    assert f"{paths[0].stat().st_size:,} bytes" in picture.alt
    assert str(read_picture(paths[0]).shape) in picture.alt
    assert "(60, 60, 3)" in picture.alt


def test_a_picture_and_its_square_are_counted_in_numbers(paths):
    picture = draw_resolution(paths[0], side=16)
    numbers = f"{read_picture(paths[0]).size:,} numbers become {16 * 16 * 3:,}"
    assert numbers in picture.alt
    assert picture.figure.get_suptitle() == numbers


@pytest.mark.parametrize("side", SIDES)
def test_the_explorer_shows_every_picture_at_every_side(paths, side):
    explorer = resolution_explorer(paths)
    picture, sides, _ = explorer.inputs
    sides.value = side
    for number, path in enumerate(paths):
        picture.value = number
        height, width = read_picture(path).shape[:2]
        assert f"{height} × {width} pixels and the same as {side} × {side}" in explorer.words.value
        assert explorer.image.value.startswith(b"\x89PNG")


def test_the_explorer_hides_the_picture_itself_until_asked(paths):
    explorer = resolution_explorer(paths)
    hidden = explorer.image.value
    explorer.inputs[2].value = True
    assert explorer.image.value != hidden
    assert explorer.inputs[2].description == "show the picture itself"


def test_the_books_summary_is_that_of_the_network_in_keras(convnet):
    rows = [
        (type(layer).__name__, layer.output.shape[1:], layer.count_params())
        for layer in convnet.layers
    ]
    assert tuple(rows) == BOOK["05_small_data"]["summary"]
    assert convnet.count_params() == BOOK["05_small_data"]["parameters"] == 3_453_121


def test_the_stages_shrink_and_deepen_as_the_layers_do(convnet):
    picture = draw_stages(convnet)
    assert "shrink from 150 to 7 and deepen from 3 to 128" in picture.figure.axes[0].get_title()
    bars = picture.figure.axes[0].patches
    shapes = [(150, 150, 3)] + [layer.output.shape[1:] for layer in convnet.layers[:8]]
    assert [bar.get_height() for bar in bars] == [height for height, _, _ in shapes]
    assert [bar.get_width() for bar in bars] == [max(depth, 6) for _, _, depth in shapes]
    assert all(str(shape) in picture.alt for shape in shapes)


def test_the_stages_say_what_their_axes_are(convnet):
    axes = draw_stages(convnet).figure.axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel() == "height and width in pixels"
