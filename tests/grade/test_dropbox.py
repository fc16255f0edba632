"""What is collected from an exchange: what a student owns, and nothing that it only leads to."""

import errno
import logging
import os
import sysconfig
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from nbgrader.utils import get_osusername
from traitlets.config import Config

from dlcourse.grade.dropbox import Collect, copy_own

EARLY, LATE = "2030-01-01 12:00:00 UTC", "2030-01-02 12:00:00 UTC"
ME = get_osusername()


@pytest.fixture
def inbound(tmp_path):
    folder = tmp_path / "exchange" / "course" / "inbound"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def collect(inbound, tmp_path, monkeypatch):
    """Collects a section, and gives what each student handed in: name -> timestamp."""

    # Where nbgrader finds alembic.
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)

    def run(**options):
        root = tmp_path / "course"
        root.mkdir(exist_ok=True)
        places = {"root": str(root), "course_id": "course", "assignment_id": "ps"}
        exchange = {"root": str(tmp_path / "exchange")}
        book = {"db_url": f"sqlite:///{root / 'gradebook.db'}"}
        config = Config(CourseDirectory=places | book, Exchange=exchange, ExchangeCollect=options)
        Collect(coursedir=CourseDirectory(config=config), config=config).start()
        stamps = (root / "submitted").glob("*/ps/timestamp.txt")
        return {path.parts[-3]: path.read_text() for path in stamps}

    return run


def hand_in(inbound, name, timestamp):
    folder = inbound / f"{name}+ps+{timestamp}+random"
    folder.mkdir()
    (folder / "ps.ipynb").write_text("{}")
    (folder / "timestamp.txt").write_text(timestamp)
    (folder / "submission_secret.txt").write_text("secret")
    return folder


def test_the_last_submission_is_collected(inbound, collect):
    hand_in(inbound, ME, EARLY)
    hand_in(inbound, ME, LATE)
    assert collect() == {ME: LATE}


def test_what_names_another_than_its_owner_is_left_out_and_named(inbound, collect, caplog):
    hand_in(inbound, ME, EARLY)
    hand_in(inbound, "nobody-else", LATE)
    with caplog.at_level(logging.WARNING):
        assert collect() == {ME: EARLY}
    assert f"it names nobody-else and belongs to {ME}" in caplog.text


def test_names_need_not_be_the_systems_where_the_course_says_so(inbound, collect):
    hand_in(inbound, "nobody-else", LATE)
    assert collect(check_owner=False) == {"nobody-else": LATE}


@pytest.mark.parametrize("name", ["x+ps+", "x+ps+never+y", "+ps+"])
def test_a_folder_with_a_strange_name_stops_nobody(inbound, collect, name):
    hand_in(inbound, ME, EARLY)
    (inbound / name).mkdir()
    assert collect() == {ME: EARLY}


def test_a_link_to_a_submission_is_none(inbound, collect, tmp_path):
    hand_in(inbound, ME, EARLY)
    elsewhere = hand_in(tmp_path, ME, LATE)
    (inbound / f"{ME}+ps+{LATE}+random").symlink_to(elsewhere)
    assert collect() == {ME: EARLY}


def test_links_in_a_submission_are_left_out(inbound, collect, tmp_path):
    folder = hand_in(inbound, ME, EARLY)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret")
    (folder / "file").symlink_to(tmp_path / "secret" / "file")
    (folder / "folder").symlink_to(tmp_path / "secret")
    collect()
    collected = tmp_path / "course" / "submitted" / ME / "ps"
    whole = {"ps.ipynb", "timestamp.txt", "submission_secret.txt"}
    assert {path.name for path in collected.rglob("*")} == whole


@pytest.mark.parametrize("last", ["timestamp.txt", "submission_secret.txt"])
def test_half_a_submission_does_not_come_before_a_whole_one(inbound, collect, last, caplog):
    hand_in(inbound, ME, EARLY)
    # A full disk lets a file be made, and nothing be written into it.
    (hand_in(inbound, ME, LATE) / last).write_text("")
    with caplog.at_level(logging.WARNING):
        assert collect() == {ME: EARLY}
    assert "it was not handed in to the end" in caplog.text


def test_on_a_full_disk_half_is_not_collected_and_the_same_again_collects(
    inbound, collect, tmp_path, monkeypatch
):
    def write_bytes(path, data):
        path.write_text("")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    hand_in(inbound, ME, EARLY)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(ExchangeError, match=r"no room left on the disk for .*submitted"):
            collect()
    assert not (tmp_path / "course" / "submitted" / ME / "ps").exists()
    assert collect() == {ME: EARLY}


def copied(source, target, room=1000):
    return [why for _, why in copy_own(source, target, lambda folder, names: ["ignored"], room)]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("content")
    return folder


def test_folders_are_copied_without_what_the_course_ignores(source, tmp_path):
    (source / "ignored").write_text("x")
    assert copied(source, tmp_path / "target") == []
    assert (tmp_path / "target" / "inner" / "file").read_text() == "content"
    assert not (tmp_path / "target" / "ignored").exists()


def test_a_pipe_is_left_out_and_nobody_waits_for_it(source, tmp_path):
    os.mkfifo(source / "pipe")
    assert copied(source, tmp_path / "target") == ["it is not a file."]


def test_what_has_no_room_is_left_out(source, tmp_path):
    (source / "inner" / "large").write_bytes(bytes(2000))
    [why] = copied(source, tmp_path / "target")
    assert "too large" in why
    assert (tmp_path / "target" / "inner" / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give a file to somebody else.")
def test_files_of_others_are_left_out(source, tmp_path):
    os.chown(source / "inner" / "file", 12345, 12345)
    assert copied(source, tmp_path / "target") == ["it belongs to somebody else."]
