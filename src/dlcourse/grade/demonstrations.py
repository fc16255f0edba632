"""The course's own cells that need not run while grading, since nothing graded uses them.

Most of a section's minutes go into what there is to look at: trained networks, figures, explorers.
Such a cell, untouched, can be left out where no cell that runs after it uses a name that the cell
makes, or an object that it may change. What students wrote always runs.
"""

import ast
import builtins
import symtable
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbgrader import utils

from dlcourse.grade.carry.rule import bound_names, free_names, function_globals
from dlcourse.grade.notebook import is_untouched

# Through these, code can reach names that do not stand in it: functions, and what IPython keeps.
INDIRECT = {"globals", "locals", "vars", "eval", "exec"}
# Characters of a cell that are looked at; IPython's own reading takes time by their square.
MOST_CODE = 50_000
INTERACTIVE = {"get_ipython", "In", "Out", "_", "__main__"}


def unneeded(cells: list[NotebookNode], own: dict[str, NotebookNode]) -> set[int]:
    """The places among a submission's `cells` that need not run.

    own: the section's plain code cells, as `plain_code` gives them. The first of them always runs:
    it sets the notebook up, which no name tells.
    """
    code = {
        place: _Code.of(cell.source) for place, cell in enumerate(cells) if cell.cell_type == "code"
    }
    constant = _constants(list(code.values()))
    functions = {name: part.reach for part in code.values() for name in part.functions}
    # What students call by two names may change by either. That the course's own cells keep such
    # names apart is proven by grading each section with and without them.
    together = [
        names - constant
        for place, part in code.items()
        if not utils.is_locked(cells[place]) and not is_untouched(cells[place], own)
        for names in part.together
    ]

    def called(names: set[str]) -> set[str]:
        return set().union(*(functions.get(name, ()) for name in names))

    def linked(names: set[str]) -> set[str]:
        return set().union(*(group for group in together if group & names))

    used, idle = set(), set()
    for place, part in reversed(code.items()):
        touched = part.bound | (_closure(part.free, called) - constant)
        cell = cells[place]
        is_shown = is_untouched(cell, own) and cell.id != next(iter(own))
        if is_shown and not _closure(touched, linked) & used:
            idle.add(place)
        elif part.is_indirect:
            # It may use anything that was there before it.
            break
        else:
            used |= part.free
    return idle


@dataclass(frozen=True)
class _Code:
    """What a cell's text says about names.

    bound, free: the names that it makes, and those that it expects. assigned: all that it gives a
    value otherwise than by import or definition. functions: those that it defines. reach: the
    global names that the bodies of its functions use. together: the names of each statement at the
    top level, since an assignment or a call may make one a part of another.
    """

    bound: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()
    together: tuple[frozenset[str], ...] = ()
    is_indirect: bool = False

    @classmethod
    @lru_cache(4096)
    def of(cls, source: str) -> "_Code":
        """What `source` says; the course's own cells are read once for all submissions."""
        if len(source) > MOST_CODE:
            return cls(is_indirect=True)
        try:
            text = TransformerManager().transform_cell(source)
            nodes = list(ast.walk(ast.parse(text)))
            table = symtable.symtable(text, "cell", "exec")
        except (SyntaxError, ValueError, RuntimeError, MemoryError):
            # Python will refuse the whole cell.
            return cls()
        free = free_names(text)
        imported = frozenset(s.get_name() for s in table.get_symbols() if s.is_imported())
        return cls(
            bound=frozenset(bound_names(text)),
            free=frozenset(free),
            assigned=frozenset(
                node.id
                for node in nodes
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
            ),
            imported=imported,
            functions=frozenset(s.get_name() for s in table.get_symbols() if s.is_namespace()),
            reach=frozenset(function_globals(text)),
            together=tuple(frozenset(_names(part)) for part in _simple(nodes[0].body)),
            is_indirect=bool(INDIRECT & _names(nodes[0]) | INTERACTIVE & (free | imported)),
        )


def _constants(parts: list[_Code]) -> set[str]:
    """The names through which a cell changes nothing: modules, functions, NAMES_IN_CAPITALS."""
    fixed = set(dir(builtins)).union(*(part.imported | part.functions for part in parts))
    assigned = set().union(*(part.assigned for part in parts))
    capitals = {name for part in parts for name in part.free if name.isupper()}
    return fixed - assigned | capitals


def _closure(names: Iterable[str], further: Callable[[set[str]], set[str]]) -> set[str]:
    """`names`, and those that `further` leads to from them, one after the other."""
    found, new = set(), set(names)
    while new:
        found |= new
        new = further(new) - found
    return found


def _simple(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """The simple statements at a cell's top level, and the heads of those that hold others."""
    for statement in statements:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        inner = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)]
        if inner:
            yield ast.Tuple([p for p in ast.iter_child_nodes(statement) if p not in inner])
            yield from _simple(inner)
        else:
            yield statement


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
