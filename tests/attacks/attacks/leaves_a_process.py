"""Leaves a process behind that runs on when grading is over.

aim: harm
known: notebooks
"""

import subprocess

subprocess.Popen(["sleep", "@TOKEN@"], start_new_session=True)
