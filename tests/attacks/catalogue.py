"""The attacks: what each does, what it is after, where it is known from, and what it hands in.

One that consists of an answer is a file in attacks/: a docstring, then the code that stands in the
answer cell. One that changes the notebook or what lies beside it is a function in notebooks.py.
The docstring is the same in both: what it does, in one sentence; an empty line; then `key: value`
lines.

aim: what it would have if it succeeded: points, leak or harm.
known: nbgrader, otter, prairielearn, gradescope, notebooks or keras; then a public link, if any.
where: the answer cell that the code stands in; "double" if there is no such line.
section: that of the course, "plain" if there is no such line.
deserves: the tests that its answers do pass, with spaces between them.
against: "release" if what it shows counts even where a blank notebook's page shows it too.
slow: "yes" if it takes long to stop, so that it is not part of the quick tests.
"""

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import attacked_course
from attacked_course import KERAS, PLAIN, Place
from nbformat import NotebookNode

import notebooks

FOLDER = Path(__file__).parent / "attacks"
AIMS = ("points", "leak", "harm")
SOURCES = ("nbgrader", "otter", "prairielearn", "gradescope", "notebooks", "keras")
KEYS = {"aim", "known", "where", "section", "deserves", "against", "slow"}


class FaultyAttack(Exception):  # noqa: N818 - a mistake in a file of this folder
    """An attack's docstring is not as this module says."""


@dataclass(frozen=True)
class Attack:
    """One way to get what one should not.

    says: what it does, in one sentence. where: the answer cell that its code stands in, if it is
    code. aim: "points", "leak" or "harm". source, link: where it is
    known from. section: where it is handed in. make: what is handed in, of the released notebook
    and the Place. deserves: tests that its answers do pass. against_release: whether all that its
    page shows counts, and not only what a blank notebook's page does not. slow: whether it takes
    long.
    """

    name: str
    says: str
    where: str | None
    aim: str
    source: str
    link: str | None
    section: str
    make: Callable[[NotebookNode, Place], NotebookNode | dict]
    deserves: frozenset[str]
    against_release: bool
    slow: bool


@cache
def attacks() -> dict[str, Attack]:
    """All attacks by name, in the order of the alphabet."""
    found = [_of_file(path) for path in FOLDER.glob("*.py")]
    found += [_of_function(make) for make in notebooks.MAKERS]
    by_name = {attack.name: attack for attack in sorted(found, key=lambda each: each.name)}
    if len(by_name) < len(found):
        raise FaultyAttack("Two attacks have the same name.")
    return by_name


def _of_file(path: Path) -> Attack:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    says, fields = _front_matter(path.name, ast.get_docstring(tree) or "")
    lines = text.splitlines()
    code = "\n".join(lines[tree.body[0].end_lineno :]).strip()
    where = fields.get("where", "double")

    def make(nb: NotebookNode, place: Place) -> NotebookNode:
        return attacked_course.answered(nb, **{where: place.filled(code)})

    return _attack(path.stem, says, {"where": where, **fields}, make)


def _of_function(make: Callable) -> Attack:
    says, fields = _front_matter(make.__name__, make.__doc__ or "")

    def apart(nb: NotebookNode, place: Place) -> NotebookNode | dict:
        return make(copy.deepcopy(nb), place)

    return _attack(make.__name__, says, fields, apart)


def _front_matter(where: str, docstring: str) -> tuple[str, dict[str, str]]:
    says, _, rest = docstring.strip().partition("\n\n")
    fields = dict(re.findall(r"^\s*(\w+): (.+?)\s*$", rest, re.MULTILINE))
    if set(fields) - KEYS or not {"aim", "known"} <= set(fields):
        raise FaultyAttack(f"{where} has {sorted(fields)}; it needs aim and known, of {KEYS}.")
    if fields["aim"] not in AIMS or fields["known"].split()[0] not in SOURCES:
        raise FaultyAttack(f"{where}: aim is one of {AIMS}, known one of {SOURCES}.")
    return " ".join(says.split()), fields


def _attack(name: str, says: str, fields: dict[str, str], make: Callable) -> Attack:
    source, _, link = fields["known"].partition(" ")
    return Attack(
        name=name.replace("_", "-"),
        says=says,
        where=fields.get("where"),
        aim=fields["aim"],
        source=source,
        link=link or None,
        section=KERAS if fields.get("section") == "keras" else PLAIN,
        make=make,
        deserves=frozenset(fields.get("deserves", "").split()),
        against_release=fields.get("against") == "release",
        slow=fields.get("slow") == "yes",
    )
