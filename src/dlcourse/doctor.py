"""What will work on this machine, what will not, and what to do about it, in plain words.

Nothing is changed, downloaded or imported that takes long: who asks has trouble enough.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlcourse.settings import Settings, SettingsError, gpu_visible, settings

# What the course is made of, by the names of its distributions.
PACKAGES = ("tensorflow", "keras", "numpy", "matplotlib", "pillow", "jupyterlab", "ipywidgets")
GRADING = ("nbgrader", "nbval")
PYTHONS = ((3, 11), (3, 13))
# Bytes: of memory, below which training may end Python; on the disk, for data and weights.
LITTLE_MEMORY, LITTLE_DISK = 6 * 2**30, 3 * 2**30
GB = 2**30
# Columns of the report.
WIDTH = 100
# How data are called in it.
NAMES = {"mnist": "MNIST", "cats-and-dogs": "Cats and dogs"}
# As students do in the bundle's folder, and instructors in the repository.
INSTALL = "`pip install -r requirements.txt`, or in the repository `make setup`"
FINE, LESS, BROKEN = "ok", "--", "!!"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    state: FINE, LESS where the course works with less, BROKEN where something will not work.
    says: what there is. advice: what to do about it; "" where there is nothing to do.
    """

    what: str
    state: str
    says: str
    advice: str = ""


def examine(root: Path | None) -> list[Finding]:
    """All findings on this machine. root: the course's folder; None for who has notebooks only."""
    findings = [*_python(), *_packages(PACKAGES, "Packages"), *_memory(), *_gpu()]
    try:
        findings += _data(settings())
    except SettingsError as error:
        findings.append(Finding("Settings", BROKEN, str(error)))
    findings += _kernel()
    if root:
        findings += [*_packages(GRADING, "Grading"), *_isolation(), *_gradebook(root)]
    return findings


def report(findings: list[Finding]) -> str:
    """The findings as text for a terminal."""
    wide = max(len(each.what) for each in findings) + 2
    lines = []
    for each in findings:
        lines += _wrapped(each.says, f"{each.state}  {each.what:{wide}}")
        lines += _wrapped(each.advice, " " * (4 + wide))
    states = [each.state for each in findings]
    if BROKEN in states:
        lines.append("\nWhat is marked !! will not work until it is mended.")
    elif LESS in states:
        lines.append("\nThe course works here; what is marked -- would make it better.")
    else:
        lines.append("\nEverything works here.")
    return "\n".join(lines)


