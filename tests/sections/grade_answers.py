"""Has all known answers graded as students' are, and writes docs/answers.md.

    python tests/sections/grade_answers.py [SECTION...] [--exercise NAME] [--folder FOLDER]

Invented students hand in the answers, one of each exercise at a time: the first has the first right
answer to every exercise, and so on, with the reference where there is no further one. Then come the
wrong ones. What is graded already in --folder is not graded again, so a run that was stopped goes
on. The exit status is 1 if a goal is missed.
"""

import argparse
import copy
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import nbformat
from answers import known, sections

from dlcourse.files import write_text
from dlcourse.grade import demo
from dlcourse.grade.backend import lay_config
from dlcourse.grade.course import grade_sections, start_ahead
from dlcourse.grade.notebook import grade_id
from dlcourse.grade.results import Result
from dlcourse.grade.samples import Handout

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "answers.md"
# Messages of `dlcourse.check` that say what the mistake is, in whatever exercise it is made.
NAMING = (
    r"changes its \w+ argument",
    r"has dtype .* but should have dtype",
    r"has shape .* but should have shape",
    r"should be an? .* but is (an?|the|None|\d)",
    r"expected here, but this is",
    r"should have activation",
    r"is (not )?compiled",
    r"stopped with \w+: ",
)
# A line that compares and says no more: where an answer goes wrong, and not what is wrong with it.
COMPARING = re.compile(
    r".* is .*, but should be [^:]*\."
    r"|.*, but not the right entries .*: yours is .*, expected is .*\."
)
# Of wrong answers: how many are to be refused, and of those, how many with the mistake named.
REFUSED, NAMED = 0.99, 0.9


@dataclass(frozen=True)
class Outcome:
    """What became of a known answer: all of the exercise's points or not, and what was said."""

    section: str
    exercise: str
    name: str
    is_right: bool
    is_accepted: bool
    is_named: bool
    said: str


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="all by default")
    parser.add_argument("--exercise", help="only what is known of this one")
    parser.add_argument("--folder", type=Path, help="keeps the class there, to go on with")
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    os.environ.setdefault("DLCOURSE_SOURCE", "synthetic")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = options.sections or sections()
    only = options.exercise
    with tempfile.TemporaryDirectory(prefix="answers-") as aside:
        folder = options.folder or Path(aside) / "class"
        outcomes = graded(folder, chosen, exercise=only, workers=options.workers)
    if not outcomes:
        parser.error(f"no answer is known for an exercise {only!r} in {', '.join(chosen)}")
    text = page(outcomes)
    print(text)
    if chosen == sections() and not only:
        write_text(PAGE, text)
    return 0 if all(holds for _, holds in goals(outcomes)) else 1


def graded(
    folder: Path,
    chosen: list[str],
    *,
    exercise: str | None = None,
    source: Path = ROOT / "source",
    workers: int | None = None,
) -> list[Outcome]:
    """The outcomes of the known answers to `chosen` sections, graded as a class in `folder`.

    exercise: only what is known of this one. source: where the sections stand.
    """
    start_ahead()
    folder.mkdir(parents=True, exist_ok=True)
    lay_config(ROOT, folder)
    for section in chosen:
        shutil.copytree(source / section, folder / "source" / section, dirs_exist_ok=True)
        handout = demo.release(folder, section)
        for student, entries in students(section, exercise):
            place = folder / "submitted" / student / section
            place.mkdir(parents=True, exist_ok=True)
            nbformat.write(handed_in(handout, entries), place / f"{handout.notebook}.ipynb")
    results = grade_sections(folder, dict.fromkeys(chosen), workers=workers)
    found = {(result.section, result.student): result for result in results}
    return [
        outcome(section, entry, student.startswith("right"), found[section, student])
        for section in chosen
        for student, entries in students(section, exercise)
        for entry in entries
    ]


def students(section: str, exercise: str | None = None) -> Iterator[tuple[str, list[dict]]]:
    """Each invented student's name, and the known answers that are handed in by that name."""
    for kind in ("right", "wrong"):
        entries: dict[str, list[dict]] = {}
        for entry in known(section)[kind]:
            if exercise in (None, entry["exercise"]):
                entries.setdefault(entry["exercise"], []).append(entry)
        for number, some in enumerate(zip_longest(*entries.values()), 1):
            yield f"{kind}-{number:02}", [entry for entry in some if entry]


