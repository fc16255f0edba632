"""What students get, as one archive: notebooks, a small wheel, locks and a start page.

The wheel is built by the same backend as the course's own, from a list of what goes in: nothing new
reaches students because somebody forgot to leave it out. Their locks are the course's, less what
only instructors need.
"""

import hashlib
import io
import json
import re
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.build.lint import HIDDEN_MARKERS, hidden_lines
from dlcourse.build.sections import BuildError, describe, find_sections, read_notebook
from dlcourse.files import write_bytes

# What of src/dlcourse students get; `run` is how their notebooks' kernels start warm.
MODULES = (
    "__init__.py",
    "check",
    "cli.py",
    "data",
    "doctor.py",
    "files.py",
    "measured.json",
    "reset.py",
    "run",
    "sections.json",
    "sections.py",
    "settings.py",
    "teach",
)
# Their JupyterLab shows of nbgrader what students use.
SETTINGS = {"deploy/student/labconfig/page_config.json": "etc/jupyter/labconfig/page_config.json"}
LOCKS = {"cpu": "requirements.txt", "gpu": "requirements-gpu.txt"}
# From this length on a line of a solution tells something: not `for point in points:`.
TELLING = 30
# Of every file in the archive, as of those in the wheel.
DATE = (2020, 2, 2, 0, 0, 0)
# Where the students' guide gets the list of sections.
SECTIONS = "<!-- sections -->\n"


def write_bundle(root: Path, into: Path, also: str = "") -> Path:
    """Writes dl-practical-VERSION.zip into the folder `into`; its path.

    also: an extra of the course whose packages students get, too, such as "hub"; the file is named
    after it. The same sources give the same bytes. Raises BuildError, and writes nothing, if a line
    of a solution or hidden test would be in it.
    """
    files = bundle_files(root, also)
    for where, line in leaks(root, files):
        raise BuildError(
            f"{where} of the bundle holds what students may not see: `{line}`. Run `dlcourse "
            "build`, then `dlcourse lint`."
        )
    name = f"dl-practical-{_project(root)['project']['version']}{also and f'-{also}'}"
    path = into / f"{name}.zip"
    write_bytes(path, _zip({f"{name}/{file}": data for file, data in files.items()}))
    return path


def bundle_files(root: Path, also: str = "") -> dict[str, bytes]:
    """The files of the bundle: path in it -> content. also: as `write_bundle` takes it."""
    wheel, data = _wheel(root)
    sha256 = hashlib.sha256(data).hexdigest()
    own = f"./{wheel} --hash=sha256:{sha256}\n"
    files = {name: (own + _lock(root, extra, also)).encode() for extra, name in LOCKS.items()}
    files |= {"START.md": _start(root).encode(), wheel: data}
    for section in find_sections(root):
        if not section.release.is_file():
            raise BuildError(f"{section.release} is missing. Run `dlcourse build` to make it.")
        files[f"{section.name}/{section.notebook}.ipynb"] = section.release.read_bytes()
    return files


