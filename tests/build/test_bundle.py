"""The students' bundle: complete, alone on a machine, and without anything to copy answers from."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.build.bundle import HIDDEN_MARKERS, TELLING, bundle_files, leaks, write_bundle
from dlcourse.build.sections import BuildError, find_sections

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = find_sections(ROOT)
SYNTHETIC = {"DLCOURSE_SOURCE": "synthetic", "DLCOURSE_PROFILE": "fast"}
# What a cell without an answer may end in: the scaffold itself, a check that says so, or a cell of
# the lesson that goes on with what is not there yet.
OPEN = ("NotImplementedError", "NotStarted")


@pytest.fixture(scope="module")
def files():
    return bundle_files(ROOT)


@pytest.fixture(scope="module")
def wheel(files, tmp_path_factory):
    """The students' wheel, unzipped."""
    folder = tmp_path_factory.mktemp("wheel")
    [name] = [name for name in files if name.endswith(".whl")]
    with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def course(tmp_path):
    """A copy of what the bundle is made from, to be changed."""
    for name in ("source", "release", "src", "docs", "requirements", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def students(wheel, program, cwd):
    """What Python prints that sees the libraries and the students' wheel, and not the course."""
    before = f"import sys; sys.path.insert(0, {str(wheel)!r}); "
    return subprocess.run(
        [sys.executable, "-I", "-c", before + program], cwd=cwd, capture_output=True, text=True
    )


def test_the_same_sources_give_the_same_bytes(course):
    first = write_bundle(course).read_bytes()
    for path in course.rglob("*"):
        os.utime(path, (10**9, 10**9))
    assert write_bundle(course).read_bytes() == first


def test_every_release_is_in_it_as_it_is(files):
    for section in SECTIONS:
        held = files[f"{section.name}/{section.notebook}.ipynb"]
        assert held == section.release.read_bytes()


def test_the_wheel_neither_builds_nor_grades(wheel):
    package = wheel / "dlcourse"
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    assert folders == {"check", "data", "release", "teach"}


def test_the_command_offers_what_the_wheel_can_do(wheel, tmp_path):
    run = students(wheel, "from dlcourse.cli import main; main(['--help'])", tmp_path)
    assert run.returncode == 0
    verbs = re.findall(r"^    ([a-z]+) ", run.stdout, re.MULTILINE)
    assert verbs == ["data", "reset", "doctor"]


def test_an_error_of_the_command_is_a_sentence(wheel, tmp_path):
    asks = "from dlcourse.cli import main; sys.exit(main(['reset', '01_tensors', 'relu']))"
    run = students(wheel, asks, tmp_path)
    assert run.returncode == 2
    assert "There is no 01_tensors/tensors.ipynb" in run.stderr


def test_the_original_of_an_exercise_is_found_in_the_wheel(wheel, tmp_path):
    text = SECTIONS[0].release.read_text("utf-8")
    mine = tmp_path / "01_tensors" / "tensors.ipynb"
    mine.parent.mkdir()
    mine.write_text(text.replace("raise NotImplementedError", "return 42"), "utf-8")
    asks = "from dlcourse.cli import main; sys.exit(main(['reset', '01_tensors', 'relu']))"
    run = students(wheel, asks, tmp_path)
    assert run.returncode == 0, run.stderr
    cells = {cell.id: cell.source for cell in nbformat.read(mine, as_version=4).cells}
    assert "raise NotImplementedError" in cells["relu"]
    assert "return 42" in cells["batch"]


def test_whatever_notebooks_import_is_in_the_wheel(wheel, tmp_path):
    imports = set()
    for section in SECTIONS:
        for cell in nbformat.read(section.release, as_version=4).cells:
            imports |= set(re.findall(r"^from dlcourse.*? import \w+$", cell.source, re.MULTILINE))
    run = students(wheel, "\n".join(["", *sorted(imports)]), tmp_path)
    assert len(imports) > 20
    assert run.returncode == 0, run.stderr


def test_the_kernel_asks_for_nothing_that_the_wheel_lacks(wheel):
    [spec] = wheel.rglob("kernel.json")
    assert json.loads(spec.read_text())["argv"][1:3] == ["-m", "ipykernel_launcher"]
    assert "kernel_provisioner" not in json.loads(spec.read_text())["metadata"]


def locked(text):
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def entries(text):
    return set(re.findall(r"^[\w.-]+(?:.*\\\n)*.*\n", text, re.MULTILINE))


@pytest.mark.parametrize(("name", "extra"), [("", "cpu"), ("-gpu", "gpu")])
def test_students_lock_is_the_courses_without_tools_of_instructors(files, wheel, name, extra):
    lock = files[f"requirements{name}.txt"].decode()
    whole = (ROOT / "requirements" / f"{extra}.txt").read_text()
    [metadata] = wheel.glob("*.dist-info/METADATA")
    asked = re.findall(r"^Requires-Dist: (.*)$", metadata.read_text(), re.MULTILINE)
    own, _, rest = lock.partition("\n")
    assert own.startswith("./dlcourse-")
    assert entries(rest) < entries(whole)
    assert locked(lock) >= {canonicalize_name(Requirement(line).name) for line in asked}
    assert locked(lock) >= {"tensorflow", "jupyterlab", "pywinpty", "appnope", "colorama"}
    assert locked(lock) & {"hatchling", "pytest", "ruff", "nbval", "check-jsonschema"} == set()


def test_students_lock_names_the_wheel_by_its_hash_and_holds_no_addresses(files):
    first, *_ = files["requirements.txt"].decode().splitlines()
    assert re.fullmatch(r"\./dlcourse-[\d.]+-py3-none-any\.whl --hash=sha256:\w{64}", first)
    assert "://" not in files["requirements.txt"].decode()


def test_the_start_page_leads_to_every_section(files):
    links = re.findall(r"\]\(([^)]+\.ipynb)\)", files["START.md"].decode())
    assert links == [f"{section.name}/{section.notebook}.ipynb" for section in SECTIONS]


def secrets():
    """Telling lines between markers in source/ that no release shows."""
    hidden, shown = set(), set()
    for section in SECTIONS:
        for cell in nbformat.read(section.release, as_version=4).cells:
            shown |= set(map(str.strip, cell.source.splitlines()))
        for cell in nbformat.read(section.source, as_version=4).cells:
            for part in re.findall(r"### BEGIN .*?\n(.*?)### END", cell.source, re.DOTALL):
                hidden |= set(map(str.strip, part.splitlines()))
    return {line for line in hidden - shown if len(line) >= TELLING}


def test_no_line_of_a_solution_or_hidden_test_is_in_it(files, wheel):
    hidden = secrets()
    assert len(hidden) > 1000
    held = [*files.values(), *(path.read_bytes() for path in wheel.rglob("*") if path.is_file())]
    lines = set()
    for data in held:
        text = data.decode("utf-8", "replace")
        lines |= set(map(str.strip, text.splitlines()))
        # In notebooks a line of code is a string of JSON.
        quoted = re.findall(r'^ *"(.*?)(?:\\n)?",?$', text, re.MULTILINE)
        lines |= set(map(str.strip, quoted))
    assert lines & hidden == set()
    assert lines & {json.dumps(line, ensure_ascii=False)[1:-1] for line in hidden} == set()
    assert list(leaks(ROOT, files)) == []
    assert lines & {f"### {marker}" for marker in HIDDEN_MARKERS} == set()


@pytest.mark.parametrize("hidden", ["### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS"])
def test_a_planted_line_is_found_wherever_it_is(files, hidden):
    cells = nbformat.read(SECTIONS[0].source, as_version=4).cells
    source = next(cell.source for cell in cells if hidden in cell.source)
    line = next(line for line in source.splitlines() if line.strip() in secrets())
    release = nbformat.reads(files["01_tensors/tensors.ipynb"].decode(), as_version=4)
    release.cells[3].source += f"\n{line}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("dlcourse/teach/page.py", f"def page():\n    {line}\n")
    planted = {
        "01_tensors/tensors.ipynb": nbformat.writes(release).encode(),
        "planted.whl": buffer.getvalue(),
        "START.md": line.encode(),
    }
    found = {where for where, _ in leaks(ROOT, planted)}
    assert found == {"01_tensors/tensors.ipynb", "planted.whl/dlcourse/teach/page.py", "START.md"}


def test_a_bundle_that_would_tell_is_not_written(course):
    module = course / "src" / "dlcourse" / "teach" / "page.py"
    module.write_text(f"{module.read_text('utf-8')}\n{sorted(secrets())[0]}\n", "utf-8")
    with pytest.raises(BuildError, match="teach/page.py of the bundle holds what students"):
        write_bundle(course)
    assert not (course / "dist").exists()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The bundle unzipped and installed as its start page says, on a machine of its own."""
    folder = tmp_path_factory.mktemp("home")
    with zipfile.ZipFile(write_bundle(ROOT)) as archive:
        archive.extractall(folder)
    [bundle] = folder.iterdir()
    venv.create(bundle / ".venv", with_pip=True)
    in_bundle(bundle, "python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt")
    return bundle


def in_bundle(bundle, program, *arguments):
    """Runs a program of the bundle's environment; what it printed."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("DLCOURSE_")}
    kept.pop("PYTHONPATH", None)
    run = subprocess.run(
        [bundle / ".venv" / "bin" / program, *arguments],
        cwd=bundle,
        env=kept | SYNTHETIC,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_clean_environment_has_all_that_the_packages_ask_for(home):
    assert "No broken requirements found" in in_bundle(home, "python", "-m", "pip", "check")
    assert "DL Practical" in in_bundle(home, "dlcourse", "doctor")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_release_runs_to_its_end_and_fails_only_where_an_answer_is_missing(home, section):
    path = f"{section.name}/{section.notebook}.ipynb"
    to = ["--to", "notebook", "--output", "executed", "--execute", "--allow-errors"]
    in_bundle(home, "jupyter", "nbconvert", *to, "--ExecutePreprocessor.timeout=600", path)
    nb = nbformat.read(home / section.name / "executed.ipynb", as_version=4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.execution_count is None] == []
    ended = {
        cell.id: output.ename
        for cell in code
        for output in cell.outputs
        if output.output_type == "error"
    }
    assert {where: error for where, error in ended.items() if error not in OPEN} == {}
