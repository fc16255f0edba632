"""The demo, rehearsed on the tiny course."""

import ast
from dataclasses import replace

import pytest
from tiny_course import ANSWERS, make_course

from dlcourse.grade import demo, samples
from dlcourse.grade.course import GradeError


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    make_course(root)
    return root


@pytest.mark.long  # `make rehearsal` is the demo on the course itself
def test_the_sample_class_is_graded_and_each_ends_as_it_should(course, capsys):
    results = demo.run_demo(course)
    assert len(results) == len(demo.CLASS)
    text = capsys.readouterr().out
    assert all(sample.student in text for sample in demo.CLASS)
    assert sorted(path.name for path in course.iterdir() if path.is_dir()) == [
        "demo",
        "release",
        "source",
    ]
    assert not (course / "submitted").exists()


def test_a_sample_that_does_not_end_as_it_should_fails_the_demo(course, monkeypatch):
    never = replace(demo.CLASS[0], ended_well=lambda result, handout: False)
    monkeypatch.setattr(demo, "CLASS", (never,))
    with pytest.raises(demo.DemoError, match="ada-all-right, 00_tiny: full marks expected"):
        demo.run_demo(course)


def test_a_folder_called_demo_that_is_somebody_elses_is_left_alone(tmp_path):
    make_course(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    with pytest.raises(GradeError, match="not from an earlier demo"):
        demo.run_demo(tmp_path)
    assert (tmp_path / "demo" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["double", "square", "total"])
def test_a_mistaken_answer_is_code_that_differs_from_the_right_one(name):
    wrong = ast.parse(samples.mistaken(ANSWERS[name]))
    assert ast.dump(wrong) != ast.dump(ast.parse(ANSWERS[name]))
