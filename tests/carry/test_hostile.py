"""What is not what it seems: hostile values, and hostile frames. Each ends as a sentence."""

import json
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dlcourse.check.carried import NotCarried
from dlcourse.check.records import Figure
from dlcourse.grade.carry import CarryError, Limits, pack, unpack
from dlcourse.grade.carry.packing import MOST_HEAD

CASES = sorted(Path(__file__).with_name("cases").iterdir())
BETWEEN = b"\n--\n"
# Bytes that unpacking may need beside the value's own limit, which for these frames is far less.
ROOM = 300 * 2**20


class Equal:
    """Equal to everything, found in everything."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


class Endless:
    """Has no end, whatever it is asked."""

    def __iter__(self):
        while True:
            yield 0

    def __len__(self):
        return 2**62

    def __getattr__(self, name):
        return self

    __call__ = None


class Metaclass(type):
    """The class of a class that claims to be every other."""

    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(list)

    def __instancecheck__(cls, value):
        return True

    __name__ = property(lambda cls: "list")
    __mro__ = property(lambda cls: (list, object))
    __module__ = property(lambda cls: "builtins")


class Liar(metaclass=Metaclass):
    __class__ = list

    def __iter__(self):
        return iter([1])

    def __reduce__(self):
        raise RuntimeError("Pickled!")

    __reduce_ex__ = __getstate__ = __reduce__


def derived(base, **members):
    """An instance of a class of the student's, derived from `base`."""
    return type(f"My{base.__name__}", (base,), members)


class MyArray(np.ndarray):
    def tobytes(self, *_):
        return b"whatever"

    def __array_finalize__(self, _):
        pass


def endless(*_):
    while True:
        yield 0


SUBCLASSES = [
    np.arange(3).view(MyArray),
    np.ma.array([1]),
    np.rec.array([(1,)]),
    derived(np.float64, __eq__=lambda *_: True)(1),
    derived(float, __eq__=lambda *_: True, __float__=lambda _: 1.0)(2),
    derived(int, __index__=lambda _: 1, bit_length=lambda _: 1)(2**100),
    derived(str, __str__=lambda _: "right", __len__=lambda _: 0)("wrong"),
    derived(bytes)(b"a"),
    derived(dict, items=endless, __iter__=endless, __len__=lambda _: 2**62)(a=1),
    derived(list, __iter__=endless, __len__=lambda _: -1)([1]),
    derived(tuple, __iter__=endless)((1,)),
    derived(set, __iter__=endless)({1}),
    derived(complex)(1j),
    derived(Figure)(),
]


@pytest.mark.parametrize("value", SUBCLASSES, ids=lambda value: type(value).__name__)
def test_a_derived_class_does_not_cross_as_the_plain_one(value, trip):
    copy = trip([value])[0]
    assert type(copy) is NotCarried
    assert copy.type_name == type(value).__name__
    assert "it is a class derived from" in copy.why


@pytest.mark.parametrize("value", [Liar(), Equal(), Endless()], ids=["liar", "equal", "endless"])
def test_an_object_that_lies_about_itself_crosses_as_a_sentence(value, refusal):
    assert refusal(value).startswith(type.__dict__["__name__"].__get__(type(value)))


def test_the_name_of_a_class_is_the_one_it_was_defined_by(trip):
    assert trip(Liar()).type_name == "Liar"


def test_a_class_that_claims_to_be_another_stays_where_it_is(objects):
    kind, value, _ = unpack(pack(Liar, handles=objects), handles=objects)
    assert (kind, value is Liar) == ("function", True)


def test_nothing_is_asked_how_it_would_be_pickled(trip):
    trip([Liar(), {"a": Liar()}])


def test_a_function_that_claims_an_odd_name_has_that_of_its_class(objects):
    class Odd:
        __name__ = derived(str)("x" * 10**6)

        def __call__(self):
            return 1

    assert unpack(pack(Odd(), handles=objects), handles=objects)[2] == "Odd"


def test_an_object_that_fails_when_it_is_looked_at_crosses_as_a_sentence(objects):
    class Failing:
        def __call__(self):
            return 1

        def __getattribute__(self, name):
            raise RecursionError

    copy = unpack(pack(Failing(), handles=objects), handles=objects)
    assert copy.why == "packing it stopped with RecursionError"


@pytest.mark.parametrize(
    "value",
    [{Equal(): 1}, {"a": 1, Equal(): 2}, {(1, Equal()): 1}],
    ids=["only", "second", "in a tuple"],
)
def test_a_dict_with_a_hostile_key_does_not_cross(value, refusal):
    assert refusal(value) == "dict: not all of its keys cross"


