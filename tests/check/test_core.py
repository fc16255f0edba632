"""The exercise, the call and the ledger: what a student is told when an answer does not hold."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from dlcourse.check import CheckFailed, FaultyTest, Folder, NotStarted, core, records
from dlcourse.check.carried import NotCarried


@pytest.fixture(autouse=True)
def empty_ledger(monkeypatch):
    monkeypatch.setattr(core, "_results", {})


def student(source: str) -> dict:
    """The names that a student's answer cell defines."""
    names = {"np": np}
    exec(compile(source, "<answer cell>", "exec"), names)
    return names


def message(function, *args, **kwargs) -> str:
    with pytest.raises(CheckFailed) as caught:
        core.call(function, *args, **kwargs)
    return str(caught.value)


def test_a_passed_exercise_prints_one_line_and_is_remembered(capsys):
    with core.exercise("relu", "any rank"):
        pass
    assert capsys.readouterr().out == "✅ relu: any rank\n"
    assert core.results() == {"relu": "passed"}


def test_a_failure_carries_the_name_of_its_exercise():
    with pytest.raises(CheckFailed, match="^❌ relu: too small$"), core.exercise("relu"):
        core.that(False, "too small")
    assert core.results() == {"relu": "failed"}


def test_an_unfilled_scaffold_is_not_started_rather_than_wrong():
    relu = student("def relu(x):\n    raise NotImplementedError")["relu"]
    with pytest.raises(NotStarted, match="not started yet"), core.exercise("relu"):
        core.call(relu, np.zeros(2))
    assert core.results() == {"relu": "not started"}


def test_a_library_that_raises_not_implemented_with_a_message_is_an_error():
    relu = student("def relu(x):\n    raise NotImplementedError('no such kernel')")["relu"]
    with pytest.raises(CheckFailed, match="no such kernel"), core.exercise("relu"):
        core.call(relu, np.zeros(2))
    assert core.results() == {"relu": "failed"}


def test_a_missing_answer_asks_to_run_the_answer_cell():
    with pytest.raises(NotStarted, match="no `relu` yet. Run the answer cell"):  # noqa: SIM117
        with core.exercise("relu"):
            core.call(relu, np.zeros(2))  # noqa: F821


def test_a_misspelt_name_in_the_answer_is_an_error_of_its_line():
    relu = student("def relu(x):\n    return maximun(x)")["relu"]
    with pytest.raises(CheckFailed, match="'maximun' is not defined\n.*line 2"):  # noqa: SIM117
        with core.exercise("relu"):
            core.call(relu, np.zeros(2))
    assert core.results() == {"relu": "failed"}


def test_a_check_that_cannot_use_the_answer_says_so():
    with pytest.raises(CheckFailed, match="check of your answer stopped with AttributeError"):  # noqa: SIM117
        with core.exercise("relu"):
            None.shape  # noqa: B018


def test_leaving_the_kernel_inside_an_answer_is_a_failed_check():
    with pytest.raises(CheckFailed, match="SystemExit"), core.exercise("relu"):
        core.call(student("def leave():\n    raise SystemExit(0)")["leave"])


def test_the_last_check_of_an_exercise_counts():
    with pytest.raises(CheckFailed), core.exercise("relu"):
        core.that(False, "no")
    with core.exercise("relu"):
        core.that(True, "no")
    assert core.results() == {"relu": "passed"}


def test_the_ledger_cannot_be_written_through_what_results_returns():
    core.results()["relu"] = "passed"
    assert core.results() == {}


def test_a_condition_that_is_no_bool_is_refused():
    with pytest.raises(TypeError, match="must be a bool"):
        core.that([1], "a list would count as true")


def test_call_returns_what_the_function_returns():
    assert core.call(lambda x, power: x**power, 3, power=2) == 9


def test_call_refuses_what_is_no_function():
    assert "your answer is a float64 array of shape (2,)" in message(np.zeros(2))


