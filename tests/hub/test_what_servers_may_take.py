"""The limits on each student's server, and its end when nobody uses it."""

import time

import pytest
from conftest import MEMORY
from machine import processes_of

pytestmark = pytest.mark.timeout(1800)
# Megabytes in pieces of 100, which are written to.
FILL = """
import numpy
held = [numpy.ones(100 * 2**17) for _ in range({} // 100)]
print("all", len(held))
"""


def test_who_takes_too_much_memory_loses_a_kernel_and_others_go_on(everybody):
    with everybody["ada"].kernel() as hers, everybody["ben"].kernel() as his:
        his.run("kept = 17")
        assert hers.run(FILL.format(2 * MEMORY)) == "dead"
        assert his.run("print(kept)") == "17"
    assert everybody["ada"].run("print('again')") == "again"


def test_memory_is_limited_for_all_of_a_students_kernels_together(everybody):
    half = FILL.format(MEMORY * 6 // 10)
    with everybody["ada"].kernel() as one, everybody["ada"].kernel() as other:
        assert one.run(half).startswith("all")
        said = other.run(half)
        assert "dead" in (said, one.run("print(len(held))"))


def test_processes_are_limited(everybody):
    code = """
import subprocess
started = []
try:
    for _ in range(300):
        started.append(subprocess.Popen(["sleep", "60"]))
except OSError as error:
    print("refused after", len(started))
for each in started:
    each.kill()
"""
    assert everybody["ada"].run(code).startswith("refused after")


def test_what_a_server_started_ends_with_it(everybody):
    ada = everybody["ada"]
    ada.run("import subprocess; subprocess.Popen(['setsid', 'sleep', '3600'])")
    assert processes_of(ada.name)
    ada.stop()
    wait_for(lambda: not processes_of(ada.name))
    ada.start()


@pytest.fixture
def left_alone(site, everybody):
    """Somebody whose server is started by a hub that does not wait for long."""
    cem = everybody["cem"]

    def start_again(idle):
        site.environment["DLCOURSE_HUB_IDLE"] = str(idle)
        site.stop()
        site.start()
        cem.start()

    cem.stop()
    wait_for(lambda: not cem.is_running())
    start_again(5)
    yield cem
    start_again(3600)


def test_a_server_that_nobody_uses_ends_and_the_hub_knows(everybody, left_alone):
    # Its connection stays open, as that of a tab that is left open.
    left_alone.kernel().run("idle = True")
    wait_for(lambda: not processes_of(left_alone.name))
    wait_for(lambda: not left_alone.is_running())
    assert everybody["ben"].is_running()


def wait_for(what, seconds=300):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(1)
