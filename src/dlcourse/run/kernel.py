"""A Jupyter kernel in a child of a warm parent, which had better preload this module."""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from matplotlib_inline import backend_inline

# What ipykernel and IPython import only when a kernel starts: half of the time that it then takes.
for _name in (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "sqlite3",
    "tornado.platform.asyncio",
):
    importlib.import_module(_name)


def run(payload: dict[str, Any], fds: list[int]) -> None:
    """Be a kernel until it is shut down.

    payload: `connection`, as in a kernel's connection file; `kernel_class`, its dotted name.
    """
    app = IPKernelApp.instance()
    # Gone before any cell runs: a kernel that is killed later leaves nothing behind.
    with tempfile.TemporaryDirectory(prefix="dlcourse-kernel-") as folder:
        connection = Path(folder) / "connection.json"
        connection.write_text(json.dumps(payload["connection"]))
        app.initialize(
            [
                f"--IPKernelApp.connection_file={connection}",
                f"--IPKernelApp.kernel_class={payload['kernel_class']}",
                # A history on disk would be of no use, and a lock to wait for.
                "--HistoryManager.hist_file=:memory:",
            ]
        )
    _import_from_working_folder()
    # Matplotlib connects itself to a kernel when it is imported, which was in the parent.
    backend_inline._enable_matplotlib_integration()
    app.start()


def _import_from_working_folder() -> None:
    """Let a notebook import what lies beside it, unless the standard library has it: IPython's way.

    IPython itself would do so on its start, but not in a process that Python started with -P.
    """
    sites = (place for place, path in enumerate(sys.path) if path.endswith("-packages"))
    sys.path.insert(next(sites, len(sys.path)), "")
