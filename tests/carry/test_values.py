"""Numbers, texts, arrays and containers: the same on the other side, to the bit."""

import math
import pathlib
import struct
from itertools import product

import numpy as np
import pytest

from dlcourse.check.carried import NotCarried
from dlcourse.check.failures import CheckFailed
from dlcourse.grade.carry import Limits, pack, unpack, update
from dlcourse.grade.carry.values import EXTENDED

BITS = struct.Struct("<d")
DTYPES = ["?", *"bBhHiIlLqQ", *"efdg", *"FDG", "S3", "U3", "M8[s]", "M8[25ms]", "m8[D]", "m8"]
SHAPES = [(), (0,), (3,), (2, 0, 3), (2, 3), (1, 1, 1, 1), (2, 1, 3, 2, 1)]


def random_array(dtype, shape, seed=0):
    """An array of random bytes, as far as they mean something."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(generator.random(shape) < 0.5)
    if dtype.kind in "SU":
        texts = ["", "a", "bcd"] if dtype.kind == "S" else ["", "a", "bcd", "é", "\U0010ffff"]
        return np.array(generator.choice(texts, shape), dtype)
    size = math.prod(shape)
    return np.frombuffer(generator.bytes(size * dtype.itemsize), dtype).reshape(shape).copy()


def bits(array):
    """The bytes that count: a long double has six that do not."""
    raw = np.frombuffer(array.tobytes(), np.uint8)
    return raw.reshape(-1, 16)[:, :10].tobytes() if array.dtype.char in "gG" else raw.tobytes()


def is_same(one, other):
    return (
        type(one) is type(other) is np.ndarray
        and one.shape == other.shape
        and type(one.dtype) is type(other.dtype)
        and one.dtype == other.dtype
        and bits(one) == bits(other)
    )


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("dtype", [*DTYPES, *EXTENDED.values()], ids=str)
def test_an_array_of_any_plain_dtype_and_rank_crosses_to_the_bit(dtype, trip):
    for seed, (shape, order) in enumerate(product(SHAPES, "<>")):
        swapped = np.dtype(dtype).newbyteorder(order) if dtype in DTYPES else np.dtype(dtype)
        array = random_array(swapped, shape, seed)
        assert is_same(trip(array), array)


@pytest.mark.parametrize(
    "view",
    [
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::-2],
        np.arange(12).reshape(3, 4)[:, 1:3],
        np.broadcast_to(np.float32(1.5), (2, 3)),
    ],
    ids=["transposed", "F-order", "backwards", "window", "broadcast"],
)
def test_an_array_crosses_whatever_its_layout_in_memory(view, trip):
    assert is_same(trip(view), view)


def test_a_carried_array_can_be_written_to(trip):
    copy = trip(np.zeros(2))
    copy[0] = 1
    assert copy.tolist() == [1, 0]


def test_an_array_that_must_not_be_written_to_stays_so(trip):
    array = np.zeros(2)
    array.flags.writeable = False
    assert not trip(array).flags.writeable


@pytest.mark.parametrize(
    "value",
    [np.array([1, "a"], object), np.zeros(2, "i4,f4"), np.zeros(1, "V8"), np.array(["a"], "T")],
    ids=["objects", "records", "void", "variable strings"],
)
def test_an_array_whose_entries_are_not_plain_is_refused(value, refusal):
    assert refusal(value) == f"ndarray: its entries are of type {value.dtype}"


@pytest.mark.parametrize("kind", ["?", *"bBhHiIlLqQ", *"efdg", *"FDG", "M8[s]", "m8[D]"])
def test_a_numpy_scalar_keeps_its_exact_type_and_bits(kind, trip):
    for seed in range(5):
        scalar = random_array(kind, (1,), seed)[0]
        copy = trip(scalar)
        assert type(copy) is type(scalar)
        assert bits(np.asarray(copy)) == bits(np.asarray(scalar))


@pytest.mark.parametrize("text", ["", "é", "a\0", "a\0\0b", "\U0001f600", "x" * 5000])
def test_a_numpy_string_keeps_its_type_and_zeros(text, trip):
    for value in (np.str_(text), np.bytes_(text.encode())):
        copy = trip(value)
        assert type(copy) is type(value)
        assert copy == value and len(copy) == len(value)


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63, -(2**64), 2**4096 - 1, True, None, 1.5, 5e-324, math.inf, -math.inf, 1 - 2j]
    + ["", "text", "a\0b", "\ud800", "\udcff", "é" * 2000, b"", b"\0\xff", b"x" * 2000]
    + [range(3), range(2, -9, -3), range(2**70), slice(1, None, 2), ..., pathlib.Path("a/b")]
    + [pathlib.PurePosixPath("/a"), np.dtype(">i4"), np.dtype("U"), np.dtype("longlong")],
    ids=lambda value: f"{value!r:.20}",
)
def test_a_plain_value_crosses_as_it_is(value, trip):
    copy = trip(value)
    assert type(copy) is type(value)
    assert copy == value


@pytest.mark.parametrize(
    "value", [-0.0, math.nan, -math.nan, BITS.unpack(b"\x01\0\0\0\0\0\xf0\x7f")[0]]
)
def test_a_float_crosses_to_the_bit(value, trip):
    assert BITS.pack(trip(value)) == BITS.pack(value)


def test_a_complex_number_keeps_the_signs_of_its_zeros_and_nans(trip):
    copy = trip(complex(-0.0, -math.nan))
    assert BITS.pack(copy.real) == BITS.pack(-0.0)
    assert BITS.pack(copy.imag) == BITS.pack(-math.nan)


@pytest.mark.parametrize(
    "value",
    [
        [1, [2.0, (3, "4")], None],
        {"a": {1: [True]}, (1, 2): "b", 2.5: {}, None: (), frozenset({1}): b"c"},
        {1, "a", (2, frozenset({3}))},
        frozenset({np.float32(1), pathlib.Path("a")}),
        ((), [], {}, set()),
    ],
    ids=["list", "dict", "set", "frozenset", "empty"],
)
def test_containers_cross_at_any_depth(value, trip):
    copy = trip(value)
    assert type(copy) is type(value)
    assert copy == value


def test_a_dict_keeps_its_order(trip):
    assert list(trip({"b": 1, "a": 2})) == ["b", "a"]


def test_arrays_cross_inside_containers(trip):
    copy = trip({"x": [np.arange(3, dtype=np.int8)], "y": (np.zeros((2, 2)),)})
    assert is_same(copy["x"][0], np.arange(3, dtype=np.int8))
    assert is_same(copy["y"][0], np.zeros((2, 2)))


def test_each_nan_in_a_set_stays_one_of_its_own(trip):
    assert len(trip({float("nan"), float("nan"), 1.0})) == 3


def test_equal_sets_have_the_same_frames():
    assert pack(set("abcdefgh")) == pack(set("hgfedcba"))


def test_only_the_part_that_does_not_cross_is_missing(trip):
    copy = trip({"right": 1, "wrong": object()})
    assert copy["right"] == 1
    assert type(copy["wrong"]) is NotCarried


def test_a_test_that_uses_what_did_not_cross_fails_with_a_sentence(trip):
    with pytest.raises(CheckFailed, match="type object cannot be tested here, because only data"):
        len(trip(object()))


def test_a_stand_in_for_what_did_not_cross_crosses_itself(trip):
    assert repr(trip(trip(object()))) == "an object of type object"


def test_an_answer_over_the_limit_leaves_the_other_answers_as_they_are():
    limits = Limits(size=10_000)
    answers = {"large": np.zeros(5000), "deep": [[[nested(50)]]], "right": np.zeros(3)}
    copies = unpack(pack(answers, limits=limits), limits=limits)
    assert copies["large"].why == "it is larger than 10000 bytes"
    assert copies["deep"].why == "it is nested more than 40 levels deep"
    assert is_same(copies["right"], np.zeros(3))


@pytest.mark.parametrize(
    ("value", "limits", "why"),
    [
        ([0] * 100, Limits(entries=50), "list: it holds more than 50 values"),
        ([[0] * 30] * 3, Limits(entries=50), "list: it holds more than 50 values"),
        (nested(40), Limits(), "list: it is nested more than 40 levels deep"),
        (np.zeros(10**6), Limits(size=10**6), "ndarray: it is larger than 1000000 bytes"),
        ("a" * 10**6, Limits(size=10**5), "str: it is larger than 100000 bytes"),
        (b"a" * 10**6, Limits(size=10**5), "bytes: it is larger than 100000 bytes"),
        (np.broadcast_to(0.0, (10**9, 10**9)), Limits(), "ndarray: it is larger than 256 MB"),
        (1 << 5000, Limits(), "int: it has more than 4096 bits"),
        ([np.zeros(1)] * 60_000, Limits(), "list: it holds more than 50,000 arrays"),
        (["é" * 900] * 5000, Limits(), "list: it holds too many values"),
    ],
    ids=["entries", "in all", "depth", "array", "text", "bytes", "virtual", "int", "arrays"]
    + ["texts"],
)
def test_a_limit_is_named(value, limits, why):
    copy = unpack(pack({"answer": value}, limits=limits), limits=limits)["answer"]
    assert f"{copy.type_name}: {copy.why}" == why


def test_what_is_at_the_limit_crosses(trip):
    assert trip(nested(40)) == nested(40)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (number for number in range(3)),
        lambda: zip("ab", "cd", strict=True),
        lambda: map(str, [1]),
        lambda: enumerate("a"),
        lambda: iter([1]),
        lambda: reversed([1]),
    ],
    ids=["generator", "zip", "map", "enumerate", "list", "reversed"],
)
def test_an_iterator_stays_where_it_is(make, objects):
    iterator = make()
    kind, value, _ = unpack(pack(iterator, handles=objects), handles=objects)
    assert (kind, value) == ("iterator", iterator)


@pytest.mark.parametrize("function", [len, lambda x: x, str.upper, [].append, dict, pytest.Mark])
def test_a_function_stays_where_it_is(function, objects):
    kind, value, _ = unpack(pack(function, handles=objects), handles=objects)
    assert (kind, value) == ("function", function)


@pytest.mark.parametrize("value", [object(), {}.keys(), iter, bytearray(b"a"), memoryview(b"a")])
def test_what_neither_is_data_nor_can_be_asked_does_not_cross(value, refusal):
    assert "only data crosses" in refusal(value)


def test_an_object_that_only_can_be_iterated_over_does_not_stay_as_an_iterator(objects):
    copy = unpack(pack({"a": 1}.values(), handles=objects), handles=objects)
    assert copy.type_name == "dict_values"


def changed(original, after):
    """What `original` is, once it has been given the value of `after`; None if it cannot be."""
    return original if update(original, after) else None


def test_an_array_is_updated_in_place():
    original = np.zeros(3)
    assert changed(original, np.arange(3.0)) is original
    assert original.tolist() == [0, 1, 2]


@pytest.mark.parametrize("after", [np.zeros(4), np.zeros(3, np.float32), [0.0, 0.0, 0.0], None])
def test_an_array_of_another_form_is_no_update(after):
    assert changed(np.zeros(3), after) is None


def test_an_array_inside_a_list_keeps_its_identity():
    inner = np.zeros(2)
    original = [inner, 1]
    assert changed(original, [np.ones(2), 2, "more"])[0] is inner
    assert inner.tolist() == [1, 1]
    assert original[1:] == [2, "more"]


def test_a_list_may_get_shorter():
    assert changed([1, 2, 3], [1]) == [1]


def test_a_dict_is_updated_in_place_with_its_order():
    inner = [1]
    original = {"a": inner, "b": 2}
    assert list(changed(original, {"c": 3, "a": [1, 2]}).items()) == [("c", 3), ("a", [1, 2])]
    assert original["a"] is inner


def test_a_set_is_updated_in_place():
    assert changed({1, 2}, {3}) == {3}


@pytest.mark.parametrize("value", [1, 2.5, "a", b"a", None, math.nan, np.float32(1), (1, "a")])
def test_what_cannot_change_is_what_it_was(value, trip):
    assert update(value, trip(value))


@pytest.mark.parametrize(
    ("original", "after"),
    [
        (1, 2),
        (0.0, -0.0),
        (1, True),
        ("a", "b"),
        ((1,), (2,)),
        ((1,), (1, 2)),
        (range(2), range(3)),
    ],
)
def test_another_value_of_what_cannot_change_is_no_update(original, after):
    assert changed(original, after) is None


def test_an_array_inside_a_tuple_is_updated_in_place():
    inner = np.zeros(2)
    assert update((inner, 1), (np.ones(2), 1))
    assert inner.tolist() == [1, 1]
