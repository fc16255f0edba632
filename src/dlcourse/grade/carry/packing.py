"""Packing values into frames and unpacking them: the format, its limits, and the list of kinds."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from dlcourse.check.carried import NotCarried

# Kind of a node -> the module here that unpacks it, with a function `unpack_KIND(node, unpacker)`.
KINDS = {
    **dict.fromkeys(
        ("list", "tuple", "set", "frozenset", "dict", "array", "scalar", "complex", "bytes")
        + ("range", "slice", "ellipsis", "dtype", "path"),
        "values",
    ),
    **dict.fromkeys(("tensor", "variable", "dataset", "spec"), "tensors"),
    **dict.fromkeys(("model", "layer", "keras", "history"), "models"),
    **dict.fromkeys(("figure", "axes"), "figures"),
    **dict.fromkeys(("folder",), "folders"),
}
# A library's name -> the module here that packs its objects. `pack_object(value, packer)` returns a
# node, or None for an object that it does not know. Asked only where the library is imported.
LIBRARIES = {"keras": "models", "tensorflow": "tensors", "matplotlib": "figures"}


class CarryError(Exception):
    """What arrived is not a packed value, or is larger than allowed; the message says which."""


@dataclass(frozen=True)
class Limits:
    """How much one packed value may hold.

    size: bytes of all frames. entries: values in all containers together. depth: of containers in
    containers. parameters: of one Keras model, counted before any of it is built. batches: of a
    dataset, which are carried from its beginning.
    """

    size: int = 256 * 2**20
    entries: int = 200_000
    depth: int = 40
    parameters: int = 50_000_000
    batches: int = 64


LIMITS = Limits()


class Handles(Protocol):
    """Stands for what stays on its side: functions and iterators, known by a number.

    The student's side hands out numbers for its own objects; the verifier's side makes proxies.
    """

    def handle_of(self, value: object) -> int | None:
        """The number of a callable or an iterator; None if this side has none for it."""

    def value_of(self, handle: int, kind: str, name: str) -> object:
        """What a handle stands for, a "function" or an "iterator"; CarryError if for nothing."""


def pack(
    value: object,
    *,
    handles: Handles | None = None,
    limits: Limits = LIMITS,
    structure: bool = False,
) -> list[bytes]:
    """The frames of `value`; what cannot cross is in them as a sentence.

    structure: whether models cross without the values of their weights.
    """
    packer = Packer(handles, limits, structure)
    try:
        node = packer.node(value)
        head = json.dumps(node, separators=(",", ":")).encode()
    except _LimitError as too_much:
        packer = Packer(None, limits, structure)
        head = json.dumps(_unknown_node(_type_name(value), str(too_much))).encode()
    return [head, *packer.buffers]


def unpack(
    frames: Sequence[bytes], *, handles: Handles | None = None, limits: Limits = LIMITS
) -> object:
    """The value that was packed into `frames`; CarryError if they are not from `pack`."""
    if not frames or sum(map(len, frames)) > limits.size:
        raise CarryError(f"A packed value has from 1 frame on and at most {limits.size} bytes.")
    try:
        node = json.loads(bytes(frames[0]))
    except (ValueError, RecursionError) as error:
        raise CarryError(f"The first frame is not JSON ({type(error).__name__}).") from None
    unpacker = Unpacker(list(frames[1:]), handles, limits)
    try:
        return unpacker.value(node)
    except CarryError:
        raise
    except Exception as error:
        # Whatever a library finds wrong with hostile data is the data's fault.
        raise CarryError(f"A value cannot be unpacked: {type(error).__name__}: {error}") from error


class _LimitError(Exception):
    """The value exceeds a limit; nothing of it is packed."""


class Packer:
    """Turns values into nodes: what JSON has is itself, all else is {"k": kind, ...}."""

    def __init__(self, handles: Handles | None, limits: Limits, structure: bool):
        self.handles, self.limits, self.structure = handles, limits, structure
        self.buffers: list[bytes] = []
        self._size = self._entries = self._depth = 0
        self._inside: set[int] = set()

    def node(self, value: object) -> object:
        """The node of a value. Types are compared exactly: a subclass may answer as it likes."""
        self._entries += 1
        if self._entries > self.limits.entries:
            raise _LimitError(f"it holds more than {self.limits.entries:,} values")
        kind = type(value)
        if value is None or kind in (bool, str, float):
            self._count(len(value) if kind is str else 8)
            return value
        if id(value) in self._inside:
            raise _LimitError("it contains itself")
        if self._depth >= self.limits.depth:
            raise _LimitError(f"it is nested more than {self.limits.depth} levels deep")
        self._depth += 1
        self._inside.add(id(value))
        try:
            return self._made(value, kind)
        finally:
            self._inside.discard(id(value))
            self._depth -= 1

    def buffer(self, data: bytes | memoryview) -> int:
        """The number under which the node may name these bytes."""
        self._count(len(data))
        self.buffers.append(bytes(data))
        return len(self.buffers) - 1

    def unknown(self, value: object, why: str) -> dict:
        """A node for what does not cross; `why` completes the sentence "... because `why`"."""
        return _unknown_node(_type_name(value), why)

    def _made(self, value: object, kind: type) -> object:
        from dlcourse.grade.carry import values

        try:
            if kind in values.PACK:
                return values.PACK[kind](value, self)
            if kind is NotCarried:
                return _unknown_node(value.type_name, value.why)
            for library, module in LIBRARIES.items():
                if library in sys.modules:
                    found = import_module(f"{__package__}.{module}").pack_object(value, self)
                    if found is not None:
                        return found
            return self._by_handle(value, kind)
        except _LimitError:
            raise
        except Exception as error:
            return self.unknown(value, f"packing it stopped with {type(error).__name__}")

    def _by_handle(self, value: object, kind: type) -> dict:
        handle = self.handles.handle_of(value) if self.handles else None
        if handle is None:
            return self.unknown(value, "only data crosses, and functions of the notebook")
        # A callable object may claim any name; only text is taken.
        name = getattr(value, "__name__", None)
        name = name[:100] if type(name) is str else _type_name(value)
        shape = "function" if callable(value) else "iterator"
        return {"k": shape, "handle": handle, "name": name}

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self.limits.size:
            raise _LimitError(f"it is larger than {self.limits.size // 2**20} MB")


class Unpacker:
    """Turns nodes into values; CarryError for whatever `Packer` does not make."""

    def __init__(self, buffers: list[bytes], handles: Handles | None, limits: Limits):
        self.buffers, self.handles, self.limits = buffers, handles, limits
        self._entries = self._depth = 0

    def value(self, node: object) -> object:
        self._entries += 1
        if self._entries > self.limits.entries:
            raise CarryError(f"A packed value holds more than {self.limits.entries:,} values.")
        if not isinstance(node, dict):
            if isinstance(node, list):
                raise CarryError("A list has no kind.")
            return node
        kind = node.get("k")
        if self._depth >= self.limits.depth:
            raise CarryError(f"A packed value is nested more than {self.limits.depth} levels deep.")
        self._depth += 1
        try:
            return self._maker(kind)(node)
        finally:
            self._depth -= 1

    def buffer(self, index: object) -> bytes:
        if type(index) is not int or not 0 <= index < len(self.buffers):
            raise CarryError(f"There is no buffer {index!r}.")
        return self.buffers[index]

    def text(self, node: dict, key: str, longest: int = 1000) -> str:
        """The string under `key`; CarryError if there is none, or a longer one."""
        value = node.get(key)
        if type(value) is not str or len(value) > longest:
            raise CarryError(f"A {node.get('k')} needs a string `{key}`.")
        return value

    def count(self, node: dict, key: str) -> int:
        """The number, from 0 on, under `key`."""
        value = node.get(key)
        if type(value) is not int or value < 0:
            raise CarryError(f"A {node.get('k')} needs a number `{key}`.")
        return value

    def items(self, node: dict, key: str = "v") -> list:
        """The list of nodes under `key`, not yet unpacked."""
        value = node.get(key)
        if type(value) is not list:
            raise CarryError(f"A {node.get('k')} needs a list `{key}`.")
        return value

    def _maker(self, kind: object) -> Callable[[dict], object]:
        if kind in ("function", "iterator"):
            return lambda node: self._stand_in(node, kind)
        if kind == "unknown":
            return lambda node: NotCarried(self.text(node, "type"), self.text(node, "why"))
        if type(kind) is not str or kind not in KINDS:
            raise CarryError(f"There is no kind {kind!r:.60}.")
        module = import_module(f"{__package__}.{KINDS[kind]}")
        return lambda node: getattr(module, f"unpack_{kind}")(node, self)

    def _stand_in(self, node: dict, kind: str) -> object:
        if self.handles is None:
            raise CarryError(f"A {kind} has nowhere to stay.")
        return self.handles.value_of(self.count(node, "handle"), kind, self.text(node, "name"))


def _unknown_node(type_name: str, why: str) -> dict:
    return {"k": "unknown", "type": type_name[:100], "why": why[:500]}


def _type_name(value: object) -> str:
    # A metaclass may answer for its class's name; type itself does not ask it.
    name = type.__dict__["__name__"].__get__(type(value))
    return name if type(name) is str else "object"
