"""What the carrying rule lets through gives the same verdict on live and on carried values.

Each case is an answer and a test cell: together they use every kind of value that sections need.
"""

import textwrap

import pytest
from answers import SEED

from dlcourse.grade.carry.rule import answer_names, broken_rules
from dlcourse.grade.seeds import seed_everything

USUAL = """
import keras
import numpy as np
from dlcourse import check
"""

RIGHT = {
    "numbers, texts and nothing": (
        "def f(): return 3, 2.5, True, None, 'ä', b'x', 1 - 2j, -0.0, float('inf'), 2**200",
        """
        expected = (3, 2.5, True, None, "ä", b"x", 1 - 2j, -0.0, float("inf"), 2**200)
        check.that(check.call(f) == expected, "no")
        check.that(type(f()[2]) is bool, "no")
        """,
    ),
    "scalars of NumPy": (
        "def f(): return np.float32(0.1), np.int8(-3), np.bool_(True), np.str_('a')",
        """
        one, two, three, four = f()
        check.that(type(one) is np.float32 and isinstance(one, np.floating), "no")
        check.that(bool(two == -3 and three and four == "a"), "no")
        """,
    ),
    "arrays of every rank and dtype": (
        "def f(x): return x[..., ::-1] if x.ndim else x",
        """
        rng = np.random.default_rng(1)
        for dtype in ("float16", "float32", "float64", "int8", "uint8", "int64", "bool", "<U3"):
            for rank in range(6):
                x = rng.integers(0, 2, (2,) * rank).astype(dtype)
                y = check.call(f, x)
                check.that(y.dtype == x.dtype and y.shape == x.shape, "no")
                check.that(bool(np.all(y == (x[..., ::-1] if rank else x))), "no")
        """,
    ),
    "arrays that are views, empty, or not to be written to": (
        "def f(x):\n    try:\n        x[0] = 9\n    except ValueError:\n        return 'fixed'",
        """
        x = np.arange(12.0).reshape(3, 4)
        fixed = x[1]
        fixed.setflags(write=False)
        check.equal(f(fixed), "fixed", "f")
        check.equal(f(x[:, ::2]), None, "f")
        check.equal(x[0], np.array([9.0, 1.0, 9.0, 3.0]), "x")
        """,
    ),
    "containers in containers": (
        "def f(x): return {'a': [x, (x + 1, {3, 4})], 2: range(3), (1, 2): slice(1, None)}",
        """
        said = f(np.zeros(2))
        check.equal(said["a"][1][0], np.ones(2), "said")
        check.that(said["a"][1][1] == {3, 4} and list(said[2]) == [0, 1, 2], "no")
        check.that(list("abc")[said[(1, 2)]] == ["b", "c"], "no")
        """,
    ),
    "nested arguments, changed in place": (
        """
        def f(a, b):
            a[0][0] = 9
            a[1]["k"].append(a[0].sum())
            b["new"] = [b.pop("old")]
        """,
        """
        a, b = [np.zeros(2), {"k": []}], {"old": 1}
        inner = a[0]
        f(a, b=b)
        check.equal(inner, np.array([9.0, 0.0]), "the array in the list")
        check.that(a[1] == {"k": [9.0]} and b == {"new": [1]}, "no")
        """,
    ),
    "a function that grows, empties and reorders its arguments": (
        "def f(x, s, d):\n    x.insert(0, x.pop())\n    s.clear()\n    d['a'] = d.pop('a')",
        """
        x, s, d = [1, 2, 3], {1}, {"a": 1, "b": 2}
        f(x, s, d)
        check.that(x == [3, 1, 2] and s == set() and list(d) == ["b", "a"], "no")
        """,
    ),
    "a state that student code keeps": (
        "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)",
        "check.that([check.call(f, 1), f(2), f(x=3)] == [1, 2, 3], 'no')",
    ),
    "answers that are data": (
        "table = {'a': ('relu', None), 'b': [1.5]}\nweights = np.eye(2)",
        """
        check.that(isinstance(table, dict) and "a" in table and len(table) == 2, "no")
        for key, values in table.items():
            check.that(type(values) in (tuple, list), key)
        check.equal(weights @ np.ones(2), np.ones(2), "weights")
        """,
    ),
    "exceptions of Python's, of NumPy's, and a student's own": (
        """
        class Odd(KeyError): pass
        def f(x):
            if x == 1: raise ValueError("one")
            if x == 2: np.zeros(2).sum(axis=3)
            raise Odd("key")
        """,
        """
        check.raises(ValueError, f, 1, why="it is one")
        check.raises(IndexError, f, 2, why="there is no such axis")
        check.raises(ValueError, f, 2, why="there is no such axis")
        check.raises(LookupError, f, 3, why="there is no such key")
        try:
            f(1)
        except (ValueError, TypeError) as error:
            said = str(error)
        check.equal(said, "one", "the message")
        """,
    ),
    "functions that are returned": (
        "def f(n):\n    def power(x): return x**n\n    return power",
        """
        square = check.call(f, 2)
        check.that(callable(square), "no")
        check.equal(check.call(square, 3) + square(2), 13, "square")
        """,
    ),
    "an answer that is given to an answer": (
        "def twice(g, x): return g(g(x))\ndef f(x): return x + 1",
        "check.equal(check.call(twice, f, 1), 3, 'twice')\ncheck.equal(twice(f, 5), 7, 'twice')",
    ),
    "answers that Python calls": (
        "def f(x, n=2): return x * n",
        """
        from functools import partial
        check.that(list(map(f, [1, 2])) == [2, 4], "no")
        check.that(sorted([3, 1], key=f) == [1, 3] and partial(f, n=5)(2) == 10, "no")
        check.equal(np.vectorize(f)(np.arange(3)), np.array([0, 2, 4]), "f")
        """,
    ),
    "generators that end and that do not": (
        """
        def batches(x, size):
            while True:
                for start in range(0, len(x), size):
                    yield x[start:start + size], start
        def few(): yield from (1, 2)
        """,
        """
        from collections.abc import Iterator
        from itertools import islice
        found = check.call(batches, np.arange(5), 2)
        check.that(isinstance(found, Iterator), "no")
        starts = [start for _, start in islice(found, 4)]
        check.that(starts == [0, 2, 4, 0], "no")
        check.equal(next(found)[0], np.array([2, 3]), "the fifth")
        check.that(list(few()) == [1, 2] and dict(zip(few(), "ab")) == {1: "a", 2: "b"}, "no")
        """,
    ),
    "tensors and variables": (
        """
        import tensorflow as tf
        def f(x, v):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(x * v**2)
            slope = tape.gradient(y, v)
            v.assign_sub(0.5 * slope)
            return y, slope
        """,
        """
        import tensorflow as tf
        v = tf.Variable([1.0, 2.0])
        y, slope = f(tf.constant([3.0, 1.0]), v)
        check.equal(float(y), 7.0, "y")
        check.equal(slope.numpy(), np.array([6.0, 4.0], "float32"), "the slope")
        check.equal(v.numpy(), np.array([-2.0, 0.0], "float32"), "v")
        """,
    ),
    "a step of an optimizer of the student's, on a variable of Keras": (
        """
        def step(v, slope):
            keras.optimizers.SGD(0.1).apply([slope], [v])
        """,
        """
        v = keras.Variable(np.ones(3, "float32"))
        step(v, np.array([1.0, 0.0, -1.0], "float32"))
        check.equal(np.asarray(v), np.array([0.9, 1.0, 1.1], "float32"), "v")
        """,
    ),
    "a model that is built": (
        """
        def build(shape):
            return keras.Sequential([keras.Input(shape),
                keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.MaxPooling2D(),
                keras.layers.Flatten(), keras.layers.Dropout(0.5),
                keras.layers.Dense(2, activation="softmax")])
        """,
        """
        model = check.call(build, (8, 8, 1))
        check.parameters(model, 40 + 36 * 2 + 2)
        check.output_shape(model, (None, 2))
        check.that(isinstance(model, keras.Model) and len(model.layers) == 5, "no")
        check.that(isinstance(model.layers[0], keras.layers.Conv2D), "no")
        x = np.random.default_rng(3).random((2, 8, 8, 1), dtype="float32")
        check.array(model.predict(x, verbose=0), "y", shape=(2, 2), low=0, high=1)
        check.equal(model(x).numpy().sum(axis=1), np.ones(2), "sums", dtype=np.floating)
        """,
    ),
    "a base that is extended and frozen, and only the head trained": (
        """
        def freeze(base): base.trainable = False
        def extend(base):
            return keras.Sequential([base, keras.layers.Flatten(), keras.layers.Dense(1)])
        def train(model, x, y):
            model.compile("sgd", "mse")
            model.fit(x, y, verbose=0)
        """,
        """
        base = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)], name="base")
        check.call(freeze, base)
        model = check.call(extend, base)
        check.that(len(model.trainable_weights) == 2 and len(model.weights) == 4, "no")
        inner = model.get_layer("base").get_weights()
        head = model.layers[-1].get_weights()[0]
        rng = np.random.default_rng(5)
        check.call(train, model, rng.random((8, 4, 4, 1)), rng.random(8))
        check.equal(model.get_layer("base").get_weights(), inner, "the base")
        check.that(not np.array_equal(head, model.layers[-1].get_weights()[0]), "no")
        """,
    ),
    "a base that is opened from one of its layers on": (
        """
        def unfreeze_from(base, name):
            base.trainable = True
            for layer in base.layers:
                if layer.name == name: break
                layer.trainable = False
        """,
        """
        layers = [keras.layers.Dense(2, name=f"d{i}") for i in range(4)]
        base = keras.Sequential([keras.Input((2,)), *layers])
        model = keras.Sequential([keras.Input((2,)), base, keras.layers.Dense(1)])
        check.call(unfreeze_from, base, "d2")
        check.that([layer.trainable for layer in base.layers] == [False, False, True, True], "no")
        check.that(len(model.trainable_weights) == 6, "no")
        """,
    ),
    "how a model is compiled, with a schedule": (
        """
        def f(model):
            rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
            model.compile(keras.optimizers.RMSprop(rate), "binary_crossentropy",
                metrics=["accuracy"])
            return model
        """,
        """
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
        for found in (check.call(f, model), model):
            check.compiled(found, optimizer="rmsprop", loss="binary_crossentropy")
            check.compiled(found, metrics=["accuracy"])
            check.equal(float(found.optimizer.learning_rate), 0.1, "the rate")
        """,
    ),
    "a training, its history, and what was learned": (
        """
        def train(model, x, y, epochs):
            model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy",
                metrics=["accuracy"])
            return model.fit(x, y, epochs=epochs, validation_split=0.5, verbose=0)
        """,
        """
        rng = np.random.default_rng(8)
        x = rng.normal(size=(80, 2)).astype("float32")
        y = (x[:, 0] > 0).astype("int64")
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
        history = check.call(train, model, x, y, 8)
        check.that(isinstance(history, keras.callbacks.History), "no")
        check.history(history, epochs=8)
        check.that(len(history.history["val_loss"]) == 8 and history.epoch[-1] == 7, "no")
        check.accuracy(model, x, y, at_least=0.75)
        check.that(int(model.optimizer.iterations) == 16, "no")
        """,
    ),
    "an adapted Normalization and augmentation": (
        """
        def scale(x):
            layer = keras.layers.Normalization()
            layer.adapt(x)
            return layer
        def augment():
            return keras.Sequential([keras.layers.RandomFlip("horizontal"),
                keras.layers.RandomRotation(0.1), keras.layers.RandomZoom(0.2)])
        """,
        """
        x = np.random.default_rng(2).normal(3, 2, (50, 4)).astype("float32")
        layer = check.call(scale, x)
        check.equal(np.asarray(layer(x)).mean(axis=0), np.zeros(4), "means",
            tol=1e-4, dtype=np.floating)
        pictures = np.random.default_rng(3).random((2, 8, 8, 3), dtype="float32")
        pipeline = check.call(augment)
        check.equal(np.asarray(pipeline(pictures, training=False)), pictures, "at inference")
        changed = np.asarray(pipeline(pictures, training=True))
        check.that(not np.array_equal(changed, pictures), "no")
        """,
    ),
    "only the structure of a large model": (
        """
        def build():
            return keras.Sequential([keras.Input((100, 100, 3)), keras.layers.Flatten(),
                keras.layers.Dense(100), keras.layers.Dense(1)])
        def freeze(model): model.layers[1].trainable = False
        """,
        """
        with check.structure():
            model = check.call(build)
            check.call(freeze, model)
            check.parameters(model, 3_000_201)
            check.that(len(model.trainable_weights) == 2, "no")
        """,
    ),
    "datasets given and returned": (
        """
        import tensorflow as tf
        def prepare(x, y, size):
            return tf.data.Dataset.from_tensor_slices((x, y)).map(
                lambda a, b: (tf.cast(a, tf.float32) / 255, b)).batch(size)
        def features(base, data):
            parts = [(base.predict(x, verbose=0), y.numpy()) for x, y in data]
            return tuple(np.concatenate(part) for part in zip(*parts))
        """,
        """
        import tensorflow as tf
        rng = np.random.default_rng(4)
        x = rng.integers(0, 256, (10, 4, 4, 1), dtype="uint8")
        y = np.arange(10) % 2
        made = check.call(prepare, x, y, 4)
        batches = check.dataset(
            made, shape=(4, 4, 4, 1), dtype=np.float32, low=0, high=1, labels=(0, 1),
            label_shape=(4,), batches=3,
        )
        check.equal(batches[2][1], y[8:], "the last labels", dtype=np.integer)
        check.that(isinstance(made, tf.data.Dataset) and int(made.cardinality()) == 3, "no")
        check.that(sum(1 for _ in made.take(2)) == 2, "no")
        base = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        rows, labels = check.call(features, base, made)
        check.equal(rows, x.reshape(10, 16).astype("float32") / 255, "rows")
        data = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y)).batch(3)
        check.equal(check.call(features, base, data)[1], y, "labels")
        """,
    ),
    "a training on a dataset, augmented by the student": (
        """
        def train(model, data, steps):
            flip = keras.layers.RandomFlip("horizontal")
            data = data.map(lambda x, y: (flip(x, training=True), y))
            model.compile("sgd", "mse")
            return model.fit(data.repeat(), steps_per_epoch=steps, verbose=0).history
        """,
        """
        import tensorflow as tf
        x = np.random.default_rng(1).random((6, 4, 4, 1), dtype="float32")
        data = tf.data.Dataset.from_tensor_slices((x, np.ones(6))).batch(2)
        model = keras.Sequential(
            [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
        record = check.call(train, model, data, 5)
        check.that(isinstance(record, dict), "no")
        check.history(record, keys=("loss",), epochs=1)
        """,
    ),
    "a figure": (
        """
        def plot(history):
            from matplotlib.figure import Figure
            figure = Figure()
            axes = figure.subplots()
            axes.plot(history["loss"], label="training")
            axes.set_xlabel("epoch")
            axes.legend()
            return figure
        """,
        """
        figure = check.figure(check.call(plot, {"loss": [3.0, 2.0]}))
        (axes,) = figure.axes
        check.that("epoch" in axes.xlabel and axes.legend == ("training",), "no")
        check.equal(axes.lines[0].y, np.array([3.0, 2.0]), "the line")
        """,
    ),
    "a folder that a function fills": (
        """
        import shutil
        def split(flat, to):
            for name in ("cat", "dog"):
                (to / name).mkdir(parents=True)
                shutil.copy(flat / f"{name}.0.jpg", to / name)
            return to / "cat"
        """,
        """
        folder = check.Folder({"flat/cat.0.jpg": b"c", "flat/dog.0.jpg": b"d"})
        there = check.call(split, folder.path / "flat", folder.path / "small")
        check.that(there == folder.path / "small" / "cat" and there.name == "cat", "no")
        check.that(list(folder.tree("small")) == ["cat/cat.0.jpg", "dog/dog.0.jpg"], "no")
        check.that(folder.tree("flat")["cat.0.jpg"].size == 1, "no")
        """,
    ),
    "a model that is saved and read again": (
        """
        def keep(model, path):
            model.save(path / "m.keras")
            return keras.saving.load_model(path / "m.keras")
        """,
        """
        folder = check.Folder()
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        again = check.call(keep, model, folder.path)
        x = np.ones((1, 3), "float32")
        check.equal(again.predict(x, verbose=0), model.predict(x, verbose=0), "predictions")
        check.equal(folder.saved("m.keras").config["class_name"], "Sequential", "the file")
        """,
    ),
    "NumPy's loops against Keras": (
        """
        def conv2d(x, k):
            n, m = x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1
            return np.array([[(x[i:i + len(k), j:j + k.shape[1]] * k).sum() for j in range(m)]
                for i in range(n)])
        """,
        """
        rng = np.random.default_rng(9)
        for size, kernel in [(5, 3), (6, 2)]:
            x, k = rng.random((size, size)), rng.random((kernel, kernel))
            expected = keras.ops.conv(x[None, ..., None], k[..., None, None])
            expected = np.asarray(expected)[0, ..., 0]
            said = check.call(conv2d, x, k)
            check.equal(said, expected, "conv2d", tol=1e-4, dtype=np.floating)
        """,
    ),
    "what a helper of the test's computes": (
        "def smooth(points, factor): return [points[0] * (1 - factor)] * len(points)",
        """
        def away(points):
            return np.array(points) - 0.5
        said = check.call(smooth, [1.0, 2.0], factor=0.5)
        check.equal(away(said), np.zeros(2), "smooth")
        low, high = min(said), max(said)
        check.that(type(low) is float and low == high, f"{low} {high}")
        """,
    ),
}

