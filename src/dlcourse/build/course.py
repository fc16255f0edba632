"""The build of the whole course: make what is generated, or prove that it is fresh."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from dlcourse.build.release import release_texts
from dlcourse.build.sections import (
    BuildError,
    Section,
    describe,
    find_sections,
    notebook_text,
    read_notebook,
    registry_path,
    registry_text,
)
from dlcourse.build.solved import execute, record_minutes, solve
from dlcourse.files import write_text

Progress = Callable[[str, int, int], None]


def build(
    root: Path,
    names: list[str] | None = None,
    *,
    run: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> list[Path]:
    """Generate everything that comes from `source/`; the files that changed.

    `names` are the sections to build (all by default). With `run`, the solved notebooks are
    executed too, in the full profile unless DLCOURSE_PROFILE says otherwise. `progress` hears
    (what, done, total). Raises BuildError; files are written whole or not at all.
    """
    sections = find_sections(root, names)
    made = {section.release: text for section, text in release_texts(root, sections).items()}
    # The notebooks read the registry while they run, so it is written first.
    made[registry_path(root)] = registry_text(root)
    changed = [path for path, text in made.items() if _write_if_changed(path, text)]
    for section in sections if run else []:
        changed.append(_run(section, progress))
    return changed


def _run(section: Section, progress: Progress) -> Path:
    environ = {"DLCOURSE_PROFILE": os.environ.get("DLCOURSE_PROFILE") or "full"}
    nb, seconds = execute(
        section,
        environ=environ,
        progress=lambda done, total: progress(section.name, done, total),
    )
    nb.metadata["dlcourse"] = {"profile": environ["DLCOURSE_PROFILE"], **_data(section)}
    write_text(section.solved, notebook_text(nb))
    machine = f"{os.cpu_count()} CPU cores"
    facts = {name: nb.metadata["dlcourse"][name] for name in ("profile", "source")}
    record_minutes(section, seconds, {**facts, "machine": machine})
    return section.solved


def _data(section: Section) -> dict[str, str]:
    """Which data the section's notebook just read, and whether they are "real" or "synthetic"."""
    from dlcourse.data import DATASETS

    name = describe(section)["data"]
    return {"data": name, "source": DATASETS[name].origin().kind}


def stale(root: Path) -> Iterator[str]:
    """A sentence for each generated file that is not what `source/` generates; touches nothing."""
    sections = find_sections(root)
    for section, text in release_texts(root, sections).items():
        yield from _compare(root, section.release, text)
    if _text(registry_path(root)) != registry_text(root):
        yield _say(root, registry_path(root), None, "differs from what source/ generates")
    for section in sections:
        yield from _compare_solved(section)
    yield from _strays(root, sections)


def _compare(root: Path, path: Path, text: str) -> Iterator[str]:
    """Which cell of a release is not what `source/` generates."""
    if _text(path) == text:
        return
    try:
        found, expected = read_notebook(path), nbformat.reads(text, as_version=4)
    except BuildError as error:
        yield str(error)
        return
    cell = _first_difference(found.cells, expected.cells)
    yield _say(root, path, cell, "differs from what source/ generates")


def _compare_solved(section: Section) -> Iterator[str]:
    """Whether a solved notebook's cells, outputs aside, are those of `source/`."""
    try:
        found = read_notebook(section.solved)
    except BuildError as error:
        yield str(error)
        return
    for cell in found.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    expected = solve(read_notebook(section.source))
    if found.cells != expected.cells:
        cell = _first_difference(found.cells, expected.cells)
        yield _say(section.root, section.solved, cell, "is not the solved cell of source/")


def _strays(root: Path, sections: list[Section]) -> Iterator[str]:
    """Notebooks in the generated folders that no section generates."""
    known = {path for section in sections for path in (section.release, section.solved)}
    for folder in ("release", "notebooks"):
        for path in sorted((root / folder).rglob("*.ipynb")):
            if path not in known and ".ipynb_checkpoints" not in path.parts:
                yield f"{path.relative_to(root)}: no section in source/ generates it. Delete it."


def _first_difference(found: list, expected: list) -> str | None:
    for one, other in zip(found, expected, strict=False):
        if one != other:
            return one.get("id") or other.id
    if len(found) != len(expected):
        longer = max(found, expected, key=len)
        return longer[min(len(found), len(expected))].get("id")
    return None


def _say(root: Path, path: Path, cell: str | None, what: str) -> str:
    where = f"{path.relative_to(root)}{f', cell {cell}' if cell else ''}"
    return f"{where}: {what}. Change source/, then run `dlcourse build`."


def _write_if_changed(path: Path, text: str) -> bool:
    if _text(path) == text:
        return False
    write_text(path, text)
    return True


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
