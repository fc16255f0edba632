"""A Jupyter kernel in a child of a warm parent."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any


def run(payload: dict[str, Any], fds: list[int]) -> None:
    """Be a kernel until it is shut down.

    payload: `connection`, as in a kernel's connection file; `kernel_class`, its dotted name.
    """
    from ipykernel.kernelapp import IPKernelApp

    # A notebook may import what lies beside it; what is imported already cannot be shadowed.
    sys.path.insert(0, "")
    with tempfile.TemporaryDirectory(prefix="dlcourse-kernel-") as folder:
        connection = Path(folder) / "connection.json"
        connection.write_text(json.dumps(payload["connection"]))
        app = IPKernelApp.instance()
        app.initialize(
            [
                f"--IPKernelApp.connection_file={connection}",
                f"--IPKernelApp.kernel_class={payload['kernel_class']}",
                # A history on disk would be of no use, and a lock to wait for.
                "--HistoryManager.hist_file=:memory:",
            ]
        )
        _enable_figures()
        app.start()


def _enable_figures() -> None:
    """Connect Matplotlib to this kernel: its own way runs on import, which was in the parent."""
    from matplotlib_inline import backend_inline

    backend_inline._enable_matplotlib_integration()
