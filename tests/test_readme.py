"""The README says nothing that the project does not hold."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_accuracy_in_the_readme_is_the_one_that_the_stored_notebook_measured():
    said = re.search(r"test accuracy of (\d+\.\d%)", " ".join(README.split()))[1]
    stored = (ROOT / "notebooks" / "02_mnist_dense.ipynb").read_text("utf-8")
    assert f"test {said}" in stored


def test_every_make_command_in_the_readme_is_a_target():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"make (?:EXTRA=gpu )?([a-z-]+)\b", README)) <= set(targets)


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