def leaks(root: Path, files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """(file, line) for each line of a solution or hidden test of `source/` that `files` hold.

    Archives are looked into. No secret is a line that stands openly in a section, or one so short
    that any program may hold it; in releases the linter looks for shorter ones, too.
    """
    hidden, shown = set(), set()
    for section in find_sections(root):
        of_section = set(hidden_lines(read_notebook(section.source)))
        hidden |= of_section
        shown |= _lines(section.source.read_bytes()) - of_section
    secrets = {line for line in hidden - shown if len(line) >= TELLING}
    secrets |= {f"### {marker}" for marker in HIDDEN_MARKERS}
    for name, data in _unpacked(files):
        yield from ((name, line) for line in sorted(_lines(data) & secrets))


def _unpacked(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, data in files.items():
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                inside = {f"{name}/{each}": archive.read(each) for each in archive.namelist()}
            yield from _unpacked(inside)
        else:
            yield name, data


def _lines(data: bytes) -> set[str]:
    """The lines of a file, stripped; those of a notebook as they were before JSON quoted them."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError):
        text = "\n".join(_strings(json.loads(text)))
    return set(map(str.strip, text.splitlines()))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        yield from _strings([*value.keys(), *value.values()])


def _project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def _wheel(root: Path) -> tuple[str, bytes]:
    """Name and content of the students' wheel. The releases are in it for `dlcourse reset`."""
    config = _project(root)
    del config["project"]["readme"], config["project"]["optional-dependencies"]
    wheel = config["tool"]["hatch"]["build"]["targets"]["wheel"]
    del wheel["packages"]
    wheel["sources"] = ["src"]
    wheel["only-include"] = [f"src/dlcourse/{name}" for name in MODULES]
    wheel["force-include"] = {
        str(section.release.relative_to(root)): str(
            Path("dlcourse", "release", section.name, section.release.name)
        )
        for section in find_sections(root)
    }
    wheel["shared-data"] |= SETTINGS
    with tempfile.TemporaryDirectory(prefix="dlcourse-wheel-") as folder:
        builder = WheelBuilder(str(root), config=config)
        path = Path(next(builder.build(directory=folder, versions=["standard"])))
        return path.name, path.read_bytes()


def _lock(root: Path, extra: str, also: str) -> str:
    """requirements/EXTRA.txt without what only instructors need."""
    project = _project(root)["project"]
    extras = project["optional-dependencies"]
    chosen = [extra, also] if also else [extra]
    lines = [line for name in chosen for line in extras[name]]
    students = _reached([*project["dependencies"], *lines])
    # Students choose between the extras of LOCKS; a GPU's packages are in the other lock anyway.
    others = [line for name in extras.keys() - LOCKS.keys() for line in extras[name]]
    instructors = _reached(others) - students
    text = (root / "requirements" / f"{extra}.txt").read_text("utf-8")
    # One entry is a line that names a package, and the lines with its hashes.
    entries = re.findall(r"^([\w.-]+)((?:.*\\\n)*.*\n)", text, re.MULTILINE)
    return "".join(
        name + rest for name, rest in entries if canonicalize_name(name) not in instructors
    )


def _reached(requirements: list[str]) -> set[str]:
    """The packages that `requirements` need on any machine, as those installed here say.

    What is not installed, since another system needs it, is taken to need no others.
    """
    reached: set[tuple[str, str]] = set()
    asked = [Requirement(line) for line in requirements]
    while asked:
        requirement = asked.pop()
        name = canonicalize_name(requirement.name)
        for wanted in {(name, extra) for extra in ("", *requirement.extras)} - reached:
            reached.add(wanted)
            asked += _asked_by(*wanted)
    return {name for name, _ in reached}


def _asked_by(name: str, extra: str) -> Iterator[Requirement]:
    """What an installed package asks for if its `extra` is wanted ("" for none)."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        of_extras = re.findall(r"""extra == ["']([\w.-]+)["']""", str(requirement.marker or ""))
        if extra in (of_extras or [""]):
            yield requirement


def _start(root: Path) -> str:
    """The students' guide, with the list of sections."""
    guide = (root / "docs" / "students.md").read_text("utf-8")
    if SECTIONS not in guide:
        raise BuildError(f"docs/students.md has no line {SECTIONS.strip()} for the sections.")
    return guide.replace(SECTIONS, "".join(_table(root)))


def _table(root: Path) -> Iterator[str]:
    yield "| section | what it is about | points |\n|---|---|---|\n"
    for section in find_sections(root):
        asked = describe(section)
        points = f"{asked['points']:g}" if asked["points"] else "a lesson, nothing to hand in"
        link = f"[`{section.name}`]({section.name}/{section.notebook}.ipynb)"
        yield f"| {link} | {asked['title']} | {points} |\n"


def _zip(files: dict[str, bytes]) -> bytes:
    """A zip of `files`, the same for the same files: one date, one order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, DATE)
            # The same on every system: a compressed file that its owner may write.
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()
