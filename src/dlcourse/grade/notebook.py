"""Submitted notebooks: reading them whatever is in them, and what there is to say about them.

What happened to a submission while it was graded is kept, as sentences, in the autograded
notebook's own metadata, from where feedback and the class report take it.
"""

import json

import nbformat
from nbformat import NotebookNode, v4

KEY = "dlcourse"


def notes(nb: NotebookNode) -> list[str]:
    """What there is to say about a submission: sentences, in the order in which it was found."""
    return nb.metadata.setdefault(KEY, NotebookNode()).setdefault("notes", [])


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id, or None if it has none or its metadata are mangled."""
    info = cell.metadata.get("nbgrader")
    return info.get("grade_id") if isinstance(info, dict) else None


def read_notebook(text: str) -> NotebookNode:
    """The notebook in `text`, in nbformat 4; a ValueError ("is ...") says why it is none.

    Where it is not valid, outputs and metadata are dropped, since grading makes them anew.
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
        nb = nbformat.reads(json.dumps(data), as_version=4)
        if not nbformat.validator.isvalid(nb):
            _strip(nb)
            nbformat.validate(nb)
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"is not a Jupyter notebook: {reason[0]}") from None
    return nb


def _strip(nb: NotebookNode) -> None:
    """Leaves the cells' text, their ids and what nbgrader knows them by."""
    nb.metadata = NotebookNode()
    for cell in nb.cells:
        known = grade_id(cell) if isinstance(cell.get("metadata"), dict) else None
        cell.metadata = NotebookNode(nbgrader=NotebookNode(grade_id=known) if known else {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def unreadable(reason: str) -> NotebookNode:
    """A notebook that holds nothing but the reason why the one handed in cannot be read."""
    nb = v4.new_notebook()
    nb.metadata[KEY] = NotebookNode(unreadable=True, notes=[f"{reason}. Nothing could be graded."])
    return nb


def is_unreadable(nb: NotebookNode) -> bool:
    info = nb.metadata.get(KEY)
    return isinstance(info, dict) and bool(info.get("unreadable"))
