"""Pictures drawn by several processes, which end with the one that started them.

Not `multiprocessing`: it runs a script that has no `if __name__ == "__main__"` a second time, and
forks a TensorFlow that does not survive it.
"""

import queue
import subprocess
import sys
from contextlib import ExitStack, contextmanager

from dlcourse.data.draw.pictures import draw_picture

WORKER = (sys.executable, "-c", "from dlcourse.data.draw.workers import work; work()")


@contextmanager
def drawing(processes: int):
    """A function like `draw_picture` that up to `processes` threads may call at once."""
    with ExitStack() as stack:
        idle: queue.SimpleQueue = queue.SimpleQueue()
        for _ in range(processes):
            worker = subprocess.Popen(WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.enter_context(worker)
            idle.put(worker)

        def draw(kind: str, seed: int, index: int) -> bytes:
            worker = idle.get()
            try:
                worker.stdin.write(f"{kind} {seed} {index}\n".encode())
                worker.stdin.flush()
                length = int(worker.stdout.readline())
                return worker.stdout.read(length)
            finally:
                idle.put(worker)

        yield draw


def work() -> None:
    """Draws what stdin asks for, a line each, to stdout: the length in a line, then the bytes."""
    for line in sys.stdin.buffer:
        kind, seed, index = line.decode().split()
        content = draw_picture(kind, int(seed), int(index))
        sys.stdout.buffer.write(b"%d\n%b" % (len(content), content))
        sys.stdout.buffer.flush()
