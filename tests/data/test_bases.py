import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlcourse.data import BASES, DataError, SyntheticDataWarning, pretrained_base
from dlcourse.data.bases import MOBILENET, TINYVGG, VGG16, WeightFile, find, had, known
from dlcourse.settings import BASES as CHOICES
from dlcourse.settings import Settings, settings

SHAPE = (150, 150, 3)


@pytest.fixture
def configured(tmp_path, mirror, monkeypatch):
    """Settings with folders of this test's own, on a machine whose network answers nobody."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    def make(profile: str = "fast") -> Settings:
        cache = tmp_path / "cache"
        return Settings(profile, source="auto", mirror=mirror, cache=cache, grading=False)

    return make


def narrow(input_shape):
    """An architecture of a few weights, for tests about files."""
    import keras

    return keras.Sequential(
        [keras.Input(input_shape), keras.layers.Conv2D(2, 3, name="block5_conv1")]
    )


def wider(input_shape):
    import keras

    return keras.Sequential(
        [keras.Input(input_shape), keras.layers.Conv2D(4, 3, name="block5_conv1")]
    )


def published(base, folder: Path, model, name: str = "base.weights.h5"):
    """`base` with `model`'s weights in `folder` as its published file."""
    model.save_weights(folder / name)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return replace(base, files=(WeightFile(name, digest, "https://127.0.0.1:9/base"),))


@pytest.fixture
def base(mirror):
    """A small base whose weights are in the mirror."""
    return published(replace(VGG16, architecture=narrow), mirror, narrow(SHAPE))


def same_weights(one, other) -> bool:
    return all(map(np.array_equal, one.get_weights(), other.get_weights()))


# What the bases are


def test_vgg16_has_the_parameters_and_the_output_of_the_book():
    model = VGG16.architecture(SHAPE)
    assert model.count_params() == 14_714_688
    assert model.output_shape == (None, 4, 4, 512)
    assert len(model.trainable_weights) == 26


def test_tinyvgg_has_the_layers_of_vgg16():
    names = [[layer.name for layer in base.architecture(SHAPE).layers[1:]] for base in TWINS]
    assert names[0] == names[1]


TWINS = (VGG16, TINYVGG)


def test_tinyvgg_shrinks_pictures_as_vgg16_does():
    assert TINYVGG.architecture(SHAPE).output_shape == (None, 4, 4, 96)


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_the_top_block_begins_at_a_layer_with_weights(base):
    layer = base.architecture((64, 64, 3)).get_layer(base.top_block)
    assert layer.weights


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_base_runs_at_its_smallest_size(base):
    side = base.smallest
    assert base.architecture((side, side, 3)).output_shape[:3] == (None, 1, 1)


def test_mobilenet_wants_pixels_between_minus_one_and_one():
    assert np.allclose(MOBILENET.preprocess(np.array([0.0, 127.5, 255.0])), [-1, 0, 1])


def test_vgg16_and_tinyvgg_want_blue_first_and_imagenets_mean_taken_away():
    red = np.zeros((1, 1, 1, 3))
    red[..., 0] = 255
    for base in TWINS:
        pixel = base.preprocess(red.copy())[0, 0, 0]
        assert np.allclose(pixel, [-103.939, -116.779, 255 - 123.68])


# Weights


def test_tinyvgg_comes_with_the_course_and_under_a_megabyte():
    found = pretrained_base("tinyvgg")
    assert found.path.stat().st_size < 1e6
    assert "come with the course" in found.where
    assert np.any(found.load(SHAPE).get_layer("block1_conv1").get_weights()[1])


def test_without_training_it_is_vgg16_with_the_same_random_weights_each_time():
    with pytest.warns(SyntheticDataWarning, match="no accuracy that it leads to is a measurement"):
        found = pretrained_base("untrained")
    models = [found.load((48, 64, 3)) for _ in range(2)]
    assert same_weights(*models)
    assert models[0].count_params() == 14_714_688
    seen = [layer.name for layer in VGG16.architecture((48, 64, 3)).layers[1:]]
    assert [layer.name for layer in models[0].layers[1:]] == seen


def test_pictures_come_out_of_random_weights_in_the_size_of_ordinary_features():
    with pytest.warns(SyntheticDataWarning):
        model = pretrained_base("untrained").load((64, 64, 3))
    pixels = np.random.default_rng(3).integers(256, size=(4, 64, 64, 3)).astype("float32")
    maps = np.asarray(model(VGG16.preprocess(pixels)))
    assert 0.1 < maps.std() < 10


def test_the_environment_may_name_every_base_and_no_other():
    assert ("auto", *BASES) == CHOICES


def test_the_environment_chooses_the_base(monkeypatch):
    monkeypatch.setenv("DLCOURSE_BASE", "tinyvgg")
    settings.cache_clear()
    try:
        assert pretrained_base().base is TINYVGG
    finally:
        settings.cache_clear()


def test_weights_are_read_from_the_mirror(base, configured, mirror):
    found = had(base, configured())
    expected = narrow(SHAPE)
    expected.load_weights(mirror / "base.weights.h5")
    assert same_weights(found.load(SHAPE), expected)
    assert found.where == (
        "VGG16, trained on ImageNet's photographs; its weights from the mirror folder "
        "(DLCOURSE_DATA)."
    )


def test_weights_are_read_from_the_cache(base, configured, mirror):
    settings = configured()
    (settings.cache / "bases").mkdir(parents=True)
    (mirror / "base.weights.h5").rename(settings.cache / "bases" / "base.weights.h5")
    assert "from the cache" in had(base, settings).where


