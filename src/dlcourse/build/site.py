"""The course as a web site, for students or for instructors: `python -m dlcourse.build.site`.

Nothing is executed: the pages show what `notebooks/` stores. In the student edition a graded cell
is the one of `release/`, without outputs. Sphinx makes the pages; `deploy/site/` is its
configuration, and holds all that they load, for a classroom may have no internet.
"""

import argparse
import base64
import copy
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from nbformat import NotebookNode

from dlcourse.build.sections import (
    BuildError,
    Section,
    describe,
    find_root,
    find_sections,
    grade_id,
    is_test,
    notebook_text,
    read_notebook,
)
from dlcourse.files import write_text

# The guides of each edition, in the order in which they are listed.
GUIDES = {
    "student": ("students",),
    "instructor": (
        "students",
        "instructors",
        "cluster",
        "postgresql",
        "scale",
        "jupyterhub",
        "maintainers",
        "grading",
        "attacks",
        "answers",
        "thresholds",
        "results",
        "learning_curves",
    ),
}
# Where the pictures of the pages are; what is under `extra/` comes to the top of the site.
PICTURES = "extra/pictures"
# How `dlcourse.teach.drawing` has a drawing shown.
DRAWING = re.compile(r'<img( [^>]*)src="data:image/svg\+xml;base64,([^"]+)">')


def make_site(root: Path, site: Path, edition: str) -> None:
    """Makes the site anew in the folder `site`, whole or not at all.

    edition: "student" or "instructor". Raises BuildError: a notebook is missing or out of date, or
    Sphinx found something wrong, such as a link that leads nowhere.
    """
    site.parent.mkdir(parents=True, exist_ok=True)
    # Beside the site, so that it can be renamed into its place.
    with tempfile.TemporaryDirectory(prefix=".site-", dir=site.parent) as folder:
        pages, made = Path(folder) / "pages", Path(folder) / "made"
        write_pages(root, pages, edition)
        _run_sphinx(pages, made)
        # What Sphinx keeps for its next run says more than a reader needs.
        shutil.rmtree(made / ".doctrees")
        (made / ".buildinfo").unlink(missing_ok=True)
        if site.exists():
            shutil.rmtree(site)
        made.rename(site)


def write_pages(root: Path, pages: Path, edition: str) -> None:
    """Writes what Sphinx makes the site of into the new folder `pages`; see `make_site`."""
    shutil.copytree(root / "deploy" / "site", pages)
    sections = find_sections(root)
    for section in sections:
        nb = section_page(section, edition)
        _take_pictures_out(nb, pages / PICTURES, section.name)
        write_text(pages / f"{section.name}.ipynb", notebook_text(nb))
    for guide in GUIDES[edition]:
        shutil.copy(root / "docs" / f"{guide}.md", pages)
    for picture in (*(root / "docs").glob("*.svg"), *(root / "docs" / "pictures").glob("*")):
        place = pages / picture.relative_to(root / "docs")
        place.parent.mkdir(exist_ok=True)
        shutil.copy(picture, place)
    start = (pages / "index.md").read_text("utf-8")
    start = start.replace("<!-- sections -->", _list_of_sections(root, sections))
    write_text(pages / "index.md", start + _contents(sections, edition))


def section_page(section: Section, edition: str) -> NotebookNode:
    """The notebook that the page of `section` shows in this edition."""
    nb = read_notebook(section.solved)
    if edition == "student":
        nb.cells = _for_students(section, nb.cells)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_about_a_kernel(output)]
    return nb


def _for_students(section: Section, solved: list[NotebookNode]) -> list[NotebookNode]:
    """The solved cells, but as they were released where students are asked for something."""
    released = read_notebook(section.release).cells
    if [cell.id for cell in solved] != [cell.id for cell in released]:
        raise BuildError(
            f"{section.solved.relative_to(section.root)} and "
            f"{section.release.relative_to(section.root)} do not have the same cells. "
            "Run `dlcourse build`."
        )
    return [_for_a_student(*pair) for pair in zip(solved, released, strict=True)]


def _for_a_student(solved: NotebookNode, released: NotebookNode) -> NotebookNode:
    if grade_id(released) is None and solved.source == released.source:
        return solved
    cell = copy.deepcopy(released)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        cell.metadata.tags = _look(cell, solved)
    return cell


