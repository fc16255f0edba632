"""Prints one line that is so long that no page can show it.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/138
"""

for _ in range(40):
    print("x" * 2**20, end="")
