"""Numbers, texts, arrays and containers."""

import pathlib
import struct
from collections import Counter
from collections.abc import Callable, Hashable

import ml_dtypes
import numpy as np

from dlcourse.check.records import Axes, Figure
from dlcourse.grade.carry import figures, folders
from dlcourse.grade.carry.packing import LONGEST_INLINE, CarryError, Packer, Unpacker

# Kinds of dtype whose entries are plain bytes: no objects, no records.
PLAIN = "biufcSUMm"
# Dtypes that NumPy has from Keras's own dependency, by name.
EXTENDED = {
    name: np.dtype(getattr(ml_dtypes, name))
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")
}
# Bytes of one entry of an array of strings.
LONGEST_ENTRY = 2**20
# Longer integers take time that grows with the square of their length.
LONGEST_INT = 4096
# Keys of one hash in a dict or a set. Finding a place takes time that grows with their square, and
# for numbers and tuples anybody can work out such keys.
MOST_ALIKE = 100
# Kinds of nodes, beside what JSON has, whose values may be in a set.
_HASHABLE = {"text", "nan", "complex", "bytes", "scalar", "dtype", "range", "ellipsis", "path"} | {
    "folder",
    "function",
    "iterator",
}
_NAN = struct.Struct("<d")
_USUAL_NAN = _NAN.pack(float("nan"))


def dtype_tag(dtype: np.dtype) -> str | None:
    """The name under which a dtype crosses; None if it does not."""
    for name, known in EXTENDED.items():
        if type(dtype) is type(known):
            return name if dtype.isnative else None
    if dtype.kind not in PLAIN or dtype.hasobject or dtype.metadata or dtype.shape:
        return None
    # np.longlong and np.int64 share their `str`, as far as they are of one size.
    same = type(np.dtype(dtype.str)) is type(dtype)
    return dtype.str if same else dtype.str[0] + dtype.char


def known_dtype(tag: str) -> np.dtype:
    """The dtype of that name; CarryError if there is none, or it is not written as `dtype_tag`."""
    if tag in EXTENDED:
        return EXTENDED[tag]
    try:
        dtype = np.dtype(tag)
    except Exception:
        raise CarryError(f"There is no dtype {tag!r}.") from None
    if dtype_tag(dtype) != tag:
        raise CarryError(f"There are no arrays of dtype {tag!r} here.")
    return dtype


def pack_entries(value: np.ndarray, packer: Packer) -> dict | None:
    """shape and entries of an array as parts of a node; None if its bytes mean nothing."""
    packer.reserve(value.nbytes)
    data = _raw(value)
    if _fault(value.dtype, data):
        return None
    return {"shape": list(value.shape), "b": packer.buffer(data, reserved=True)}


def unpack_entries(node: dict, dtype: np.dtype, unpacker: Unpacker) -> np.ndarray:
    """A new array of what `pack_entries` wrote."""
    shape, data = unpacker.items(node, "shape"), unpacker.buffer(node.get("b"))
    if len(shape) > 64 or any(type(length) is not int or length < 0 for length in shape):
        raise CarryError("An array's shape is a list of lengths.")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if not 0 < dtype.itemsize <= LONGEST_ENTRY or size != len(data):
        raise CarryError("An array's buffer does not fit its shape.")
    if fault := _fault(dtype, data):
        raise CarryError(f"An array of dtype {dtype} {fault}.")
    # A copy: it can be written to, and stays when the message is gone.
    return np.frombuffer(data, dtype).reshape(shape).copy()


def packer_of(kind: type) -> Callable[[object, Packer], object] | None:
    """The function that makes the node of a value of exactly that type."""
    return _PACK.get(id(kind))


def _raw(value: np.ndarray) -> bytes:
    """The entries' bytes, in C order."""
    if value.dtype.char not in "gG":
        return value.tobytes()
    # Of a long double's 16 bytes 10 count; the others hold whatever was in memory.
    parts = np.frombuffer(bytearray(value.tobytes()), np.uint8).reshape(-1, 16)
    parts[:, 10:] = 0
    return parts.tobytes()


def _fault(dtype: np.dtype, data: bytes) -> str | None:
    """What is wrong with the bytes of an array's entries."""
    if dtype.kind == "b" and np.frombuffer(data, np.uint8).max(initial=0) > 1:
        return "holds bytes that are neither True nor False"
    if dtype.kind == "U":
        points = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if points.max(initial=0) > 0x10FFFF:
            return "holds numbers that are no characters"
    return None


def _int(value: int, packer: Packer) -> object:
    if value.bit_length() > LONGEST_INT:
        return packer.unknown(value, f"it has more than {LONGEST_INT} bits")
    return value


