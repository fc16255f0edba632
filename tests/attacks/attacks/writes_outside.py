"""Overwrites a file outside its own folder.

aim: harm
known: nbgrader https://github.com/jupyter/nbgrader/issues/483
"""

from pathlib import Path

Path("@CANARY@").write_text("I have been here")
