"""Packing values into frames and unpacking them: the format, its limits, and the list of kinds."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from dlcourse.check.carried import NotCarried

# Bytes of the first frame: parsed JSON takes up to forty times its length.
MOST_HEAD = 8 * 2**20
# Buffers of one value; each is a frame of its own.
MOST_BUFFERS = 50_000
# Characters of a string, or bytes, that are part of the first frame; longer ones are a buffer.
LONGEST_INLINE = 1000

# Kind of a node -> the module here that unpacks it, with a function `unpack_KIND(node, unpacker)`.
KINDS = {
    **dict.fromkeys(
        ("text", "nan", "complex", "bytes", "list", "tuple", "set", "frozenset", "dict")
        + ("array", "scalar", "dtype", "range", "slice", "ellipsis", "path"),
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
    dataset, which are carried from its beginning (and from a quarter of `size` on, no more).
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
        head = _json(packer.node(value))
    except Exception as error:
        return _unknown_frames(value, f"packing it stopped with {type(error).__name__}")
    size = len(head) + sum(map(len, packer.buffers))
    if len(head) > MOST_HEAD or size > limits.size:
        return _unknown_frames(value, "with all that it holds, it is too large")
    return [head, *packer.buffers]


def unpack(
    frames: Sequence[bytes], *, handles: Handles | None = None, limits: Limits = LIMITS
) -> object:
    """The value that was packed into `frames`; CarryError if they are not from `pack`."""
    if not frames or sum(map(len, frames)) > limits.size:
        raise CarryError(f"A packed value has from 1 frame on and at most {limits.size} bytes.")
    if len(frames[0]) > MOST_HEAD:
        raise CarryError(f"The first frame has at most {MOST_HEAD} bytes.")
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
        reason = f"{type(error).__name__}: {error}"[:500]
        raise CarryError(f"A value cannot be unpacked: {reason}") from error


class _LimitError(Exception):
    """The value exceeds a limit; the message says which, as "... because `message`"."""


class Packer:
    """Turns values into nodes: what JSON has is itself, all else is {"k": kind, ...}."""

    def __init__(self, handles: Handles | None, limits: Limits, structure: bool):
        self.handles, self.limits, self.structure = handles, limits, structure
        self.buffers: list[bytes] = []
        # What a node has said already and another need not repeat: the contents of a folder.
        self.said: set[str] = set()
        self._size = self._head = self._entries = self._depth = 0
        self._inside: set[int] = set()

    @property
    def size(self) -> int:
        """Bytes of what is packed so far, roughly."""
        return self._size

    def node(self, value: object) -> object:
        """The node of a value.

        Types are compared by identity: a subclass may answer as it likes, and so may the class of
        a class. What exceeds a limit crosses as nothing but a sentence; an entry of the outermost
        container does so by itself, and the others cross.
        """
        self._entries += 1
        if self._entries > self.limits.entries:
            raise _LimitError(f"it holds more than {self.limits.entries:,} values")
        self._inline(8)
        if self._depth > 1:
            return self._node(value, type(value))
        before = self._entries, self._size, self._head, len(self.buffers), set(self.said)
        try:
            return self._node(value, type(value))
        except _LimitError as too_much:
            self._entries, self._size, self._head, kept, self.said = before
            del self.buffers[kept:]
            return self.unknown(value, str(too_much))

    def text(self, value: str) -> str:
        """Counts a text that is part of the node."""
        self._inline(len(value) if value.isascii() else 6 * len(value))
        return value

    def reserve(self, size: int) -> None:
        """Counts `size` bytes before they are copied; what is too large ends here."""
        self._size += size
        if self._size > self.limits.size:
            raise _LimitError(f"it is larger than {_readable(self.limits.size)}")

    def buffer(self, data: bytes, *, reserved: bool = False) -> int:
        """The number under which the node may name these bytes."""
        if not reserved:
            self.reserve(len(data))
        if len(self.buffers) >= MOST_BUFFERS:
            raise _LimitError(f"it holds more than {MOST_BUFFERS:,} arrays")
        self.buffers.append(bytes(data))
        return len(self.buffers) - 1

    def unknown(self, value: object, why: str) -> dict:
        """A node for what does not cross; `why` completes the sentence "... because `why`"."""
        return _unknown_node(_type_name(value), why)

    def _node(self, value: object, kind: type) -> object:
        if value is None or kind is bool:
            return value
        if id(value) in self._inside:
            raise _LimitError("it contains itself")
        if self._depth >= self.limits.depth:
            raise _LimitError(f"it is nested more than {self.limits.depth} levels deep")
        self._depth += 1
        self._inside.add(id(value))
        kept = len(self.buffers)
        try:
            node = self._made(value, kind)
        except _LimitError:
            raise
        except Exception as error:
            node = self.unknown(value, f"packing it stopped with {type(error).__name__}")
        finally:
            self._inside.discard(id(value))
            self._depth -= 1
        if type(node) is dict and node["k"] == "unknown":
            del self.buffers[kept:]
        return node

    def _inline(self, size: int) -> None:
        # Punctuation and the names of a node's parts take their space, too.
        self._head += size + 24
        if self._head > MOST_HEAD:
            raise _LimitError("it holds too many values")
        self.reserve(size)

    def _made(self, value: object, kind: type) -> object:
        from dlcourse.grade.carry import values

        if make := values.packer_of(kind):
            return make(value, self)
        if kind is NotCarried:
            if not type(value.type_name) is type(value.why) is str:
                raise TypeError
            return _unknown_node(value.type_name, value.why)
        for library, module in LIBRARIES.items():
            if library in sys.modules:
                found = import_module(f"{__package__}.{module}").pack_object(value, self)
                if found is not None:
                    return found
        return self._by_handle(value, kind)

    def _by_handle(self, value: object, kind: type) -> dict:
        shape = "function" if callable(value) else "iterator" if _is_iterator(kind) else None
        handle = self.handles.handle_of(value) if shape and self.handles else None
        if handle is None:
            return self.unknown(value, _why_not(kind))
        # A callable object may claim any name; only text is taken.
        name = getattr(value, "__name__", None)
        name = name[:100] if type(name) is str else _type_name(value)
        return {"k": shape, "handle": handle, "name": name}


class Unpacker:
    """Turns nodes into values; CarryError for whatever `Packer` does not make."""

    def __init__(self, buffers: list[bytes], handles: Handles | None, limits: Limits):
        self.buffers, self.handles, self.limits = buffers, handles, limits
        self._entries = self._depth = self._taken = 0

    def value(self, node: object) -> object:
        """What a node stands for."""
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
        """The bytes that a node names; CarryError if there are none."""
        if type(index) is not int or not 0 <= index < len(self.buffers):
            raise CarryError(f"There is no buffer {index!r:.60}.")
        # Many nodes may name one buffer, and each makes a copy of it.
        self._taken += len(self.buffers[index])
        if self._taken > self.limits.size:
            raise CarryError(f"A packed value is larger than {_readable(self.limits.size)}.")
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


def _unknown_frames(value: object, why: str) -> list[bytes]:
    return [_json(_unknown_node(_type_name(value), why))]


def _json(node: object) -> bytes:
    return json.dumps(node, separators=(",", ":")).encode()


def _unknown_node(type_name: str, why: str) -> dict:
    return {"k": "unknown", "type": type_name[:100], "why": why[:500]}


def _why_not(kind: type) -> str:
    from dlcourse.grade.carry import values

    for base in bases(kind)[1:-1]:
        if values.packer_of(base):
            return f"it is a class derived from {base.__name__}, and only plain ones cross"
    return "only data crosses, and functions of the notebook"


def _is_iterator(kind: type) -> bool:
    return any("__next__" in type.__dict__["__dict__"].__get__(base) for base in bases(kind))


def derives(kind: type, base: type) -> bool:
    """Whether `kind` is `base` or derives from it, whatever it claims."""
    return any(one is base for one in bases(kind))


def bases(kind: type) -> tuple[type, ...]:
    """The class and those it derives from. `type` itself tells: the class of a class may lie."""
    return type.__dict__["__mro__"].__get__(kind)


def _type_name(value: object) -> str:
    name = type.__dict__["__name__"].__get__(type(value))
    return name if type(name) is str else "object"


def _readable(size: int) -> str:
    return f"{size // 2**20} MB" if size >= 2**20 else f"{size} bytes"
