"""Trains tinyvgg on drawn pictures of twelve kinds, and writes the weights that the course ships.

Run: python -m dlcourse.data.train_tinyvgg

Takes about ten minutes on two cores. The pictures are of a series of their own (`SERIES`), so none
of them is in the synthetic cats and dogs of the course. The same machine and versions give the same
weights. Where sums are rounded another way, many steps lead to other weights, and to a base that is
as good: trained anew on another machine, it told drawn cats and dogs apart as well as the shipped
one.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from dlcourse.data.download import file_sha256
from dlcourse.data.draw.pictures import KINDS, squeezed
from dlcourse.data.draw.workers import drawing
from dlcourse.data.tinyvgg import WEIGHTS, five_blocks, tinyvgg

SERIES = 2014
SEED = 16

# Pictures of each kind. Cats and dogs are the hardest to tell apart, so it sees more of them. The
# first ASIDE of each kind are kept to see how well it goes.
PICTURES = {kind: 1800 if kind in ("cat", "dog") else 600 for kind in KINDS}
ASIDE = 100
# They are drawn at DRAWN x DRAWN pixels. Training sees a random square of each, anew every time, at
# SEEN x SEEN: small pictures cost little, and squares of many sizes make a base for many sizes.
DRAWN, SEEN = 128, 64
SQUARES = (88, 96, 104, 112, 120, 128)
BATCH, EPOCHS, RATE = 32, 6, 3e-3


def draw(numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """`numbers[kind]` pictures of each kind, uint8 (n, DRAWN, DRAWN, 3), and labels, (n,)."""
    wanted = [(kind, index) for kind, number in numbers.items() for index in range(number)]
    # The first of each kind come first.
    wanted.sort(key=lambda one: one[1])
    processes = os.cpu_count() or 1
    with drawing(processes) as one, ThreadPoolExecutor(processes) as pool:

        def drawn(kind: str, index: int) -> np.ndarray:
            return squeezed(one(kind, SERIES, index), (DRAWN, DRAWN))

        images = np.stack(list(pool.map(drawn, *zip(*wanted, strict=True))))
    return images, np.array([KINDS.index(kind) for kind, _ in wanted])


def batches(images: np.ndarray, labels: np.ndarray, seed: int) -> Iterator[tuple]:
    """For ever: batches of random squares, half of them mirrored, as the base takes them."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for places in np.split(order, range(BATCH, len(order), BATCH)):
            side = rng.choice(SQUARES)
            top, left = rng.integers(DRAWN - side + 1, size=2)
            pieces = images[places, top : top + side, left : left + side]
            mirrored = rng.random(len(places)) < 0.5
            pieces[mirrored] = pieces[mirrored, :, ::-1]
            yield prepared(pieces), labels[places]


def prepared(images: np.ndarray) -> np.ndarray:
    small = keras.ops.image.resize(images, (SEEN, SEEN), antialias=True)
    return keras.applications.vgg16.preprocess_input(np.array(np.asarray(small)))


def normalised(x: object, filters: int, name: str) -> object:
    """A convolution that can be trained from scratch thirteen layers deep."""
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.95, epsilon=1e-3, name=f"{name}_bn")(x)
    return keras.layers.ReLU()(x)


def train(images: np.ndarray, labels: np.ndarray) -> object:
    """The base with its BatchNormalization layers, trained; prints how well it does."""
    keras.utils.set_random_seed(SEED)
    base = five_blocks((None, None, 3), normalised)
    model = keras.Sequential(
        [
            base,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(len(KINDS), activation="softmax"),
        ]
    )
    aside = ASIDE * len(KINDS)
    steps = -(-(len(images) - aside) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, EPOCHS * steps, warmup_target=RATE, warmup_steps=steps // 2
    )
    # On processors, compiled convolutions take several times as long as those of the library.
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(
        batches(images[aside:], labels[aside:], SEED),
        steps_per_epoch=steps,
        epochs=EPOCHS,
        validation_data=(prepared(images[:aside]), labels[:aside]),
        verbose=2,
    )
    return base


def folded(base: object) -> object:
    """tinyvgg with what each convolution and the normalisation behind it do together."""
    plain = tinyvgg((None, None, 3))
    for layer in plain.layers:
        if isinstance(layer, keras.layers.Conv2D):
            (kernel,) = base.get_layer(layer.name).get_weights()
            normalisation = base.get_layer(f"{layer.name}_bn")
            gamma, beta, mean, variance = normalisation.get_weights()
            scale = gamma / np.sqrt(variance + normalisation.epsilon)
            layer.set_weights([kernel * scale, beta - mean * scale])
    return plain


def write(base: object, path: Path) -> None:
    """Saves the weights with half their digits, which is all that they need."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    halved = tinyvgg((None, None, 3))
    keras.config.set_dtype_policy(before)
    halved.set_weights(base.get_weights())
    halved.save_weights(path)
    print(f"{path}: {path.stat().st_size:,} bytes, SHA256 = {file_sha256(path)!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="an .npz file to keep the pictures in")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    asked = parser.parse_args()
    if asked.pictures and asked.pictures.exists():
        with np.load(asked.pictures) as kept:
            images, labels = kept["images"], kept["labels"]
    else:
        images, labels = draw(PICTURES)
        if asked.pictures:
            np.savez(asked.pictures, images=images, labels=labels)
    write(folded(train(images, labels)), asked.weights)


if __name__ == "__main__":
    main()
