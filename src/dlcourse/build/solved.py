"""`source/` -> `notebooks/`: the solved notebooks, executed, with their outputs stored."""

import copy
import json
import os
import tempfile
import time
from collections.abc import Callable

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from dlcourse.build.sections import BuildError, Section, kind, read_notebook
from dlcourse.files import write_text

# How nbval, called without the course's plug-in, is told about the three kinds of cells.
NBVAL_TAGS = {"structural": ["nbval-check-output"], "data": [], "training": ["nbval-ignore-output"]}
WIDGET = "application/vnd.jupyter.widget-view+json"


def solve(source: NotebookNode) -> NotebookNode:
    """The notebook that a reader sees: solutions and tests kept, their markers gone, no outputs."""
    nb = copy.deepcopy(source)
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)
        cell.source = "\n".join(line for line in cell.source.split("\n") if not is_marker(line))
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
            cell.metadata["tags"] = [kind(cell), *NBVAL_TAGS[kind(cell)]]
    return nb


def is_marker(line: str) -> bool:
    """Whether a line is one of nbgrader's BEGIN and END markers."""
    return line.strip().startswith(("### BEGIN ", "### END "))


def execute(
    section: Section,
    *,
    environ: dict[str, str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[NotebookNode, float]:
    """Solve and run a section in a kernel of its own; the notebook and its seconds.

    `environ` is set over this process's environment; `progress` hears (cells done, cells in all).
    Raises BuildError, which names the cell that failed.
    """
    nb = solve(read_notebook(section.source))
    total = len(nb.cells)
    with tempfile.TemporaryDirectory(prefix="dlcourse-execute-") as folder:
        client = NotebookClient(
            nb,
            # A full training may take an hour; the author sees the progress and can stop it.
            timeout=None,
            record_timing=False,
            resources={"metadata": {"path": folder}},
            on_cell_complete=lambda cell, cell_index: progress(cell_index + 1, total),
        )
        start = time.perf_counter()
        try:
            client.execute(env={**os.environ, **environ})
        except (CellExecutionError, DeadKernelError) as error:
            raise BuildError(f"{_at(section, _failed(nb))} failed: {_last_line(error)}") from None
        seconds = time.perf_counter() - start
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = _stored(cell.outputs)
    # Only what a reader needs; the rest names this machine's Python.
    nb.metadata["language_info"] = {"name": "python"}
    nb.metadata.pop("widgets", None)
    return nb, seconds


def record_minutes(section: Section, seconds: float, facts: dict[str, str]) -> None:
    """Note how long the section took and where, for the banner that opens its notebook."""
    path = section.root / "src" / "dlcourse" / "measured.json"
    measured = json.loads(path.read_text("utf-8")) if path.exists() else {}
    measured[section.name] = {"seconds": round(seconds), **facts}
    write_text(path, json.dumps(dict(sorted(measured.items())), indent=1) + "\n")


def _stored(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs without live widgets, of which only the text stays, and with streams joined."""
    kept: list[NotebookNode] = []
    for output in outputs:
        # A widget is nothing without its kernel, and its model's id differs from run to run.
        output.get("data", {}).pop(WIDGET, None)
        last = kept[-1] if kept else None
        if last and output.get("name") and output.get("name") == last.get("name"):
            last.text += output.text
        else:
            kept.append(output)
    return kept


def _failed(nb: NotebookNode) -> str:
    """The id of the first cell that raised, or of the last that ran."""
    ran = [cell for cell in nb.cells if cell.cell_type == "code" and cell.execution_count]
    raised = [cell for cell in ran if any(output.output_type == "error" for output in cell.outputs)]
    return (raised or ran or nb.cells)[0 if raised else -1].id


def _at(section: Section, cell_id: str) -> str:
    return f"{section.source.relative_to(section.root)}, cell {cell_id}"


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
