"""docs/attacks.md: the table of all attacks, made of what became of them."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from catalogue import AIMS, Attack
from outcome import Outcome, successes
from tiny_course import ROOT as REPOSITORY

PAGE = REPOSITORY / "docs" / "attacks.md"
FAILS, LOSES, SUCCEEDS, STOPPED = "fails", "loses the grade", "**succeeds**", "stopped"
UNKNOWN = "not run"
HEADS = {
    "points": "Points that nobody deserves",
    "leak": "What nobody should see",
    "harm": "Harm to the machine, the class or the reader",
}
NAMES = {
    "nbgrader": "nbgrader",
    "otter": "otter-grader",
    "prairielearn": "PrairieLearn",
    "gradescope": "Gradescope",
    "notebooks": "notebooks",
    "keras": "Keras",
}
# Characters of what is told that a cell of the table shows.
MOST = 150


@dataclass(frozen=True)
class Row:
    """What became of one attack, as the table says it."""

    stock: str
    here: str
    told: str


def row_here(attack: Attack, outcome: Outcome, blank: Outcome, messages: dict[str, str]) -> Row:
    """What the course's harness made of an attack.

    messages: what its feedback page says of the tests that failed.
    """
    got = successes(attack, outcome, blank)
    mine = [messages.get(f"{attack.where}-{part}") for part in ("tests", "check")]
    told = [*outcome.told, *filter(None, mine), *messages.values(), "nothing"]
    if not outcome.finished:
        told = ["nothing: grading has not come to its end"]
    return Row(UNKNOWN, f"{SUCCEEDS}: {'; '.join(got)}" if got else STOPPED, _short(told[0]))


def stock_says(attack: Attack, outcome: Outcome, blank: Outcome) -> str:
    """What stock nbgrader made of an attack."""
    if got := successes(attack, outcome, blank):
        return f"{SUCCEEDS}: {'; '.join(got)}"
    return FAILS if outcome.points is not None else LOSES


def rows(text: str) -> dict[str, Row]:
    """The rows of a page that was written before."""
    found = re.findall(r"^\| `([\w-]+)` .*\| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    return {name: Row(*rest) for name, *rest in found}


def page(attacks: Mapping[str, Attack], found: Mapping[str, Row]) -> str:
    """The text of the page."""
    parts = [_opening(attacks, found)]
    for aim in AIMS:
        parts += [f"## {HEADS[aim]}", _table(attacks, found, aim)]
    return "\n\n".join([*parts, (Path(__file__).parent / "closing.md").read_text("utf-8")])


def _opening(attacks: Mapping[str, Attack], found: Mapping[str, Row]) -> str:
    of_stock, here = Counter(), Counter()
    for name in attacks:
        of_stock[found[name].stock.partition(":")[0]] += 1
        here[found[name].here.partition(":")[0]] += 1
    text = (Path(__file__).parent / "opening.md").read_text("utf-8")
    numbers = {
        "attacks": len(attacks),
        "nbgrader": version("nbgrader"),
        "stock_succeeds": of_stock[SUCCEEDS],
        "stock_fails": of_stock[FAILS],
        "stock_loses": of_stock[LOSES],
        "stopped": here[STOPPED],
        "succeed": here[SUCCEEDS] or "none",
        **{aim: sum(attack.aim == aim for attack in attacks.values()) for aim in AIMS},
    }
    return text.strip().format(**numbers)


def _table(attacks: Mapping[str, Attack], found: Mapping[str, Row], aim: str) -> str:
    lines = [
        "| attack | what it does | known from | stock nbgrader | this course | what is told |",
        "|---|---|---|---|---|---|",
    ]
    for name, attack in attacks.items():
        if attack.aim == aim:
            row = found[name]
            known = f"[{NAMES[attack.source]}]({attack.link})" if attack.link else attack.source
            cells = [f"`{name}`", attack.says, known, row.stock, row.here, row.told]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(text: str) -> str:
    """Text of others' making, fit for a cell of a table."""
    shown = "".join(char if char.isprintable() else " " for char in text.replace("|", "/"))
    shown = " ".join(shown.replace("`", "'").split()) or "only that the test failed"
    shown = shown if len(shown) <= MOST else f"{shown[: MOST - 3]}..."
    return re.sub(r"[<>&*_\[\]\\]", lambda found: f"\\{found[0]}", shown)
