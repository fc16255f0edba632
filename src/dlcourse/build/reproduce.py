"""The results ladder, measured: every row in the full profile, on real data, with several seeds.

What was measured is kept in docs/results.json, a seed at a time, and docs/results.md and the table
in the README are made from it. The training is plain Keras on NumPy arrays: no backend is named.
"""

import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from dlcourse.build.sections import BuildError
from dlcourse.data import DataError, cats_and_dogs, load_mnist, pretrained_base
from dlcourse.files import write_text
from dlcourse.settings import gpu_visible
from dlcourse.teach.book import LADDER
from dlcourse.teach.pretrained import interval

SIDE = 150
_ENVIRONMENT = {"DLCOURSE_PROFILE": "full", "DLCOURSE_SOURCE": "real"}
_BLOCK = re.compile(r"(?<=<!-- results -->\n).*?(?=<!-- end of results -->)", re.DOTALL)


@dataclass(frozen=True)
class Training:
    """How a row is measured: `measure` takes a seed and gives the accuracy, a fraction.

    samples: on how many pictures. epochs: for the table. what: which number it is.
    """

    measure: Callable[[int], float]
    samples: int
    epochs: str
    what: str


# MNIST


def mnist_dense(seed: int) -> float:
    from dlcourse.build.networks import digits_dense

    (train, test) = [
        (images.reshape(-1, 784).astype("float32") / 255, np.eye(10, dtype="float32")[labels])
        for images, labels in load_mnist()
    ]
    return _digits(digits_dense, train, test, seed, batch_size=128)


def mnist_convnet(seed: int) -> float:
    from dlcourse.build.networks import digits_convnet

    (train, test) = [
        (images[..., None].astype("float32") / 255, np.eye(10, dtype="float32")[labels])
        for images, labels in load_mnist()
    ]
    return _digits(digits_convnet, train, test, seed, batch_size=64)


def _digits(build: Callable, train: tuple, test: tuple, seed: int, batch_size: int) -> float:
    import keras

    keras.utils.set_random_seed(seed)
    model = build()
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, epochs=5, batch_size=batch_size, verbose=0)
    return model.evaluate(*test, verbose=0)[1]


# Cats and dogs


