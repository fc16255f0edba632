"""Every known attack on graders of notebooks, handed in to one class: here none succeeds."""

import re

import pytest
from attacked_course import (
    BLANK,
    BOAST,
    HONEST,
    KERAS,
    LIE,
    MARKER,
    PLAIN,
    SCRIPT,
    SECRETS,
    Place,
    full_marks,
    hand_in,
    make_course,
)
from catalogue import AIMS, attacks
from harness import grade_here
from outcome import Outcome, look, points, successes
from page import PAGE, rows

from dlcourse.grade.backend import nbgrader_api

ATTACKS = attacks()
# Seconds for a submission that takes long by itself.
SLOW = 240
# What has succeeded here once, and one of each kind besides: the attacks of `make test`. The others
# take minutes, and are for `make test-all`.
FEW = (
    "asks-what-was-wanted",
    "breaks-the-metadata",
    "equals-everything",
    "exits-politely",
    "forges-kernel-messages",
    "forges-the-report",
    "patches-the-checks",
    "reads-the-callers-variables",
    "reads-the-source-folder",
    "scripts-in-a-class-name",
    "scripts-in-a-pictures-size",
    "scripts-in-its-text",
    "scripts-in-output",
    "sends-nonsense",
    "writes-to-the-gradebook",
)
# What gets at files where formgrader's button grades, too.
WITH_FILES = ("reads-its-own-folder", "links-to-a-secret", "links-to-the-solution")