def handed_in(handout: Handout, entries: list[dict]) -> nbformat.NotebookNode:
    """The notebook with these answers, and the reference where there is none."""
    answers = handout.answers | {entry["exercise"]: entry["answer"].strip() for entry in entries}
    nb = copy.deepcopy(handout.released)
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    return nb


def outcome(section: str, entry: dict, is_right: bool, result: Result) -> Outcome:
    tests = [f"{entry['exercise']}-{part}" for part in ("check", "tests")]
    points = [result.cells.get(name, (0, 1)) for name in tests]
    said = "\n".join(result.failures[name] for name in tests if name in result.failures)
    told = "\n".join(line for line in said.splitlines() if not COMPARING.fullmatch(line))
    # Python's own messages may have several lines.
    line = " ".join(told.split())
    is_named = entry["says"] in told if "says" in entry else re.search("|".join(NAMING), line)
    is_accepted = all(earned == possible for earned, possible in points)
    return Outcome(
        section, entry["exercise"], entry["name"], is_right, is_accepted, bool(is_named), said
    )


def goals(outcomes: list[Outcome]) -> list[tuple[str, bool]]:
    """Each goal with its number, and whether it is kept."""
    right = [one for one in outcomes if one.is_right]
    wrong = [one for one in outcomes if not one.is_right]
    accepted = sum(one.is_accepted for one in right)
    refused = [one for one in wrong if not one.is_accepted]
    named = sum(one.is_named for one in refused)
    return [
        (
            f"{accepted:,} of {len(right):,} right answers are accepted (goal: all)",
            accepted == len(right),
        ),
        (
            f"{len(refused):,} of {len(wrong):,} wrong answers are refused by the exercise that "
            f"they belong to (goal: {REFUSED:.0%})",
            len(refused) >= REFUSED * len(wrong),
        ),
        (
            f"{named:,} of {len(refused):,} refusals name the mistake (goal: {NAMED:.0%})",
            named >= NAMED * len(refused),
        ),
    ]


def page(outcomes: list[Outcome]) -> str:
    """The page: goals, a table of exercises, and every answer that did not end as it should."""
    lines = [
        "# Known answers, and how they are graded",
        "",
        "Right answers in several honest styles, and wrong ones that students write, are handed in",
        "by invented students and graded as students' are: nbgrader, kernel, verifier, gradebook.",
        "They stand in `tests/sections/`, a file for each section. `make answers` grades them and",
        "writes this page.",
        "",
        *(f"- {what}: {'kept' if holds else '**missed**'}." for what, holds in goals(outcomes)),
        "",
        "A refusal *names the mistake* if it contains the words that the answer's entry asks for.",
        "Where the entry asks for none, it does if it says that an argument was changed, that the",
        "dtype, the type, the shape, the activation or what a model is compiled with is another,",
        "or by which exception the answer stopped. A line that only compares, as in *is 2, but",
        "should be 3*, names nothing, whatever stands in it.",
        "",
        "| section | exercise | right: accepted | wrong: refused | mistake named |",
        "|---|---|---|---|---|",
    ]
    for section, exercise in dict.fromkeys((one.section, one.exercise) for one in outcomes):
        here = [one for one in outcomes if (one.section, one.exercise) == (section, exercise)]
        right = [one.is_accepted for one in here if one.is_right]
        wrong = [one for one in here if not one.is_right]
        refused = [one for one in wrong if not one.is_accepted]
        named = sum(one.is_named for one in refused)
        lines.append(
            f"| `{section}` | `{exercise}` | {sum(right)} of {len(right)} | "
            f"{len(refused)} of {len(wrong)} | {named} of {len(refused)} |"
        )
    for title, some in {
        "Right, and refused": [one for one in outcomes if one.is_right and not one.is_accepted],
        "Wrong, and accepted": [one for one in outcomes if not one.is_right and one.is_accepted],
        "Refused without the mistake being named": [
            one for one in outcomes if not (one.is_right or one.is_accepted or one.is_named)
        ],
    }.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- `{one.section}`, `{one.name}`: {_line(one.said)}" for one in some] or [
            "None."
        ]
    return "\n".join(lines) + "\n"


def _line(text: str, most: int = 200) -> str:
    line = " ".join(text.split()).replace("|", "\\|")
    return (line if len(line) <= most else f"{line[:most]} …") or "nothing is said"


if __name__ == "__main__":
    sys.exit(main())
