"""The command as people type it: exit status, and sentences instead of tracebacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlcourse.cli import main
from dlcourse.settings import settings

ROOT = Path(__file__).resolve().parents[1]


def dlcourse(*arguments, cwd=ROOT, **environ):
    return subprocess.run(
        [sys.executable, "-m", "dlcourse.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )


def test_help_names_the_verbs():
    run = dlcourse("--help")
    assert run.returncode == 0
    assert [
        verb
        for verb in ("data", "build", "lint", "grade", "calibrate", "reproduce", "demo")
        if verb not in run.stdout
    ] == []


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["build", "99_nothing", "--no-run"], {}, "There is no section '99_nothing'. Sections: 01"),
        (["grade", "99_nothing"], {}, "There is no section '99_nothing'"),
        (["grade", "01_tensors"], {"DLCOURSE_ISOLATION": "non"}, "Set it to namespaces or none"),
        (["data", "mnist"], {"DLCOURSE_SOURCE": "reel"}, "DLCOURSE_SOURCE is 'reel'. Set it to"),
        (["data", "mnist"], {"DLCOURSE_DATA": "/nowhere"}, "which is not a folder"),
    ],
)
def test_what_cannot_be_run_ends_in_a_sentence(arguments, environ, said, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        assert main(arguments) == 2
    finally:
        settings.cache_clear()
    assert said in capsys.readouterr().err


def test_outside_the_course_a_command_says_where_to_go(tmp_path):
    run = dlcourse("lint", cwd=tmp_path)
    assert run.returncode == 2
    assert "is not inside the course" in run.stderr


def test_an_unknown_dataset_is_answered_with_the_known_ones():
    run = dlcourse("data", "imagenet")
    assert run.returncode == 2
    assert "mnist" in run.stderr


@pytest.mark.long
def test_synthetic_data_are_made_once_and_said_to_be_synthetic(tmp_path):
    environ = {"DLCOURSE_SOURCE": "synthetic", "DLCOURSE_CACHE": str(tmp_path)}
    first, second = dlcourse("data", "mnist", **environ), dlcourse("data", "mnist", **environ)
    assert first.returncode == second.returncode == 0
    assert "synthetic" in first.stdout.lower()
    assert "60000" in second.stdout.replace(",", "")
