"""Starts more and more processes; a real fork bomb would have no end.

aim: harm
known: gradescope https://gradescope-autograders.readthedocs.io/en/latest/best_practices/
"""

import os
import time

for _ in range(80):
    if os.fork() == 0:
        time.sleep(15)
        os._exit(0)
time.sleep(1)
print("I took", "more than I may")
