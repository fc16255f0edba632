"""The guides name commands, files and functions that exist."""

import re
import shlex
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp

from dlcourse import check
from dlcourse.cli import _parser

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ("students", "instructors", "maintainers", "grading", "cluster")
TEXT = {name: (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in GUIDES}


def commands():
    """(guide, command) for each command in a block, or in a line, of a guide."""
    for name, text in TEXT.items():
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += re.findall(r"`((?:dlcourse|make|nbgrader) [^`]+)`", text.replace("\n", " "))
        for line in lines:
            if words := shlex.split(line, comments=True):
                yield name, words


@pytest.mark.parametrize(("guide", "words"), list(commands()), ids=" ".join)
def test_a_command_can_be_given(guide, words):
    program, *rest = words
    # Students' environment need not be active.
    program = program.removeprefix(".venv/bin/")
    if program == "dlcourse":
        _parser().parse_args([word for word in rest if word != "10_NAME"])
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert [word for word in rest if "=" not in word][-1] in targets
    elif program == "nbgrader":
        known = {name.replace("-", "_") for name in NbGraderApp().subcommands} | {"db"}
        assert rest[0] in known
    else:
        assert program in ("python", "python3", "jupyter", "conda", "dask", "pip")
        assert all((ROOT / word).exists() for word in rest if word.endswith(".py"))


@pytest.mark.parametrize("guide", GUIDES)
def test_its_links_lead_somewhere(guide):
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT[guide])
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_files_that_maintainers_are_sent_to_exist():
    found = []
    for row in re.findall(r"^\| .* \| (.*) \|$", TEXT["maintainers"], re.MULTILINE):
        folder = None
        for path in map(Path, re.findall(r"`([\w/.]+(?:\.py|/))`", row)):
            place = ROOT / path if "/" in str(path) or folder is None else folder / path
            found.append(place)
            folder = place.parent if place.suffix else place
    assert len(found) > 10
    assert [str(path) for path in found if not path.exists()] == []


def test_the_checks_that_instructors_are_told_of_exist():
    names = set(re.findall(r"`check\.(\w+)\(", TEXT["instructors"]))
    assert names
    assert [name for name in names if not callable(getattr(check, name, None))] == []


def test_what_students_hand_in_is_ignored_by_git():
    [said] = re.findall(r"git ignores it: (.*?)\. Nothing", TEXT["instructors"].replace("\n", " "))
    ignored = (ROOT / ".gitignore").read_text("utf-8")
    for name in re.findall(r"`([^`]+)`", said):
        assert name.rstrip("/") in ignored
