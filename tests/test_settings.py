from pathlib import Path

import pytest

from dlcourse.settings import SettingsError, read_settings


def test_without_a_gpu_the_automatic_profile_is_fast():
    assert read_settings({}, gpu=False).profile == "fast"


def test_with_a_gpu_the_automatic_profile_is_full():
    assert read_settings({}, gpu=True).profile == "full"


def test_grading_is_fast_whatever_the_shell_says():
    shell = {"DLCOURSE_PROFILE": "full", "DLCOURSE_BASE": "untrained"}
    settings = read_settings({"NBGRADER_EXECUTION": "autograde"} | shell, gpu=True)
    assert (settings.profile, settings.base, settings.grading) == ("fast", "auto", True)


@pytest.mark.parametrize("name", ["DLCOURSE_PROFILE", "DLCOURSE_SOURCE", "DLCOURSE_BASE"])
def test_a_wrong_value_is_answered_with_the_right_ones(name):
    with pytest.raises(SettingsError, match=f"{name} is 'quick'. Set it to one of: auto, "):
        read_settings({name: "quick"}, gpu=False)


def test_a_mirror_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(SettingsError, match="which is not a folder"):
        read_settings({"DLCOURSE_DATA": str(tmp_path / "nothing")}, gpu=False)


def test_a_relative_mirror_is_made_absolute_for_kernels_that_run_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert read_settings({"DLCOURSE_DATA": "data"}, gpu=False).mirror == tmp_path / "data"


def test_the_cache_is_under_the_home_folder_unless_said_otherwise(tmp_path):
    assert read_settings({}, gpu=False).cache == Path.home() / ".cache" / "dlcourse"
    assert read_settings({"DLCOURSE_CACHE": str(tmp_path)}, gpu=False).cache == tmp_path