def named(section, slow=False):
    return [name for name, each in ATTACKS.items() if (each.section, each.slow) == (section, slow)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Name -> outcome of all attacks that need no Keras, graded as one class."""
    return grade_here(tmp_path_factory.mktemp("plain"), PLAIN, map(ATTACKS.get, named(PLAIN)))


@pytest.fixture(scope="module")
def with_keras(tmp_path_factory):
    """Name -> outcome of all attacks on tests of models."""
    return grade_here(tmp_path_factory.mktemp("keras"), KERAS, map(ATTACKS.get, named(KERAS)))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Name -> outcome of FEW, graded as one class."""
    return grade_here(tmp_path_factory.mktemp("few"), PLAIN, map(ATTACKS.get, FEW))


@pytest.mark.parametrize("name", FEW)
def test_none_of_a_few_attacks_succeeds(few, name):
    assert successes(ATTACKS[name], few[name], few[BLANK]) == []


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_student_among_them_has_full_marks(few, name):
    assert few[name].points == full_marks(PLAIN)


@pytest.mark.long
@pytest.mark.parametrize("name", named(PLAIN))
def test_no_attack_succeeds(plain, name):
    assert successes(ATTACKS[name], plain[name], plain[BLANK]) == []


@pytest.mark.long
@pytest.mark.parametrize("name", named(PLAIN))
def test_an_attacker_has_a_grade_or_a_reason_for_none(plain, name):
    assert plain[name].points is not None or plain[name].told


@pytest.mark.long
@pytest.mark.parametrize("name", HONEST)
def test_an_honest_student_in_the_same_class_has_full_marks(plain, name):
    assert plain[name].points == full_marks(PLAIN)


def test_a_blank_notebook_earns_nothing(few):
    assert not any(few[BLANK].points.values())


@pytest.mark.long
@pytest.mark.parametrize("name", named(KERAS))
def test_no_attack_on_tests_of_models_succeeds(with_keras, name):
    assert successes(ATTACKS[name], with_keras[name], with_keras[BLANK]) == []


@pytest.mark.long
@pytest.mark.parametrize("name", HONEST)
def test_an_honest_student_of_keras_has_full_marks(with_keras, name):
    assert with_keras[name].points == full_marks(KERAS)


@pytest.mark.long
@pytest.mark.parametrize("name", [*named(PLAIN, slow=True), *named(KERAS, slow=True)])
def test_no_attack_that_takes_long_succeeds(tmp_path, name):
    attack = ATTACKS[name]
    outcomes = grade_here(tmp_path / "course", attack.section, [attack], SLOW)
    assert successes(attack, outcomes[name], outcomes[BLANK]) == []


def test_formgraders_button_gives_no_more_away(tmp_path):
    nb = make_course(tmp_path, PLAIN)
    api = nbgrader_api(tmp_path)
    found = {}
    for name in WITH_FILES:
        place = Place(tmp_path, name, 0, "none")
        hand_in(place, PLAIN, ATTACKS[name].make(nb, place))
        for step in (api.autograde, api.generate_feedback):
            step(PLAIN, name)
        graded = points(tmp_path, PLAIN)
        assert name in graded
        seen = look(place, PLAIN, graded[name])
        found[name] = successes(ATTACKS[name], seen, Outcome(None))
    assert found == {name: [] for name in WITH_FILES}


def test_the_page_lists_the_attacks_that_there_are():
    listed = re.findall(r"^\| `([\w-]+)` ", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(ATTACKS)
    assert sorted(rows(PAGE.read_text("utf-8"))) == sorted(ATTACKS)


@pytest.mark.parametrize("aim", AIMS)
def test_there_are_attacks_of_every_kind(aim):
    assert sum(attack.aim == aim for attack in ATTACKS.values()) >= 10


SUCCESSES = {
    "points": {"points": {"double-check": 0, "double-tests": 2.0}},
    "a secret in plain": {"page": f"<pre>{MARKER}</pre>"},
    "a secret backwards": {"back": SECRETS[1][::-1]},
    "a secret in a picture": {"page": "<img src='data:text;base64,aGVsaW90cm9wZS00OTk3OTY4Nw=='>"},
    "a secret beside the page": {"back": MARKER},
    "a secret sent out": {"sent": f"me {MARKER}"},
    "a file": {"canary": "I have been here"},
    "an honest student": {"harmed": HONEST[:1]},
    "the grader": {"finished": False},
    "a process": {"left": 1},
    "too much": {"back": f"<pre>{BOAST}</pre>"},
    "a flood": {"back": "x" * 2**24},
    "a script": {"page": f"<p><script>{SCRIPT}</script></p>"},
    "a script in an attribute": {"shown": f"<img src=x onerror='{SCRIPT}'>"},
    "a script in a link": {"page": f"<a href=' javascript:{SCRIPT}'>here</a>"},
    "a command": {"report": "zoe \x1b[2J"},
    "a lie": {"told": (f"Read by hand: {LIE}.",)},
}


@pytest.mark.parametrize("what", SUCCESSES)
def test_the_rule_sees_a_success(what):
    fields = {"points": {}, **SUCCESSES[what]}
    attack = ATTACKS["equals-everything"]
    assert len(successes(attack, Outcome(**fields), Outcome({}))) == 1


NO_SUCCESSES = {
    "no grade": {"points": None},
    "no points": {"points": {"double-tests": 0.0}},
    "code as text": {"page": f"<pre>&lt;script&gt;{SCRIPT}</pre><script>other()</script>{SCRIPT}"},
    "a reason": {"told": ("Cell `double` stopped with OSError.",)},
}


@pytest.mark.parametrize("what", NO_SUCCESSES)
def test_the_rule_sees_no_success_where_there_is_none(what):
    fields = {"points": {}, **NO_SUCCESSES[what]}
    assert successes(ATTACKS["equals-everything"], Outcome(**fields), Outcome({})) == []


def test_points_that_an_answer_deserves_are_none_of_an_attacks():
    attack = ATTACKS["knows-the-visible-tests"]
    assert successes(attack, Outcome({"double-check": 1.0}), Outcome({})) == []
    assert successes(attack, Outcome({"double-tests": 2.0}), Outcome({})) != []


def test_what_a_blank_notebooks_page_shows_counts_only_for_who_hands_in_a_blank_one():
    shown = Outcome({}, back=MARKER, page=MARKER)
    assert successes(ATTACKS["reads-the-history"], shown, shown) == []
    assert successes(ATTACKS["hands-in-nothing"], shown, shown) != []
