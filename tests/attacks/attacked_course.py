"""A course with secrets, the class in which attacks are handed in, and where they find what.

It is made like the tiny course of tests/grade, with the real course's configuration, and needs no
TensorFlow except in its second section. Its hidden tests are written in the ways that tests are
written elsewhere: bare asserts, NumPy's, random numbers, and the course's own vocabulary.
"""

import copy
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4
from tiny_course import ROOT as REPOSITORY
from tiny_course import empty_gradebook

from dlcourse.grade.backend import nbgrader_api

PLAIN, KERAS = "00_plain", "01_keras"
# What only the hidden tests, the solution and the grader's environment hold.
MARKER = "quince-marmalade-86028157"
PASSWORD = "heliotrope-49979687"
WANTED = "15485.863"
VARIABLE, TOKEN = "GRADER_TOKEN", "celandine-67867967"
SECRETS = (MARKER, PASSWORD, WANTED, TOKEN)
# What attacks say where they have got hold of more than they may, or speak in the course's name.
BOAST = "I took more than I may"
LIE = "full marks by order of the dean"
SCRIPT = "attack()"
# Honest students: the first is graded before the attackers, the last after them.
HONEST = ("ann-honest", "zoe-honest")
BLANK = "blank"
UNTOUCHED = "nothing has been here"

ANSWERS = {
    PLAIN: {
        "double": "def double(x):\n    return 2 * x",
        "mean": "def mean(values):\n    return sum(values) / len(values)",
        "scale": "def scale(x):\n    return 3 * x",
        "halve": "def halve(x):\n    return x / 2",
        "password": f"def password():\n    return {PASSWORD!r}",
    },
    KERAS: {
        "build": "import keras\n\n\ndef build():\n    return keras.Sequential(\n"
        "        [\n            keras.Input((2,)),\n"
        "            keras.layers.Dense(8, activation='relu'),\n"
        "            keras.layers.Dense(1, activation='sigmoid'),\n        ]\n    )",
        "train": "def train(x, y):\n    model = build()\n"
        "    optimizer = keras.optimizers.Adam(0.03)\n"
        "    model.compile(optimizer, 'binary_crossentropy', metrics=['accuracy'])\n"
        "    history = model.fit(x, y, epochs=20, batch_size=16, verbose=0)\n"
        "    return model, history",
        "keep": "def keep(path):\n    build().save(path)",
    },
}
_DATA = """rng = np.random.default_rng({seed})
x = rng.normal(size=({count}, 2)).astype('float32')
y = (x[:, 0] + x[:, 1] > 0).astype('float32')"""
# Exercise -> the test that students see, and the one that they do not.
TESTS = {
    PLAIN: {
        "double": (
            "assert double(2) == 4",
            f"# {MARKER}\nassert double(-171) == -342, 'negative'",
        ),
        "mean": (
            "assert mean([1, 2, 3]) == 2",
            "import random\n\nvalues = [random.randrange(1000) for _ in range(9)]\n"
            "expected = sum(values) / len(values)\ngiven = mean(values)\n"
            "assert isinstance(given, float), 'type'\nassert abs(given - expected) < 1e-9, 'value'",
        ),
        "scale": (
            "import numpy as np\n\n"
            "np.testing.assert_allclose(scale(np.array([1.0, 2.0])), [3.0, 6.0])",
            "import numpy as np\n\nnp.testing.assert_allclose(scale(np.array([7.0])), [21.0])\n"
            f"np.testing.assert_allclose(scale(np.array([{float(WANTED) / 3!r}])), [{WANTED}])",
        ),
        "halve": (
            "import numpy as np\n\nfrom dlcourse import check\n\n"
            "check.equal(check.call(halve, np.array([4.0])), np.array([2.0]), 'halve(x)')",
            "import numpy as np\n\nfrom dlcourse import check\n\n"
            "for shape in ((3,), (2, 2)):\n    x = np.random.normal(size=shape)\n"
            "    check.equal(check.call(halve, x), x / 2, 'halve(x)')",
        ),
        "password": (
            "assert isinstance(password(), str)",
            f"assert password() == {PASSWORD!r}",
        ),
    },
    KERAS: {
        "build": (
            "from dlcourse import check\n\ncheck.parameters(check.call(build), 33)",
            f"from dlcourse import check\n\n# {MARKER}\nmodel = check.call(build)\n"
            "check.parameters(model, 33)\ncheck.layers(model, [('Dense', {'units': 8, "
            "'activation': 'relu'}), ('Dense', {'units': 1, 'activation': 'sigmoid'})])",
        ),
        "train": (
            "import numpy as np\n\nfrom dlcourse import check\n\n"
            f"{_DATA.format(seed=1, count=64)}\nmodel, history = check.call(train, x, y)\n"
            "check.history(history, keys=('loss', 'accuracy'))\n"
            "reached = check.accuracy(model, x, y, at_least=0.9)",
            "import numpy as np\n\nfrom dlcourse import check\n\n"
            f"{_DATA.format(seed=2, count=256)}\nmodel, history = check.call(train, x, y)\n"
            f"{_DATA.format(seed=3, count=400)}\n"
            "reached = check.accuracy(model, x, y, at_least=0.9)",
        ),
        "keep": (
            "from dlcourse import check\n\nfolder = check.Folder()\n"
            "check.call(keep, folder.path / 'mine.keras')\nfolder.saved('mine.keras')",
            "from dlcourse import check\n\nfolder = check.Folder()\n"
            "check.call(keep, folder.path / 'other.keras')\n"
            "saved = folder.saved('other.keras')\n"
            "check.that(saved.sizes.get('model.weights.h5', 0) > 0, 'no weights')",
        ),
    },
}
# Seconds for a cell. What never ends should not cost a minute each time.
SECONDS = {PLAIN: 3, KERAS: 60}
# MB for all processes of a submission.
MEMORY = {PLAIN: 1024, KERAS: 2048}