def _wrapped(text: str, before: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _python() -> Iterator[Finding]:
    here, (oldest, newest) = sys.version_info[:2], PYTHONS
    if oldest <= here <= newest:
        yield Finding("Python", FINE, f"{platform.python_version()} on {platform.platform()}")
    else:
        known = f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
        advice = f"TensorFlow needs Python {known}. Install one, and set up with it."
        yield Finding("Python", BROKEN, platform.python_version(), advice)


def _packages(names: tuple[str, ...], what: str) -> Iterator[Finding]:
    found = {name: _version(name) for name in names}
    there = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if missing := [name for name, version in found.items() if not version]:
        advice = f"Run {INSTALL}."
        yield Finding(what, BROKEN, f"{' and '.join(missing)} not installed", advice)
    else:
        yield Finding(what, FINE, there)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> Iterator[Finding]:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        # Windows says it elsewhere, and it is not worth a package.
        return
    says = f"{size / GB:.0f} GB of memory, {os.cpu_count()} processors"
    if size < LITTLE_MEMORY:
        advice = "Close other programs, keep to one notebook at a time and to the fast profile."
        yield Finding("Machine", LESS, says, advice)
    else:
        yield Finding("Machine", FINE, says)


def _gpu() -> Iterator[Finding]:
    if not gpu_visible():
        profile = "The fast profile is for machines like this: the same code, less of it."
        yield Finding("GPU", LESS, "none that is visible", profile)
        return
    asked = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    said = _said(asked)
    if said is None:
        advice = "Install NVIDIA's driver; `nvidia-smi` should then list the GPU."
        yield Finding("GPU", BROKEN, "there is one, and nvidia-smi does not answer", advice)
    elif not _version("nvidia-cudnn-cu12"):
        advice = (
            "`pip install -r requirements-gpu.txt` installs TensorFlow with CUDA; in the "
            "repository, `make EXTRA=gpu setup`."
        )
        yield Finding("GPU", LESS, f"{said}, which this TensorFlow cannot use", advice)
    else:
        yield Finding("GPU", FINE, said)


def _said(command: list[str]) -> str | None:
    """What a program answers, on one line; None if it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else "; ".join(done.stdout.split("\n")).strip("; ")


def _data(chosen: Settings) -> Iterator[Finding]:
    from dlcourse.data import BASES, DATASETS, DataError
    from dlcourse.data.bases import at_hand

    if chosen.mirror:
        yield Finding("Mirror", FINE, f"{chosen.mirror} (DLCOURSE_DATA)")
    for name, dataset in DATASETS.items():
        if chosen.source == "synthetic":
            says = "drawn, since DLCOURSE_SOURCE is synthetic"
            yield Finding(NAMES[name], LESS, says, "Unset it to have the real ones.")
            continue
        advice = f"Online, `dlcourse data {name}` gets the real ones. Until then they are drawn."
        yield from _looked_for(NAMES[name], dataset.at_hand, advice, DataError)
    for name in ("vgg16", "mobilenet"):
        base = BASES[name]
        advice = (
            "Online, Keras gets them when they are first used. Until then sections 07 to 09 use "
            "another base, and say so."
        )
        find = lambda base=base: at_hand(base, chosen)  # noqa: E731 - a call that is put off
        yield from _looked_for(base.title.split()[0], find, advice, DataError)
    yield _disk(chosen.cache)


def _looked_for(
    what: str, find: Callable[[], object], advice: str, error: type[Exception]
) -> Iterator[Finding]:
    """What `find` says of data: it gives something with `where`, None, or raises `error`."""
    try:
        found = find()
    except error as problem:
        yield Finding(what, BROKEN, str(problem))
    else:
        yield Finding(what, FINE, found.where) if found else Finding(what, LESS, "none", advice)


def _disk(cache: Path) -> Finding:
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    says = f"{free / GB:.0f} GB free for the cache, {cache}"
    if not _may_write(there):
        advice = "Set DLCOURSE_CACHE to a folder that you may write."
        return Finding("Disk", BROKEN, f"the cache, {cache}, cannot be written", advice)
    if free < LITTLE_DISK:
        advice = "Make room, or set DLCOURSE_CACHE to a folder on another disk."
        return Finding("Disk", LESS, says, advice)
    return Finding("Disk", FINE, says)


def _may_write(folder: Path) -> bool:
    """Tried rather than asked: rights are not all that may be in the way."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    if folder := KernelSpecManager().find_kernel_specs().get("dlcourse"):
        yield Finding("Kernel", FINE, f"DL Practical, {folder}")
    else:
        advice = f"Run {INSTALL}. Until then choose another Python 3 kernel of this environment."
        yield Finding("Kernel", LESS, "JupyterLab does not know DL Practical", advice)


def _isolation() -> Iterator[Finding]:
    from dlcourse.grade.workshop import NONE, default_isolation
    from dlcourse.run.isolation import available

    try:
        chosen = default_isolation()
    except SettingsError as error:
        yield Finding("Isolation", BROKEN, str(error))
        return
    if chosen == NONE:
        says = "none, as DLCOURSE_ISOLATION says: student code is trusted with this machine"
        yield Finding("Isolation", LESS, says, "Unset it to have submissions isolated.")
    elif why_not := available():
        yield Finding("Isolation", BROKEN, f"grading is not possible: {why_not}")
    else:
        yield Finding("Isolation", FINE, "submissions run in namespaces of their own")


def _database(url: str) -> Finding:
    from dlcourse.grade.database import address, reach
    from dlcourse.grade.troubles import GradebookError

    try:
        place = address(url)
        # To connect to a file that is not there would make it.
        if place.get_backend_name() != "sqlite":
            reach(url)
    except GradebookError as error:
        return Finding("Gradebook", BROKEN, "cannot be used", str(error))
    return Finding("Gradebook", FINE, str(place))


def _gradebook(root: Path) -> Iterator[Finding]:
    from nbgrader.exchange.default import Exchange

    from dlcourse.grade.backend import nbgrader_api

    api = nbgrader_api(root)
    if not _may_write(root):
        advice = "Give yourself the right to write there, or copy the course to a place of yours."
        yield Finding("Gradebook", BROKEN, f"{root} cannot be written", advice)
    else:
        yield _database(api.coursedir.db_url)
    exchange = Path(Exchange(config=api.config, coursedir=api.coursedir).root)
    if not exchange.is_dir():
        advice = (
            "Only a shared machine needs it, for students to fetch and submit: `sudo mkdir -p "
            f"{exchange} && sudo chmod 777 {exchange}`, or set c.Exchange.root."
        )
        yield Finding("Exchange", LESS, f"there is no {exchange}", advice)
    elif exchange.stat().st_mode & 0o007 != 0o007:
        advice = f"`sudo chmod 777 {exchange}`: students write their submissions there."
        yield Finding("Exchange", LESS, f"not everybody may write {exchange}", advice)
    else:
        yield Finding("Exchange", FINE, str(exchange))
