"""Histories kept from one section to another: only what can be compared comes back."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlcourse.settings import settings
from dlcourse.teach import keep_history, kept_history
from dlcourse.teach.storage import keep, recall

pytestmark = pytest.mark.usefixtures("cache")

LEARNED = {"loss": [0.7, 0.5], "val_accuracy": [0.5, 0.75]}


def test_a_kept_history_comes_back():
    keep_history("scratch", LEARNED)
    assert kept_history("scratch") == LEARNED


def test_what_fit_returns_is_kept_as_plain_numbers():
    fitted = SimpleNamespace(history={"loss": [np.float32(0.5), np.float64(0.25)]})
    keep_history("scratch", fitted)
    assert kept_history("scratch") == {"loss": [0.5, 0.25]}


def test_profile_and_source_are_kept_beside_it():
    keep_history("scratch", LEARNED)
    assert recall("histories")["scratch"] == {"fast synthetic": LEARNED}


def test_there_is_none_where_none_was_kept():
    keep_history("augmented", LEARNED)
    assert kept_history("scratch") is None


def test_the_latest_counts_and_others_stay():
    keep_history("scratch", {"loss": [0.9]})
    keep_history("augmented", LEARNED)
    keep_history("scratch", {"loss": [0.1]})
    assert kept_history("scratch") == {"loss": [0.1]}
    assert kept_history("augmented") == LEARNED


def test_a_history_of_another_profile_is_not_compared(monkeypatch):
    keep_history("scratch", LEARNED)
    monkeypatch.setenv("DLCOURSE_PROFILE", "full")
    settings.cache_clear()
    assert kept_history("scratch") is None
    keep_history("scratch", {"loss": [0.2]})
    monkeypatch.setenv("DLCOURSE_PROFILE", "fast")
    settings.cache_clear()
    assert kept_history("scratch") == LEARNED


def test_a_history_of_other_data_is_not_compared():
    keep("histories", {"scratch": {"fast real": LEARNED}})
    assert kept_history("scratch") is None


def test_nothing_is_kept_or_told_while_grading(monkeypatch, cache):
    keep_history("scratch", LEARNED)
    before = (cache / "histories.json").read_bytes()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    settings.cache_clear()
    keep_history("scratch", {"loss": [0.1]})
    assert kept_history("scratch") is None
    assert (cache / "histories.json").read_bytes() == before


@pytest.mark.parametrize(
    "content", ["not json", "[1]", '{"scratch": 3}', '{"scratch": {"fast synthetic": 3}}']
)
def test_a_damaged_file_counts_as_nothing_kept(cache, content):
    (cache / "histories.json").write_text(content, encoding="utf-8")
    assert kept_history("scratch") is None
