"""Fills the disk, by more than the course allows.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/874
"""

from pathlib import Path

with Path("large").open("wb") as file:
    for _ in range(75):
        file.write(b"x" * 2**24)
        file.flush()
print("I took", "more than I may")
