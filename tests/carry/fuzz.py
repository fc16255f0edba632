"""Fuzzes `unpack`, guided by coverage. Not run by pytest: `pip install atheris`, then

    python tests/carry/fuzz.py [--keras] FOLDER -max_total_time=300

FOLDER collects inputs that reach new code; it is seeded with a packed value of each kind. An input
that ends in anything but a value or a CarryError, takes 2 s, or needs 500 MB is written to the
current folder: put it into `tests/carry/cases`, which pytest tries. Models, tensors and datasets
are fuzzed with --keras alone, a thousand times slower.
"""

import json
import pathlib
import random
import sys
from importlib import import_module

import atheris
import numpy as np

with atheris.instrument_imports(include=["dlcourse.grade.carry", "dlcourse.check"]):
    from dlcourse.check import Axes, Figure, Folder
    from dlcourse.check.records import Line
    from dlcourse.grade.carry import CarryError, Limits, folders, pack, packing, unpack

    # Otherwise imported by the first value that needs them, and not seen.
    for module in set(packing.KINDS.values()):
        import_module(f"dlcourse.grade.carry.{module}")

# Between the frames of an input.
BETWEEN = b"\n--\n"
LIMITS = Limits(size=2**26, parameters=10**5)
KERAS = "--keras" in sys.argv
ODD = [-1, 0, 1, 2**31, 2**62, 2**64, 1e308, "", "k", "v", "<f8", "|O", "U", [], {}, None, True]


class Handles:
    """Stands for everything that stays on its side."""

    def __init__(self):
        self.known = []

    def handle_of(self, value):
        self.known.append(value)
        return len(self.known) - 1

    def value_of(self, handle, kind, name):
        if handle > 1000:
            raise CarryError("There is no such handle.")
        return iter(()) if kind == "iterator" else len


def seeds():
    """A value of each kind."""
    point = Line("training", np.arange(3.0), np.arange(3.0))
    yield from [1, -0.0, float("nan"), "x" * 1200, b"x" * 1200, b"ab", 2**70, None, True, 1 + 2j]
    yield from [[1, [2.5]], (1, ()), {1, "a"}, frozenset({(1, 2)}), {"a": 1, (1, 2): [None]}]
    yield from [range(3), slice(1, None), ..., pathlib.Path("a/b"), pathlib.PurePosixPath("b")]
    yield from [np.dtype(code) for code in ("f4", ">i2", "U3", "M8[D]", "longlong")]
    yield from [np.zeros((2, 3), code) for code in ("?", "f2", "c8", "S2", "U2", "m8[s]", "g")]
    yield from [np.float32(1), np.str_("ab"), np.bytes_(b"a"), np.datetime64("2020-01-01")]
    yield from [np.zeros((0, 4)), np.array(1), np.arange(4)[::-1], len, iter([1]), object()]
    yield Figure("curves", (Axes("a", "epoch", "loss", ("training",), (point,), (1.0,), (), 1, 2),))
    yield Folder({"a/b.txt": b"text"}).path / "a"
    if KERAS:
        yield from keras_seeds()


def keras_seeds():
    import keras
    import tensorflow as tf

    yield from [tf.constant([[1.0]]), tf.constant(b"ab"), tf.Variable(1), keras.Variable([1.0])]
    yield from [tf.TensorSpec((None, 3)), tf.constant([1.0], tf.bfloat16)]
    yield tf.data.Dataset.from_tensor_slices((np.arange(4.0), {"a": np.arange(4)})).batch(3)
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dropout(0.5)])
    model.compile(keras.optimizers.RMSprop(1e-3), "mse", metrics=["mae"])
    yield from [model, layers.Dense(3), keras.optimizers.Adam(), keras.losses.MeanSquaredError()]
    picture = keras.Input((8, 8, 3))
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten()])
    yield keras.Model(picture, layers.Dense(1)(base(layers.Rescaling(2.0)(picture))))
    yield model.fit(np.zeros((4, 4)), np.zeros((4, 2)), verbose=0)


def once(data):
    """What an input unpacks to packs and unpacks to the same again."""
    try:
        value = unpack(data.split(BETWEEN), handles=Handles(), limits=LIMITS)
    except CarryError:
        return
    finally:
        folders.forget()
    if not KERAS:
        frames = pack(value, limits=LIMITS)
        assert pack(unpack(frames, limits=LIMITS), limits=LIMITS) == frames


def mutate(data, longest, seed):
    """Half of the time a part of the JSON is exchanged, otherwise bytes are."""
    chance = random.Random(seed)
    head, *buffers = data.split(BETWEEN)
    try:
        if chance.random() < 0.4:
            raise ValueError
        node = changed(json.loads(head), chance)
        head = json.dumps(node, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return atheris.Mutate(data, longest)
    return BETWEEN.join([head, *buffers])[:longest]


def changed(node, chance):
    """The node with one part of it exchanged, copied, wrapped or left out."""
    places = list(parts(node))
    if not places:
        return chance.choice(ODD)
    holder, key = chance.choice(places)
    what = chance.randrange(6)
    if what == 0:
        holder[key] = chance.choice(ODD)
    elif what == 1:
        other, from_key = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[from_key]))
    elif what == 2:
        holder[key] = {
            "k": chance.choice(["list", "tuple", "set", "frozenset"]),
            "v": [holder[key]],
        }
    elif what == 3:
        del holder[key]
    elif what == 4 and type(holder) is dict and "k" in holder:
        holder["k"] = chance.choice([*packing.KINDS, "function", "iterator", "unknown"])
    elif type(holder[key]) in (int, float):
        holder[key] += chance.choice([-1, 1, 100])
    return node


def parts(node):
    keys = node if type(node) is dict else range(len(node)) if type(node) is list else ()
    for key in keys:
        yield node, key
        yield from parts(node[key])


def main():
    arguments = [argument for argument in sys.argv if argument != "--keras"]
    folder = pathlib.Path(arguments[1])
    folder.mkdir(exist_ok=True)
    for number, value in enumerate(seeds()):
        frames = pack(value, handles=Handles(), limits=LIMITS)
        (folder / f"seed-{number:03}").write_bytes(BETWEEN.join(frames))
    if not KERAS:
        slow = ("tensors", "models")
        packing.KINDS = {k: module for k, module in packing.KINDS.items() if module not in slow}
    limits = ["-timeout=2", f"-rss_limit_mb={1500 if KERAS else 700}", "-max_len=20000"]
    atheris.Setup([*arguments, *limits], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
