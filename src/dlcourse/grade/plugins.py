"""The parts of nbgrader that have traps, replaced; `nbgrader_config.py` switches them on."""

import re
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode, v4
from nbgrader import utils
from nbgrader.api import Grade, Gradebook, Notebook
from nbgrader.preprocessors import (
    ClearHiddenTests,
    NbGraderPreprocessor,
)
from traitlets.config import Configurable

from dlcourse.grade.masters import Master, Place, restore
from dlcourse.grade.notebook import (
    grade_id,
    is_left_out,
    notes,
    read_or_say_why_not,
    repairs,
    source_cells,
    unreadable,
)
from dlcourse.grade.verdicts import KEY as VERDICTS
from dlcourse.grade.verdicts import Verdict, taken_verdicts

# Errors whose message says it all: those of `dlcourse.check`, and our own.
WRITTEN_FOR_STUDENTS = (
    "CheckFailed",
    "NotStarted",
    "ArgumentChanged",
    "FaultyTest",
    "CellTimeoutError",
    "AnswerLost",
    "TestEnded",
    "NotExecuted",
    "KernelStopped",
)
# Messages should be readable, and pictures visible, without scrolling sideways.
STYLE = (
    "div.output_area pre { white-space: pre-wrap; } div.output_area img { max-width: 100%; } "
    "div.output_area td, div.output_area th { padding-right: 1em; }"
)


class SubmissionExporter(NotebookExporter):
    """Reads a submission whatever is in it.

    A file that is no notebook is replaced by one that says why. It goes through the same steps,
    so that it ends with a grade (0), feedback, and a place in formgrader like any other.
    """

    def from_filename(self, filename, resources=None, **kw):
        # nbgrader comes twice: with what was handed in, and with what it has made of that.
        if not self.parent._sanitizing:
            return super().from_filename(filename, resources=resources, **kw)
        path = Path(filename)
        root = Path(self.parent.coursedir.root)
        self._name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
        self._drop_what_links_named(path.parent, resources["nbgrader"])
        if path.is_symlink():
            nb = unreadable(f"{self._name} is a link: links are not followed, so hand in the file")
            return self.from_notebook_node(nb, resources=resources, **kw)
        return super().from_filename(filename, resources=resources, **kw)

    def from_file(self, file_stream, resources=None, **kw):
        if not self.parent._sanitizing:
            return super().from_file(file_stream, resources=resources, **kw)
        nb = read_or_say_why_not(file_stream, self._name)
        return self.from_notebook_node(nb, resources=resources, **kw)

    def _drop_what_links_named(self, given: Path, info: dict) -> None:
        """nbgrader has copied what links lead to, which may be what no student should see."""
        coursedir = self.parent.coursedir
        own = Path(coursedir.format_path(coursedir.source_directory, ".", info["assignment"]))
        copied = Path(self.parent._format_dest(info["assignment"], info["student"]))
        for name in (path.relative_to(given) for path in given.rglob("*") if path.is_symlink()):
            if not (own / name).exists():
                (copied / name).unlink(missing_ok=True)


class StepByStep:
    """For exporters of judged notebooks: steps work on one copy, with no validation in between."""

    def _preprocess(self, nb, resources):
        for step in self._preprocessors:
            nb, resources = step(nb, resources)
        return nb, resources


class JudgedExporter(StepByStep, NotebookExporter):
    """Has a submission that has been judged pass through the steps that are left."""


