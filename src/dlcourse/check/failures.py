"""What a check raises when an answer does not hold."""


class CheckFailed(AssertionError):  # noqa: N818 - it is a verdict, not an error
    """An answer that does not hold; the message is written for the student."""

    status = "failed"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the message."""
        return [str(self)]


class NotStarted(CheckFailed):
    """An answer that is not there yet."""

    status = "not started"


class ArgumentChanged(CheckFailed):
    """A function that changed what it was given; its message says what to do about it."""


class FaultyTest(CheckFailed):
    """A test that does what tests cannot do while grading: no fault of the answer's."""
