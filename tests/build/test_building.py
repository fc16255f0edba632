import json
import shutil
from dataclasses import replace

import nbformat
import pytest
from tiny import make_course

from dlcourse.build import BuildError, build, find_root, find_sections, lint, stale


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    """The tiny course, built and executed on drawn data."""
    course = make_course(tmp_path_factory.mktemp("built"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCOURSE_SOURCE", "synthetic")
        build(course.root)
    return course


@pytest.fixture
def built(built_once, tmp_path, monkeypatch):
    """A copy of it, to be changed."""
    monkeypatch.setenv("DLCOURSE_SOURCE", "synthetic")
    shutil.copytree(built_once.root, tmp_path, dirs_exist_ok=True)
    return replace(built_once, root=tmp_path)


def cell(path, cell_id):
    nb = nbformat.read(path, as_version=4)
    return next(cell for cell in nb.cells if cell.id == cell_id)


def test_a_built_course_is_fresh_and_clean(built):
    assert list(stale(built.root)) == []
    assert lint(built.root) == []


def test_a_release_holds_the_scaffold_and_neither_solution_nor_hidden_tests(built):
    text = built.release.read_text()
    assert "raise NotImplementedError" in cell(built.release, "double").source
    assert "twice_the_number" not in text
    assert "double adds x to itself" not in text


def test_a_second_build_changes_no_release(built):
    before = built.release.read_bytes()
    assert build(built.root, run=False) == []
    assert built.release.read_bytes() == before


def test_a_solved_notebook_is_executed_and_says_nothing_of_nbgrader(built):
    lesson = cell(built.solved, "lesson")
    assert lesson.outputs[0].text == "42\n"
    assert "### BEGIN" not in built.solved.read_text()
    assert cell(built.solved, "double").source.count("twice_the_number") == 2


def test_kinds_become_the_tags_that_nbval_knows(built):
    assert cell(built.solved, "lesson").metadata.tags == ["structural", "nbval-check-output"]
    assert cell(built.solved, "luck").metadata.tags == ["training", "nbval-ignore-output"]


def test_the_registry_says_what_the_sections_ask(built):
    registry = json.loads((built.root / "src/dlcourse/sections.json").read_text())
    assert registry["01_doubling"] == {
        "notebook": "doubling",
        "title": "Doubling",
        "data": "mnist",
        "points": 3,
        "exercises": {"double": {"check": 1, "tests": 2}},
        "written": {},
    }


def test_a_lesson_without_exercises_is_built_and_asks_for_nothing(course):
    nb = nbformat.read(course.source, as_version=4)
    nb.cells = [cell for cell in nb.cells if "nbgrader" not in cell.metadata]
    nbformat.write(nb, course.source)
    build(course.root, run=False)
    registry = json.loads((course.root / "src/dlcourse/sections.json").read_text())
    asked = registry["01_doubling"]
    assert (asked["points"], asked["exercises"], asked["written"]) == (0, {}, {})
    assert len(nbformat.read(course.release, as_version=4).cells) == len(nb.cells)
    assert lint(course.root) == []


def test_a_changed_letter_in_a_release_is_named_by_file_and_cell(built):
    built.release.write_text(built.release.read_text().replace("Twice x", "Twice y"))
    assert list(stale(built.root)) == [
        "release/01_doubling/doubling.ipynb, cell double: differs from what source/ generates. "
        "Change source/, then run `dlcourse build`."
    ]


def test_a_changed_letter_in_a_solved_notebook_is_named_by_file_and_cell(built):
    built.solved.write_text(built.solved.read_text().replace("Twice x", "Twice y"))
    assert "notebooks/01_doubling.ipynb, cell double: is not the solved cell" in next(
        stale(built.root)
    )


def test_a_changed_letter_in_the_registry_is_named(built):
    registry = built.root / "src/dlcourse/sections.json"
    registry.write_text(registry.read_text().replace("Doubling", "Trebling"))
    assert "src/dlcourse/sections.json: differs" in next(stale(built.root))


def test_a_missing_release_is_named(built):
    built.release.unlink()
    assert "doubling.ipynb is missing. Run `dlcourse build`" in next(stale(built.root))


def test_a_notebook_that_no_section_generates_is_named(built):
    (built.root / "notebooks" / "old.ipynb").write_text(built.solved.read_text())
    assert "notebooks/old.ipynb: no section in source/ generates it" in next(stale(built.root))


def test_checking_touches_nothing(built):
    before = {path: path.stat().st_mtime_ns for path in built.root.rglob("*")}
    list(stale(built.root))
    assert {path: path.stat().st_mtime_ns for path in built.root.rglob("*")} == before


def test_a_cell_that_fails_stops_the_build_by_name_and_keeps_the_old_notebook(built, edit):
    before = built.solved.read_bytes()
    edit(built.source, "lesson", lambda c: c.update(source="raise ValueError('no data')"))
    with pytest.raises(BuildError, match=r"doubling.ipynb, cell lesson failed: .*no data"):
        build(built.root)
    assert built.solved.read_bytes() == before


def test_an_unknown_section_is_answered_with_the_known_ones(course):
    with pytest.raises(BuildError, match="no section '02_nothing'. Sections: 01_doubling."):
        find_sections(course.root, ["02_nothing"])


def test_the_root_is_found_from_inside_the_course(course):
    assert find_root(course.source.parent) == course.root


def test_outside_the_course_the_error_says_where_to_go(tmp_path):
    with pytest.raises(BuildError, match="is not inside the course"):
        find_root(tmp_path)
