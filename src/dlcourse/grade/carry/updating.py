"""Arguments as a student's function left them, put back into the verifier's own objects."""

import sys

import numpy as np


def update(original: object, after: object) -> bool:
    """Gives `original`, in place, the value that its copy has after a call.

    Returns whether that was possible: an array keeps its shape and dtype, a model its layers, and
    a number or a string cannot change at all.
    """
    kind = type(original)
    if kind is not type(after):
        return False
    if kind is np.ndarray:
        return _update_array(original, after)
    if kind is list:
        return _update_list(original, after)
    if kind is dict:
        return _update_dict(original, after)
    if kind is tuple:
        return len(original) == len(after) and all(map(update, original, after))
    if kind in (bool, int, float, str, bytes, type(None)):
        return original == after or original != original
    if "keras" in sys.modules:
        from dlcourse.grade.carry import models

        if models.is_carried(original):
            return models.update(original, after)
    return False


def _update_array(original: np.ndarray, after: np.ndarray) -> bool:
    if original.shape != after.shape or original.dtype != after.dtype:
        return False
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
