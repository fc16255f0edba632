"""`dlcourse reset` puts one exercise back as it was released, and touches nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from dlcourse.cli import main
from dlcourse.reset import ResetError, reset

ROOT = Path(__file__).resolve().parents[1]
SECTION, EXERCISE = "03_convnets", "response-map"
PARTS = [f"{EXERCISE}-prompt", EXERCISE, f"{EXERCISE}-check", f"{EXERCISE}-tests"]
ORIGINAL = ROOT / "release" / SECTION / "convnets.ipynb"
MINE = "def response_map(image, kernel):\n    return image"


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A student's notebook, in which every answer was written and every cell was run."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / SECTION / "convnets.ipynb"
    path.parent.mkdir()
    shutil.copy(ORIGINAL, path)

    def work(cells):
        for count, cell in enumerate(cells, start=1):
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                cell["source"] = [f"# Mine: {cell['id']}\n", "pass"]
            if cell["cell_type"] == "code":
                cell["execution_count"] = count
                cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["42\n"]}]
        at(cells, EXERCISE)["source"] = MINE.splitlines(keepends=True)

    change(path, work)
    return path


def read(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def change(path, edit, **top):
    """Changes the cells of a notebook in place, and writes it as JupyterLab does."""
    nb = json.loads(path.read_text("utf-8")) | top
    edit(nb["cells"])
    path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", "utf-8")


def at(cells, name):
    return next(cell for cell in cells if cell.get("id") == name)


def exercise_of(cells):
    return [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") in PARTS]


def others(path):
    """The bytes of the cells that are not the exercise's."""
    mine = exercise_of(read(path))
    return [json.dumps(cell, indent=1) for cell in read(path) if cell not in mine]


def test_its_cells_are_those_that_were_released(notebook):
    reset(SECTION, EXERCISE)
    assert exercise_of(read(notebook)) == exercise_of(read(ORIGINAL))


def test_all_else_in_the_file_stays_byte_for_byte(notebook):
    change(notebook, lambda cells: cells.insert(0, {**at(cells, "parameters"), "id": "my-own"}))
    before = notebook.read_text("utf-8")
    cells = [json.dumps(cell, indent=1, ensure_ascii=False) for cell in read(notebook)]
    reset(SECTION, EXERCISE)
    after = [json.dumps(cell, indent=1, ensure_ascii=False) for cell in read(notebook)]
    expected = before
    for old, new in zip(cells, after, strict=True):
        if old != new:
            indented = (text.replace("\n", "\n  ") for text in (old, new))
            expected = expected.replace(*indented)
    assert sum(old != new for old, new in zip(cells, after, strict=True)) == 3
    assert notebook.read_text("utf-8") == expected


def test_the_old_answer_is_kept_beside(notebook):
    said = reset(SECTION, EXERCISE)
    kept = notebook.parent / "convnets.old-answers.md"
    assert MINE in kept.read_text("utf-8")
    assert kept.name in said
    assert "Reload Notebook from Disk" in said


def test_a_second_time_changes_nothing(notebook):
    reset(SECTION, EXERCISE)
    before = {path: path.read_bytes() for path in notebook.parent.iterdir()}
    assert "nothing to do" in reset(SECTION, EXERCISE)
    assert {path: path.read_bytes() for path in notebook.parent.iterdir()} == before


def test_what_was_kept_before_stays_when_more_is_kept(notebook):
    reset(SECTION, EXERCISE)
    reset(SECTION, "parameters")
    kept = (notebook.parent / "convnets.old-answers.md").read_text("utf-8")
    assert MINE in kept
    assert "# Mine: parameters" in kept


def test_a_written_answer_is_put_back(notebook):
    reset(SECTION, "why-convnet")
    assert at(read(notebook), "why-convnet") == at(read(ORIGINAL), "why-convnet")


