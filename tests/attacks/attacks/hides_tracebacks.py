"""Has IPython show no traceback, so that a failed test leaves no error in its cell.

aim: points
known: nbgrader https://github.com/jupyter/nbgrader/pull/1324
"""

from IPython.core.interactiveshell import InteractiveShell

InteractiveShell.showtraceback = lambda *args, **kwargs: None
InteractiveShell._showtraceback = lambda *args, **kwargs: None
