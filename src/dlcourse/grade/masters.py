"""The instructor's cells, and how a submission gets them back."""

from dataclasses import dataclass

from nbformat import NotebookNode

from dlcourse.grade.notebook import grade_id, is_unreadable, make_cell, repairs

SKIP = "skip-execution"
# How many cells a note names.
LISTED = 6


@dataclass(frozen=True)
class Master:
    """The instructor's version of one cell that nbgrader knows, as the gradebook has it.

    `released` is its text without hidden tests, as students got it.
    """

    info: NotebookNode
    source: str
    released: str
    cell_id: str | None = None

    @property
    def name(self) -> str:
        return self.info.grade_id

    @property
    def is_graded(self) -> bool:
        return self.info.grade or self.info.task

    @property
    def is_locked(self) -> bool:
        return self.info.locked and not self.info.solution

    @property
    def is_test(self) -> bool:
        return self.info.grade and not self.info.solution


def restore(nb: NotebookNode, masters: dict[str, Master], places: list["Place"]) -> None:
    """Puts the course's cells in `nb` right; what that took is noted.

    `masters` are the cells that nbgrader knows, by name; `places` all cells of source/, in order.
    """
    _drop_skip_tags(nb)
    _restore_known(nb, masters)
    _restore_missing(nb, masters, places)


def _drop_skip_tags(nb: NotebookNode) -> None:
    skipped = 0
    for cell in nb.cells:
        tags = cell.metadata.get("tags", [])
        if SKIP in tags:
            cell.metadata["tags"] = [tag for tag in tags if tag != SKIP]
            skipped += 1
    if skipped:
        cells = "1 cell" if skipped == 1 else f"{skipped} cells"
        repairs(nb).append(f"{cells} tagged {SKIP} ran all the same.")


def _restore_known(nb: NotebookNode, masters: dict[str, Master]) -> None:
    edited = []
    for name, indices in _copies(nb, masters).items():
        master = masters[name]
        index = _the_right_one(master, nb.cells, indices)
        nb.cells[index] = cell = _as_type(nb.cells[index], master.info.cell_type)
        cell.metadata["nbgrader"] = NotebookNode(master.info)
        if len(indices) > 1:
            repairs(nb).append(f"`{name}` was there {len(indices)} times; one was graded.")
        if master.is_locked:
            if master.is_test and not _same_text(cell.source, master.released, master.source):
                edited.append(name)
            cell.source = master.source
    if edited:
        repairs(nb).append(f"{_listed(edited)} changed; the course's version was graded.")


def _copies(nb: NotebookNode, masters: dict[str, Master]) -> dict[str, list[int]]:
    """Name of a master -> where its copies are in `nb`, whose nbgrader metadata are taken off."""
    by_cell_id = {master.cell_id: name for name, master in masters.items() if master.cell_id}
    copies: dict[str, list[int]] = {}
    for index, cell in enumerate(nb.cells):
        name = grade_id(cell)
        if name not in masters:
            name = by_cell_id.get(cell.get("id"))
        cell.metadata.pop("nbgrader", None)
        if name:
            copies.setdefault(name, []).append(index)
    return copies


def _restore_missing(nb: NotebookNode, masters: dict[str, Master], places: list["Place"]) -> None:
    present = {grade_id(cell) for cell in nb.cells}
    restored = []
    for number, place in enumerate(places):
        master = masters.get(place.name)
        if master and master.is_graded and master.name not in present:
            nb.cells.insert(_insertion_point(nb.cells, places, number), _new_cell(nb, master))
            restored.append(master.name)
    if restored and not is_unreadable(nb):
        repairs(nb).append(f"{_listed(restored)} missing and put back.")


def _listed(names: list[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names[:LISTED])
    if len(names) > LISTED:
        listed += f" and {len(names) - LISTED} more cells"
    return f"{listed} {'was' if len(names) == 1 else 'were'}"


@dataclass(frozen=True)
class Place:
    """One cell of source/, by its notebook cell id and, if it has one, its grade_id."""

    cell_id: str | None
    name: str | None

    def holds(self, cell: NotebookNode) -> bool:
        if self.name and grade_id(cell) == self.name:
            return True
        return bool(self.cell_id) and cell.get("id") == self.cell_id


def _insertion_point(cells: list[NotebookNode], places: list[Place], number: int) -> int:
    """Where the missing cell of `places[number]` belongs among `cells`.

    It follows the nearest earlier cell of the course, and whatever the student added after that.
    """
    at = 0
    for place in reversed(places[:number]):
        found = [index for index, cell in enumerate(cells) if place.holds(cell)]
        if found:
            at = found[-1] + 1
            break
    while at < len(cells) and not any(place.holds(cells[at]) for place in places):
        at += 1
    return at


def _the_right_one(master: Master, cells: list[NotebookNode], indices: list[int]) -> int:
    if master.info.solution:
        changed = [i for i in indices if not _same_text(cells[i].source, master.released)]
        return changed[-1] if changed else indices[0]
    originals = [i for i in indices if master.cell_id and cells[i].get("id") == master.cell_id]
    unchanged = [i for i in indices if _same_text(cells[i].source, master.released)]
    return (originals or unchanged or indices)[0]


def _same_text(text: str, *others: str) -> bool:
    return any(text.split() == other.split() for other in others)


def _as_type(cell: NotebookNode, cell_type: str) -> NotebookNode:
    """The cell as one of `cell_type` ("code", "markdown" or "raw")."""
    if cell.cell_type == cell_type:
        return cell
    made = make_cell(cell_type, cell.source, metadata=cell.metadata)
    # Notebooks before nbformat 4.5 have no cell ids.
    made.pop("id")
    return made if "id" not in cell else NotebookNode({**made, "id": cell.id})


def _new_cell(nb: NotebookNode, master: Master) -> NotebookNode:
    """The instructor's cell, to be put into `nb`."""
    cell = make_cell(master.info.cell_type, master.source)
    cell.metadata["nbgrader"] = NotebookNode(master.info)
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        cell.pop("id")
    elif master.cell_id and all(other.get("id") != master.cell_id for other in nb.cells):
        cell.id = master.cell_id
    return cell
