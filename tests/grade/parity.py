"""Honest submissions, graded by the course and by stock nbgrader, and compared cell by cell.

Stock means nbgrader's own steps: no plug-in of the course is on. It only has its kernel seeded as
the course seeds its own, since otherwise two trainings would differ by chance. Run as a program,
`parity.py ROOT SECTION STUDENT` is stock nbgrader, which grades one submission and prints why not.
"""

import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from tqdm import tqdm

from dlcourse.grade.backend import last_error, nbgrader_api
from dlcourse.grade.course import grade
from dlcourse.grade.demo import right_answers
from dlcourse.grade.notebook import grade_id, plain_code, source_cells
from dlcourse.grade.samples import Handout
from dlcourse.grade.seeds import seed_of, sets_a_seed
from dlcourse.grade.workshop import environment

ROOT = Path(__file__).resolve().parents[2]

# Why a cell has no points from stock nbgrader that it has from the course.
WRITTEN = "a written answer waits for a grader"
STDERR = "messages on stderr cost the cell its points"
ENDED = "a cell that ends the kernel costs the whole grade"
DUPLICATED = "a duplicated cell costs the whole grade"
LOST = "a deleted test earns nothing"
SHADOWED = "a builtin that the student has given another value breaks the tests that use it"
# After these it has no grade at all.
FATAL = {ENDED, DUPLICATED}
# Why it has none from the course that it has from stock nbgrader.
OWN_CLASS = "a value of a class of the student's own does not cross to the tests"


@dataclass
class Submission:
    """A notebook as one student hands it in.

    differs: graded cells that have points from only one of the course and stock nbgrader -> why.
    """

    handout: Handout
    nb: NotebookNode
    differs: dict[str, str]

    def cell(self, name: str) -> NotebookNode:
        return self.nb.cells[self.place(name)]

    def place(self, name: str) -> int:
        return [grade_id(cell) for cell in self.nb.cells].index(name)

    def write(self, code: str, before: str) -> None:
        self.nb.cells.insert(self.place(before), v4.new_code_cell(code))


@dataclass(frozen=True)
class Kind:
    """A kind of student: how the answers are chosen, and what else is done to the notebook.

    choose: (handout, name of an answer, random numbers) -> the answer's text. sections: those of
    which the kind is, all if None.
    """

    name: str
    choose: Callable[[Handout, str, random.Random], str]
    changes: tuple[Callable[[Submission, random.Random], None], ...] = ()
    sections: tuple[str, ...] | None = None

    def hand_in(self, handout: Handout, seed: int) -> Submission:
        rng = random.Random(f"{seed} {handout.section} {self.name}")
        submission = Submission(handout, copy.deepcopy(handout.released), {})
        for name in handout.answers:
            cell = submission.cell(name)
            cell.source = self.choose(handout, name, rng)
            if cell.cell_type == "markdown" and cell.source != scaffold(handout, name):
                submission.differs[name] = WRITTEN
        for change in self.changes:
            change(submission, rng)
        return submission


def scaffold(handout: Handout, name: str) -> str:
    return next(cell.source for cell in handout.released.cells if grade_id(cell) == name)


def reference(handout: Handout, name: str, rng: random.Random) -> str:
    return handout.answers[name]


def untouched(handout: Handout, name: str, rng: random.Random) -> str:
    return scaffold(handout, name)


def known(kind: str) -> Callable[[Handout, str, random.Random], str]:
    """A choice among the known answers of a kind, "right" or "wrong"; the reference if none is."""

    def choose(handout: Handout, name: str, rng: random.Random) -> str:
        return rng.choice(known_answers(handout.section, kind).get(name, [handout.answers[name]]))

    return choose


@cache
def known_answers(section: str, kind: str) -> dict[str, list[str]]:
    path = ROOT / "tests" / "sections" / f"{section}.toml"
    answers: dict[str, list[str]] = {}
    for entry in tomllib.loads(path.read_text("utf-8"))[kind] if path.is_file() else []:
        answers.setdefault(entry["exercise"], []).append(entry["answer"])
    return answers


def mixed(handout: Handout, name: str, rng: random.Random) -> str:
    """Mostly right in some style, often wrong, now and then not begun."""
    ways = [reference, known("right"), known("wrong"), untouched]
    (way,) = rng.choices(ways, weights=[2, 4, 5, 1])
    return way(handout, name, rng)


