"""Comparing values: type first, then shape, then dtype, then the first entry that differs."""

import numpy as np

from dlcourse.check.core import NUMBERS, describe, is_a, is_tensor
from dlcourse.check.failures import CheckFailed

_RETURN = "does the function end with `return ...`?"


def equal(
    actual: object,
    expected: object,
    what: str,
    *,
    tol: float = 1e-5,
    dtype: object = None,
    mistakes: dict[str, object] | None = None,
) -> None:
    """Raises CheckFailed unless `actual` is `expected`, and says how it is not.

    what: names the value in the message, such as "relu(x)".
    tol: relative and absolute, for floating-point values; integers must be equal.
    dtype: what an array's dtype must be or be a kind of (`np.floating`); by default `expected`'s.
    mistakes: sentence -> the value that this mistake gives. If a wrong `actual` has that value (its
        dtype aside), the sentence is the message.

    `expected` is an array, a number, a bool, a string, None, or a list, tuple or dict of those. A
    list may stand for a tuple, a NumPy number for a Python number. NaN equals NaN.
    """
    fault = _fault(actual, expected, what, tol, dtype)
    if fault is None:
        return
    for sentence, wrong in (mistakes or {}).items():
        # A mistake that makes no difference here is not what is wrong.
        matters = _fault(wrong, expected, what, tol, np.generic) is not None
        if matters and _fault(actual, wrong, what, tol, np.generic) is None:
            raise CheckFailed(f"{what}: {sentence}")
    raise CheckFailed(fault)


