"""Figures: they cross as the records that tests read."""

import numpy as np

from dlcourse.check.records import Axes, Figure, Line, record_of
from dlcourse.grade.carry.packing import CarryError, Packer, Unpacker

# Each text or tuple of a record, and what it consists of.
_TEXTS = ("title", "xlabel", "ylabel")
_COUNTS = ("bars", "images")


def pack_object(value: object, packer: Packer) -> dict | None:
    """The node of a live figure or axes; None for anything else."""
    record = record_of(value)
    return None if record is None else pack_record(record, packer)


def pack_record(record: Figure | Axes, packer: Packer) -> dict:
    """The node of what `check.figure` reads."""
    if type(record) is Figure:
        axes = [packer.node(axes) for axes in record.axes]
        return {"k": "figure", "title": packer.node(record.title), "v": axes}
    return {
        "k": "axes",
        "lines": [
            [packer.node(part) for part in (line.label, line.x, line.y)] for line in record.lines
        ],
        **{
            name: packer.node(getattr(record, name))
            for name in (*_TEXTS, "legend", "xticks", "yticks", *_COUNTS)
        },
    }


def unpack_figure(node: dict, unpacker: Unpacker) -> Figure:
    axes = tuple(unpacker.value(part) for part in unpacker.items(node))
    if any(type(part) is not Axes for part in axes):
        raise CarryError("A figure consists of axes.")
    return Figure(_part(node, "title", str, unpacker), axes)


def unpack_axes(node: dict, unpacker: Unpacker) -> Axes:
    return Axes(
        lines=tuple(_line(parts, unpacker) for parts in unpacker.items(node, "lines")),
        legend=_tuple(node, "legend", str, unpacker),
        xticks=_tuple(node, "xticks", float, unpacker),
        yticks=_tuple(node, "yticks", float, unpacker),
        **{name: _part(node, name, str, unpacker) for name in _TEXTS},
        **{name: _part(node, name, int, unpacker) for name in _COUNTS},
    )


def _line(parts: object, unpacker: Unpacker) -> Line:
    if type(parts) is not list or len(parts) != 3:
        raise CarryError("A line has a label, and x and y of its points.")
    label, x, y = map(unpacker.value, parts)
    if type(label) is not str or not (_is_row(x) and _is_row(y) and x.shape == y.shape):
        raise CarryError("A line's points are two rows of floats.")
    return Line(label, x, y)


def _is_row(value: object) -> bool:
    return type(value) is np.ndarray and value.ndim == 1 and value.dtype == np.float64


def _part(node: dict, key: str, kind: type, unpacker: Unpacker) -> object:
    value = unpacker.value(node.get(key))
    if type(value) is not kind:
        raise CarryError(f"The {key} of a figure is of type {kind.__name__}.")
    return value


def _tuple(node: dict, key: str, kind: type, unpacker: Unpacker) -> tuple:
    value = _part(node, key, tuple, unpacker)
    if any(type(item) is not kind for item in value):
        raise CarryError(f"The {key} of a figure consists of {kind.__name__}s.")
    return value
