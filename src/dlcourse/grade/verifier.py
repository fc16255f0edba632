"""Judges an answer: runs a test cell where no student code has ever run.

Answer names are bound to copies of the student's values; a function among them is a proxy, whose
calls carry the arguments to the student's process and bring back the result, the exception, and the
arguments as they are afterwards.
"""

import ast
import builtins
import contextlib
import io
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import numpy as np

from dlcourse import check
from dlcourse.check.carried import NotCarried
from dlcourse.check.core import ArgumentChanged, describe, structure_only
from dlcourse.grade.carry import CarryError, pack, unpack, update
from dlcourse.grade.line import Line, LineClosed
from dlcourse.grade.seeds import seed_everything
from dlcourse.grade.verdicts import Verdict
from dlcourse.run import wire

# Characters of what a test prints, and of what it says went wrong.
MOST_TEXT = 20_000
# Where code stands that a traceback leads through: in a test, in this package.
TEST, PACKAGE = "<test>", str(Path(check.__path__[0]).parent)
GONE = "Python came to an end while it ran your code. Did it call exit, or need too much memory?"
FAULTY = (
    "This test cannot judge your answer: it gives your function {}. That is a fault of the test, "
    "and not of your code. Please tell whoever runs the course."
)


class AnswerLost(check.CheckFailed):
    """The process that has the answer is gone."""


def serve(_: dict, fds: list[int]) -> None:
    """The process whose forks are the verifiers of one submission, one for each of its tests.

    An order comes at the one of `fds`: a payload for `run`, and its descriptors. A byte says that
    the test is over, and is answered; what the verifier left is gone then. The end of the stream is
    the end of this process.
    """
    orders = socket.socket(fileno=fds[0])
    while True:
        payload, given = wire.receive(orders)
        if payload is None:
            return
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            verifier = os.fork()
            if verifier == 0:
                orders.close()
                _be_verifier(payload, given, folder)
            for fd in given:
                os.close(fd)
            still_there = orders.recv(1)
            _end(verifier)
        if not still_there:
            return
        wire.send(orders, "over")


def _be_verifier(payload: dict, fds: list[int], folder: str) -> NoReturn:
    tempfile.tempdir = folder
    try:
        os.setsid()
        run(payload, fds)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _end(verifier: int) -> None:
    """Ends a verifier and what its test has started."""
    os.kill(verifier, signal.SIGKILL)
    # It may have ended before it made its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(verifier, signal.SIGKILL)
    os.waitpid(verifier, 0)


def run(payload: dict, fds: list[int]) -> None:
    """A verifier: judges by `payload` and writes the verdict to the second of `fds`."""
    line, report = Line(socket.socket(fileno=fds[0])), fds[1]
    verdict = judge(payload["source"], payload["names"], line, seed=payload["seed"])
    with os.fdopen(report, "w") as stream:
        stream.write(verdict.to_json())


def judge(source: str, names: list[str], line: Line, *, seed: int) -> Verdict:
    """Runs the test `source`; `names` are those it takes from the student's notebook."""
    seed_everything(seed)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            value = _run(source, {"__name__": "__main__", **_Student(line).values(names)})
    except (Exception, SystemExit) as error:
        return Verdict(False, None, _text(printed), type(error).__name__, _message(error))
    number = float(value) if isinstance(value, int | float) and type(value) is not bool else None
    return Verdict(True, number, _text(printed))


def _run(source: str, namespace: dict) -> object:
    """Executes a cell; the value of its last line, if that is an expression."""
    tree = ast.parse(source, TEST)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, TEST, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), TEST, "eval"), namespace) if last else None


