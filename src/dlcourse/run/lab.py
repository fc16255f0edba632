"""Warm kernels for notebooks: an extension of Jupyter's server, and the provisioner it serves.

The extension starts a process that imports Keras while the first page loads; the course's kernels
are forks of it. Where there is no such process, they start as any other kernel does.
"""

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning import LocalProvisioner

from dlcourse.run.warm import RunError, WarmParent
from dlcourse.settings import gpu_visible

KERNEL = "dlcourse"
# Nothing of the course itself but how a kernel starts: who edits the package restarts a kernel, not
# the server, to see what it became.
LIBRARIES = (
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "PIL.Image",
    "ipywidgets",
    "filelock",
    "tqdm",
    "dlcourse.run.kernel",
)
# A process with more threads than its own would not be fit to fork. Kernels compute with as many
# as they like: TensorFlow makes its threads in each of them.
FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

# This process's warm parent of notebooks' kernels, once the extension has started it.
_parent: WarmParent | None = None


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Start the warm parent, and do not wait for it."""
    global _parent
    # Nobody has tried yet what CUDA makes of a fork; other systems do not like forks at all.
    if sys.platform != "linux" or gpu_visible():
        return
    try:
        spec = server.kernel_spec_manager.get_kernel_spec(KERNEL)
    except NoSuchKernel:
        return
    # Kernels that nobody has started for a notebook greet the terminal.
    started = {"JPY_PARENT_PID": str(os.getpid())}
    _parent = WarmParent(LIBRARIES, {**os.environ, **spec.env, **FEW_THREADS, **started})
    _parent.start(wait=False)


class NotebookProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the warm parent; by its command where there is none."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if _parent is None:
            return await super().launch_kernel(cmd, **kwargs)
        fork = partial(self._fork, _parent, kwargs.get("cwd"), kwargs.get("env"))
        try:
            # A parent that is not warm yet would keep this thread from all else.
            self.process = await asyncio.get_running_loop().run_in_executor(None, fork)
        except RunError as error:
            self.log.warning("The kernel starts cold: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid, self.cwd = self.process.pid, kwargs.get("cwd")
        return self.connection_info

    def _fork(self, parent: WarmParent, cwd: str | None, env: dict[str, str] | None) -> Any:
        connection = json.loads(Path(self.parent.connection_file).read_text("utf-8"))
        payload = {
            "connection": connection,
            "kernel_class": "ipykernel.ipkernel.IPythonKernel",
        }
        streams = {"stdout": 1, "stderr": 2}
        return parent.fork("dlcourse.run.kernel:run", payload, cwd=cwd, env=env, **streams)
