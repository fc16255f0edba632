"""Never ends.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/427
"""

while True:
    pass
