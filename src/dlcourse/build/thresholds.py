"""docs/thresholds.md and .svg: whether each threshold lies between right answers and wrong ones.

Made from what `dlcourse calibrate` has measured and from the thresholds as they stand in source/,
and from nothing else: made anew, the page is the same.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dlcourse.build.calibrate import REFERENCE, Exercise, read_measured, read_plan
from dlcourse.build.observing import Threshold
from dlcourse.build.tolerance import CONFIDENCE, Sample, sample
from dlcourse.files import write_text

# Of right answers this share is to be accepted, of wrong ones that share refused.
ACCEPTED, REFUSED = 0.999, 0.99
# With fewer runs the limits are so wide that they rule out every threshold.
FEWEST = 10
# Okabe and Ito's blue and vermilion, which colour-blind readers tell apart.
_BLUE, _VERMILION = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Population:
    """What an answer came to under one threshold, in all runs that came as far.

    values: in the order of seeds. sample: None for fewer than two. stopped: how many runs ended
    before, refused by another check. crossing: how many values lie on the wrong side of the
    threshold for what the answer is.
    """

    answer: str
    values: list[float]
    sample: Sample | None
    stopped: int
    crossing: int


@dataclass(frozen=True)
class Row:
    """One threshold of an exercise: its bound, and what right and wrong answers come to."""

    exercise: Exercise
    threshold: Threshold
    bound: float
    is_share: bool
    right: Population
    wrong: list[Population]

    @property
    def name(self) -> str:
        """The quantity without its relation, as code."""
        left = self.threshold.quantity.rpartition(" ")[0]
        return f"{left} / ({self.threshold.bound})" if self.is_share else left

    @property
    def relation(self) -> str:
        return self.threshold.quantity.rpartition(" ")[2]

    @property
    def hardest(self) -> Population | None:
        """The wrong answer whose limit comes nearest to the right ones; None if none is measured.

        One that stops before the threshold in every run is no wrong answer to it.
        """
        measured = [each for each in self.wrong if each.sample]
        nearest = min if self.threshold.is_upper else max
        return nearest(measured, key=lambda each: each.sample.limit, default=None)

    def is_beyond(self, limit: float, other: float) -> bool:
        """Whether `limit` lies on the right answers' side of `other`."""
        return limit < other if self.threshold.is_upper else limit > other

    @property
    def verdict(self) -> str:
        """Whether the threshold lies between, in words."""
        right, wrong = self.right.sample, self.hardest and self.hardest.sample
        if not right or not wrong:
            return "not measured yet"
        if self.is_beyond(right.limit, self.bound) and self.is_beyond(self.bound, wrong.limit):
            return "yes"
        if min(right.n, wrong.n) < FEWEST:
            return "too few runs to say"
        if not self.is_beyond(right.limit, wrong.limit):
            return "**no threshold can**: the limits overlap"
        return f"**no**; {number((right.limit + wrong.limit) / 2)} would"


def page_path(root: Path) -> Path:
    return root / "docs" / "thresholds.md"


def plot_path(root: Path) -> Path:
    return root / "docs" / "thresholds.svg"


def write_page(root: Path) -> list[Path]:
    """Writes the page and its plot; their paths. Raises BuildError if plan and source differ."""
    found = rows(root)
    text = page(found, read_measured(root))
    write_text(page_path(root), text)
    write_text(plot_path(root), plot(found, digest(text)))
    return [page_path(root), plot_path(root)]


