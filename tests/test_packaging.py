"""The ways to install the course hold together: pyproject, the locks, and conda's file."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ["cpu", "gpu"]
NAMED = {"jupyterlab", "tensorflow", "numpy", "matplotlib", "pillow", "nbgrader", "nbval"} | {
    "ipywidgets"
}


def lock_text(extra):
    return (ROOT / "requirements" / f"{extra}.txt").read_text()


def locked(extra):
    """The versions that a lock pins, by canonical name."""
    pins = re.findall(r"^([\w.\-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock_text(extra), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("extra", LOCKS)
def test_a_lock_pins_a_right_version_of_everything_that_pyproject_asks_for(extra):
    pins = locked(extra)
    both = [line for name in EXTRAS.keys() - set(LOCKS) for line in EXTRAS[name]]
    for line in PROJECT["dependencies"] + EXTRAS[extra] + both:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), line


@pytest.mark.parametrize("extra", LOCKS)
def test_every_pin_has_hashes(extra):
    blocks = re.split(r"^(?=[\w])", lock_text(extra), flags=re.MULTILINE)[1:]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("extra", LOCKS)
def test_a_lock_holds_no_addresses(extra):
    assert re.findall(r".*(?:://|--index-url|--find-links).*", lock_text(extra)) == []


def test_the_named_packages_are_locked():
    assert locked("cpu").keys() >= NAMED


def test_the_two_locks_agree_on_what_they_share():
    cpu, gpu = locked("cpu"), locked("gpu")
    assert {n: (cpu[n], gpu[n]) for n in cpu.keys() & gpu.keys() if cpu[n] != gpu[n]} == {}


def test_conda_installs_python_and_the_same_lock_and_nothing_else():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [item["pip"] for item in dependencies if isinstance(item, dict)]
    plain = [item for item in dependencies if isinstance(item, str)]
    assert pip == ["-r requirements/cpu.txt"]
    (python,) = [item for item in plain if item.startswith("python=")]
    version = python.split("=")[1]
    assert Requirement(f"x{PROJECT['requires-python']}").specifier.contains(version)
    assert [item for item in plain if item != python] == ["pip"]
