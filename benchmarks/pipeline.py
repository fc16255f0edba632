"""Whether training waits for its pictures: the input pipeline alone against the step alone.

`python benchmarks/pipeline.py [--seconds 20]` prints images per second of reading and decoding
JPEG files to batches at 150 x 150 (section 05), of that with augmentation (section 06), and of the
convnet's training step on a batch of noise in memory. It exits with 1 if a pipeline alone is less
than twice as fast as its step.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from dlcourse.build.networks import convnet, for_two_classes
from dlcourse.data import cats_and_dogs, cats_and_dogs_origin
from dlcourse.teach.augmenting import BOOKS, augmentation_layers

CORES = os.cpu_count() or 1
SIDE = 150
GOAL = 2
GPU = 10  # how many times as fast as this machine's step the imagined GPU's is


def main() -> int:
    options = _options()
    folder = cats_and_dogs() / "train"
    load = os.getloadavg()[0]
    print(f"{cats_and_dogs_origin().where} {CORES} CPU cores, load {load:.1f} before the start.\n")
    print(f"{'section':10}{'pipeline':>12}{'step':>12}{'ratio':>8}   images per second")
    enough = True
    for section, batch, pipeline, model in (
        ("05", 20, plain, for_two_classes(convnet(dropout=False), 1e-4)),
        ("06", 32, augmented, for_two_classes(convnet(dropout=True), 1e-4)),
    ):
        ready = speed(batches(pipeline(folder, batch)), batch, options.seconds)
        step = speed(steps(model, batch), batch, options.seconds)
        ratio = ready / step
        enough = enough and ratio >= GOAL
        print(f"{section:10}{ready:12.0f}{step:12.0f}{ratio:8.1f}")
        needed = math.ceil(GPU * step / (ready / CORES))
        print(
            f"{'':10}A GPU {GPU} times as fast as this step takes {GPU * step:,.0f} images per "
            f"second: {needed} of these cores for the pipeline."
        )
    print(f"\nThe goal is a ratio of {GOAL}: {'kept' if enough else 'missed'}.")
    return 0 if enough else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="for each measurement")
    return parser.parse_args()


def plain(folder: Path, batch: int) -> tf.data.Dataset:
    """Section 05: files to float32 batches in [0, 1]."""
    dataset = keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(SIDE, SIDE), batch_size=batch, verbose=False
    )
    return dataset.map(_rescaled, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def augmented(folder: Path, batch: int) -> tf.data.Dataset:
    """Section 06: the same, then random transforms of each batch."""
    augment = keras.Sequential(augmentation_layers(**BOOKS))

    def apply(images, labels):
        return augment(images, training=True), labels

    dataset = plain(folder, batch)
    return dataset.map(apply, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _rescaled(images, labels):
    return images / 255, labels


def batches(dataset: tf.data.Dataset) -> Iterator[Callable[[], object]]:
    """Calls that each take a batch, for ever: a new epoch begins where one ends."""
    endless = iter(dataset.repeat())
    while True:
        yield lambda: next(endless)


def steps(model: keras.Model, batch: int) -> Iterator[Callable[[], object]]:
    """Calls that each train on the same batch of noise."""
    images = tf.random.uniform((batch, SIDE, SIDE, 3))
    labels = tf.cast(tf.range(batch)[:, None] % 2, tf.float32)
    while True:
        yield lambda: model.train_on_batch(images, labels)


def speed(calls: Iterator[Callable[[], object]], batch: int, seconds: float) -> float:
    """Images per second, after a few calls that build graphs and fill buffers."""
    for _, call in zip(range(5), calls, strict=False):
        call()
    started, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < seconds:
        next(calls)()
        count += batch
    return count / passed


if __name__ == "__main__":
    sys.exit(main())
