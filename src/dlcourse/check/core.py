"""Exercises, calls and conditions: what every check is made of.

Nothing here trusts a student's object: types are compared exactly, and no `==`, `repr` or
truth value of an unknown class is asked for.
"""

import linecache
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dlcourse.check.carried import NotCarried
from dlcourse.check.failures import ArgumentChanged, CheckFailed, FaultyTest, NotStarted
from dlcourse.check.folders import folder_of

# NumPy's own scalar classes. A student's subclass of one is not among them.
NUMPY_SCALARS = frozenset(np.sctypeDict.values())
NUMBERS = (bool, int, float, *NUMPY_SCALARS)

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_COURSE = str(Path(__file__).parents[1])
_LIBRARIES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")})

# What Keras 3.15 and TensorFlow 2.21 put around the sentence that says what is wrong.
_WRAPPINGS = [
    (re.compile(pattern, re.DOTALL), instead)
    for pattern, instead in (
        (r"\x1b\[\d*m", ""),
        (r"^Exception encountered when calling [^\n]*\n+", ""),
        (r"\n+Arguments received by .*", ""),
        (r"(Invalid input shape) for input .* with name '[^']*' and path '[^']*'", r"\1"),
        (r"(Input \d+) with name '[^']*' of layer '(\w+?)(_\d+)?'", r"\1 of layer '\2'"),
        (r"^in user code:\n.*\n\s*\w+: ", ""),
        (r"^Graph execution error:\s+Detected at node .* defined at [^\n]*\n", ""),
        (r'^(<stack traces unavailable>|\s+File "[^\n]*|\s*\n)+', ""),
        (r"\{\{function_node [^}]*\}\} ", ""),
        (r"Error in user-defined function passed to .* transformation with iterator: \S+: ", ""),
        (r"\nTraceback \(most recent call last\):.*", ""),
        (r"\s+\[\[\{\{node .*", ""),
        (r" for '\{\{node .*", "."),
        (r" \[Op:\w+\].*", ""),
    )
]

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
    if not is_a(condition, bool, np.bool_):
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
    name = name_of(function)
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
    where = f"{name_of(function)}({', '.join(map(describe, args))})"
    wanted = f"{where} should raise {error.__name__} ({why}), but"
    try:
        result = function(*_copied(args))
    except CheckFailed:
        raise
    except (Exception, SystemExit) as raised:
        if isinstance(raised, error) and not _is_of_scaffold(raised):
            return
        raise _failure(raised, wanted, caller=sys._getframe(1).f_code.co_filename) from None
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
    except (NotStarted, ArgumentChanged, FaultyTest):
        raise
    except CheckFailed as failure:
        raise CheckFailed(f"{failure}\n   Hint: {sentence}") from None


def describe(value: object) -> str:
    """A few words for `value`, safe for any object: "a float32 array of shape (2, 3)"."""
    if value is None or is_a(value, *NUMBERS):
        return str(value)
    if is_a(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if is_a(value, np.ndarray):
        return f"{_with_article(value.dtype.name)} array of shape {value.shape}"
    if is_a(value, NotCarried):
        return repr(value)
    if is_a(value, list, tuple, dict, set):
        noun = "entry" if len(value) == 1 else "entries"
        return f"a {type(value).__name__} with {len(value)} {noun}"
    try:
        return _described(value, _module(value))
    except Exception:
        return f"an object of type {_class_name(value)}"


def _described(value: object, module: str) -> str:
    if is_a(value, type(Path())):
        _, name = folder_of(value) or (None, value)
        return f"the path {name}" if name != "." else "the path of a folder"
    if issubclass(type(value), np.dtype):
        return f"the dtype {value.name}"
    if is_dataset(value):
        return "a dataset"
    if is_tensor(value):
        dtype = getattr(value.dtype, "name", value.dtype)
        noun = "variable" if "Variable" in _class_name(value) else "tensor"
        return f"{_with_article(dtype)} {noun} of shape {value.shape}"
    if module.startswith("matplotlib.") or module == "dlcourse.check.records":
        return f"a Matplotlib {_class_name(value)}"
    if callable(value) and module.startswith("keras."):
        return f"a Keras {_class_name(value)}"
    if callable(value):
        return f"the function `{name_of(value)}`"
    return f"an object of type {_class_name(value)}"


def name_of(function: Callable) -> str:
    """The name of a function, or of the class of a callable object."""
    name = getattr(function, "__name__", None)
    return name if type(name) is str else _class_name(function)


def is_a(value: object, *kinds: type) -> bool:
    """Whether `value` is of exactly one of these classes. A student's class may claim any other."""
    return any(type(value) is kind for kind in kinds)


def is_tensor(value: object) -> bool:
    """Whether `value` is a tensor or variable of TensorFlow or Keras; imports neither."""
    # Models and layers have a dtype as well, but they can be called.
    is_theirs = _module(value).startswith(("tensorflow.", "keras."))
    return is_theirs and hasattr(value, "dtype") and not callable(value)


def is_dataset(value: object) -> bool:
    """Whether `value` is a dataset of TensorFlow; does not import it."""
    return _module(value).startswith("tensorflow.") and hasattr(value, "element_spec")


def _module(value: object) -> str:
    """The module that the class of a value says it is from."""
    module = type.__dict__["__dict__"].__get__(type(value)).get("__module__")
    return module if type(module) is str else ""


def _class_name(value: object) -> str:
    # `type` itself tells: the class of a class may lie.
    return type.__dict__["__name__"].__get__(type(value))


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _failure(error: BaseException, where: str = "", caller: str = "") -> CheckFailed:
    """The exception of a student's code, or of a check that met an unusable answer, in words."""
    line = own_line(error, caller)
    if _is_of_scaffold(error):
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


def _is_of_scaffold(error: BaseException) -> bool:
    # TensorFlow raises NotImplementedError too, but with a message; the scaffold has none.
    return isinstance(error, NotImplementedError) and not error.args


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
        text = readable(str(error))
    except Exception:
        return ""
    return text if len(text) <= 400 else text[:397] + "..."


def readable(text: str) -> str:
    """What an exception says, without what Keras and TensorFlow wrap it in: traces, nodes, values.

    Other texts stay as they are.
    """
    for pattern, instead in _WRAPPINGS:
        text = pattern.sub(instead, text)
    return text.strip()


def _copied(value: object) -> object:
    kind = type(value)
    if kind is np.ndarray:
        return value.copy()
    if is_a(value, list, tuple):
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
    if is_a(before, list, tuple):
        return len(before) == len(after) and all(
            type(one) is type(other) and _same(one, other)
            for one, other in zip(before, after, strict=True)
        )
    if kind is dict:
        return list(before) == list(after) and all(
            type(one) is type(after[key]) and _same(one, after[key]) for key, one in before.items()
        )
    # Scalars and strings inside a list may have been replaced; other objects are shared, not ours.
    if is_a(before, str, *NUMBERS):
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
