"""The notebook linter: what must hold in the three folders of notebooks before anything runs.

Every rule yields problems; every problem names a file, a cell, what is wrong and what to do.
"""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from dlcourse.build.sections import (
    KINDS,
    BuildError,
    Section,
    exercise_of,
    find_sections,
    grade_id,
    is_test,
    kind,
    notebook_text,
    read_notebook,
)
from dlcourse.files import write_text
from dlcourse.grade.carry.rule import answer_names, bound_names, broken_rules, free_names

LINES_OF_A_CELL = 15
# Numbers below this are words ("two layers", "5x5"), not results.
SMALLEST_CHECKED_NUMBER = 13
HIDDEN_MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
# The rules of `ruff check` for cells: errors and likely bugs; a notebook ends cells on bare names.
RUFF_RULES = ["--select=E,F,W,B,NPY", "--ignore=E402,B018,E731,F811", "--line-length=100"]


@dataclass(frozen=True)
class Problem:
    """Something to mend: in which file, in which cell (None: the whole file), in a sentence."""

    path: str
    cell: str | None
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}{f', cell {self.cell}' if self.cell else ''}: {self.sentence}"


def lint(root: Path) -> list[Problem]:
    """Every problem of every notebook under `root`, in the order of the files."""
    return list(_problems(root))


def _problems(root: Path) -> Iterator[Problem]:
    for section in find_sections(root):
        source = read_notebook(section.source)
        yield from _found(root, section.source, _lint_source(section, source))
        if section.release.exists():
            release = read_notebook(section.release)
            yield from _found(root, section.release, _lint_release(release, source))
        if section.solved.exists():
            solved = read_notebook(section.solved)
            yield from _found(root, section.solved, _lint_solved(solved))
            # The prose is written in source/, its numbers are made in notebooks/.
            yield from _found(root, section.source, lint_numbers(source, solved))
    yield from _lint_code(root)


def _found(root: Path, path: Path, rules: Iterator[tuple[str | None, str]]) -> Iterator[Problem]:
    for cell, sentence in rules:
        yield Problem(path.relative_to(root).as_posix(), cell, sentence)


