"""Each way in which a submission can be odd, graded by nbgrader with the course's config."""

import nbformat
import pytest
from nbgrader.api import Gradebook
from tiny_course import NOTEBOOK, SECTION, TESTS

from dlcourse.grade.backend import nbgrader_api

FULL = 12
EARNED_BEFORE_SQUARE = {"double-check": 1, "double-tests": 2}


def earned(result):
    return {name: score for name, (score, _) in result.cells.items() if score}


def graded_cells(course, student):
    path = course / "autograded" / student / SECTION / f"{NOTEBOOK}.ipynb"
    return nbformat.read(path, as_version=4).cells


def page(course, student):
    return (course / "feedback" / student / SECTION / f"{NOTEBOOK}.html").read_text()


def said(result):
    return " ".join(result.notes)


def test_the_reference_answers_earn_every_point(results):
    assert results["right"].score == FULL
    assert results["right"].notes == ()


def test_the_blank_release_earns_nothing(results):
    assert results["blank"].score == 0


def test_every_submission_of_the_class_has_a_result(course, results):
    handed_in = {folder.name for folder in (course / "submitted").iterdir()}
    assert set(results) == handed_in
    assert all(result.score is not None for result in results.values())


def test_messages_on_stderr_cost_nothing(results):
    assert results["noisy"].score == FULL


def test_a_wrong_answer_loses_the_points_of_the_test_that_catches_it(results):
    assert FULL - results["wrong"].score == 2
    assert "double-tests" not in earned(results["wrong"])


def test_an_answer_that_raises_costs_its_own_exercise_only(results):
    assert results["raising"].score == FULL - 3
    assert "`square` stopped with ZeroDivisionError" in said(results["raising"])


@pytest.mark.parametrize(
    "student", ["skips", "deletes", "empties", "retypes", "ungrades", "unlocks"]
)
def test_tests_kept_from_running_earn_nothing(results, student):
    assert results[student].score == 0


@pytest.mark.parametrize(
    "student",
    ["right-deletes", "right-deletes-all", "right-old-format", "forgets-metadata", "old-metadata"],
)
def test_right_answers_keep_their_points_when_test_cells_are_lost(results, student):
    assert results[student].score == FULL


def test_mangled_metadata_of_test_cells_are_repaired(results):
    assert results["mangled-metadata"].score == FULL


def test_deleted_tests_come_back_where_they_were(course, results):
    names = [cell.id for cell in graded_cells(course, "right-deletes")]
    assert names == [cell.id for cell in graded_cells(course, "right")]


def test_deleted_tests_come_back_after_an_answer_typed_into_a_new_cell(results):
    assert results["right-in-new-cell"].score == FULL


def test_restored_tests_are_named(results):
    assert all(f"`{name}`" in said(results["deletes"]) for name in TESTS)


@pytest.mark.parametrize("student", ["pastes-answer", "pastes-test"])
def test_a_pasted_copy_of_a_cell_costs_nothing(results, student):
    assert results[student].score == FULL
    assert "was there 2 times" in said(results[student])


def test_of_two_answers_the_later_one_counts(course, results):
    assert results["pastes-second-try"].score == FULL
    kept = [
        cell
        for cell in graded_cells(course, "pastes-second-try")
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "square"
    ]
    assert [cell.source for cell in kept] == ["def square(x):\n    return x * x"]


@pytest.mark.parametrize("student", ["dies", "dies-in-test", "exits", "exits-in-test"])
def test_a_dead_kernel_costs_what_comes_after_and_no_more(results, student):
    assert earned(results[student]) == {**EARNED_BEFORE_SQUARE, "why": 3}
    assert "Python came to an end while cell `square" in said(results[student])


def test_feedback_says_why_a_cell_was_not_run(course, results):
    assert "This cell was not run: Python came to an end" in page(course, "dies")


def test_an_endless_loop_costs_its_own_exercise_only(results):
    assert results["loops"].score == FULL - 3
    assert "Cell `square` was stopped after 3 s." in results["loops"].notes


def test_a_loop_that_swallows_interrupts_costs_what_comes_after(results):
    assert earned(results["loops-on"]) == {**EARNED_BEFORE_SQUARE, "why": 3}
    assert "could not be interrupted" in said(results["loops-on"])


@pytest.mark.parametrize("student", ["whitespace", "wipes-answer"])
def test_a_written_answer_without_words_earns_nothing(results, student):
    assert "why" not in earned(results[student])


def test_a_notebook_under_another_name_is_graded_and_the_student_told(results):
    assert results["misnamed"].score == FULL
    assert results["misnamed"].repairs == ("`tiny (1).ipynb` was graded as `tiny.ipynb`.",)


@pytest.mark.parametrize(
    "student, reason",
    [
        ("truncated", "tiny.ipynb is not valid JSON: line "),
        ("empty-file", "tiny.ipynb is empty"),
        ("binary-file", "tiny.ipynb is not text in UTF-8"),
        ("no-notebook", "tiny.ipynb is JSON, but not a Jupyter notebook"),
    ],
)
def test_a_submission_that_cannot_be_read_ends_with_zero_and_the_reason(results, student, reason):
    assert (results[student].score, results[student].max_score) == (0, FULL)
    assert f"submitted/{student}/{SECTION}" in said(results[student])
    assert reason in said(results[student])


def test_feedback_of_an_unreadable_notebook_says_why(course, results):
    assert "is not valid JSON: line" in page(course, "truncated")


@pytest.mark.parametrize("student", ["right-invalid-parts", "right-with-byte-order-mark"])
def test_what_does_not_matter_in_a_file_does_not_spoil_it(results, student):
    assert results[student].score == FULL


def test_a_class_with_broken_submissions_leaves_nothing_to_grade_by_hand(course, results):
    coursedir = nbgrader_api(course).coursedir
    with Gradebook(coursedir.db_url) as gradebook:
        submissions = gradebook.assignment_submissions(SECTION)
        assert [s.student.id for s in submissions if s.needs_manual_grade] == []


@pytest.mark.parametrize("student", ["wrong", "right", "dies", "blank"])
def test_feedback_does_not_show_hidden_tests(course, results, student):
    secrets = ("29929", "-171", "[179]", "HIDDEN TESTS")
    assert [secret for secret in secrets if secret in page(course, student)] == []


def test_feedback_shows_the_message_of_a_hidden_test(course, results):
    assert "AssertionError: negative" in page(course, "wrong")
