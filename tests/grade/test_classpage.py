"""The page on a class: what stands in it, that it is safe, and how `dlcourse report` makes it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from bare_course import add_section, gradebook, hand_in, make_bare_course

from dlcourse import cli
from dlcourse.files import write_text
from dlcourse.grade import classpage
from dlcourse.grade.classpage import class_page
from dlcourse.grade.results import GradeError, Result
from dlcourse.grade.similar import Pair
from dlcourse.grade.summary import summaries

SCRIPT = "<script>alert('&')</script>"


def made(tmp_path, student, score, section="01_a", **fields):
    """A graded submission of one exercise in ten points."""
    page = tmp_path / "feedback" / student / section / "a.html"
    given = {"cells": {"x-tests": (score, 10)}, "feedback": page, **fields}
    return Result(student, section, score, 10, **given)


class Page(HTMLParser):
    """A page's elements, what they link to, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.ids, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.text += "" if tag in ("a", "bdi", "code") else " "
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        self.text += data


def words(html):
    return " ".join(Page(html.partition("</style>")[2]).text.split())


def test_a_section_says_how_many_how_well_and_how_long(tmp_path):
    scores = {"ann": 10, "ben": 7, "cat": 2.5, "dan": 10}
    results = [made(tmp_path, s, score, seconds=20 * score) for s, score in scores.items()]
    lost = Result("eve", "01_a", None, 10, notes=("could not be graded: no room",))
    html = class_page([*results, lost], tmp_path, students=["fay", "ann"])
    text = words(html)
    assert "submissions 5, 1 without a grade" in text
    assert "mean 7.38 of 10" in text
    assert "median 8.5 of 10" in text
    assert "2 min 50 s for one (median), 9 min 50 s added up" in text
    assert "slowest ann 3 min 20 s, dan 3 min 20 s, ben 2 min 20 s" in text
    assert "x 2 of 4 (50 %)" in text
    assert "Handed in nothing 1 of 6: fay" in text
    assert "No grade could not be graded: no room eve" in text
    assert 'percent of the points: 20 to 30 %: 1; 70 to 80 %: 1; 90 to 100 %: 2"' in html


def test_scores_outside_of_the_scale_are_at_its_ends(tmp_path):
    results = [made(tmp_path, name, score) for name, score in {"a": -2, "b": 12}.items()]
    assert summaries(results)[0].histogram() == [1, *[0] * 8, 1]


def test_an_exercise_shows_what_its_tests_said_most_often(tmp_path):
    messages = ["❌ x: got 3.2", "❌ x: got 4.1", "❌ x: `y` is None", "a", "b"]
    results = [
        made(tmp_path, f"s{n}", 0, failures={"x-tests": message, "x-check": message})
        for n, message in enumerate(messages)
    ]
    text = words(class_page(results, tmp_path))
    assert "x 0 of 5 (0 %) 2 × got 3.2 1 × y is None 1 × a and 1 other message" in text
    assert "<code>y</code>" in class_page(results, tmp_path)


def test_what_asks_for_a_person_is_together_and_counted(tmp_path):
    waiting = made(tmp_path, "ann", 5, by_hand=("why",))
    nothing = made(tmp_path, "ben", 0, notes=("ben's is no notebook.",))
    fixed = made(
        tmp_path, "cat", 9, notes=("`x` was there twice.",), repairs=("`x` was there twice.",)
    )
    pair = Pair("01_a", ("ann", "dan"), 0.93, ("x", "y"))
    html = class_page([waiting, nothing, fixed, made(tmp_path, "dan", 5)], tmp_path, pairs=[pair])
    text = words(html)
    needed, _, rest = text.partition("What needs a person")[2].partition("What was repaired")
    assert "Earned nothing ben's is no notebook. ben" in needed
    assert "Waits for a score by hand, in Formgrader why ann" in needed
    assert "ann and dan: 93 % in x, y" in needed
    assert "not proof" in needed
    assert "x was there twice. cat" in rest
    assert '<a class="look" href="#s1-person">3</a>' in html