def _look(released: NotebookNode, solved: NotebookNode) -> list[str]:
    """The tags by which the pages' style tells what is asked of a student."""
    if not is_test(released):
        return ["answer"]
    # A visible check is there to be run, and long to read; of a hidden one little is left.
    return ["hide-input"] if solved.source == released.source else []


def _is_about_a_kernel(output: NotebookNode) -> bool:
    """Whether it only says that something needs a running kernel, which no page has."""
    data = output.get("data", {})
    return set(data) == {"text/plain"} and "needs a running kernel" in data["text/plain"]


def _take_pictures_out(nb: NotebookNode, folder: Path, page: str) -> None:
    """Stored pictures become files, each a link to itself, with their alternative text."""
    folder.mkdir(parents=True, exist_ok=True)
    for cell in nb.cells:
        for number, output in enumerate(cell.get("outputs", [])):
            data, name = output.get("data", {}), f"{page}-{cell.id}-{number}"
            for mime, kind in (("image/png", "png"), ("image/jpeg", "jpg")):
                if mime in data:
                    alt = output.metadata.get(mime, {}).get("alt") or data.get("text/plain", "")
                    path = _keep(folder / f"{name}.{kind}", data.pop(mime))
                    data["text/html"] = _image(path, alt)
            if found := DRAWING.search(data.get("text/html", "")):
                path = _keep(folder / f"{name}.svg", found[2])
                data["text/html"] = _linked(path, f'<img{found[1]}src="pictures/{path.name}">')


def _keep(path: Path, encoded: str) -> Path:
    path.write_bytes(base64.b64decode(encoded))
    return path


def _image(path: Path, alt: str) -> str:
    from PIL import Image

    with Image.open(path) as picture:
        size = f'width="{picture.width}" height="{picture.height}"'
    alt = escape(alt, quote=True)
    return _linked(path, f'<img alt="{alt}" src="pictures/{path.name}" {size}>')


def _linked(path: Path, image: str) -> str:
    """On a phone a picture is small: alone it has the whole screen, and its own size."""
    return f'<a href="pictures/{path.name}">{image}</a>'


def _list_of_sections(root: Path, sections: list[Section]) -> str:
    """The sections, with what README's table says that each is about."""
    readme = (root / "README.md").read_text("utf-8")
    about = dict(re.findall(r"^\| \[`(\w+)`\]\([^)]*\) \| (.*) \|$", readme, re.MULTILINE))
    lines = []
    for section in sections:
        if section.name not in about:
            raise BuildError(f"README.md does not say in its table what {section.name} is about.")
        lines.append(f"1. **[{_title(section)}]({section.name}.ipynb)**: {about[section.name]}")
    return "\n".join(lines)


def _contents(sections: list[Section], edition: str) -> str:
    """What stands at the side of every page, in Sphinx's words."""
    numbered = [
        f"{number} {_title(section)} <{section.name}>"
        for number, section in enumerate(sections, start=1)
    ]
    return "".join([*_tree("Sections", numbered), *_tree("Guides", GUIDES[edition])])


def _tree(caption: str, entries: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n"
    yield from (f"{entry}\n" for entry in entries)
    yield "```\n"


def _title(section: Section) -> str:
    return describe(section)["title"]


def _run_sphinx(pages: Path, made: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(pages), str(made)]
    outcome = subprocess.run(command, capture_output=True, text=True)
    if outcome.returncode:
        said = outcome.stderr.replace(f"{pages}/", "").strip()
        raise BuildError(f"Sphinx could not make the site, for it found:\n{said}")


def main(arguments: list[str] | None = None) -> int:
    """Make the site; the exit status: 0 done, 2 it could not be made."""
    parser = argparse.ArgumentParser(description="The course as a web site.")
    parser.add_argument("site", type=Path, help="the folder that is made anew")
    parser.add_argument("--edition", choices=GUIDES, default="student")
    options = parser.parse_args(arguments)
    try:
        make_site(find_root(Path.cwd()), options.site, options.edition)
    except BuildError as error:
        print(f"The site was not made. {error}", file=sys.stderr)
        return 2
    print(f"The {options.edition} edition is in {options.site}: open {options.site}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
