"""Messages between an owner, a warm parent and its children: JSON, one object a line."""

import json
import socket
from collections.abc import Sequence
from typing import Any

MOST_FDS = 64
# What a keeper may hear besides the numbers of signals: see `Child.seal`.
SEAL = 0


def send(sock: socket.socket, message: Any, fds: Sequence[int] = ()) -> None:
    """Send one JSON-able message, with file descriptors attached to its first byte."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(sock, [data], fds) if fds else 0
    sock.sendall(data[sent:])


def receive(sock: socket.socket) -> tuple[Any, list[int]]:
    """The next message and its file descriptors; (None, []) at the end of the stream.

    Only for a sender that waits for an answer: what follows the first message is not kept.
    """
    data, fds = b"", []
    while not data.endswith(b"\n"):
        # Python marks received descriptors close-on-exec.
        part, attached, _, _ = socket.recv_fds(sock, 1 << 16, MOST_FDS)
        fds.extend(attached)
        if not part:
            return None, []
        data += part
    return json.loads(data), fds
