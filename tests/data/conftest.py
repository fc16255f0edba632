"""A web server on this machine that can be as unreliable as the real ones are."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


class Server(ThreadingHTTPServer):
    """Serves `content` at every address and remembers what was asked.

    status: what it answers instead, if not 200. knows_ranges: whether it resumes.
    break_after: for each of the next requests, after how many bytes the connection breaks.
    hold: set it to let answers that were held back after `hold_after` bytes go on.
    """

    daemon_threads = True

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.status = 200
        self.knows_ranges = True
        self.says_length = True
        self.break_after: list[int] = []
        self.hold_after: int | None = None
        self.hold = threading.Event()
        self.ranges: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/mnist.npz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        server = self.server
        wanted = self.headers["Range"]
        server.ranges.append(wanted)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = 0
        if wanted and server.knows_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
            last = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.content)}")
        else:
            self.send_response(200)
        body = server.content[start:]
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.break_after:
            body = body[: server.break_after.pop(0)]
        if server.hold_after is not None:
            self.wfile.write(body[: server.hold_after])
            server.hold.wait(timeout=60)
            body = body[server.hold_after :]
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Starts servers: `serve(content)`."""
    servers = []

    def start(content: bytes) -> Server:
        server = Server(content)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.hold.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirror(tmp_path) -> Path:
    """An empty folder for copies of the public data."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder
