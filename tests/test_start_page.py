"""What students see first leads to every section, in order, by its title."""

import re
from pathlib import Path

from dlcourse.sections import section

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "deploy" / "start.md").read_text("utf-8")
LINKS = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", TEXT)


def test_it_leads_to_every_released_notebook_in_order():
    released = sorted((ROOT / "release").glob("*/*.ipynb"))
    expected = [path.relative_to(ROOT / "release").as_posix() for path in released]
    assert [link for _, link in LINKS] == expected


def test_it_calls_the_sections_by_their_numbers_and_titles():
    names = [link.split("/")[0] for _, link in LINKS]
    titles = [f"{name[:2]} {section(name)['title']}" for name in names]
    assert [text for text, _ in LINKS] == titles
