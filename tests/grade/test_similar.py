"""Near-identical submissions: who is told of, and who is not."""

import json
import random

import pytest
from bare_course import add_section, gradebook, make_bare_course

from dlcourse.grade.results import GradeError
from dlcourse.grade.similar import MATERIAL, pairs, shingles, similar

LOOP = """
def nearest(points, target):
    best, distance = None, float("inf")
    for index, point in enumerate(points):
        total = sum((a - b) ** 2 for a, b in zip(point, target))
        if total < distance:
            best, distance = index, total
    return best
"""
# The same, with names, layout and comments of its own.
COPY = '''
def nearest(pts, goal):
    """Finds the nearest."""
    # start with nothing
    where, least = (None,
                    float("inf"))
    for i, p in enumerate(pts):
        s = sum((x - y) ** 2 for x, y in zip(p, goal))
        if s < least: where, least = i, s
    return where
'''
# Another way to the same end.
OTHER = """
def nearest(points, target):
    gaps = np.linalg.norm(np.asarray(points) - np.asarray(target), axis=1)
    order = np.argsort(gaps, kind="stable")
    return int(order[0]) if len(order) else None
"""


def code(text, cell="near"):
    return shingles(cell, "code", text)


def test_names_layout_and_comments_do_not_hide_a_copy():
    assert len(code(LOOP)) > MATERIAL
    assert code(LOOP) == code(COPY)


def test_another_way_to_the_same_end_is_not_a_copy():
    assert len(code(LOOP) & code(OTHER)) < 0.1 * len(code(OTHER))


def test_the_names_of_others_count_where_the_codes_own_do_not():
    assert code("y = np.sum(x, axis=0)") == code("total = np.sum(x, axis=0)")
    assert code("y = np.sum(x, axis=0)") != code("y = np.max(x, axis=0)")
    assert code("axis = 1\nf(axis=axis)") != code("n = 1\nf(n=n)")


def test_one_more_line_changes_only_what_stands_around_it():
    longer = COPY.replace("    where, least", "    unused = 0\n    where, least")
    assert len(code(LOOP) & code(longer)) > 0.8 * len(code(longer))


@pytest.mark.parametrize("text", ["def f(:\n  x =", "1 +" * 9999 + "1", "\0", "%timeit f(x)", ""])
def test_what_is_no_python_is_compared_all_the_same(text):
    assert code(text) == code(text + "  # a comment" if "\0" not in text else text)


def test_written_answers_are_compared_by_their_words():
    one = shingles("why", "markdown", "The loss *falls*, since the step follows the gradient.")
    other = shingles("why", "markdown", "the loss falls since the step follows\nthe gradient")
    assert one == other
    assert one != shingles("why", "markdown", "Each step makes the loss smaller than before.")


def phrase(rng):
    """Some lines of code that no other phrase is like."""
    steps = [f"x = {rng.choice('fghk')}(x, {rng.randint(2, 99)}) {rng.choice('+-*/')} x"]
    steps += [f"x = x[{rng.randint(2, 99)}:] @ w{rng.randint(2, 99)}" for _ in range(3)]
    return "\n".join(["def answer(x):", *(f"    {step}" for step in steps), "    return x"])


def generated_class(number):
    """Ten exercises with five usual answers each, and a third who think of their own."""
    rng = random.Random(7)
    exercises = [f"exercise{place}" for place in range(10)]
    usual = {name: [phrase(rng) for _ in range(5)] for name in exercises}
    answers = {}
    for student in range(number):
        answers[f"s{student:03}"] = {
            name: phrase(rng) if rng.random() < 0.33 else rng.choice(usual[name])
            for name in exercises
        }
    return answers


def test_in_a_class_of_500_those_who_copied_are_found_and_nobody_else():
    answers = generated_class(500)
    answers["s100"] = {name: text.replace("x", "copied") for name, text in answers["s400"].items()}
    # All but two of the ten exercises.
    answers["s250"] = dict(list(answers["s007"].items())[:8] + list(answers["s250"].items())[8:])
    # A large part of the class hands in the same.
    answers |= {f"s{number:03}": answers["s300"] for number in range(300, 420) if number != 400}
    written = {
        student: {name: code(text, name) for name, text in cells.items()}
        for student, cells in answers.items()
    }
    found = pairs("01", written)
    assert [pair.students for pair in found] == [("s100", "s400"), ("s007", "s250")]
    assert found[0].share == 1
    assert 0.6 < found[1].share < 1
    assert {"exercise8", "exercise9"}.isdisjoint(found[1].cells)


def test_too_little_of_ones_own_is_no_reason_to_look():
    short = {name: {"f": code("return np.maximum(x, 0)", "f")} for name in ("ann", "ben")}
    assert pairs("01", short) == []


SCAFFOLD = "def nearest(points, target):\n    raise NotImplementedError"


@pytest.fixture
def course(tmp_path):
    """A section with an answer in code, one in words, and a cell that is no answer."""
    root = make_bare_course(tmp_path)
    with gradebook(root) as book:
        add_section(book, "01", {})
        for name, kind, text in (("near", "code", SCAFFOLD), ("why", "markdown", "Because …")):
            book.add_solution_cell(name, "n", "01")
            book.add_source_cell(name, "n", "01", source=text, cell_type=kind)
    return root


def graded(root, student, near, why=""):
    """What autograded/ holds of a student's answers."""
    kinds = {"near": ("code", near), "why": ("markdown", why)}
    cells = [
        {"cell_type": kind, "source": text, "metadata": {"nbgrader": info}}
        for name, (kind, text) in kinds.items()
        for info in ({"grade_id": name, "solution": True},)
    ]
    # What is not an answer is not the student's.
    cells += [{"cell_type": "code", "source": [LOOP, LOOP, OTHER], "metadata": {}}]
    path = root / "autograded" / student / "01" / "n.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells}))


def test_pairs_are_found_in_what_was_graded(course):
    graded(course, "ann", LOOP, "It keeps the best of what it has seen so far.")
    graded(course, "ben", COPY.splitlines(keepends=True), "It is a loop.")
    graded(course, "cat", OTHER, "It sorts.")
    (pair,) = similar(course, "01")
    assert (pair.section, pair.students, pair.cells) == ("01", ("ann", "ben"), ("near",))
    assert 0.6 < pair.share < 1


def test_who_hands_in_the_scaffold_is_in_no_pair(course):
    with gradebook(course) as book:
        book.find_source_cell("near", "n", "01").source = LOOP
        book.db.commit()
    for student in ("ann", "ben"):
        graded(course, student, COPY, "Because …")
    assert similar(course, "01") == []


def test_a_section_that_was_never_graded_is_an_error(course):
    with pytest.raises(GradeError, match="02 has not been graded yet"):
        similar(course, "02")
