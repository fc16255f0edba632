"""Which tests stay together in one of xdist's processes, and what they need to ask only once."""

import os
import re
from functools import cache

import nbgrader.api
from xdist.scheduler import LoadFileScheduling

# nbgrader asks alembic for each new gradebook: a process, seconds, and the same answer every time.
nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)

# Tests make gradebooks of their own, and must not write into a real one.
os.environ.pop("DLCOURSE_GRADEBOOK", None)


class LoadSections(LoadFileScheduling):
    """A file's tests share their fixtures, so they stay in one process.

    Known answers are so many that those of each section make a file's worth of their own. All that
    grades stays together, for each process that grades starts three warm ones.
    """

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        if file.startswith(("tests/grade/", "tests/attacks/")):
            return "tests/grade"
        section = re.search(r"test_answers\.py::\w+\[(\d\d)_", nodeid)
        return f"{file} {section[1]}" if section else file


def pytest_xdist_make_scheduler(config, log):
    return LoadSections(config, log)
