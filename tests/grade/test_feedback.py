"""Feedback pages are those of nbconvert's own exporter, and their pictures are described."""

from copy import copy

import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from nbformat import v4
from nbgrader.converters import GenerateFeedback

from dlcourse.grade.feedback import FeedbackExporter
from dlcourse.grade.notebook import leave_out
from dlcourse.grade.plugins import StudentView

# Whether it can be drawn is no matter here.
PIXEL = "iVBORw0KGgo="
OUTPUTS = [
    v4.new_output("stream", text="said > thought\n"),
    v4.new_output("display_data", {"image/png": PIXEL}),
    v4.new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mno\x1b[0m"]),
]
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
TEST = {"grade_id": "double-tests", "grade": True, "solution": False, "score": 1, "points": 2}
CELLS = [
    v4.new_markdown_cell("# Title\n\n$x < 1$ and ![a cat](cat.png)\n\n| a |\n|---|\n| 1 |"),
    v4.new_code_cell("def double(x):\n    return 2 * x", outputs=OUTPUTS),
    v4.new_code_cell("# Hidden tests", metadata={"nbgrader": TEST}),
    v4.new_raw_cell("raw"),
]


@pytest.fixture(scope="module")
def pages():
    """The same page by both exporters: ours and nbconvert's."""
    nb = v4.new_notebook(cells=CELLS, metadata={"language_info": LANGUAGE})
    numbers = {"nbgrader": {"score": 1, "max_score": 2, "late_penalty": 0, "notebook": "tiny"}}
    config = GenerateFeedback().config
    return [
        BeautifulSoup(exporter(config=config).from_notebook_node(nb, numbers)[0], "html.parser")
        for exporter in (FeedbackExporter, HTMLExporter)
    ]


def test_a_page_is_the_one_of_nbconvert_but_for_the_names_of_tests_and_how_it_is_printed(pages):
    ours, theirs = map(copy, pages)
    printed = ours.head.find_all("style")[-1].extract()
    assert "@media print" in printed.text
    assert [item.a.text for item in ours.find(id="toc").find_all("li")] == ["double-tests"]
    theirs.find(id="toc").a.string = "double-tests"
    assert ours.get_text() == theirs.get_text()
    tags, expected = (
        [(tag.name, tag.get("class")) for tag in page.find_all()] for page in (ours, theirs)
    )
    assert tags == expected


def test_every_picture_says_what_it_is_or_that_nobody_said(pages):
    described = [image["alt"] for image in pages[0].find_all("img")]
    assert described == ["a cat", "A picture that the notebook does not describe"]


def test_cells_that_were_not_run_are_counted_and_not_shown():
    cells = [
        v4.new_code_cell(source) for source in ("setup()", "explorer()", "answer = 1", "look()")
    ]
    for cell in (cells[1], cells[3]):
        leave_out(cell)
    nb, _ = StudentView().preprocess(v4.new_notebook(cells=cells), {"inlining": {"css": []}})
    said, *shown = (cell.source for cell in nb.cells)
    assert shown == ["setup()", "answer = 1"]
    assert "2 of the course's own cells" in said
