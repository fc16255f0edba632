"""What Canvas and Moodle are given to import."""

import csv
import logging

import pytest
from bare_course import add_section, gradebook, hand_in, make_bare_course
from nbgrader.apps import ExportApp
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config

from dlcourse.grade.exports import CanvasExporter, MoodleExporter, inert


@pytest.fixture
def course(tmp_path):
    root = make_bare_course(tmp_path)
    with gradebook(root) as book:
        for section, points in {"02_b": {"u": 3}, "01_a": {"x": 4, "y": 6}, "09_c": {}}.items():
            add_section(book, section, points)
        book.add_student("ann", first_name="Ann", last_name="Ådahl", email="ann@uni.example")
        book.add_student("ben", first_name="=cmd()", last_name="Bo, the 2nd", lms_user_id="4711")
        book.add_student("cat", email="cat@uni.example", lms_user_id="cat-17")
        hand_in(book, "01_a", "ann", x=4, y=6)
        hand_in(book, "01_a", "ben", penalty=0.25, x=1, y=2 / 3)
        hand_in(book, "01_a", "cat", penalty=9, x=1, y=0)
        hand_in(book, "02_b", "ann")
        hand_in(book, "02_b", "cat", u=0)
        book.find_grade("y", "n", "01_a", "ann").manual_score = 1.5
        book.db.commit()
    return root


def export(course, exporter, **traits):
    """The rows of what an exporter writes, configured as on a command line."""
    to = course / "grades.csv"
    traits = {"to": str(to), **traits}
    plugin = exporter(config=Config({exporter.__name__: traits}))
    with gradebook(course) as book:
        plugin.export(book)
    assert [path.name for path in course.glob("*grades*")] == ["grades.csv"]
    with to.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_gets_its_columns_the_points_possible_and_a_row_for_each_student(course):
    heading, possible, *rows = export(course, CanvasExporter)
    assert heading == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_a", "02_b"]
    assert possible == ["    Points Possible", "", "", "", "", "10", "3"]
    assert sorted(rows) == [
        ["Bo, the 2nd, =cmd()", "4711", "", "ben", "", "1.4167", ""],
        # What is no number of Canvas's stays out of its column, where it would be taken for one.
        ["cat", "", "", "cat", "", "0", "0"],
        ["Ådahl, Ann", "", "", "ann", "", "5.5", ""],
    ]


def test_canvas_finds_students_and_assignments_by_what_they_are_called_there(course):
    columns = {"01_a": "Tensors (12)"}
    heading, _, *rows = export(course, CanvasExporter, match="SIS User ID", columns=columns)
    assert heading[5:] == ["Tensors (12)", "02_b"]
    assert [(row[2], row[3]) for row in sorted(rows)] == [("ben", ""), ("cat", ""), ("ann", "")]


def test_moodle_gets_dashes_where_there_is_no_grade(course):
    heading, *rows = export(course, MoodleExporter)
    assert heading == ["Username", "First name", "Last name", "01_a", "02_b"]
    assert sorted(rows) == [
        ["ann", "Ann", "Ådahl", "5.5", "-"],
        ["ben", "'=cmd()", "Bo, the 2nd", "1.4167", "-"],
        ["cat", "", "", "0", "0"],
    ]


def test_moodle_gets_no_row_without_the_address_that_says_whose_it_is(course, caplog):
    with caplog.at_level(logging.WARNING):
        heading, *rows = export(course, MoodleExporter, match="Email address", out_of=100)
    assert heading[0] == "Email address"
    assert sorted(row[0] for row in rows) == ["ann@uni.example", "cat@uni.example"]
    assert ["55", "-"] in [row[3:] for row in rows]
    assert "ben is left out: no e-mail address." in caplog.text


@pytest.mark.parametrize("exporter", [CanvasExporter, MoodleExporter])
def test_sections_and_students_are_chosen_as_for_nbgraders_own_csv(course, exporter):
    chosen = {"assignment": ["02_b"], "student": ["cat"]}
    rows = export(course, exporter, **chosen)
    assert rows[0][-1] == "02_b"
    assert "01_a" not in rows[0]
    own = export(course, CsvExportPlugin, **chosen)
    assert [row[3] for row in own[1:]] == ["cat"]
    assert len([row for row in rows if "cat" in row]) == len(own) - 1 == 1
    assert not any("ann" in row or "ben" in row for row in rows)


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_compute_is_text(cell):
    assert inert(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-1.5", "-", "17", "", "a=1", "    Points Possible"])
def test_numbers_and_plain_text_stay_as_they_are(cell):
    assert inert(cell) == cell


def test_a_file_that_cannot_be_finished_leaves_the_old_one(course, monkeypatch):
    (course / "grades.csv").write_text("old")
    # No half of a pair can be written in UTF-8.
    monkeypatch.setattr(CanvasExporter, "rows", lambda *_: [["fine"], ["\ud800"]])
    with pytest.raises(UnicodeEncodeError):
        export(course, CanvasExporter)
    assert (course / "grades.csv").read_text() == "old"


def test_nbgraders_command_takes_the_exporters_by_name(course, monkeypatch):
    monkeypatch.chdir(course)
    app = ExportApp()
    arguments = ["--exporter=dlcourse.grade.exports.CanvasExporter", "--to=canvas.csv"]
    app.initialize([*arguments, "--CanvasExporter.columns=01_a=Tensors (12)", "--assignment=01_a"])
    app.start()
    assert "Section,Tensors (12)\n" in (course / "canvas.csv").read_text()
