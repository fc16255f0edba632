"""The results ladder: the book's number for every step of the course, and yours beside it."""

from dlcourse.data import DATASETS
from dlcourse.settings import settings
from dlcourse.teach.book import LADDER, Step
from dlcourse.teach.page import show, table
from dlcourse.teach.storage import keep, recall

_STORE = "ladder"
_CAPTION = "Results ladder: the share of pictures that the network gets right"
_COLUMNS = ("step", "measured on", "book", "yours", "how yours was measured")


def ladder(**accuracies: float) -> None:
    """Keep your accuracies (step=0.93, a fraction of one) and show the ladder so far.

    The steps are those of `dlcourse.teach.book.LADDER`. What is kept stays on this computer; while
    a submission is graded nothing is kept or shown. Raises ValueError for an unknown step or for a
    number that is no accuracy.
    """
    for step, value in accuracies.items():
        if step not in LADDER:
            raise ValueError(f"There is no step {step!r}. The steps are: {', '.join(LADDER)}.")
        if not 0 <= float(value) <= 1:
            raise ValueError(f"{step} is {value}; an accuracy is a fraction between 0 and 1.")
    if settings().grading:
        return
    kept = recall(_STORE)
    if accuracies:
        kept |= {name: _measurement(name, value) for name, value in accuracies.items()}
        keep(_STORE, kept)
    show(*table(_CAPTION, _COLUMNS, rows_of_ladder(kept)))


def _measurement(step: str, value: float) -> dict:
    source = DATASETS[LADDER[step].data].origin().kind
    return {"value": float(value), "profile": settings().profile, "source": source}


def rows_of_ladder(kept: dict) -> list[tuple[str, ...]]:
    """The ladder's rows as texts; `kept` is step -> {"value", "profile", "source"}."""
    return [_row(step, kept.get(name)) for name, step in LADDER.items()]


def _row(step: Step, mine: dict | None) -> tuple[str, ...]:
    title = f"{step.title} (section {step.section})"
    return (title, step.measured_on, step.book, *_mine(mine))


def _mine(mine: dict | None) -> tuple[str, str]:
    try:
        value, profile, source = float(mine["value"]), mine["profile"], mine["source"]
    except (KeyError, TypeError, ValueError):
        return "", ""
    if source == "synthetic":
        how = "synthetic data: not to be compared with the book's number"
    else:
        how = "real data" if profile == "full" else "real data, but less of it than in the book"
    return f"{value:.1%}", f"{profile} profile, {how}"