def test_call_names_the_error_the_arguments_and_the_line():
    add = student("def add(x, y):\n    z = 1\n    return x + z + y['a']")["add"]
    said = message(add, np.zeros((2, 3), "float32"), y=[1, 2])
    assert said.startswith(
        "add(a float32 array of shape (2, 3), y=a list with 2 entries) stopped with TypeError: "
    )
    assert said.endswith("in your line 3")


def test_call_names_the_students_line_when_a_library_raises():
    product = student("def product(x):\n    y = x.T\n    return np.dot(x, np.ones(7))")["product"]
    assert message(product, np.zeros((2, 3))).endswith("in your line 3")


def test_an_exception_that_cannot_be_printed_is_still_a_failed_check():
    source = (
        "class Odd(Exception):\n    def __str__(self): raise ValueError\n"
        "def odd():\n    raise Odd()"
    )
    assert message(student(source)["odd"]).startswith("odd() stopped with Odd")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): x[x < 0] = 0; return x",
        "def f(x): x *= 2; return x",
        "def f(x): x.sort(); return x",
        "def f(x): x.resize((3, 1), refcheck=False); return x",
    ],
)
def test_call_tells_a_changed_array(source):
    assert "f changes its first argument" in message(
        student(source)["f"], np.array([3.0, -1.0, 2.0])
    )


def test_a_changed_entry_is_shown_before_and_after():
    f = student("def f(x, y): y[1] = 0")["f"]
    said = message(f, np.zeros(2), np.array([np.nan, 5.0]))
    assert "f changes its second argument: at [1], 5.0 became 0.0" in said


@pytest.mark.parametrize(
    "source",
    ["def f(a): a[0][0] = 9", "def f(a): a.pop()", "def f(a): a[1] = 7", "def f(a): a[1] = a[0]"],
)
def test_call_tells_a_changed_list(source):
    assert "f changes its first argument" in message(student(source)["f"], [np.zeros(3), 5])


def test_call_tells_a_changed_keyword_argument():
    f = student("def f(*, table): table['x'][0] = 1")["f"]
    assert "argument `table`" in message(f, table={"x": np.zeros(3)})


def test_a_changed_argument_never_reaches_the_callers_array():
    x = np.array([-1.0])
    message(student("def f(x): x[0] = 9")["f"], x)
    assert x.tolist() == [-1.0]


def test_an_untouched_argument_with_nan_is_not_changed():
    assert core.call(lambda x: len(x), np.array([np.nan])) == 1
    assert core.call(lambda x: len(x), [float("nan")]) == 1


def strict_add(x, y):
    if x.shape != y.shape:
        raise ValueError("shapes differ")
    return x + y


def test_an_exception_that_was_asked_for_is_no_failure():
    core.raises(ValueError, strict_add, np.zeros(2), np.zeros(3), why="shapes differ")


def test_an_answer_in_place_of_an_exception_is_told():
    with pytest.raises(
        CheckFailed, match=r"should raise ValueError \(they differ\), but returns 5"
    ):
        core.raises(ValueError, lambda x: 5, np.zeros(2), why="they differ")


def test_another_exception_than_the_one_asked_for_is_named():
    add = student("def add(x):\n    assert x is None")["add"]
    with pytest.raises(CheckFailed, match="should raise ValueError .*, but stopped with Assertion"):
        core.raises(ValueError, add, np.zeros(2), why="the shapes differ")


def test_an_unfilled_scaffold_raises_nothing_that_was_asked_for():
    blank = student("def f():\n    raise NotImplementedError")["f"]
    with pytest.raises(NotStarted):
        core.raises(ValueError, blank, why="the shapes differ")


def test_a_changed_argument_gets_no_hint_of_something_else():
    change = student("def f(x): x[0] = 9")["f"]
    with pytest.raises(CheckFailed) as caught, core.hint("count from 0"):
        core.call(change, np.zeros(2))
    assert "Hint" not in str(caught.value)


def test_a_test_that_is_at_fault_gets_no_hint_for_the_student():
    with pytest.raises(FaultyTest) as caught, core.exercise("f"), core.hint("count from 0"):
        raise FaultyTest("This test cannot judge.")
    assert str(caught.value) == "❌ f: This test cannot judge."