@pytest.mark.parametrize("value", [{Equal()}, {1, Liar}, frozenset({(Equal(),)})], ids=len)
def test_a_set_of_hostile_objects_does_not_cross(value, refusal):
    assert "not all that is in it crosses" in refusal(value)


def test_a_container_that_contains_itself_crosses_as_a_sentence():
    value = [1]
    value.append({"self": value})
    copy = unpack(pack({"answer": value, "right": 2}))
    assert copy["answer"].why == "it contains itself"
    assert copy["right"] == 2


def test_a_container_that_doubles_at_each_level_crosses_as_a_sentence():
    value = [0]
    for _ in range(30):
        value = [value, value]
    copy = unpack(pack({"answer": value}))
    assert copy["answer"].why == "it holds more than 200,000 values"


@pytest.mark.parametrize("key", ["type_name", "why"])
def test_a_stand_in_that_was_tampered_with_crosses_as_a_sentence(key, trip):
    value = NotCarried("a", "b")
    setattr(value, key, derived(str, __getitem__=lambda *_: [object()])("c"))
    assert trip([value])[0].why == "packing it stopped with TypeError"


def test_a_path_that_was_tampered_with_is_what_its_text_says(trip):
    path = Path("a")
    path._str = derived(str, __str__=lambda _: "/etc/passwd")("b")
    assert str(trip(path)) == "b"


@pytest.mark.parametrize(
    "value",
    [
        np.array([2, 1], np.uint8).view("?"),
        np.array([2**31], np.uint32).view("U1"),
    ],
    ids=["bool", "text"],
)
def test_bytes_that_mean_nothing_do_not_cross(value, refusal):
    assert refusal(value).startswith("ndarray: not all of its entries are values of")


def test_a_virtual_array_is_refused_before_it_is_copied(trip):
    tracemalloc.start()
    trip({"answer": np.broadcast_to(0.0, (10**6, 10**6))})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


ARRAY = {"k": "array", "dtype": "<f8", "shape": [1], "b": 0}
SCALAR = {"k": "scalar", "dtype": "<f8", "hex": "00" * 8}
DEEP = {"k": "list", "v": []}
for _ in range(60):
    DEEP = {"k": "list", "v": [DEEP]}


@pytest.mark.parametrize(
    "node",
    [
        *([], [1], {}, {"k": None}, {"k": []}, {"k": {}}, {"k": 1}, {"k": "no such"}),
        *({"k": "__init__"}, {"k": "model\0"}, {"k": "pack_path"}, DEEP),
        *({"k": kind} for kind in ("list", "dict", "array", "scalar", "bytes", "text", "nan")),
        *({"k": kind} for kind in ("complex", "range", "slice", "dtype", "path", "unknown")),
        *({"k": kind} for kind in ("figure", "axes", "folder", "function", "iterator", "set")),
        *({"k": "list", "v": v} for v in (None, 1, "ab", {}, [[]], [{"k": 1}])),
        *({"k": "dict", "v": v} for v in ([1], [[1]], [[1, 2, 3]], ["ab"], [{}], [[{}, 1]])),
        {"k": "dict", "v": [[{"k": "list", "v": []}, 1]]},
        {"k": "dict", "v": [[ARRAY, 1]]},
        {"k": "dict", "v": [[{"k": "unknown", "type": "a", "why": "b"}, 1]]},
        {"k": "set", "v": [{"k": "dict", "v": []}]},
        {"k": "frozenset", "v": [{"k": "tuple", "v": [{"k": "set", "v": []}]}]},
        *(ARRAY | {"b": b} for b in (-1, 1, 2**70, 0.0, "0", None, True, [0])),
        *(ARRAY | {"shape": s} for s in ([2], [-1], [1.0], ["1"], 1, None, [[1]], [True], {})),
        *(ARRAY | {"shape": s} for s in ([2**62], [2**62, 4], [2**64, 2**64], [1] * 65)),
        *(ARRAY | {"shape": s, "b": 1} for s in ([0, 2**62], [0, 2**63], [2**40, 2**40, 0])),
        *(ARRAY | {"dtype": d} for d in ("|O", "O", "|V8", "(1000000,)f8", "f8,f8", "T")),
        *(ARRAY | {"dtype": d} for d in ("M8[1000000000000us]", "<U0", "|S0", "f8", "=f8", "")),
        *(ARRAY | {"dtype": d} for d in ("datetime64", "float64", ">f8 ", None, 8, "x" * 99, "\0")),
        *(ARRAY | {"dtype": d, "b": 1} for d in ("<U2000000000", "|S2000000000", "<U0")),
        ARRAY | {"dtype": "|S2000000000", "shape": [0], "b": 1},
        ARRAY | {"dtype": "<U0", "shape": [10**10], "b": 1},
        ARRAY | {"dtype": "|b1", "shape": [4], "b": 2},
        ARRAY | {"dtype": "<U1", "b": 2},
        *(SCALAR | {"hex": h} for h in ("00", "zz" * 8, "", None, "00" * 9, "00" * 10**6)),
        *(SCALAR | {"dtype": d} for d in ("|O", "<U2", "|S8", "|b1", "U", "S", None)),
        {"k": "scalar", "dtype": "U", "v": 1},
        {"k": "scalar", "dtype": "S", "v": "a"},
        {"k": "scalar", "dtype": "|b1", "hex": "02"},
        *({"k": "nan", "hex": h} for h in ("00" * 8, "00", "zz", 1, None)),
        *({"k": "complex", "v": v} for v in ([1], ["1", "2"], [1, 2], [1.0, 2.0, 3.0], None)),
        *({"k": "range", "v": v} for v in ([0, 1, 0], [1.0, 2, 3], ["a"], [1, 2, 3, 4], [])),
        *({"k": "slice", "v": v} for v in ([1], [1, 2, 3, 4], None)),
        *({"k": "bytes", "hex": h} for h in ("0", "zz", None, 1, "00" * 1001)),
        *({"k": "text", "b": b} for b in (2, -1, None)),
        *({"k": "path", "v": v} for v in (1, None, ["a"])),
        *(
            {"k": "unknown", "type": t, "why": w}
            for t, w in (("a", 1), (None, "b"), ("a" * 2000, "b"))
        ),
        {"k": "function", "handle": 0, "name": "f"},
    ],
    ids=lambda node: json.dumps(node)[:60],
)
def test_what_pack_does_not_make_is_not_unpacked(node, frames):
    with pytest.raises(CarryError):
        unpack(frames(node, bytes(8), b"", b"\x02\x00\xff\xff"))


