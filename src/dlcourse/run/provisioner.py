"""Kernels from a warm parent, as Jupyter starts and stops kernels."""

import asyncio
import math
import signal
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo, port_names
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

from dlcourse.run.warm import Child, RunError

NAME = "dlcourse-warm"
START_SECONDS = 60
# Start a kernel: its connection, its working folder -> the child that it runs in.
Start = Callable[[dict[str, Any], str | None], Child]


class WarmProvisioner(KernelProvisionerBase):
    """Starts a kernel as its manager's `start_child` says, and passes signals on."""

    child: Child | None = None

    @property
    def has_process(self) -> bool:
        return self.child is not None

    async def poll(self) -> int | None:
        return self.child.poll() if self.child else 0

    async def wait(self) -> int | None:
        code = 0
        if self.child:
            while (code := self.child.poll()) is None:
                await asyncio.sleep(0.05)
            self.child.close()
            self.child = None
        return code

    async def send_signal(self, signum: int) -> None:
        if self.child:
            self.child.send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(self.parent, WarmKernelManager):
            raise RunError(f"Kernels of {NAME} need a WarmKernelManager, which has a warm parent.")
        if not self.parent.session.key:
            raise ValueError("A kernel without a key would obey anyone.")
        self.connection_info = self.parent.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, and return once its sockets are there and it can add no more files."""
        connection = {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in self.connection_info.items()
        }
        sockets = self.parent.sockets()
        for path in sockets:
            path.unlink(missing_ok=True)
        # A parent that is not warm yet would keep this thread from all else.
        start = asyncio.get_running_loop().run_in_executor
        self.child = await start(None, self.parent.start_child, connection, kwargs.get("cwd"))
        until = time.monotonic() + START_SECONDS
        while not all(path.exists() for path in sockets) and self.child.poll() is None:
            if time.monotonic() > until:
                self.child.close()
                raise RunError(f"The kernel has not opened its sockets in {START_SECONDS} s.")
            await asyncio.sleep(0.005)
        self.child.seal()
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        if self.child:
            self.child.close()
            self.child = None


class WarmKernelClient(AsyncKernelClient):
    """A client that sees at once when its kernel is ready; others wait for it to fall silent."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel has answered and was heard to be idle.

        Raises RuntimeError if it ends before that, or takes more than `timeout` seconds.
        """
        until = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._answers():
            if not await self.is_alive():
                raise RuntimeError("The kernel ended before it was ready.")
            if time.monotonic() > until:
                raise RuntimeError(f"The kernel was not ready after {timeout} s.")

    async def _answers(self) -> bool:
        request = self.kernel_info()
        try:
            self._handle_kernel_info_reply(await self._recv_reply(request, timeout=1))
            # It says on another channel that it is idle, which may have been opened too late.
            while True:
                message = await self.get_iopub_msg(timeout=0.2)
                state = message["content"].get("execution_state")
                if state == "idle" and message["parent_header"].get("msg_id") == request:
                    return True
        except (Empty, TimeoutError):
            return False


class WarmKernelManager(AsyncKernelManager):
    """A manager of one kernel that `start_child` starts, reached through sockets in `folder`."""

    def __init__(self, start_child: Start, folder: str, **options: Any) -> None:
        # Numbers of sockets, and no connection file: the kernel is told all that would be in it.
        ports = {name: number for number, name in enumerate(port_names, start=1)}
        client = f"{__name__}.{WarmKernelClient.__name__}"
        super().__init__(transport="ipc", ip=f"{folder}/k", client_class=client, **ports, **options)
        self.start_child = start_child
        self._kernel_spec = KernelSpec(
            argv=[],
            display_name="Python",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        )

    def sockets(self) -> list[Path]:
        """Where a client reaches the kernel."""
        return [Path(f"{self.ip}-{port}") for port in self.ports]
