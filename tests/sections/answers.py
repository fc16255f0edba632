"""Runs the test cells of a section, as they stand in source/, on an answer given as text."""

import tomllib
from contextlib import suppress
from pathlib import Path

import nbformat

from dlcourse.build.sections import find_sections
from dlcourse.check import CheckFailed
from dlcourse.teach.setup import load_keras

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


class Exercises:
    """The exercises of one section: `verdict` says how an answer fares in its own test cells."""

    def __init__(self, section: str):
        load_keras()
        (found,) = find_sections(ROOT, [section])
        cells = nbformat.read(found.source, as_version=4).cells
        self.cells = {cell.id: cell.source for cell in cells}
        self.names = [name.removesuffix("-tests") for name in self.cells if name.endswith("-tests")]

    def scaffold(self, exercise: str) -> str:
        """The answer cell as students get it."""
        lines, inside = [], False
        for line in self.cells[exercise].split("\n"):
            if "### BEGIN SOLUTION" in line:
                inside = True
                lines.append(line.replace("### BEGIN SOLUTION", "raise NotImplementedError"))
            elif "### END SOLUTION" in line:
                inside = False
            elif not inside:
                lines.append(line)
        return "\n".join(lines)

    def verdict(self, exercise: str, answer: str) -> str:
        """ "right", or the message of the first test cell that refuses the answer."""
        namespace: dict = {}
        exec("import keras\nimport numpy as np\nfrom keras import layers", namespace)
        # A scaffold outside a function stops its own cell; the tests run all the same.
        with suppress(NotImplementedError):
            exec(answer, namespace)
        try:
            for part in ("check", "tests"):
                exec(self.cells[f"{exercise}-{part}"], namespace)
        except CheckFailed as refusal:
            return str(refusal)
        return "right"


def known_answers(kind: str) -> list[tuple[str, dict]]:
    """(section, entry) for each answer of a kind, "right" or "wrong", in the TOML files here."""
    return [
        (path.stem, entry)
        for path in sorted(HERE.glob("*.toml"))
        for entry in tomllib.loads(path.read_text("utf-8"))[kind]
    ]
