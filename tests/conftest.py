"""Which tests stay together in one process."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A file's tests share their fixtures, so they stay in one process; known answers are so many
    that each section's make a group of their own."""
    for item in items:
        group = item.path.stem
        values = getattr(item, "callspec", None)
        if group == "test_answers" and values is not None:
            group = f"answers of {values.params['section']}"
        item.add_marker(pytest.mark.xdist_group(group))
