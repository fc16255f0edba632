import pytest

from dlcourse.grade.carry.rule import bound_names, broken_rules, free_names


def test_names_bound_are_those_assigned_imported_and_defined_at_the_top():
    source = "import numpy as np\nfrom math import pi\nx = 1\ndef f(a):\n    b = a\nclass C: pass"
    assert bound_names(source) == {"np", "pi", "x", "f", "C"}


def test_names_free_are_also_found_inside_functions_and_comprehensions():
    source = "def f(a):\n    return a + outer\n[item + other for item in range(3)]"
    assert free_names(source) == {"outer", "other"}


def test_a_test_may_use_the_answer_what_it_imports_and_what_it_defines():
    source = (
        "import numpy as np\nfrom dlcourse import check\n"
        "expected = np.ones(3)\ncheck.equal(relu(expected), expected, 'relu')"
    )
    assert list(broken_rules(source, {"relu"})) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("assert model.count_params() == x_test.size", "`x_test`"),
        ("assert answer is True", "`is`"),
        ("assert isinstance(value, answer)", "isinstance of the student's `answer`"),
        ("assert answer(3) == (lambda x: x + 1)(3)", "lambda"),
        ("import pandas", "imports pandas"),
        ("from dlcourse.teach import curves", "imports dlcourse.teach"),
    ],
)
def test_each_way_of_breaking_the_rule_is_named(source, said):
    sentences = list(broken_rules(source, {"answer", "model", "value"}))
    assert len(sentences) == 1
    assert said in sentences[0]


def test_none_may_be_compared_by_identity():
    assert list(broken_rules("assert answer is not None", {"answer"})) == []
