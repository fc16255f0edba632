"""What each section asks and how long it took where it was built, as the build wrote it down."""

import json
from importlib import resources


class UnknownSection(ValueError):  # noqa: N818 - the name says what it is
    """A section that the course does not know."""


def section(name: str) -> dict:
    """What section `name` asks: notebook, title, points, exercises, written (see build.sections).

    Raises UnknownSection, which names those there are.
    """
    known = _read("sections.json")
    if name not in known:
        names = ", ".join(known) if known else "none yet; `dlcourse build` writes the list"
        raise UnknownSection(f"There is no section {name!r}. The sections are: {names}.")
    return known[name]


def measured(name: str) -> dict | None:
    """How long the section took: seconds, profile, source, machine; None if nobody measured."""
    return _read("measured.json").get(name)


def _read(file: str) -> dict:
    path = resources.files("dlcourse") / file
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
