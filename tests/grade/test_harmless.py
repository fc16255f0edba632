"""What students wrote is shown as what it says, and runs nothing."""

import re
import time

import pytest
from nbformat import v4
from tiny_course import ROOT

from dlcourse.grade.backend import nbgrader_api
from dlcourse.grade.feedback import FeedbackExporter
from dlcourse.grade.harmless import MOST_TEXT, code, html
from dlcourse.teach.drawing import Drawing
from dlcourse.teach.page import table


def page(*cells):
    """A feedback page as this course's configuration has it, without nbgrader's frame."""
    exporter = FeedbackExporter(config=nbgrader_api(ROOT).config, template_name="classic")
    return exporter.from_notebook_node(v4.new_notebook(cells=list(cells)), {})[0]


def test_a_table_of_the_courses_is_shown_as_it_is():
    text, _ = table("Sizes", ("layer", "entries"), [("conv", "3 < 4")])
    assert html(text).replace(";'", "'").replace('"', "'").replace(";'", "'") == text


def test_a_picture_of_the_courses_is_shown_as_it_is():
    shown = Drawing(("<g/>",), 30, 30, "a square")._repr_mimebundle_()["text/html"]
    assert "data:image/svg+xml;base64," in html(shown)
    assert 'alt="a square"' in html(shown)
    assert "max-width:30px" in html(shown)


@pytest.mark.parametrize(
    "text",
    [
        "<script>attack()</script>",
        "<img src=x onerror=attack()>",
        "<a href='javascript:attack()'>",
        "<a href='&#106;avascript:attack()'>",
        "<a href='data:text/html,<script>attack()</script>'>",
        "<iframe srcdoc='<script>attack()</script>'></iframe>",
        "<svg onload=attack()><animate onbegin=attack()></svg>",
        "<math><mtext><style><img src onerror=attack()></style></mtext></math>",
        "<a href=' \x01DATA:text/html,<script>attack()</script>'>",
        "<b style='cursor:url(https://example.org/seen.cur)'>",
        "<b style='background-color:u\\72l(https://example.org/seen.png)'>",
        "<form action='javascript:attack()'><button>Save</button></form>",
        "<div style='background-image:url(javascript:attack())'>",
        "<style>@import 'https://example.org/x.css'</style>",
        "<img src='https://example.org/seen.png'>",
        "<base href='https://example.org'>",
        "<meta http-equiv=refresh content='0;url=https://example.org'>",
    ],
)
def test_html_keeps_its_words_and_loses_what_acts(text):
    cleaned = html(f"<b>before</b> {text} <b>after</b>")
    for active in ("<script", "onerror", "onload", "onbegin", "href=", "src=", "action"):
        assert active not in cleaned
    assert not re.search(r'style="[^"]', cleaned)
    for tag in ("<style", "<svg", "<iframe", "<form", "<base", "<meta"):
        assert tag not in cleaned
    assert "<b>before</b>" in cleaned


def test_a_link_stays_a_link():
    text = '<a href="https://keras.io" title="Keras">Keras</a> and <a href="#up">up</a>'
    assert html(text) == text


def test_markdown_is_rendered_and_html_in_it_is_text():
    shown = page(v4.new_markdown_cell("# Title\n\n$a < b$, `x < y` and **more** <b>bold</b>"))
    assert "<strong>more</strong>" in shown
    assert "<code>x&lt;y</code>" in shown.replace(" ", "")
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert "$a &lt; b$" in shown


def test_a_pasted_picture_is_shown():
    cell = v4.new_markdown_cell("![mine](attachment:a.png)")
    cell.attachments = {"a.png": {"image/png": "aGVsbG8="}}
    assert 'src="data:image/png;base64,aGVsbG8="' in page(cell)


def test_code_has_colours_and_html_in_it_is_text():
    shown = page(v4.new_code_cell("x = '<b>'  # <i>"))
    assert '<span class="c1"># &lt;i&gt;</span>' in shown


@pytest.mark.parametrize("text", ["\\begin{a}" * 100_000, "a." * 200_000, "[" * 10**6])
def test_of_a_very_long_text_the_beginning_is_shown_which_takes_no_time(text):
    start = time.process_time()
    shown = page(v4.new_markdown_cell(text), v4.new_code_cell(text))
    # Read as Markdown these take hours.
    assert time.process_time() - start < 60
    assert shown.count(text[:MOST_TEXT]) == 2
    assert shown.count(f"[{len(text) - MOST_TEXT:,} characters more") == 2


def test_what_is_not_very_long_is_read():
    assert "span" in code("x = 1\n" * (MOST_TEXT // 6))
