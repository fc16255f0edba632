"""What became of one submission, and whether it got what it should not have.

The rules are the same for every attack, whatever it is after, and for every harness: they look at
the gradebook, at what the student gets back, and at the machine afterwards.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from attacked_course import BOAST, LIE, SCRIPT, SECRETS, UNTOUCHED, Place, notebook_name
from catalogue import Attack
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook

from dlcourse.grade.backend import nbgrader_api

# Bytes that a student may be given back: a browser still shows a page of that size.
MOST_BACK = 8 * 2**20


@dataclass(frozen=True)
class Outcome:
    """What there is once a submission has been graded.

    points: graded cell -> points in the gradebook, extra credit counted in; None without a grade.
    back: all that the student gets back, as text. page: the feedback page alone. shown: what an
    instructor looks at in formgrader. told: what is said of how it went. report: what the
    instructor's terminal shows of it. sent: what its code sent to others. canary: what the file
    outside says now. finished: whether the grader came to its end by itself, in time. left: how
    many processes of it were still there. harmed: honest students whose marks are not full.
    """

    points: dict[str, float] | None
    back: str = ""
    page: str = ""
    shown: str = ""
    told: tuple[str, ...] = ()
    report: str = ""
    sent: str = ""
    canary: str = UNTOUCHED
    finished: bool = True
    left: int = 0
    harmed: tuple[str, ...] = field(default_factory=tuple)


def successes(attack: Attack, outcome: Outcome, blank: Outcome) -> list[str]:
    """What the attack got that it should not have: a sentence for each thing; empty if nothing.

    blank: what became of a notebook that was handed in as it was released, in the same harness.
    """
    return [*_points(attack, outcome), *_leaks(attack, outcome, blank), *_harm(outcome)]


def _points(attack: Attack, outcome: Outcome) -> Iterable[str]:
    undeserved = {
        name: points
        for name, points in (outcome.points or {}).items()
        if points > 0 and name not in attack.deserves
    }
    if undeserved:
        total = sum(undeserved.values())
        yield f"{total:g} point{'s' * (total != 1)} that its answers do not deserve"


def _leaks(attack: Attack, outcome: Outcome, blank: Outcome) -> Iterable[str]:
    known = "" if attack.against_release else blank.page
    # What lies beside the page, or in pictures, is not what a page shows of tests anyway.
    beside = outcome.back.replace(outcome.page, "") + _embedded(outcome.page)
    # What attacks print is written backwards: the page of a failed test may show the test itself.
    leaked = [
        secret
        for secret in SECRETS
        if secret[::-1] in outcome.back + beside
        or secret in beside
        or (secret in outcome.page and secret not in known)
    ]
    if leaked:
        yield f"{len(leaked)} of {len(SECRETS)} secrets in what the student gets back"
    if any(secret in outcome.sent for secret in SECRETS):
        yield "secrets sent out"


def _harm(outcome: Outcome) -> Iterable[str]:
    if outcome.canary != UNTOUCHED:
        yield "a file outside was changed"
    if outcome.harmed:
        yield "an honest student's grade was changed"
    if not outcome.finished:
        yield "the grader was killed or did not end in time"
    if outcome.left:
        yield "a process ran on after grading"
    if BOAST in outcome.back:
        yield "more memory, disk or processes than the course allows"
    if len(outcome.back) > MOST_BACK:
        yield f"{len(outcome.back) // 2**20} MB to be given back"
    if any(runs_a_script(page) for page in (outcome.page, outcome.shown)):
        yield "a script of the student's in a page that others look at"
    if _is_command(outcome.report):
        yield "commands to the instructor's terminal"
    if any(LIE in text for text in (outcome.page, outcome.report, *outcome.told)):
        yield "a remark of the student's that looks like the grader's"


def _embedded(page: str) -> str:
    """The text of what is embedded in a page."""
    found = re.findall(r"base64,([A-Za-z0-9+/=]{16,})", page)
    decoded = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in found)
    return "".join(part.decode("latin-1") for part in decoded)


def _is_command(text: str) -> bool:
    return any(not (char.isprintable() or char in "\n\t") for char in text)


class _Scripts(HTMLParser):
    """Whether a page would run SCRIPT."""

    def __init__(self):
        super().__init__()
        self.found, self._in_script = False, False

    def handle_starttag(self, tag, attrs):
        kind = (dict(attrs).get("type") or "text/javascript").lower()
        # Browsers run no script of another kind: that is how pages carry data.
        self._in_script = tag == "script" and (kind.endswith("javascript") or kind == "module")
        for name, value in attrs:
            runs = name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
            self.found |= runs and SCRIPT in (value or "")

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        self.found |= self._in_script and SCRIPT in data


def runs_a_script(page: str) -> bool:
    """Whether a browser that shows the page would run an attack's script."""
    parser = _Scripts()
    # Most pages need no parsing, which takes long.
    if SCRIPT in page:
        parser.feed(page)
        parser.close()
    return parser.found


def look(
    place: Place,
    section: str,
    points: dict[str, float] | None,
    told: Iterable[str] = (),
    **seen,
) -> Outcome:
    """What the course's folders say of one submission.

    points: as the gradebook has them. told: what was said of how it went. seen: further fields of
    Outcome, as seen elsewhere.
    """
    folder = place.root / "feedback" / place.name / section
    page = folder / f"{notebook_name(section)}.html"
    back = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return Outcome(
        points,
        back="\n".join(_read(path) for path in back),
        page=_read(page) if page.is_file() else "",
        shown=_formgrader(place, section),
        told=tuple(told),
        canary=_read(place.canary),
        **seen,
    )


def points(root: Path, section: str) -> dict[str, dict[str, float]]:
    """Student -> graded cell -> points in the gradebook, for those who have a grade."""
    coursedir = nbgrader_api(root).coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        found = {
            submission.student.id: {
                grade.name: (grade.score or 0) + (grade.extra_credit or 0)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(section)
        }
    # Without an autograded notebook a student has no grade, but what stands there may be seen.
    graded = f"{section}/{notebook_name(section)}.ipynb"
    return {
        student: cells
        for student, cells in found.items()
        if any(cells.values()) or (root / "autograded" / student / graded).is_file()
    }


def messages(place: Place, section: str) -> dict[str, str]:
    """Test cell -> what is said of it, for those that failed."""
    path = place.root / "autograded" / place.name / section / f"{notebook_name(section)}.ipynb"
    if not path.is_file():
        return {}
    return {
        cell.metadata.nbgrader.grade_id: f"{output.ename}: {output.evalue}"
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
        for output in cell.outputs
        if output.output_type == "error"
    }


def _formgrader(place: Place, section: str) -> str:
    """The notebook as formgrader shows it, if there is a script in it to look for."""
    path = place.root / "autograded" / place.name / section / f"{notebook_name(section)}.ipynb"
    if not path.is_file() or SCRIPT not in path.read_text("utf-8"):
        return ""
    return HTMLExporter(config=nbgrader_api(place.root).config).from_filename(str(path))[0]


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")
