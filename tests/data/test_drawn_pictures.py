import hashlib
import io
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlcourse.data import synthetic_pictures
from dlcourse.data.draw.pictures import KINDS, draw_picture
from dlcourse.data.draw.workers import drawing


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_as_a_jpeg_file_in_colour(kind):
    image = opened(draw_picture(kind, 1, 0))
    assert (image.format, image.mode) == ("JPEG", "RGB")


def test_there_are_six_kinds_beside_cats_and_dogs_to_learn_from():
    assert len(set(KINDS) - {"cat", "dog"}) >= 6


def test_pictures_have_many_sizes_as_photographs_have():
    sizes = {opened(draw_picture("cat", 1, i)).size for i in range(12)}
    assert len(sizes) >= 10
    assert all(120 <= side <= 320 for size in sizes for side in size)


def test_every_picture_of_a_series_is_another():
    assert len({draw_picture(kind, 1, i) for kind in ("cat", "dog") for i in range(10)}) == 20


def test_another_seed_draws_other_pictures():
    assert draw_picture("dog", 1, 0) != draw_picture("dog", 2, 0)


def test_another_process_draws_the_same_bytes():
    code = (
        "import hashlib; from dlcourse.data.draw.pictures import KINDS, draw_picture\n"
        "for kind in KINDS: print(hashlib.sha256(draw_picture(kind, 3, 7)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = [hashlib.sha256(draw_picture(kind, 3, 7)).hexdigest() for kind in KINDS]
    assert other.stdout.split() == own


def test_workers_draw_the_same_bytes():
    with drawing(2) as draw:
        assert [draw("cat", 3, i) for i in range(4)] == [
            draw_picture("cat", 3, i) for i in range(4)
        ]


def test_workers_end_with_the_one_who_started_them():
    # The one who started them kills itself and tells beforehand who they are.
    code = (
        "import os, signal\n"
        "from dlcourse.data.draw import workers\n"
        "with workers.drawing(2) as draw:\n"
        "    draw('cat', 1, 0)\n"
        "    children = open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read()\n"
        "    print(children, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    workers = killed.stdout.split()
    assert len(workers) == 2
    deadline = time.monotonic() + 60
    while any(is_drawing(pid) for pid in workers):
        assert time.monotonic() < deadline, "they draw on"
        time.sleep(0.05)


def is_drawing(pid: str) -> bool:
    try:
        return b"dlcourse.data.draw.workers" in Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return False


def test_pictures_come_as_arrays_of_the_size_that_is_asked_for():
    images, labels = synthetic_pictures(6, seed=1, size=(40, 60))
    assert (images.shape, images.dtype) == ((6, 40, 60, 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((6,), np.uint8)


def test_every_kind_comes_equally_often_in_random_order():
    _, labels = synthetic_pictures(12, seed=1, size=(8, 8), kinds=("bird", "car", "fish"))
    assert np.bincount(labels).tolist() == [4, 4, 4]
    assert labels.tolist() != sorted(labels)


def test_arrays_are_what_keras_reads_from_the_files(tmp_path):
    from keras.utils import image_dataset_from_directory

    images, labels = synthetic_pictures(4, seed=5, size=(50, 70))
    for i, label in enumerate(labels):
        (tmp_path / f"{i}.jpg").write_bytes(draw_picture(("cat", "dog")[label], 5, i))
    dataset = image_dataset_from_directory(
        tmp_path, labels=None, image_size=(50, 70), batch_size=4, shuffle=False, verbose=False
    )
    read = next(iter(dataset)).numpy()
    # Two decoders and two ways to round: nearly nothing, and never a shift or another filter.
    assert np.abs(read - images).mean() < 1.5
