"""What little data teach, in three curves: from scratch, augmented, and on borrowed features.

`python benchmarks/learning_curves.py [--side 150] [--epochs 30 50 30]` trains the networks of
sections 05 and 06, and a classifier on the features that tinyvgg gives (section 07), all on the
drawn cats and dogs. It takes hours on two cores, and may be stopped: a training goes on after its
last whole epoch. Each finished one is kept in docs/learning_curves.json, and what is kept under the
same settings is not trained again. Then docs/learning_curves.svg and .md are written.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["DLCOURSE_SOURCE"] = "synthetic"

import keras
import numpy as np
import tensorflow as tf

from dlcourse.build.networks import classifier, convnet, for_two_classes, record
from dlcourse.data import cats_and_dogs, pretrained_base
from dlcourse.settings import settings
from dlcourse.teach.augmenting import BOOKS, augmentation_layers

DOCS = Path(__file__).resolve().parents[1] / "docs"
SEED = 5
Record = dict[str, list[float]]


def main() -> None:
    options = _options()
    kept = _kept()
    for (name, train), epochs in zip(TRAININGS.items(), options.epochs, strict=True):
        wanted = {"side": options.side, "epochs": epochs, "seed": SEED}
        if {key: kept.get(name, {}).get(key) for key in wanted} == wanted:
            print(f"{name}: kept from an earlier run")
            continue
        keras.utils.set_random_seed(SEED)
        unfinished = settings().cache / "learning-curves" / f"{name} {options.side} {epochs}"
        history = train(options.side, epochs, unfinished)
        minutes = round(sum(history.pop("seconds")) / 60, 1)
        kept[name] = wanted | {"minutes": minutes, "history": history}
        kept["machine"] = f"{os.cpu_count()} CPU cores, Keras {keras.__version__}, Python "
        kept["machine"] += platform.python_version()
        _write("learning_curves.json", json.dumps(kept, indent=1) + "\n")
        shutil.rmtree(unfinished)
        print(f"{name}: {minutes} min, validation {_last(history, 'val_accuracy'):.1%}")
    _draw(kept)
    _write("learning_curves.md", _page(kept))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=150, help="of the pictures, in pixels")
    parser.add_argument("--epochs", type=int, nargs=3, default=(30, 50, 30))
    return parser.parse_args()


def pictures(split: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of a split, uint8 (n, side, side, 3), and their labels, int32 (n,)."""
    found = keras.utils.image_dataset_from_directory(
        cats_and_dogs() / split, label_mode="int", image_size=(side, side), verbose=False
    )
    images, labels = zip(*found.as_numpy_iterator(), strict=True)
    return np.concatenate(images).astype("uint8"), np.concatenate(labels)


