"""Submissions so alike that a person should look at them.

**A pair is a reason to look, not proof.** Students may work together where the course allows it,
learn from the same page, or think alike; and whoever rewrites what was copied is not found.

What is compared is what students wrote themselves in answer cells: code by its syntax, in which
comments, layout and the names that the cell itself makes do not count, and written answers by
their words. It is cut into overlapping runs, *shingles*, of a few parts each. Those of the scaffold
do not count, nor those that many have, since short exercises look alike among honest students. Of
what remains, two students share so much as both wrote of what either wrote (Jaccard's index, as in
Broder, "On the resemblance and containment of documents", 1997).

What half a class copied counts as usual, and so does what more than three students copied of each
other in a class of up to fifteen: their work is not found here.
"""

import ast
import glob
import json
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from nbgrader.api import MissingEntry

from dlcourse.grade.backend import nbgrader_api, open_gradebook
from dlcourse.grade.troubles import GradeError

# A pair is told from this share on.
SHARE = 0.6
# Both must have written this many shingles that few others wrote: some ten lines of code.
MATERIAL = 60
# A shingle counts if no more submissions than this many, or this part of all, have it.
FEW, FEW_OF_ALL = 3, 0.2
# Parts of one shingle: of syntax, and words.
SYNTAX, WORDS = 8, 5

# Cell -> the hashes of its shingles.
Written = dict[str, set[int]]


@dataclass(frozen=True)
class Pair:
    """Two submissions of a section that look alike.

    share: of what either wrote and few others did, the part that both did, in (0, 1].
    cells: the answer cells in which they are alike, in the notebook's order.
    """

    section: str
    students: tuple[str, str]
    share: float
    cells: tuple[str, ...]


def similar(root: Path, section: str) -> list[Pair]:
    """The pairs in what was graded of a section, the most alike first.

    Reads autograded/ and the gradebook. Raises GradeError if the section is not in the gradebook.
    """
    submissions: dict[str, Written] = defaultdict(dict)
    for notebook, scaffolds in _scaffolds(root, section).items():
        pattern = f"autograded/*/{glob.escape(section)}/{glob.escape(notebook)}.ipynb"
        for path in sorted(root.glob(pattern)):
            submissions[path.parts[-3]] |= {
                name: shingles(name, *answer) - scaffolds[name]
                for name, answer in _answers(path).items()
                if name in scaffolds
            }
    return pairs(section, submissions)


def pairs(section: str, submissions: dict[str, Written]) -> list[Pair]:
    """The pairs among `submissions`, student -> what was written, the most alike first."""
    written = _unusual(submissions)
    sizes = {student: sum(map(len, cells.values())) for student, cells in written.items()}
    candidates = [student for student in sorted(written) if sizes[student] >= MATERIAL]
    found, holders = [], defaultdict(list)
    for student in candidates:
        own = set(chain.from_iterable(written[student].values()))
        both = Counter(chain.from_iterable(holders[shingle] for shingle in own))
        for other, shared in both.items():
            share = shared / (sizes[student] + sizes[other] - shared)
            if share >= SHARE:
                cells = _alike(written[other], written[student])
                found.append(Pair(section, (other, student), share, cells))
        for shingle in own:
            holders[shingle].append(student)
    return sorted(found, key=lambda pair: (-pair.share, pair.students))


def shingles(cell: str, kind: str, text: str) -> set[int]:
    """The hashes of an answer's shingles; `kind` is its cell's type, "code" or "markdown"."""
    if kind == "code":
        return {hash((cell, *_own_names(run))) for run in _runs(_syntax(text), SYNTAX)}
    return {hash((cell, *run)) for run in _runs(_words(text), WORDS)}


def _scaffolds(root: Path, section: str) -> dict[str, dict[str, set[int]]]:
    """Notebook -> answer cell -> the shingles that it was released with."""
    with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
        try:
            notebooks = gradebook.find_assignment(section).notebooks
        except MissingEntry:
            raise GradeError(
                f"{section} has not been graded yet: run `dlcourse grade {section}`."
            ) from None
        return {notebook.name: _scaffold(notebook) for notebook in notebooks}


def _scaffold(notebook) -> dict[str, set[int]]:
    answers = {cell.name for cell in notebook.solution_cells}
    return {
        cell.name: shingles(cell.name, cell.cell_type, cell.source)
        for cell in notebook.source_cells
        if cell.name in answers
    }


def _answers(path: Path) -> dict[str, tuple[str, str]]:
    """Answer cell -> (type, text). Read as JSON: nbformat checks the outputs too, for seconds."""
    answers = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        info = cell["metadata"].get("nbgrader")
        if isinstance(info, dict) and info.get("solution"):
            answers[info.get("grade_id")] = (cell["cell_type"], "".join(cell["source"]))
    return answers


def _unusual(submissions: dict[str, Written]) -> dict[str, Written]:
    """What few of the submissions have."""
    held = Counter(
        chain.from_iterable(chain.from_iterable(s.values()) for s in submissions.values())
    )
    most = max(FEW, FEW_OF_ALL * len(submissions))
    return {
        student: {name: {one for one in cell if held[one] <= most} for name, cell in cells.items()}
        for student, cells in submissions.items()
    }


def _alike(one: Written, other: Written) -> tuple[str, ...]:
    return tuple(
        name
        for name in one
        if name in other
        and (shared := len(one[name] & other[name]))
        and shared >= SHARE * len(one[name] | other[name])
    )


def _runs(parts: Sequence, length: int) -> Iterator[tuple]:
    """All runs of `length` parts; of a shorter text the whole."""
    for start in range(max(1, len(parts) - length + 1) if parts else 0):
        yield tuple(parts[start : start + length])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _syntax(code: str) -> list:
    """Code as the parts of its syntax tree, from left to right; its words, if it has none.

    A name that the code itself makes is a part [name], so that it can be told from others.
    """
    # Lines for IPython are no Python.
    code = re.sub(r"^\s*[%!].*", "pass", code, flags=re.MULTILINE)
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(code)
        return list(_parts(tree, _made(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.findall(r"\w+|[^\w\s]", re.sub("#.*", "", code))


def _made(tree: ast.AST) -> set[str]:
    """The names that code gives to something: variables, parameters, functions, imports."""
    made = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                made.add(name)
            case ast.arg(arg=name) | ast.alias(asname=str(name)) | ast.ExceptHandler(name=name):
                made.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
    return made


def _parts(node: ast.AST, made: set[str]) -> Iterator:
    yield type(node).__name__
    # What a called function calls its arguments is not the code's to choose.
    argument = isinstance(node, ast.keyword)
    for field, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.expr_context) or one is None or _is_docstring(one):
                continue
            if isinstance(one, ast.AST):
                yield from _parts(one, made)
            elif one in made and field in ("id", "arg", "name", "asname") and not argument:
                yield [one]
            else:
                yield repr(one)


def _is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)


def _own_names(run: tuple) -> list:
    """A run in which the code's own names are numbered in the order in which they appear in it.

    Numbered in the whole text they would all change where a copy has one more at its beginning.
    """
    numbers: dict[str, int] = {}
    return [
        numbers.setdefault(part[0], len(numbers)) if isinstance(part, list) else part
        for part in run
    ]
