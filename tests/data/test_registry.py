"""What a machine may only read has to be there before: data are made ready once."""

from functools import partial
from pathlib import Path

import pytest

from dlcourse.cli import DATASETS as NAMES
from dlcourse.data import DATASETS, Origin
from dlcourse.data.datasets import Dataset


def test_the_command_knows_every_data_set():
    assert set(NAMES) == set(DATASETS)


@pytest.mark.parametrize(("there", "loaded"), [(False, 1), (True, 0)])
def test_data_are_loaded_to_be_ready_only_where_they_are_not_there(tmp_path, there, loaded):
    path = tmp_path / "digits" if not there else tmp_path
    calls = []
    origin = Origin("mnist", "synthetic", "Drawn.", Path(path))
    load = partial(calls.append, "loaded")
    Dataset(str, lambda: origin, load, at_hand=lambda: None).make_ready()
    assert len(calls) == loaded
