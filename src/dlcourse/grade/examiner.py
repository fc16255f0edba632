"""Having a student's answer judged: the kernel that has it and a verifier, put in touch.

The kernel is told, by a message that no cell can send, to answer at a socket; the verifier gets the
other end of it. What comes back here is a verdict, or none in time.
"""

import os
import select
import socket
import time
from pathlib import Path

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbclient.util import run_sync

from dlcourse.grade.agent import SERVE
from dlcourse.grade.carry.rule import free_names
from dlcourse.grade.verdicts import Verdict
from dlcourse.grade.workshop import Workshop
from dlcourse.run.system import patience

# Bytes of a report: a verdict's texts are bounded, so a longer one is none.
MOST_OF_REPORT = 2**20
# Seconds that an interrupted function has to come to an end.
GRACE = 5
# Seconds for a kernel with nothing else to do to answer.
ANSWER = 15


class TestTimeout(Exception):  # noqa: N818 - an event
    """Student code that a test called ran on, also after it was interrupted."""

    __test__ = False


class Examiner:
    """Asks verifiers for verdicts on what a kernel holds.

    timeout: seconds for one test, on a machine that has a processor to spare.
    """

    def __init__(
        self, km: AsyncKernelManager, kc: AsyncKernelClient, workshop: Workshop, timeout: int
    ):
        self._km, self._kc, self._workshop, self._timeout = km, kc, workshop, timeout

    def examine(self, test: str, seed: int) -> Verdict:
        """The verdict of the test cell `test` on the kernel's values as they are now.

        Raises DeadKernelError if the kernel has ended before it could answer.
        """
        with self._kernels_end() as end:
            payload = {"source": test, "names": sorted(free_names(test)), "seed": seed}
            ours, theirs = os.pipe()
            try:
                self._workshop.verifiers.begin(payload, [end.fileno(), theirs])
            finally:
                os.close(theirs)
        with os.fdopen(ours, "rb") as report:
            try:
                return self._verdict(report.fileno())
            finally:
                self._workshop.verifiers.end()

    def wait_for_kernel(self) -> None:
        """Waits until the kernel has turned from the test to its other messages again.

        Raises DeadKernelError if it has ended, TestTimeout if it does not come back.
        """
        until = time.monotonic() + GRACE * patience()
        while time.monotonic() < until:
            if self._replied(timeout=0.2):
                return
            self._check_alive()
        raise TestTimeout

    def _kernels_end(self) -> socket.socket:
        """The kernel's end of a line, once it has been told to answer there."""
        address = Path(f"{self._km.ip}-test")
        with socket.socket(socket.AF_UNIX) as listener:
            address.unlink(missing_ok=True)
            listener.bind(str(address))
            # The kernel may run as a user of its own; nobody else gets into the folder.
            address.chmod(0o777)
            listener.listen(1)
            self._request = self._kc.session.msg(SERVE, {"address": str(address)})
            self._kc.shell_channel.send(self._request)
            until = time.monotonic() + ANSWER * patience()
            listener.settimeout(0.2)
            while time.monotonic() < until:
                try:
                    return listener.accept()[0]
                except TimeoutError:
                    self._check_alive()
        raise TestTimeout

    def _verdict(self, report: int) -> Verdict:
        text, interrupted = self._read(report, self._timeout * patience()), False
        if text is None:
            interrupted = True
            run_sync(self._km.interrupt_kernel)()
            text = self._read(report, GRACE * patience())
        if interrupted:
            return Verdict(False, error="CellTimeoutError", message=self._too_long())
        try:
            return Verdict.from_json(text)
        except (ValueError, TypeError):
            reason = "The test came to an end before it had judged your answer."
            return Verdict(False, error="TestEnded", message=reason)

    def _too_long(self) -> str:
        return f"Your code was stopped after {self._timeout} s: is there an endless loop?"

    def _read(self, report: int, seconds: float) -> str | None:
        """What the verifier reports; None if it has not ended after `seconds`."""
        data, until = b"", time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([report], [], [], left)[0]:
                break
            part = os.read(report, 2**16)
            if not part or len(data) > MOST_OF_REPORT:
                return data.decode("utf-8", "replace")
            data += part
        return None

    def _replied(self, timeout: float) -> bool:
        from queue import Empty

        try:
            message = run_sync(self._kc.shell_channel.get_msg)(timeout=timeout)
        except Empty:
            return False
        return message["parent_header"].get("msg_id") == self._request["header"]["msg_id"]

    def _check_alive(self) -> None:
        if not run_sync(self._km.is_alive)():
            raise DeadKernelError("Kernel died")