def digest(text: str) -> str:
    """What the plot carries of the page that it belongs to."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rows(root: Path) -> list[Row]:
    """A row for each threshold that is planned, in the order of the course."""
    measured = read_measured(root)
    return [
        _row(exercise, threshold, measured.get(exercise.key, {}))
        for exercise in read_plan(root)
        for threshold in exercise.thresholds
    ]


def _row(exercise: Exercise, threshold: Threshold, kept: dict) -> Row:
    """The threshold with its populations.

    A bound that is computed and differs from run to run is divided by: the threshold is 1 then.
    """
    answers = [REFERENCE, *exercise.wrong[threshold.quantity]]
    runs = {answer: list(kept.get(answer, {}).get("runs", {}).values()) for answer in answers}
    pairs = {
        answer: [run[threshold.quantity] for run in some if threshold.quantity in run]
        for answer, some in runs.items()
    }
    bounds = {bound for some in pairs.values() for _, bound in some}
    is_share = threshold.value is None and len(bounds) > 1
    bound = 1.0 if is_share else threshold.value
    if bound is None:
        bound = next(iter(bounds), float("nan"))

    def population(answer: str) -> Population:
        is_right = answer == REFERENCE
        values = [value / divisor if is_share else value for value, divisor in pairs[answer]]
        accepted = [_holds(value, threshold, bound) for value in values]
        return Population(
            answer,
            values,
            _sample(values, is_right, threshold.is_upper),
            len(runs[answer]) - len(values),
            sum(each != is_right for each in accepted),
        )

    right, *wrong = map(population, answers)
    return Row(exercise, threshold, bound, is_share, right, wrong)


def _sample(values: list[float], is_right: bool, is_upper: bool) -> Sample | None:
    if len(values) < 2:
        return None
    # The limit towards the threshold: the upper one of what is to stay below it, and so on.
    return sample(values, ACCEPTED if is_right else REFUSED, upper=is_upper == is_right)


def _holds(value: float, threshold: Threshold, bound: float) -> bool:
    strict = threshold.quantity.endswith((" <", " >"))
    if value == bound:
        return not strict
    return value < bound if threshold.is_upper else value > bound


def number(value: float) -> str:
    """A number with three digits that mean something."""
    return f"{value:.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.0e}"


def page(found: list[Row], measured: dict) -> str:
    """The page, as Markdown."""
    versions = sorted({each["versions"] for some in measured.values() for each in some.values()})
    count = sum(len(each["runs"]) for some in measured.values() for each in some.values())
    return f"""# Thresholds of the exercises that train

Some hidden tests train a network with the student's function and hold what comes out against a
threshold. A training is a matter of chance: no right answer may fail for bad luck, and no wrong one
pass for good luck. Here is what right and wrong answers come to.

![Right answers, wrong answers, and the threshold between them](thresholds.svg)

{count:,} runs with {" and ".join(versions)}, on one thread of a CPU, in the fast profile: as
grading runs them. The tests draw their own data, so it makes no difference whether a machine has
real pictures or drawn ones. In each run the student's side has another seed, and so have the
initial weights that a test draws: a wider spread than within a class, where all have those of the
test. The first run of each has the seeds that grading uses.

## Does the threshold lie between?

{_summary(found)}

*Modelled limits* are one-sided normal tolerance limits: with {CONFIDENCE:.0%} confidence,
{ACCEPTED:.1%} of right answers keep to theirs and {REFUSED:.0%} of the hardest wrong ones to
theirs. They stand on mean and standard deviation, and hold as far as the values are normal; raw
extremes and counts stand beside them. Few runs make wide limits: with fewer than {FEWEST} of either
kind nothing is said against a threshold. *Right, refused* and *wrong, accepted* are counted for
this threshold alone. Where a quantity does not vary at all, its limit is its value.

## Every answer

*Normal?* is the p value of Shapiro and Wilk's test. Where it is small, values do not look normal,
and the limit is to be read with care: shares near 1 pile up there, and a difference of two numbers
that should be equal is almost always 0. *Stopped* counts runs that another check refused before.

{_details(found)}

## Not calibrated

{_left(found)}

