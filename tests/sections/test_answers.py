"""Every exercise accepts right answers in any style, and refuses the mistakes of students."""

import re
from functools import cache

import pytest
from answers import Exercises, known_answers, sections, takes_long

exercises = cache(Exercises)


@cache
def said_live(section, exercise, answer):
    """What each test cell says of the answer; run once, for some train for seconds."""
    return exercises(section).live(exercise, answer)


def verdict(section, exercise, answer):
    """ "right", or the message of the first test cell that refuses the answer."""
    refusals = (said for said in said_live(section, exercise, answer) if said != "right")
    return next(refusals, "right")


ALL = [(name, exercise) for name in sections() for exercise in Exercises(name).names]


def named(entry):
    return entry["name"] if isinstance(entry, dict) else str(entry)


def marked(answers):
    """The (section, entry) pairs; those whose exercise trains for long are for `make test-all`."""
    return [
        pytest.param(*answer, marks=[pytest.mark.long] if takes_long(*answer) else [])
        for answer in answers
    ]


@pytest.mark.long  # nbval runs it live, in the solved notebooks
@pytest.mark.parametrize(("section", "exercise"), ALL)
def test_the_reference_answer_is_right(section, exercise):
    cells = exercises(section).cells
    assert verdict(section, exercise, cells[exercise]) == "right"


@pytest.mark.parametrize(("section", "exercise"), ALL)
def test_the_scaffold_counts_as_not_started(section, exercise):
    scaffold = exercises(section).scaffold(exercise)
    assert verdict(section, exercise, scaffold).startswith("⬜")


@pytest.mark.parametrize(("section", "exercise"), ALL)
def test_an_answer_cell_that_was_not_run_is_said(section, exercise):
    assert "Run the answer cell first" in verdict(section, exercise, "")


@pytest.mark.parametrize(("section", "entry"), marked(known_answers("right")), ids=named)
def test_a_right_answer_in_another_style_is_right(section, entry):
    assert verdict(section, entry["exercise"], entry["answer"]) == "right"


@pytest.mark.parametrize(("section", "entry"), marked(known_answers("wrong")), ids=named)
def test_a_wrong_answer_is_refused_and_the_message_names_the_mistake(section, entry):
    refusals = [
        said for said in said_live(section, entry["exercise"], entry["answer"]) if said != "right"
    ]
    assert refusals
    assert all(said.startswith("❌") for said in refusals)
    # The feedback shows them all.
    assert entry.get("says", "") in " ".join(refusals)


def every_answer():
    """The (section, entry) pairs.

    Known answers, carried once more, are for `make test-all`, and so are references: in `make test`
    the rehearsal carries them, as grading does.
    """
    for section, exercise in ALL:
        reference = {"exercise": exercise, "name": f"{exercise}: reference"}
        yield pytest.param(section, reference, marks=pytest.mark.long)
        yield section, {"exercise": exercise, "name": f"{exercise}: scaffold"}
    for answer in known_answers("right") + known_answers("wrong"):
        yield pytest.param(*answer, marks=pytest.mark.long)


def text_of(section, entry):
    if entry["name"].endswith(": reference"):
        return exercises(section).cells[entry["exercise"]]
    if entry["name"].endswith(": scaffold"):
        return exercises(section).scaffold(entry["exercise"])
    return entry["answer"]


def without_chance(verdicts):
    """Verdicts without what differs from process to process.

    That is the place that a message names, if it is drawn at random, the accuracy or probability
    that a training came to, the number in the name that Keras gives to a layer, and that of a
    temporary folder.
    """
    came_to = r"(right for|gets) \d+%|a probability of [.\d]+ on average"
    chance = rf": at \[.*? became [-.\d]+|{came_to}|(?<=\w)_\d+\b|folder-\w+"
    return [re.sub(chance, "", verdict) for verdict in verdicts]


@pytest.mark.parametrize(("section", "entry"), list(every_answer()), ids=named)
def test_each_test_cell_says_the_same_of_live_and_of_carried_values(section, entry, student):
    found, answer = exercises(section), text_of(section, entry)
    live = said_live(section, entry["exercise"], answer)
    carried = found.carried(entry["exercise"], answer, student)
    assert without_chance(carried) == without_chance(live)
