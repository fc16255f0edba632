"""What is measured of a hidden test is what the test itself compares."""

import json
import os
import subprocess
import sys

import pytest

from dlcourse.build.observing import Threshold, fingerprint, thresholds

TEST = """
import keras
import numpy as np
from dlcourse import check

with check.exercise("guess"):
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    start = float(model.get_weights()[0][0, 0])
    found = check.call(guess, 2)
    check.that(abs(found) < 3 * 2, f"{found} is too far away.")
    check.that(found != start, "That is the weight.")
    check.that(start < 10, "A weight begins small.")
    x = np.array([[-1.0], [1.0], [2.0], [3.0]])
    model.set_weights([np.array([[4.0]]), np.zeros(1)])
    score = check.accuracy(model, x, np.array([0, 1, 1, 0]), at_least=0.9, what="four numbers")
    check.that(score > 0.5, "That is no better than guessing.")
    check.that(found < 100, "Too large.")
"""
ANSWER = "def guess(times):\n    return float(np.random.normal(size=times)[-1])\n"
FAR = "def guess(times):\n    return 100.0\n"
BROKEN = "def guess(times):\n    return undefined\n"
OBSERVED = """
import dataclasses, json, sys
from dlcourse.build.observing import observe
for answer, seed, step in json.loads(sys.argv[2]):
    print(json.dumps(dataclasses.asdict(observe(sys.argv[1], answer, seed=seed, step=step))))
"""
CASES = [
    (ANSWER, 5, 0),
    (ANSWER, 5, 0),
    (ANSWER, 6, 0),
    (ANSWER, 5, 1),
    (FAR, 5, 0),
    (BROKEN, 5, 0),
]


@pytest.fixture(scope="module")
def observed():
    """What was observed in each of CASES, in a process of its own."""
    command = [sys.executable, "-c", OBSERVED, TEST, json.dumps(CASES)]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_thresholds_are_read_off_comparisons_and_accuracies():
    assert thresholds(TEST) == [
        Threshold("abs(found) <", "3 * 2"),
        Threshold("start <", "10"),
        Threshold("check.accuracy(model, x, np.array([0, 1, 1, 0])) >=", "0.9"),
        Threshold("score >", "0.5"),
        Threshold("found <", "100"),
    ]


def test_a_probability_is_held_against_a_threshold_as_an_accuracy_is():
    test = TEST.replace("check.accuracy", "check.probability")
    assert thresholds(test)[2] == Threshold(
        "check.probability(model, x, np.array([0, 1, 1, 0])) >=", "0.9"
    )


def test_a_bound_that_is_computed_has_no_value_of_its_own():
    assert [found.value for found in thresholds(TEST)] == [None, 10.0, 0.9, 0.5, 100.0]


def test_values_and_bounds_are_those_of_the_test(observed):
    values = observed[0]["values"]
    assert values["abs(found) <"] == [abs(values["found <"][0]), 6.0]
    assert values["check.accuracy(model, x, np.array([0, 1, 1, 0])) >="] == [0.75, 0.9]
    assert values["score >"] == [0.75, 0.5]


def test_an_answer_beyond_a_threshold_is_followed_to_the_end(observed):
    assert observed[4]["values"]["found <"] == [100.0, 100.0]
    assert observed[4]["refused"] == ""


def test_what_stops_an_answer_elsewhere_is_kept(observed):
    assert "undefined" in observed[5]["refused"]
    assert observed[5]["values"] == {}


def test_an_answer_varies_by_its_own_seed_and_not_by_the_tests(observed):
    first, again, other, moved, *_ = (each["values"].get("found <") for each in observed)
    assert first == again == moved != other


def test_what_a_test_draws_varies_with_the_step_and_with_nothing_else(observed):
    first, again, other, moved, *_ = (each["values"].get("start <") for each in observed)
    assert first == again == other != moved


def test_messages_and_bounds_may_change_and_a_measurement_still_holds():
    changed = TEST.replace("0.9", "0.8").replace("too far away", "far off").replace("four ", "4 ")
    assert fingerprint(changed, f"# My own\n{ANSWER}") == fingerprint(TEST, ANSWER)


def test_a_hint_is_a_message_and_may_come_and_go():
    plain = 'check.that(start < 10, "A weight begins small.")'
    hinted = f'with check.hint("Draw anew."):\n        {plain}'
    assert fingerprint(TEST.replace(plain, hinted), ANSWER) == fingerprint(TEST, ANSWER)
    assert thresholds(TEST.replace(plain, hinted)) == thresholds(TEST)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed(7)", "seed(8)"),
        ("3 * 2", "3 * 3"),
        ("[[4.0]]", "[[5.0]]"),
        ("(guess, 2)", "(guess, 3)"),
    ],
)
def test_other_changes_to_a_test_ask_for_new_measurements(old, new):
    assert fingerprint(TEST.replace(old, new), ANSWER) != fingerprint(TEST, ANSWER)


def test_another_answer_asks_for_new_measurements():
    assert fingerprint(TEST, FAR) != fingerprint(TEST, ANSWER)
