"""The page on scale says what was measured: it is what the benchmark writes from its numbers."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def scale():
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept():
    return json.loads((DOCS / "scale.json").read_text("utf-8"))


def test_the_page_is_what_was_measured(scale, kept):
    assert (DOCS / "scale.md").read_text("utf-8") == scale.page(kept)


def test_a_class_of_ten_thousand_was_measured(kept):
    assert {"10", "10000"} <= kept["memory"]["classes"].keys()


def test_what_breaks_first_is_the_step_that_takes_longest_for_all(scale, kept):
    kept["steps"] |= {"judging": 6.0, "entering": 0.1, "feedback": 1.0, "feedback at once": 4}
    said = scale.page(kept)
    assert "**What breaks first** is feedback, " in said
    assert "submission every 0.25 s" in said
    assert "about 24\nthreads" in said