def test_weights_are_read_from_another_cache_that_is_the_mirror(base, configured, mirror):
    (mirror / "bases").mkdir()
    (mirror / "base.weights.h5").rename(mirror / "bases" / "base.weights.h5")
    assert "from the mirror" in had(base, configured()).where


def test_weights_fit_pictures_of_another_size(base, configured):
    assert had(base, configured()).load((32, 48, 3)).input_shape == (None, 32, 48, 3)


@pytest.mark.parametrize("name", [file.name for file in MOBILENET.files])
def test_mobilenet_is_read_from_a_mirror_in_either_form(name, configured, mirror):
    model = MOBILENET.architecture((32, 32, 3))
    base = published(MOBILENET, mirror, model, "made.weights.h5")
    # Keras still reads what it published before there were `.weights.h5` files.
    if name.endswith("weights.h5"):
        (mirror / "made.weights.h5").rename(mirror / name)
        file = replace(base.files[0], name=name)
    else:
        model.save(mirror / name)
        file = WeightFile(name)
    loaded = had(replace(base, files=(file,)), configured()).load((32, 32, 3))
    assert same_weights(loaded, model)


@pytest.mark.skipif(
    not (Path(os.environ.get("DLCOURSE_DATA", "/")) / MOBILENET.files[0].name).exists(),
    reason="the weights from ImageNet are at hand only where DLCOURSE_DATA has them",
)
def test_the_mirrored_mobilenet_is_the_one_that_the_course_knows(configured):
    mirror = Path(os.environ["DLCOURSE_DATA"]).resolve()
    found = had(MOBILENET, replace(configured(), mirror=mirror))
    assert found.load(SHAPE).output_shape == (None, 4, 4, 768)


# What goes wrong


def test_a_base_that_nobody_knows_is_answered_with_those_there_are():
    with pytest.raises(DataError, match="no base 'vgg61'. The bases are: vgg16, mobilenet"):
        known("vgg61")


def test_missing_weights_without_a_network_say_where_to_put_them(base, configured, mirror):
    (mirror / "base.weights.h5").unlink()
    with pytest.raises(DataError) as error:
        had(base, configured())
    for part in ("VGG16", "no connection", "put base.weights.h5 into", "DLCOURSE_DATA"):
        assert part in str(error.value)


def test_missing_weights_of_the_course_itself_say_to_install_it_again(base, configured, tmp_path):
    base = replace(base, files=(WeightFile("gone.weights.h5"),), folder=tmp_path)
    with pytest.raises(DataError, match="gone.weights.h5 of VGG16 is missing. Install the course"):
        had(base, configured())


def test_a_file_with_another_hash_is_refused_by_name(base, configured, mirror):
    with (mirror / "base.weights.h5").open("ab") as file:
        file.write(b"!")
    with pytest.raises(DataError, match="base.weights.h5.* its hash is another"):
        had(base, configured())


def test_a_file_for_another_width_is_refused_by_name(configured, mirror):
    base = published(replace(VGG16, architecture=narrow), mirror, wider(SHAPE))
    with pytest.raises(DataError, match="base.weights.h5 does not hold the weights of VGG16"):
        had(base, configured()).load(SHAPE)


def test_a_damaged_file_without_a_known_hash_is_refused_by_name(base, configured, mirror):
    (mirror / "base.weights.h5").write_bytes(b"not weights")
    base = replace(base, files=(WeightFile("base.weights.h5"),))
    with pytest.raises(DataError, match="or damaged"):
        had(base, configured()).load(SHAPE)


def test_pictures_that_are_too_small_are_answered_with_the_least(base, configured):
    with pytest.raises(DataError, match="at least 32 x 32 pixels, so not 20 x 150"):
        had(base, configured()).load((20, 150, 3))


# Which one to take


def test_for_drawn_pictures_auto_is_tinyvgg_in_every_profile(configured):
    assert find(configured("full"), "synthetic").base is TINYVGG
    assert find(configured("fast"), "synthetic").base is TINYVGG


@pytest.fixture
def imagenet(monkeypatch, mirror):
    """VGG16 and MobileNet as small bases with files in the mirror; deletes what is asked."""
    small = {}
    for base in (VGG16, MOBILENET):
        model = narrow(SHAPE)
        name = f"{base.name}.weights.h5"
        small[base.name] = published(replace(base, architecture=narrow), mirror, model, name)
        monkeypatch.setattr(f"dlcourse.data.bases.{base.name.upper()}", small[base.name])
    return small


def test_for_photographs_auto_is_vgg16_in_the_full_profile(imagenet, configured):
    assert find(configured("full"), "real").base is imagenet["vgg16"]


def test_for_photographs_auto_is_mobilenet_in_the_fast_profile(imagenet, configured):
    assert find(configured("fast"), "real").base is imagenet["mobilenet"]


def test_auto_takes_mobilenet_where_vgg16_cannot_be_had_and_says_so(imagenet, configured, mirror):
    (mirror / "vgg16.weights.h5").unlink()
    found = find(configured("full"), "real")
    assert found.base is imagenet["mobilenet"]
    assert found.where.endswith("VGG16's weights could not be had.")


def test_auto_warns_where_it_has_nothing_but_tinyvgg_for_photographs(imagenet, configured, mirror):
    (mirror / "mobilenet.weights.h5").unlink()
    with pytest.warns(SyntheticDataWarning, match="knows little of photographs"):
        found = find(configured("fast"), "real")
    assert found.base is TINYVGG
