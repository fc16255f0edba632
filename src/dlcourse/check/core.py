"""Exercises, calls and conditions: what every check is made of.

Nothing here trusts a student's object: types are compared exactly, and no `==`, `repr` or
truth value of an unknown class is asked for.
"""

import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dlcourse.check.carried import NotCarried
from dlcourse.check.failures import ArgumentChanged, CheckFailed, NotStarted

# NumPy's own scalar classes. A student's subclass of one is not among them.
NUMPY_SCALARS = frozenset(np.sctypeDict.values())

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_COURSE = str(Path(__file__).parents[1])
_LIBRARIES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")})

_results: dict[str, str] = {}
_structure_only = False


@contextmanager
def exercise(name: str, praise: str = "") -> Iterator[None]:
    """Runs the checks of the exercise `name`; prints one line if all of them hold.

    Whatever goes wrong inside becomes a CheckFailed that opens with the exercise's name, and the
    outcome is remembered for `results`.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        failure = error if isinstance(error, CheckFailed) else _failure(error)
        _results[name] = failure.status
        mark = "⬜" if isinstance(failure, NotStarted) else "❌"
        raise type(failure)(f"{mark} {name}: {failure}") from None
    _results[name] = "passed"
    print(f"✅ {name}: {praise}" if praise else f"✅ {name}")


def results() -> dict[str, str]:
    """Exercise name -> "passed", "failed" or "not started": what the last check of each said.

    Only exercises that were checked in this process are in it.
    """
    return dict(_results)


def that(condition: bool, message: str) -> None:
    """Raises CheckFailed(message) unless `condition`, a Python or NumPy bool, is true."""
    if type(condition) not in (bool, np.bool_):
        raise TypeError(f"A condition must be a bool, not {describe(condition)}.")
    if not condition:
        raise CheckFailed(message)


def call(function: Callable, *args: object, **kwargs: object) -> object:
    """What `function` returns for copies of the arguments.

    Arrays are copied, also inside lists, tuples and dicts. Raises CheckFailed if `function` is not
    callable, raises, or changes an argument; NotStarted if its scaffold has not been filled in.
    """
    if not callable(function):
        raise CheckFailed(
            f"A function is expected here, but your answer is {describe(function)}. "
            "Define it with `def`, and do not give its name to anything else."
        )
    name = getattr(function, "__name__", "your function")
    own_args, own_kwargs = _copied(args), _copied(kwargs)
    try:
        result = function(*own_args, **own_kwargs)
    except CheckFailed:
        raise
    except (Exception, SystemExit) as error:
        shown = [describe(value) for value in args]
        shown += [f"{key}={describe(value)}" for key, value in kwargs.items()]
        where = f"{name}({', '.join(shown)})"
        raise _failure(error, where, caller=sys._getframe(1).f_code.co_filename) from None
    for index, (before, after) in enumerate(zip(args, own_args, strict=True)):
        if not _same(before, after):
            label = _ORDINALS[index] if index < len(_ORDINALS) else f"{index + 1}th"
            raise _changed(name, f"{label} argument", before, after)
    for key, before in kwargs.items():
        if not _same(before, own_kwargs[key]):
            raise _changed(name, f"argument `{key}`", before, own_kwargs[key])
    return result


def raises(error: type[Exception], function: Callable, *args: object, why: str) -> None:
    """Raises CheckFailed unless `function`, called on copies of `args`, raises `error`.

    why: the reason for it, as in "... should raise ValueError (the shapes differ)".
    """
    where = f"{getattr(function, '__name__', 'your function')}({', '.join(map(describe, args))})"
    wanted = f"{where} should raise {error.__name__} ({why}), but"
    try:
        result = function(*_copied(args))
    except error:
        return
    except CheckFailed:
        raise
    except (Exception, SystemExit) as other:
        raise _failure(other, wanted, caller=sys._getframe(1).f_code.co_filename) from None
    raise CheckFailed(f"{wanted} returns {describe(result)}.")


@contextmanager
def structure() -> Iterator[None]:
    """Says that only the structure of models matters inside: layers, shapes, counts and flags.

    While grading, models then cross to and from the student's process without their weights, which
    for a large base is most of the time that a test takes. Elsewhere it changes nothing.
    """
    global _structure_only
    before, _structure_only = _structure_only, True
    try:
        yield
    finally:
        _structure_only = before


def structure_only() -> bool:
    """Whether a test has said, by `structure`, that it does not need the weights of models."""
    return _structure_only


@contextmanager
def hint(sentence: str) -> Iterator[None]:
    """Adds `sentence` to whatever check fails inside: what such a failure most often comes from."""
    try:
        yield
    except (NotStarted, ArgumentChanged):
        raise
    except CheckFailed as failure:
        raise CheckFailed(f"{failure}\n   Hint: {sentence}") from None


def describe(value: object) -> str:
    """A few words for `value`, safe for any object: "a float32 array of shape (2, 3)"."""
    kind = type(value)
    if value is None or kind is bool or kind in (int, float) or kind in NUMPY_SCALARS:
        return str(value)
    if kind is str:
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if kind is np.ndarray:
        article = "an" if value.dtype.name[0] in "aeio" else "a"
        return f"{article} {value.dtype} array of shape {value.shape}"
    if kind is NotCarried:
        return repr(value)
    if isinstance(value, np.dtype):
        return f"the dtype {value.name}"
    if kind in (list, tuple, dict, set):
        return f"a {kind.__name__} with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if is_tensor(value):
        return "a TensorFlow tensor"
    if callable(value) and _is_of_keras(value):
        return f"a Keras {kind.__name__}"
    if callable(value):
        return f"the function `{getattr(value, '__name__', kind.__name__)}`"
    return f"an object of type {kind.__name__}"


def is_tensor(value: object) -> bool:
    """Whether `value` comes from TensorFlow or Keras; told without importing either."""
    # Models and layers have a dtype as well, but they can be called.
    return _is_of_keras(value) and hasattr(value, "dtype") and not callable(value)


def _is_of_keras(value: object) -> bool:
    return type(value).__module__.partition(".")[0] in ("tensorflow", "keras")


def _failure(error: BaseException, where: str = "", caller: str = "") -> CheckFailed:
    """The exception of a student's code, or of a check that met an unusable answer, in words."""
    line = own_line(error, caller)
    # TensorFlow raises NotImplementedError too, but with a message; the scaffold has none.
    if isinstance(error, NotImplementedError) and not error.args:
        return NotStarted(
            "not started yet. Replace `raise NotImplementedError` in the answer cell "
            "by your own code, run that cell, then run this one."
        )
    if isinstance(error, NameError) and not line and not where:
        return NotStarted(
            f"there is no `{error.name}` yet. Run the answer cell first; "
            "if it stops with an error, that comes before this check."
        )
    message = f"{where or 'the check of your answer'} stopped with {type(error).__name__}"
    if text := _text(error):
        message += f": {text}"
    if line:
        number, source = line
        message += f"\n   in your line {number}" + (f": {source}" if source else "")
    return CheckFailed(message)


