"""The rules for test cells, one function each: what is refused, and what to do instead.

A rule gets the cell and one of its nodes. Each sentence goes on from "The cell ...".
"""

import ast
import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator

import dlcourse.check
from dlcourse.grade.carry import words
from dlcourse.grade.carry.reading import (
    CHECK,
    RAISES,
    Cell,
    first,
    inside,
    modules,
    name_called,
    root,
    values_given,
)


def imports(cell: Cell, node: ast.AST) -> Iterator[str]:
    """What a test imports computes, and nothing else."""
    for module in modules(node):
        top = module.partition(".")[0]
        of_course = any(f"{module}.".startswith(f"{name}.") for name in words.COURSE)
        if top in words.STANDARD or of_course:
            continue
        instead = f"Test cells may import {', '.join(words.COURSE)}"
        if top in sys.stdlib_module_names:
            instead += f"; and of the standard library {', '.join(words.STANDARD)}"
        yield f"imports {module}. {words.OTHER_IMPORTS.get(top, instead + '.')}"


def vocabulary(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Of `dlcourse.check`, what it offers to tests."""
    names = [cell.path(node)]
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    for name in names:
        part = name.removeprefix(f"{CHECK}.")
        if part == name or part == "*":
            continue
        if part == "results":
            yield "asks for check.results, which only a notebook has: each test is judged alone."
        elif part.partition(".")[0] not in dlcourse.check.__all__:
            yield f"uses check.{part}, which the vocabulary of tests does not have."


def syntax(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Statements that make sense in one process only."""
    if isinstance(node, ast.Lambda):
        yield "has a lambda. Write a function with a name: it says what it computes."
    elif isinstance(node, ast.ClassDef):
        yield f"defines the class `{node.name}`. Its objects do not cross: use plain data."
    elif isinstance(node, ast.Global):
        yield "has `global`. Give values as arguments, and return them."
    elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
        yield "has `async` or `await`. A test runs from top to bottom."
    elif isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
        yield "goes through a set, whose order differs from run to run. Take sorted(...) of it."


def identity(cell: Cell, node: ast.AST) -> Iterator[str]:
    """A carried value is a copy, and only classes of data are the same on both sides."""
    if not isinstance(node, ast.Compare):
        return
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        of_type = _is_type_call(left) and _is_data_class(cell, right)
        if isinstance(operator, ast.Is | ast.IsNot) and not (of_type or _is_none(right)):
            yield "compares with `is`. A carried value is a copy: compare values instead."
    if any(_is_called(cell, operand) for operand in operands):
        yield "compares a student's function with something. Call it, and compare what it returns."


def classes(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Objects are asked for classes of data, of NumPy, Keras or TensorFlow, and for no other."""
    asked = node.args[1:] if name_called(node) == "isinstance" else []
    if isinstance(node, ast.MatchClass):
        asked = [node.cls]
    for kind in asked:
        if not _is_data_class(cell, kind):
            yield (
                f"asks whether something is a `{ast.unparse(kind)}`. Only classes of data are the "
                "same on both sides: check what the object does instead."
            )
    if _is_type_call(node):
        whole = cell.parents.get(node)
        others = [whole.left, *whole.comparators] if isinstance(whole, ast.Compare) else []
        if not any(_is_data_class(cell, other) for other in others):
            yield (
                "uses `type(...)` for more than a comparison with a class of data, such as "
                "`type(x) is tuple`: types of functions and datasets differ between the sides."
            )


def python(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Builtins and attributes that lead behind values."""
    if isinstance(node, ast.Name) and node.id in words.BUILTINS:
        yield f"uses `{node.id}`. {words.BUILTINS[node.id]}"
    elif isinstance(node, ast.Attribute):
        of_function = _is_called(cell, node.value)
        why = words.CALLED if of_function else words.ATTRIBUTES.get(node.attr)
        why = words.INSIDE if node.attr.startswith("_") else why
        if why:
            yield f"uses `.{node.attr}`. {why}"
    elif name_called(node) in ("getattr", "hasattr") and not cell.path(first(node)):
        yield f"uses `{name_called(node)}` of something that is no module. {words.INSIDE}"


def changes(cell: Cell, node: ast.AST) -> Iterator[str]:
    """What a student's name stands for stays as it is: where it lives it would, anyway."""
    for target in _changed(node):
        if root(target) in cell.answers:
            yield f"changes the student's `{root(target)}`. Change a copy of it."


def arguments(cell: Cell, node: ast.AST) -> Iterator[str]:
    """What is sent to a student's function is data, or a function of the student's."""
    sent = cell.sent(node) or []
    for argument in sent:
        for what in _unfit(cell, argument, frozenset()):
            yield f"gives a student's function {what}, which does not cross. Give it data."
    names = [argument.id for argument in sent if isinstance(argument, ast.Name)]
    for name in sorted(set(names)):
        # check.call gives copies, so that here and there the two are as different.
        if names.count(name) > 1 and not cell.path(node.func):
            yield (
                f"gives a student's function `{name}` twice, which arrives as two copies. Call it "
                "by check.call, or give it a copy."
            )


def callbacks(cell: Cell, node: ast.AST) -> Iterator[str]:
    """A student's function computes with values; a library would give it symbols."""
    if isinstance(node, ast.Call) and cell.sent(node) is None:
        symbolic = cell.path(node.func).startswith(("keras.", "tensorflow."))
        symbolic |= isinstance(node.func, ast.Attribute) and node.func.attr == "map"
        for argument in values_given(node) if symbolic else ():
            if _is_called(cell, argument):
                yield (
                    f"has Keras or TensorFlow call the student's `{argument.id}`, which gets "
                    "values only. Call it with arrays."
                )


def surroundings(cell: Cell, node: ast.AST) -> Iterator[str]:
    """What is set up here has no effect where a student's function runs."""
    others = [path for path in cell.contexts(node) if not path.startswith(f"{CHECK}.")]
    if others and any(cell.sent(part) is not None for part in inside(node)):
        yield (
            f"calls a student's function within {others[0] or 'a context'}, which has no effect "
            "where that function runs. Call it outside."
        )
    path = cell.path_called(node)
    library, _, name = path.rpartition(".")
    settings = library in words.SETTINGS and name.startswith(("set_", "enable_", "clear_"))
    if settings or path.startswith("tensorflow.config.") or path in words.SETTERS:
        yield f"uses {path}, which has no effect where a student's function runs. Do without."


def copies(cell: Cell, node: ast.AST) -> Iterator[str]:
    """The student's values are those from before the test: calls may change them elsewhere."""
    if isinstance(node, ast.Name) and node.id in cell.answers and node.lineno > cell.first_call:
        whole = cell.parents[node]
        while isinstance(whole, ast.Subscript):
            node, whole = whole, cell.parents[whole]
        # A function, which is called or given to another, does not change.
        used = [whole.func, *(cell.sent(whole) or [])] if isinstance(whole, ast.Call) else []
        if root(node) not in cell.called and not any(part is node for part in used):
            yield (
                f"reads the student's `{root(node)}` after a call of a student's function, which "
                "may have changed it: here it is a copy from before. Read it first."
            )


def exceptions(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Exceptions cross as Python's own: their kind and their text."""
    asked = node.args[:1] if cell.path_called(node) == RAISES else []
    if isinstance(node, ast.ExceptHandler):
        asked = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    for name in asked:
        kind = getattr(builtins, getattr(name, "id", ""), None)
        known = isinstance(kind, type) and issubclass(kind, BaseException)
        if not known or kind in words.TOO_WIDE:
            yield (
                f"catches {ast.unparse(name) if name else 'whatever is raised'}. Name one of "
                "Python's own exceptions, such as ValueError, that nothing but the answer raises."
            )
    if isinstance(node, ast.ExceptHandler) and node.name:
        for part in inside(node):
            if isinstance(part, ast.Attribute) and root(part) == node.name:
                yield f"asks an exception for `.{part.attr}`. Its kind and `str(...)` of it cross."


def chance(cell: Cell, node: ast.AST) -> Iterator[str]:
    """A test draws the same numbers whenever it runs, whatever student code has drawn before."""
    path = cell.path_called(node)
    library, _, name = path.rpartition(".")
    if path.startswith("numpy.random."):
        seeded = any(not _is_none(value) for value in values_given(node))
        fixed = seeded and name in ("default_rng", "Generator", "PCG64", "SeedSequence")
    elif library == "keras.random":
        fixed = name == "SeedGenerator" or any(item.arg == "seed" for item in node.keywords)
    elif path.startswith("tensorflow.random."):
        fixed = name.startswith("stateless_")
    else:
        return
    if not fixed:
        yield f"draws by {path} without a seed of its own. {words.CHANCE}"


def folders(cell: Cell, node: ast.AST) -> Iterator[str]:
    """A folder of the test's is another one where the student's function works."""
    texts = node.args if name_called(node) in ("str", "repr") else []
    if isinstance(node, ast.FormattedValue):
        texts = [node.value]
    if any(cell.is_folder_path(text) for text in texts):
        yield "makes a text of a folder's path, which is elsewhere another. Give the Path itself."


def libraries(cell: Cell, node: ast.AST) -> Iterator[str]:
    """Layers are those that cross, and nothing is fetched from elsewhere."""
    path = cell.path(node)
    module, _, name = path.rpartition(".")
    if module == "keras.layers" and name[:1].isupper() and name not in words.LAYERS:
        yield f"uses keras.layers.{name}, which is not among the layers that cross."
    elif path.startswith("keras.datasets."):
        yield f"uses {path}, which fetches data from elsewhere. Take data from dlcourse.data."
    elif path in ("numpy.shares_memory", "numpy.may_share_memory"):
        yield f"uses {path}. {words.MEMORY}"
    elif module == "numpy.testing" and name.startswith(("assert_raises", "assert_warns")):
        yield f"uses {path}. check.raises says what should be raised, and why."
    module, _, name = cell.path_called(node).rpartition(".")
    if module.startswith("keras.applications") and name[:1].isupper():
        weights = [item.value for item in node.keywords if item.arg == "weights"]
        if not any(map(_is_none, weights)):
            yield f"fetches the weights of {name} from elsewhere. Say `weights=None`."


def structure(cell: Cell, node: ast.AST) -> Iterator[str]:
    """What crosses within `check.structure()` has no weights."""
    if f"{CHECK}.structure" not in cell.contexts(node):
        return
    names = {part.id for part in inside(node) if isinstance(part, ast.Name)}
    names -= cell.answers | cell.imports.keys()
    for part in cell.nodes:
        weights = isinstance(part, ast.Attribute) and part.attr in words.OF_WEIGHTS
        name = root(part) if weights else ""
        if cell.path_called(part) == f"{CHECK}.accuracy":
            name = root(first(part))
        if name in names:
            yield f"asks for weights of `{name}`, which crosses within check.structure without any."


def sharing(cell: Cell, node: ast.AST) -> Iterator[str]:
    """A model made of another has a copy of it: what is done to the one is not seen in the other.

    That is, `model = extend(base)` and then `freeze(base)`.
    """
    if not isinstance(node, ast.Assign) or cell.sent(node.value) is None:
        return
    results = {target.id for target in node.targets if isinstance(target, ast.Name)}
    given = {part.id for part in cell.sent(node.value) if isinstance(part, ast.Name)}
    for name in sorted(given - results):
        changed = min((n for n in _changes_of(cell, name) if n > node.end_lineno), default=None)
        for result in results if changed and cell.is_model(name) else ():
            uses = [n.lineno for n in cell.nodes if isinstance(n, ast.Name) and n.id == result]
            if max(uses) >= changed and cell.is_model(result):
                yield (
                    f"changes `{name}` in line {changed}, after `{result}` was made of it: that "
                    f"holds a copy. Make `{result}` after the change."
                )


RULES = (
    imports,
    vocabulary,
    syntax,
    identity,
    classes,
    python,
    changes,
    arguments,
    callbacks,
    surroundings,
    copies,
    exceptions,
    chance,
    folders,
    libraries,
    structure,
    sharing,
)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_set(node: ast.AST) -> bool:
    made = name_called(node) in ("set", "frozenset")
    return made or isinstance(node, ast.Set | ast.SetComp)


def _is_type_call(node: ast.AST) -> bool:
    return name_called(node) == "type" and not _is_none(first(node))


def _is_data_class(cell: Cell, node: ast.AST) -> bool:
    """Whether an expression is a class of data, or several."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(_is_data_class(cell, part) for part in node.elts)
    if isinstance(node, ast.BinOp):
        return _is_data_class(cell, node.left) and _is_data_class(cell, node.right)
    if isinstance(node, ast.Name) and node.id in words.DATA:
        return True
    of_none = name_called(node) == "type" and _is_none(first(node))
    return of_none or cell.path(node).startswith(words.MODULES_OF_DATA)


def _unfit(cell: Cell, node: ast.expr, seen: frozenset) -> Iterator[str]:
    """What in an argument does not cross, in words."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        yield from _unfit_parts(cell, node.elts, seen)
    elif isinstance(node, ast.Dict):
        yield from _unfit_parts(cell, node.values, seen)
    elif isinstance(node, ast.Starred):
        yield from _unfit(cell, node.value, seen)
    elif isinstance(node, ast.GeneratorExp):
        yield "a generator of this cell"
    elif isinstance(node, ast.Call):
        yield from _unfit_call(cell, node)
    elif path := cell.path(node):
        if _is_function(path):
            yield f"`{ast.unparse(node)}`"
    elif isinstance(node, ast.Name) and node.id not in cell.answers | seen:
        if node.id in cell.functions:
            yield f"the function `{node.id}` of this cell"
        elif node.id in cell.values:
            yield from _unfit_parts(cell, cell.values[node.id], seen | {node.id})
        elif callable(getattr(builtins, node.id, None)):
            yield f"Python's `{node.id}`"


def _unfit_parts(cell: Cell, nodes: Iterable[ast.expr], seen: frozenset) -> Iterator[str]:
    for node in nodes:
        yield from _unfit(cell, node, seen)


def _unfit_call(cell: Cell, node: ast.Call) -> Iterator[str]:
    path, name = cell.path(node.func), name_called(node)
    made_here = cell.functions.get(name)
    if path == f"{CHECK}.Folder":
        yield "a check.Folder instead of its `.path`"
    elif path.startswith(words.MODULES_OF_OTHERS):
        yield f"what {path} makes"
    elif name in words.MAKE_OTHERS:
        yield f"what `{name}` makes"
    elif made_here and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(made_here)):
        yield "a generator of this cell"
    elif isinstance(node.func, ast.Attribute) and node.func.attr in ("items", "keys", "values"):
        yield f"the view that `.{node.func.attr}()` makes"


def _is_called(cell: Cell, node: ast.AST) -> bool:
    """Whether an expression is the name of a student's function that the cell calls."""
    return isinstance(node, ast.Name) and node.id in cell.called


def _is_function(path: str) -> bool:
    """Whether an imported name, which is not called, stands for a module, class or function."""
    if path.startswith(("keras", "tensorflow", "dlcourse")):
        # Importing Keras takes seconds, and it offers nothing else by name.
        return True
    parts = path.split(".")
    found = importlib.import_module(parts[0])
    for count, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part) and importlib.util.find_spec(".".join(parts[:count])):
            importlib.import_module(".".join(parts[:count]))
        found = getattr(found, part, None)
    return callable(found) or hasattr(found, "__loader__")


def _changes_of(cell: Cell, name: str) -> Iterator[int]:
    """Lines that may change what a name stands for: themselves, or by a student's function."""
    for node in cell.nodes:
        given = any(root(part) == name for part in cell.sent(node) or ())
        if given or any(root(target) == name for target in _changed(node)):
            yield node.lineno


def _changed(node: ast.AST) -> list[ast.expr]:
    """The expressions of which a node changes a part: assigned to, or with a changing method."""
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    else:
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        return [node.func] if is_method and node.func.attr in words.CHANGING else []
    return [target for target in targets if isinstance(target, ast.Attribute | ast.Subscript)]
