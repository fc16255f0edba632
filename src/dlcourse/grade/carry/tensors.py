"""TensorFlow's tensors, variables, specs and datasets."""

import sys
from collections.abc import Iterator

import numpy as np

from dlcourse.grade.carry.packing import CarryError, Packer, Unpacker, derives
from dlcourse.grade.carry.values import dtype_tag, known_dtype, pack_entries, unpack_entries

# Variables of Keras, and of TensorFlow itself.
_KERAS, _TENSORFLOW = "keras", "tensorflow"


def pack_object(value: object, packer: Packer) -> dict | None:
    """The node of a tensor, a variable, a spec or a dataset; None for anything else."""
    import tensorflow as tf

    kind = type(value)
    if kind is _eager_tensor():
        return _pack_tensor(value, packer)
    if kind is tf.TensorSpec:
        return _pack_spec(value, packer)
    if origin := _variable_origin(kind):
        return {
            "k": "variable",
            "of": origin,
            "name": packer.text(value.name.partition(":")[0]),
            "trainable": bool(value.trainable),
            "v": packer.node(tf.convert_to_tensor(value)),
        }
    return _pack_dataset(value, packer) if is_dataset(value) else None


def is_dataset(value: object) -> bool:
    """Whether `value` is a dataset; nothing that is done with one changes it."""
    import tensorflow as tf

    return derives(type(value), tf.data.Dataset)


def is_variable(value: object) -> bool:
    """Whether `value` is a variable, of TensorFlow or Keras, that crosses."""
    return _variable_origin(type(value)) is not None


def update_variable(original: object, after: object) -> bool:
    """Gives a variable the value and the flag of another; whether that is possible."""
    if original.shape != after.shape or original.dtype != after.dtype:
        return False
    original.assign(after)
    if original.trainable != after.trainable:
        if _variable_origin(type(original)) != _KERAS:
            return False
        original.trainable = after.trainable
    return True


def unpack_tensor(node: dict, unpacker: Unpacker) -> object:
    import tensorflow as tf

    name = unpacker.text(node, "dtype", 40)
    if name == "string":
        return tf.constant(_unpack_strings(node, unpacker), tf.string)
    dtype = known_dtype(name)
    if dtype.kind in "SUMm":
        raise CarryError(f"There are no tensors of dtype {name}.")
    return tf.constant(unpack_entries(node, dtype, unpacker))


def unpack_variable(node: dict, unpacker: Unpacker) -> object:
    import tensorflow as tf

    value, name = unpacker.value(node.get("v")), unpacker.text(node, "name")
    trainable, origin = node.get("trainable"), node.get("of")
    if type(value) is not _eager_tensor() or type(trainable) is not bool:
        raise CarryError("A variable has a tensor as its value, and is trainable or not.")
    if origin == _TENSORFLOW:
        return tf.Variable(value, trainable=trainable, name=name)
    if origin == _KERAS:
        import keras

        return keras.Variable(value, dtype=value.dtype.name, trainable=trainable, name=name)
    raise CarryError(f"There are no variables of {origin!r:.60}.")


def unpack_spec(node: dict, unpacker: Unpacker) -> object:
    import tensorflow as tf

    shape, name = node.get("shape"), unpacker.value(node.get("name"))
    if shape is not None:
        shape = unpacker.items(node, "shape")
        if len(shape) > 64 or any(_is_no_length(length) for length in shape):
            raise CarryError("A spec's shape is a list of lengths.")
    if name is not None and type(name) is not str:
        raise CarryError("A spec's name is a text.")
    return tf.TensorSpec(shape, tf.as_dtype(unpacker.text(node, "dtype", 40)), name)


def unpack_dataset(node: dict, unpacker: Unpacker) -> object:
    import tensorflow as tf

    spec = unpacker.value(node.get("spec"))
    if not _is_plain_spec(spec):
        raise CarryError("A dataset's elements are tensors.")
    length, why = node.get("length"), unpacker.value(node.get("why"))
    if type(length) is not int or not -2 <= length < 2**62 or type(why) not in (str, type(None)):
        raise CarryError("A dataset has a length, and ends or says why not.")
    elements = [unpacker.value(part) for part in unpacker.items(node)]
    if not all(_fits(element, spec) for element in elements):
        raise CarryError("A dataset's elements are as its spec says.")
    dataset = tf.data.Dataset.from_generator(lambda: _replay(elements, why), output_signature=spec)
    if length != tf.data.UNKNOWN_CARDINALITY:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(length))
    dataset._carried = elements, why
    return dataset