@cache
def pictures(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of a split, uint8 (n, 150, 150, 3), and labels int32 (n,): 1 for dogs."""
    from dlcourse.build.networks import read_pictures

    return read_pictures(cats_and_dogs() / split, SIDE)


def scratch(seed: int) -> float:
    """The mean over the second half of the epochs, as in the notebook."""
    return float(np.mean(_on_pixels(seed, dropout=False, batch_size=20, augment=[])[15:]))


def augmented(seed: int) -> float:
    """The mean of the last five epochs, as in the notebook."""
    from dlcourse.teach.augmenting import BOOKS, augmentation_layers

    layers = augmentation_layers(**BOOKS)
    return float(np.mean(_on_pixels(seed, dropout=True, batch_size=32, augment=layers)[-5:]))


def _on_pixels(seed: int, *, dropout: bool, batch_size: int, augment: list) -> list[float]:
    """The validation accuracy after each of 30 epochs of the convnet."""
    import keras

    from dlcourse.build.networks import convnet, for_two_classes

    keras.utils.set_random_seed(seed)
    # The random layers work in training alone, and the pictures stay small in memory.
    prepared = [keras.Input((SIDE, SIDE, 3)), keras.layers.Rescaling(1 / 255), *augment]
    model = for_two_classes(keras.Sequential([*prepared, convnet(SIDE, dropout=dropout)]), 1e-4)
    fit = {"epochs": 30, "batch_size": batch_size, "validation_data": pictures("validation")}
    return model.fit(*pictures("train"), verbose=0, **fit).history["val_accuracy"]


@cache
def recorded(split: str) -> tuple[np.ndarray, np.ndarray]:
    """What the base makes of a split, once for all seeds."""
    from dlcourse.build.networks import record

    chosen = pretrained_base()
    return record(chosen.load((SIDE, SIDE, 3)), chosen.preprocess, pictures(split))


def features(seed: int) -> float:
    import keras

    from dlcourse.build.networks import classifier, for_two_classes

    train, validation = recorded("train"), recorded("validation")
    keras.utils.set_random_seed(seed)
    model = for_two_classes(classifier(train[0].shape[1:]), 2e-5)
    fit = {"epochs": 30, "batch_size": 20, "validation_data": validation, "verbose": 0}
    return model.fit(*train, **fit).history["val_accuracy"][-1]


def features_augmented(seed: int) -> float:
    import keras

    from dlcourse.build.networks import classifier, for_two_classes
    from dlcourse.teach.augmenting import BOOKS, augmentation_layers

    keras.utils.set_random_seed(seed)
    chosen = pretrained_base()
    base = chosen.load((SIDE, SIDE, 3))
    base.trainable = False
    pixels = keras.Input((SIDE, SIDE, 3))
    x = pixels
    for layer in augmentation_layers(**{**BOOKS, "shear": 0}):
        x = layer(x)
    maps = base(chosen.preprocess(x))
    outputs = classifier(base.output_shape[1:], dropout=False)(maps)
    model = for_two_classes(keras.Model(pixels, outputs), 2e-5)
    fit = {"epochs": 30, "batch_size": 20, "validation_data": pictures("validation"), "verbose": 0}
    return model.fit(*pictures("train"), **fit).history["val_accuracy"][-1]


def fine_tuned(seed: int) -> float:
    """The test accuracy of the one of two fine-tunings that is better on validation."""
    import keras

    from dlcourse.build.networks import record

    chosen = pretrained_base()
    base, block = chosen.load((SIDE, SIDE, 3)), chosen.base.top_block
    lower = keras.Model(base.input, base.get_layer(block).input)
    upper = keras.Model(base.get_layer(block).input, base.output, name="base")
    train, validation, test = (
        record(lower, chosen.preprocess, pictures(split))
        for split in ("train", "validation", "test")
    )
    tried = []
    for epochs in ((4, 3), (4, 12)):
        keras.utils.set_random_seed(seed)
        model = _in_two_stages(upper, train, epochs)
        on_validation, on_test = (
            model.evaluate(*some, verbose=0)[1] for some in (validation, test)
        )
        tried.append((on_validation, on_test))
    return max(tried, key=lambda pair: pair[0])[1]


def _in_two_stages(upper: object, train: tuple, epochs: tuple[int, int]) -> object:
    """A classifier on a copy of the top block: trained alone, then with the block."""
    import keras

    from dlcourse.build.networks import classifier, for_two_classes

    block = keras.models.clone_model(upper)
    block.set_weights(upper.get_weights())
    inputs = keras.Input(block.input_shape[1:])
    head = classifier(block.output_shape[1:], dropout=False)
    model = keras.Model(inputs, head(block(inputs)))
    for open_block, rate, some in ((False, 1e-4, epochs[0]), (True, 1e-5, epochs[1])):
        block.trainable = open_block
        for layer in block.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        for_two_classes(model, rate).fit(*train, batch_size=20, epochs=some, verbose=0)
    return model


TRAININGS = {
    "mnist_dense": Training(mnist_dense, 10_000, "5", "test accuracy"),
    "mnist_convnet": Training(mnist_convnet, 10_000, "5", "test accuracy"),
    "scratch": Training(scratch, 1_000, "30", "validation accuracy, mean of epochs 16 to 30"),
    "augmented": Training(augmented, 1_000, "30", "validation accuracy, mean of epochs 26 to 30"),
    "features": Training(features, 1_000, "30", "validation accuracy"),
    "features_augmented": Training(features_augmented, 1_000, "30", "validation accuracy"),
    "fine_tuned": Training(fine_tuned, 1_000, "4 + 12", "test accuracy"),
}


# What is kept, and the pages


def results_path(root: Path) -> Path:
    return root / "docs" / "results.json"


def read_results(root: Path) -> dict:
    """What is kept: row -> how it was measured, and its accuracy and minutes by seed."""
    path = results_path(root)
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def reproduce(root: Path, names: list[str] | None = None, *, seeds: int = 3) -> Iterator[str]:
    """Measures rows of the ladder, all by default; a sentence for each seed as it is done.

    What is kept is not measured again. A row that cannot be measured is kept with the reason.
    Raises BuildError for a row that there is not.
    """
    for name in names or LADDER:
        if name not in LADDER:
            raise BuildError(f"There is no row {name!r}. The rows are: {', '.join(LADDER)}.")
    os.environ.update(_ENVIRONMENT)
    results = read_results(root)
    for name in names or LADDER:
        try:
            base = pretrained_base().base.title if LADDER[name].borrowed else ""
            for seed in range(1, seeds + 1):
                if str(seed) not in _kept(results, name, base)["seeds"]:
                    yield _measured(root, results, name, seed)
        except DataError as error:
            if name not in results or not results[name].get("seeds"):
                results[name] = {"reason": " ".join(str(error).split())}
                _write(root, results)
            yield f"{name}: not measured: {error}"


def _kept(results: dict, name: str, base: str) -> dict:
    """The row's entry; a new one where there is none, or where another base was measured."""
    if results.get(name, {}).get("base") != base:
        results[name] = {"base": base, "made_with": _made_with(), "seeds": {}}
    return results[name]


def _measured(root: Path, results: dict, name: str, seed: int) -> str:
    start = time.perf_counter()
    accuracy = round(TRAININGS[name].measure(seed), 4)
    minutes = round((time.perf_counter() - start) / 60, 1)
    results[name]["seeds"][str(seed)] = {"accuracy": accuracy, "minutes": minutes}
    _write(root, results)
    return f"{name}, seed {seed}: {accuracy:.1%} in {minutes} min"


def _write(root: Path, results: dict) -> None:
    ordered = {name: results[name] for name in LADDER if name in results}
    write_text(results_path(root), json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def _made_with() -> str:
    """Versions and hardware, in words."""
    import keras

    backend = keras.backend.backend()
    return (
        f"Keras {keras.__version__} on {backend} {version(backend)}, "
        f"Python {platform.python_version()}; {_hardware()}"
    )


def _hardware() -> str:
    if gpu_visible():
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        with suppress(OSError):
            said = subprocess.run(asked, capture_output=True, text=True).stdout.split("\n")[0]
            return said or "a GPU"
    return f"{os.cpu_count()} CPU cores"


def write_pages(root: Path) -> list[Path]:
    """Writes docs/results.md and the table in the README; their paths."""
    results = read_results(root)
    readme = root / "README.md"
    write_text(root / "docs" / "results.md", page(results))
    write_text(readme, with_table(readme.read_text("utf-8"), results))
    return [root / "docs" / "results.md", readme]


def with_table(readme: str, results: dict) -> str:
    """The README with the table of these results in its block."""
    return _BLOCK.sub(lambda _: f"\n{table(results)}\n\n", readme, count=1)


def table(results: dict) -> str:
    """The ladder as a Markdown table: the book's number, and what was measured."""
    lines = ["| step | measured on | book | here | 95% interval |", "|---|---|---|---|---|"]
    for name, step in LADDER.items():
        found = accuracies(results, name)
        title = f"{step.title} (section {step.section})"
        here, between = "not measured yet", ""
        if found:
            mean = float(np.mean(found))
            low, high = interval(mean, TRAININGS[name].samples)
            here, between = f"{mean:.1%}", f"{low:.1%} to {high:.1%}"
        lines.append(f"| {title} | {step.measured_on} | {step.book} | {here} | {between} |")
    return "\n".join(lines)


def accuracies(results: dict, name: str) -> list[float]:
    """A row's accuracies, one for each seed; none where it was not measured."""
    return [each["accuracy"] for each in results.get(name, {}).get("seeds", {}).values()]


def page(results: dict) -> str:
    """docs/results.md: the table, and for each row how it was measured, or why it was not."""
    details = "\n".join(f"- **{LADDER[name].title}**: {_how(results, name)}" for name in LADDER)
    return f"""# The results ladder, measured

{table(results)}

Here: the mean over seeds, in the full profile on real data. The interval is Wilson's, for that mean
and as many pictures as it was measured on: it says how much lies in the choice of those pictures,
and nothing of how seeds differ, which are listed. What was measured without VGG16's weights stands
on another base, which is named.

{details}

`dlcourse reproduce` measures what is missing and writes this page.
"""


def _how(results: dict, name: str) -> str:
    kept, training = results.get(name, {}), TRAININGS[name]
    if not kept.get("seeds"):
        return kept.get("reason", "not measured on this machine yet.")
    each = "; ".join(
        f"seed {seed} {found['accuracy']:.1%} in {found['minutes']} min"
        for seed, found in kept["seeds"].items()
    )
    base = f" on {kept['base']}" if kept["base"] else ""
    return (
        f"{training.what}{base}, {training.samples:,} pictures, {training.epochs} epochs. {each}. "
        f"{kept['made_with']}."
    )
