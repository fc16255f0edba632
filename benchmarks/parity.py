"""The course's scores against stock nbgrader's, on every graded cell of many honest submissions.

`python benchmarks/parity.py [--section 01_tensors] [--number 24] [--seed 1]` grades each submission
twice, prints where the scores are equal and where they differ as documented, and exits with 1 if
any differ otherwise. Data are synthetic and both kernels are seeded alike.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path

os.environ["DLCOURSE_SOURCE"] = "synthetic"
os.environ.pop("DLCOURSE_GRADEBOOK", None)
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "grade"))

from parity import OWN_CLASS, Compared, compare, kinds  # noqa: E402 - where the tests have it


def main() -> int:
    options = _options()
    names = sorted(path.stem for path in (ROOT / "tests" / "sections").glob("*.toml"))
    cells = []
    for section in options.section or names:
        started = time.monotonic()
        chosen = list(islice(kinds(section), options.number))
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            compared = compare(Path(folder), section, chosen, options.seed)
        cells += compared
        print(_table(compared))
        print(f"{section}: {len(chosen)} submissions, {time.monotonic() - started:.0f} s\n")
    return _verdict(cells)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--section", action="append", help="one or more; all, if not given")
    parser.add_argument("--number", type=int, default=24, help="of submissions to each section")
    parser.add_argument("--seed", type=int, default=1, help="of which answers are mixed")
    return parser.parse_args()


def _table(cells: list[Compared]) -> str:
    lines = [f"{'submission':32}{'cells':>6}{'equal':>6}{'documented':>11}{'other':>6}  points"]
    for student in dict.fromkeys(cell.student for cell in cells):
        own = [cell for cell in cells if cell.student == student]
        ours, stock = sum(cell.ours[0] for cell in own), sum(cell.stock[0] for cell in own)
        lines.append(
            f"{student:32}{len(own):6}{_equal(own):6}{_documented(own):11}{len(_other(own)):6}"
            f"  {ours:g} here, {stock:g} stock"
        )
    return "\n".join(lines)


def _equal(cells: list[Compared]) -> int:
    return sum(cell.ours == cell.stock and cell.as_documented for cell in cells)


def _documented(cells: list[Compared]) -> int:
    return sum(cell.reason is not None and cell.as_documented for cell in cells)


def _other(cells: list[Compared]) -> list[Compared]:
    return [cell for cell in cells if not cell.as_documented]


def _verdict(cells: list[Compared]) -> int:
    reasons = Counter(cell.reason for cell in cells if cell.reason and cell.as_documented)
    print(f"{len(cells)} cells compared: {_equal(cells)} equal, {_documented(cells)} differ as")
    print("documented:")
    for reason, count in sorted(reasons.items()):
        where = "from stock nbgrader" if reason == OWN_CLASS else "here"
        print(f"  {count:4}  have points {where} only: {reason}")
    others = _other(cells)
    print(f"{len(others)} differ otherwise{':' if others else '.'}")
    for cell in others:
        print(f"  {cell}")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
