"""Arguments as a student's function left them, put back into the verifier's own objects."""

import sys

import numpy as np

from dlcourse.grade.carry.packing import pack


def update(original: object, after: object) -> bool:
    """Gives `original`, in place, the value that its copy has after a call.

    Returns whether that was possible: an array keeps its shape and dtype, a model its layers, and
    what cannot change, such as a number or a string, has to be what it was.
    """
    kind = type(original)
    if original is after or _are_datasets(original, after):
        return True
    if kind is not type(after):
        return False
    if kind is np.ndarray:
        return _update_array(original, after)
    if kind is list:
        return _update_list(original, after)
    if kind is dict:
        return _update_dict(original, after)
    if kind is set:
        original.clear()
        original.update(after)
        return True
    if kind is tuple:
        return len(original) == len(after) and all(map(update, original, after))
    if "keras" in sys.modules:
        from dlcourse.grade.carry import models

        if models.is_carried(original):
            return models.update(original, after)
    if "tensorflow" in sys.modules:
        from dlcourse.grade.carry import tensors

        if tensors.is_variable(original):
            return tensors.update_variable(original, after)
    # The same value always has the same frames. A function or an iterator stays what it is.
    return pack(original) == pack(after)


def _are_datasets(original: object, after: object) -> bool:
    if "tensorflow" not in sys.modules:
        return False
    from dlcourse.grade.carry import tensors

    # Their classes differ by how they were made; nothing that is done with one changes it.
    return tensors.is_dataset(original) and tensors.is_dataset(after)


def _update_array(original: np.ndarray, after: np.ndarray) -> bool:
    if original.shape != after.shape or original.dtype != after.dtype:
        return False
    if not original.flags.writeable:
        return original.tobytes() == after.tobytes()
    original[...] = after
    return True


def _update_list(original: list, after: list) -> bool:
    # What can be changed in place keeps its identity; the rest is replaced.
    merged = [
        old if index < len(original) and update(old := original[index], new) else new
        for index, new in enumerate(after)
    ]
    original[:] = merged
    return True


def _update_dict(original: dict, after: dict) -> bool:
    merged = {
        key: original[key] if key in original and update(original[key], new) else new
        for key, new in after.items()
    }
    original.clear()
    original.update(merged)
    return True
