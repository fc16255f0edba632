"""The class's results as text for a terminal, 100 columns wide."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from dlcourse.grade import summary
from dlcourse.grade.results import Result
from dlcourse.grade.similar import Pair
from dlcourse.grade.summary import Group, Summary, clock, number, plain, summaries

WIDTH = 100
BAR = 10
# What is shown of long lists; the class page has the rest.
SHOWN = 5
LINES = 10
ROWS = 60
NAME = 24
LONGEST = 300
NOT_ISOLATED = (
    "Student code is NOT isolated: it can do to this machine's files, processes and network\n"
    "what you can. Tests still run in a process of their own."
)


def class_report(
    results: Sequence[Result],
    root: Path,
    *,
    isolated: bool = True,
    pairs: Iterable[Pair] = (),
    students: Iterable[str] = (),
) -> str:
    """The whole report: scores, what the class found hard, who needs a person, where to look next.

    isolated: whether student code was kept from all else; the report says so if it was not.
    pairs: near-identical submissions. students: all that the gradebook knows.
    """
    pairs = list(pairs)
    found = summaries(results, pairs, students)
    parts = [
        score_table(results),
        distributions(found),
        hardest(found),
        needs_a_person(results, pairs),
        repaired(results),
        what_happened(results),
        handed_in_nothing(found),
        next_steps(root),
    ]
    if not isolated:
        parts.append(NOT_ISOLATED)
    return "\n\n".join(part for part in parts if part) + "\n"


def score_table(results: Sequence[Result]) -> str:
    """Student by section: the points earned of the points possible, with a bar where it fits.

    What is too wide is split into several tables. Of a large class there is none.
    """
    sections = sorted({result.section for result in results})
    students = sorted({result.student for result in results})
    if len(students) > ROWS:
        return f"{len(students)} students: the class page has a line for each."
    by_place = {(result.student, result.section): result for result in results}
    for show, name in ((_bar, str), (_points, _short)):
        rows = [["student", *map(name, sections)]]
        rows += [
            [_cut(student), *(show(by_place.get((student, section))) for section in sections)]
            for student in students
        ]
        rows.append(["class average", *(_average(results, show, one) for one in sections)])
        table = _table(rows)
        if max(map(len, table.split("\n"))) <= WIDTH or len(sections) == 1:
            return table
    half = len(sections) // 2
    parts = sections[:half], sections[half:]
    return "\n\n".join(score_table([r for r in results if r.section in part]) for part in parts)


def distributions(found: Sequence[Summary]) -> str:
    """One line for each section: how many submissions, the scores, how they spread, how long."""
    rows = [["section", "handed in", "mean", "median", "of", "0 … full marks", "time"]]
    for one in found:
        middle = [number(one.mean), number(one.median)] if one.scores else ["·", "·"]
        count, spread = str(len(one.results)), _spread(one.histogram())
        rows.append([one.section, count, *middle, number(one.most), spread, _duration(one)])
    return _table(rows, last_apart=False) if found else ""


def hardest(found: Sequence[Summary]) -> str:
    """The exercises in which most submissions lost points, and what the tests said most often."""
    lost = [(one.section, exercise) for one in found for exercise in one.exercises if exercise.lost]
    lost.sort(key=lambda place: -place[1].lost)
    lines = []
    for section, exercise in lost[:SHOWN]:
        lines.append(
            f"  {section}  {exercise.name}: {exercise.lost} of {exercise.tried} submissions lost "
            "points"
        )
        for group in exercise.messages[:2]:
            lines.append(_indented(f"{len(group.students)} × {_one_line(group.example)}"))
    return _titled("Where the class lost most", lines)


def needs_a_person(results: Sequence[Result], pairs: Iterable[Pair] = ()) -> str:
    """No grade, nothing earned for a reason, scores to give by hand, near-identical submissions."""
    waiting = [Group(f"`{group.example}`", group.results) for group in summary.by_hand(results)]
    lines = _groups(summary.ungraded(results), "No grade: ")
    lines += _groups(summary.earned_nothing(results), "Earned nothing: ")
    lines += _groups(waiting, "Waits for a score by hand: ")
    alike = [_alike(pair) for pair in pairs]
    if alike:
        lines.append("  Near-identical, which is a reason to look and no proof:")
        lines += _capped(alike)
    return _titled("What needs a person", lines)


def repaired(results: Sequence[Result]) -> str:
    """What was put right before grading."""
    return _titled("What was repaired", _groups(summary.repaired(results)))


def what_happened(results: Sequence[Result]) -> str:
    """What else there is to say of submissions that earned points."""
    return _titled("What happened", _groups(summary.happened(results)))


def handed_in_nothing(found: Sequence[Summary]) -> str:
    """The students without a submission, section by section; their names where they are few."""
    lines = []
    for one in found:
        few = one.absent if len(one.absent) <= SHOWN else ()
        names = f": {', '.join(map(_cut, few))}" if few else ""
        lines += [_indented(f"{one.section}  {len(one.absent)}{names}", "  ")] * bool(one.absent)
    return _titled("Handed in nothing", lines)


def next_steps(root: Path) -> str:
    """Which files to open after grading."""
    places = {
        f"{root / 'feedback'}/STUDENT/SECTION/*.html": "what each student gets back",
        f"{root / 'autograded'}/": "the executed notebooks, hidden tests included",
        f"{root / '.nbgrader.log'}": "what nbgrader said",
        "`dlcourse report`": "all of this in full, as the page report.html",
        "`make lab`, then Formgrader": "to read written answers and change scores",
    }
    width = max(map(len, places))
    lines = [f"  {place:{width}}  {what}" for place, what in places.items()]
    return _titled("Where to look next", lines)


def _titled(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *lines]) if lines else ""


def _table(rows: list[list[str]], *, last_apart: bool = True) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    rule = "─" * max(map(len, lines))
    return "\n".join(
        [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        if last_apart
        else [lines[0], rule, *lines[1:]]
    )


def _bar(result: Result | None) -> str:
    if result is None or result.score is None:
        return _points(result)
    filled = round(BAR * result.score / result.max_score) if result.max_score else 0
    filled = min(max(filled, 0), BAR)
    return f"{'█' * filled}{'░' * (BAR - filled)} {result.score:5.4g} / {result.max_score:g}"


def _points(result: Result | None) -> str:
    if result is None:
        return "·"
    return "no grade" if result.score is None else f"{result.score:.4g}/{result.max_score:g}"


def _average(results: Sequence[Result], show, section: str) -> str:
    scores = [r.score for r in results if r.section == section and r.score is not None]
    if not scores:
        return "·"
    average = sum(scores) / len(scores)
    return f"{'':{BAR}} {average:5.3g}" if show is _bar else f"{average:.3g}"


def _short(section: str) -> str:
    """A section's number, if its name begins with one."""
    number = re.match(r"\d+", section)
    return number[0] if number else section[:8]


