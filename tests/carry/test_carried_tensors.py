"""TensorFlow's values: the same type, dtype and bits on the other side, and datasets to read."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlcourse.check.carried import NotCarried
from dlcourse.grade.carry import CarryError, Limits, pack, unpack, update

NUMBERS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"] + [
    "bfloat16",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "float8_e4m3fn",
    "float8_e5m2",
]
SHAPES = [(), (0,), (3,), (2, 0, 3), (2, 3), (1, 2, 1, 2)]


def random_tensor(name, shape, seed=0):
    """A tensor of random bytes."""
    dtype = np.dtype(tf.as_dtype(name).as_numpy_dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    data = np.random.default_rng(seed).bytes(count)
    if name == "bool":
        data = bytes(byte & 1 for byte in data)
    return tf.constant(np.frombuffer(data, dtype).reshape(shape))


def elements(dataset):
    """The elements of a dataset, as arrays."""
    return [
        tf.nest.map_structure(lambda part: np.asarray(part.numpy()).tolist(), one)
        for one in dataset
    ]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_tensor_of_any_dtype_and_rank_crosses_to_the_bit(name, trip):
    for seed, shape in enumerate(SHAPES):
        tensor = random_tensor(name, shape, seed)
        copy = trip(tensor)
        assert type(copy) is type(tensor)
        assert (copy.dtype, copy.shape) == (tensor.dtype, tensor.shape)
        assert copy.numpy().tobytes() == tensor.numpy().tobytes()


@pytest.mark.parametrize(
    "texts", [b"", b"a\0", [], [b"a", b"", b"\xff\0"], [[b"long" * 500], [b"b"]]], ids=repr
)
def test_a_tensor_of_strings_crosses_with_its_zeros(texts, trip):
    copy = trip(tf.constant(texts, tf.string))
    assert copy.dtype == tf.string
    assert np.asarray(copy.numpy(), object).tolist() == texts


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (tf.ragged.constant([[1], []]), "RaggedTensor: only data crosses"),
        (tf.sparse.eye(2), "SparseTensor: only data crosses"),
        (tf.cast([1], tf.qint8), "EagerTensor: its entries are of type qint8"),
        (tf.data.Dataset.range(4).window(2), "its elements are not tensors in tuples or dicts"),
    ],
    ids=["ragged", "sparse", "quantized", "windows"],
)
def test_other_tensors_are_refused_with_a_sentence(value, why, refusal):
    assert why in refusal(value)


@pytest.mark.parametrize(
    "variable",
    [
        tf.Variable([[1.5]], name="weights", trainable=False),
        tf.Variable(3),
        keras.Variable([1.5], name="weights", trainable=False),
        keras.Variable(3, dtype="int32"),
        keras.Variable([1.0], dtype="bfloat16"),
    ],
    ids=["tf, frozen", "tf", "keras, frozen", "keras", "keras bfloat16"],
)
def test_a_variable_crosses_with_its_name_dtype_and_flag(variable, trip):
    copy = trip(variable)
    assert type(copy) is type(variable)
    for trait in ("name", "dtype", "shape", "trainable"):
        assert getattr(copy, trait) == getattr(variable, trait)
    assert np.array_equal(copy.numpy(), variable.numpy())


@pytest.mark.parametrize("kind", [tf.Variable, keras.Variable], ids=["tf", "keras"])
def test_a_variable_is_updated_in_place(kind):
    variable = kind([1.0, 2.0])
    assert update(variable, kind([3.0, 4.0]))
    assert variable.numpy().tolist() == [3, 4]


@pytest.mark.parametrize(
    "after", [tf.Variable([1.0]), tf.Variable([1, 2]), tf.constant([1.0, 2.0])]
)
def test_a_variable_of_another_form_is_no_update(after):
    assert not update(tf.Variable([1.0, 2.0]), after)


def test_freezing_a_keras_variable_is_an_update():
    variable = keras.Variable([1.0])
    assert update(variable, keras.Variable([1.0], trainable=False))
    assert not variable.trainable


def test_a_tensor_cannot_change():
    assert update(tf.constant([1.0]), tf.constant([1.0]))
    assert not update(tf.constant([1.0]), tf.constant([2.0]))


@pytest.mark.parametrize(
    "spec",
    [
        tf.TensorSpec((None, 3), tf.float32),
        tf.TensorSpec((), tf.string, "labels"),
        tf.TensorSpec(None, tf.bfloat16),
    ],
    ids=str,
)
def test_a_spec_crosses(spec, trip):
    copy = trip(spec)
    assert type(copy) is tf.TensorSpec
    assert (copy, copy.name) == (spec, spec.name)


def pairs():
    return tf.data.Dataset.from_tensor_slices((np.arange(10.0), np.arange(10) % 2))


@pytest.mark.parametrize(
    "dataset",
    [
        tf.data.Dataset.range(5),
        pairs().batch(4),
        pairs().batch(4, drop_remainder=True).prefetch(1),
        pairs().map(lambda x, y: {"image": x, "label": (y, y)}),
        tf.data.Dataset.from_tensor_slices([b"a", b"\0b\0"]),
        tf.data.Dataset.range(10).filter(lambda x: x % 3 == 0),
        tf.data.Dataset.range(0).map(lambda x: tf.cast(x, tf.bfloat16)),
    ],
    ids=["numbers", "batches", "whole batches", "dicts", "strings", "unknown length", "empty"],
)
def test_a_dataset_is_read_like_the_original(dataset, trip):
    copy = trip(dataset)
    assert isinstance(copy, tf.data.Dataset)
    assert copy.element_spec == dataset.element_spec
    assert copy.cardinality() == dataset.cardinality()
    assert elements(copy) == elements(dataset)
    assert elements(copy) == elements(dataset), "a second time"


def test_a_carried_dataset_can_be_trained_on(trip):
    data = pairs().map(lambda x, y: ([x], [x])).batch(5)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(trip(data), verbose=0, epochs=2).history["loss"]) == 2


def test_an_infinite_dataset_crosses_with_its_first_elements(trip):
    copy = trip(tf.data.Dataset.range(3).repeat(), limits=Limits(batches=7))
    assert copy.cardinality() == tf.data.INFINITE_CARDINALITY
    assert elements(copy.take(7)) == [0, 1, 2, 0, 1, 2, 0]


def test_reading_on_where_nothing_was_carried_is_an_error_that_says_so(trip):
    copy = trip(tf.data.Dataset.range(100), limits=Limits(batches=7))
    assert len(copy) == 100
    with pytest.raises(tf.errors.OpError, match="only the first 7 elements of a dataset can be"):
        elements(copy)


def test_a_dataset_of_large_elements_crosses_with_those_that_have_room(trip):
    pictures = tf.data.Dataset.from_tensors(np.zeros(1000, np.uint8)).repeat(50)
    copy = trip(pictures, limits=Limits(size=40_000))
    assert len(elements(copy.take(9))) == 9
    with pytest.raises(tf.errors.OpError, match="only the first"):
        elements(copy)


def test_a_dataset_that_stops_with_an_error_stops_with_it_on_the_other_side(trip):
    copy = trip(tf.data.Dataset.range(9).map(lambda x: 10 // (x - 5)))
    assert len(elements(copy.take(5))) == 5
    with pytest.raises(tf.errors.OpError, match="Integer division by zero"):
        elements(copy)


def test_a_dataset_is_what_it_was_after_a_call():
    shuffled = pairs().shuffle(10)
    assert update(shuffled, unpack(pack(shuffled)))


def test_nothing_but_a_dataset_is_what_a_dataset_was():
    assert not update(pairs(), [1])


def test_the_iterator_of_a_dataset_stays_where_it_is(objects):
    for iterator in (iter(pairs()), pairs().as_numpy_iterator()):
        kind, value, _ = unpack(pack(iterator, handles=objects), handles=objects)
        assert (kind, value) == ("iterator", iterator)


def test_a_class_that_claims_to_be_a_dataset_does_not_cross(trip):
    class Claims:
        __class__ = tf.data.Dataset

    assert type(trip(Claims())) is NotCarried


TENSOR = {"k": "tensor", "dtype": "<f4", "shape": [1], "b": 0}
STRINGS = {
    "k": "tensor",
    "dtype": "string",
    "shape": [2],
    "lengths": {"k": "array", "dtype": "<i8", "shape": [2], "b": 1},
    "b": 0,
}
SPEC = {"k": "spec", "shape": [1], "dtype": "float32", "name": None}
DATASET = {"k": "dataset", "spec": SPEC, "length": 1, "v": [TENSOR], "why": None}
VARIABLE = {"k": "variable", "of": "keras", "name": "a", "trainable": True, "v": TENSOR}


@pytest.mark.parametrize(
    "node",
    [
        TENSOR | {"dtype": "|O"},
        TENSOR | {"dtype": "resource"},
        TENSOR | {"dtype": "<U1"},
        TENSOR | {"dtype": "<M8[s]"},
        TENSOR | {"shape": [2]},
        TENSOR | {"shape": [2**62, 4]},
        STRINGS | {"shape": [3]},
        STRINGS | {"shape": ["a"]},
        STRINGS | {"lengths": [1, 3]},
        SPEC | {"dtype": "no such"},
        SPEC | {"dtype": 7},
        SPEC | {"shape": [-1]},
        SPEC | {"shape": [2**63]},
        SPEC | {"shape": 3},
        SPEC | {"name": 3},
        DATASET | {"spec": 1},
        DATASET | {"spec": SPEC | {"shape": [2]}},
        DATASET | {"spec": SPEC | {"dtype": "variant"}},
        DATASET | {"v": [TENSOR, 1]},
        DATASET | {"v": [{"k": "tuple", "v": [TENSOR]}]},
        DATASET | {"v": None},
        DATASET | {"length": 1.5},
        DATASET | {"length": -9},
        DATASET | {"length": 2**70},
        DATASET | {"why": 3},
        VARIABLE | {"of": "torch"},
        VARIABLE | {"name": "a/b"},
        VARIABLE | {"name": 5},
        VARIABLE | {"trainable": "yes"},
        VARIABLE | {"v": 1},
    ],
    ids=str,
)
def test_what_is_no_tensor_or_dataset_is_not_unpacked(node, frames):
    with pytest.raises(CarryError):
        unpack(frames(node, b"\0\0\0\0", np.array([1, 3]).tobytes()))


@pytest.mark.parametrize("lengths", [[1, 2], [5, -1], [2**62, 2**62], [-(2**63), 4]], ids=str)
def test_strings_whose_lengths_do_not_fit_are_not_unpacked(lengths, frames):
    with pytest.raises(CarryError):
        unpack(frames(STRINGS, b"abcd", np.array(lengths).tobytes()))


def test_these_nodes_are_right_but_for_what_the_tests_change(frames):
    for node in (TENSOR, SPEC, DATASET, VARIABLE):
        unpack(frames(node, b"\0\0\0\0"))
    assert unpack(frames(STRINGS, b"abcd", np.array([1, 3]).tobytes())).numpy().tolist() == [
        b"a",
        b"bcd",
    ]
