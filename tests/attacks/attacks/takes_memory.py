"""Takes more memory than the course allows.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/427
"""

hoard = [bytearray(b"x") * 2**27 for _ in range(11)]
print("I took", "more than I may")
