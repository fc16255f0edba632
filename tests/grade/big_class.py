"""A class of any size, a third of it broken or hostile.

`python big_class.py FOLDER [--students 60] [--sections 3]` lays out a course in FOLDER with
the first sections of source/ and hands in for each invented student: honest ones have each answer
right, wrong or not begun, by their own skill; the others hand in what mail programs, full disks and
mischief make of a notebook, something else for each section.
"""

import argparse
import copy
import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat

from dlcourse.grade import demo
from dlcourse.grade.backend import lay_config
from dlcourse.grade.notebook import grade_id
from dlcourse.grade.samples import CLASS, Handout, Sample, mistaken

ROOT = Path(__file__).resolve().parents[2]
# What honest students are: the share of answers that are right, and of those that are wrong.
SKILLS = ((1, 0), (0.9, 0.1), (0.75, 0.15), (0.6, 0.3), (0.4, 0.3), (0.2, 0.5))


def honest(handout: Handout, rng: random.Random) -> str:
    """A notebook with answers as good as a skill says."""
    right, wrong = rng.choice(SKILLS)
    nb = copy.deepcopy(handout.released)
    for cell in nb.cells:
        if (name := grade_id(cell)) in handout.answers:
            luck = rng.random()
            answer = handout.answers[name]
            if luck < right:
                cell.source = answer
            elif luck < right + wrong and cell.cell_type == "code":
                cell.source = mistaken(answer)
    return nbformat.writes(nb)


def _zipped(folder: Path, name: str, text: str, handout: Handout) -> None:
    with zipfile.ZipFile(folder / "homework.zip", "w") as file:
        file.writestr(f"homework/{name}", text)


def _bomb(folder: Path, name: str, text: str, handout: Handout) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, b" " * 2**29)
    (folder / "bomb.zip").write_bytes(packed.getvalue())


def _file(change: Callable[[str], str | bytes], name: str = "") -> Callable:
    """Writes what `change` makes of the notebook's text, under another name if one is given."""

    def write(folder: Path, right: str, text: str, handout: Handout) -> None:
        content = change(text)
        path = folder / (name or right)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def _twice(folder: Path, name: str, text: str, handout: Handout) -> None:
    (folder / name).write_text(text)
    (folder / f"{Path(name).stem}-Copy1.ipynb").write_text(text.replace("return", "return 0 *"))


def _linked(folder: Path, name: str, text: str, handout: Handout) -> None:
    (folder / name).symlink_to("/etc/passwd")


def _folder(folder: Path, name: str, text: str, handout: Handout) -> None:
    (folder / name).mkdir()
    (folder / name / "notes.txt").write_text("Where is my notebook?")


def _pipe(folder: Path, name: str, text: str, handout: Handout) -> None:
    os.mkfifo(folder / name)


def _without_kernel(text: str) -> str:
    nb = json.loads(text)
    nb["metadata"] = {"kernelspec": {"name": "julia-9", "display_name": "?", "language": "julia"}}
    return json.dumps(nb)


def _format(number: int) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | {"nbformat": number})


def _large(text: str) -> str:
    nb = json.loads(text)
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (100 * 2**20)}
    nb["cells"][2].update(cell_type="code", outputs=[output], execution_count=1)
    return json.dumps(nb)


def _sample(sample: Sample) -> Callable:
    """Writes what one of the demo's students hands in."""

    def write(folder: Path, name: str, text: str, handout: Handout) -> None:
        (folder / name).write_text(sample.hand_in(handout), "utf-8")

    return write


# How files come: name -> what writes the right notebook's text into the folder.
BROKEN = {
    "empty-file": _file(lambda text: ""),
    "half-a-file": _file(lambda text: text[: len(text) // 2]),
    "binary": _file(lambda text: bytes(range(256)) * 40),
    "bad-utf8": _file(lambda text: text.encode()[:900] + b"\xff\xfe" + text.encode()[900:]),
    "nested": _file(lambda text: "[" * 10_000 + "]" * 10_000),
    "format-3": _file(_format(3)),
    "format-99": _file(_format(99)),
    "other-kernel": _file(_without_kernel),
    "renamed": _file(str, "My Homework FINAL (2).ipynb"),
    "in-a-subfolder": _file(str, "week one/handed in/notebook.ipynb"),
    "zipped": _zipped,
    "zip-bomb": _bomb,
    "twice": _twice,
    "link": _linked,
    "folder": _folder,
    "pipe": _pipe,
    "nothing": _file(lambda text: "Sorry.", "sorry.txt"),
    "large": _file(_large),
}


def hand_in(folder: Path, students: int, sections: int, seed: int = 1) -> int:
    """Makes the course in the new folder `folder`; the number of submissions."""
    folder.mkdir(parents=True)
    lay_config(ROOT, folder)
    names = sorted(path.name for path in (ROOT / "source").glob("*/"))[:sections]
    for name in names:
        shutil.copytree(ROOT / "source" / name, folder / "source" / name)
    handouts = [demo.release(folder, name) for name in names]
    odd = [*BROKEN.values(), *(_sample(sample) for sample in CLASS[3:])]
    kind = 0
    for number in range(students):
        student = f"student-{number:03}-{'odd' if number % 3 == 2 else 'honest'}"
        for handout in handouts:
            rng = random.Random(f"{seed} {number} {handout.section}")
            place = folder / "submitted" / student / handout.section
            place.mkdir(parents=True)
            write = _file(str)
            if number % 3 == 2:
                write, kind = odd[kind % len(odd)], kind + 1
            write(place, f"{handout.notebook}.ipynb", honest(handout, rng), handout)
    return students * sections


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--sections", type=int, default=3)
    options = parser.parse_args()
    number = hand_in(options.folder, options.students, options.sections)
    print(f"{number} submissions; now run `dlcourse grade` in {options.folder}")


if __name__ == "__main__":
    main()