def _float(value: float, packer: Packer) -> object:
    # JSON's NaN would make one object of all of them, and forget their sign.
    return {"k": "nan", "hex": _NAN.pack(value).hex()} if value != value else value


def _complex(value: complex, packer: Packer) -> dict:
    return {"k": "complex", "v": [packer.node(value.real), packer.node(value.imag)]}


def _str(value: str, packer: Packer) -> object:
    if len(value) <= LONGEST_INLINE:
        return packer.text(value)
    packer.reserve(len(value))
    data = value.encode("utf-8", "surrogatepass")
    return {"k": "text", "b": packer.buffer(data, reserved=True)}


def _bytes(value: bytes, packer: Packer) -> dict:
    if len(value) <= LONGEST_INLINE:
        return {"k": "bytes", "hex": packer.text(value.hex())}
    return {"k": "bytes", "b": packer.buffer(value)}


def _list(value: list, packer: Packer) -> dict:
    return {"k": "list", "v": [packer.node(item) for item in value]}


def _tuple(value: tuple, packer: Packer) -> dict:
    return {"k": "tuple", "v": [packer.node(item) for item in value]}


def _set(value: set | frozenset, packer: Packer) -> dict:
    buffers = len(packer.buffers)
    nodes = [packer.node(item) for item in value]
    if not all(map(_is_hashable, nodes)):
        return packer.unknown(value, "not all that is in it crosses")
    if len(packer.buffers) > buffers:
        return packer.unknown(value, f"a text in it has more than {LONGEST_INLINE} characters")
    # Sets have no order of their own, and the same set should give the same frames.
    return {"k": type(value).__name__, "v": sorted(nodes, key=repr)}


def _dict(value: dict, packer: Packer) -> dict:
    pairs = [[packer.node(key), packer.node(item)] for key, item in value.items()]
    if not all(_is_hashable(key) for key, _ in pairs):
        return packer.unknown(value, "not all of its keys cross")
    return {"k": "dict", "v": pairs}


def _is_hashable(node: object) -> bool:
    if type(node) is not dict:
        return True
    if node["k"] in ("tuple", "frozenset"):
        return all(map(_is_hashable, node["v"]))
    return node["k"] in _HASHABLE


def _array(value: np.ndarray, packer: Packer) -> dict:
    tag = dtype_tag(value.dtype)
    if tag is None or not 0 < value.dtype.itemsize <= LONGEST_ENTRY:
        return packer.unknown(value, f"its entries are of type {value.dtype}")
    entries = pack_entries(value, packer)
    if entries is None:
        return packer.unknown(value, f"not all of its entries are values of {value.dtype}")
    # Whoever writes to an array that must not be written to gets an error on either side.
    fixed = {} if value.flags.writeable else {"fixed": True}
    return {"k": "array", "dtype": tag, **entries, **fixed}


def _scalar(value: np.generic, packer: Packer) -> dict:
    if type(value) is np.str_:
        return {"k": "scalar", "dtype": "U", "v": packer.node(str.__str__(value))}
    if type(value) is np.bytes_:
        return {"k": "scalar", "dtype": "S", "v": packer.node(bytes.__getitem__(value, _ALL))}
    data = _raw(np.asarray(value))
    if _fault(value.dtype, data):
        return packer.unknown(value, f"it is no value of {value.dtype}")
    return {"k": "scalar", "dtype": dtype_tag(value.dtype), "hex": data.hex()}


def _dtype(value: np.dtype, packer: Packer) -> dict:
    tag = dtype_tag(value)
    return {"k": "dtype", "dtype": tag} if tag else packer.unknown(value, "it is no plain dtype")


def _range(value: range, packer: Packer) -> dict:
    return {"k": "range", "v": _parts(value, packer)}


def _slice(value: slice, packer: Packer) -> dict:
    return {"k": "slice", "v": _parts(value, packer)}


def _parts(value: range | slice, packer: Packer) -> list:
    return [packer.node(part) for part in (value.start, value.stop, value.step)]


def _path(value: pathlib.PurePath, packer: Packer) -> dict:
    # A path keeps its text where anybody can write; str.__str__ gives a plain copy of any.
    text = str.__str__(str(value))
    if type(value) is pathlib.PurePosixPath:
        return {"k": "path", "v": packer.node(text), "pure": True}
    return folders.pack_path(value, packer) or {"k": "path", "v": packer.node(text)}


