"""A stand-in for what cannot leave the student's process."""

from dlcourse.check.failures import CheckFailed


class NotCarried:
    """An object of a type that does not cross to where tests run while grading.

    It can be described and asked for its type. Whatever else a test tries with it is a CheckFailed
    whose message says what the student could return instead.
    """

    __slots__ = ("type_name", "why")

    def __init__(self, type_name: str, why: str):
        self.type_name, self.why = type_name, why

    def __repr__(self) -> str:
        return f"an object of type {self.type_name}"

    def __getattr__(self, name: str):
        raise self._failure()

    def _failure(self) -> CheckFailed:
        return CheckFailed(
            f"An object of type {self.type_name} cannot be tested here, because {self.why}. "
            "What can: numbers, strings, arrays and tensors; lists, tuples, sets and dicts of "
            "them; functions and generators; datasets, figures, and paths in a test's folder; "
            "Keras models built of Keras's own layers."
        )


def _refuse(self, *_):
    raise self._failure()


_OPERATIONS = (
    "bool eq ne lt le gt ge hash len iter next contains getitem setitem delitem array "
    "int float complex index abs neg pos invert round add radd sub rsub mul rmul matmul rmatmul "
    "truediv rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor "
    "lshift rlshift rshift rrshift enter exit"
)
for _name in _OPERATIONS.split():
    setattr(NotCarried, f"__{_name}__", _refuse)
