"""Histories of trainings, kept for the section that compares with them."""

import numpy as np
import pytest

from dlcourse.settings import settings
from dlcourse.teach import keep_history
from dlcourse.teach.storage import recall

pytestmark = pytest.mark.usefixtures("cache")

RECORD = {"loss": [0.5, np.float32(0.25)], "val_loss": [0.5, 0.75]}


def test_a_history_is_kept_with_how_it_was_measured():
    keep_history("scratch", RECORD)
    kept = {"loss": [0.5, 0.25], "val_loss": [0.5, 0.75]}
    expected = {"history": kept, "profile": "fast", "source": "synthetic"}
    assert recall("histories") == {"scratch": expected}


def test_what_fit_returns_is_kept_as_its_record():
    class Returned:
        history = RECORD

    keep_history("scratch", Returned())
    assert recall("histories")["scratch"]["history"]["loss"] == [0.5, 0.25]


def test_a_second_history_leaves_the_first_one_where_it_is():
    keep_history("scratch", RECORD)
    keep_history("augmented", {"loss": [1.0]})
    assert sorted(recall("histories")) == ["augmented", "scratch"]


def test_nothing_is_kept_while_grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    settings.cache_clear()
    keep_history("scratch", RECORD)
    assert recall("histories") == {}