_ALL = slice(None)
_SCALARS = set(np.sctypeDict.values()) - {np.object_, np.void}
# By identity: the class of a class may claim to equal any other.
_PACK = {
    id(kind): function
    for kind, function in {
        int: _int,
        float: _float,
        complex: _complex,
        str: _str,
        bytes: _bytes,
        list: _list,
        tuple: _tuple,
        set: _set,
        frozenset: _set,
        dict: _dict,
        np.ndarray: _array,
        **dict.fromkeys(_SCALARS | {dtype.type for dtype in EXTENDED.values()}, _scalar),
        **{type(np.dtype(kind)): _dtype for kind in _SCALARS},
        **{type(dtype): _dtype for dtype in EXTENDED.values()},
        range: _range,
        slice: _slice,
        type(...): lambda value, packer: {"k": "ellipsis"},
        pathlib.PosixPath: _path,
        pathlib.PurePosixPath: _path,
        **dict.fromkeys((Figure, Axes), figures.pack_record),
    }.items()
}


def unpack_text(node: dict, unpacker: Unpacker) -> str:
    return bytes(unpacker.buffer(node.get("b"))).decode("utf-8", "surrogatepass")


def unpack_nan(node: dict, unpacker: Unpacker) -> float:
    (value,) = _NAN.unpack(bytes.fromhex(unpacker.text(node, "hex", 16)))
    if value == value:
        raise CarryError("This NaN is a number.")
    return value


def unpack_complex(node: dict, unpacker: Unpacker) -> complex:
    real, imaginary = (unpacker.value(part) for part in unpacker.items(node))
    if type(real) is not float or type(imaginary) is not float:
        raise CarryError("A complex number consists of two floats.")
    return complex(real, imaginary)


def unpack_bytes(node: dict, unpacker: Unpacker) -> bytes:
    if "hex" in node:
        return bytes.fromhex(unpacker.text(node, "hex", 2 * LONGEST_INLINE))
    return bytes(unpacker.buffer(node.get("b")))


def unpack_list(node: dict, unpacker: Unpacker) -> list:
    return [unpacker.value(item) for item in unpacker.items(node)]


def unpack_tuple(node: dict, unpacker: Unpacker) -> tuple:
    return tuple(unpack_list(node, unpacker))


def unpack_set(node: dict, unpacker: Unpacker) -> set:
    return set(_keys(unpacker.items(node), unpacker))


def unpack_frozenset(node: dict, unpacker: Unpacker) -> frozenset:
    return frozenset(_keys(unpacker.items(node), unpacker))


def unpack_dict(node: dict, unpacker: Unpacker) -> dict:
    pairs = unpacker.items(node)
    if any(type(pair) is not list or len(pair) != 2 for pair in pairs):
        raise CarryError("A dict consists of pairs.")
    keys = _keys([key for key, _ in pairs], unpacker)
    values = [unpacker.value(value) for _, value in pairs]
    return dict(zip(keys, values, strict=True))


def _keys(nodes: list, unpacker: Unpacker) -> list[Hashable]:
    keys = [unpacker.value(node) for node in nodes]
    if len(keys) > MOST_ALIKE and max(Counter(map(hash, keys)).values()) > MOST_ALIKE:
        raise CarryError(f"More than {MOST_ALIKE} keys have the same hash.")
    return keys


def unpack_array(node: dict, unpacker: Unpacker) -> np.ndarray:
    array = unpack_entries(node, known_dtype(unpacker.text(node, "dtype", 40)), unpacker)
    array.flags.writeable = not node.get("fixed")
    return array


def unpack_scalar(node: dict, unpacker: Unpacker) -> np.generic:
    tag = unpacker.text(node, "dtype", 40)
    if tag in ("U", "S"):
        value = unpacker.value(node.get("v"))
        if type(value) is not {"U": str, "S": bytes}[tag]:
            raise CarryError("A NumPy string consists of a string.")
        return (np.str_ if tag == "U" else np.bytes_)(value)
    dtype, data = known_dtype(tag), bytes.fromhex(unpacker.text(node, "hex", 64))
    if dtype.kind in "US" or len(data) != dtype.itemsize or _fault(dtype, data):
        raise CarryError("A scalar's bytes do not fit its dtype.")
    return np.frombuffer(data, dtype)[0]


def unpack_dtype(node: dict, unpacker: Unpacker) -> np.dtype:
    return known_dtype(unpacker.text(node, "dtype", 40))


def unpack_range(node: dict, unpacker: Unpacker) -> range:
    parts = unpacker.items(node)
    if any(type(part) is not int for part in parts):
        raise CarryError("A range consists of whole numbers.")
    return range(*parts)


def unpack_slice(node: dict, unpacker: Unpacker) -> slice:
    start, stop, step = (unpacker.value(part) for part in unpacker.items(node))
    return slice(start, stop, step)


def unpack_ellipsis(node: dict, unpacker: Unpacker) -> object:
    return ...


def unpack_path(node: dict, unpacker: Unpacker) -> pathlib.PurePath:
    text = unpacker.value(node.get("v"))
    if type(text) is not str:
        raise CarryError("A path is a text.")
    return (pathlib.PurePosixPath if node.get("pure") else pathlib.Path)(text)