`dlcourse calibrate` makes the measurements and this page; what was measured is in
`tests/calibration/measured.json`. [The guide](instructors.md#calibrate-a-threshold) says how.
"""


def _summary(found: list[Row]) -> str:
    columns = (
        "exercise | quantity | threshold | right: n | worst | mean | modelled limit | right, "
        "refused | wrong: n | worst | modelled limit | wrong, accepted | between?"
    )
    rows = (
        [
            *_named(row),
            f"{row.relation} {number(row.bound)}",
            *_right_cells(row),
            *_wrong_cells(row),
            row.verdict,
        ]
        for row in found
    )
    return _table(columns, rows)


def _table(columns: str, rows: Iterable[list[str]]) -> str:
    """A Markdown table; `columns` stand between bars."""
    lines = [f"| {columns} |", "|" + "---|" * (columns.count(" | ") + 1)]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _named(row: Row) -> list[str]:
    return [f"`{row.exercise.key}`", f"`{row.name}`"]


def _right_cells(row: Row) -> list[str]:
    right = row.right.sample
    if not right:
        return [str(len(row.right.values)), "", "", "", ""]
    worst = right.highest if row.threshold.is_upper else right.lowest
    shown = [str(right.n), *map(number, (worst, right.mean, right.limit))]
    return [*shown, f"{row.right.crossing} of {right.n}"]


def _wrong_cells(row: Row) -> list[str]:
    hardest = row.hardest
    if not hardest:
        return ["0", "", "", ""]
    wrong = hardest.sample
    worst = wrong.lowest if row.threshold.is_upper else wrong.highest
    return [str(wrong.n), number(worst), number(wrong.limit), f"{hardest.crossing} of {wrong.n}"]


def _details(found: list[Row]) -> str:
    columns = (
        "exercise | quantity | answer | n | lowest | mean | highest | modelled limit | normal? "
        "| stopped"
    )
    rows = (
        [
            *_named(row),
            each.answer,
            str(len(each.values)),
            *_sample_cells(each.sample),
            str(each.stopped),
        ]
        for row in found
        for each in (row.right, *row.wrong)
    )
    return _table(columns, rows)


def _sample_cells(about: Sample | None) -> list[str]:
    if not about:
        return [""] * 5
    normal = "does not vary" if about.normal is None else number(about.normal)
    return [*map(number, (about.lowest, about.mean, about.highest, about.limit)), normal]


def _left(found: list[Row]) -> str:
    exercises = {row.exercise.key: row.exercise for row in found}
    lines = [
        f"- `{key}`, `{quantity}`: {reason}."
        for key, exercise in exercises.items()
        for quantity, reason in exercise.left.items()
    ]
    return "\n".join(lines) or "Nothing."


def plot(found: list[Row], page_digest: str) -> str:
    """The plot, as SVG text: a strip for each threshold, the same text at every run."""
    import matplotlib
    from matplotlib.figure import Figure

    settings = {"svg.hashsalt": "thresholds", "svg.fonttype": "none", "font.size": 8}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 0.62 * len(found) + 0.9), layout="constrained")
        strips = figure.subplots(len(found), 1, squeeze=False)[:, 0]
        for axes, row in zip(strips, found, strict=True):
            _strip(axes, row)
        figure.suptitle(
            "Right answers (blue, above), wrong ones (orange, below), and the threshold"
        )
        written = io.StringIO()
        about = {"Date": None, "Description": f"of the page {page_digest}"}
        figure.savefig(written, format="svg", metadata=about)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _strip(axes: object, row: Row) -> None:
    for lane, color, population in _lanes(row):
        values = population.values
        heights = [lane + 0.25 * (place % 5 - 2) / 2 for place in range(len(values))]
        axes.scatter(values, heights, s=9, color=color, alpha=0.6, linewidths=0)
    axes.axvline(row.bound, color="black", linewidth=1.2)
    axes.set(yticks=[], ylim=(-0.5, 1.5))
    shown = [value for each in (row.right, *row.wrong) for value in each.values]
    if not row.is_share and all(0 <= value <= 1 for value in shown) and row.bound >= 0.005:
        axes.set_xlim(-0.02, 1.02)
    axes.spines[["top", "right", "left"]].set_visible(False)
    title = f"{row.exercise.key}: {row.name} {row.relation} {number(row.bound)}"
    axes.set_title(title, loc="left", fontsize=7, family="monospace", pad=2)


def _lanes(row: Row) -> Iterator[tuple[int, str, Population]]:
    yield 1, _BLUE, row.right
    for each in row.wrong:
        yield 0, _VERMILION, each