def stream(data: tuple[np.ndarray, np.ndarray], batch: int, augment: bool) -> tf.data.Dataset:
    """Shuffled batches of float32 pictures in [0, 1], transformed at random if `augment`."""
    transforms = keras.Sequential(augmentation_layers(**BOOKS))

    def ready(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32) / 255
        return (transforms(images, training=True) if augment else images), labels

    dataset = tf.data.Dataset.from_tensor_slices(data).shuffle(len(data[1]), seed=SEED)
    return dataset.batch(batch).map(ready, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class Seconds(keras.callbacks.Callback):
    """How long each epoch took, validation included, beside its metrics."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.start


def fitted(
    model: keras.Model, train: tf.data.Dataset, held_out: object, epochs: int, unfinished: Path
) -> Record:
    """The history of a training: name -> a value per epoch.

    unfinished: the folder from which a training that was stopped goes on.
    """
    unfinished.mkdir(parents=True, exist_ok=True)
    table = unfinished / "history.csv"
    kept = [
        Seconds(),
        keras.callbacks.CSVLogger(table, append=True),
        keras.callbacks.BackupAndRestore(unfinished / "model"),
    ]
    model.fit(train, validation_data=held_out, epochs=epochs, verbose=2, callbacks=kept)
    with table.open(newline="") as lines:
        # The last word on an epoch counts, where it was done again.
        rows = {int(row.pop("epoch")): row for row in csv.DictReader(lines)}
    names = rows[0].keys()
    return {name: [round(float(rows[at][name]), 4) for at in range(epochs)] for name in names}


def from_scratch(
    side: int, epochs: int, unfinished: Path, batch: int = 20, augment: bool = False
) -> Record:
    train = stream(pictures("train", side), batch, augment)
    held_out = stream(pictures("validation", side), batch, augment=False)
    model = for_two_classes(convnet(side, dropout=augment), 1e-4)
    return fitted(model, train, held_out, epochs, unfinished)


def with_augmentation(side: int, epochs: int, unfinished: Path) -> Record:
    return from_scratch(side, epochs, unfinished, batch=32, augment=True)


def on_features(side: int, epochs: int, unfinished: Path) -> Record:
    chosen = pretrained_base("tinyvgg")
    base = chosen.load((side, side, 3))
    recorded, held_out = (
        record(base, chosen.preprocess, pictures(split, side)) for split in ("train", "validation")
    )
    train = tf.data.Dataset.from_tensor_slices(recorded).shuffle(2000, seed=SEED).batch(20)
    return fitted(
        for_two_classes(classifier(base.output_shape[1:]), 2e-4),
        train,
        held_out,
        epochs,
        unfinished,
    )


TRAININGS: dict[str, Callable[[int, int, Path], Record]] = {
    "from scratch": from_scratch,
    "with augmentation and dropout": with_augmentation,
    "on tinyvgg's features": on_features,
}


def _last(record: Record, name: str, epochs: int = 5) -> float:
    """The mean over the last epochs."""
    return float(np.mean(record[name][-epochs:]))


def _kept() -> dict:
    path = DOCS / "learning_curves.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _draw(kept: dict) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    # The same names inside the file at every run.
    matplotlib.rcParams["svg.hashsalt"] = "learning curves"
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(TRAININGS):
        record = kept[name]["history"]
        epochs = range(1, len(record["accuracy"]) + 1)
        axes.plot(epochs, record["val_accuracy"], color=f"C{place}", label=name)
        axes.plot(epochs, record["accuracy"], color=f"C{place}", linestyle=":", linewidth=1)
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0.45, 1.01))
    axes.set_title("Drawn cats and dogs: validation (solid) and training (dotted)")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    beside = DOCS / "learning_curves.svg.part"
    figure.savefig(beside, format="svg", metadata={"Date": None})
    beside.replace(DOCS / "learning_curves.svg")


def _page(kept: dict) -> str:
    sides = {kept[name]["side"] for name in TRAININGS}
    rows = "\n".join(
        f"| {name} | {kept[name]['epochs']} | {_last(kept[name]['history'], 'accuracy'):.1%} "
        f"| {_last(kept[name]['history'], 'val_accuracy'):.1%} | {kept[name]['minutes']} |"
        for name in TRAININGS
    )
    return f"""# What the drawn cats and dogs teach

![Three trainings, epoch by epoch](learning_curves.svg)

The mean of the last five epochs, and how long each training took:

| | epochs | training accuracy | validation accuracy | minutes |
|---|---|---|---|---|
{rows}

Pictures of {" and ".join(map(str, sorted(sides)))} pixels a side, seed {SEED}; other work ran
beside it on {kept["machine"]}.

{_reading(kept)}

Where photographs cannot be had, the course draws its cats and dogs. This page is written by
`python benchmarks/learning_curves.py`.
"""


def _reading(kept: dict) -> str:
    """What the curves say, in a sentence for each."""
    records = [kept[name]["history"] for name in TRAININGS]
    reached = [_last(record, "val_accuracy") for record in records]
    ahead = [
        round(100 * (_last(record, "accuracy") - validation))
        for record, validation in zip(records, reached, strict=True)
    ]
    text = f"From scratch, training ends {ahead[0]} points ahead of validation: pictures learned "
    text += f"by heart. With augmentation and dropout it is {ahead[1]} points. "
    if reached[1] < reached[0]:
        passes = kept["with augmentation and dropout"]["epochs"]
        text += f"But no picture comes twice then: {passes} passes are too few to learn as much. "
    best = "beat both" if reached[2] > max(reached[:2]) else "do not beat both"
    return textwrap.fill(f"{text}Features that tinyvgg learned elsewhere {best}.", 100)


def _write(name: str, text: str) -> None:
    beside = DOCS / f"{name}.part"
    beside.write_text(text, encoding="utf-8")
    beside.replace(DOCS / name)


if __name__ == "__main__":
    main()
