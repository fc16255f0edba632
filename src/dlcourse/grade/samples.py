"""The demo's sample class: invented students, what each hands in, and how that should end."""

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode, v4

from dlcourse.grade.masters import SKIP
from dlcourse.grade.notebook import grade_id
from dlcourse.grade.results import Result
from dlcourse.grade.summary import exercise_of


@dataclass(frozen=True)
class Handout:
    """A section as a student gets it, and the reference answers by `grade_id`."""

    section: str
    notebook: str
    released: NotebookNode
    answers: dict[str, str]

    @property
    def coded(self) -> list[str]:
        """The answer cells that hold code, in order."""
        cells = {grade_id(cell) for cell in self.released.cells if cell.cell_type == "code"}
        return [name for name in self.answers if name in cells]


@dataclass(frozen=True)
class Sample:
    """An invented student: what is handed in for a section, and whether it ended well.

    `sections` picks from the course's sections. `hand_in` returns the file's text; `ended_well`
    sees the result and the section.
    """

    student: str
    sections: slice
    hand_in: Callable[[Handout], str]
    ended_well: Callable[[Result, Handout], bool]
    expected: str


def mistaken(answer: str) -> str:
    """The answer with one plausible slip: another activation, another operator, or no return."""
    for change in (_Activation, _Operator, _Return):
        tree = ast.parse(answer)
        slip = change()
        slip.visit(tree)
        if slip.done:
            return ast.unparse(ast.fix_missing_locations(tree))
    return answer


class _Slip(ast.NodeTransformer):
    """Changes the first node for which `replacement` has something else."""

    done = False

    def visit(self, node):
        if not self.done and (other := self.replacement(node)) is not None:
            self.done = True
            return other
        return super().generic_visit(node)

    def replacement(self, node: ast.AST) -> ast.AST | None:
        raise NotImplementedError


class _Activation(_Slip):
    OTHER = {"relu": "sigmoid", "softmax": "relu", "sigmoid": "softmax"}

    def replacement(self, node):
        if isinstance(node, ast.Constant) and node.value in self.OTHER:
            return ast.Constant(self.OTHER[node.value])
        return None


class _Operator(_Slip):
    OTHER = {ast.Div: ast.Mult, ast.Mult: ast.Add, ast.Sub: ast.Add, ast.Add: ast.Sub}

    def replacement(self, node):
        if isinstance(node, ast.BinOp) and type(node.op) in self.OTHER:
            return ast.BinOp(node.left, self.OTHER[type(node.op)](), node.right)
        return None


class _Return(_Slip):
    def replacement(self, node):
        return ast.Return(ast.Constant(None)) if isinstance(node, ast.Return) else None


def _fill(handout: Handout, change: Callable[[str, str], str] = lambda name, text: text):
    """The released notebook with the reference answers, each passed through `change`."""
    nb = copy.deepcopy(handout.released)
    for cell in nb.cells:
        if (name := grade_id(cell)) in handout.answers:
            cell.source = change(name, handout.answers[name])
    return nb


def _perfect(handout: Handout) -> str:
    return nbformat.writes(_fill(handout))


def _partly(handout: Handout) -> str:
    slips = set(handout.coded[1::2])
    nb = _fill(handout, lambda name, text: mistaken(text) if name in slips else text)
    return nbformat.writes(nb)


def _wrong(handout: Handout) -> str:
    slips = set(handout.coded)
    nb = _fill(handout, lambda name, text: mistaken(text) if name in slips else text)
    return nbformat.writes(nb)


def _blank(handout: Handout) -> str:
    return nbformat.writes(handout.released)


def _raising(handout: Handout) -> str:
    return _with_middle_answer(handout, "share = 1 / 0")


def _killing(handout: Handout) -> str:
    return _with_middle_answer(handout, "import os\n\nos._exit(1)")


def _middle(handout: Handout) -> str:
    return handout.coded[len(handout.coded) // 2]


def _with_middle_answer(handout: Handout, code: str) -> str:
    middle = _middle(handout)
    return nbformat.writes(_fill(handout, lambda name, text: code if name == middle else text))


def _duplicated(handout: Handout) -> str:
    """The first answer cell and its check are there twice, as after copying and pasting cells."""
    nb = _fill(handout)
    first = handout.coded[0]
    for name in (first, f"{first}-check"):
        (index,) = (i for i, cell in enumerate(nb.cells) if grade_id(cell) == name)
        pasted = copy.deepcopy(nb.cells[index])
        pasted["id"] = v4.new_code_cell().id
        nb.cells.insert(index + 1, pasted)
    return nbformat.writes(nb)


def _skipping(handout: Handout) -> str:
    nb = copy.deepcopy(handout.released)
    for cell in _tests(nb):
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), SKIP]
    return nbformat.writes(nb)


def _deleting(handout: Handout) -> str:
    nb = copy.deepcopy(handout.released)
    tests = _tests(nb)
    nb.cells = [cell for cell in nb.cells if cell not in tests]
    return nbformat.writes(nb)


