"""The student's side of a test: it answers for the names, functions and iterators asked for.

It runs in the student's kernel, upon a message of its own that no code cell can send or see, and
holds nothing worth knowing: no test, no expected value. Whatever student code does to it, all it
can do is to answer with data.
"""

import builtins
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from ipykernel.ipkernel import IPythonKernel

from dlcourse.check.core import own_line, readable
from dlcourse.grade.carry import CarryError, pack, unpack
from dlcourse.grade.line import Line, LineClosed
from dlcourse.grade.seeds import seed_everything

_BUILTINS = {kind for kind in vars(builtins).values() if isinstance(kind, type)}

SERVE, SEED = "dlcourse_serve_request", "dlcourse_seed_request"


class Kernel(IPythonKernel):
    """IPython's kernel, which also seeds itself and answers a test when it is told to."""

    msg_types = [*IPythonKernel.msg_types, SERVE, SEED]

    def dlcourse_seed_request(self, stream, ident, parent) -> None:
        """Seeds the random generators with `seed`."""
        seed_everything(parent["content"]["seed"])
        self._answer(stream, ident, parent)

    def dlcourse_serve_request(self, stream, ident, parent) -> None:
        """Answers the test that waits at the unix socket `address`, until it is done."""
        try:
            with socket.socket(socket.AF_UNIX) as end:
                end.connect(parent["content"]["address"])
                with _unseen():
                    serve(Line(end), self.shell.user_ns, self._leave_if_asked)
        finally:
            self._answer(stream, ident, parent)

    def _leave_if_asked(self) -> None:
        # After exit() a kernel goes on for a tenth of a second; what it still answers is chance.
        if self.shell.exit_now:
            os._exit(0)

    def _answer(self, stream, ident, parent) -> None:
        kind = parent["header"]["msg_type"].replace("_request", "_reply")
        self.session.send(stream, kind, {"status": "ok"}, parent, ident)


def serve(line: Line, namespace: dict, after: Callable[[], None] = lambda: None) -> None:
    """Answers requests about the values in `namespace` until the other end hangs up.

    after: called after each request, before the reply is sent.
    """
    objects = Objects()
    with contextlib.suppress(LineClosed):
        while True:
            try:
                head, frames = line.receive()
                reply, sent = _answer(head, frames, namespace, objects)
            except CarryError as error:
                reply, sent = {"did": "fail", "why": str(error)}, []
            after()
            line.send(reply, sent)


class Objects:
    """The functions and iterators that a test has met, by the number it knows them by."""

    def __init__(self):
        self._objects: list[object] = []

    def handle_of(self, value: object) -> int | None:
        if not callable(value) and not hasattr(type(value), "__next__"):
            return None
        for handle, known in enumerate(self._objects):
            if known is value:
                return handle
        self._objects.append(value)
        return len(self._objects) - 1

    def value_of(self, handle: int, kind: str, name: str) -> object:
        if handle >= len(self._objects):
            raise CarryError(f"There is no {kind} number {handle}.")
        return self._objects[handle]


def _answer(
    head: dict, frames: list[bytes], namespace: dict, objects: Objects
) -> tuple[dict, list[bytes]]:
    structure = bool(head.get("structure"))
    if head["do"] == "get":
        found = {name: namespace[name] for name in head["names"] if name in namespace}
        return {"did": "get"}, pack(found, handles=objects, structure=structure)
    target = objects.value_of(head["handle"], "function", "")
    if head["do"] == "next":
        return _next(target, objects, structure)
    return _call(target, frames, objects, structure)


def _call(
    function, sent: list[bytes], objects: Objects, structure: bool
) -> tuple[dict, list[bytes]]:
    args, kwargs = unpack(sent, handles=objects)
    reply, result = {"did": "return"}, None
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        reply = _raised(error)
    after = pack((args, kwargs), handles=objects, structure=structure)
    if after == sent:
        return reply, pack((result, None), handles=objects, structure=structure)
    reply["changed"] = True
    return reply, pack((result, (args, kwargs)), handles=objects, structure=structure)


def _next(iterator, objects: Objects, structure: bool) -> tuple[dict, list[bytes]]:
    try:
        item = next(iterator)
    except StopIteration:
        return {"did": "stop"}, []
    except BaseException as error:
        return _raised(error), []
    return {"did": "return"}, pack((item, None), handles=objects, structure=structure)


def _raised(error: BaseException) -> dict:
    """What is to be said of an exception: its type, its text, and where the student raised it."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind in _BUILTINS]
    try:
        text = str(error)
    except Exception:
        text = ""
    return {
        "did": "raise",
        "type": type(error).__name__[:100],
        "kinds": kinds,
        "text": readable(text)[:2000],
        "bare": not error.args,
        "line": own_line(error, caller="the test, which is elsewhere"),
    }


@contextlib.contextmanager
def _unseen():
    """Nothing that a test makes student code print or draw shows up in a later cell's output."""
    figures = _figures()
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield
    for number in _figures() - figures:
        sys.modules["matplotlib.pyplot"].close(number)


def _figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()