def _message(error: BaseException) -> str:
    """What may be told of an error that ended a test."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    ours = frame.f_code.co_filename.startswith((TEST, PACKAGE))
    if isinstance(error, AssertionError) and not ours:
        # NumPy's comparisons, and others, quote what they compare: what is expected, too.
        return "Your result is not what is expected: run the check, and compare by hand."
    return str(error)[:MOST_TEXT]


def _text(printed: io.StringIO) -> str:
    return printed.getvalue()[:MOST_TEXT]


class _Student:
    """The student's values, on the verifier's side of the line; also its carry.Handles."""

    def __init__(self, line: Line):
        self._line = line

    def values(self, names: list[str]) -> dict[str, object]:
        """name -> value, for those names that the notebook has defined."""
        if not names:
            return {}
        _, frames = self.ask({"do": "get", "names": names})
        found = unpack(frames, handles=self)
        if type(found) is not dict:
            raise CarryError("The answers should come as a dict.")
        return {name: found[name] for name in names if name in found}

    def call(self, handle: int, args: tuple, kwargs: dict) -> object:
        _check_separate([*args, *kwargs.values()])
        sent = pack((args, kwargs), handles=self, structure=structure_only())
        _check_sent(sent, [*args, *kwargs.values()])
        head, frames = self.ask({"do": "call", "handle": handle}, sent)
        result, after = self._pair(frames)
        if after is not None and not update((args, kwargs), after):
            raise ArgumentChanged(
                "Your function gives one of its arguments another form: other layers, another "
                "shape, another type. Build a new value and return it."
            )
        if head.get("did") == "raise":
            raise exception(head)
        return result

    def next(self, handle: int) -> object:
        head, frames = self.ask({"do": "next", "handle": handle})
        if head.get("did") == "stop":
            raise StopIteration
        if head.get("did") == "raise":
            raise exception(head)
        return self._pair(frames)[0]

    def ask(self, head: dict, frames: list[bytes] = ()) -> tuple[dict, list[bytes]]:
        try:
            self._line.send({**head, "structure": structure_only()}, frames)
            reply, frames = self._line.receive()
        except LineClosed:
            raise AnswerLost(GONE) from None
        if reply.get("did") == "fail":
            raise CarryError(str(reply.get("why"))[:1000])
        return reply, frames

    def handle_of(self, value: object) -> int | None:
        return value.handle if type(value) in (Function, Iterator) else None

    def value_of(self, handle: int, kind: str, name: str) -> object:
        return (Function if kind == "function" else Iterator)(self, handle, name)

    def _pair(self, frames: list[bytes]) -> tuple[object, object]:
        pair = unpack(frames, handles=self)
        if type(pair) is not tuple or len(pair) != 2:
            raise CarryError("A reply consists of a result and the arguments.")
        return pair


def _check_separate(arguments: list) -> None:
    """Raises FaultyTest if two arguments have a part in common: they would arrive as two."""
    known, waiting = set(), list(arguments)
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind is tuple:
            waiting.extend(value)
            continue
        parts = [value] if kind in (list, dict, set, np.ndarray) else _layers(value)
        if any(id(part) in known for part in parts):
            raise check.FaultyTest(FAULTY.format(f"{describe(value)} in two places at once"))
        known.update(map(id, parts))
        waiting.extend(value.values() if kind is dict else value if kind is list else ())


def _layers(value: object) -> list:
    """A model or layer and all inside it; nothing for other objects."""
    if "keras" not in sys.modules:
        return []
    from dlcourse.grade.carry import layers

    return list(layers.walk(value)) if layers.is_layer(value) else []


def _check_sent(frames: list[bytes], arguments: list) -> None:
    """Raises FaultyTest if something in the arguments does not cross, and is not the student's."""
    if b'"k":"unknown"' not in frames[0]:
        return
    theirs, waiting = set(), list(arguments)
    while waiting:
        value = waiting.pop()
        if type(value) is NotCarried:
            theirs.add((value.type_name, value.why))
        elif type(value) in (list, tuple, dict):
            waiting.extend(value.values() if type(value) is dict else value)
    waiting = [json.loads(frames[0])]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
            if node.get("k") == "unknown" and (node["type"], node["why"]) not in theirs:
                what = f"an object of type {node['type']}, which cannot be sent: {node['why']}"
                raise check.FaultyTest(FAULTY.format(what))


class Function:
    """A function of the student's, called where it lives."""

    def __init__(self, student: _Student, handle: int, name: str):
        self._student, self.handle, self.__name__ = student, handle, name

    def __call__(self, *args, **kwargs):
        return self._student.call(self.handle, args, kwargs)

    def __deepcopy__(self, memo):
        # Nor does Python copy functions.
        return self


class Iterator:
    """An iterator of the student's, advanced where it lives."""

    def __init__(self, student: _Student, handle: int, name: str):
        self._student, self.handle, self.__name__ = student, handle, name

    def __iter__(self):
        return self

    def __next__(self):
        return self._student.next(self.handle)


def exception(told: dict) -> Exception:
    """An exception like the one that student code raised: type, text and line as there."""
    if "KeyboardInterrupt" in told.get("kinds", ()):
        return check.CheckFailed("your code ran too long and was interrupted: an endless loop?")
    text, name = str(told.get("text", ""))[:2000], str(told.get("type"))
    kinds = [kind for kind in map(_builtin, told.get("kinds", ())[:20]) if kind] or [Exception]
    error = _of_kinds(name if name.isidentifier() else kinds[0].__name__, kinds, text)
    error = error() if told.get("bare") else error(text)
    line = told.get("line")
    if type(line) is list and [type(part) for part in line] == [int, str]:
        error.student_line = line
    return error


def _of_kinds(name: str, kinds: list[type[Exception]], text: str) -> type[Exception]:
    """A class of exceptions that are of all these kinds, as far as Python can combine them."""
    body = {"__init__": BaseException.__init__, "__str__": lambda self: text}
    leaves = [kind for kind in kinds if not any(issubclass(k, kind) for k in kinds if k != kind)]
    try:
        return type(name, tuple(leaves), body)
    except TypeError:
        return type(name, (kinds[0],), body)


def _builtin(name: object) -> type[Exception] | None:
    kind = getattr(builtins, name, None) if type(name) is str else None
    usable = isinstance(kind, type) and issubclass(kind, Exception | SystemExit)
    # A group of exceptions cannot be made without its members.
    return kind if usable and not issubclass(kind, BaseExceptionGroup) else None
