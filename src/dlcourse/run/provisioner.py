"""Kernels from a warm parent, as Jupyter starts and stops kernels."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

from dlcourse.run.warm import Child

NAME = "dlcourse-warm"
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
            self.child.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        if not self.parent.session.key:
            raise ValueError("A kernel without a key would obey anyone.")
        self.parent.write_connection_file()
        self.connection_info = self.parent.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        connection = {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in self.connection_info.items()
        }
        # A parent that is not warm yet would keep this thread from all else.
        start = asyncio.get_running_loop().run_in_executor
        self.child = await start(None, self.parent.start_child, connection, kwargs.get("cwd"))
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        if self.child:
            self.child.close()
            self.child = None


class WarmKernelManager(AsyncKernelManager):
    """A manager of one kernel that `start_child` starts, reached through sockets in `folder`."""

    def __init__(self, start_child: Start, folder: str, **options: Any) -> None:
        super().__init__(transport="ipc", ip=f"{folder}/k", **options)
        self.start_child = start_child
        self._kernel_spec = KernelSpec(
            argv=[],
            display_name="Python",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        )
        self.connection_file = f"{folder}/connection.json"
