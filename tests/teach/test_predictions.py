"""Predictions: committed through the real widgets, kept, compared, and never in the way."""

import json

import pytest
from IPython.utils.capture import capture_output

from dlcourse.settings import settings
from dlcourse.teach import predictions

QUESTION = "What is the `shape` of a batch?"
CHOICES = ["(127, 28, 28)", "(128, 28, 28)"]
WIDGET = "application/vnd.jupyter.widget-view+json"


pytestmark = pytest.mark.usefixtures("shell", "cache")


def shown(function, *args) -> list[dict]:
    """What a call displays: a dict of texts by kind for each output."""
    with capture_output() as captured:
        function(*args)
    return [output.data for output in captured.outputs]


def commit(key, answer, choices=None) -> str:
    """Answers through the widget, as a student's keyboard or mouse does; returns its reply."""
    form = predictions._form(key, QUESTION, choices or [])
    field, (button, reply) = form.children[0], form.children[1].children
    field.value = answer
    button.click()
    return reply.value


def said(function, *args) -> str:
    (output,) = shown(function, *args)
    return output["text/plain"]


def test_a_reader_without_a_kernel_sees_the_question_and_the_choices_before_the_widget():
    question, widget = shown(predictions.predict, "a", QUESTION, CHOICES)
    assert "<code>shape</code>" in question["text/html"]
    assert all(choice in question["text/html"] for choice in CHOICES)
    assert all(choice in question["text/plain"] for choice in CHOICES)
    assert WIDGET in widget


def test_the_question_is_shown_alike_before_and_after_an_answer():
    before = shown(predictions.predict, "a", QUESTION, CHOICES)
    commit("a", CHOICES[0], CHOICES)
    after = shown(predictions.predict, "a", QUESTION, CHOICES)
    for output in (*before, *after):
        output.pop(WIDGET, None)
    assert before == after


def test_text_from_the_author_is_never_read_as_html():
    (question, _) = shown(predictions.predict, "a", "Is 1 < 2?", ["<b>yes</b>"])
    assert "1 &lt; 2" in question["text/html"]
    assert "<b>yes" not in question["text/html"]


def test_a_committed_choice_is_kept_and_offered_again():
    assert "Committed: (128, 28, 28)" in commit("a", CHOICES[1], CHOICES)
    form = predictions._form("a", QUESTION, CHOICES)
    assert form.children[0].value == CHOICES[1]


def test_nothing_is_preselected_and_nothing_is_committed_without_an_answer(cache):
    form = predictions._form("a", QUESTION, CHOICES)
    assert form.children[0].value is None
    form.children[1].children[0].click()
    assert "first" in form.children[1].children[1].value
    assert not (cache / "predictions.json").exists()


def test_a_hit_says_so():
    commit("a", CHOICES[1], CHOICES)
    assert "The answer: (128, 28, 28). As you predicted." in said(
        predictions.compare, "a", (128, 28, 28)
    )


def test_a_miss_shows_both():
    commit("a", CHOICES[0], CHOICES)
    text = said(predictions.compare, "a", (128, 28, 28))
    assert "The answer: (128, 28, 28). You predicted: (127, 28, 28)." in text


def test_no_prediction_stops_nobody():
    assert "(You committed no prediction.)" in said(predictions.compare, "a", 3)


@pytest.mark.parametrize(("answer", "hit"), [("60,000", True), ("62e3", True), ("70000", False)])
def test_a_written_number_meets_what_is_within_a_tenth(answer, hit):
    commit("a", answer)
    assert ("As you predicted" in said(predictions.compare, "a", 60_000)) is hit


def test_a_chosen_number_meets_only_itself():
    commit("a", "127", ["127", "128"])
    assert "You predicted: 127" in said(predictions.compare, "a", 128)


def test_the_misses_are_listed_and_the_hits_are_not():
    for key, answer in (("01-a", CHOICES[0]), ("01-b", CHOICES[1]), ("02-c", CHOICES[0])):
        commit(key, answer, CHOICES)
        shown(predictions.compare, key, CHOICES[1])
    text = said(predictions.misses, "01-")
    assert "(1 of 2)" in text
    assert "You predicted: (127, 28, 28). The answer: (128, 28, 28)." in text


def test_without_a_miss_the_wrap_up_says_so():
    commit("a", CHOICES[1], CHOICES)
    shown(predictions.compare, "a", CHOICES[1])
    assert "Every prediction met its result (1 of 1)" in said(predictions.misses)


def test_a_prediction_that_met_no_result_yet_is_no_miss():
    commit("a", CHOICES[0], CHOICES)
    assert "No prediction has met its result yet" in said(predictions.misses)


def test_a_new_answer_forgets_the_old_comparison():
    commit("a", CHOICES[0], CHOICES)
    shown(predictions.compare, "a", CHOICES[1])
    commit("a", CHOICES[1], CHOICES)
    assert "No prediction has met" in said(predictions.misses)


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": 3}', '{"a": {"answer": 1}}', "\udcff"])
def test_a_damaged_file_is_set_aside_with_a_sentence_and_work_goes_on(cache, content):
    damaged = content.encode("utf-8", "surrogateescape")
    (cache / "predictions.json").write_bytes(damaged)
    assert (
        "predictions.broken.json"
        in commit("a", CHOICES[0], CHOICES) + said(predictions.compare, "a", 3)
        or (cache / "predictions.broken.json").exists()
    )
    assert (cache / "predictions.broken.json").read_bytes() == damaged
    assert json.loads((cache / "predictions.json").read_text("utf-8"))["a"]["answer"] == CHOICES[0]


def test_the_reader_is_told_that_the_file_was_damaged(cache):
    (cache / "predictions.json").write_text("{")
    assert "was damaged" in said(predictions.compare, "a", 3)


def test_where_nothing_can_be_kept_the_reply_says_so(cache):
    (cache / "predictions.json").mkdir()
    assert "could not be kept" in commit("a", CHOICES[0], CHOICES)


def test_nothing_is_shown_while_grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    settings.cache_clear()
    assert shown(predictions.predict, "a", QUESTION, CHOICES) == []
    assert shown(predictions.compare, "a", 3) == []
    assert shown(predictions.misses) == []