# A wrong answer, or none: the two sides say the same, and this is a part of it.
WRONG = {
    "an argument that is changed": (
        "def f(x): x[0] = 5; return x",
        "with check.exercise('f'), check.hint('no'):\n    check.call(f, np.zeros(2))",
        "❌ f: f changes its first argument: at [0], 0.0 became 5.0",
    ),
    "an argument in a list that is changed": (
        "def f(xs): xs[0] += 1",
        "check.call(f, [np.zeros(2)])",
        "f changes its first argument",
    ),
    "an exception, with the student's line": (
        "def f(x):\n    y = x + 1\n    return y.shap",
        "with check.exercise('f'):\n    check.call(f, np.zeros(2))",
        "has no attribute 'shap'",
    ),
    "an error of Keras's, without its wrapping": (
        "def f(model, x): return model.predict(x, verbose=0)",
        """
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        check.call(f, model, np.zeros((3, 5)))
        """,
        "stopped with ValueError: Input 0 of layer 'dense' is incompatible",
    ),
    "a scaffold, also where an exception is asked for": (
        "def f(x):\n    raise NotImplementedError",
        "with check.exercise('f'):\n    check.raises(RuntimeError, f, 1, why='it is odd')",
        "⬜ f: not started yet.",
    ),
    "an answer that is not there": (
        "",
        "with check.exercise('f'):\n    check.call(f, 1)",
        "there is no `f` yet",
    ),
    "nothing returned": (
        "def f(x): x + 1",
        "check.equal(check.call(f, np.zeros(2)), np.ones(2), 'f(x)')",
        "does the function end with `return ...`?",
    ),
    "a tensor where an array is asked for": (
        "import tensorflow as tf\ndef f(x): return tf.constant(x)",
        "check.equal(check.call(f, np.zeros(2)), np.zeros(2), 'f(x)')",
        "is a float64 tensor of shape (2,). Its .numpy() method",
    ),
    "a dataset where a model is asked for": (
        "import tensorflow as tf\ndef f(): return tf.data.Dataset.range(3)",
        "check.parameters(check.call(f), 3)",
        "but this is a dataset",
    ),
    "a figure where an array is asked for": (
        "def f():\n    from matplotlib.figure import Figure\n    return Figure()",
        "check.equal(check.call(f), np.zeros(2), 'f()')",
        "is a Matplotlib Figure",
    ),
    "a path where a number is asked for": (
        "def f(path): return path / 'a'",
        "folder = check.Folder()\ncheck.equal(check.call(f, folder.path), 3, 'f(path)')",
        "is the path a",
    ),
    "a dataset that stops": (
        """
        import tensorflow as tf
        def f(): return tf.data.Dataset.range(3).map(lambda x: (6 // (x - 1), x)).batch(2)
        """,
        "check.dataset(check.call(f), shape=(2,), batches=2)",
        "your dataset stopped with InvalidArgumentError: Integer division by zero",
    ),
}

