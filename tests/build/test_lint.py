import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_output
from tiny import code, graded, tiny_notebook

from dlcourse.build import fix, lint
from dlcourse.build.lint import lint_numbers, numbers
from dlcourse.build.sections import notebook_text
from dlcourse.build.solved import solve
from dlcourse.files import write_text


def sentences(section):
    return [str(problem) for problem in lint(section.root)]


def only(section):
    """The one problem of a course that was broken in one place."""
    found = sentences(section)
    assert len(found) == 1, found
    return found[0]


def rewrite(section, nb):
    write_text(section.source, notebook_text(nb))


def test_a_clean_course_has_no_problems(course):
    assert sentences(course) == []


def test_an_output_in_source_is_named_by_file_and_cell(course, edit):
    def run(cell):
        cell.outputs = [new_output("stream", text="42\n")]

    edit(course.source, "lesson", run)
    assert only(course).startswith(
        "source/01_doubling/doubling.ipynb, cell lesson: holds an output."
    )


def test_an_execution_count_in_source_is_refused(course, edit):
    edit(course.source, "lesson", lambda cell: cell.update(execution_count=3))
    assert "cell lesson: holds an execution count" in only(course)


def test_a_duplicated_grade_id_is_named(course, edit):
    edit(course.source, "double-check", lambda c: c.metadata.nbgrader.update(grade_id="double"))
    assert "cell double: stands 2 times: a grade_id is unique." in "\n".join(sentences(course))


def test_a_graded_cell_without_a_grade_id_is_named(course, edit):
    edit(course.source, "double-prompt", lambda c: c.metadata.nbgrader.pop("grade_id"))
    assert any("double-prompt: is graded but has no grade_id" in s for s in sentences(course))


def test_a_code_cell_without_a_kind_is_named(course, edit):
    edit(course.source, "lesson", lambda cell: cell.metadata.update(tags=["slow"]))
    assert "cell lesson: must have exactly one of the tags" in only(course)


def test_a_prompt_must_say_the_points_that_its_tests_give(course, edit):
    edit(course.source, "double-prompt", lambda cell: cell.update(source="### Double (2 points)"))
    assert "cell double-prompt: must say the exercise's 3 points" in only(course)


def test_hidden_tests_that_are_not_hidden_are_named(course, edit):
    edit(course.source, "double-tests", lambda cell: cell.update(source="assert double(1) == 2"))
    assert "cell double-tests: has no `### BEGIN HIDDEN TESTS`" in only(course)


def test_a_test_that_leans_on_the_notebook_breaks_the_carrying_rule(course, edit):
    edit(course.source, "lesson", lambda c: c.update(source="answer = 21 * 2\nprint(answer)"))
    edit(course.source, "double-check", lambda c: c.update(source="assert double(21) == answer"))
    assert "cell double-check: uses `answer`" in only(course)


def test_a_lesson_that_leans_on_a_test_cell_is_named(course):
    nb = tiny_notebook()
    nb.cells[5].source = "expected = 4\nassert double(2) == expected"
    nb.cells.append(code("later", "print(expected)"))
    rewrite(course, nb)
    assert "cell later: uses `expected` from the test cell double-check" in sentences(course)[0]


def test_an_import_in_an_answer_cell_that_others_lean_on_is_named(course):
    nb = tiny_notebook()
    answer = next(cell for cell in nb.cells if cell.id == "double")
    answer.source = f"import math\n\n\n{answer.source}"
    nb.cells.append(code("later", "print(math.pi)"))
    rewrite(course, nb)
    (said,) = (said for said in sentences(course) if "math" in said)
    assert "cell later: uses `math`, which only the answer cell double imports" in said


def test_an_import_that_the_course_has_made_before_may_stand_in_an_answer_too(course):
    nb = tiny_notebook()
    answer = next(cell for cell in nb.cells if cell.id == "double")
    answer.source = f"import math\n\n\n{answer.source}"
    nb.cells.insert(1, code("earlier", "import math\n\nprint(math.e)"))
    nb.cells.append(code("later", "print(math.pi)"))
    rewrite(course, nb)
    assert not [said for said in sentences(course) if "math" in said]


def test_a_lesson_whose_name_a_test_cell_takes_is_named(course):
    nb = tiny_notebook()
    nb.cells[1].source = "import math\n\nnumbers = [1, 2]"
    nb.cells[5].source = "import math\n\nnumbers = [3]\nassert double(math.floor(2)) == 4"
    nb.cells.append(code("later", "print(numbers, math.pi)"))
    rewrite(course, nb)
    (said,) = (said for said in sentences(course) if "another value" in said)
    assert "cell later: uses `numbers`, to which the test cell double-check" in said


def test_an_image_without_alternative_text_is_named(course, edit):
    edit(course.source, "title", lambda cell: cell.update(source="# Doubling\n\n![](cat.png)"))
    assert "cell title: shows cat.png without alternative text" in only(course)


