"""One exercise as it was released, put back into a student's notebook; all other cells stay.

The notebook is read and written as the JSON that it is, so that nothing of it changes on the way.
"""

import json
from copy import deepcopy
from datetime import datetime
from importlib import resources
from pathlib import Path

import dlcourse
from dlcourse.files import write_text
from dlcourse.sections import section

# The cells of an exercise `relu` besides its answer; a written question is one cell.
PARTS = ("-prompt", "-check", "-tests")
RELOAD = (
    "If it is open in JupyterLab, take what is on the disk now (File, Reload Notebook from Disk), "
    "then run the exercise's cells."
)


class ResetError(Exception):
    """An exercise that cannot be put back; the message says why, and what to do."""


def reset(name: str, exercise: str, notebook: Path | str | None = None) -> str:
    """Put `exercise` of section `name` back as it was released; a sentence on what was done.

    `notebook` is the student's; by default it is looked for from the working folder upwards. What
    stood in the answer is kept beside it, in NOTEBOOK.old-answers.md. Raises ResetError, and
    UnknownSection for a section that is none; the notebook is then left as it was.
    """
    asked = section(name)
    if exercise not in asked["exercises"] and exercise not in asked["written"]:
        known = ", ".join([*asked["exercises"], *asked["written"]]) or "none: it is a lesson"
        raise ResetError(f"{name} has no exercise {exercise!r}. Its exercises: {known}.")
    original = _original(name, asked["notebook"])
    path = Path(notebook) if notebook else _students(name, asked["notebook"])
    if path.resolve() == original.resolve():
        raise ResetError(
            f"{path} is the original that exercises are put back from. Work on a copy of it, and "
            "name that: --notebook PATH."
        )
    released, theirs = _read(original)["cells"], _read(path)
    names = {exercise, *(exercise + part for part in PARTS)}
    parts = [cell for cell in released if _grade_id(cell) in names]
    if any("BEGIN HIDDEN TESTS" in _text(cell) for cell in theirs["cells"]):
        raise ResetError(f"{path} holds hidden tests: it is no student's notebook.")
    before = deepcopy(theirs)
    old = _put_back(theirs, released, parts)
    if theirs == before:
        return f"{exercise} in {path} is as it was released: nothing to do."
    said = f"{exercise} in {path} is back as it was released."
    try:
        if old:
            said += f" What you had written is kept in {_keep(path, exercise, old)}."
        write_text(path, json.dumps(theirs, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ResetError(
            f"{exercise} stays as it is: {error.filename} cannot be written ({error.strerror})."
        ) from None
    return f"{said} {RELOAD}"


def _original(name: str, notebook: str) -> Path:
    """The release: it comes with the students' package, and lies beside the course's own."""
    package = Path(str(resources.files(dlcourse)))
    for folder in (package, package.parents[1]):
        path = folder / "release" / name / f"{notebook}.ipynb"
        if path.is_file():
            return path
    raise ResetError(
        "The released notebooks are not here: they come with the students' package. Get "
        f"{notebook}.ipynb again from where you got it."
    )


def _students(name: str, notebook: str) -> Path:
    """The notebook of section `name` that lies nearest, looked for from here upwards."""
    here = Path.cwd()
    wanted = f"{name}/{notebook}.ipynb"
    for folder in (here, *here.parents):
        for path in (folder / wanted, folder / "release" / wanted):
            if path.is_file():
                return path.relative_to(here) if path.is_relative_to(here) else path
    raise ResetError(
        f"There is no {wanted} here or above {here}. Change to the folder that holds {name}, or "
        "say where the notebook is: --notebook PATH."
    )


def _read(path: Path) -> dict:
    """The notebook at `path`, as JSON."""
    try:
        nb = json.loads(path.read_text("utf-8"))
        for cell in nb["cells"]:
            _grade_id(cell), _text(cell)
    except OSError as error:
        raise ResetError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ResetError(
            f"{path} is not a notebook that can be read (nbformat 4). Get a new copy, and carry "
            "your answers over by hand."
        ) from None
    return nb


def _put_back(nb: dict, released: list[dict], parts: list[dict]) -> list[str]:
    """Puts the cells `parts` into `nb`; the texts of the answers that they took the place of.

    Of several copies of a cell the first stays; a missing one is put where it belongs.
    """
    cells, old = nb["cells"], []
    for part in parts:
        copies = [index for index, cell in enumerate(cells) if _same(cell, part)]
        if part["metadata"]["nbgrader"]["solution"]:
            texts = (_text(cells[index]) for index in copies)
            old += [text for text in texts if text.split() != _text(part).split()]
        at = copies[0] if copies else _place(cells, released, part)
        cells[at : at + bool(copies)] = [_fitting(nb, part)]
        for index in reversed(copies[1:]):
            del cells[index]
    return old


def _place(cells: list[dict], released: list[dict], part: dict) -> int:
    """Where a missing cell belongs: behind the nearest one of the course that it followed."""
    for earlier in reversed(released[: released.index(part)]):
        found = [index for index, cell in enumerate(cells) if _same(cell, earlier)]
        if found:
            return found[-1] + 1
    return 0


def _fitting(nb: dict, part: dict) -> dict:
    """A copy of the released cell; notebooks before nbformat 4.5 have no cell ids."""
    has_ids = nb.get("nbformat_minor", 0) >= 5
    return {key: value for key, value in part.items() if key != "id" or has_ids}


def _same(cell: dict, released: dict) -> bool:
    """Whether `cell` is the student's version of `released`, by nbgrader's name or by cell id."""
    if name := _grade_id(cell):
        return name == _grade_id(released)
    return "id" in cell and cell["id"] == released["id"]


def _grade_id(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _text(cell: dict) -> str:
    return "".join(cell["source"])


def _keep(path: Path, exercise: str, old: list[str]) -> Path:
    """Adds the old answers to the file beside the notebook, where none is ever lost."""
    kept = path.with_suffix(".old-answers.md")
    before = kept.read_text("utf-8") if kept.exists() else ""
    when = datetime.now().strftime("%Y-%m-%d %H:%M")
    for text in old:
        before += f"## {exercise}, until {when}\n\n````\n{text}\n````\n\n"
    write_text(kept, before)
    return kept