def array(
    value: object,
    what: str,
    *,
    shape: tuple | None = None,
    dtype: object = None,
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Raises CheckFailed unless `value` is an array of that form, with entries in [low, high].

    A None inside `shape` stands for any length; `dtype` may be a kind such as `np.floating`.
    """
    fault = (
        _type_fault(value, what)
        or _shape_fault(value, shape, what)
        or _dtype_fault(value, dtype, what)
        or _range_fault(value, low, high, what)
    )
    if fault:
        raise CheckFailed(fault)


def _fault(actual: object, expected: object, what: str, tol: float, dtype: object) -> str | None:
    """What is wrong with `actual`, as a sentence, or None."""
    if is_a(expected, np.ndarray):
        return (
            _type_fault(actual, what)
            or _shape_fault(actual, expected.shape, what)
            or _dtype_fault(actual, expected.dtype if dtype is None else dtype, what)
            or _values_fault(actual, expected, what, tol)
        )
    if is_a(expected, list, tuple):
        return _sequence_fault(actual, expected, what, tol, dtype)
    if is_a(expected, dict):
        return _dict_fault(actual, expected, what, tol, dtype)
    if is_a(expected, str, type(None)):
        return _plain_fault(actual, expected, what)
    return _number_fault(actual, expected, what, tol)


def _type_fault(actual: object, what: str) -> str | None:
    if is_a(actual, np.ndarray):
        return None
    message = f"{what} should be a NumPy array, but is {describe(actual)}"
    if actual is None:
        return f"{message}: {_RETURN}"
    if is_tensor(actual):
        return f"{message}. Its .numpy() method gives the array."
    if is_a(actual, list, tuple):
        return f"{message}. np.array(...) makes an array of it."
    if isinstance(actual, np.ndarray):
        return f"{message}. np.asarray(...) makes a plain array of it."
    return f"{message}."


def _shape_fault(actual: np.ndarray, shape: tuple | None, what: str) -> str | None:
    if shape is None or (
        actual.ndim == len(shape)
        and all(want in (None, have) for have, want in zip(actual.shape, shape, strict=True))
    ):
        return None
    wanted = str(tuple("any" if want is None else want for want in shape)).replace("'", "")
    message = f"{what} has shape {actual.shape}, but should have shape {wanted}."
    if actual.ndim != len(shape):
        return f"{message} That is rank {actual.ndim} where rank {len(shape)} is expected."
    if actual.shape == shape[::-1]:
        return f"{message} The axes are the other way round."
    return message


def _dtype_fault(actual: np.ndarray, dtype: object, what: str) -> str | None:
    if dtype is None or np.issubdtype(actual.dtype, dtype):
        return None
    name = dtype.__name__ if isinstance(dtype, type) else np.dtype(dtype).name
    message = f"{what} has dtype {actual.dtype}, but should have dtype {name}."
    if isinstance(dtype, type) and dtype.__subclasses__():
        return message
    return f'{message} .astype("{name}") gives a converted copy.'


def _values_fault(actual: np.ndarray, expected: np.ndarray, what: str, tol: float) -> str | None:
    if actual.dtype.kind not in "biufc":
        return f"{what} holds entries of type {actual.dtype}, but should hold numbers."
    differ = _different(actual, expected, tol)
    count = int(differ.sum())
    if not count:
        return None
    place = tuple(int(index) for index in np.argwhere(differ)[0])
    yours, wanted = actual[place], expected[place]
    if not place:
        return f"{what} is {yours}, but should be {wanted}."
    share = "every entry differs" if count == differ.size else f"{count} of {differ.size} differ"
    return (
        f"{what} has the right shape {actual.shape}, but not the right entries ({share}). "
        f"The first is at {list(place)}: yours is {yours}, expected is {wanted}."
    )


def _different(actual: np.ndarray, expected: np.ndarray, tol: float) -> np.ndarray:
    """A bool array: where the two, of equal shape, differ."""
    if actual.dtype.kind in "biu" and expected.dtype.kind in "biu":
        return np.not_equal(actual, expected)
    with np.errstate(all="ignore"):
        wide = np.result_type(actual, expected, np.float64)
        return ~np.isclose(
            actual.astype(wide), expected.astype(wide), rtol=tol, atol=tol, equal_nan=True
        )


def _range_fault(value: np.ndarray, low: float | None, high: float | None, what: str) -> str | None:
    if (low is None and high is None) or not value.size:
        return None
    if value.dtype.kind not in "biuf":
        return f"{what} holds entries of type {value.dtype}, but should hold real numbers."
    if np.isnan(value).any():
        return f"{what} holds NaN (not a number) in {int(np.isnan(value).sum())} places."
    smallest, largest = value.min(), value.max()
    if low is not None and smallest < low:
        return f"{what} goes down to {smallest}, but should not go below {low}."
    if high is not None and largest > high:
        return f"{what} goes up to {largest}, but should not go above {high}."
    return None


def _number_fault(actual: object, expected: object, what: str, tol: float) -> str | None:
    wanted = np.asarray(expected)
    kinds, noun = {
        "b": ("b", "True or False"),
        "i": ("iu", "an integer"),
        "u": ("iu", "an integer"),
        "f": ("iuf", "a number"),
    }[wanted.dtype.kind]
    if type(actual) is np.ndarray and actual.ndim == 0:
        actual = actual[()]
    if not is_a(actual, *NUMBERS):
        if is_tensor(actual):
            return f"{what} should be {noun}, but is a TensorFlow tensor: float(...) converts it."
        end = f": {_RETURN}" if actual is None else "."
        return f"{what} should be {noun}, but is {describe(actual)}{end}"
    have = np.asarray(actual)
    if have.dtype.kind not in kinds:
        return f"{what} should be {noun}, but is {actual} (type {type(actual).__name__})."
    if _different(have, wanted, tol):
        return f"{what} is {actual}, but should be {expected}."
    return None


def _plain_fault(actual: object, expected: str | None, what: str) -> str | None:
    if is_a(actual, str, np.str_, type(None)) and actual == expected:
        return None
    return f"{what} is {describe(actual)}, but should be {describe(expected)}."


def _sequence_fault(
    actual: object, expected: list | tuple, what: str, tol: float, dtype: object
) -> str | None:
    kind = type(expected).__name__
    if not is_a(actual, list, tuple):
        end = f": {_RETURN}" if actual is None else "."
        return f"{what} should be a {kind}, but is {describe(actual)}{end}"
    if len(actual) != len(expected):
        return f"{what} has {len(actual)} entries, but should have {len(expected)}."
    for index, (one, other) in enumerate(zip(actual, expected, strict=True)):
        if fault := _fault(one, other, f"{what}[{index}]", tol, dtype):
            return fault
    return None


def _dict_fault(actual: object, expected: dict, what: str, tol: float, dtype: object) -> str | None:
    if not is_a(actual, dict):
        end = f": {_RETURN}" if actual is None else "."
        return f"{what} should be a dict, but is {describe(actual)}{end}"
    for key, wanted in expected.items():
        # `in` would ask the hash and == of a student's key only on a hash collision with ours.
        if key not in actual:
            return f"{what} has no entry {key!r}; it should have {', '.join(map(repr, expected))}."
        if fault := _fault(actual[key], wanted, f"{what}[{key!r}]", tol, dtype):
            return fault
    if len(actual) > len(expected):
        return f"{what} has {len(actual)} entries, but should have {len(expected)}."
    return None
