"""Histories of training that one section keeps for another to draw its own over."""

from dlcourse.data import DATASETS
from dlcourse.settings import settings
from dlcourse.teach.storage import keep, recall

_STORE = "histories"


def keep_history(name: str, history: object, data: str = "cats-and-dogs") -> None:
    """Keep a history under `name` on this computer, with the profile and source that it is of.

    history: what model.fit returns, or its `.history`: name -> a value per epoch. data: what was
    trained on, by its name in `dlcourse.data.DATASETS`. While a submission is graded nothing is
    kept.
    """
    if settings().grading:
        return
    record = history if isinstance(history, dict) else history.history
    plain = {key: [float(value) for value in values] for key, values in record.items()}
    keep(_STORE, recall(_STORE) | {name: {"history": plain, **_circumstances(data)}})


def kept_history(name: str, data: str = "cats-and-dogs") -> dict[str, list[float]] | None:
    """The history kept under `name`, as name -> a value per epoch.

    None while a submission is graded, and where none was kept under the profile and the source of
    this process: only those can be compared.
    """
    if settings().grading:
        return None
    kept = recall(_STORE).get(name)
    if not isinstance(kept, dict) or not isinstance(kept.get("history"), dict):
        return None
    now = _circumstances(data)
    return kept["history"] if all(kept.get(key) == now[key] for key in now) else None


def _circumstances(data: str) -> dict[str, str]:
    return {"profile": settings().profile, "source": DATASETS[data].origin().kind}
