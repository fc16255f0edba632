"""The web site: what students may see of the course, and pages that work without internet."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from tiny import make_course

from dlcourse.build import BuildError, find_sections
from dlcourse.build.lint import hidden_lines
from dlcourse.build.sections import grade_id, notebook_text, read_notebook
from dlcourse.build.site import GUIDES, make_site, section_page, write_pages
from dlcourse.files import write_text

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = find_sections(ROOT)
GRADED = [section for section in SECTIONS if any(hidden_lines(read_notebook(section.source)))]


def secrets(section):
    """The lines of its solutions, written answers and hidden tests that no student is given."""
    return set(hidden_lines(read_notebook(section.source)))


def lines(nb):
    """All that a page says, line by line: text, code and what the code showed."""
    said = [cell.source for cell in nb.cells]
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            said += [output.get("text", ""), *map(str, output.get("data", {}).values())]
    return {line.strip() for text in said for line in text.splitlines()}


def cells_that_are_graded(section):
    return {cell.id for cell in read_notebook(section.release).cells if grade_id(cell)}


@pytest.mark.parametrize("section", GRADED, ids=lambda section: section.name)
def test_a_students_page_has_no_line_of_a_solution_or_a_hidden_test(section):
    assert lines(section_page(section, "student")) & secrets(section) == set()


@pytest.mark.parametrize("section", GRADED, ids=lambda section: section.name)
def test_an_instructors_page_has_all_of_them(section):
    assert secrets(section) - lines(section_page(section, "instructor")) == set()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_graded_cell_is_the_released_one_without_outputs(section):
    graded = cells_that_are_graded(section)
    page = {cell.id: cell for cell in section_page(section, "student").cells}
    for cell in read_notebook(section.release).cells:
        if cell.id in graded:
            assert page[cell.id].source == cell.source
            assert not page[cell.id].get("outputs")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_what_is_not_graded_shows_what_it_showed_when_it_ran(section):
    graded = cells_that_are_graded(section)
    student, instructor = (section_page(section, edition).cells for edition in GUIDES)
    shown = [cell for cell in student if cell.id not in graded]
    assert any(cell.get("outputs") for cell in shown)
    assert shown == [cell for cell in instructor if cell.id not in graded]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_explorer_is_there_as_a_picture(section):
    cells = section_page(section, "student").cells
    explorers = [cell for cell in cells if re.search(r"^\w+_explorer\(", cell.source, re.MULTILINE)]
    assert explorers
    for cell in explorers:
        kinds = {kind for output in cell.outputs for kind in output.data}
        assert kinds & {"image/png", "image/jpeg", "text/html"}, cell.id


def test_a_release_that_is_older_than_the_solved_notebook_is_refused(tmp_path):
    section = make_course(tmp_path)
    nb = read_notebook(section.source)
    write_text(section.solved, notebook_text(nb))
    nb.cells.pop()
    write_text(section.release, notebook_text(nb))
    with pytest.raises(BuildError, match="do not have the same cells. Run `dlcourse build`."):
        section_page(section, "student")


@pytest.fixture
def small(tmp_path):
    """A course of one solved section, with what a site is made of."""
    root = tmp_path / "course"
    root.mkdir()
    section = make_course(root)
    nb = read_notebook(section.source)
    for path in (section.solved, section.release):
        write_text(path, notebook_text(nb))
    shutil.copytree(ROOT / "deploy" / "site", root / "deploy" / "site")
    shutil.copytree(ROOT / "docs", root / "docs")
    row = f"| [`{section.name}`](notebooks/{section.name}.ipynb) | twice a number |\n"
    write_text(root / "README.md", row)
    return section


def test_a_stored_picture_becomes_a_file_with_its_alternative_text(small, tmp_path):
    nb = read_notebook(small.solved)
    data = {"image/png": PIXEL, "text/plain": "a dot"}
    shown = nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": 'a "dot"'}})
    nb.cells[1].outputs = [shown]
    write_text(small.solved, notebook_text(nb))
    write_pages(small.root, tmp_path / "pages", "student")
    page = read_notebook(tmp_path / "pages" / "01_doubling.ipynb")
    image = BeautifulSoup(page.cells[1].outputs[0].data["text/html"], "html.parser").img
    assert image["alt"] == 'a "dot"'
    assert (tmp_path / "pages" / "extra" / image["src"]).is_file()


@pytest.mark.parametrize("edition", GUIDES)
def test_each_edition_has_its_own_guides(small, tmp_path, edition):
    write_pages(small.root, tmp_path / "pages", edition)
    there = {path.stem for path in (tmp_path / "pages").glob("*.md")}
    assert there == {"index", *GUIDES[edition]}


def test_a_section_that_the_readme_does_not_list_is_refused(small, tmp_path):
    write_text(small.root / "README.md", "")
    with pytest.raises(BuildError, match="what 01_doubling is about"):
        write_pages(small.root, tmp_path / "pages", "student")


def test_a_site_with_a_link_that_leads_nowhere_is_not_made(small, tmp_path):
    write_text(small.root / "docs" / "students.md", "# For students\n\n[lost](lost.md)\n")
    site = tmp_path / "build" / "site"
    write_text(site / "index.html", "the site as it was")
    with pytest.raises(BuildError, match="students.md.*lost.md"):
        make_site(small.root, site, "student")
    assert [path.name for path in site.parent.iterdir()] == ["site"]
    assert (site / "index.html").read_text("utf-8") == "the site as it was"


@pytest.mark.long
def test_a_new_edition_leaves_nothing_of_the_one_before(small, tmp_path):
    for edition in ("instructor", "student"):
        make_site(small.root, tmp_path / "site", edition)
    assert not (tmp_path / "site" / "grading.html").exists()
    assert (tmp_path / "site" / "students.html").exists()


@pytest.fixture(scope="module", params=GUIDES)
def site(request, tmp_path_factory):
    """(edition, the folder of the whole course's site, its pages by name)."""
    folder = tmp_path_factory.mktemp(request.param) / "site"
    make_site(ROOT, folder, request.param)
    pages = {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}
    soups = {name: BeautifulSoup(text, "html.parser") for name, text in pages.items()}
    return request.param, folder, soups


@pytest.mark.long
def test_the_front_page_leads_to_every_section_and_guide(site):
    edition, _, pages = site
    links = [link["href"] for link in pages["index.html"].select("aside a, article a")]
    wanted = [*(section.name for section in SECTIONS), *GUIDES[edition]]
    assert {f"{name}.html" for name in wanted} <= set(links)
    assert set(pages) == {f"{name}.html" for name in [*wanted, "index", "search"]}


@pytest.mark.long
def test_solutions_are_in_the_instructors_site_and_not_in_the_students(site):
    edition, _, pages = site
    found = {}
    for section in GRADED:
        said = set(map(str.strip, pages[f"{section.name}.html"].get_text().splitlines()))
        found[section.name] = len(said & secrets(section))
    if edition == "student":
        assert set(found.values()) == {0}
    else:
        assert min(found.values()) > 20


@pytest.mark.long
def test_every_link_holds(site):
    _, folder, pages = site
    places = {name: {tag["id"] for tag in soup.select("[id]")} for name, soup in pages.items()}
    broken = []
    for name, soup in pages.items():
        addresses = {tag.get("href") or tag.get("src") for tag in soup.select("[href], [src]")}
        for parts in map(urlsplit, addresses - {"#"}):
            if parts.scheme or parts.netloc:
                continue
            path, place = unquote(parts.path) or name, unquote(parts.fragment)
            if not (folder / path).is_file() or (place and place not in places[path]):
                broken.append((name, parts.geturl()))
    assert broken == []


@pytest.mark.long
def test_every_image_has_alternative_text(site):
    _, _, pages = site
    images = [(name, image) for name, soup in pages.items() for image in soup.find_all("img")]
    assert len(images) > 60
    assert [(name, image["src"][:60]) for name, image in images if not image.get("alt")] == []


@pytest.mark.long
def test_nothing_is_loaded_from_another_machine(site):
    _, folder, pages = site
    loaded = []
    for soup in pages.values():
        for tag in soup.select("link[href], script[src], img[src], iframe[src], source[src]"):
            loaded.append(tag.get("href") or tag.get("src"))
        loaded += _in_styles(" ".join(map(str, soup.select("style, [style]"))))
    for style in folder.rglob("*.css"):
        loaded += _in_styles(style.read_text("utf-8"))
    assert len(loaded) > 100
    assert {urlsplit(address).netloc for address in loaded} == {""}


def _in_styles(text):
    return re.findall(r"(?:url\(\s*|@import\s+)[\"']?([^\"')]+)", text)


@pytest.mark.long
def test_scripts_name_other_machines_only_where_they_cite_them(site):
    _, folder, _ = site
    named = set()
    for script in folder.rglob("*.js"):
        # What pages say is searched, not loaded.
        if script.name != "searchindex.js":
            named |= set(re.findall(r"https?://([\w.-]+)", script.read_text("utf-8")))
    # Two sources of what the scripts do, and the name of SVG.
    assert named <= {"snowballstem.org", "developer.mozilla.org", "www.w3.org"}


@pytest.mark.long
def test_mathematics_is_drawn_and_can_be_heard(site):
    _, _, pages = site
    page = pages["08_fine_tuning.html"]
    assert all(each.find("path") for each in page.select("svg.math"))
    assert any("frac" in each["aria-label"] for each in page.select(".formula svg.math"))
    assert "\\frac" not in page.get_text()


@pytest.mark.long
def test_all_pages_can_be_searched(site):
    edition, folder, _ = site
    text = (folder / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    names = {section.name for section in SECTIONS} | {"index", *GUIDES[edition]}
    assert set(index["docnames"]) == names
    assert "stride" in index["terms"]


# One white pixel.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJg"
    "gg=="
)
