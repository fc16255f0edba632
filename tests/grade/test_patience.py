"""Limits in seconds are those of a free machine; on a busy one they stretch with its load."""

import os

import pytest

from dlcourse.grade.execution import ExecuteSubmission
from dlcourse.run.system import patience


@pytest.fixture
def load(monkeypatch):
    """Sets the machine's load, as if it had four cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return lambda value: monkeypatch.setattr(os, "getloadavg", lambda: (value, 0, 0))


@pytest.mark.parametrize(("busy", "times"), [(0, 1), (4, 1), (8, 2), (30, 7.5), (4000, 10)])
def test_patience_grows_with_the_load_of_each_core_up_to_a_bound(load, busy, times):
    load(busy)
    assert patience() == times


def test_a_cell_gets_its_configured_seconds_as_many_times_as_the_load_says(load):
    runs = ExecuteSubmission(timeout=60)
    load(1)
    assert runs.timeout_func(None) == 60
    load(12)
    assert runs.timeout_func(None) == 180


def test_a_machine_that_knows_no_load_keeps_the_configured_limits(monkeypatch):
    monkeypatch.delattr(os, "getloadavg")
    assert patience() == 1