def _pack_tensor(value: object, packer: Packer) -> dict:
    tag = _tag(value.dtype)
    if tag is None:
        return packer.unknown(value, f"its entries are of type {value.dtype.name}")
    if tag == "string":
        # An array of objects: NumPy's own strings would lose zeros at the end.
        parts = _pack_strings(np.asarray(value.numpy(), object), packer)
    else:
        parts = pack_entries(np.asarray(value.numpy()), packer)
    return {"k": "tensor", "dtype": tag, **parts}


def _pack_strings(entries: np.ndarray, packer: Packer) -> dict:
    texts = list(entries.ravel())
    lengths = np.array([len(text) for text in texts], np.int64)
    packer.reserve(int(lengths.sum()))
    return {
        "shape": list(entries.shape),
        "lengths": packer.node(lengths),
        "b": packer.buffer(b"".join(texts), reserved=True),
    }


def _unpack_strings(node: dict, unpacker: Unpacker) -> np.ndarray:
    lengths, data = unpacker.value(node.get("lengths")), unpacker.buffer(node.get("b"))
    if type(lengths) is not np.ndarray or lengths.dtype != np.int64 or lengths.ndim != 1:
        raise CarryError("The lengths of strings are a row of int64.")
    if len(lengths) > unpacker.limits.entries or (lengths < 0).any():
        raise CarryError("There are too many strings, or one has no length.")
    ends = np.cumsum(lengths)
    if (int(ends[-1]) if len(ends) else 0) != len(data):
        raise CarryError("The lengths of strings do not fit.")
    entries = np.empty(len(lengths), object)
    entries[:] = [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return entries.reshape(unpacker.items(node, "shape"))


def _pack_spec(value: object, packer: Packer) -> dict:
    shape = None if value.shape.rank is None else value.shape.as_list()
    name = packer.node(value.name)
    return {"k": "spec", "shape": shape, "dtype": value.dtype.name, "name": name}


def _pack_dataset(value: object, packer: Packer) -> dict:
    spec = value.element_spec
    if not _is_plain_spec(spec):
        return packer.unknown(value, "its elements are not tensors in tuples or dicts")
    # One that was carried before has the same frames again, and is not read for them.
    if carried := vars(value).get("_carried"):
        elements, why = carried
        elements = [packer.node(element) for element in elements]
    else:
        elements, why = _leading(value, packer)
    length = int(value.cardinality())
    return {
        "k": "dataset",
        "spec": packer.node(spec),
        "length": length,
        "v": elements,
        "why": packer.node(why),
    }


def _leading(dataset: object, packer: Packer) -> tuple[list, str | None]:
    """Nodes of the first elements, and why there are no more; None if the dataset ends there."""
    import tensorflow as tf

    nodes, start, enough = [], packer.size, packer.limits.size // 4
    try:
        for element in dataset:
            if len(nodes) == packer.limits.batches or packer.size - start >= enough:
                said = "element" if len(nodes) == 1 else f"{len(nodes)} elements"
                return nodes, f"While grading, only the first {said} of a dataset can be read."
            nodes.append(packer.node(element))
    except tf.errors.OpError as error:
        return nodes, f"It stopped with {type(error).__name__}: {str(error)[:400]}"
    return nodes, None


def _replay(elements: list, why: str | None) -> Iterator[object]:
    yield from elements
    if why is not None:
        raise RuntimeError(why)


def _is_plain_spec(spec: object) -> bool:
    import tensorflow as tf

    if type(spec) is tuple:
        return all(map(_is_plain_spec, spec))
    if type(spec) is dict:
        return all(map(_is_plain_spec, spec.values()))
    return type(spec) is tf.TensorSpec and _tag(spec.dtype) is not None


def _fits(element: object, spec: object) -> bool:
    if type(element) is not type(spec):
        return type(element) is _eager_tensor() and spec.is_compatible_with(element)
    if type(spec) is tuple:
        return len(element) == len(spec) and all(map(_fits, element, spec))
    return element.keys() == spec.keys() and all(_fits(element[key], spec[key]) for key in spec)


def _variable_origin(kind: type) -> str | None:
    from tensorflow.python.ops.resource_variable_ops import ResourceVariable

    if kind is ResourceVariable:
        return _TENSORFLOW
    keras = sys.modules.get("keras")
    return _KERAS if keras and kind is keras.Variable else None


def _eager_tensor() -> type:
    import tensorflow as tf

    return tf.__internal__.EagerTensor


def _tag(dtype: object) -> str | None:
    """The name under which a tensor's dtype crosses; None if it does not."""
    import tensorflow as tf

    if dtype == tf.string:
        return "string"
    known = dtype.name not in ("resource", "variant") and np.dtype(dtype.as_numpy_dtype)
    return dtype_tag(known) if known else None


def _is_no_length(length: object) -> bool:
    return length is not None and (type(length) is not int or not 0 <= length < 2**62)
