"""A section from release to feedback, as a student and an instructor go through it in JupyterLab.

The tests are the steps of one story, in this order: each goes on where the one before it ended.
"""

import re

import nbformat
import pytest
from conftest import NOTEBOOK, SECTION, STUDENT
from pages import Assignments, Formgrader, Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(1200)
TITLE = "04 Convolution arithmetic"
FORGETS_ONE = '''def output_size(n, kernel, stride, padding):
    """The length of a convolution's output along an axis of n pixels, an int."""
    if padding == "same":
        return -(-n // stride)
    return (n - kernel) // stride
'''
COMMENT = "Say what becomes of the places."


def test_an_instructor_generates_and_releases_a_section(instructor):
    assert {"Formgrader", "Course List"} <= set(instructor.menu_entries("Nbgrader"))
    formgrader = Formgrader(instructor)
    formgrader.press(SECTION, "assign")
    assert "Successfully released" in formgrader.press(SECTION, "release")
    formgrader.show(SECTION)
    instructor.picture("1-released")


def test_a_student_meets_the_start_page_first(student):
    expect(student.panel.get_by_role("heading", name="DL Practical")).to_be_visible()
    expect(student.panel.get_by_role("link", name=TITLE)).to_be_visible()
    student.picture("1-start")


def test_a_student_is_not_offered_what_instructors_do(student):
    assert student.menu_entries("Nbgrader") == ["Assignment List"]


def test_a_student_fetches_the_section(student):
    assignments = Assignments(student)
    assignments.press("released", "Fetch")
    expect(assignments.rows("fetched").get_by_text(SECTION)).to_be_visible()
    student.picture("2-fetched")


def test_a_wrong_answer_meets_a_message_that_names_the_mistake(student, answers):
    answer_all_but(student, answers, "output-size")
    notebook = open_section(student)
    notebook.write("def output_size", FORGETS_ONE)
    notebook.run_all()
    said = notebook.output('check.exercise("output-size"')
    expect(said).to_contain_text("one place is missing: the first one counts too.")
    said.scroll_into_view_if_needed()
    student.picture("3-failing-check")


def test_a_prediction_is_committed(student):
    form = Notebook(student).output('"04-places"')
    form.locator("input[type=radio]").nth(2).check()
    form.get_by_role("button", name="Commit").click()
    expect(form).to_contain_text("Committed: 9. Now run the next cell.")
    form.scroll_into_view_if_needed()
    student.picture("4-prediction")


def test_a_moved_slider_redraws_the_picture(student):
    explorer = Notebook(student).output("sliding_window_explorer()")
    picture = explorer.locator("svg").first
    picture.scroll_into_view_if_needed()
    before, pixels = picture.inner_html(), picture.screenshot()
    explorer.get_by_role("slider").first.press("ArrowRight")
    expect(explorer).to_contain_text("input 6 × 6")
    assert picture.inner_html() != before
    assert picture.screenshot() != pixels
    student.picture("5-explorer")


def test_the_dark_theme_shows_the_same(student):
    notebook = Notebook(student)
    student.menu("Settings", "Theme", "JupyterLab Dark")
    expect(student.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    for name, text in {
        "6-dark-prediction": '"04-places"',
        "6-dark-explorer": "sliding_window_explorer()",
        "6-dark-failing-check": 'check.exercise("output-size"',
    }.items():
        expect(notebook.output(text)).to_be_visible()
        notebook.output(text).scroll_into_view_if_needed()
        student.picture(name)
    student.menu("Settings", "Theme", "JupyterLab Light")


def test_the_repaired_notebook_runs_to_its_end(student, answers):
    notebook = Notebook(student)
    notebook.write("def output_size", answers["output-size"])
    notebook.run_all()
    standing = notebook.output(f'handin("{SECTION}")')
    expect(standing).to_contain_text("7 of 7 exercises pass their visible checks")
    standing.scroll_into_view_if_needed()
    student.picture("7-repaired")
    notebook.save()


def test_validate_finds_nothing_wrong(student):
    student.panel.get_by_role("button", name="Validate").click()
    dialog = student.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Success! Your notebook passes all the tests.")
    student.picture("8-validated")
    dialog.get_by_role("button").last.click()


def test_the_section_is_submitted(student):
    assignments = Assignments(student)
    assignments.press("fetched", "Submit")
    expect(assignments.rows("submitted").get_by_text(SECTION)).to_be_visible()
    student.picture("9-submitted")


def test_the_instructor_collects_it(instructor):
    formgrader = Formgrader(instructor)
    formgrader.press(SECTION, "collect")
    expect(formgrader.row(SECTION).locator(".num-submissions")).to_have_text("1")
    instructor.picture("2-collected")


def test_the_button_autogrades_it(instructor):
    formgrader = Formgrader(instructor)
    formgrader.row(SECTION).locator(".num-submissions a").click()
    formgrader.press(STUDENT, "autograde")
    expect(formgrader.row(STUDENT).locator(".score")).to_have_text("30 / 30")
    formgrader.show(STUDENT)
    instructor.picture("3-autograded")


def test_a_person_grades_the_written_question(instructor):
    formgrader = Formgrader(instructor)
    formgrader.follow("Manual Grading", SECTION, NOTEBOOK, "Submission #1")
    score = formgrader.frame.locator("input#why-pool")
    # What is typed before the points have come is lost.
    expect(score).to_have_attribute("placeholder", "2")
    formgrader.type_and_save(score, "1", "grade")
    comment = formgrader.frame.locator("textarea#why-pool-comment")
    formgrader.type_and_save(comment, COMMENT, "comment")
    score.scroll_into_view_if_needed()
    instructor.picture("4-graded-by-hand")


def test_feedback_is_generated_and_released(instructor):
    formgrader = Formgrader(instructor)
    formgrader.follow("Manual Grading", "Manage Assignments")
    formgrader.press(SECTION, "generate-feedback")
    formgrader.press(SECTION, "release-feedback")
    formgrader.show(SECTION)
    instructor.picture("5-feedback-released")


def test_the_student_reads_the_feedback(student):
    assignments = Assignments(student)
    assignments.refresh()
    assignments.press("submitted", "Fetch Feedback")
    view = assignments.rows("submitted").get_by_text(re.compile("view feedback"))
    expect(view).to_be_visible()
    student.picture("10-feedback-fetched")
    view.click()
    student.page.get_by_role("listitem", name=re.compile(NOTEBOOK)).dblclick()
    page = student.panel.frame_locator("iframe")
    expect(page.locator("body")).to_contain_text("(Score: 29.0 / 30.0)")
    expect(page.get_by_text(COMMENT)).to_be_attached()
    student.picture("11-feedback")


def answer_all_but(student, answers, left):
    """As if the student had answered the other exercises on another day."""
    path = student.lab.folder / SECTION / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id in answers and cell.id != left:
            cell.source = answers[cell.id]
    nbformat.write(notebook, path)


def open_section(student):
    student.panel.get_by_role("tab", name="start.md").click()
    student.panel.get_by_role("link", name=TITLE).click()
    return Notebook(student)
