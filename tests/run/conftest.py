"""A warm parent, errands for its children, and what must be the same after them as before."""

import shutil
import tempfile
from pathlib import Path

import pytest
from processes import SMALL, Parent, eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for temporary ones, with a name short enough for sockets; empty in the end."""
    tmp_path_factory.getbasetemp()
    path, before = Path(tempfile.mkdtemp(prefix="dlc-run-")), tempfile.tempdir
    tempfile.tempdir = str(path)
    yield path
    tempfile.tempdir = before
    left = sorted(path.iterdir())
    shutil.rmtree(path)
    assert left == []


@pytest.fixture(scope="module")
def parent(folder):
    parent = Parent(["json", "numpy"])
    with parent.warm:
        parent.warm.start()
        yield parent
    assert parent.processes() == set()


@pytest.fixture
def nothing_left(parent, folder):
    """Fails a test that leaves a process, a mount or a temporary folder behind."""

    def state():
        mounts = Path("/proc/self/mountinfo").read_text()
        return parent.processes(), mounts, sorted(folder.iterdir())

    before = state()
    yield
    assert eventually(lambda: state() == before), "What is there now is not what was before."


@pytest.fixture
def isolated(parent, nothing_left):
    """Runs code in an isolated child with small limits, or with others."""

    def run(code, isolation=SMALL, **options):
        return parent.run(code, isolation, **options)

    return run
