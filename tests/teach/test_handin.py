"""What would be handed in, told from what the visible checks said."""

from dlcourse.teach.handin import standing
from dlcourse.teach.page import table

ASKED = {
    "points": 9,
    "exercises": {"relu": {"check": 1, "tests": 2}, "add": {"check": 1.5, "tests": 2}},
    "written": {"why-scale": 2.5},
}


def test_a_check_that_passes_earns_its_visible_points():
    caption, rows = standing(ASKED, {"relu": "passed"})
    assert caption.startswith("1 of 2 exercises pass their visible checks: 1 of 9 points")
    assert rows[0] == ("relu", "✅ its check passes", "1", "3")


def test_failing_unstarted_and_unchecked_exercises_are_told_apart():
    said = [standing(ASKED, {"add": verdict})[1][1][1] for verdict in ("failed", "not started")]
    said += [standing(ASKED, {})[1][1][1]]
    assert [words[0] for words in said] == ["❌", "⬜", "⬜"]
    assert len(set(said)) == 3


def test_a_written_question_waits_for_a_reader():
    assert standing(ASKED, {})[1][-1] == ("why-scale", "✏️ a person reads it", "", "2.5")


def test_a_table_says_in_text_what_it_says_in_html():
    html, text = table("A <caption>", ("name", "x"), [("long name", "1"), ("b", "2")])
    assert "A &lt;caption&gt;" in html
    assert text.splitlines() == ["A <caption>", "name       x", "long name  1", "b          2"]
