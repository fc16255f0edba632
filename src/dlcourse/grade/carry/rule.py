"""The carrying rule: what a test cell may lean on, so that it can run away from student code.

A test cell's free names are the answer names of its exercise, or are imported or defined in the
cell. Nothing else of the notebook is there when the test runs, and only data crosses to it, so
identity, the student's own classes and lambdas mean nothing to it.
"""

import ast
import builtins
import symtable
import sys
from collections.abc import Iterator

ALLOWED_IMPORTS = {"numpy", "keras", "dlcourse.check", "dlcourse.data"}
_BUILTINS = set(dir(builtins))


def bound_names(source: str) -> set[str]:
    """The names that a cell defines at its top level: assigned, imported, functions, classes."""
    table = symtable.symtable(source, "cell", "exec")
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }


def free_names(source: str) -> set[str]:
    """The names that a cell uses and neither defines nor finds among Python's builtins."""
    table = symtable.symtable(source, "cell", "exec")
    used = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for inner in _inner(table):
        used |= {
            symbol.get_name()
            for symbol in inner.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        }
    return used - bound_names(source) - _BUILTINS


def broken_rules(test: str, answer_names: set[str]) -> Iterator[str]:
    """A sentence for each way in which a test cell breaks the carrying rule."""
    for name in sorted(free_names(test) - answer_names):
        yield (
            f"uses `{name}`, which is neither an answer of this exercise nor imported or defined "
            "in this cell. Import or define it here, or ask for it as a part of the answer."
        )
    for node in ast.walk(ast.parse(test)):
        yield from _broken_by(node, answer_names)


def _broken_by(node: ast.AST, answer_names: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Lambda):
        yield "has a lambda. Write a function with a name: it says what it computes."
    elif isinstance(node, ast.Compare):
        for operator, right in zip(node.ops, node.comparators, strict=True):
            is_none = isinstance(right, ast.Constant) and right.value is None
            if isinstance(operator, ast.Is | ast.IsNot) and not is_none:
                yield "compares with `is`. A carried value is a copy: compare values instead."
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        classes = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
        for name in sorted(classes & answer_names):
            yield f"asks isinstance of the student's `{name}`. Check what it does instead."
    for module in _imported(node):
        known = any(module == name or module.startswith(name + ".") for name in ALLOWED_IMPORTS)
        if not known and module.split(".")[0] not in sys.stdlib_module_names:
            yield (
                f"imports {module}. Test cells may import the standard library and "
                f"{', '.join(sorted(ALLOWED_IMPORTS))}."
            )


def _imported(node: ast.AST) -> list[str]:
    """The modules that an import names; `from dlcourse import check` is `dlcourse.check`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module == "dlcourse":
            return [f"dlcourse.{alias.name}" for alias in node.names]
        return [node.module or "."]
    return []


def _inner(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _inner(child)