# What the rule cannot tell from the text of a test: the verifier finds it, and blames the test.
FAULTY = {
    "a function of a library's": (
        "def f(g): return g(0)",
        "for g in [np.sin]:\n    check.call(f, g)",
        "an object of type ufunc, which cannot be sent",
    ),
    "a layer that does not cross, in a model": (
        "def f(model): return model",
        """
        with check.exercise("f"), check.hint("compile it"):
            kind = getattr(keras.layers, "LSTM")
            check.call(f, keras.Sequential([keras.Input((3, 2)), kind(2)]))
        """,
        "an object of type Sequential, which cannot be sent: its layer",
    ),
    "one list in two places": (
        "def f(a, b): a.append(1)\n",
        "both = [[]] * 2\nf(*both)",
        "a list with 0 entries in two places at once",
    ),
    "a model and its base": (
        "def f(model, base): base.trainable = False",
        """
        base = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        check.call(f, keras.Sequential([base, keras.layers.Dense(1)]), base)
        """,
        "a Keras Sequential in two places at once",
    ),
}


def cell(test):
    return USUAL + textwrap.dedent(test)


def live(answer, test):
    """What a test cell says of an answer in the same process: "right", or its message."""
    names = {"__name__": "__main__"}
    exec("import keras\nimport numpy as np\nfrom keras import layers", names)
    exec(compile(answer, "<answer>", "exec"), names)
    seed_everything(SEED)
    try:
        exec(compile(test, "<test>", "exec"), names)
    except Exception as error:
        return str(error)
    return "right"


