"""The students' bundle: complete, alone on a machine, and without anything to copy answers from."""

import ast
import configparser
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
from nbformat.v4 import new_code_cell, new_output
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.build.bundle import HIDDEN_MARKERS, TELLING, bundle_files, leaks, write_bundle
from dlcourse.build.sections import BuildError, find_sections

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = find_sections(ROOT)
SYNTHETIC = {"DLCOURSE_SOURCE": "synthetic", "DLCOURSE_PROFILE": "fast"}
# What the scaffold of an answer ends in, and its check.
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


def test_the_same_sources_give_the_same_bytes(course, files):
    for path in course.rglob("*"):
        os.utime(path, (10**9, 10**9))
    assert bundle_files(course) == files
    one, other = (write_bundle(root, course / name) for root, name in ((ROOT, "a"), (course, "b")))
    assert one.read_bytes() == other.read_bytes()


def test_every_release_is_in_it_as_it_is(files):
    for section in SECTIONS:
        held = files[f"{section.name}/{section.notebook}.ipynb"]
        assert held == section.release.read_bytes()


def test_the_wheel_neither_builds_nor_grades(wheel):
    package = wheel / "dlcourse"
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    assert folders == {"check", "data", "release", "run", "teach"}


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


def test_the_kernel_starts_by_what_the_wheel_holds(wheel, tmp_path):
    [spec] = wheel.rglob("kernel.json")
    name = json.loads(spec.read_text())["metadata"]["kernel_provisioner"]["provisioner_name"]
    [points] = wheel.rglob("entry_points.txt")
    declared = configparser.ConfigParser()
    declared.read(points)
    module, _, kind = declared["jupyter_client.kernel_provisioners"][name].partition(":")
    run = students(wheel, f"import {module}; {module}.{kind}", tmp_path)
    assert run.returncode == 0, run.stderr


def test_what_their_jupyterlab_is_told_concerns_what_is_there(wheel):
    share = Path(sys.prefix) / "share" / "jupyter"
    [overrides], [page] = wheel.rglob("settings/*/*.json"), wheel.rglob("page_config.json")
    for plugin, chosen in json.loads(overrides.read_text()).items():
        known = share / "lab" / "schemas" / f"{plugin.replace(':', '/')}.json"
        assert chosen.keys() <= json.loads(known.read_text())["properties"].keys()
    scripts = share.glob("labextensions/@jupyter/nbgrader/static/*.js")
    known = "".join(path.read_text("utf-8") for path in scripts)
    disabled = json.loads(page.read_text())["disabledExtensions"]
    assert [name for name in disabled if f'"{name}"' not in known] == []


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
    assert locked(lock) & {"distributed", "psycopg", "jupyterhub"} == set()


def test_a_hubs_bundle_has_what_its_servers_need_and_nothing_else_besides(files):
    more = bundle_files(ROOT, "hub")
    assert {name for name in files if files[name] != more[name]} == {
        "requirements.txt",
        "requirements-gpu.txt",
    }
    added = locked(more["requirements.txt"].decode()) - locked(files["requirements.txt"].decode())
    assert "jupyterhub" in added
    assert added & {"distributed", "psycopg", "pytest"} == set()


def test_students_lock_names_the_wheel_by_its_hash_and_holds_no_addresses(files):
    first, *_ = files["requirements.txt"].decode().splitlines()
    assert re.fullmatch(r"\./dlcourse-[\d.]+-py3-none-any\.whl --hash=sha256:\w{64}", first)
    assert "://" not in files["requirements.txt"].decode()


def test_the_start_page_leads_to_every_section(files):
    links = re.findall(r"\]\(([^)]+\.ipynb)\)", files["START.md"].decode())
    assert links == [f"{section.name}/{section.notebook}.ipynb" for section in SECTIONS]


def secrets():
    """Telling lines between markers in source/ that stand nowhere else in it."""
    hidden, shown = set(), set()
    between = re.compile(r"### BEGIN .*?\n(.*?)### END", re.DOTALL)
    for section in SECTIONS:
        for cell in nbformat.read(section.source, as_version=4).cells:
            for part in between.findall(cell.source):
                hidden |= set(map(str.strip, part.splitlines()))
            shown |= set(map(str.strip, between.sub("", cell.source).splitlines()))
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


@pytest.mark.parametrize("file", ["src/dlcourse/teach/page.py", "release/01_tensors/tensors.ipynb"])
def test_a_bundle_that_would_tell_is_not_written(course, file):
    line = sorted(secrets())[0]
    path = course / file
    if path.suffix == ".ipynb":
        nb = nbformat.read(path, as_version=4)
        nb.cells[3].source += f"\n{line}"
        nbformat.write(nb, path)
    else:
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    with pytest.raises(BuildError, match=f"{path.name} of the bundle holds what students may not"):
        write_bundle(course, course / "dist")
    assert not (course / "dist").exists()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The bundle unzipped and installed as its start page says, on a machine of its own."""
    folder = tmp_path_factory.mktemp("home")
    with zipfile.ZipFile(write_bundle(ROOT, folder)) as archive:
        archive.extractall(folder)
    [bundle] = (path for path in folder.iterdir() if path.is_dir())
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


def test_an_error_that_no_missing_answer_explains_is_found():
    def cell(name, source, error):
        output = new_output("error", ename=error, evalue="", traceback=[])
        return new_code_cell(source, id=name, outputs=[output])

    code = [
        cell("answer", "import numpy as np\nnet = build()", "NotImplementedError"),
        cell("uses-it", "net.fit()", "NameError"),
        cell("typo", "np.zero(3)", "AttributeError"),
    ]
    assert unexplained(code) == [("typo", "AttributeError")]


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
    assert unexplained(code) == []
    checks = {cell.id for cell in code if cell.id.endswith("-check")}
    assert {cell.id for cell in code if error_of(cell) == "NotStarted"} == checks


def error_of(cell):
    """The class of the error that a cell ended in, by its name; None if it did not."""
    return next((each.ename for each in cell.outputs if each.output_type == "error"), None)


def unexplained(code):
    """The errors of cells that neither wait for an answer nor use what such a cell should make."""
    missing, found = set(), []
    for cell in code:
        if error := error_of(cell):
            if error not in OPEN and not names(cell, ast.Load) & missing:
                found.append((cell.id, error))
            missing |= names(cell, ast.Store)
    return found


def names(cell, context):
    """The names that a cell reads (ast.Load) or gives a value (ast.Store)."""
    nodes = ast.walk(ast.parse(cell.source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and type(node.ctx) is context}
