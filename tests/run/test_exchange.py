"""A full disk of the exchange: a sentence, nothing half there, and the same again does it."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from traitlets.config import Config

from dlcourse.run.exchange import Release, ReleaseFeedback, Submit

TEXT = "a notebook " * 1000


@pytest.fixture
def course(tmp_path):
    """A course with the section `ps`, which is released, and a student who has it."""
    for folder in ("exchange/course/inbound", "exchange/course/outbound/ps", "course/release/ps"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("exchange/course/outbound/ps", "course/release/ps", "home/ps"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "ps.ipynb").write_text(TEXT)
    return tmp_path


@pytest.fixture
def do(course):
    """Has one of the exchange's classes do what it is there for."""

    def run(kind):
        places = {"root": str(course / "course"), "course_id": "course", "assignment_id": "ps"}
        exchange = {"root": str(course / "exchange"), "assignment_dir": str(course / "home")}
        exchange["cache"] = str(course / "cache")
        config = Config(CourseDirectory=places, Exchange=exchange)
        course_directory, who = CourseDirectory(config=config), Authenticator(config=config)
        kind(coursedir=course_directory, authenticator=who, config=config).start()

    return run


@pytest.fixture
def disk(monkeypatch):
    """Fills the disk: of the next files each gets half, and then nothing fits any more."""

    def copyfile(source, target, **options):
        Path(target).write_text(Path(source).read_text()[: len(TEXT) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copyfile)
        yield patch


def names(folder):
    return [path.name for path in folder.rglob("*")]


def test_on_a_full_disk_nothing_is_handed_in_and_then_all(course, do, disk):
    with pytest.raises(
        ExchangeError, match=r"no room left .*inbound.* Nothing was handed in"
    ) as said:
        do(Submit)
    assert "submit again once there is room" in str(said.value)
    assert names(course / "exchange" / "course" / "inbound") == []
    disk.undo()
    do(Submit)
    [folder] = (course / "exchange" / "course" / "inbound").iterdir()
    assert (folder / "ps.ipynb").read_text() == TEXT
    assert names(course / "cache")


def test_what_was_handed_in_before_stays(course, do, disk):
    earlier = course / "exchange" / "course" / "inbound" / "ada+ps+2030-01-01 12:00:00 UTC+random"
    earlier.mkdir()
    (earlier / "ps.ipynb").write_text("{}")
    with pytest.raises(ExchangeError):
        do(Submit)
    assert names(course / "exchange" / "course" / "inbound") == [earlier.name, "ps.ipynb"]


def test_on_a_full_disk_no_half_of_a_section_is_released_and_then_all_of_it(course, do, disk):
    released = course / "exchange" / "course" / "outbound" / "ps"
    shutil.rmtree(released)
    with pytest.raises(ExchangeError, match="no room left .*outbound.* do the same again"):
        do(Release)
    assert not released.exists()
    disk.undo()
    do(Release)
    assert (released / "ps.ipynb").read_text() == TEXT


def test_on_a_full_disk_no_half_of_a_page_comes_back_and_then_all_of_it(course, do, disk):
    page = course / "course" / "feedback" / "ada" / "ps" / "ps.html"
    page.parent.mkdir(parents=True)
    for name in (page.name, "timestamp.txt", "submission_secret.txt"):
        page.with_name(name).write_text(TEXT)
    shown = course / "exchange" / "course" / "feedback"
    with pytest.raises(ExchangeError, match="no room left .*feedback.* do the same again"):
        do(ReleaseFeedback)
    assert not [name for name in names(shown) if not name.endswith("-tmp.html")]
    disk.undo()
    do(ReleaseFeedback)
    [given] = shown.iterdir()
    assert given.read_text() == TEXT


def test_other_trouble_is_nbgraders_to_tell(course, do, monkeypatch):
    def copyfile(source, target, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises(shutil.Error, match="Input/output error"):
        do(Submit)
    assert names(course / "exchange" / "course" / "inbound") == []