def names_of(answer):
    # An answer cell that was not run has been written all the same.
    return answer_names(answer) | {"f"}


@pytest.mark.parametrize(("answer", "test"), RIGHT.values(), ids=RIGHT)
def test_a_test_that_keeps_the_rule_passes_on_both_sides(answer, test, student):
    answer, test = textwrap.dedent(answer), cell(test)
    assert list(broken_rules(test, names_of(answer))) == []
    assert live(answer, test) == "right"
    assert student.judged(answer, [test]) == ["right"]


@pytest.mark.parametrize(("answer", "test", "says"), WRONG.values(), ids=WRONG)
def test_a_test_that_keeps_the_rule_says_the_same_on_both_sides(answer, test, says, student):
    answer, test = textwrap.dedent(answer), cell(test)
    assert list(broken_rules(test, names_of(answer))) == []
    said = live(answer, test)
    assert says in said
    assert student.judged(answer, [test]) == [said]


@pytest.mark.parametrize(("answer", "test", "says"), FAULTY.values(), ids=FAULTY)
def test_a_fault_of_the_test_is_not_called_one_of_the_answer(answer, test, says, student):
    (said,) = student.judged(answer, [cell(test)])
    assert says in said
    assert "a fault of the test, and not of your code. Please tell whoever" in said
    assert "Hint" not in said


def test_an_object_of_the_students_own_class_may_be_given_back_to_them(student):
    answer = "class A: pass\ndef make(): return A()\ndef f(a): return a.x"
    (said,) = student.judged(answer, [cell("check.call(f, check.call(make))")])
    assert "An object of type A cannot be tested here" in said
