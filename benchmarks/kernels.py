"""A kernel with Keras: started cold, as Jupyter does it, against a warm and isolated one.

`python benchmarks/kernels.py [--rounds 7] [--json FILE]` asks for one of each in turn, prints the
seconds until a cell that imports Keras has run and the memory that each takes, and exits with 1 if
the warm ones miss their goal. Both are spoken to as a notebook runner does, through jupyter_client.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from jupyter_client.manager import AsyncKernelManager  # noqa: E402 - after the environment is set

from dlcourse.grade.workshop import NAMESPACES, Workshop, kernels  # noqa: E402
from dlcourse.run import system  # noqa: E402

# Seconds at most until a warm kernel has Keras, and how many times faster than cold that is.
GOAL = 0.6
MEMORY = 4096
IMPORT = "import keras; keras.__version__"
FIT = """\
import numpy as np
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64), keras.layers.Dense(10)])
model.compile(loss="mse", optimizer="rmsprop")
_ = model.fit(np.zeros((1024, 784), "float32"), np.zeros((1024, 10), "float32"), verbose=0)
"""


def main() -> int:
    options = _options()
    load = os.getloadavg()
    started = time.monotonic()
    kernels().start()
    report = {"rounds": options.rounds, "cores": os.cpu_count(), "load_before": load}
    report["parent_start"] = time.monotonic() - started
    rounds = [(asyncio.run(_cold()), asyncio.run(_warm())) for _ in range(options.rounds)]
    report["cold"], report["warm"] = map(_together, zip(*rounds, strict=True))
    report["parent_pss"] = _pss(kernels().pid)
    kernels().close()
    report["ratio"] = report["cold"]["imported"]["median"] / report["warm"]["imported"]["median"]
    report["load_after"] = os.getloadavg()
    report["goal"] = GOAL
    report["met"] = report["warm"]["imported"]["median"] <= GOAL
    print(_table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if report["met"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="kernels of each kind")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the numbers")
    return parser.parse_args()


async def _cold() -> dict[str, float]:
    manager = AsyncKernelManager(kernel_name="python3")
    return await _measured(manager, lambda: [manager.provisioner.pid])


async def _warm() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cwd, Workshop.open(NAMESPACES, MEMORY) as workshop:
        return await _measured(workshop.kernel_manager(cwd), _lineage)


async def _measured(manager: AsyncKernelManager, pids) -> dict[str, float]:
    """Seconds from being asked for until the kernel answers and has imported Keras; bytes then.

    pids: returns the kernel's process id, and before it those of its keepers.
    """
    asked = time.monotonic()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        ready = time.monotonic() - asked
        await _execute(client, IMPORT)
        measured = {"ready": ready, "imported": time.monotonic() - asked}
        *keepers, kernel = pids()
        measured["pss"] = _pss(kernel)
        await _execute(client, FIT)
        return measured | {"pss_after_fit": _pss(kernel), "keepers_pss": sum(map(_pss, keepers))}
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def _execute(client, code: str) -> None:
    reply = await client.execute_interactive(code, output_hook=lambda message: None, timeout=120)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"The kernel could not run {code!r}: {reply['content']}")


def _lineage() -> list[int]:
    """The only kernel's process id, and before it those between the warm parent and it."""
    pids, pid = [], kernels().pid
    while below := system.children(pid):
        (pid,) = below
        pids.append(pid)
    return pids


def _pss(pid: int) -> int:
    """Bytes of memory, pages that processes share split among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup does not say Pss.")


def _together(measured: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    columns = {name: [one[name] for one in measured] for name in measured[0]}
    return {
        name: {"median": median(values), "min": min(values), "max": max(values), "all": values}
        for name, values in columns.items()
    }


def _table(report: dict) -> str:
    lines = [f"{'':34}{'cold':>8}{'(min':>8}{'max)':>7}{'warm':>10}{'(min':>8}{'max)':>7}"]
    rows = (
        ("ready", "s until the kernel answers", 1, ".2f"),
        ("imported", "s until Keras is imported", 1, ".2f"),
        ("pss", "MB then", 1e6, ".0f"),
        ("pss_after_fit", "MB after a small fit", 1e6, ".0f"),
        ("keepers_pss", "MB of its keepers", 1e6, ".0f"),
    )
    for name, title, unit, form in rows:
        cells = [report[kind][name] for kind in ("cold", "warm")]
        numbers = [cell[what] / unit for cell in cells for what in ("median", "min", "max")]
        widths = (8, 8, 7, 10, 8, 7)
        shown = (f"{number:{width}{form}}" for number, width in zip(numbers, widths, strict=True))
        lines.append(f"{title:34}" + "".join(shown))
    before, after = (report[when][0] for when in ("load_before", "load_after"))
    parent = f"{report['parent_pss'] / 1e6:.0f} MB and {report['parent_start']:.1f} s to start"
    return "\n".join(
        [
            *lines,
            f"Medians of {report['rounds']} rounds; memory is proportional (PSS).",
            f"The warm parent takes {parent}, once.",
            f"Load average {before:.1f} before and {after:.1f} after, on {report['cores']} cores.",
            f"Warm is {report['ratio']:.1f} times as fast as cold; goal {report['goal']} s: "
            + ("met." if report["met"] else "missed."),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
