"""The class's results as one HTML file: no scripts, nothing fetched, on a screen and on paper."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from dlcourse.files import write_text
from dlcourse.grade.backend import nbgrader_api, open_gradebook
from dlcourse.grade.database import address
from dlcourse.grade.results import Result, read_results
from dlcourse.grade.similar import Pair, similar
from dlcourse.grade.summary import BINS, Summary, clock, number, plain, summaries
from dlcourse.grade.troubles import GradeError

PAGE = "report.html"
# Longer messages are cut: this many characters say what is wrong.
LONGEST = 500


def class_page(
    results: Sequence[Result],
    root: Path,
    *,
    isolated: bool = True,
    pairs: Iterable[Pair] = (),
    students: Iterable[str] = (),
) -> str:
    """The page's HTML.

    root: the folder that the page is for; links to feedback are relative to it. isolated: whether
    student code was kept from all else; the page says so if it was not. pairs: near-identical
    submissions. students: all that the gradebook knows, also those who handed in nothing.
    """
    sections = summaries(results, pairs, students)
    pages = {(r.student, r.section): r.feedback for r in results if r.feedback}
    return _template().render(
        sections=sections,
        isolated=isolated,
        students=sorted({*students, *(result.student for result in results)}),
        results={(result.student, result.section): result for result in results},
        links={place: _link(page, Path(root)) for place, page in pages.items()},
        made=f"{datetime.now():%Y-%m-%d %H:%M}",
        # The places of sections in the page: their names might hold anything.
        anchors={one.section: f"s{number}" for number, one in enumerate(sections, 1)},
    )


def make_class_page(
    results: Sequence[Result], root: Path, path: Path | None = None, **about
) -> Path:
    """Writes the page to `path`, `root`/report.html if None, and returns where it is.

    about: what `class_page` takes besides. Raises GradeError if it cannot be written there.
    """
    path = (path or Path(root) / PAGE).resolve()
    text = class_page(results, path.parent, **about)
    try:
        write_text(path, text)
    except OSError as error:
        raise GradeError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def graded(root: Path, sections: Sequence[str] = ()) -> list[Result]:
    """The results of the sections, all that are graded if none is named.

    Raises GradeError if there is no gradebook, or nothing graded in it.
    """
    url = nbgrader_api(root).coursedir.db_url
    # To open a gradebook that is not there would make one.
    place = address(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database).is_file():
        raise GradeError(f"There is no gradebook in {root} yet: run `dlcourse grade` first.")
    results = [result for name in sections or [None] for result in read_results(root, name)]
    if not results:
        what = " and ".join(sections) or "this course"
        raise GradeError(f"Nothing of {what} has been graded yet: run `dlcourse grade` first.")
    return results


def find_pairs(root: Path, results: Sequence[Result]) -> list[Pair]:
    """The near-identical submissions of the sections that `results` are of."""
    sections = sorted({result.section for result in results})
    return [pair for section in sections for pair in similar(root, section)]


def known_students(root: Path) -> list[str]:
    """All students in the gradebook, also those who handed in nothing, by name."""
    with open_gradebook(nbgrader_api(root).coursedir) as gradebook:
        return sorted(student.id for student in gradebook.students)


def _template():
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"clock": clock, "number": number, "sentence": _sentence}
    environment.globals |= {"histogram": _histogram, "len": len}
    return environment.get_template("classpage.html.j2")


def _shown(value):
    """What a template's expression writes: text that cannot steer the page; markup as it is."""
    return plain(value) if type(value) is str else value


def _sentence(text: str) -> Markup:
    """A message as HTML, not longer than is needed, with what stands in `backticks` as code."""
    text = plain(text)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    parts = text.split("`")
    # A backtick without a partner stays what it is.
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def _link(page: Path, folder: Path) -> str:
    return quote(os.fsencode(os.path.relpath(page.resolve(), folder.resolve())))


def _histogram(one: Summary) -> Markup:
    """How the scores spread, as an SVG drawing with its numbers as text beside it."""
    counts = one.histogram()
    highest = max(counts)
    width, height, gap = 30, 64, 4
    bars = []
    for place, count in enumerate(counts):
        x, tall = place * width, round(height * count / highest) if highest else 0
        y = 14 + height - tall
        bars.append(f'<rect x="{x + gap / 2:g}" y="{y}" width="{width - gap}" height="{tall}"/>')
        if count:
            bars.append(f'<text x="{x + width / 2:g}" y="{y - 3}">{count}</text>')
    base = 14 + height
    ticks = [
        f'<text x="{place * width:g}" y="{base + 13}">{100 * place // BINS}</text>'
        for place in range(0, BINS + 1, 2)
    ]
    said = "; ".join(
        f"{10 * place} to {10 * place + 10} %: {count}"
        for place, count in enumerate(counts)
        if count
    )
    return Markup(
        f'<svg class="histogram" viewBox="-12 0 {BINS * width + 24} {base + 18}" role="img" '
        f'aria-label="Submissions by percent of the points: {said}">'
        f'{"".join(bars)}<path d="M0 {base + 0.5:g}H{BINS * width}"/>{"".join(ticks)}</svg>'
    )