class RestoreCells(NbGraderPreprocessor):
    """Puts the instructor's cells right again: edited, retyped, missing or duplicated ones.

    It stands for nbgrader's DeduplicateIds and OverwriteCells, which fail on missing and on some
    edited cells. A cell is known by its `grade_id`, else by its notebook cell id. Afterwards

    - locked cells have the instructor's text, and every known cell the instructor's metadata;
    - graded cells that were missing are back, before the next of the course's own cells, so that
      they come after the answer, also after one that was typed into a new cell;
    - of several copies of one cell, one is graded. Of a locked cell that is the original rather
      than a pasted copy; of an answer the last one that differs from the scaffold, which is the one
      that counts when the notebook runs from top to bottom. The other copies run as plain cells;
    - no cell asks to be skipped.
    """

    def preprocess(self, nb, resources):
        info = resources["nbgrader"]
        places = places_of(source_cells(self.parent.parent.coursedir, info))
        with Gradebook(info["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(info["notebook"], info["assignment"])
            masters = masters_of(notebook, places, self)
        restore(nb, masters, places)
        return nb, resources


def places_of(cells: list[NotebookNode]) -> list[Place]:
    """The course's cells in the order of source/, since the gradebook keeps none."""
    return [Place(cell.get("id"), grade_id(cell)) for cell in cells]


def masters_of(notebook: Notebook, places: list[Place], parent: Configurable) -> dict[str, Master]:
    """The cells of a notebook as the gradebook has them, by name; `parent` lends its config."""
    cell_ids = {place.name: place.cell_id for place in places if place.name}
    graded, solutions, tasks = (
        {cell.name: cell for cell in cells}
        for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
    )
    masters = {}
    for cell in notebook.source_cells:
        info = NotebookNode(
            schema_version=3,
            grade_id=cell.name,
            grade=cell.name in graded,
            solution=cell.name in solutions,
            task=cell.name in tasks,
            locked=cell.locked,
            checksum=cell.checksum,
            cell_type=cell.cell_type,
        )
        if counted := graded.get(cell.name) or tasks.get(cell.name):
            info.points = counted.max_score
        released = without_hidden_tests(cell.source, parent)
        masters[cell.name] = Master(info, cell.source, released, cell_ids.get(cell.name))
    return masters


def without_hidden_tests(source: str, parent: Configurable) -> str:
    """The text of a test cell as students get it; `parent` lends its configuration."""
    cell = NotebookNode(source=source)
    ClearHiddenTests(parent=parent)._remove_hidden_test_region(cell)
    return cell.source


class GivenVerdicts(NbGraderPreprocessor):
    """Takes the verdicts that a judged notebook carries, where others would run it."""

    def preprocess(self, nb, resources):
        resources[VERDICTS] = taken_verdicts(nb)
        return nb, resources


class SaveGrades(NbGraderPreprocessor):
    """Writes the points of a graded submission into the gradebook.

    Those of a test are its verdict's; nothing that a cell shows counts. A written answer earns its
    points until a grader says otherwise, and a test without a verdict nothing. All are written at
    once, or none.
    """

    def preprocess(self, nb, resources):
        info = resources["nbgrader"]
        verdicts = resources.get(VERDICTS, {})
        with Gradebook(info["db_url"]) as gradebook:
            place = (info["notebook"], info["assignment"])
            released = gradebook.find_notebook(*place)
            scaffolds = {cell.name: cell.source for cell in released.source_cells}
            submitted = gradebook.find_submission_notebook(*place, info["student"])
            grades = {grade.name: grade for grade in submitted.grades}
            comments = {comment.name: comment for comment in submitted.comments}
            for cell in nb.cells:
                name = grade_id(cell)
                if utils.is_grade(cell):
                    points = auto_score(cell, scaffolds[name], verdicts.get(name))
                    _enter_score(grades[name], points)
                if utils.is_solution(cell) or utils.is_task(cell):
                    comments[name].auto_comment = _auto_comment(cell)
            gradebook.db.commit()
        return nb, resources


def _enter_score(grade: Grade, points: float | None) -> None:
    grade.auto_score = points
    # Whoever scored an earlier version by hand should look again.
    grade.needs_manual_grade = grade.manual_score is not None or points is None


def _auto_comment(cell: NotebookNode) -> str | None:
    """What nbgrader itself has to say of an answer."""
    untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return "No response." if untouched and not utils.is_task(cell) else None


def auto_score(cell: NotebookNode, scaffold: str, verdict: Verdict | None) -> float | None:
    """The points that a graded cell earns; None where only a person can tell.

    `scaffold` is the text that a written question was released with; `verdict` the test's.
    """
    most = float(cell.metadata.nbgrader["points"])
    if cell.cell_type == "markdown":
        return most if is_answered(cell.source, scaffold) else 0.0
    if cell.cell_type != "code" or utils.is_solution(cell):
        return utils.determine_grade(cell)[0]
    return verdict.points(most) if verdict else 0.0


def is_answered(text: str, scaffold: str) -> bool:
    """Whether `text` has a line with a word in it that the scaffold does not have."""
    given = {line.strip() for line in scaffold.splitlines()}
    lines = (line.strip() for line in text.splitlines())
    return any(line not in given and re.search(r"\w", line) for line in lines)


class ReadGrades(NbGraderPreprocessor):
    """nbgrader's GetGrades, which brings scores and comments to feedback, with fewer questions."""

    def preprocess(self, nb, resources):
        info = resources["nbgrader"]
        with Gradebook(info["db_url"]) as gradebook:
            place = (info["notebook"], info["assignment"], info["student"])
            submitted = gradebook.find_submission_notebook(*place)
            penalty = submitted.late_submission_penalty or 0
            info.update(score=submitted.score - penalty, max_score=submitted.max_score)
            info["late_penalty"] = penalty
            grades = {grade.name: grade for grade in submitted.grades}
            comments = {comment.name: comment.comment for comment in submitted.comments}
            for cell in nb.cells:
                name = grade_id(cell)
                if name in comments:
                    cell.metadata.nbgrader["comment"] = comments[name]
                if name in grades:
                    cell.metadata.nbgrader["score"] = grades[name].score
                    cell.metadata.nbgrader["points"] = grades[name].max_score
        return nb, resources


class StudentView(NbGraderPreprocessor):
    """Makes an autograded notebook fit for its student's eyes.

    Hidden tests go, with whatever their cell printed, and tracebacks through them shrink to their
    message. The course's own cells that were not run go too. The notes open the page. It needs the
    scores of ReadGrades and the style sheets of CSSHTMLHeaderPreprocessor, and comes after both.
    """

    def preprocess(self, nb, resources):
        nb, resources = super().preprocess(nb, resources)
        said = [*repairs(nb), *notes(nb)]
        shown = [cell for cell in nb.cells if not is_left_out(cell)]
        if left_out := len(nb.cells) - len(shown):
            said.append(
                f"Not shown: {left_out} of the course's own cells that nothing graded uses."
            )
        nb.cells = shown
        if said:
            lines = "\n".join(f"- {line}" for line in said)
            text = f"**About this submission**\n\n{lines}"
            nb.cells.insert(0, v4.new_markdown_cell(text))
        resources["inlining"]["css"].append(STYLE)
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code" or not utils.is_grade(cell):
            return cell, resources
        shown = without_hidden_tests(cell.source, self)
        if shown != cell.source:
            cell.source = shown.strip() or "# Hidden tests"
            cell.outputs = [out for out in cell.outputs if out.output_type == "error"]
            for output in cell.outputs:
                output.traceback = [_message(output)]
            if not cell.outputs and cell.metadata.nbgrader.get("score"):
                cell.outputs = [v4.new_output("stream", name="stdout", text="✅ passed")]
        return cell, resources


def _message(error: NotebookNode) -> str:
    """The one thing that a student may see of an error in a hidden test."""
    return error.evalue if error.ename in WRITTEN_FOR_STUDENTS else f"{error.ename}: {error.evalue}"
