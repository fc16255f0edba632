"""What an instructor reads in the terminal after grading."""

from dataclasses import replace
from pathlib import Path

from dlcourse.grade.report import (
    WIDTH,
    class_report,
    hardest,
    needs_a_person,
    repaired,
    score_table,
    what_happened,
)
from dlcourse.grade.results import Result
from dlcourse.grade.similar import Pair
from dlcourse.grade.summary import grouped, plain, summaries

ANN = Result("ann", "01_a", 4, 4, {"x-check": (1, 1), "x-tests": (2, 2), "why": (1, 1)})
BEN = Result("ben", "01_a", 2, 4, {"x-check": (1, 1), "x-tests": (0, 2), "why": (1, 1)}, ("Hm.",))
LOST = Result("cat", "02_b", None, 4, notes=("could not be graded: no room",))


def failing(student, message):
    return replace(BEN, student=student, failures={"x-tests": message})


def test_the_table_has_a_line_for_each_student_and_a_column_for_each_section():
    head, _, ann, ben, cat, _, _ = score_table([ANN, BEN, LOST]).splitlines()
    assert head.split() == ["student", "01_a", "02_b"]
    assert ann.split() == ["ann", "██████████", "4", "/", "4", "·"]
    assert ben.split() == ["ben", "█████░░░░░", "2", "/", "4", "·"]
    assert cat.split() == ["cat", "·", "no", "grade"]


def test_the_average_counts_only_what_has_a_grade():
    assert score_table([ANN, BEN, LOST]).splitlines()[-1].split() == ["class", "average", "3", "·"]


def test_the_tables_of_many_sections_are_as_wide_as_a_terminal():
    sections = [f"{number:02}_convolution_arithmetic" for number in range(40)]
    text = score_table([replace(ANN, section=section, student="a" * 99) for section in sections])
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.split().count("4/4") == 40


def test_the_parts_of_an_exercise_count_as_one():
    assert "01_a  x: 1 of 2 submissions lost points" in hardest(summaries([ANN, BEN]))


def test_exercises_that_nobody_lost_points_in_are_not_listed():
    assert "why" not in hardest(summaries([ANN, BEN]))


def test_what_waits_for_a_person_is_not_lost():
    waiting = replace(ANN, cells={**ANN.cells, "why": (0, 1)}, by_hand=("why",))
    assert "why" not in hardest(summaries([waiting, BEN]))
    assert "Waits for a score by hand: `why`\n    ann (01)" in needs_a_person([waiting, BEN])


def test_the_hardest_exercises_say_what_the_tests_said_most_often():
    results = [failing("ann", "❌ x: got 3.2, not 4"), failing("ben", "❌ x: got -4.1e-3, not 4")]
    text = hardest(summaries([failing("cat", "❌ x: no y"), *results]))
    assert text.index("2 × got 3.2, not 4") < text.index("1 × no y")


def test_messages_are_grouped_by_all_but_their_numbers():
    said = ["shape (3,)", "shape (4, 5)", "Conv1D", "Conv2D", "[0.1 2]", "[1e-5 3. 4]", "x1", "x2"]
    groups = grouped((ANN, one) for one in said)
    assert [group.example for group in groups] == [
        *("shape (3,)", "Conv1D", "Conv2D", "[0.1 2]", "x1", "x2")
    ]


def test_every_note_stands_above_its_students():
    text = what_happened([replace(ANN, notes=("Hm.",)), BEN, LOST])
    assert "  Hm.\n    2 submissions: ann (01), ben (01)" in text
    assert "cat" not in text


def test_repairs_are_told_once_whatever_the_cell():
    notes = {"ann": "`x` was there 2 times; one was graded.", "ben": "`why` was there 3 times; o"}
    notes["ben"] = notes["ben"].replace("; o", "; one was graded.")
    results = [replace(BEN, student=s, notes=(n,), repairs=(n,)) for s, n in notes.items()]
    assert "`x` was there 2 times; one was graded.\n    2 submissions" in repaired(results)
    assert what_happened(results) == ""


def test_a_person_is_needed_where_there_is_no_grade_or_none_was_earned():
    broken = replace(BEN, score=0, notes=("submitted/ben/01_a/a.ipynb is not valid JSON: line 3",))
    other = replace(broken, student="dan", notes=(broken.notes[0].replace("ben", "dan"),))
    text = needs_a_person([ANN, broken, other, LOST])
    assert "No grade: could not be graded: no room\n    cat (02)" in text
    assert "is not valid JSON: line 3\n    2 submissions: ben (01), dan (01)" in text
    assert "ann" not in text


def test_near_identical_submissions_are_called_a_reason_to_look():
    text = needs_a_person([ANN, BEN], [Pair("01_a", ("ann", "ben"), 0.931, ("x", "y"))])
    assert "no proof:\n    ann and ben, 01_a: 93% alike, in x, y" in text


def test_the_report_on_500_students_can_be_read():
    notes = [f"Cell `{'x' * number}` stopped with {'E' * (number % 9)}." for number in range(500)]
    results = [
        replace(failing(f"s{n:03}", note), notes=(note,), score=n % 2)
        for n, note in enumerate(notes)
    ]
    pairs = [Pair("01_a", (f"s{n:03}", f"s{n + 1:03}"), 0.9, ("x",)) for n in range(400)]
    absent = [f"t{n:03}" for n in range(300)]
    text = class_report(results, Path("class"), pairs=pairs, students=absent)
    assert len(text.splitlines()) < 150
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "and 390 more: see the class page" in text


def test_nothing_that_a_student_wrote_steers_the_terminal():
    evil = "\x1b[2J\x1b]0;title\x07\rno\x9b31m\u202e" + "\N{RIGHT-TO-LEFT OVERRIDE}\ud800"
    results = [failing(f"ben{evil}", evil), replace(LOST, notes=(evil,), repairs=(evil,))]
    pairs = [Pair("01_a", (f"ben{evil}", "ann"), 0.9, ("x",))]
    text = class_report(results, Path("class"), pairs=pairs, students=[evil])
    assert "no31m" in text
    assert set("\x1b\x07\r\x9b\u202e\ud800").isdisjoint(text)
    assert plain("two\nlines\tß 中 🙂") == "two\nlines ß 中 🙂"


def test_the_report_says_where_the_feedback_is():
    assert "class/feedback/STUDENT/SECTION" in class_report([ANN], Path("class"))


def test_the_report_says_when_student_code_was_not_isolated():
    assert "NOT isolated" in class_report([ANN], Path("class"), isolated=False)
    assert "NOT isolated" not in class_report([ANN], Path("class"))
