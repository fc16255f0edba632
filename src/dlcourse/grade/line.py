"""The line between a test and a student's process: one request at a time, one reply to each.

A message is a JSON head and the frames of a packed value. The verifier asks, the student's side
answers; neither can make the other do anything but read data.
"""

import json
import socket
import struct

from dlcourse.grade.carry import LIMITS, CarryError

# A message is at most this many frames: a value has one for each of its arrays.
MOST_FRAMES = 100_000
_COUNT, _LENGTH = struct.Struct("<I"), struct.Struct("<Q")


class LineClosed(Exception):  # noqa: N818 - an event: the process at the other end is gone
    """The other end is closed, in the middle of a message or between two."""


class Line:
    """One end of a stream socket that carries messages."""

    def __init__(self, end: socket.socket, *, size: int = LIMITS.size):
        self._end, self._size = end, size + 2**20

    def send(self, head: dict, frames: list[bytes] = ()) -> None:
        """Sends a message; LineClosed if nobody can receive it."""
        parts = [json.dumps(head).encode(), *frames]
        lengths = b"".join(_LENGTH.pack(len(part)) for part in parts)
        try:
            self._end.sendall(_COUNT.pack(len(parts)) + lengths)
            for part in parts:
                self._end.sendall(part)
        except OSError:
            raise LineClosed from None

    def receive(self) -> tuple[dict, list[bytes]]:
        """The next message. LineClosed if none comes, CarryError if it is none of ours."""
        (count,) = _COUNT.unpack(self._read(_COUNT.size))
        if not 0 < count <= MOST_FRAMES:
            raise CarryError(f"A message has from 1 to {MOST_FRAMES} frames, not {count}.")
        lengths = [size for (size,) in _LENGTH.iter_unpack(self._read(count * _LENGTH.size))]
        if sum(lengths) > self._size:
            raise CarryError(f"A message is larger than {self._size // 2**20} MB.")
        head, *frames = [self._read(length) for length in lengths]
        try:
            head = json.loads(head)
        except (ValueError, RecursionError):
            raise CarryError("A message begins with JSON.") from None
        if type(head) is not dict:
            raise CarryError("A message begins with a JSON object.")
        return head, frames

    def close(self) -> None:
        self._end.close()

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            try:
                got = self._end.recv_into(view)
            except OSError:
                raise LineClosed from None
            if not got:
                raise LineClosed
            view = view[got:]
        return bytes(data)
