"""What an instructor reads after grading."""

from pathlib import Path

from dlcourse.grade.course import Result
from dlcourse.grade.report import class_report, hardest, score_table, what_happened

ANN = Result("ann", "01_a", 4, 4, {"x-check": (1, 1), "x-tests": (2, 2), "why": (1, 1)})
BEN = Result("ben", "01_a", 2, 4, {"x-check": (1, 1), "x-tests": (0, 2), "why": (1, 1)}, ("Hm.",))
LOST = Result("cat", "02_b", None, 4, notes=("could not be graded: no room",))


def test_the_table_has_a_line_for_each_student_and_a_column_for_each_section():
    head, _, ann, ben, cat, _, _ = score_table([ANN, BEN, LOST]).splitlines()
    assert head.split() == ["student", "01_a", "02_b"]
    assert ann.split() == ["ann", "██████████", "4", "/", "4", "·"]
    assert ben.split() == ["ben", "█████░░░░░", "2", "/", "4", "·"]
    assert cat.split() == ["cat", "·", "no", "grade"]


def test_the_average_counts_only_what_has_a_grade():
    assert score_table([ANN, BEN, LOST]).splitlines()[-1].split() == ["class", "average", "3", "·"]


def test_the_parts_of_an_exercise_count_as_one():
    assert "01_a  x: 1 of 2 submissions lost points" in hardest([ANN, BEN])


def test_exercises_that_nobody_lost_points_in_are_not_listed():
    assert "why" not in hardest([ANN, BEN])


def test_every_note_stands_under_its_student():
    text = what_happened([ANN, BEN, LOST])
    assert "ben, 01_a\n    Hm." in text
    assert "cat, 02_b\n    could not be graded: no room" in text
    assert "ann" not in text


def test_the_report_says_where_the_feedback_is():
    assert "class/feedback/STUDENT/SECTION" in class_report([ANN], Path("class"))


def test_the_report_says_when_student_code_was_not_isolated():
    assert "NOT isolated" in class_report([ANN], Path("class"), isolated=False)
    assert "NOT isolated" not in class_report([ANN], Path("class"))
