"""Answers wrong on purpose, to be told by the test's message what it expected.

aim: leak
known: notebooks https://numpy.org/doc/stable/reference/generated/numpy.testing.assert_allclose.html
where: scale
deserves: scale-check
against: release
"""


def scale(x):
    return 3 * x if x[0] < 10 else 0 * x
