"""The sections of the course: where each lives, and what it asks.

A section is one folder of `source/` with one notebook. An exercise `relu` is four cells, told apart
by their `grade_id`: `relu-prompt`, `relu` (the answer), `relu-check` (visible) and `relu-tests`
(hidden). A written question is one manually graded Markdown cell.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

KINDS = ("structural", "data", "training")


class BuildError(Exception):
    """The course's notebooks cannot be built as they are; the message names the file and cell."""


@dataclass(frozen=True)
class Section:
    """One section: `name` is its folder ("01_tensors"), `notebook` its notebook ("tensors")."""

    root: Path
    name: str
    notebook: str

    @property
    def source(self) -> Path:
        return self.root / "source" / self.name / f"{self.notebook}.ipynb"

    @property
    def release(self) -> Path:
        return self.root / "release" / self.name / f"{self.notebook}.ipynb"

    @property
    def solved(self) -> Path:
        return self.root / "notebooks" / f"{self.name}.ipynb"


def find_root(start: Path) -> Path:
    """The course's folder: `start` or the nearest parent with a `source/` and a configuration."""
    for folder in (start, *start.parents):
        if (folder / "nbgrader_config.py").is_file() and (folder / "source").is_dir():
            return folder
    raise BuildError(
        f"{start} is not inside the course: no folder above it holds nbgrader_config.py and "
        "source/. Change to the course's folder and run the command again."
    )


def find_sections(root: Path, names: list[str] | None = None) -> list[Section]:
    """All sections in order, or those named; a name that is no section is a BuildError."""
    found = {}
    for folder in sorted(path for path in (root / "source").iterdir() if path.is_dir()):
        notebooks = sorted(folder.glob("*.ipynb"))
        if len(notebooks) != 1:
            raise BuildError(
                f"{folder.relative_to(root)} holds {len(notebooks)} notebooks; a section is "
                "exactly one. Move the others out."
            )
        found[folder.name] = Section(root, folder.name, notebooks[0].stem)
    if not names:
        return list(found.values())
    for name in names:
        if name not in found:
            raise BuildError(f"There is no section {name!r}. Sections: {', '.join(found)}.")
    return [found[name] for name in names]


def read_notebook(path: Path) -> NotebookNode:
    """The notebook at `path`; a BuildError names the file that is missing or is no notebook."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise BuildError(f"{path} is missing. Run `dlcourse build` to make it.") from None
    except Exception as error:
        raise BuildError(f"{path} is not a notebook that can be read: {error}") from None


def notebook_text(nb: NotebookNode) -> str:
    """The one way in which a notebook is written, so that equal notebooks are equal bytes."""
    return nbformat.writes(nb, version=4).rstrip("\n") + "\n"


def kind(cell: NotebookNode) -> str | None:
    """The kind of a code cell (structural, data or training), or None if it does not have one."""
    kinds = [tag for tag in cell.metadata.get("tags", []) if tag in KINDS]
    return kinds[0] if len(kinds) == 1 else None


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id, or None for a cell that nbgrader does not know."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_test(cell: NotebookNode) -> bool:
    """Whether the cell grades code: a visible check or hidden tests."""
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("grade"))


def exercise_of(test: NotebookNode) -> str:
    """The exercise that a test cell belongs to: `relu` for `relu-check` and `relu-tests`."""
    return grade_id(test).rpartition("-")[0]


def describe(section: Section) -> dict:
    """What a section asks: title, points, exercises (points of each test cell), questions.

    And the data set that it reads, by its name in `dlcourse.data.DATASETS`.
    """
    nb = read_notebook(section.source)
    exercises: dict[str, dict[str, float]] = {}
    written: dict[str, float] = {}
    for cell in nb.cells:
        points = cell.metadata.get("nbgrader", {}).get("points", 0)
        if is_test(cell):
            part = grade_id(cell).rpartition("-")[2]
            exercises.setdefault(exercise_of(cell), {})[part] = points
        elif cell.metadata.get("nbgrader", {}).get("grade"):
            written[grade_id(cell)] = points
    title = next(
        (cell.source.lstrip("# ").splitlines()[0] for cell in nb.cells if cell.source[:2] == "# "),
        section.notebook,
    )
    total = sum(sum(parts.values()) for parts in exercises.values()) + sum(written.values())
    return {
        "notebook": section.notebook,
        "title": title,
        "data": _dataset(nb),
        "points": total,
        "exercises": exercises,
        "written": written,
    }


def _dataset(nb: NotebookNode) -> str:
    """The data set whose loader the notebook names: that of cats and dogs, or else MNIST's."""
    names = any(cell.cell_type == "code" and "cats_and_dogs" in cell.source for cell in nb.cells)
    return "cats-and-dogs" if names else "mnist"


def registry_path(root: Path) -> Path:
    """Where the package keeps what the sections ask, for notebooks that cannot see `source/`."""
    return root / "src" / "dlcourse" / "sections.json"


def registry_text(root: Path) -> str:
    """The registry of all sections, as JSON text."""
    sections = {section.name: describe(section) for section in find_sections(root)}
    return json.dumps(sections, indent=1, ensure_ascii=False) + "\n"
