"""Prints the instructor's notebooks, with their solutions and hidden tests.

aim: leak
known: nbgrader https://github.com/jupyter/nbgrader/issues/483
"""

from pathlib import Path

for path in Path("@ROOT@/source").glob("*/*.ipynb"):
    print(path.read_text()[::-1])