def first_half(handout: Handout, name: str, rng: random.Random) -> str:
    names = list(handout.answers)
    way = reference if names.index(name) < len(names) // 2 else untouched
    return way(handout, name, rng)


def in_parts(handout: Handout, name: str, rng: random.Random) -> str:
    """Every second answer begun: a first line that does no harm, and the scaffold's ending."""
    names = list(handout.answers)
    if names.index(name) % 2 or name not in handout.coded:
        return reference(handout, name, rng)
    return scaffold(handout, name).replace("raise Not", "steps = []  # to do\n    raise Not")


def adds_cells(submission: Submission, rng: random.Random) -> None:
    """Trials around every exercise: some fail, some draw random numbers, some peek at checks."""
    for name in submission.handout.coded:
        trials = [
            f"# trying {name}\nx = [1, 2, 3]\nprint(x, len(x))",
            "import numpy as np\n\nnp.random.normal(size=3)",
            "print(expected, mistakes)",
            "notes = {'todo': 'ask about this'}\nnotes",
            "1 / 0",
            "%timeit -n 1 -r 1 sum(range(10))",
            "",
        ]
        submission.write(rng.choice(trials), before=name)
        submission.write(rng.choice(trials), before=f"{name}-tests")
    submission.nb.cells.append(v4.new_code_cell("[name for name in dir() if name[0] != '_']"))


def uses_helpers(submission: Submission, rng: random.Random) -> None:
    """One answer stands in a cell of its own, and the answer cell calls it."""
    name = rng.choice(_functions(submission))
    cell = submission.cell(name)
    functions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
    submission.write(cell.source, before=name)
    renamed = (f"{node.name}_by_hand = {node.name}" for node in functions)
    calls = (
        f"def {node.name}({ast.unparse(node.args)}):\n"
        f"    return {node.name}_by_hand({', '.join(arg.arg for arg in node.args.args)})"
        for node in functions
    )
    cell.source = "\n\n\n".join(["\n".join(renamed), *calls])


def _functions(submission: Submission) -> list[str]:
    """The answers that consist of functions."""
    return [
        name
        for name in submission.handout.coded
        if "def " in submission.cell(name).source and "###" not in submission.cell(name).source
    ]


class _Talk(ast.NodeTransformer):
    """Every function prints when it is called."""

    def visit_FunctionDef(self, node):  # noqa: N802 - ast's name
        at = 1 if ast.get_docstring(node) else 0
        node.body.insert(at, ast.parse(f"print('in {node.name}')").body[0])
        return node


def prints_and_draws(submission: Submission, rng: random.Random) -> None:
    """Functions that print and, one of them, draw; answer cells that display things."""
    shown = [
        "print('done')",
        "import matplotlib.pyplot as plt\n\nplt.plot([1, 3, 2])\nplt.title('so far');",
        "from IPython.display import HTML, display\n\ndisplay(HTML('<b>done</b>'))",
        "'done'",
    ]
    for number, name in enumerate(submission.handout.coded):
        cell = submission.cell(name)
        talking = ast.unparse(ast.fix_missing_locations(_Talk().visit(ast.parse(cell.source))))
        cell.source = f"{talking}\n\n{shown[number % len(shown)]}"


def was_run_before(submission: Submission, rng: random.Random) -> None:
    """Outputs, counts and metadata as hours of work leave them; saved by an older Jupyter."""
    nb = submission.nb
    for cell in nb.cells:
        cell.metadata.update(collapsed=False, scrolled=True)
        if cell.cell_type == "code":
            cell.execution_count = rng.randrange(1, 400)
            failure = v4.new_output("error", ename="NameError", evalue="x", traceback=["x"])
            output = v4.new_output("stream", name="stderr", text="an old warning")
            cell.outputs = rng.sample([failure, output], rng.randrange(3))
    nb.metadata["kernelspec"] = {"name": "my-env", "display_name": "Mine", "language": "python"}
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nb.cells += [v4.new_code_cell("") for _ in range(3)]
    nb.nbformat_minor = 4
    for cell in nb.cells:
        cell.pop("id")


def edits_text(submission: Submission, rng: random.Random) -> None:
    """Prose rewritten and deleted, notes added, checks commented and given a print."""
    nb = submission.nb
    for cell in nb.cells:
        if cell.cell_type == "markdown" and grade_id(cell) not in submission.handout.answers:
            cell.source += rng.choice(["", "\n\n*I see.*", "\n\n$x_i^2$"])
    prose = [cell for cell in nb.cells if cell.cell_type == "markdown" and not grade_id(cell)]
    gone = rng.sample(prose, 5)
    nb.cells = [cell for cell in nb.cells if cell not in gone]
    nb.cells.insert(0, v4.new_markdown_cell("# My copy\n\nTo hand in on Friday."))
    for name in rng.sample(submission.handout.coded, 3):
        submission.cell(f"{name}-check").source += "\nprint('my check')  # passes now!"


