"""Reading a test cell: what its names stand for, and what it sends to the student's side."""

import ast
import math
from collections.abc import Callable, Iterator
from functools import cached_property

from dlcourse.grade.carry import words

CHECK = "dlcourse.check"
CALL, RAISES, FOLDER = f"{CHECK}.call", f"{CHECK}.raises", f"{CHECK}.Folder"
# Which argument of these is the student's function.
_PLACES = {CALL: 0, RAISES: 1}


class Cell:
    """A test cell as a tree.

    nodes: all of it. parents: node -> the node that it is a part of. imports: name -> what it
    stands for, such as "numpy.random". values: name -> the expressions that it is given. functions:
    those that the cell defines, by name.
    """

    def __init__(self, source: str, answers: set[str]):
        self.answers = answers
        self.nodes = list(ast.walk(ast.parse(source)))
        self.parents = {part: n for n in self.nodes for part in ast.iter_child_nodes(n)}
        self.imports = dict(pair for node in self.nodes for pair in _imported(node))
        self.functions = {n.name: n for n in self.nodes if isinstance(n, ast.FunctionDef)}
        self.values: dict[str, list[ast.expr]] = {}
        for node in self.nodes:
            for name, value in _given(node):
                self.values.setdefault(name, []).append(value)

    def path(self, node: ast.AST) -> str:
        """What a chain such as `np.random.normal` stands for; "" if not for something imported."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, "")
        if isinstance(node, ast.Attribute):
            above = self.path(node.value)
            return above and f"{above}.{node.attr}"
        return ""

    def path_called(self, node: ast.AST) -> str:
        """What a call calls, if that is something imported; otherwise ""."""
        return self.path(node.func) if isinstance(node, ast.Call) else ""

    def contexts(self, node: ast.AST) -> list[str]:
        """What a `with` calls, as `path_called` has it."""
        items = node.items if isinstance(node, ast.With | ast.AsyncWith) else []
        return [self.path_called(item.context_expr) for item in items]

    def meanings(self, node: ast.expr, seen: frozenset = frozenset()) -> Iterator[ast.expr]:
        """The expression itself, or for a name of this cell what it may stand for."""
        if isinstance(node, ast.Name) and node.id in self.values and node.id not in seen:
            for value in self.values[node.id]:
                yield from self.meanings(value, seen | {node.id})
        else:
            yield node

    def sent(self, node: ast.AST) -> list[ast.expr] | None:
        """The arguments that a call sends to a function of the student's; None for other calls."""
        if not isinstance(node, ast.Call):
            return None
        path = self.path(node.func)
        if path not in _PLACES:
            # A method is one of a copy on this side, and so is a model.
            here = isinstance(node.func, ast.Attribute) or self.is_model(root(node.func))
            return values_given(node) if self.is_theirs(node.func) and not here else None
        # `why` is what `check.raises` itself is told.
        keywords = [item.value for item in node.keywords if item.arg != "why"]
        return node.args[_PLACES[path] + 1 :] + keywords

    def is_theirs(self, node: ast.expr) -> bool:
        """Whether an expression is an answer, a part of one, or what an answer returned."""
        return root(node) in self._theirs or self._is_returned(node, self._theirs)

    def is_model(self, name: str) -> bool:
        """Whether a name is used as that of a model."""
        return name in self._models

    @cached_property
    def first_call(self) -> float:
        """The line where the first call of a student's function ends; infinite if none does."""
        calls = [node.end_lineno for node in self.nodes if self.sent(node) is not None]
        return min(calls, default=math.inf)

    def is_folder_path(self, node: ast.expr) -> bool:
        """Whether an expression is a path in a check.Folder."""
        return self._is_path(node, self._folder_paths)

    @cached_property
    def called(self) -> set[str]:
        """The answers that the cell calls and that are no models: functions."""
        called = set()
        for node in self.nodes:
            if self.sent(node) is not None:
                place = _PLACES.get(self.path(node.func))
                functions = [node.func] if place is None else node.args[place : place + 1]
                called |= {part.id for part in functions if isinstance(part, ast.Name)}
        return called & self.answers

    @cached_property
    def _models(self) -> set[str]:
        made = {
            name
            for name, values in self.values.items()
            if any(self.path_called(value).startswith("keras.") for value in values)
        }
        asked = {
            root(node)
            for node in self.nodes
            if isinstance(node, ast.Attribute) and node.attr in words.OF_MODELS
        }
        checked = {
            root(first(node))
            for node in self.nodes
            if self.path_called(node) in words.CHECKS_OF_MODELS
        }
        return made | asked | checked

    @cached_property
    def _theirs(self) -> set[str]:
        return self._closed(self._is_returned, self.answers)

    @cached_property
    def _folder_paths(self) -> set[str]:
        return self._closed(self._is_path, set())

    def _closed(self, holds: Callable[[ast.expr, set[str]], bool], names: set[str]) -> set[str]:
        """`names`, and those whose value has a property, which may come from other such names."""
        more = {
            name
            for name, values in self.values.items()
            if name not in names and any(holds(value, names) for value in values)
        }
        return self._closed(holds, names | more) if more else set(names)

    def _is_returned(self, node: ast.expr, theirs: set[str]) -> bool:
        if isinstance(node, ast.Subscript | ast.Name):
            return root(node) in theirs
        return isinstance(node, ast.Call) and (
            self.path(node.func) == CALL
            or (not isinstance(node.func, ast.Attribute) and root(node.func) in theirs)
        )

    def _is_path(self, node: ast.expr, paths: set[str]) -> bool:
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            node = node.left
        if isinstance(node, ast.Attribute) and node.attr == "path":
            makers = [value for value in self.meanings(node.value) if isinstance(value, ast.Call)]
            return any(self.path(maker.func) == FOLDER for maker in makers)
        return isinstance(node, ast.Name) and node.id in paths


def root(node: ast.AST) -> str:
    """The name at the beginning of `a.b[c].d`; "" if there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def name_called(node: ast.AST) -> str:
    """The plain name that a call calls; otherwise ""."""
    is_named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id if is_named else ""


def first(call: ast.Call) -> ast.expr | None:
    """The first argument of a call, if it has any."""
    return next(iter(values_given(call)), None)


def values_given(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call, those with a keyword included."""
    return [*call.args, *(item.value for item in call.keywords)]


def inside(block: ast.With | ast.ExceptHandler) -> list[ast.AST]:
    """Every node in the statements of a block."""
    return [part for statement in block.body for part in ast.walk(statement)]


def modules(node: ast.AST) -> list[str]:
    """The modules that an import names; `from dlcourse import check` is `dlcourse.check`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module == "dlcourse":
            return [f"dlcourse.{alias.name}" for alias in node.names]
        return [node.module or "."]
    return []


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """(name, expression) for each name to which a statement gives a value of its own."""
    pairs = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value:
        pairs = [(node.target, node.value)]
    elif isinstance(node, ast.With):
        pairs = [(i.optional_vars, i.context_expr) for i in node.items if i.optional_vars]
    for target, value in pairs:
        several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        many = zip(target.elts, value.elts, strict=False) if several else [(target, value)]
        for name, meaning in many:
            if isinstance(name, ast.Name):
                yield name.id, meaning
