"""Runs the test cells of a section, as they stand in source/, on an answer given as text."""

from pathlib import Path

import nbformat

from dlcourse.build.sections import find_sections
from dlcourse.check import CheckFailed

ROOT = Path(__file__).resolve().parents[2]


class Exercises:
    """The exercises of one section: `verdict` says how an answer fares in its own test cells."""

    def __init__(self, section: str):
        (found,) = find_sections(ROOT, [section])
        cells = nbformat.read(found.source, as_version=4).cells
        self.cells = {cell.id: cell.source for cell in cells}

    def verdict(self, exercise: str, answer: str | None = None) -> str:
        """ "right", or the message of the first test cell that refuses; None is the reference."""
        namespace: dict = {}
        exec("import numpy as np\nimport keras", namespace)
        exec(self.cells[exercise] if answer is None else answer, namespace)
        try:
            for part in ("check", "tests"):
                exec(self.cells[f"{exercise}-{part}"], namespace)
        except CheckFailed as refusal:
            return str(refusal)
        return "right"
