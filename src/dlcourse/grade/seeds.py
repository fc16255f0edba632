"""The seeds that make grading twice give the same verdicts, whatever else is in a notebook."""

import hashlib
import random
import re
import sys

import numpy as np
from nbformat import NotebookNode
from nbgrader import utils

from dlcourse.grade.notebook import grade_id, is_untouched

# How code looks that seeds a generator.
_SEEDING = re.compile(r"\b(?:seed|set_seed|set_random_seed)\s*\(")


def seed_of(assignment: str, cell: NotebookNode) -> int:
    """The seed, below 2**32, for a cell: the same wherever it stands in whosever notebook."""
    name = grade_id(cell) or cell.get("id") or cell.source
    digest = hashlib.sha256(f"{assignment}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def sets_a_seed(cell: NotebookNode, own: dict[str, NotebookNode]) -> bool:
    """Whether a student's cell seems to seed a generator itself.

    A cell of the course's own may; it does not decide for the students. own: the section's plain
    code cells, by notebook cell id.
    """
    if utils.is_locked(cell) or is_untouched(cell, own):
        return False
    return bool(_SEEDING.search(cell.source))


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and, where it is imported, Keras; `seed` is below 2**32."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)
    else:
        random.seed(seed)
        np.random.seed(seed)
