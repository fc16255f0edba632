"""Both sides of the line: what a value is after the trip, and a real process to send it to."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlcourse.check.carried import NotCarried
from dlcourse.grade.carry import CarryError, pack, unpack, update


class Objects:
    """The functions and iterators of one side, by number."""

    def __init__(self):
        self.known = []

    def handle_of(self, value):
        self.known.append(value)
        return len(self.known) - 1

    def value_of(self, handle, kind, name):
        if handle >= len(self.known):
            raise CarryError(f"There is no {kind} {handle}.")
        return kind, self.known[handle], name


@pytest.fixture
def objects():
    return Objects()


@pytest.fixture
def trip():
    """What a value is on the other side; its copy packs to the same frames, if it crosses."""

    def carried(value, **options):
        frames = pack(value, **options)
        copy = unpack(frames, **options)
        assert pack(copy, **options) == frames
        return copy

    return carried


@pytest.fixture
def refusal():
    """Why a value does not cross, as the sentence that a student reads."""

    def why(value, **options):
        copy = unpack(pack(value, **options), **options)
        assert type(copy) is NotCarried
        return f"{copy.type_name}: {copy.why}"

    return why


@pytest.fixture
def call():
    """Calls `answer`, defined in a source, in a process of its own; arguments are updated."""
    other = Path(__file__).with_name("other_side.py")
    process = subprocess.Popen(
        [sys.executable, other], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def called(source, *args):
        frames = [base64.b64encode(frame).decode() for frame in pack(args)]
        process.stdin.write(json.dumps({"source": source, "frames": frames}) + "\n")
        process.stdin.flush()
        outcome = [base64.b64decode(frame) for frame in json.loads(process.stdout.readline())]
        result, after = unpack(outcome)
        assert update(args, after)
        return result

    yield called
    process.communicate(timeout=60)


@pytest.fixture
def frames():
    """The frames of a node as another process may send them, and of buffers."""

    def made(node, *buffers):
        return [json.dumps(node).encode(), *buffers]

    return made
