"""The carrying rule: what it refuses, and how it says so. What it lets through is in
tests/sections/test_exactness.py, where it runs on both sides."""

import pytest

from dlcourse.grade.carry.rule import answer_names, bound_names, broken_rules, free_names

ANSWERS = {"answer", "other", "model", "table"}
REFUSED = {
    # Names
    "a name of the notebook": ("model.evaluate(x_test)", "uses `x_test`, which is neither"),
    "another value for an answer": ("answer = answer(3)", "gives the answer's name `answer`"),
    "a loop over an answer's name": ("for table in (1, 2): pass", "gives the answer's name"),
    "a function of an answer's name": ("def answer(): pass", "gives the answer's name"),
    "a statement about globals": ("def f():\n    global a\n    a = 1\nf()", "has `global`"),
    # Imports
    "another library": ("import pandas", "imports pandas. Test cells may import numpy, keras"),
    "what teaches": ("from dlcourse.teach import curves", "imports dlcourse.teach"),
    "what grades": ("import dlcourse.grade.carry", "imports dlcourse.grade.carry"),
    "sockets": ("import socket", "of the standard library base64"),
    "processes": ("import subprocess", "imports subprocess"),
    "IPython": ("from IPython import get_ipython", "imports IPython"),
    "C": ("import ctypes", "imports ctypes"),
    "looking into functions": ("import inspect\ninspect.getsource(answer)", "imports inspect"),
    "the system's files": ("import os\nos.listdir('.')", "imports os. Make files with check.Fol"),
    "the clock": ("from time import time", "the same at any time"),
    "the date": ("import datetime", "the same at any time"),
    "Python's own chance": ("import random\nrandom.random()", "np.random.default_rng(seed)"),
    "secrets": ("import secrets", "np.random.default_rng(seed)"),
    # The vocabulary
    "a check that is not there": ("check.same(answer(1), 1)", "uses check.same"),
    "what is inside of check": ("from dlcourse.check.core import describe", "check.core.describe"),
    "the notebook's ledger": ("check.results()", "each test is judged alone"),
    # Syntax
    "a lambda": ("answer(3) == (lambda x: x + 1)(3)", "has a lambda"),
    "a class": ("class A: pass", "defines the class `A`"),
    "waiting": ("async def f():\n    await g\nf()\ng = 1", "has `async` or `await`"),
    "the order of a set": ("for i in {1, 2}: answer(i)", "goes through a set"),
    "the order of a made set": ("[answer(i) for i in set('ab')]", "goes through a set"),
    # Identity
    "identity": ("answer(1) is model", "compares with `is`"),
    "identity with True": ("answer(1) is True", "compares with `is`"),
    "no identity": ("answer(1) is not other(1)", "compares with `is`"),
    "an address": ("id(model)", "uses `id`. It differs"),
    "a hash": ("hash(table)", "uses `hash`. It differs"),
    "equal functions": ("answer(1)\nanswer == other", "compares a student's function"),
    "a function among others": ("answer(1)\nanswer in (1, 2)", "compares a student's function"),
    # Classes
    "a student's class": ("isinstance(table, answer)", "asks whether something is a `answer`"),
    "a student's class among others": ("isinstance(table, (int, answer))", "`(int, answer)`"),
    "a class of the student's module": ("isinstance(table, other.A)", "`other.A`"),
    "a matched class": ("match table:\n    case answer(): pass", "`answer`"),
    "a record of a figure": ("isinstance(table, check.Figure)", "`check.Figure`"),
    "classes of classes": ("issubclass(answer, dict)", "uses `issubclass`"),
    "a type by itself": ("kind = type(answer(1))", "uses `type(...)` for more"),
    "a type of the student's": ("type(table) == type(model)", "uses `type(...)` for more"),
    "a type's name": ("type(table).__name__", "uses `type(...)` for more"),
    # Behind values
    "a function's name": ("answer.__name__", "uses `.__name__`. A test looks at values"),
    "a function's code": ("answer.__code__.co_names", "uses `.__code__`"),
    "what a function keeps": ("answer(1)\nanswer.calls", "uses `.calls`. A function crosses"),
    "a function's cache": ("f = other\nf.cache_info()", "uses `.cache_info`"),
    "private parts": ("model._layers", "uses `._layers`"),
    "an attribute by its name": ("getattr(answer, 'calls')", "uses `getattr` of something"),
    "whether there is an attribute": ("hasattr(answer, 'calls')", "uses `hasattr` of something"),
    "what a name has": ("vars(model)", "uses `vars`"),
    "the names of the cell": ("globals()['answer']", "uses `globals`"),
    "code made of text": ("eval('answer(1)')", "uses `eval`"),
    "talking to an iterator": ("answer(1).send(2)", "uses `.send`"),
    "the model of a history": ("answer(1).model.layers", "uses `.model`"),
    "names of a dataset's classes": ("answer(1).class_names", "uses `.class_names`"),
    "a live figure": ("answer(1).axes[0].get_title()", "Read a figure with check.figure"),
    # What is the student's
    "an entry": ("table['a'] = 1", "changes the student's `table`"),
    "an entry, added to": ("table['a'] += 1", "changes the student's `table`"),
    "an attribute": ("model.layers[0].trainable = False", "changes the student's `model`"),
    "a deleted entry": ("del table['a']", "changes the student's `table`"),
    "a patched function": ("setattr(answer, 'x', 1)", "uses `setattr`"),
    "a changing method": ("table.update(a=1)", "changes the student's `table`"),
    "training the student's model": ("model.fit(1, verbose=0)", "changes the student's `model`"),
    # What is sent
    "a function of the test": ("def f(x): return x\nanswer(f)", "the function `f` of this cell"),
    "by check.call": ("def f(x): return x\ncheck.call(answer, f)", "the function `f`"),
    "by check.raises": (
        "def f(x): return x\ncheck.raises(ValueError, answer, f, why='so')",
        "the function `f` of this cell",
    ),
    "by keyword": ("def f(x): return x\nanswer(g=f)", "the function `f`"),
    "in a list with a name": ("def f(x): return x\nfs = [1, f]\nanswer(fs)", "the function `f`"),
    "to a part of an answer": ("def f(x): return x\ntable['g'](f)", "the function `f`"),
    "to what an answer returned": ("def f(x): return x\ng = answer(1)\ng(f)", "the function `f`"),
    "a generator": ("answer(i for i in range(3))", "a generator of this cell"),
    "a generator's call": ("def g():\n    yield 1\nx = g()\nanswer(x)", "a generator of this"),
    "an iterator": ("answer(iter([1]))", "what `iter` makes"),
    "a view of a dict": ("d = {1: 2}\nanswer(d.items())", "the view that `.items()` makes"),
    "a builtin": ("answer(len)", "Python's `len`"),
    "a class of NumPy": ("answer(np.float32)", "`np.float32`"),
    "a function of NumPy": ("check.call(answer, np.sin, 1)", "`np.sin`"),
    "a function of a module": ("from math import sqrt\nanswer(sqrt)", "`sqrt`"),
    "a function of Keras": ("answer(keras.activations.relu)", "`keras.activations.relu`"),
    "a module": ("answer(np)", "`np`"),
    "a generator of chance": ("answer(np.random.default_rng(1))", "numpy.random.default_rng makes"),
    "an optimizer": ("answer(keras.optimizers.Adam())", "what keras.optimizers.Adam makes"),
    "a callback": ("answer(keras.callbacks.EarlyStopping())", "keras.callbacks.EarlyStopping"),
    "a queue": ("from collections import deque\nanswer(deque())", "what collections.deque makes"),
    "a folder": ("folder = check.Folder()\nanswer(folder)", "check.Folder instead of its `.path`"),
    "one list twice": ("x = [1]\nanswer(x, x)", "gives a student's function `x` twice"),
    "symbols": ("answer(1)\nkeras.ops.map(answer, 1)", "has Keras or TensorFlow call"),
    "in a dataset": ("answer(1)\nother(1).map(answer)", "has Keras or TensorFlow call"),
    "a tape": (
        "import tensorflow as tf\nwith tf.GradientTape() as tape:\n    answer(1)",
        "within tensorflow.GradientTape, which has no effect",
    ),
    "errors of NumPy's": (
        "with np.errstate(all='raise'):\n    answer(1)",
        "within numpy.errstate, which has no effect where that function runs",
    ),
    "a context": ("c = 1\nwith c:\n    check.call(answer)", "within a context, which has no"),
    "a policy of Keras's": ("keras.config.set_floatx('float64')", "keras.config.set_floatx, which"),
    "TensorFlow's settings": (
        "import tensorflow as tf\ntf.config.run_functions_eagerly(True)",
        "has no effect where a student's function runs",
    ),
    "what a call may have changed": ("answer(1)\nlen(table)", "reads the student's `table` after"),
    "shared memory": ("x = np.ones(2)\nnp.shares_memory(x, answer(x))", "numpy.shares_memory"),
    "whose view it is": ("answer(1).base", "uses `.base`. A carried array is a copy"),
    "how it is laid out": ("answer(1).flags['F_CONTIGUOUS']", "uses `.flags`"),
    # Exceptions
    "catching everything": ("try:\n    answer(1)\nexcept:\n    pass", "catches whatever is raised"),
    "catching exceptions": ("try:\n    answer(1)\nexcept Exception: pass", "catches Exception"),
    "catching failed checks": ("try:\n    answer(1)\nexcept AssertionError: pass", "catches Ass"),
    "catching a student's": ("try:\n    answer(1)\nexcept other: pass", "catches other"),
    "asking for any exception": ("check.raises(Exception, answer, why='so')", "catches Exception"),
    "asking for a scaffold's": ("check.raises(NotImplementedError, answer, why='')", "catches Not"),
    "what an exception holds": (
        "try:\n    answer(1)\nexcept OSError as error:\n    error.errno",
        "asks an exception for `.errno`",
    ),
    "NumPy's way": ("np.testing.assert_raises(ValueError, answer)", "check.raises says what"),
    # Chance
    "no seed": ("np.random.default_rng()", "draws by numpy.random.default_rng without a seed"),
    "None as a seed": ("np.random.default_rng(None)", "without a seed"),
    "NumPy's one generator": ("np.random.rand(3)", "draws by numpy.random.rand"),
    "NumPy's one generator, seeded": ("np.random.seed(1)", "draws by numpy.random.seed"),
    "another name for it": ("from numpy.random import rand\nrand(3)", "numpy.random.rand"),
    "Keras without a seed": ("keras.random.normal((3,))", "draws by keras.random.normal"),
    "TensorFlow": ("import tensorflow as tf\ntf.random.normal((3,))", "tensorflow.random.normal"),
    # Files and folders
    "an opened file": ("open('a')", "uses `open`. Make files with check.Folder"),
    "a path's contents": ("(check.Folder().path / 'a').read_text()", "uses `.read_text`"),
    "whether there is a file": ("answer(1).exists()", "uses `.exists`"),
    "a loaded model": ("keras.saving.load_model('m.keras')", "uses `.load_model`"),
    "a loaded array": ("np.load('a.npy')", "uses `.load`"),
    "a folder of pictures": (
        "keras.utils.image_dataset_from_directory('a')",
        "uses `.image_dataset_from_directory`",
    ),
    "a path as text": (
        "f = check.Folder()\nanswer(str(f.path))",
        "makes a text of a folder's path",
    ),
    "a path in a text": (
        "f = check.Folder()\np = f.path / 'a'\nanswer(f'{p}/b')",
        "makes a text of a folder's path",
    ),
    # Keras
    "a layer that does not cross": ("keras.layers.LSTM(3)", "uses keras.layers.LSTM"),
    "code in a layer": ("from keras import layers\nlayers.Lambda(abs)", "keras.layers.Lambda"),
    "data from elsewhere": ("keras.datasets.mnist.load_data()", "fetches data from elsewhere"),
    "weights from elsewhere": ("keras.applications.VGG16()", "fetches the weights of VGG16"),
    "weights where there are none": (
        "with check.structure():\n    m = answer(1)\nm.predict(1, verbose=0)",
        "asks for weights of `m`",
    ),
    "accuracy where there are no weights": (
        "with check.structure():\n    m = answer(1)\n    check.accuracy(m, 1, 1, at_least=1)",
        "asks for weights of `m`",
    ),
    "a base that is frozen after it was extended": (
        "base = keras.Sequential()\nm = answer(base)\nother(base)\ncheck.parameters(m, 3)",
        "changes `base` in line 7, after `m` was made of it",
    ),
    "a base that is opened after it was extended": (
        "base = keras.Sequential()\nm = answer(base)\nbase.trainable = False\nm.count_params()",
        "changes `base` in line 7, after `m` was made of it",
    ),
}
ALLOWED = {
    "None": "answer(1) is not None",
    "exact types": "type(answer(1)) in (tuple, list) or type(table) is np.ndarray",
    "classes of data": "isinstance(table, (dict, list, np.floating, keras.Model, type(None)))",
    "a module's names": "hasattr(keras.losses, 'mse')",
    "a helper": "def f(x):\n    x.append(1)\n    return [v.real for v in x]\nf([answer(1)])",
    "an answer's name inside a helper": "def f(answer): return answer\nf(1)",
    "the same array twice by check.call": "x = np.ones(2)\ncheck.call(answer, x, x)",
    "numbers of NumPy": "answer(np.pi, np.newaxis, np.float32(3), np.dtype('int8'))",
    "seeds": "np.random.default_rng(3).shuffle([1])\nkeras.utils.set_random_seed(1)",
    "a seeded bit generator": "from numpy.random import Generator, PCG64\nGenerator(PCG64(1))",
    "an own optimizer": "m = keras.Sequential()\nm.compile(keras.optimizers.Adam(1e-3), 'mse')",
    "a model of the student's that is called": "y = model(np.ones(3))\nmodel.layers[0].units",
    "a gradient of a model": (
        "import tensorflow as tf\nm = answer(1)\n"
        "with tf.GradientTape() as tape:\n    m(np.ones(3))\nm.trainable_weights"
    ),
    "functions in a table": "table['a'](1)\ntable['b'](2)",
    "an answer that is given to answers": "answer(other, 1)\nanswer(other, 2)",
    "what is read first": "n = len(table)\nanswer(n)\nanswer(n)",
    "a base that is frozen first": "b = keras.Sequential()\nother(b)\nm = answer(b)\nm.layers",
    "other layers by another name": "keras.layers.MaxPool2D(2)",
    "a base without weights": "keras.applications.VGG16(weights=None)",
    "data of the course's": "from dlcourse.data import synthetic_digits\nsynthetic_digits(3, 1)",
    "exceptions by kind": "try:\n    answer(1)\nexcept (ValueError, KeyError) as e:\n    str(e)",
}


