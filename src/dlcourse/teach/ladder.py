"""The results ladder: the book's number for every step of the course, and yours beside it."""

from dlcourse.data.bases import UNTRAINED
from dlcourse.settings import settings
from dlcourse.teach.book import LADDER, Step
from dlcourse.teach.page import show, table
from dlcourse.teach.storage import circumstances, keep, recall

_STORE = "ladder"
_CAPTION = "Results ladder: the share of pictures that the network gets right"
_COLUMNS = ("step", "measured on", "book", "yours", "how yours was measured")


def ladder(**accuracies: float) -> None:
    """Keep your accuracies (step=0.93, a fraction of one) and show the ladder so far.

    The steps are those of `dlcourse.teach.book.LADDER`. What is kept stays on this computer; while
    a submission is graded nothing is kept or shown, and what a base with random weights led to is
    kept nowhere. Raises ValueError for an unknown step or for a number that is no accuracy.
    """
    for step, value in accuracies.items():
        if step not in LADDER:
            raise ValueError(f"There is no step {step!r}. The steps are: {', '.join(LADDER)}.")
        if not 0 <= float(value) <= 1:
            raise ValueError(f"{step} is {value}; an accuracy is a fraction between 0 and 1.")
    if settings().grading:
        return
    kept = recall(_STORE)
    for step, value in accuracies.items():
        if _knows_nothing(LADDER[step]):
            continue
        now = circumstances(LADDER[step].data)
        others = {key: old for key, old in _measured(kept, step).items() if key != now}
        kept[step] = others | {now: float(value)}
    if accuracies:
        keep(_STORE, kept)
    show(*table(_CAPTION, _COLUMNS, rows_of_ladder(kept)))


def _measured(kept: dict, step: str) -> dict[str, float]:
    """What was measured of a step by its circumstances ("full real"), the latest last."""
    measured = kept.get(step)
    measured = measured if isinstance(measured, dict) else {}
    return {key: value for key, value in measured.items() if isinstance(value, float)}


def rows_of_ladder(kept: dict) -> list[tuple[str, ...]]:
    """The ladder's rows as texts; `kept` is step -> circumstances ("full real") -> accuracy."""
    return [_row(step, _measured(kept, name)) for name, step in LADDER.items()]


def _knows_nothing(step: Step) -> bool:
    """Whether what this process measures of a step stands on a base that never learned anything."""
    return step.borrowed and settings().base == UNTRAINED.name


def _row(step: Step, measured: dict[str, float]) -> tuple[str, ...]:
    title = f"{step.title} (section {step.section})"
    if _knows_nothing(step):
        return (title, step.measured_on, step.book, "", "not measured: its base has random weights")
    return (title, step.measured_on, step.book, *_mine(measured))


def _mine(measured: dict[str, float]) -> tuple[str, str]:
    """The latest number of this process's profile, and where there is none the latest of any."""
    alike = [key for key in measured if key.startswith(settings().profile)]
    if not measured:
        return "", ""
    latest = (alike or list(measured))[-1]
    profile, _, source = latest.partition(" ")
    if source == "synthetic":
        how = "synthetic data: not to be compared with the book's number"
    else:
        how = "real data" if profile == "full" else "real data, but less of it than in the book"
    return f"{measured[latest]:.1%}", f"{profile} profile, {how}"