@pytest.mark.parametrize("handle", [1, -1, 2**70, 0.0, "0", None, True])
@pytest.mark.parametrize("kind", ["function", "iterator"])
def test_a_handle_that_does_not_exist_is_refused(kind, handle, frames, objects):
    objects.handle_of(len)
    with pytest.raises(CarryError):
        unpack(frames({"k": kind, "handle": handle, "name": "f"}), handles=objects)


@pytest.mark.parametrize(
    "sent",
    [
        *([], [b""], [b"{"], [b"\xff"], [b"nul"], [b"9" * 5000], [b"[" * 10**6], [b"1 2"]),
        [b'{"k":' * 10**5],
        [b" " * (MOST_HEAD + 1)],
        [b"1", bytes(2000)],
    ],
    ids=lambda sent: f"{sent!r:.20}",
)
def test_frames_that_are_none_are_refused(sent):
    with pytest.raises(CarryError):
        unpack(sent, limits=Limits(size=1000 if len(sent) == 2 else 2**26))


ALIKE = 2**61 - 1


@pytest.mark.parametrize(
    "keys",
    [
        [ALIKE * number for number in range(20_000)],
        [{"k": "complex", "v": [-1000003.0 * n, float(n)]} for n in range(20_000)],
        [{"k": "tuple", "v": [ALIKE * number]} for number in range(20_000)],
        [1] * 20_000,
    ],
    ids=["ints", "complex", "tuples", "one"],
)
@pytest.mark.parametrize("kind", ["set", "frozenset", "dict"])
def test_keys_of_one_hash_are_refused(kind, keys, frames):
    nodes = [[key, 0] for key in keys] if kind == "dict" else keys
    with pytest.raises(CarryError, match="keys have the same hash"):
        unpack(frames({"k": kind, "v": nodes}))


@pytest.mark.parametrize(
    "sent",
    [
        [b"[" + b"[]," * (MOST_HEAD // 3 - 1) + b"0]"],
        [
            json.dumps({"k": "list", "v": [ARRAY | {"shape": [10**6]}] * 1000}).encode(),
            bytes(8 * 10**6),
        ],
        [json.dumps({"k": "list", "v": [{"k": "text", "b": 0}] * 1000}).encode(), bytes(10**7)],
        [json.dumps({"k": "list", "v": [0] * 300_000}).encode()],
    ],
    ids=["brackets", "one buffer for many arrays", "one buffer for many texts", "entries"],
)
def test_memory_for_what_is_refused_is_bounded(sent):
    tracemalloc.start()
    with pytest.raises(CarryError):
        unpack(sent, limits=Limits(size=2**26))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ROOM


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_what_a_fuzzer_found_is_a_value_or_refused(path, objects):
    try:
        value = unpack(path.read_bytes().split(BETWEEN), handles=objects)
    except CarryError:
        return
    frames = pack(value, handles=objects)
    assert pack(unpack(frames, handles=objects), handles=objects) == frames


def test_a_number_that_json_has_no_end_for_is_infinite():
    assert unpack([b"1e999"]) == math.inf
