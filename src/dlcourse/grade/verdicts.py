"""What a verifier says of an answer, and what that comes to in points and in the notebook."""

import json
from dataclasses import asdict, dataclass

from nbformat import NotebookNode, v4

# Where the verdicts on a submission are found in nbconvert's resources, grade_id -> Verdict, and in
# the metadata of a judged notebook.
KEY = "dlcourse_verdicts"


@dataclass(frozen=True)
class Verdict:
    """What a test says of an answer.

    passed: whether the test ran to its end. value: the number that its last line gave, if that is
    an expression: the points, where they are not all or nothing. printed: what it printed, such as
    its praise. error, message: type and text of what it raised, if it failed.
    """

    passed: bool
    value: float | None = None
    printed: str = ""
    error: str = ""
    message: str = ""

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        return cls(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def points(self, most: float) -> float:
        """The points earned of `most`: all or none, or what the test gave, within [0, most]."""
        if not self.passed:
            return 0.0
        # `x < 0` and not max(): what is not a number earns nothing.
        return most if self.value is None else min(self.value, most) if self.value > 0 else 0.0

    def outputs(self) -> list[NotebookNode]:
        """The verdict as the outputs of the test's cell."""
        shown = []
        if self.printed:
            shown.append(v4.new_output("stream", name="stdout", text=self.printed))
        if self.value is not None:
            text = {"text/plain": f"{self.value:g}"}
            shown.append(v4.new_output("execute_result", data=text, execution_count=None))
        if not self.passed:
            shown.append(error_output(self.error, self.message))
        return shown


def leave_verdicts(nb: NotebookNode, verdicts: dict[str, Verdict]) -> None:
    """Gives a judged notebook its verdicts to carry: `taken_verdicts` gets them back."""
    nb.metadata[KEY] = NotebookNode({name: asdict(given) for name, given in verdicts.items()})


def taken_verdicts(nb: NotebookNode) -> dict[str, Verdict]:
    """The verdicts that a judged notebook carries, which it has no longer afterwards."""
    return {name: Verdict(**given) for name, given in nb.metadata.pop(KEY, {}).items()}


def not_run(reason: str) -> Verdict:
    """The verdict on a test whose turn never came."""
    return Verdict(False, error="NotExecuted", message=f"This cell was not run: {reason}.")


def error_output(name: str, message: str) -> NotebookNode:
    return v4.new_output("error", ename=name, evalue=message, traceback=[message])