def test_of_a_copied_cell_one_stays_and_both_answers_are_kept(notebook):
    copy = ["# Another try"]
    change(
        notebook,
        lambda cells: cells.append({**at(cells, EXERCISE), "id": "copy", "source": copy}),
    )
    before = others(notebook)
    reset(SECTION, EXERCISE)
    assert exercise_of(read(notebook)) == exercise_of(read(ORIGINAL))
    assert others(notebook) == before
    kept = (notebook.parent / "convnets.old-answers.md").read_text("utf-8")
    assert MINE in kept
    assert copy[0] in kept


@pytest.mark.parametrize("missing", [[part] for part in PARTS] + [PARTS], ids=",".join)
def test_a_missing_cell_comes_back_at_its_place(notebook, missing):
    def delete(cells):
        cells[:] = [cell for cell in cells if cell["id"] not in missing]

    change(notebook, delete)
    before = others(notebook)
    reset(SECTION, EXERCISE)
    assert [cell["id"] for cell in read(notebook)] == [cell["id"] for cell in read(ORIGINAL)]
    assert others(notebook) == before


def test_cells_that_lost_their_metadata_are_known_by_their_ids(notebook):
    def forget(cells):
        for cell in cells:
            cell["metadata"] = {}

    change(notebook, forget)
    reset(SECTION, EXERCISE)
    assert exercise_of(read(notebook)) == exercise_of(read(ORIGINAL))
    assert len(read(notebook)) == len(read(ORIGINAL))


def test_a_notebook_of_an_older_format_gets_no_cell_ids(notebook):
    def forget(cells):
        for cell in cells:
            del cell["id"]

    change(notebook, forget, nbformat_minor=4)
    reset(SECTION, EXERCISE)
    assert [cell for cell in read(notebook) if "id" in cell] == []
    assert MINE not in notebook.read_text("utf-8")


def test_it_is_found_from_inside_its_folder_and_by_its_path(notebook, monkeypatch):
    monkeypatch.chdir(notebook.parent)
    assert "convnets.ipynb is back" in reset(SECTION, EXERCISE)
    moved = notebook.rename(notebook.with_name("my convnets.ipynb"))
    assert f"{moved} is back" in reset(SECTION, "parameters", moved)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["33_convnets", EXERCISE], "There is no section '33_convnets'. The sections are: 01_"),
        ([SECTION, "respond"], "has no exercise 'respond'. Its exercises: response-map, parameter"),
        (["09_visualizing", "any"], "Its exercises: none: it is a lesson"),
        (["01_tensors", "relu"], "There is no 01_tensors/tensors.ipynb here or above"),
        ([SECTION, EXERCISE, "--notebook", "no.ipynb"], "no.ipynb cannot be read"),
        ([SECTION, EXERCISE, "--notebook", "list.json"], "is not a notebook that can be read"),
        ([SECTION, EXERCISE, "--notebook", str(ORIGINAL)], "is the original"),
        (
            [SECTION, EXERCISE, "--notebook", str(ROOT / "source" / SECTION / "convnets.ipynb")],
            "holds hidden tests",
        ),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(notebook, arguments, said, capsys):
    Path("list.json").write_text("[1, 2]")
    before = notebook.read_bytes()
    assert main(["reset", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert notebook.read_bytes() == before


def test_an_answer_that_cannot_be_kept_stays_where_it_is(notebook):
    (notebook.parent / "convnets.old-answers.md").mkdir()
    before = notebook.read_bytes()
    with pytest.raises(ResetError, match=r"stays as it is: .*old-answers.md cannot be written"):
        reset(SECTION, EXERCISE)
    assert notebook.read_bytes() == before


def test_nothing_is_written_where_the_notebook_cannot_be_read(notebook):
    notebook.write_text(notebook.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(ResetError, match="not a notebook"):
        reset(SECTION, EXERCISE)
    assert [path.name for path in notebook.parent.iterdir()] == ["convnets.ipynb"]