def _cut(name: str) -> str:
    name = _one_line(name)
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def _spread(counts: list[int]) -> str:
    """A bar for each tenth of the points possible, as high as the scores in it are many."""
    highest = max(counts)
    heights = (-(-8 * count // highest) if highest else 0 for count in counts)
    return "".join("·▁▂▃▄▅▆▇█"[height] for height in heights)


def _duration(one: Summary) -> str:
    if not one.times:
        return ""
    return f"{clock(sum(one.seconds))}, {clock(one.usual)} each"


def _groups(groups: Iterable[Group], title: str = "") -> list[str]:
    """Each sentence, then whose submissions it is about."""
    return _capped([_group(group, title) for group in groups])


def _group(group: Group, title: str) -> str:
    places = [f"{_cut(one.student)} ({_short(one.section)})" for one in group.results]
    who = f"{len(places)} submissions: {_names(places)}" if len(places) > 1 else places[0]
    return f"{_indented(title + group.example, '  ')}\n{_indented(who)}"


def _alike(pair: Pair) -> str:
    one, other = map(_cut, pair.students)
    where = f"{pair.section}: {pair.share:.0%} alike, in {', '.join(pair.cells)}"
    return _indented(f"{one} and {other}, {where}")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(map(_one_line, names[:SHOWN]))
    more = len(names) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _capped(entries: list[str]) -> list[str]:
    more = len(entries) - LINES
    return [*entries[:LINES], f"  and {more} more: see the class page"] if more > 0 else entries


def _one_line(text: str) -> str:
    text = " ".join(plain(text).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _indented(note: str, indent: str = "    ") -> str:
    return textwrap.fill(
        _one_line(note),
        WIDTH - 4,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
