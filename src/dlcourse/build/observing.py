"""What a hidden test holds against a threshold, read off the test itself while it runs.

There is no second copy of a test's arithmetic. Its text is rewritten so that each comparison in a
`check.that`, and each `check.accuracy` or `check.probability`, hands over its two sides and lets
the test go on:

    check.that(on_stripes < 0.7, ...)                 the quantity `on_stripes <`, the bound 0.7
    check.accuracy(model, x, y, at_least=0.5)         `check.accuracy(model, x, y) >=`, 0.5

A seed that the test sets is moved by a number of steps, so that initial weights are drawn anew.
"""

import ast
import hashlib
import inspect
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO

_RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
# What measures a network, and holds it against `at_least`.
_MEASURES = ("check.accuracy", "check.probability")
_SEEDING = "keras.utils.set_random_seed"
# What a notebook of the course has imported before its exercises.
_IMPORTED = "import keras\nimport numpy as np\nfrom keras import layers"


@dataclass(frozen=True)
class Threshold:
    """A quantity and its relation, as code ("on_stripes <"), and the bound, as code ("0.7")."""

    quantity: str
    bound: str

    @property
    def is_upper(self) -> bool:
        """Whether right answers stay below the bound."""
        return "<" in self.quantity.rpartition(" ")[2]

    @property
    def value(self) -> float | None:
        """The bound where it is written as a number; None where it is computed."""
        try:
            return float(ast.literal_eval(self.bound))
        except ValueError:
            return None


@dataclass(frozen=True)
class Run:
    """One run of a test: quantity -> (value, bound), and what else it says against the answer."""

    values: dict[str, tuple[float, float]]
    refused: str
    seconds: float


def thresholds(test: str) -> list[Threshold]:
    """The thresholds in a test's text, in order."""
    return _instrumented(test)[1]


def trains(test: str) -> bool:
    """Whether a test holds what a network has learned against a bound."""
    return any(found.quantity.startswith(_MEASURES) for found in thresholds(test))


def fingerprint(test: str, answer: str) -> str:
    """The same as long as a measurement would come out the same.

    Comments, messages to students and bounds that are written as numbers may change.
    """
    tree, found = _instrumented(test, keep_bounds=False)
    computed = [each.bound for each in found if each.value is None]
    text = "\n".join([_canonical(tree), _canonical(ast.parse(answer)), *computed])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(node: object) -> str:
    """A syntax tree as text, the same in every Python: `ast.dump` is not."""
    if isinstance(node, list):
        return f"[{', '.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        f"{name}={_canonical(value)}"
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in ("ctx", "kind")
    ]
    return f"{type(node).__name__}({', '.join(fields)})"


def observe(test: str, answer: str, *, seed: int, step: int = 0) -> Run:
    """Runs a test on an answer, as grading does: the answer is seeded by `seed`, by its own.

    step: is added to the seeds that the test sets itself; with 0 it is the test as it stands.
    To be called in a process of its own: it loads Keras and seeds all there is.
    """
    from dlcourse.check import CheckFailed
    from dlcourse.grade.carry.rule import free_names
    from dlcourse.teach.setup import load_keras

    load_keras()
    tree, found = _instrumented(test)
    values: dict[str, tuple[float, float]] = {}

    def take(index: int, value: object, bound: object) -> None:
        values[found[index].quantity] = (float(value), float(bound))

    names: dict = {"__name__": "__main__"}
    exec(_IMPORTED, names)
    with suppress(NotImplementedError):
        exec(compile(answer, "<answer>", "exec"), names)
    seeded = _seeded_once(seed)
    for name in free_names(test):
        if inspect.isfunction(names.get(name)):
            names[name] = seeded(names[name])
    names |= {"_step": step}
    names["_take_value"] = lambda index, value, bound: take(index, value, bound) or value
    names["_take_truth"] = lambda index, value, bound: take(index, value, bound) or True
    refused, start = "", time.perf_counter()
    with redirect_stdout(StringIO()):
        try:
            exec(compile(tree, "<test>", "exec"), names)
        except CheckFailed as failure:
            refused = str(failure)
    return Run(values, refused, time.perf_counter() - start)


def _seeded_once(seed: int) -> Callable:
    """Wraps functions so that the first call of any of them seeds.

    While grading, the answer's process is seeded before a test, and the test's seeds do not reach
    it.
    """
    from dlcourse.grade.seeds import seed_everything

    called = []

    def wrapped(function: Callable) -> Callable:
        def first_seed(*args: object, **kwargs: object) -> object:
            if not called:
                called.append(True)
                seed_everything(seed)
            return function(*args, **kwargs)

        first_seed.__name__ = function.__name__
        return first_seed

    return wrapped


def _instrumented(test: str, *, keep_bounds: bool = True) -> tuple[ast.Module, list[Threshold]]:
    marker = _Marker(keep_bounds)
    tree = ast.fix_missing_locations(marker.visit(ast.parse(test)))
    return tree, marker.found


class _Marker(ast.NodeTransformer):
    """Rewrites a test: comparisons and measures hand over both sides, seeds are moved."""

    def __init__(self, keep_bounds: bool):
        self.found: list[Threshold] = []
        self.keep_bounds = keep_bounds
        self.inside_that = False

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802 - the name that ast looks for
        name = ast.unparse(node.func)
        if name in _MEASURES:
            return self._measure(node)
        if name == "check.that":
            outside, self.inside_that = self.inside_that, True
            node.args[0] = self.visit(node.args[0])
            self.inside_that = outside
            if not self.keep_bounds:
                del node.args[1:]
            return node
        if name == _SEEDING:
            node.args[0] = ast.BinOp(node.args[0], ast.Add(), ast.Name("_step", ast.Load()))
        return self.generic_visit(node)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:  # noqa: N802
        """A hint is a message, too: without bounds, what it is given for stands alone."""
        self.generic_visit(node)
        if self.keep_bounds:
            return node
        node.items = [
            item
            for item in node.items
            if not ast.unparse(item.context_expr).startswith("check.hint(")
        ]
        return node if node.items else node.body

    def visit_Compare(self, node: ast.Compare) -> ast.AST:  # noqa: N802
        relation = _RELATIONS.get(type(node.ops[0]))
        if not self.inside_that or relation is None or len(node.ops) > 1:
            return self.generic_visit(node)
        quantity = f"{ast.unparse(node.left)} {relation}"
        return self._taken("_take_truth", quantity, node.left, node.comparators[0])

    def _measure(self, node: ast.Call) -> ast.AST:
        options = {option.arg: option for option in node.keywords}
        bound = options["at_least"].value
        if ast.unparse(bound) == "0":
            return node
        plain = ast.Call(node.func, node.args, [])
        shown = ast.unparse(plain)
        plain.keywords = [ast.keyword("at_least", ast.Constant(0))]
        if self.keep_bounds:
            plain.keywords += [option for name, option in options.items() if name == "what"]
        return self._taken("_take_value", f"{shown} >=", plain, bound)

    def _taken(self, taker: str, quantity: str, value: ast.expr, bound: ast.expr) -> ast.Call:
        self.found.append(Threshold(quantity, ast.unparse(bound)))
        arguments = [ast.Constant(len(self.found) - 1), value]
        if self.keep_bounds:
            arguments.append(bound)
        return ast.Call(ast.Name(taker, ast.Load()), arguments, [])
