import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlcourse.data.download import DataError, fetch

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def get(server, destination: Path, attempts: int = 3) -> Path:
    return fetch(
        server.url,
        destination,
        sha256=SHA256,
        size=len(CONTENT),
        attempts=attempts,
        pause=0,
    )


@pytest.fixture
def server(serve):
    return serve(CONTENT)


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "cache" / "mnist.npz"


@pytest.fixture
def part(destination):
    """The file where an unfinished download is kept."""
    destination.parent.mkdir()
    return destination.with_name("mnist.npz.part")


def test_a_download_brings_the_published_bytes(server, destination):
    assert get(server, destination).read_bytes() == CONTENT


def test_a_download_shows_its_progress_on_stderr(server, destination, capfd):
    get(server, destination)
    shown = capfd.readouterr()
    assert "mnist.npz: 100%" in shown.err
    assert shown.out == ""


def test_a_file_that_is_here_is_not_asked_for_again(server, destination, capfd):
    get(server, destination)
    capfd.readouterr()
    get(server, destination)
    assert len(server.ranges) == 1
    assert capfd.readouterr().err == ""


def test_a_file_that_was_altered_here_is_named_and_kept_from_use(server, destination):
    get(server, destination).write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(DataError, match=f"{destination} is not the file .* Delete it"):
        get(server, destination)


def test_after_a_break_only_the_rest_is_asked_for(server, destination):
    server.break_after = [131_072]
    assert get(server, destination).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=131072-"]


def test_a_later_call_goes_on_where_a_failed_one_stopped(server, destination):
    server.break_after = [131_072]
    with pytest.raises(DataError, match="131,072 of 300,000 bytes, kept for the next try"):
        get(server, destination, attempts=1)
    assert not destination.exists()
    assert get(server, destination).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=131072-"]


def test_a_server_that_knows_no_ranges_sends_everything_again(server, destination):
    server.knows_ranges = False
    server.break_after = [131_072]
    assert get(server, destination).read_bytes() == CONTENT


def test_a_part_that_was_complete_needs_no_request(server, destination, part):
    part.write_bytes(CONTENT)
    assert get(server, destination).read_bytes() == CONTENT
    assert server.ranges == []


def test_a_part_of_another_version_is_discarded(server, destination, part):
    part.write_bytes(b"another version" * 1000)
    assert get(server, destination).read_bytes() == CONTENT
    assert server.ranges == ["bytes=15000-", None]


def test_a_part_that_is_too_long_is_discarded(server, destination, part):
    part.write_bytes(CONTENT + b"more")
    assert get(server, destination).read_bytes() == CONTENT


def test_an_answer_that_ends_early_every_time_is_refused(server, destination):
    server.knows_ranges = False
    server.break_after = [1000, 1000, 1000]
    with pytest.raises(DataError, match="the connection broke off"):
        get(server, destination, attempts=3)
    assert len(server.ranges) == 3
    assert not destination.exists()


def test_altered_bytes_are_refused_and_nothing_of_them_stays(serve, destination):
    server = serve(b"x" + CONTENT[1:])
    with pytest.raises(DataError, match=f"{server.url} .* its sha256 is another"):
        get(server, destination)
    assert [path.name for path in destination.parent.iterdir() if path.suffix != ".lock"] == []


def test_a_login_page_in_place_of_the_file_is_refused_at_once(serve, destination):
    server = serve(b"<html>Welcome to our network</html>")
    with pytest.raises(DataError, match="35 bytes instead of 300,000"):
        get(server, destination)
    assert len(server.ranges) == 1


def test_an_endless_answer_is_cut_off(serve, destination):
    server = serve(CONTENT + CONTENT)
    server.says_length = False
    with pytest.raises(DataError, match="more than 300,000 bytes"):
        get(server, destination)
    assert not destination.exists()


def test_a_busy_server_is_asked_a_bounded_number_of_times(server, destination):
    server.status = 503
    with pytest.raises(DataError, match="the server answered 503"):
        get(server, destination, attempts=3)
    assert len(server.ranges) == 3


def test_a_missing_file_is_asked_for_once(server, destination):
    server.status = 404
    with pytest.raises(DataError, match="the server answered 404"):
        get(server, destination, attempts=3)
    assert len(server.ranges) == 1


def test_offline_one_sentence_says_what_where_and_what_to_do(server, destination):
    server.shutdown()
    server.server_close()
    with pytest.raises(DataError) as failure:
        get(server, destination)
    sentence = str(failure.value)
    for part in ("mnist.npz", "127.0.0.1", "DLCOURSE_DATA", "DLCOURSE_SOURCE=synthetic"):
        assert part in sentence
    assert "\n" not in sentence


def test_a_disk_too_small_is_said_before_anything_is_asked(server, destination):
    with pytest.raises(DataError, match="needs 1,000,000,000,000 MB in .*DLCOURSE_CACHE"):
        fetch(server.url, destination, sha256=SHA256, size=10**18)
    assert server.ranges == []


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file/mnist.npz could not be written .*DLCOURSE_CACHE"):
        get(server, tmp_path / "file" / "mnist.npz")


def start_fetching(server, destination: Path) -> subprocess.Popen:
    """Another process that is about to fetch the same file."""
    code = (
        "import sys; from pathlib import Path; from dlcourse.data.download import fetch;"
        "print('ready', flush=True);"
        "fetch(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3], size=int(sys.argv[4]))"
    )
    arguments = [server.url, str(destination), SHA256, str(len(CONTENT))]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process.stdout as stdout:
        assert stdout.readline() == b"ready\n"
    return process


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_two_processes_at_once_download_once_and_both_have_the_file(server, destination):
    server.hold_after = 100_000
    both = [start_fetching(server, destination) for _ in range(2)]
    wait_until(lambda: server.ranges)
    time.sleep(0.5)  # Time for the other's request, which must not come.
    server.hold.set()
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert destination.read_bytes() == CONTENT
    assert len(server.ranges) == 1


def test_a_killed_download_leaves_no_lock_and_is_resumed(server, destination):
    server.hold_after = 200_000
    killed = start_fetching(server, destination)
    part = destination.with_name("mnist.npz.part")
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    killed.kill()
    killed.wait(timeout=60)
    server.hold.set()
    server.hold_after = None
    assert not destination.exists()
    assert get(server, destination).read_bytes() == CONTENT
    assert server.ranges[1].startswith("bytes=")
