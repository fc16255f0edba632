"""A pytest plug-in that tells nbval what to compare, by the kind of each cell.

Structural cells are compared everywhere, data cells where the same source is at hand as when the
outputs were stored, training cells never. Use: `pytest --nbval-lax -p dlcourse.build.nbval`.
"""

from collections.abc import Generator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Only nbval's items carry a notebook's cell.
        cell = getattr(item, "cell", None)
        if cell is None:
            continue
        tags = cell.metadata.get("tags", [])
        stored = item.parent.nb.metadata.get("dlcourse", {})
        same_source = "data" in tags and stored.get("source") == _source_here(stored["data"])
        item.options["check"] = "structural" in tags or same_source


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    """Open a failure with the file and the cell's id: "Cell 12" tells an author little."""
    report = yield
    if report.failed and hasattr(item, "cell"):
        report.longrepr = f"{item.path.name}, cell {item.cell.id}\n{report.longrepr}"
    return report


def _source_here(dataset: str) -> str:
    from dlcourse.data import DATASETS

    return DATASETS[dataset].origin().kind