def own_line(error: BaseException, caller: str = "") -> list | None:
    """The student's line, [number, text], at which `error` was raised; None if it was elsewhere.

    caller: the file that the test is in; by default that of the outermost frame. An exception that
    comes from the student's process has the line with it, as `student_line`.
    """
    if carried := getattr(error, "student_line", None):
        return carried
    frames = _frames(error)
    caller = caller or (frames[0][0] if frames else "")
    theirs = [frame for frame in frames if frame[0] != caller]
    if not theirs:
        return None
    file, number = theirs[-1]
    return [number, linecache.getline(file, number).strip()[:400]]


def _frames(error: BaseException) -> list[tuple[str, int]]:
    """(file, line) of each frame that belongs to no library and not to the course."""
    frames = []
    trace = error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((_COURSE, *_LIBRARIES)):
            frames.append((file, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        return ""
    return text if len(text) <= 400 else text[:397] + "..."


def _copied(value: object) -> object:
    kind = type(value)
    if kind is np.ndarray:
        return value.copy()
    if kind in (list, tuple):
        return kind(_copied(item) for item in value)
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value


def _same(before: object, after: object) -> bool:
    """Whether `after`, a copy of `before` that student code has seen, is unchanged."""
    kind = type(before)
    if kind is np.ndarray:
        same_form = before.shape == after.shape and before.dtype == after.dtype
        return same_form and before.tobytes() == after.tobytes()
    if kind in (list, tuple):
        return len(before) == len(after) and all(
            type(one) is type(other) and _same(one, other)
            for one, other in zip(before, after, strict=True)
        )
    if kind is dict:
        return list(before) == list(after) and all(
            type(one) is type(after[key]) and _same(one, after[key]) for key, one in before.items()
        )
    # Scalars and strings inside a list may have been replaced; other objects are shared, not ours.
    if kind in (bool, int, float, str) or kind in NUMPY_SCALARS:
        return before == after or before != before
    return True


def _changed(name: str, which: str, before: object, after: object) -> ArgumentChanged:
    message = f"{name} changes its {which}"
    if type(before) is np.ndarray and before.shape == after.shape:
        # What is not equal to itself is NaN.
        places = np.argwhere((before != after) & ~((before != before) & (after != after)))
        if len(places):
            place = tuple(places[0])
            message += f": at {[int(i) for i in place]}, {before[place]} became {after[place]}"
    return ArgumentChanged(
        f"{message}. Whoever called it still needs that value: build a new one, "
        "or work on a copy (`x = x.copy()`)."
    )