def pastes_cells(submission: Submission, rng: random.Random) -> None:
    """An answer and a test are there twice, as after copying and pasting cells."""
    pasted = rng.choice(submission.handout.coded)
    for name in (pasted, f"{pasted}-check"):
        twin = copy.deepcopy(submission.cell(name))
        twin["id"] = v4.new_code_cell().id
        submission.nb.cells.insert(submission.place(name) + 1, twin)
    submission.differs |= dict.fromkeys(_graded(submission.nb.cells), DUPLICATED)


def moves_cells(submission: Submission, rng: random.Random) -> None:
    """Three answers stand after their checks."""
    for name in rng.sample(submission.handout.coded, 3):
        answer = submission.nb.cells.pop(submission.place(name))
        submission.nb.cells.insert(submission.place(f"{name}-check") + 1, answer)


def _graded(cells: list[NotebookNode]) -> list[str]:
    return [grade_id(cell) for cell in cells if utils.is_grade(cell)]


def raises(submission: Submission, rng: random.Random) -> None:
    """Three answer cells stop with an error of different kinds, one after it has answered."""
    divides, misspells, shows = rng.sample(submission.handout.coded, 3)
    submission.cell(divides).source = "share = 1 / 0"
    submission.cell(misspells).source = "def answer(x:\n    return x"
    submission.cell(shows).source += "\n\nprint(resutl)"


def seeds(submission: Submission, rng: random.Random) -> None:
    """The student seeds, once, before the first exercise."""
    code = "import keras\n\nkeras.utils.set_random_seed(7)"
    submission.write(code, before=submission.handout.coded[0])


def overwrites_names(submission: Submission, rng: random.Random) -> None:
    """Extra cells reuse names of the course's cells and checks for something else."""
    code = "x = y = labels = model = history = rows = 'mine'\ni = j = total = result = 0"
    for name in submission.handout.coded:
        submission.write(code, before=f"{name}-check")


LOOPS = {
    "01_tensors": (
        "batch",
        "def batch(x, n, size):\n    while n >= 0:\n        x = x[:size]\n    return x",
    ),
}
# A progress bar goes to stderr.
BARS = {
    "01_tensors": (
        "add-vector",
        "from tqdm import tqdm\n\n\ndef add_vector(matrix, vector):\n"
        "    return np.array([row + vector for row in tqdm(matrix)])",
    ),
    "02_mnist_dense": (
        "k-fold",
        "from tqdm import trange\n\n\ndef k_fold_indices(n, k):\n"
        "    folds = np.array_split(np.arange(n), k)\n"
        "    return [(np.setdiff1d(np.arange(n), folds[j]), folds[j]) for j in trange(k)]",
    ),
}
# Answers of the student's own classes, all of them right.
OWN_CLASSES = {
    "02_mnist_dense": {
        "network": "class Network(keras.Sequential):\n    pass\n\n\ndef build_network():\n"
        "    hidden = layers.Dense(512, activation='relu')\n"
        "    last = layers.Dense(10, activation='softmax')\n"
        "    return Network([keras.Input((784,)), hidden, last])",
        "last-layer": "from collections import OrderedDict\n\n"
        "yes_or_no = ('sigmoid', 'binary_crossentropy')\n"
        "one_of_many = ('softmax', 'categorical_crossentropy')\n"
        "choices = OrderedDict(spam=yes_or_no, bird=one_of_many, moods=yes_or_no)\n"
        "choices.update(price=(None, 'mse'), clouds=('sigmoid', 'mse'))",
    },
}
# Code before the last exercise, whose tests use the names that it takes.
SHADOWS = {"02_mnist_dense": "max = 0.98\nlen = 784"}


def loops(submission: Submission, rng: random.Random) -> None:
    """A function with an endless loop."""
    name, answer = LOOPS[submission.handout.section]
    submission.cell(name).source = answer


def shows_progress(submission: Submission, rng: random.Random) -> None:
    name, answer = BARS[submission.handout.section]
    submission.cell(name).source = answer
    submission.differs |= {f"{name}-check": STDERR, f"{name}-tests": STDERR}


