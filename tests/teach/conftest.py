"""What tests of the teaching helpers need: settings of their own, and a shell to display in."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dlcourse.settings import settings


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder in which the helpers keep things, with settings that no machine changes."""
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("DLCOURSE_SOURCE", "synthetic")
    monkeypatch.setenv("DLCOURSE_PROFILE", "fast")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture(scope="module")
def shell():
    """Without a shell, IPython prints what it is asked to display."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
