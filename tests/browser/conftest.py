"""Chromium, driven by Playwright, and a term's two JupyterLabs: a student's and an instructor's."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from lab import Lab
from nbgrader.utils import get_username
from pages import Screen
from playwright.sync_api import expect, sync_playwright

from dlcourse.grade import demo

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
SECTION, NOTEBOOK = "04_convolution_arithmetic", "convolution_arithmetic"
# nbgrader calls students as the system does, and here both are the same person.
STUDENT = get_username()
# Milliseconds. On a busy machine the section alone runs for minutes.
PATIENCE = 300_000
LAPTOP = {"width": 1280, "height": 800}


def chromium():
    """The path of the system's Chromium; fails with what to do if there is none."""
    if chosen := os.environ.get("DLCOURSE_CHROMIUM"):
        return chosen
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    for path in map(shutil.which, names):
        if path:
            return path
    return pytest.fail(
        "No Chromium was found. Install it (on Debian and Ubuntu: apt install chromium), or set "
        "DLCOURSE_CHROMIUM to its path.",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def browser():
    expect.set_options(timeout=PATIENCE)
    shutil.rmtree(SHOTS, ignore_errors=True)
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    folder.chmod(0o777)
    return folder


def home(folder, exchange):
    """A home in which nbgrader knows its exchange."""
    (folder / "config").mkdir(parents=True)
    config = f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\n"
    (folder / "config" / "nbgrader_config.py").write_text(config)
    return folder


@pytest.fixture(scope="module")
def student(browser, exchange, tmp_path_factory):
    """A student's screen: `make lab`, with nothing in the folder but the start page."""
    folder = tmp_path_factory.mktemp("student")
    shutil.copy(ROOT / "deploy" / "start.md", folder)
    place = home(tmp_path_factory.mktemp("homes") / "student", exchange)
    config = str(ROOT / "deploy" / "student")
    with Lab(folder, place, JUPYTER_CONFIG_PATH=config) as lab:
        yield Screen(browser, lab, SHOTS / "student", PATIENCE, LAPTOP)


@pytest.fixture(scope="module")
def instructor(browser, exchange, tmp_path_factory):
    """An instructor's screen: `make lab ROLE=instructor`, on a course of one section."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(ROOT / "source" / SECTION, folder / "source" / SECTION, ignore=ignored)
    place = home(tmp_path_factory.mktemp("homes") / "instructor", exchange)
    opened = "--LabApp.default_url=/lab/tree/docs/instructors.md"
    with Lab(folder, place, opened) as lab:
        yield Screen(browser, lab, SHOTS / "instructor", PATIENCE, LAPTOP)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Keep a picture of what a step that failed saw last."""
    report = yield
    if report.failed:
        for screen in (item.funcargs.get(name) for name in ("student", "instructor")):
            if screen:
                screen.picture(f"failed-{item.name}")
    return report


@pytest.fixture(scope="session")
def answers():
    """Grade id -> the right answer."""
    source = nbformat.read(ROOT / "source" / SECTION / f"{NOTEBOOK}.ipynb", as_version=4)
    return demo.right_answers(source)
