"""A pytest plug-in that tells nbval what to compare, by the kind of each cell.

Structural cells are compared everywhere, data cells where the same source is at hand as when the
outputs were stored, training cells never. Use: `pytest --nbval-lax -p dlcourse.build.nbval`.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Only nbval's items carry a notebook's cell.
        cell = getattr(item, "cell", None)
        if cell is None:
            continue
        tags = cell.metadata.get("tags", [])
        stored = item.parent.nb.metadata.get("dlcourse", {}).get("source")
        same_source = "data" in tags and stored == _source_here()
        item.options["check"] = "structural" in tags or same_source
        # "Cell 12" tells an author little; the cell's id is what the linter says too.
        item.name = f"{item.name}: {cell.id}"
        item._nodeid = f"{item._nodeid}: {cell.id}"


def _source_here() -> str:
    from dlcourse.data import mnist_origin

    return mnist_origin().kind
