"""`dlcourse doctor` says in plain words what works here, and what to do about what does not."""

import os
import stat
import sys
from pathlib import Path

import pytest

from dlcourse import doctor
from dlcourse.cli import main
from dlcourse.doctor import BROKEN, FINE, LESS, Finding, examine, report
from dlcourse.settings import settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A cache of its own, no mirror, and settings that are read anew."""
    for name in list(os.environ):
        if name.startswith("DLCOURSE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def found(what, root=None):
    return next(each for each in examine(root) if each.what == what)


def test_this_machine_can_run_the_course():
    states = {each.what: each.state for each in examine(None)}
    assert states["Python"] == states["Packages"] == FINE
    assert BROKEN not in states.values()
    assert "Isolation" not in states


def test_an_instructors_machine_is_asked_for_more(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    asked = {each.what for each in examine(tmp_path)}
    assert asked > {"Grading", "Isolation", "Gradebook", "Exchange"}
    assert not (tmp_path / "gradebook.db").exists()


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_a_wrong_python_is_named(version, monkeypatch):
    monkeypatch.setattr(sys, "version_info", version)
    [finding] = doctor._python()
    assert finding.state == BROKEN
    assert "3.11 to 3.13" in finding.advice


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    finding = found("Packages")
    assert (finding.state, finding.says) == (BROKEN, "no-such-package not installed")
    assert "make setup" in finding.advice


def test_a_wrong_setting_is_said_and_the_rest_is_examined(monkeypatch):
    monkeypatch.setenv("DLCOURSE_PROFILE", "fst")
    assert "DLCOURSE_PROFILE is 'fst'" in found("Settings").says
    assert found("Kernel")


def test_without_data_it_says_how_to_get_them():
    assert found("MNIST").state == LESS
    assert "dlcourse data mnist" in found("MNIST").advice
    assert "dlcourse data cats-and-dogs" in found("Cats and dogs").advice
    assert found("VGG16").state == LESS


def test_data_in_the_mirror_are_found_and_nothing_is_written(tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "mnist.npz").write_bytes(b"not looked into")
    monkeypatch.setenv("DLCOURSE_DATA", str(mirror))
    assert found("Mirror").state == found("MNIST").state == FINE
    assert not (tmp_path / "cache").exists()


def test_damaged_weights_are_named(tmp_path, monkeypatch):
    name = "mobilenet_7_5_224_tf_no_top.weights.h5"
    (tmp_path / name).write_bytes(b"damaged")
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path))
    assert found("MobileNet").state == BROKEN
    assert name in found("MobileNet").says


def test_a_cache_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setenv("DLCOURSE_CACHE", "/proc/cache")
    assert found("Disk").state == BROKEN
    assert "DLCOURSE_CACHE" in found("Disk").advice


def test_a_full_disk_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "LITTLE_DISK", 2**60)
    assert found("Disk").state == LESS


def test_little_memory_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "LITTLE_MEMORY", 2**60)
    assert "fast profile" in found("Machine").advice


@pytest.mark.parametrize(
    ("answer", "state", "says"),
    [("echo 'Invented GPU, 24 MiB'", LESS, "Invented GPU, 24 MiB"), ("exit 9", BROKEN, "there is")],
)
def test_a_gpu_is_told_of(answer, state, says, tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(doctor, "gpu_visible", lambda: True)
    monkeypatch.setattr(doctor, "_version", lambda name: None if "cudnn" in name else "1")
    [finding] = doctor._gpu()
    assert finding.state == state
    assert finding.says.startswith(says)
    assert finding.advice


def test_student_code_that_is_trusted_is_told_of(monkeypatch):
    monkeypatch.setenv("DLCOURSE_ISOLATION", "none")
    [finding] = doctor._isolation()
    assert finding.state == LESS
    monkeypatch.setenv("DLCOURSE_ISOLATION", "nnoe")
    [finding] = doctor._isolation()
    assert finding.state == BROKEN


def test_an_exchange_that_students_cannot_use_is_named(tmp_path):
    exchange = tmp_path / "exchange"
    config = tmp_path / "nbgrader_config.py"
    config.write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(tmp_path)!r}\n"
        f"c.Exchange.root = {str(exchange)!r}\n"
    )
    assert "there is no" in found("Exchange", tmp_path).says
    exchange.mkdir(mode=0o755)
    assert "chmod 777" in found("Exchange", tmp_path).advice
    exchange.chmod(0o777)
    assert found("Exchange", tmp_path).state == FINE


def test_the_report_ends_with_what_it_comes_to():
    fine, less = Finding("a", FINE, "good"), Finding("b", LESS, "less", "do this")
    assert report([fine]).endswith("Everything works here.")
    assert "would make it better" in report([fine, less])
    assert "do this" in report([fine, less])
    assert "until it is mended" in report([fine, less, Finding("c", BROKEN, "bad")])
    assert all(len(line) <= 100 for line in report(examine(None)).splitlines())


def test_the_exit_status_says_whether_something_is_broken(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    monkeypatch.setenv("DLCOURSE_CACHE", "/proc/cache")
    settings.cache_clear()
    assert main(["doctor"]) == 1
    assert "!!  Disk" in capsys.readouterr().out