def test_a_progress_bar_is_refused(course, edit):
    edit(course.source, "lesson", lambda c: c.update(source="model = None\nmodel.fit(1, 2)"))
    assert "cell lesson: calls fit with a progress bar" in only(course)


def test_a_cell_that_is_too_long_is_named(course, edit):
    edit(course.source, "lesson", lambda c: c.update(source="\n".join(["print(1)"] * 16)))
    assert "cell lesson: has 16 lines" in only(course)


def test_code_that_ruff_refuses_is_named_by_cell(course, edit):
    edit(course.source, "lesson", lambda cell: cell.update(source="import os"))
    assert "cell lesson: line 1: `os` imported but unused (ruff F401)" in only(course)


def test_state_of_widgets_is_refused(course):
    nb = tiny_notebook()
    nb.metadata["widgets"] = {"state": {}}
    rewrite(course, nb)
    assert "holds the state of widgets in its metadata" in only(course)


def test_a_solution_left_in_a_release_is_named(course, edit):
    nb = tiny_notebook()
    write_text(course.release, notebook_text(nb))
    assert any(
        s.startswith("release/01_doubling/doubling.ipynb, cell double: still says BEGIN SOLUTION")
        for s in sentences(course)
    )


def test_a_line_of_a_solution_is_found_without_its_markers(course):
    nb = tiny_notebook()
    for cell in nb.cells:
        cell.source = cell.source.replace("### BEGIN", "# begin").replace("### END", "# end")
    write_text(course.release, notebook_text(nb))
    shown = "cell double: shows students a line of a solution or hidden test: `twice_the_number"
    assert any(shown in s for s in sentences(course))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (new_output("stream", name="stderr", text="W0000"), "prints to stderr"),
        (new_output("error", ename="ValueError", evalue="no"), "stores an error: ValueError: no"),
        (
            new_output("execute_result", {"text/plain": "<History at 0x7f3a12345678>"}),
            "shows an object's address",
        ),
    ],
)
def test_stored_outputs_that_nbval_cannot_compare_are_named(course, output, said):
    nb = solve(tiny_notebook())
    for count, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
    nb.cells[1].outputs = [new_output("stream", text="42\n"), output]
    write_text(course.solved, notebook_text(nb))
    assert said in only(course)


def test_a_stored_cell_that_was_not_executed_is_named(course):
    nb = solve(tiny_notebook())
    write_text(course.solved, notebook_text(nb))
    assert any("cell lesson: was not executed" in s for s in sentences(course))


def prose_problems(prose, output):
    source = tiny_notebook()
    source.cells[0].source = prose
    solved = solve(source)
    solved.cells[1].outputs = [new_output("stream", text=output)]
    return [sentence for _, sentence in lint_numbers(source, solved)]


def test_a_number_in_prose_that_no_cell_produces_is_named():
    assert "states 97.8%, which no cell" in prose_problems("It reaches 97.8%.", "0.5")[0]


@pytest.mark.parametrize("output", ["0.978", "97.8%", "97.8"])
def test_a_percentage_in_prose_may_be_produced_as_a_fraction(output):
    assert prose_problems("It reaches 97.8%.", output) == []


def test_the_bytes_of_an_embedded_picture_produce_no_number():
    picture = '<img alt="12 of 36" src="data:image/svg+xml;base64,PHN2+98/Zz4=">'
    assert prose_problems("There are 36.", picture) == []
    assert "states 98, which no cell" in prose_problems("There are 98.", picture)[0]


def test_thousands_may_be_separated_in_prose():
    assert prose_problems("It has 407,050 parameters.", "407050") == []


def test_small_whole_numbers_are_words():
    assert prose_problems("Two layers, 3 epochs, section 02.", "") == []


def test_numbers_are_read_with_their_values():
    assert numbers("(60000, 28) and 1,234.5 or 98.9% of x2") == [
        ("60000", 60000),
        ("28", 28),
        ("1,234.5", 1234.5),
        ("98.9%", 0.989),
    ]


def test_fix_clears_what_an_editor_leaves_and_keeps_the_cells(course, edit):
    def run(cell):
        cell.outputs = [new_output("stream", text="42\n")]
        cell.execution_count = 1
        cell.metadata["execution"] = {"iopub.status.busy": "now"}

    before = course.source.read_text()
    edit(course.source, "lesson", run)
    assert fix(course)
    assert course.source.read_text() == before
    assert not fix(course)


def test_a_written_question_needs_no_tests(course):
    nb = tiny_notebook()
    question = new_markdown_cell("Why?\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION")
    question.id = "why-double"
    nb.cells.append(graded(question, grade=True, solution=True, points=2))
    rewrite(course, nb)
    assert sentences(course) == []
    assert nbformat.read(course.source, as_version=4).cells[-1].id == "why-double"