def test_a_scaffold_is_not_the_runtime_error_that_it_derives_from():
    blank = student("def f():\n    raise NotImplementedError")["f"]
    with pytest.raises(NotStarted):
        core.raises(RuntimeError, blank, why="the shapes differ")


def test_a_failed_check_is_not_the_assertion_error_that_was_asked_for():
    def refuses():
        raise CheckFailed("your code ran too long")

    with pytest.raises(CheckFailed, match="ran too long"):
        core.raises(AssertionError, refuses, why="the shapes differ")


def test_a_hint_follows_the_failure_that_it_explains():
    with pytest.raises(CheckFailed, match="^too small\n   Hint: count from 0$"):  # noqa: SIM117
        with core.hint("count from 0"):
            core.that(False, "too small")


def test_an_answer_that_is_not_there_gets_no_hint():
    with pytest.raises(NotStarted) as caught, core.hint("count from 0"):
        core.call(student("def f():\n    raise NotImplementedError")["f"])
    assert "Hint" not in str(caught.value)


class Hostile:
    """Everything that a check might be tempted to ask raises or lies."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __bool__(self):
        raise RuntimeError("bool")

    def __repr__(self):
        raise RuntimeError("repr")

    def __len__(self):
        raise RuntimeError("len")


def test_an_object_that_raises_on_everything_can_be_described():
    assert core.describe(Hostile()) == "an object of type Hostile"


def test_call_passes_unknown_objects_through_and_asks_them_nothing():
    thing = Hostile()
    assert core.call(lambda x: x, thing) is thing


FOLDER = Folder()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (3.5, "3.5"),
        (np.float32(0.5), "0.5"),
        ("uint8", "'uint8'"),
        ([1], "a list with 1 entry"),
        ((), "a tuple with 0 entries"),
        (np.zeros((2, 3), "uint8"), "a uint8 array of shape (2, 3)"),
        (np.zeros(4, "float32"), "a float32 array of shape (4,)"),
        (np.dtype("uint8"), "the dtype uint8"),
        (len, "the function `len`"),
        (Path("a/b"), "the path a/b"),
        (FOLDER.path / "cats", "the path cats"),
        (FOLDER.path, "the path of a folder"),
        (records.Figure(), "a Matplotlib Figure"),
    ],
)
def test_a_value_is_described_in_a_few_words(value, words):
    assert core.describe(value) == words


def test_a_notebook_shows_a_failed_check_as_its_message_alone():
    cells = [
        "def relu(x):\n    return x + missing",
        "import numpy as np\nfrom dlcourse import check\nwith check.exercise('relu'):\n"
        "    check.call(relu, np.zeros(2))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    (output,) = notebook.cells[1].outputs
    assert output.output_type == "error"
    assert output.ename == "CheckFailed"
    assert output.traceback == [
        "❌ relu: relu(a float64 array of shape (2,)) stopped with NameError: "
        "name 'missing' is not defined\n   in your line 2: return x + missing"
    ]


def test_a_model_is_described_as_what_it_is_and_not_as_a_tensor():
    import keras

    assert core.describe(keras.Sequential()) == "a Keras Sequential"


def test_objects_of_libraries_are_described_as_what_they_are():
    import keras
    import tensorflow as tf
    from matplotlib.figure import Figure

    figure = Figure()
    words = {
        "a float32 tensor of shape (2,)": tf.zeros(2),
        "a string tensor of shape ()": tf.constant("a"),
        "an int64 variable of shape (1,)": tf.Variable(np.array([3])),
        "a float32 variable of shape (3,)": keras.Variable(np.ones(3, "float32")),
        "a float32 tensor of shape (None, 3)": keras.Input((3,)),
        "a dataset": tf.data.Dataset.range(3).batch(2),
        "a Matplotlib Figure": figure,
        "a Matplotlib Axes": figure.subplots(),
        "a Keras Dense": keras.layers.Dense(3),
    }
    assert [core.describe(value) for value in words.values()] == list(words)


@pytest.mark.parametrize("claim", ["__class__", "__module__", "__name__"])
def test_an_object_that_claims_to_be_something_else_is_described_without_asking(claim):
    source = f"class Odd:\n    {claim} = property(lambda self: 1 / 0)\nodd = Odd()"
    assert core.describe(student(source)["odd"]) == "an object of type Odd"


def test_a_class_that_equals_every_other_is_none_of_them():
    source = (
        "class Meta(type):\n    def __eq__(self, other): return True\n"
        "    def __hash__(self): return hash(np.float64)\n"
        "class Odd(metaclass=Meta):\n    def __str__(self): return '3'\nodd = Odd()"
    )
    assert core.describe(student(source)["odd"]) == "an object of type Odd"


def failure_of(function) -> str:
    return message(function).partition(" stopped with ")[2].partition("\n   in your line")[0]


def test_what_keras_and_tensorflow_wrap_around_an_error_is_left_out():
    import keras
    import tensorflow as tf

    def model(loss="categorical_crossentropy"):
        layers = [keras.Input((6,)), keras.layers.Dense(3, activation="softmax")]
        made = keras.Sequential(layers)
        made.compile("sgd", loss)
        return made

    def fit(made, x, y):
        return lambda: made.fit(x, y, verbose=0)

    def pool():
        keras.Sequential([keras.Input((2, 2, 1)), keras.layers.MaxPooling2D(3)])

    def convolve(x):
        return lambda: keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Conv2D(2, 3)])(x)

    def rows():
        yield np.ones(6)
        raise KeyError("my own mistake")

    def generate():
        list(tf.data.Dataset.from_generator(rows, output_signature=tf.TensorSpec((6,))))

    def reshape():
        tf.data.Dataset.from_tensor_slices(np.ones((2, 6))).map(lambda x: tf.reshape(x, (4, 4)))

    x, sparse = np.ones((4, 6), "float32"), "sparse_categorical_crossentropy"
    said = {
        "ValueError: Invalid input shape. Expected shape (None, 6), but input has incompatible "
        "shape (4, 2, 3)": lambda: model().predict(x.reshape(4, 2, 3), verbose=0),
        "ValueError: Invalid input shape. Expected shape (None, 6), but input has incompatible "
        "shape (4, 1, 6)": lambda: model()(x[:, None]),
        "ValueError: Arguments `target` and `output` must have the same rank (ndim). Received: "
        "target.shape=(None,), output.shape=(None, 3)": fit(model(), x, np.zeros(4)),
        "InvalidArgumentError: Received a label value of 3 which is outside the valid range of "
        "[0, 3).  Label values: 3 3 3 3": fit(model(sparse), x, np.full(4, 3)),
        "ValueError: Computed output size would be zero or negative. Received: "
        "`inputs.shape=[None 2 2 1]`, `pool_size=[3 3]`, `strides=(3, 3)`, `padding=valid`.": pool,
        "ValueError: Input 0 of layer 'conv2d' is incompatible with the layer: expected axis -1 of "
        "input shape to have value 1, but received input with shape (1, 9, 9, 3)": convolve(
            np.ones((1, 9, 9, 3))
        ),
        "InvalidArgumentError: Matrix size-incompatible: In[0]: [4,6], In[1]: [4,6]": (
            lambda: tf.matmul(x, x)
        ),
        "UnknownError: KeyError: 'my own mistake'": generate,
        "ValueError: Cannot reshape a tensor with 6 elements to shape [4,4] (16 elements).": (
            reshape
        ),
    }
    for sentence, function in said.items():
        assert failure_of(function) == sentence


def test_a_text_that_wraps_nothing_stays_as_it_is():
    text = "Two lines:\n  File 3 and {node} [Op]\n\nend"
    assert core.readable(text) == text


def test_what_did_not_cross_can_be_described():
    assert core.describe(NotCarried("Odd", "it is odd")) == "an object of type Odd"


def test_what_did_not_cross_says_what_can():
    for word in ("tensors", "datasets", "figures", "folder", "models"):
        with pytest.raises(CheckFailed, match=word):
            len(NotCarried("Odd", "it is odd"))