def leaves(submission: Submission, rng: random.Random) -> None:
    """The middle answer cell ends Python."""
    name = submission.handout.coded[len(submission.handout.coded) // 2]
    submission.cell(name).source += "\n\nexit()"
    before = submission.nb.cells[: submission.place(name)]
    submission.differs |= dict.fromkeys(_graded(before), ENDED)


def loses_a_test(submission: Submission, rng: random.Random) -> None:
    name = f"{rng.choice(submission.handout.coded)}-tests"
    submission.nb.cells.pop(submission.place(name))
    submission.differs[name] = LOST


def has_own_classes(submission: Submission, rng: random.Random) -> None:
    for name, answer in OWN_CLASSES[submission.handout.section].items():
        submission.cell(name).source = answer
        submission.differs |= {f"{name}-check": OWN_CLASS, f"{name}-tests": OWN_CLASS}


def shadows_builtins(submission: Submission, rng: random.Random) -> None:
    """Builtins get other values in a cell for trials."""
    last = submission.handout.coded[-1]
    submission.write(SHADOWS[submission.handout.section], before=last)
    submission.differs |= {f"{last}-check": SHADOWED, f"{last}-tests": SHADOWED}


KINDS = (
    Kind("all-right", reference),
    Kind("blank", untouched),
    Kind("other-styles", known("right")),
    Kind("all-wrong", known("wrong")),
    Kind("half-done", first_half),
    Kind("in-parts", in_parts),
    Kind("adds-cells", mixed, (adds_cells,)),
    Kind("prints-and-draws", reference, (prints_and_draws,)),
    Kind("was-run-before", mixed, (was_run_before,)),
    Kind("edits-text", mixed, (edits_text,)),
    Kind("pastes-cells", reference, (pastes_cells,)),
    Kind("moves-cells", reference, (moves_cells,)),
    Kind("raises", reference, (raises,)),
    Kind("seeds", known("right"), (seeds,)),
    Kind("overwrites-names", known("right"), (overwrites_names,)),
    Kind("uses-helpers", reference, (uses_helpers,)),
    Kind("loops", reference, (loops,), tuple(LOOPS)),
    Kind("shows-progress", reference, (shows_progress,), tuple(BARS)),
    Kind("leaves", reference, (leaves,)),
    Kind("loses-a-test", reference, (loses_a_test,)),
    Kind("has-own-classes", reference, (has_own_classes,), tuple(OWN_CLASSES)),
    Kind("shadows-builtins", reference, (shadows_builtins,), tuple(SHADOWS)),
)


def kinds(section: str) -> Iterator[Kind]:
    """Every kind of student of a section, then mixtures without end."""
    yield from (kind for kind in KINDS if kind.sections is None or section in kind.sections)
    number = 0
    while True:
        number += 1
        yield Kind(f"mixture-{number:02}", mixed)


@dataclass(frozen=True)
class Compared:
    """One graded cell: what the course and what stock nbgrader give for it, (score, most).

    reason: why only one of them should give points; None if they should agree.
    """

    section: str
    student: str
    cell: str
    ours: tuple[float, float]
    stock: tuple[float, float]
    reason: str | None

    @property
    def as_documented(self) -> bool:
        if self.reason is None:
            return self.ours == self.stock
        both = (self.stock, self.ours)
        (less, most_of_less), (more, most) = both if self.reason != OWN_CLASS else both[::-1]
        return most_of_less == most and less == 0 < more

    def __str__(self) -> str:
        return (
            f"{self.section} {self.student} {self.cell}: {self.ours[0]:g} here and "
            f"{self.stock[0]:g} from stock nbgrader, of {self.ours[1]:g} and {self.stock[1]:g}; "
            f"expected: {self.reason or 'the same'}"
        )


def compare(folder: Path, section: str, chosen: list[Kind], seed: int) -> list[Compared]:
    """Every graded cell of one submission of each of the chosen kinds, graded both ways.

    Two courses are made in `folder`, of the section as source/ has it.
    """
    ours, stock, submissions = hand_in_to_both(folder, section, chosen, seed)
    ungraded = [result for result in grade(ours, section) if result.score is None]
    assert not ungraded, f"The course should have a grade for everyone, but: {ungraded}"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        graded = pool.map(lambda student: _grade_with_stock(stock, section, student), submissions)
        reasons = list(tqdm(graded, "Stock nbgrader", len(submissions), unit="submission"))
    for (student, found), reason in zip(submissions.items(), reasons, strict=True):
        assert bool(reason) == bool(FATAL & {*found.differs.values()}), f"{student}: {reason}"
    given, stock_given = _scores(ours, section), _scores(stock, section)
    return [
        Compared(section, student, cell, points, stock_given[student][cell], reasons.get(cell))
        for student, reasons in ((name, found.differs) for name, found in submissions.items())
        for cell, points in given[student].items()
    ]


def hand_in_to_both(
    folder: Path, section: str, chosen: list[Kind], seed: int
) -> tuple[Path, Path, dict[str, Submission]]:
    """Two courses in `folder`, ours and a stock one, and the submissions handed in to each."""
    ours, stock = folder / "ours", folder / "stock"
    handout = _make_course(ours, section, (ROOT / "nbgrader_config.py").read_text("utf-8"))
    other = _make_course(stock, section, _stock_config())
    assert other == handout, "Both courses should release the same."
    submissions = {kind.name: kind.hand_in(handout, seed) for kind in chosen}
    for student, submission in submissions.items():
        for root in (ours, stock):
            path = root / "submitted" / student / section / f"{handout.notebook}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(nbformat.writes(submission.nb), "utf-8")
    return ours, stock, submissions


def _make_course(root: Path, section: str, config: str) -> Handout:
    """A course of one section in `root`, with `config`, released."""
    shutil.copytree(ROOT / "source" / section, root / "source" / section)
    (root / "nbgrader_config.py").write_text(config, "utf-8")
    outcome = nbgrader_api(root).generate_assignment(section)
    assert outcome["success"], outcome
    (path,) = (root / "release" / section).glob("*.ipynb")
    source = nbformat.read(root / "source" / section / path.name, as_version=4)
    return Handout(section, path.stem, nbformat.read(path, as_version=4), right_answers(source))


def _stock_config() -> str:
    """The course's configuration without the lines that put its own steps in place of nbgrader's.

    What is left says where things are and how a release looks.
    """
    tree = ast.parse((ROOT / "nbgrader_config.py").read_text("utf-8"))
    plugged = [node for node in tree.body if "dlcourse.grade" in ast.unparse(node)]
    tree.body = [node for node in tree.body if node not in plugged]
    return ast.unparse(tree)


def _scores(root: Path, section: str) -> dict[str, dict[str, tuple[float, float]]]:
    """student -> graded cell -> (score, most), as the gradebook has them."""
    with Gradebook(nbgrader_api(root).coursedir.db_url) as gradebook:
        return {
            submission.student.id: {
                grade.name: (grade.score, grade.max_score)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(section)
        }


def _grade_with_stock(root: Path, section: str, student: str) -> str:
    """Has stock nbgrader grade in a process of its own; why there is no grade, or nothing."""
    command = [sys.executable, "-P", __file__, str(root), section, student]
    with (root / ".nbgrader.log").open("a") as log:
        # Kernels get the environment that the course gives its own: one thread, the same data.
        env = os.environ | environment()
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=log, check=True)
    return done.stdout.decode().strip()


class SeededExecute(Execute):
    """nbgrader's own execution, in a kernel seeded before every cell as the course seeds its."""

    def preprocess(self, nb, resources, km=None):
        self._seeded, self._assignment = False, resources["nbgrader"]["assignment"]
        self._own = plain_code(source_cells(self.parent.parent.coursedir, resources["nbgrader"]))
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type == "code" and not self._seeded:
            seed = seed_of(self._assignment, cell)
            code = f"__import__('dlcourse.grade.seeds').grade.seeds.seed_everything({seed})"
            self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))
        done = super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "code":
            self._seeded |= sets_a_seed(cell, self._own)
        return done


def grade_with_stock(root: Path, section: str, student: str) -> str:
    """Autogrades a submission by nbgrader's own steps; why there is no grade, or nothing."""
    api = nbgrader_api(root)
    steps = Autograde.class_traits()["autograde_preprocessors"].default()
    api.config.Autograde.autograde_preprocessors = [
        SeededExecute if step is Execute else step for step in steps
    ]
    # Outputs come late on a busy machine, and stock nbgrader gives up after four seconds.
    api.config.Execute.iopub_timeout = 60
    outcome = api.autograde(section, student)
    return "" if outcome["success"] else last_error(outcome)


if __name__ == "__main__":
    print(grade_with_stock(Path(sys.argv[1]), *sys.argv[2:]))
