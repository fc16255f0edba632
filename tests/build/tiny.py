"""A course of one small section, for tests that break it in one place."""

import shutil
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlcourse.build.sections import Section, notebook_text
from dlcourse.files import write_text

ROOT = Path(__file__).resolve().parents[2]

ANSWER = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    twice_the_number = x + x
    return twice_the_number
    ### END SOLUTION'''
CHECK = "assert double(2) == 4"
TESTS = """# Hidden tests run when you hand in.
### BEGIN HIDDEN TESTS
for number in (0, -1, 2.5):
    assert double(number) == number * 2, "double adds x to itself"
### END HIDDEN TESTS"""


def graded(cell, **options):
    """The cell with nbgrader's metadata, its grade_id the cell's own id."""
    metadata = {"schema_version": 3, "grade": False, "locked": False, "solution": False}
    cell.metadata["nbgrader"] = metadata | {"task": False, "grade_id": cell.id} | options
    return cell


def code(cell_id, source, kind="structural"):
    return new_code_cell(source, id=cell_id, metadata={"tags": [kind]})


def tiny_notebook():
    """A section with a lesson of two cells and one exercise of three points."""
    cells = [
        new_markdown_cell("# Doubling\n\nTwenty-one doubled is 42.", id="title"),
        code("lesson", "print(21 * 2)"),
        code("luck", "import random\n\nprint(random.random())", kind="training"),
        graded(new_markdown_cell("### Double (3 points)", id="double-prompt"), locked=True),
        graded(code("double", ANSWER), solution=True),
        graded(code("double-check", CHECK), grade=True, locked=True, points=1),
        graded(code("double-tests", TESTS), grade=True, locked=True, points=2),
    ]
    kernelspec = {"display_name": "DL Practical", "language": "python", "name": "dlcourse"}
    metadata = {"kernelspec": kernelspec, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def make_course(root: Path) -> Section:
    """The tiny course in the folder `root`, not built yet."""
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "src" / "dlcourse").mkdir(parents=True)
    section = Section(root, "01_doubling", "doubling")
    write_text(section.source, notebook_text(tiny_notebook()))
    return section
