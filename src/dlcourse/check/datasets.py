"""Checking datasets: what their batches hold, and how many there are.

    batches = check.dataset(
        check.call(make_dataset, folder.path, 20),
        shape=(20, 150, 150, 3), dtype=np.float32, low=0, high=1, labels=(0, 1),
    )

The same holds for a `tf.data.Dataset`, for one that was carried, and for a generator or list of
batches. TensorFlow is not imported: whoever has a dataset of its has imported it.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from dlcourse.check.arrays import array
from dlcourse.check.core import describe, is_a, is_dataset, is_tensor, readable
from dlcourse.check.failures import CheckFailed

# How the codec begins to say how a dataset came to an end on the student's side.
_STOPPED = "It stopped with "


def dataset(
    value: object,
    what: str = "your dataset",
    *,
    shape: tuple,
    dtype: object = None,
    low: float | None = None,
    high: float | None = None,
    labels: Sequence[int] | None = None,
    label_shape: tuple | None = None,
    batches: int | None = None,
    look: int = 3,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Raises CheckFailed unless `value` gives batches (inputs, labels) of that form.

    shape, dtype, low, high: of the inputs of a batch, as in `check.array`; the first axis is that
        of the samples. The last batch may be smaller.
    labels: the values that labels may have. label_shape: of the labels of a batch; by default there
        has to be one label, or row of labels, per sample.
    batches: how many there are. look: how many are looked at, from the first on (at most 64).

    Returns the batches looked at, as arrays.
    """
    length = _length(value)
    counted = batches if batches is not None and length is None else 0
    # One more tells whether a smaller batch is the last, and whether there are too many.
    found = _first_batches(value, what, max(look, counted) + 1)
    if not found:
        raise CheckFailed(f"{what} has no batches: it ends before the first one.")
    if batches is not None and batches != (len(found) if length is None else length):
        many = {None: f"{len(found)} or more", -1: "endlessly many"}.get(length, length)
        many = len(found) if length is None and len(found) <= counted else many
        raise CheckFailed(f"{what} has {many} batches, but should have {batches}.")
    for number, (inputs, given) in enumerate(found[:look]):
        where, rows = f"batch {number} of {what}", shape[0]
        if inputs.shape == tuple(shape[1:]):
            raise CheckFailed(f"{what} gives single samples: put them together with .batch(...).")
        if rows is not None and number == len(found) - 1 and inputs.shape[:1] < (rows,):
            rows = None
        array(inputs, f"the inputs in {where}", shape=(rows, *shape[1:]), dtype=dtype)
        _check_labels(given, where, len(inputs), labels, label_shape)
    _check_range([inputs for inputs, _ in found[:look]], what, low, high)
    return found[:look]


def _length(value: object) -> int | None:
    """How many batches a dataset says it has, -1 if it does not end; None if that is unknown."""
    length = int(value.cardinality()) if is_dataset(value) else -2
    return None if length == -2 else length


def _first_batches(value: object, what: str, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    if is_tensor(value) or not isinstance(value, Iterable):
        end = ": does the function end with `return ...`?" if value is None else "."
        raise CheckFailed(f"{what} should give batches, but is {describe(value)}{end}")
    try:
        elements = list(islice(value, most))
    except CheckFailed:
        raise
    except Exception as error:
        text = readable(str(error))
        said = text.partition(_STOPPED)[2] or f"{type(error).__name__}: {text}"
        raise CheckFailed(f"{what} stopped with {said[:400]}") from None
    return [_pair(element, what) for element in elements]


def _pair(element: object, what: str) -> tuple[np.ndarray, np.ndarray]:
    if not is_a(element, tuple, list) or len(element) != 2:
        raise CheckFailed(
            f"Each element of {what} should be a pair (inputs, labels), but is {describe(element)}."
        )
    for part, name in zip(element, ("inputs", "labels"), strict=True):
        if not is_tensor(part) and not is_a(part, np.ndarray):
            raise CheckFailed(
                f"The {name} in {what} should be an array or a tensor, but are {describe(part)}."
            )
    return np.asarray(element[0]), np.asarray(element[1])


def _check_labels(
    given: np.ndarray, where: str, rows: int, values: Sequence[int] | None, shape: tuple | None
) -> None:
    if given.shape[:1] != (rows,):
        raise CheckFailed(f"There are {rows} samples in {where}, but labels of {given.shape}.")
    if shape is not None:
        array(given, f"the labels in {where}", shape=(rows, *shape[1:]))
    strange = [] if values is None else np.setdiff1d(given, values)
    if len(strange):
        known = ", ".join(map(str, values))
        raise CheckFailed(f"The labels in {where} should be among {known}; one is {strange[0]}.")


def _check_range(
    inputs: list[np.ndarray], what: str, low: float | None, high: float | None
) -> None:
    everything = np.concatenate([batch.ravel() for batch in inputs])
    largest = everything.max(initial=0)
    if high == 1 and largest > 1 and largest <= 255:
        raise CheckFailed(f"The inputs in {what} go up to {largest}: rescale them to [0, 1].")
    if high == 1 and 0 < largest <= 1.01 / 255:
        raise CheckFailed(
            f"The inputs in {what} go up to {largest:.4f} only. Are they divided by 255 twice?"
        )
    array(everything, f"the inputs in {what}", low=low, high=high)