def sentences(source):
    usual = "import keras\nimport numpy as np\nfrom dlcourse import check\n\n"
    return list(broken_rules(usual + source, ANSWERS))


@pytest.mark.parametrize(("source", "said"), REFUSED.values(), ids=REFUSED)
def test_what_would_differ_between_the_sides_is_refused(source, said):
    assert said in "\n".join(sentences(source))


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_what_is_the_same_on_both_sides_is_allowed(source):
    assert sentences(source) == []


def test_an_answer_named_like_a_builtin_would_be_taken_for_it():
    assert "uses `sum`, which Python has" in next(broken_rules("sum([1])", {"sum"}))


def test_one_sentence_is_enough_for_a_fault_in_several_places():
    assert len(sentences("answer(1).send(2)\nanswer(1).send(3)")) == 1


def test_names_bound_are_those_assigned_imported_and_defined_at_the_top():
    source = "import numpy as np\nfrom math import pi\nx = 1\ndef f(a):\n    b = a\nclass C: pass"
    assert bound_names(source) == {"np", "pi", "x", "f", "C"}


def test_modules_and_classes_of_an_answer_cell_are_no_answers():
    source = "import numpy as np\nx = 1\ndef f(a):\n    b = a\nclass C: pass"
    assert answer_names(source) == {"x", "f"}


def test_names_free_are_also_found_inside_functions_and_comprehensions():
    source = "def f(a):\n    return a + outer\n[item + other for item in range(3)]"
    assert free_names(source) == {"outer", "other"}
