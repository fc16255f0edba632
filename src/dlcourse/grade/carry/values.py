"""Numbers, texts, arrays and containers."""

import pathlib

import numpy as np

from dlcourse.grade.carry.packing import CarryError, Packer, Unpacker

# Kinds of dtype whose entries are plain bytes: no objects, no records.
PLAIN = "?biufcSUMm"
# Longer integers take time that grows with the square of their length.
LONGEST_INT = 4096


def _int(value: int, packer: Packer) -> object:
    if value.bit_length() > LONGEST_INT:
        return packer.unknown(value, f"it has more than {LONGEST_INT} bits")
    return value


def _sequence(value, packer: Packer) -> dict:
    return {"k": type(value).__name__, "v": [packer.node(item) for item in list(value)]}


def _set(value, packer: Packer) -> dict:
    nodes = [packer.node(item) for item in list(value)]
    # Sets have no order of their own, and the same set should give the same frames.
    return {"k": type(value).__name__, "v": sorted(nodes, key=repr)}


def _dict(value: dict, packer: Packer) -> dict:
    pairs = [[packer.node(key), packer.node(item)] for key, item in list(value.items())]
    return {"k": "dict", "v": pairs}


def _array(value: np.ndarray, packer: Packer) -> dict:
    if value.dtype.kind not in PLAIN.replace("?", "b") or value.dtype.metadata:
        return packer.unknown(value, f"its entries are of type {value.dtype}")
    data = np.ascontiguousarray(value)
    return {
        "k": "array",
        "dtype": value.dtype.str,
        "shape": list(value.shape),
        "b": packer.buffer(data.tobytes()),
    }


def _scalar(value: np.generic, packer: Packer) -> dict:
    if value.dtype.kind not in PLAIN.replace("?", "b"):
        return packer.unknown(value, f"it is of type {value.dtype}")
    return {"k": "scalar", "dtype": value.dtype.str, "hex": value.tobytes().hex()}


def _dtype(value: np.dtype, packer: Packer) -> dict:
    if value.kind not in PLAIN.replace("?", "b"):
        return packer.unknown(value, "it is no plain dtype")
    return {"k": "dtype", "dtype": value.str}


def _bytes(value: bytes, packer: Packer) -> dict:
    return {"k": "bytes", "b": packer.buffer(value)}


PACK = {
    int: _int,
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    dict: _dict,
    np.ndarray: _array,
    bytes: _bytes,
    complex: lambda value, packer: {"k": "complex", "v": [value.real, value.imag]},
    range: lambda value, packer: {"k": "range", "v": [value.start, value.stop, value.step]},
    slice: lambda value, packer: {
        "k": "slice",
        "v": [packer.node(part) for part in (value.start, value.stop, value.step)],
    },
    type(...): lambda value, packer: {"k": "ellipsis"},
    **dict.fromkeys(set(np.sctypeDict.values()) - {np.object_, np.void}, _scalar),
    **dict.fromkeys({type(np.dtype(code)) for code in set(np.sctypeDict.values())}, _dtype),
    **dict.fromkeys(
        (pathlib.PosixPath, pathlib.PurePosixPath),
        lambda value, packer: {"k": "path", "v": str(value)},
    ),
}


def unpack_list(node: dict, unpacker: Unpacker) -> list:
    return [unpacker.value(item) for item in unpacker.items(node)]


def unpack_tuple(node: dict, unpacker: Unpacker) -> tuple:
    return tuple(unpack_list(node, unpacker))


def unpack_set(node: dict, unpacker: Unpacker) -> set:
    return set(unpack_list(node, unpacker))


def unpack_frozenset(node: dict, unpacker: Unpacker) -> frozenset:
    return frozenset(unpack_list(node, unpacker))


def unpack_dict(node: dict, unpacker: Unpacker) -> dict:
    pairs = unpacker.items(node)
    if any(type(pair) is not list or len(pair) != 2 for pair in pairs):
        raise CarryError("A dict consists of pairs.")
    return {unpacker.value(key): unpacker.value(value) for key, value in pairs}


def unpack_array(node: dict, unpacker: Unpacker) -> np.ndarray:
    dtype, data = _known_dtype(node, unpacker), unpacker.buffer(node.get("b"))
    shape = unpacker.items(node, "shape")
    if len(shape) > 64 or any(type(n) is not int or not 0 <= n < 2**62 for n in shape):
        raise CarryError("An array's shape is a list of lengths.")
    # frombuffer refuses what does not fit; an array of no entries has no buffer to read.
    size = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 1
    if size * dtype.itemsize != len(data):
        raise CarryError("An array's buffer does not fit its shape.")
    if not data:
        return np.zeros(shape, dtype)
    # A copy: it can be written to, and stays when the message is gone.
    return np.frombuffer(data, dtype).reshape(shape).copy()


def unpack_scalar(node: dict, unpacker: Unpacker) -> np.generic:
    dtype, data = _known_dtype(node, unpacker), bytes.fromhex(unpacker.text(node, "hex", 10**6))
    if len(data) != dtype.itemsize:
        raise CarryError("A scalar's bytes do not fit its dtype.")
    if not data:
        return np.zeros((), dtype)[()]
    return np.frombuffer(data, dtype)[0]


def unpack_dtype(node: dict, unpacker: Unpacker) -> np.dtype:
    return _known_dtype(node, unpacker)


def unpack_complex(node: dict, unpacker: Unpacker) -> complex:
    real, imaginary = unpacker.items(node)
    return complex(float(real), float(imaginary))


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


def unpack_bytes(node: dict, unpacker: Unpacker) -> bytes:
    return bytes(unpacker.buffer(node.get("b")))


def unpack_path(node: dict, unpacker: Unpacker) -> pathlib.Path:
    return pathlib.Path(unpacker.text(node, "v", 4096))


def _known_dtype(node: dict, unpacker: Unpacker) -> np.dtype:
    dtype = np.dtype(unpacker.text(node, "dtype", 40))
    if dtype.kind not in PLAIN.replace("?", "b") or dtype.hasobject or dtype.shape:
        raise CarryError(f"There are no arrays of dtype {dtype.str} here.")
    return dtype
