"""Answers with an exception whose text never comes to its end.

aim: harm
known: notebooks
"""


class EndlessError(Exception):
    def __str__(self):
        while True:
            pass


def double(x):
    raise EndlessError
