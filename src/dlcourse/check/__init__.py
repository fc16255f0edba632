"""The vocabulary that test cells are written in.

A test cell opens an exercise, calls the student's function and compares:

    with check.exercise("relu", "any rank, input untouched"):
        x = np.array([-1.0, 2.0])
        check.equal(check.call(relu, x), np.array([0.0, 2.0]), "relu(x)")

What does not hold raises CheckFailed, which a notebook shows as its message alone: what is wrong
with the student's own value, and what to do about it. This package imports nothing else of the
course, since it runs where no student code may reach.
"""

from dlcourse.check.arrays import array, equal
from dlcourse.check.core import (
    call,
    exercise,
    hint,
    raises,
    results,
    structure,
    that,
)
from dlcourse.check.datasets import dataset
from dlcourse.check.failures import CheckFailed, FaultyTest, NotStarted
from dlcourse.check.folders import File, Folder
from dlcourse.check.models import (
    accuracy,
    compiled,
    history,
    layers,
    output_shape,
    parameters,
    probability,
)
from dlcourse.check.records import Axes, Figure, figure

__all__ = [
    "Axes",
    "CheckFailed",
    "FaultyTest",
    "Figure",
    "File",
    "Folder",
    "NotStarted",
    "accuracy",
    "array",
    "call",
    "compiled",
    "dataset",
    "equal",
    "exercise",
    "figure",
    "hint",
    "history",
    "layers",
    "output_shape",
    "parameters",
    "probability",
    "raises",
    "results",
    "structure",
    "that",
]
