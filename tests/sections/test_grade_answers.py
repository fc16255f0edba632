"""The program behind `make answers` hands in every known answer, and counts right."""

import re
from collections import Counter

import pytest
from answers import known, sections
from grade_answers import PAGE, Outcome, goals, outcome, page, students

from dlcourse.grade.results import Result

WRONG = {"exercise": "relu", "name": "relu-no", "answer": "", "says": "not negative"}
UNSAID = {"exercise": "relu", "name": "relu-no", "answer": ""}


def result(check, tests, **failures):
    cells = {"relu-check": (check, 1), "relu-tests": (tests, 2)}
    said = {name.replace("_", "-"): text for name, text in failures.items()}
    return Result("wrong-01", "01_tensors", check + tests, 3, cells, failures=said)


def one(entry, found, is_right=False):
    return outcome("01_tensors", entry, is_right, found)


@pytest.mark.parametrize("section", sections())
def test_every_known_answer_is_handed_in_once(section):
    handed_in = [entry for _, entries in students(section) for entry in entries]
    everything = known(section)["right"] + known(section)["wrong"]
    assert len(handed_in) == len(everything)
    assert all(entry in handed_in for entry in everything)


@pytest.mark.parametrize("section", sections())
def test_a_student_has_one_answer_to_an_exercise_at_most(section):
    for _, entries in students(section):
        exercises = [entry["exercise"] for entry in entries]
        assert len(exercises) == len(set(exercises))


def test_an_answer_is_accepted_if_it_has_all_points_of_its_exercise():
    assert one(WRONG, result(1, 2)).is_accepted
    assert not one(WRONG, result(1, 1)).is_accepted
    assert not one(WRONG, result(0, 2)).is_accepted
    assert not one(WRONG, Result("x", "01_tensors", None, 3)).is_accepted


def test_a_message_names_the_mistake_if_the_words_asked_for_are_in_it():
    assert one(WRONG, result(1, 0, relu_tests="it is not negative")).is_named
    assert not one(WRONG, result(1, 0, relu_tests="changes its first argument")).is_named


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("relu changes its first argument: at [0]", True),
        ("relu(x) has dtype float64, but should have dtype float32.", True),
        ("relu(x) should be a NumPy array, but is None: does", True),
        ("relu(x) stopped with ValueError: cannot\nbroadcast in your line 2: x", True),
        ("relu(x) has the right shape (3,), but not the right entries", False),
        ("", False),
    ],
)
def test_where_no_words_are_asked_for_some_messages_name_it_by_themselves(said, named):
    assert one(UNSAID, result(1, 0, relu_tests=said)).is_named == named


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("❌ relu: relu(x) is 2, but should be 3.5.", False),
        (
            "❌ relu: relu(x) has the right shape (2,), but not the right entries (1 of 2 differ). "
            "The first is at [0]: yours is -1.5, expected is 0.0.",
            False,
        ),
        ("❌ relu: relu(x) is 2, but should be 3.\n   Hint: look at relu(x) once more.", True),
        ("❌ relu: relu(x): negative entries became positive.", True),
    ],
)
def test_a_line_that_only_compares_names_nothing_even_if_the_words_stand_in_it(said, named):
    asked = WRONG | {"says": "relu(x)"}
    assert one(asked, result(1, 0, relu_tests=said)).is_named == named


def test_goals_are_missed_by_one_right_answer_refused_and_by_too_many_wrong_ones_accepted():
    def some(number, **fields):
        filled = {"is_right": False, "is_accepted": False, "is_named": True} | fields
        return [Outcome("01_tensors", "relu", "x", said="", **filled)] * number

    def kept(outcomes):
        return [holds for _, holds in goals(outcomes)]

    right = some(5, is_right=True, is_accepted=True)
    assert kept(right + some(100)) == [True, True, True]
    assert kept([*right, *some(1, is_right=True), *some(100)]) == [False, True, True]
    assert kept(right + some(98) + some(2, is_accepted=True)) == [True, False, True]
    assert kept(right + some(89) + some(11, is_named=False)) == [True, True, False]


def test_the_page_shows_what_did_not_end_as_it_should():
    refused = one(UNSAID, result(1, 0, relu_tests="no"), is_right=True)
    accepted = one(WRONG, result(1, 2))
    text = page([refused, accepted])
    assert "| `01_tensors` | `relu` | 0 of 1 | 0 of 1 | 0 of 0 |" in text
    assert "## Right, and refused\n\n- `01_tensors`, `relu-no`: no" in text
    assert "## Wrong, and accepted\n\n- `01_tensors`, `relu-no`: nothing is said" in text
    assert text.count("**missed**") == 2


def test_the_page_in_docs_is_of_all_answers_that_are_known():
    counted = {
        (section, exercise): (int(right), int(wrong))
        for section, exercise, right, wrong in re.findall(
            r"^\| `(\w+)` \| `([\w-]+)` \| \d+ of (\d+) \| \d+ of (\d+) \|", PAGE.read_text(), re.M
        )
    }
    expected = {}
    for section in sections():
        right, wrong = (
            Counter(entry["exercise"] for entry in known(section)[kind])
            for kind in ("right", "wrong")
        )
        expected |= {(section, exercise): (right[exercise], wrong[exercise]) for exercise in right}
    assert counted == expected