def _tests(nb: NotebookNode) -> list[NotebookNode]:
    graded = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return [cell for cell in graded if cell.cell_type == "code"]


def _broken(handout: Handout) -> str:
    """The file as a full disk leaves it: its second half is gone."""
    text = nbformat.writes(_fill(handout))
    return text[: len(text) // 2]


def _noisy(handout: Handout) -> str:
    """Right answers, with a message on stderr before every cell that runs."""
    noise = (
        "import sys\n\n"
        "get_ipython().events.register(\n"
        '    "pre_run_cell", lambda info: print("I tensorflow: rebuild me", file=sys.stderr)\n'
        ")\n"
    )
    first = handout.coded[0]
    return nbformat.writes(
        _fill(handout, lambda name, text: noise + text if name == first else text)
    )


def _emptying(handout: Handout) -> str:
    """A blank notebook with one line that makes Python see `pass` in place of every later cell."""
    nb = copy.deepcopy(handout.released)
    line = "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])"
    (first,) = (cell for cell in nb.cells if grade_id(cell) == handout.coded[0])
    first.source = line
    return nbformat.writes(nb)


def _always_equal(handout: Handout) -> str:
    """Each answer gives, or is, something that says it equals whatever it is compared with."""
    nb = copy.deepcopy(handout.released)
    for cell in nb.cells:
        if grade_id(cell) in handout.coded:
            names = _defined(handout.answers[grade_id(cell)])
            lines = [f"{name} = Equal()" for name in names]
            cell.source = "\n".join([EQUAL, *lines])
    return nbformat.writes(nb)


EQUAL = """class Equal:
    def __eq__(self, other):
        return True

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        return self

"""


def _defined(answer: str) -> list[str]:
    """The names of the functions that an answer defines, and of what it assigns."""
    names = []
    for node in ast.parse(answer).body:
        if isinstance(node, ast.FunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)]
    return names


def _is_full(result: Result, handout: Handout) -> bool:
    return result.score == result.max_score > 0


def _is_zero(result: Result, handout: Handout) -> bool:
    return result.score == 0 and result.max_score > 0


def _is_between(result: Result, handout: Handout) -> bool:
    return 0 < result.score < result.max_score


def _is_below_half(result: Result, handout: Handout) -> bool:
    return 0 <= result.score < result.max_score / 2


def _kept_what_came_before(result: Result, handout: Handout) -> bool:
    """Full points up to the middle answer; nothing for the code after it."""
    names = [grade_id(cell) for cell in handout.released.cells]
    ends = names.index(_middle(handout))
    written = set(handout.answers) - set(handout.coded)
    return any("came to an end" in note for note in result.notes) and all(
        score == (most if names.index(name) < ends or name in written else 0)
        for name, (score, most) in result.cells.items()
    )


def _lost_the_middle(result: Result, handout: Handout) -> bool:
    scores = [s for name, (s, _) in result.cells.items() if exercise_of(name) == _middle(handout)]
    return sum(scores) == 0 and _is_between(result, handout)


def _is_named(*words: str) -> Callable[[Result, Handout], bool]:
    return lambda result, handout: any(all(word in note for word in words) for note in result.notes)


def _both(*conditions: Callable[[Result, Handout], bool]) -> Callable[[Result, Handout], bool]:
    return lambda result, handout: all(holds(result, handout) for holds in conditions)


# The later sections train for a while: there the class is as small as it may be.
ALL, TWO, FIRST = slice(None), slice(0, 2), slice(0, 1)

CLASS = (
    Sample("ada-all-right", ALL, _perfect, _is_full, "full marks"),
    Sample("pat-partly-right", TWO, _partly, _is_between, "some of the points"),
    Sample("wim-all-wrong", TWO, _wrong, _is_below_half, "less than half of the points"),
    Sample("bob-blank", ALL, _blank, _is_zero, "no points"),
    Sample("rae-raises", FIRST, _raising, _lost_the_middle, "all but what the error cost"),
    Sample("kim-kills-python", FIRST, _killing, _kept_what_came_before, "the points before it"),
    Sample(
        "dot-duplicates",
        FIRST,
        _duplicated,
        _both(_is_full, _is_named("times; one was graded")),
        "full marks and a note",
    ),
    Sample(
        "sam-skips-tests",
        FIRST,
        _skipping,
        _both(_is_zero, _is_named(SKIP)),
        "no points and a note",
    ),
    Sample(
        "del-deletes-tests",
        FIRST,
        _deleting,
        _both(_is_zero, _is_named("missing and put back")),
        "no points and a note",
    ),
    Sample(
        "jo-broken-file",
        FIRST,
        _broken,
        _both(_is_zero, _is_named("submitted/jo-broken-file", "is not valid JSON: line")),
        "no points and the reason",
    ),
    Sample("mal-empties-cells", FIRST, _emptying, _is_zero, "no points"),
    Sample("eve-always-equal", TWO, _always_equal, _is_zero, "no points"),
    Sample("nia-noisy", FIRST, _noisy, _is_full, "full marks"),
)