@dataclass(frozen=True)
class Place:
    """Where an attack finds what it is after; its code has @ROOT@ and so on in their stead.

    root: the course. name: the attacker. port: where someone listens on this machine. token: what
    it calls the processes that it leaves.
    """

    root: Path
    name: str
    port: int
    token: str

    @property
    def canary(self) -> Path:
        """A file outside that nobody may change."""
        return self.root / "canaries" / self.name

    def filled(self, code: str) -> str:
        values = {"ROOT": self.root, "CANARY": self.canary, "PORT": self.port, "NAME": self.name}
        for key, value in {**values, "TOKEN": self.token}.items():
            code = code.replace(f"@{key}@", str(value))
        return code


def notebook_name(section: str) -> str:
    return section.partition("_")[2]


def make_course(
    root: Path, section: str, config: str | None = None, patience: int = 1
) -> NotebookNode:
    """The attacked course in the folder `root`; its section as students get it.

    config: the text of its nbgrader_config.py, by default the real course's. patience: how many
    times longer a cell may take, for graders that do not see that the machine is busy.
    """
    folder = root / "source" / section
    folder.mkdir(parents=True)
    (root / "canaries").mkdir()
    name = f"{notebook_name(section)}.ipynb"
    nbformat.write(_source(section), folder / name)
    config = config or (REPOSITORY / "nbgrader_config.py").read_text("utf-8")
    config += f"\nc.Execute.timeout = {patience * SECONDS[section]}\n"
    config += f"c.ExecuteSubmission.memory = {MEMORY[section]}\n"
    (root / "nbgrader_config.py").write_text(config, "utf-8")
    (root / "gradebook.db").write_bytes(empty_gradebook())
    outcome = nbgrader_api(root).generate_assignment(section)
    assert outcome["success"], outcome
    return nbformat.read(root / "release" / section / name, as_version=4)


def hand_in(place: Place, section: str, made: NotebookNode | dict) -> None:
    """Hands in a notebook, or files: name -> notebook, text, bytes, link (a Path) or None.

    None stands for a named pipe, which nobody can read to its end.
    """
    folder = place.root / "submitted" / place.name / section
    folder.mkdir(parents=True)
    place.canary.write_text(UNTOUCHED)
    files = (
        made if not isinstance(made, NotebookNode) else {f"{notebook_name(section)}.ipynb": made}
    )
    for name, content in files.items():
        path = folder / name
        if isinstance(content, NotebookNode):
            path.write_text(nbformat.writes(content), "utf-8")
        elif isinstance(content, Path):
            path.symlink_to(content)
        elif content is None:
            os.mkfifo(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def answered(nb: NotebookNode, **answers: str) -> NotebookNode:
    """The notebook with these answers; the others stay blank."""
    nb = copy.deepcopy(nb)
    for name, answer in answers.items():
        cell(nb, name).source = answer
    return nb


def cell(nb: NotebookNode, name: str) -> NotebookNode:
    return next(found for found in nb.cells if found.id == name)


def tests(nb: NotebookNode) -> list[NotebookNode]:
    """The test cells of a notebook."""
    return [found for found in nb.cells if found.metadata.get("nbgrader", {}).get("grade")]


def copy_course(template: Path, root: Path) -> None:
    shutil.copytree(template, root, symlinks=True)


@cache
def full_marks(section: str) -> dict[str, float]:
    """Test cell -> its points."""
    return {
        f"{name}-{part}": points
        for name in TESTS[section]
        for part, points in (("check", 1.0), ("tests", 2.0))
    }


def _source(section: str) -> NotebookNode:
    cells = [v4.new_markdown_cell("# A section that has secrets", id="title")]
    for name, (check, hidden) in TESTS[section].items():
        begin, end = "### BEGIN SOLUTION\n", "\n### END SOLUTION"
        solution = f"{begin}{ANSWERS[section][name]}{end}"
        hidden = f"# More cases\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
        cells += [
            _cell(v4.new_markdown_cell, f"{name}-prompt", f"Write `{name}`.", locked=True),
            _cell(v4.new_code_cell, name, solution, solution=True),
            _test(f"{name}-check", check, 1),
            _test(f"{name}-tests", hidden, 2),
        ]
    spec = {"name": "python3", "display_name": "Python", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": spec})


def _test(name: str, source: str, points: int) -> NotebookNode:
    return _cell(v4.new_code_cell, name, source, grade=True, locked=True, points=points)


def _cell(make, name: str, source: str, **info) -> NotebookNode:
    known = {"grade": False, "solution": False, "locked": False, "task": False, **info}
    nbgrader = {"schema_version": 3, "grade_id": name, **known}
    return make(source, id=name, metadata={"nbgrader": nbgrader})
