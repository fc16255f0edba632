"""The carrying rule: what a test cell may do, so that it says the same of live and carried values.

While grading, a test runs away from student code, and only data cross between the two. A cell's
free names are therefore the answer names of its exercise, or are imported or defined in the cell;
and it does nothing by which a value and its copy differ: `refusals` has a rule for each such way,
and each says in a sentence what to do instead.

The rule reads the text of a cell. Where that does not tell what a value is, the verifier does: a
test that sends what does not cross ends as a `check.FaultyTest`, which blames the test.
"""

import builtins
import symtable
from collections.abc import Iterator

from dlcourse.grade.carry.reading import Cell
from dlcourse.grade.carry.refusals import RULES

_BUILTINS = set(dir(builtins))


def bound_names(source: str) -> set[str]:
    """The names that a cell defines at its top level: assigned, imported, functions, classes."""
    table = symtable.symtable(source, "cell", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if _is_bound(symbol)}


def answer_names(source: str) -> set[str]:
    """The names of an answer cell that a test may ask for: what it assigns, and its functions.

    Modules that it imports and classes that it defines are no data.
    """
    table = symtable.symtable(source, "cell", "exec")
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if _is_bound(symbol) and not symbol.is_imported() and not _is_class(symbol)
    }


def free_names(source: str) -> set[str]:
    """The names that a cell uses and neither defines nor finds among Python's builtins."""
    table = symtable.symtable(source, "cell", "exec")
    used = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return (used | function_globals(source)) - bound_names(source) - _BUILTINS


def function_globals(source: str) -> set[str]:
    """The global names that functions and classes in a cell use, the cell's own among them."""
    return {
        symbol.get_name()
        for inner in _inner(symtable.symtable(source, "cell", "exec"))
        for symbol in inner.get_symbols()
        if symbol.is_global() and symbol.is_referenced()
    }


def broken_rules(test: str, answer_names: set[str]) -> Iterator[str]:
    """A sentence for each way in which a test cell breaks the carrying rule."""
    for name in sorted(free_names(test) - answer_names):
        yield (
            f"uses `{name}`, which is neither an answer of this exercise nor imported or defined "
            "in this cell. Import or define it here, or ask for it as a part of the answer."
        )
    cell = Cell(test, answer_names)
    found = (sentence for rule in RULES for node in cell.nodes for sentence in rule(cell, node))
    # One sentence for a fault that stands in several places.
    yield from dict.fromkeys([*_names(test, answer_names), *found])


def _names(test: str, answer_names: set[str]) -> Iterator[str]:
    table = symtable.symtable(test, "cell", "exec")
    for symbol in table.get_symbols():
        name = symbol.get_name()
        if name not in answer_names or symbol.is_imported():
            continue
        if _is_bound(symbol):
            yield f"gives the answer's name `{name}` another value. Choose another name."
        elif name in _BUILTINS:
            yield (
                f"uses `{name}`, which Python has a function of that name for. Let the exercise "
                "ask for another name."
            )


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _is_class(symbol: symtable.Symbol) -> bool:
    return any(table.get_type() == "class" for table in symbol.get_namespaces())


def _inner(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _inner(child)