def test_scores_lead_to_feedback_from_where_the_page_is(tmp_path):
    odd = "50% #1 ?"
    links = Page(class_page([made(tmp_path, odd, 5)], tmp_path / "pages")).links
    assert "../feedback/50%25%20%231%20%3F/01_a/a.html" in links


def test_all_links_within_the_page_lead_somewhere(tmp_path):
    results = [made(tmp_path, "ann", 5, "01_a", by_hand=("x",)), made(tmp_path, "ann", 5, "0 #?<")]
    page = Page(class_page(results, tmp_path))
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner == {"s1", "s2", "s1-person", "s2-person", "class"} - {"s1-person"}
    assert inner <= set(page.ids)


def test_whatever_students_write_stays_text(tmp_path):
    evil = f"{SCRIPT}\"' onload=x \x1b[31m\x00\u202e\ud800"
    page = tmp_path / "feedback" / SCRIPT / "a.html"
    results = [
        made(tmp_path, name, 0, SCRIPT, failures={"x-tests": f"`{evil}` {evil}"}, by_hand=(evil,))
        for name in ("ann", SCRIPT)
    ]
    results = [
        replace(r, notes=(evil, "r" + evil), repairs=("r" + evil,), feedback=page) for r in results
    ]
    results += [Result(evil, SCRIPT, None, 10, {evil: (0, 1)}, (evil,))]
    pair = Pair(SCRIPT, (evil, "ann"), 0.9, (evil,))
    html = class_page(results, tmp_path, pairs=[pair], students=[evil, "b" + evil])
    assert html.encode("utf-8").count(b"&lt;script&gt;") > 10
    assert "script" not in Page(html).tags
    assert not re.search(r"<[^>]*\sonload=", html.replace("&#34;", ""))
    assert set("\x1b\x00\u202e\ud800").isdisjoint(html)


def test_the_page_fetches_and_runs_nothing(tmp_path):
    html = class_page([made(tmp_path, "ann", 5)], tmp_path)
    assert {"script", "link", "img", "iframe"}.isdisjoint(Page(html).tags)
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html


def test_the_page_says_when_student_code_was_not_isolated(tmp_path):
    results = [made(tmp_path, "ann", 5)]
    assert "was not isolated" in class_page(results, tmp_path, isolated=False)
    assert "was not isolated" not in class_page(results, tmp_path)


def test_a_page_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old"


def test_a_class_of_500_has_a_page_of_moderate_size(tmp_path):
    results = [
        made(tmp_path, f"student{n}", n % 11, section, notes=(f"Cell {n} stopped.",))
        for n in range(500)
        for section in ("01_a", "02_b", "03_c")
    ]
    html = class_page(results, tmp_path)
    assert html.count("student499") >= 3
    assert len(html) < 2**20


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.chdir(make_bare_course(tmp_path))
    return tmp_path


@pytest.fixture
def graded(course):
    with gradebook(course) as book:
        add_section(book, "01_a", {"x": 4})
        add_section(book, "02_b", {"y": 4})
        hand_in(book, "01_a", "ann", x=3)
        book.add_student("ben")
    return course


def test_the_report_is_printed_and_written(graded, capsys):
    assert cli.main(["report"]) == 0
    printed = capsys.readouterr().out
    assert "What needs a person" in printed
    assert str(graded / "report.html") in printed
    assert "ben" in words((graded / "report.html").read_text())


def test_the_page_is_written_where_it_is_wanted(graded, capsys):
    assert cli.main(["report", "01_a", "--html", "page.html"]) == 0
    assert (graded / "page.html").is_file()
    assert not (graded / "report.html").exists()
    assert cli.main(["report", "--terminal"]) == 0
    assert not (graded / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "02_b"], "Nothing of 02_b has been graded yet"),
        (["report", "03_c"], "Nothing of 03_c has been graded yet"),
        (["report", "--html", "/proc/where.html"], "where.html cannot be written: No such file"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_sentence(graded, capsys, arguments, said):
    assert cli.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_without_a_gradebook_none_is_made(course):
    (course / "gradebook.db").unlink()
    with pytest.raises(GradeError, match="no gradebook"):
        classpage.graded(course)
    assert not (course / "gradebook.db").exists()
