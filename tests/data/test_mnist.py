import hashlib
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlcourse.data import DataError, SyntheticDataWarning
from dlcourse.data.mnist import MNIST, Array, Published, find, load, prepare
from dlcourse.settings import Settings

RANDOM = np.random.default_rng(5)
ARRAYS = {
    "x_train": RANDOM.integers(256, size=(30, 28, 28), dtype=np.uint8),
    "y_train": RANDOM.integers(10, size=30, dtype=np.uint8),
    "x_test": RANDOM.integers(256, size=(20, 28, 28), dtype=np.uint8),
    "y_test": RANDOM.integers(10, size=20, dtype=np.uint8),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    """A small data set as it is published."""
    path = tmp_path_factory.mktemp("published") / "mnist.npz"
    np.savez(path, **ARRAYS)
    return path.read_bytes()


@pytest.fixture
def server(serve, archive):
    return serve(archive)


@pytest.fixture
def published(server, archive) -> Published:
    return Published(
        url=server.url,
        size=len(archive),
        sha256=hashlib.sha256(archive).hexdigest(),
        arrays=tuple(
            Array(name, array.shape, hashlib.sha256(array.tobytes()).hexdigest())
            for name, array in ARRAYS.items()
        ),
    )


@pytest.fixture
def configured(tmp_path):
    """Settings with a cache folder of this test's own."""

    def make(source: str, mirror: Path | None = None) -> Settings:
        cache = tmp_path / "cache"
        return Settings(profile="fast", source=source, mirror=mirror, cache=cache, grading=False)

    return make


def is_published(loaded) -> bool:
    (x_train, y_train), (x_test, y_test) = loaded
    actual = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return all(np.array_equal(actual[name], array) for name, array in ARRAYS.items())


def test_real_data_come_from_the_mirror_first(configured, mirror, published, server, archive):
    (mirror / "mnist.npz").write_bytes(archive)
    settings = configured("real", mirror)
    assert is_published(load(settings, published))
    assert find(settings, published).path == mirror / "mnist.npz"
    assert server.ranges == []


def test_an_archive_packed_in_another_way_is_the_same_data(configured, mirror, published):
    np.savez_compressed(mirror / "mnist.npz", **ARRAYS)
    assert is_published(load(configured("real", mirror), published))


def test_real_data_come_from_the_cache_where_the_mirror_has_none(
    configured, mirror, published, server, archive
):
    settings = configured("real", mirror)
    settings.cache.mkdir()
    (settings.cache / "mnist.npz").write_bytes(archive)
    assert is_published(load(settings, published))
    assert server.ranges == []


@pytest.mark.parametrize("source", ["real", "auto"])
def test_real_data_are_downloaded_where_there_are_none(configured, published, source):
    settings = configured(source)
    assert is_published(load(settings, published))
    assert find(settings, published).kind == "real"
    assert (settings.cache / "mnist.npz").exists()


def test_digits_drawn_in_one_cache_are_read_where_it_is_the_mirror(configured, published):
    drawn = load(configured("synthetic"), published)
    theirs = configured("synthetic").cache
    settings = replace(configured("synthetic", theirs), cache=theirs.with_name("own"))
    again = load(settings, published)
    pairs = zip(drawn[0] + drawn[1], again[0] + again[1], strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert find(settings, published).path.parent == theirs
    assert not settings.cache.exists()


def test_loaded_arrays_are_the_callers_own(configured, mirror, published, archive):
    (mirror / "mnist.npz").write_bytes(archive)
    settings = configured("real", mirror)
    for images, labels in load(settings, published):
        images[:] = 0
        labels[:] = 0
    assert is_published(load(settings, published))


def other(**changes) -> dict[str, np.ndarray]:
    return {**ARRAYS, **changes}


ALTERED = {
    "x_test is missing": {k: v for k, v in ARRAYS.items() if k != "x_test"},
    r"y_train has the shape \(29,\) instead of \(30,\)": other(y_train=ARRAYS["y_train"][:29]),
    "x_train has the dtype float32": other(x_train=ARRAYS["x_train"].astype("float32")),
    "y_test has the right shape, but other values": other(y_test=ARRAYS["y_test"][::-1]),
    "cannot be read as an npz archive of plain arrays": other(
        x_train=np.array([print], dtype=object)
    ),
}


@pytest.mark.parametrize("source", ["real", "auto"])
@pytest.mark.parametrize("problem", ALTERED)
def test_an_altered_mirror_file_is_named_and_refused(
    configured, mirror, published, problem, source
):
    np.savez(mirror / "mnist.npz", **ALTERED[problem])
    with pytest.raises(DataError, match=problem) as failure:
        load(configured(source, mirror), published)
    assert str(failure.value).startswith(str(mirror / "mnist.npz"))


BROKEN = {
    "empty": lambda archive: b"",
    "truncated": lambda archive: archive[: len(archive) // 2],
    "a flipped bit": lambda archive: archive[:900] + bytes([archive[900] ^ 1]) + archive[901:],
    "another kind of file": lambda archive: b"<html>no such page</html>",
}


@pytest.mark.parametrize("source", ["real", "auto"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_cached_file_is_named_and_refused(configured, published, archive, how, source):
    settings = configured(source)
    settings.cache.mkdir()
    (settings.cache / "mnist.npz").write_bytes(BROKEN[how](archive))
    with pytest.raises(DataError, match="cache/mnist.npz cannot be read .* delete it"):
        load(settings, published)


def test_a_mirror_without_the_file_is_named_when_nothing_else_helps(
    configured, mirror, published, server
):
    server.status = 404
    with pytest.raises(DataError, match=f"There is no mnist.npz in {mirror} .*answered 404"):
        load(configured("real", mirror), published)


def test_real_data_that_cannot_be_had_are_never_replaced(configured, published, server):
    server.status = 404
    with pytest.raises(DataError, match="DLCOURSE_SOURCE=synthetic"):
        load(configured("real"), published)


def test_drawn_digits_stand_in_with_a_warning_where_real_data_cannot_be_had(
    configured, published, server
):
    server.status = 404
    settings = configured("auto")
    with pytest.warns(SyntheticDataWarning, match="NOT THE MNIST IMAGES(.|\n)*answered 404"):
        (images, labels), _ = load(settings, published)
    assert (images.shape, labels.shape) == ((30, 28, 28), (30,))
    assert find(settings, published).kind == "synthetic"


def test_a_missing_network_is_tried_and_warned_about_once(configured, published, server):
    server.status = 503
    settings = configured("auto")
    with pytest.warns(SyntheticDataWarning):
        find(settings, published)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(settings, published)
        load(settings, published)
    assert len(server.ranges) == 1


def test_drawn_digits_that_were_asked_for_need_no_warning(configured, published, server):
    settings = configured("synthetic")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(settings, published)
    assert "DLCOURSE_SOURCE" in find(settings, published).where
    assert server.ranges == []


def test_drawn_digits_are_kept_and_read_again(configured, published):
    settings = configured("synthetic")
    first = load(settings, published)
    written = find(settings, published).path.stat().st_mtime_ns
    again = load(settings, published)
    assert np.array_equal(first[0][0], again[0][0])
    assert find(settings, published).path.stat().st_mtime_ns == written


def test_training_and_test_digits_are_not_the_same(configured, published):
    (train, _), (test, _) = load(configured("synthetic"), published)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_a_broken_file_of_drawn_digits_is_drawn_again_with_a_sentence(configured, published, capfd):
    settings = configured("synthetic")
    first = load(settings, published)
    path = find(settings, published).path
    path.write_bytes(path.read_bytes()[:500])
    again = load(settings, published)
    assert np.array_equal(first[0][0], again[0][0])
    assert f"{path} cannot be read" in (said := capfd.readouterr().err)
    assert "drawn again" in said


def test_drawn_digits_need_no_folder_to_be_kept_in(configured, published, tmp_path):
    (tmp_path / "cache").touch()
    (images, _), _ = load(configured("synthetic"), published)
    assert images.shape == (30, 28, 28)


def test_preparing_says_where_the_data_are_and_the_second_time_that_nothing_was_left(
    configured, published
):
    settings = configured("real")
    assert "30 training and 20 test images of 28 x 28" in prepare(settings, published)
    second = prepare(settings, published)
    assert str(settings.cache / "mnist.npz") in second
    assert "Nothing was left to do" in second


@pytest.mark.parametrize("source", ["real", "synthetic"])
def test_preparing_the_first_time_does_something(configured, published, source):
    assert "Nothing was left to do" not in prepare(configured(source), published)


@pytest.mark.long
def test_the_environment_chooses_drawn_digits_in_the_sizes_of_mnist(tmp_path):
    code = (
        "from dlcourse.data import load_mnist, mnist_origin\n"
        "for images, labels in load_mnist():\n"
        "    print(images.shape, images.dtype, labels.shape, labels.dtype)\n"
        "print(mnist_origin().kind)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DLCOURSE_")}
    environment |= {"DLCOURSE_SOURCE": "synthetic", "DLCOURSE_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "(60000, 28, 28) uint8 (60000,) uint8",
        "(10000, 28, 28) uint8 (10000,) uint8",
        "synthetic",
    ]
    assert done.stderr == ""


@pytest.mark.skipif(
    not os.environ.get("DLCOURSE_DATA"),
    reason="real MNIST is at hand only where DLCOURSE_DATA names a mirror folder",
)
def test_the_mirror_holds_mnist_in_its_original_order(configured):
    settings = configured("real", Path(os.environ["DLCOURSE_DATA"]).resolve())
    (_, y_train), (_, y_test) = load(settings, MNIST)
    assert (y_train[:3].tolist(), y_train[-3:].tolist()) == ([5, 0, 4], [5, 6, 8])
    assert (y_test[:3].tolist(), y_test[-3:].tolist()) == ([7, 2, 1], [4, 5, 6])
