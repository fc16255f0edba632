"""Runs all attacks and writes docs/attacks.md.

    python tests/attacks/run.py                  against this course; takes minutes
    python tests/attacks/run.py --stock          against stock nbgrader too
    python tests/attacks/run.py --stock NAME...  of stock nbgrader's, only these anew

What stock nbgrader made of the others is taken from the page as it is.
"""

import argparse
import os
import re
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "grade")]

import nbgrader.api  # noqa: E402
from attacked_course import BLANK, KERAS, PLAIN, Place  # noqa: E402
from catalogue import Attack, attacks  # noqa: E402
from harness import grade_here, grade_with_stock  # noqa: E402
from outcome import messages  # noqa: E402
from page import PAGE, Row, page, row_here, rows, stock_says  # noqa: E402

from dlcourse.files import write_text  # noqa: E402

# The attacked courses have gradebooks of their own.
os.environ.pop("DLCOURSE_GRADEBOOK", None)
# nbgrader asks alembic, which takes seconds, and gets the same answer every time.
nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)
# Seconds for a class, and for a submission that takes long by itself.
CLASS_SECONDS, SLOW_SECONDS = 1800, 240
# Where this run happens to keep its files is nobody's business.
_WHERE = re.compile(rf"/*{re.escape(tempfile.gettempdir())}[^\s`'\"]*")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stock", nargs="*", metavar="NAME", help="run stock nbgrader too")
    chosen = parser.parse_args().stock
    known = attacks()
    before = rows(PAGE.read_text("utf-8")) if PAGE.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        found = _here(Path(folder))
        stock = {name: before[name].stock for name in known if name in before}
        if chosen is not None:
            wanted = [known[name] for name in chosen or known]
            stock |= _stock(Path(folder) / "stock", wanted)
    found = {name: replace(row, stock=stock.get(name, row.stock)) for name, row in found.items()}
    write_text(PAGE, page(known, found))
    print(f"{PAGE} is written.")


def classes() -> list[tuple[str, list[Attack], float]]:
    """(section, attackers, seconds) of each class: what takes long has one for itself."""
    known = attacks().values()
    ordinary = {
        section: [attack for attack in known if attack.section == section and not attack.slow]
        for section in (PLAIN, KERAS)
    }
    slow = [(attack.section, [attack], SLOW_SECONDS) for attack in known if attack.slow]
    return [*((section, them, CLASS_SECONDS) for section, them in ordinary.items()), *slow]


def _here(folder: Path) -> dict[str, Row]:
    found = {}
    for number, (section, chosen, seconds) in enumerate(classes()):
        root = folder / str(number)
        outcomes = grade_here(root, section, chosen, seconds)
        for attack in chosen:
            said = messages(Place(root, attack.name, 0, ""), section)
            row = row_here(attack, outcomes[attack.name], outcomes[BLANK], said)
            found[attack.name] = replace(row, told=_WHERE.sub("...", row.told))
    return found


def _stock(folder: Path, wanted: list[Attack]) -> dict[str, str]:
    found = {}
    for section in (PLAIN, KERAS):
        chosen = [attack for attack in wanted if attack.section == section]
        if chosen:
            outcomes = grade_with_stock(folder / section, section, chosen)
            for attack in chosen:
                found[attack.name] = stock_says(attack, outcomes[attack.name], outcomes[BLANK])
    return found


if __name__ == "__main__":
    main()
