"""Empties what another student has handed in and what is yet to be graded.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/483
"""

from pathlib import Path

for path in Path("@ROOT@/submitted").glob("zoe-*/*/*.ipynb"):
    path.write_text("{}")
