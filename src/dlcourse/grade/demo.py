"""A sample class, handed in and graded: the whole pipeline shown on the course as it is today.

The submissions are made from the released notebooks and the solutions in source/, so that they
follow the course when its sections change. Everything happens in `demo/`.
"""

import re
import shutil
from pathlib import Path

import nbformat

from dlcourse.grade.backend import last_error, lay_config, nbgrader_api
from dlcourse.grade.course import GradeError, Result, grade_sections, start_ahead
from dlcourse.grade.notebook import grade_id
from dlcourse.grade.report import class_report
from dlcourse.grade.samples import CLASS, Handout, Sample

FOLDER = "demo"


class DemoError(Exception):
    """A sample submission did not end as it should; the message names each."""


def run_demo(root: Path) -> list[Result]:
    """Hands in and grades the sample class in `root`/demo, and prints the report.

    The course's own submissions and gradebook are not touched. Raises DemoError if a sample does
    not end as it should, GradeError if grading cannot start.
    """
    root = Path(root).resolve()
    folder = _fresh_folder(root)
    print(f"The sample class is in {folder}")
    start_ahead()
    released = [release(folder, path.name) for path in sorted((folder / "source").glob("*/"))]
    # A lesson without exercises has nothing to hand in.
    handouts = [handout for handout in released if handout.coded]
    samples = [(sample, handout) for sample in CLASS for handout in handouts[sample.sections]]
    for sample, handout in samples:
        path = folder / "submitted" / sample.student / handout.section
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{handout.notebook}.ipynb").write_text(sample.hand_in(handout), "utf-8")
    results = grade_sections(folder, {handout.section: None for handout in handouts})
    print()
    print(class_report(results, folder))
    _check(samples, results)
    print(f"All {len(samples)} submissions ended as they should.")
    return results


def _fresh_folder(root: Path) -> Path:
    folder = root / FOLDER
    if folder.exists():
        if not (folder / "nbgrader_config.py").is_file():
            raise GradeError(f"{folder} is not from an earlier demo. Move it away and try again.")
        shutil.rmtree(folder)
    folder.mkdir()
    lay_config(root, folder)
    shutil.copytree(
        root / "source", folder / "source", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    return folder


def release(folder: Path, section: str) -> Handout:
    outcome = nbgrader_api(folder).generate_assignment(section)
    if not outcome["success"]:
        raise GradeError(f"source/{section} cannot be released: {last_error(outcome)}")
    (path,) = (folder / "release" / section).glob("*.ipynb")
    source = nbformat.read(folder / "source" / section / path.name, as_version=4)
    return Handout(section, path.stem, nbformat.read(path, as_version=4), right_answers(source))


def _check(samples: list[tuple[Sample, Handout]], results: list[Result]) -> None:
    found = {(result.student, result.section): result for result in results}
    wrong = []
    for sample, handout in samples:
        result = found.get((sample.student, handout.section))
        if result is None:
            wrong.append(f"{sample.student}, {handout.section}: missing from the class")
        elif result.score is None or not sample.ended_well(result, handout):
            ended = f"{result.score} of {result.max_score}; {' '.join(result.notes) or 'no notes'}"
            wrong.append(
                f"{sample.student}, {handout.section}: {sample.expected} expected, not {ended}"
            )
    if wrong:
        raise DemoError("The demo did not end as it should:\n  " + "\n  ".join(wrong))


def right_answers(source: nbformat.NotebookNode) -> dict[str, str]:
    """Grade id -> the solution in a section's notebook, as a student would have it."""
    return {
        grade_id(cell): without_markers(cell.source)
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def without_markers(source: str) -> str:
    """A solution cell's text as a student would have it: without the lines around solutions."""
    lines = source.split("\n")
    return "\n".join(line for line in lines if not re.match(r"\s*### (BEGIN|END) SOLUTION", line))