def _lint_source(section: Section, nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    yield from lint_outputs(nb)
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        yield None, "is older than nbformat 4.5, so its cells have no ids. Save it in JupyterLab 4."
        return
    if nb.metadata.get("kernelspec", {}).get("name") != "dlcourse":
        yield None, "asks for another kernel than `dlcourse`. Choose the kernel `DL Practical`."
    if notebook_text(nb) != section.source.read_text("utf-8"):
        yield None, "is not written in the course's one way. Run `dlcourse lint --fix`."
    yield from lint_identities(nb)
    yield from lint_kinds(nb)
    yield from lint_exercises(nb)
    yield from lint_carrying(nb)
    yield from lint_imports(nb)
    yield from lint_prose(nb)
    yield from lint_style(nb)


def _lint_release(nb: NotebookNode, source: NotebookNode) -> Iterator[tuple[str | None, str]]:
    yield from lint_outputs(nb)
    yield from lint_secrets(nb, source)


def _lint_solved(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    yield from lint_stored_outputs(nb)


def lint_outputs(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Source and release hold no outputs, no counts and no state of widgets."""
    for cell in _code(nb):
        if cell.outputs:
            yield cell.get("id"), "holds an output. Clear it: `dlcourse lint --fix`."
        elif cell.execution_count is not None:
            yield cell.get("id"), "holds an execution count. Clear it: `dlcourse lint --fix`."
    if "widgets" in nb.metadata:
        yield None, "holds the state of widgets in its metadata. Run `dlcourse lint --fix`."


def lint_identities(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Cell ids and grade_ids are there, unique, and the same for cells that nbgrader knows."""
    for cell_id, count in Counter(cell.id for cell in nb.cells).items():
        if count > 1:
            yield (
                cell_id,
                f"shares its cell id with {count - 1} other cell. Give it one of its own.",
            )
    graded = [cell for cell in nb.cells if "nbgrader" in cell.metadata]
    for grade_id_, count in Counter(grade_id(cell) for cell in graded if grade_id(cell)).items():
        if count > 1:
            yield grade_id_, f"stands {count} times: a grade_id is unique. Rename the copy."
    for cell in graded:
        if not grade_id(cell):
            yield cell.id, "is graded but has no grade_id. Give it the id of its exercise."
        elif grade_id(cell) != cell.id:
            yield cell.id, f"has the grade_id {grade_id(cell)!r}. Make the two the same."


def lint_kinds(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Every code cell is of one kind, which says how nbval compares it."""
    for cell in _code(nb):
        if kind(cell) is None:
            yield cell.id, f"must have exactly one of the tags {', '.join(KINDS)}."


def lint_exercises(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """An exercise is a prompt that says its points, an answer, a check and hidden tests."""
    cells = {grade_id(cell): cell for cell in nb.cells if grade_id(cell)}
    points: Counter[str] = Counter()
    for cell in filter(is_test, cells.values()):
        if not cell.id.endswith(("-check", "-tests")):
            yield cell.id, "is a test cell: its id must be the exercise's with -check or -tests."
            return
        points[exercise_of(cell)] += cell.metadata.nbgrader.points
    for exercise, total in points.items():
        for part in (f"{exercise}-prompt", exercise, f"{exercise}-check", f"{exercise}-tests"):
            if part not in cells:
                yield exercise, f"has no cell {part}. An exercise is prompt, answer, check, tests."
        prompt = cells.get(f"{exercise}-prompt")
        said = re.search(r"(\d+) points?\b", prompt.source) if prompt else None
        if prompt and (not said or int(said[1]) != total):
            yield prompt.id, f"must say the exercise's {total:g} points (as in `{total:g} points`)."
        answer, tests = cells.get(exercise), cells.get(f"{exercise}-tests")
        if answer and "### BEGIN SOLUTION" not in answer.source:
            yield exercise, "has no `### BEGIN SOLUTION`, so students would get an empty cell."
        if tests and "### BEGIN HIDDEN TESTS" not in tests.source:
            yield tests.id, "has no `### BEGIN HIDDEN TESTS`: students would read the tests."


def lint_carrying(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Test cells keep the carrying rule, and leave nothing that a later cell leans on."""
    answers = {grade_id(cell): cell for cell in _code(nb) if grade_id(cell) and not is_test(cell)}
    defined: set[str] = set()
    # Name -> the test cell that was the only one to define it, or the last to change it.
    only_in_tests: dict[str, str] = {}
    changed: dict[str, str] = {}
    for cell in _code(nb):
        if not _parses(cell.source):
            yield cell.id, "is not Python that can be read (magics are not allowed)."
            continue
        bound = bound_names(cell.source)
        if is_test(cell):
            answer = answers.get(exercise_of(cell))
            names = answer_names(answer.source) if answer and _parses(answer.source) else set()
            for sentence in broken_rules(cell.source, names):
                yield cell.id, sentence
            only_in_tests |= dict.fromkeys(bound - defined, cell.id)
            # What a test imports once more is the same.
            changed |= dict.fromkeys(answer_names(cell.source) & defined, cell.id)
        else:
            for name in sorted(free_names(cell.source) & only_in_tests.keys()):
                yield (
                    cell.id,
                    f"uses `{name}` from the test cell {only_in_tests[name]}. Define it here: "
                    "tests run elsewhere, and nothing that they define is left.",
                )
            for name in sorted(free_names(cell.source) & changed.keys()):
                yield (
                    cell.id,
                    f"uses `{name}`, to which the test cell {changed[name]} has given another "
                    "value. Choose another name there.",
                )
            defined |= bound
            only_in_tests = {k: v for k, v in only_in_tests.items() if k not in bound}
            changed = {k: v for k, v in changed.items() if k not in bound}


def lint_imports(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Nothing leans on an import in an answer cell, which students may write over."""
    given: set[str] = set()
    lent: dict[str, str] = {}
    for cell in _code(nb):
        if is_test(cell) or not _parses(cell.source):
            continue
        bound = bound_names(cell.source)
        for name in sorted(free_names(cell.source) & lent.keys() - given):
            yield (
                cell.id,
                f"uses `{name}`, which only the answer cell {lent[name]} imports. Import it in a "
                "cell of the course's own before that: students write over answer cells.",
            )
        if grade_id(cell):
            imported = bound - answer_names(cell.source)
            lent |= dict.fromkeys(imported - lent.keys(), cell.id)
        else:
            given |= bound


def lint_prose(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Every image has alternative text."""
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        without = re.findall(r"!\[\s*\]\(([^)]*)\)", cell.source)
        without += [tag for tag in re.findall(r"<img\b[^>]*>", cell.source) if "alt=" not in tag]
        for image in without:
            yield cell.id, f"shows {image} without alternative text. Say what is to be seen in it."


def lint_style(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Cells are short, and training prints no progress bar (nbval could not compare it)."""
    for cell in _code(nb):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > LINES_OF_A_CELL and not (is_test(cell) or grade_id(cell)):
            yield cell.id, f"has {len(lines)} lines; {LINES_OF_A_CELL} are enough. Split it."
        if not _parses(cell.source):
            continue
        for call in ast.walk(ast.parse(cell.source)):
            if _is_loud(call):
                yield cell.id, f"calls {call.func.attr} with a progress bar. Say `verbose=0`."


def _is_loud(node: ast.AST) -> bool:
    loud = ("fit", "evaluate", "predict")
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in loud
        and not any(keyword.arg in ("verbose", None) for keyword in node.keywords)
    )


def lint_secrets(nb: NotebookNode, source: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """A release holds no marker and no line that only a solution or a hidden test has."""
    secrets = set(hidden_lines(source))
    for cell in nb.cells:
        for marker in HIDDEN_MARKERS:
            if marker in cell.source:
                yield cell.get("id"), f"still says {marker}. Run `dlcourse build`."
        for line in cell.source.splitlines():
            if line.strip() in secrets:
                yield (
                    cell.get("id"),
                    f"shows students a line of a solution or hidden test: `{line.strip()}`. "
                    "Run `dlcourse build`.",
                )


def hidden_lines(source: NotebookNode) -> Iterator[str]:
    """The lines between markers that stand nowhere else in the source and say something."""
    hidden, shown = set(), set()
    for cell in source.cells:
        inside = False
        for line in map(str.strip, cell.source.splitlines()):
            if line.startswith("### BEGIN "):
                inside = True
            elif line.startswith("### END "):
                inside = False
            else:
                (hidden if inside else shown).add(line)
    for line in hidden - shown:
        # Short lines (`else:`, `return x`) say nothing of a solution.
        if len(line) > 16:
            yield line


def lint_stored_outputs(nb: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Stored outputs can be compared: run, without stderr, errors, addresses or live widgets."""
    if "widgets" in nb.metadata:
        yield None, "holds the state of widgets in its metadata. Run `dlcourse build`."
    for cell in _code(nb):
        if cell.execution_count is None:
            yield cell.id, "was not executed, so nbval would compare nothing. Run `dlcourse build`."
        for output in cell.outputs:
            if output.output_type == "error":
                yield cell.id, f"stores an error: {output.ename}: {output.evalue}."
            if output.get("name") == "stderr":
                yield cell.id, "prints to stderr. Silence what prints, or the cell that calls it."
            if re.search(r"\bat 0x[0-9a-f]{6,}", _output_text(output)):
                yield cell.id, "shows an object's address. End the line with `;` or assign it."


NUMBER = re.compile(r"(?<![\w.#&])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![\w])(\s?%)?")


def numbers(text: str) -> list[tuple[str, float]]:
    """The numbers of a text as (as written, value), a percentage as its fraction of one."""
    found = []
    for match in NUMBER.finditer(text):
        value = float(match[1].replace(",", "") + (match[2] or ""))
        found.append((match[0], round(value / 100, 9) if match[3] else value))
    return found


def lint_numbers(source: NotebookNode, solved: NotebookNode) -> Iterator[tuple[str | None, str]]:
    """Every number in prose is one that a cell's code says or a cell's output shows."""
    made = set()
    for cell in _code(solved):
        text = "\n".join([cell.source, *map(_output_text, cell.outputs)])
        made |= {round(value, 9) for _, value in numbers(text)}
    # "97.8%" in prose may be 0.978 in an output, and the other way round.
    made |= {round(value / 100, 9) for value in made} | {round(value * 100, 9) for value in made}
    for cell in source.cells:
        if cell.cell_type != "markdown":
            continue
        for written, value in numbers(cell.source):
            plain = value == int(value) and not written.endswith("%")
            if plain and value < SMALLEST_CHECKED_NUMBER:
                continue
            if round(value, 9) not in made:
                yield (
                    cell.id,
                    f"states {written.strip()}, which no cell of the notebook produces. Print it "
                    "in a cell, or say it without the number.",
                )


def _lint_code(root: Path) -> Iterator[Problem]:
    """What ruff refuses in the code cells of `source/`, named by cell."""
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--output-format=json"]
        + [*RUFF_RULES, "--no-cache", str(root / "source")],
        capture_output=True,
        text=True,
    )
    if run.returncode not in (0, 1):
        raise BuildError(f"ruff could not check source/: {run.stderr.strip()}")
    notebooks: dict[str, NotebookNode] = {}
    for finding in json.loads(run.stdout or "[]"):
        path = Path(finding["filename"])
        nb = notebooks.setdefault(finding["filename"], read_notebook(path))
        # Ruff counts cells from one, Markdown included.
        cell = nb.cells[finding["cell"] - 1].id if finding.get("cell") else None
        line = finding["location"]["row"]
        sentence = f"line {line}: {finding['message']} (ruff {finding['code']})"
        yield Problem(path.relative_to(root).as_posix(), cell, sentence)


def fix(section: Section) -> bool:
    """Clear what an editor leaves in a source notebook; True if the file changed."""
    nb = read_notebook(section.source)
    for cell in _code(nb):
        cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("execution", None)
    for cell in nb.cells:
        for key in ("collapsed", "scrolled", "jupyter", "trusted"):
            cell.metadata.pop(key, None)
    nb.metadata = {
        "kernelspec": {"display_name": "DL Practical", "language": "python", "name": "dlcourse"},
        "language_info": {"name": "python"},
    }
    text = notebook_text(nb)
    changed = text != section.source.read_text("utf-8")
    if changed:
        write_text(section.source, text)
    return changed


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _output_text(output: NotebookNode) -> str:
    """What an output says: its stream, or its texts of every kind (HTML tags included)."""
    data = output.get("data", {})
    texts = [data[mime] for mime in ("text/plain", "text/html", "text/markdown") if mime in data]
    # The bytes of an embedded picture say nothing.
    return re.sub(r'src="data:[^"]*"', "", "\n".join([output.get("text", ""), *texts]))
