"""A hub with one instructor and five students, made once for all tests and removed after them."""

import os
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from machine import NOTEBOOK, PREFIX, ROOT, SECTION, Site
from person import Person

from dlcourse.grade import demo

INSTRUCTOR = f"{PREFIX}ines"
STUDENTS = [f"{PREFIX}{name}" for name in ("ada", "ben", "cem", "dua", "eva")]
# Megabytes: little enough to be used up in seconds, and room for TensorFlow.
MEMORY = 1500


@pytest.fixture(scope="session")
def site():
    if os.geteuid() != 0:
        pytest.fail(
            "The hub's tests make accounts and start servers as them. Run them as root, on a "
            "machine that may have such accounts for a while: sudo make test-hub.",
            pytrace=False,
        )
    people = {INSTRUCTOR: "instructor"} | dict.fromkeys(STUDENTS, "student")
    site = Site(people, MEMORY=f"{MEMORY}M", PROCESSES=200, CPUS=1)
    try:
        site.make()
        site.start()
        yield site
    finally:
        site.remove()


@pytest.fixture(scope="session")
def everybody(site):
    """All six, logged in at once and each with a server: name -> Person."""
    people = [Person(site, name) for name in (INSTRUCTOR, *STUDENTS)]

    def arrive(person):
        person.log_in().raise_for_status()
        person.get_token()
        person.start()

    at_once(arrive, people)
    return {person.name.removeprefix(PREFIX): person for person in people}


@pytest.fixture(scope="session")
def ines(everybody):
    return everybody["ines"]


@pytest.fixture(scope="session")
def class_(everybody):
    """The five students."""
    return [person for name, person in everybody.items() if name != "ines"]


def at_once(act, people):
    """What `act` gives for each, all at the same time."""
    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(act, people))


@pytest.fixture(scope="session")
def released(ines):
    """The section, in the exchange."""
    for step in ("assign", "release"):
        done = ines.formgrader(SECTION, step)
        assert done["success"], done
    return SECTION


@pytest.fixture(scope="session")
def fetched(class_, released):
    """The section, in everybody's folder."""
    at_once(lambda student: student.assignments("fetch", released), class_)
    return f"{released}/{NOTEBOOK}.ipynb"


@pytest.fixture(scope="session")
def right_answers():
    """Grade id -> the right answer."""
    source = nbformat.read(ROOT / "source" / SECTION / f"{NOTEBOOK}.ipynb", as_version=4)
    return demo.right_answers(source)


@pytest.fixture(scope="session")
def submitted(class_, fetched, right_answers):
    """What five students have handed in at once: grade id -> answer, for each."""
    wrong = {"relu": "def relu(x):\n    return x"}
    answers = {
        "ada": right_answers,
        "ben": right_answers | wrong,
        "cem": {},
        "dua": {"describe": right_answers["describe"], "batch": right_answers["batch"]},
        "eva": right_answers,
    }

    def hand_in(student):
        name = student.name.removeprefix(PREFIX)
        notebook = student.read(fetched)
        for cell in notebook["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            cell["source"] = answers[name].get(grade_id, cell["source"])
        student.save(fetched, notebook)
        return student.assignments("submit", SECTION)

    return dict(zip(answers, at_once(hand_in, class_), strict=True))
