"""Submitted notebooks: reading them whatever is in them, and what there is to say about them.

What was put right in a submission and what happened while it ran is kept, as sentences, in the
graded notebook's own metadata, from where feedback and the class report take it.
"""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import IO

import nbformat
from nbformat import NotebookNode, v4
from nbgrader.coursedir import CourseDirectory

KEY = "dlcourse"
_LEFT_OUT = v4.new_output("stream", text="Not run while grading: nothing that is graded uses it.\n")
_CELL_ID = r"[a-zA-Z0-9_-]{1,64}"


def notes(nb: NotebookNode) -> list[str]:
    """What happened to a submission: sentences, in the order in which it was found."""
    return _about(nb).setdefault("notes", [])


def repairs(nb: NotebookNode) -> list[str]:
    """What was put right before the submission ran: sentences."""
    return _about(nb).setdefault("repairs", [])


def seconds(nb: NotebookNode) -> float | None:
    """How long the notebook took to be run and judged, if that was taken down."""
    return _about(nb).get("seconds")


def take_down(nb: NotebookNode, seconds: float) -> None:
    """Notes how long the notebook took to be run and judged."""
    _about(nb)["seconds"] = round(seconds, 2)


def _about(nb: NotebookNode) -> NotebookNode:
    return nb.metadata.setdefault(KEY, NotebookNode())


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id, or None if it has none or its metadata are mangled."""
    info = cell.metadata.get("nbgrader")
    known = info.get("grade_id") if isinstance(info, dict) else None
    return known if isinstance(known, str) else None


def source_cells(coursedir: CourseDirectory, info: dict) -> list[NotebookNode]:
    """The cells of source/ from which a notebook was released; not to be changed.

    info: what nbgrader's resources say of it, with its "assignment" and "notebook".
    """
    folder = coursedir.format_path(coursedir.source_directory, ".", info["assignment"])
    path = Path(folder) / f"{info['notebook']}.ipynb"
    return _cells(path, path.stat().st_mtime_ns)


@lru_cache
def _cells(path: Path, changed: int) -> list[NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def plain_code(cells: list[NotebookNode]) -> dict[str, NotebookNode]:
    """The code cells that nbgrader does not know, by notebook cell id."""
    plain = (cell for cell in cells if cell.cell_type == "code" and not grade_id(cell))
    return {cell.id: cell for cell in plain if "id" in cell}


def is_untouched(cell: NotebookNode, plain: dict[str, NotebookNode]) -> bool:
    """Whether a submission's cell is one of the course's plain ones, with its text."""
    own = plain.get(cell.get("id"))
    return own is not None and grade_id(cell) is None and cell.source == own.source


def leave_out(cell: NotebookNode) -> None:
    """Marks a code cell as one that was not run, since nothing graded uses it."""
    cell.execution_count, cell.outputs = None, [_LEFT_OUT]


def is_left_out(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and cell.outputs == [_LEFT_OUT]


def read_notebook(text: str) -> NotebookNode:
    """The notebook in `text`, in nbformat 4; a ValueError ("is ...") says why it is none.

    What it says under KEY is dropped, for that is written here alone; where it is not valid, all
    but its cells' text: grading makes the rest anew.
    """
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        if not text.strip():
            raise ValueError("is empty") from None
        raise ValueError(f"is not valid JSON: line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ValueError("is not a Jupyter notebook: it is nested without end") from None
    if not isinstance(data, dict) or not data.keys() & {"cells", "worksheets"}:
        raise ValueError("is JSON, but not a Jupyter notebook: it has no cells")
    try:
        for part in (data, *data.get("cells", ())):
            if not isinstance(part.get("metadata"), dict):
                part["metadata"] = {}
        nb = nbformat.reads(json.dumps(data), as_version=4)
        if not nbformat.validator.isvalid(nb):
            nb = _rebuilt(nb)
            nbformat.validate(nb)
        nb.metadata.pop(KEY, None)
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"is not a Jupyter notebook: {reason[0]}") from None
    return nb


def read_or_say_why_not(stream: IO, name: str) -> NotebookNode:
    """The notebook in `stream`, a file that is called `name`; an `unreadable` one if it is none."""
    try:
        return read_notebook(stream.read())
    except UnicodeDecodeError:
        return unreadable(f"{name} is not text in UTF-8")
    except ValueError as error:
        return unreadable(f"{name} {error}")


def _rebuilt(nb: NotebookNode) -> NotebookNode:
    """A valid notebook of the cells' text, their ids and what nbgrader knows them by."""
    made = v4.new_notebook()
    for cell in nb.cells:
        known = grade_id(cell)
        fields = {"metadata": {"nbgrader": {"grade_id": known}}} if known else {}
        if re.fullmatch(_CELL_ID, str(cell.get("id", ""))):
            fields["id"] = cell.id
        made.cells.append(make_cell(cell.cell_type, cell.source, **fields))
    return made


def make_cell(cell_type: str, source: str, **fields) -> NotebookNode:
    """A new cell of `cell_type`: "code", "markdown" or "raw"."""
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}
    return make[cell_type](source, **fields)


def unreadable(reason: str) -> NotebookNode:
    """A notebook that holds nothing but the reason why the one handed in cannot be read."""
    nb = v4.new_notebook()
    nb.metadata[KEY] = NotebookNode(unreadable=True, notes=[f"{reason}. Nothing could be graded."])
    return nb


def is_unreadable(nb: NotebookNode) -> bool:
    info = nb.metadata.get(KEY)
    return isinstance(info, dict) and bool(info.get("unreadable"))
