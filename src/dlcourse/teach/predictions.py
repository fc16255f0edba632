"""Predict first: an answer committed before the result, compared with it, returned to at the end.

Predictions are stored on this machine only, are never graded, never stop "Run all", and are
absent while grading.
"""

import html
import json
import re
from contextlib import suppress

from IPython.display import display
from ipywidgets import HTML, Button, HBox, Layout, RadioButtons, Text, VBox

from dlcourse.settings import settings
from dlcourse.teach.page import show
from dlcourse.teach.storage import keep, recall

_NAME = "predictions"
# Paler than the text around it, whatever the theme makes of that.
_SOFT = "opacity:.75"
_FRAME = "border-left:4px solid #0072b2;padding:.2em .8em"


def predict(key: str, question: str, choices: list | tuple | None = None) -> None:
    """Asks `question`, with `choices` to pick from or, without them, a field to write in.

    key: unique in the course, such as "01-views"; `compare` is given the same one. Text in
    `backticks` is set as code. Readers without a kernel see the question and the choices.
    """
    if settings().grading:
        return
    options = [str(choice) for choice in choices or ()]
    show(_question(question, options), f"Predict: {question} {' / '.join(options)}".strip())
    form = _form(key, question, options)
    # The form's own text would show a stored answer, which differs from reader to reader.
    view = form._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]
    fallback = "(a form to commit an answer in; it needs a running kernel)"
    display({"application/vnd.jupyter.widget-view+json": view, "text/plain": fallback}, raw=True)


def compare(key: str, actual: object) -> None:
    """Shows the prediction committed under `key` beside what came out, and remembers a miss.

    A written number meets the result within 10% of it; a choice, or a word, if it is the same.
    """
    if settings().grading:
        return
    entries, notice = _load()
    entry = entries.get(key)
    if entry is None:
        _say(f"The answer: {actual}. (You committed no prediction.) {notice}")
        return
    hit = _meets(entry["answer"], actual, exact=entry["exact"])
    entries[key] = {**entry, "actual": str(actual), "hit": hit}
    notice += _store(entries)
    verdict = "As you predicted." if hit else f"You predicted: {entry['answer']}."
    _say(f"{'🎯' if hit else '🔎'} The answer: {actual}. {verdict} {notice}")


def misses(prefix: str = "") -> None:
    """Lists the predictions that missed, under keys that start with `prefix`, to look at again."""
    if settings().grading:
        return
    entries, notice = _load()
    compared = [v for k, v in entries.items() if k.startswith(prefix) and "hit" in v]
    missed = [entry for entry in compared if not entry["hit"]]
    if not compared:
        _say(f"No prediction has met its result yet. {notice}")
    elif not missed:
        _say(f"Every prediction met its result ({len(compared)} of {len(compared)}). {notice}")
    else:
        rows = [
            f"{entry['question']} You predicted: {entry['answer']}. The answer: {entry['actual']}."
            for entry in missed
        ]
        _say(f"Worth a second look ({len(missed)} of {len(compared)}): {notice}", rows)


def _form(key: str, question: str, options: list[str]) -> VBox:
    """The widget: radio buttons or a text field, a button to commit, and a line that answers."""
    entries, notice = _load()
    committed = entries.get(key, {}).get("answer")
    if options:
        field = RadioButtons(
            options=options,
            value=committed if committed in options else None,
            layout=Layout(width="max-content"),
        )
    else:
        field = Text(value=committed or "", placeholder="your prediction")
    button = Button(description="Commit", tooltip="Keep this as my prediction")
    reply = HTML(value=_code(f"Committed: {committed}. {notice}" if committed else notice))

    def commit(_button: Button) -> None:
        answer = (field.value or "").strip()
        if not answer:
            reply.value = "Choose or write an answer first."
            return
        entries, notice = _load()
        entries[key] = {"question": question, "answer": answer, "exact": bool(options)}
        notice += _store(entries)
        reply.value = _code(f"Committed: {answer}. Now run the next cell. {notice}")

    button.on_click(commit)
    return VBox([field, HBox([button, reply])])


def _meets(answer: str, actual: object, *, exact: bool) -> bool:
    if not exact:
        with suppress(TypeError, ValueError):
            said, came = float(answer.replace(",", "")), float(actual)
            return abs(said - came) <= 0.1 * abs(came)
    return answer.strip().casefold() == str(actual).strip().casefold()


def _load() -> tuple[dict[str, dict], str]:
    """The stored predictions, and a sentence if they could not be read (then there are none)."""
    path = settings().cache / f"{_NAME}.json"
    try:
        entries = json.loads(path.read_text("utf-8"))
        if _well_formed(entries):
            return entries, ""
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"Earlier predictions could not be read ({error.strerror})."
    except ValueError:
        pass
    broken = path.with_suffix(".broken.json")
    try:
        path.replace(broken)
    except OSError as error:
        return {}, f"The file of earlier predictions is damaged and stays ({error.strerror})."
    return {}, f"The file of earlier predictions was damaged; it is now {broken.name}."


def _well_formed(entries: object) -> bool:
    return isinstance(entries, dict) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("question"), str)
        and isinstance(entry.get("answer"), str)
        and isinstance(entry.get("exact"), bool)
        and ("hit" not in entry or isinstance(entry.get("actual"), str))
        for entry in entries.values()
    )


def _store(entries: dict[str, dict]) -> str:
    """Keeps the predictions; a sentence if that failed."""
    keep(_NAME, entries)
    return "" if recall(_NAME) == entries else "(It could not be kept: is the cache read-only?)"


def _question(question: str, options: list[str]) -> str:
    listed = "".join(f"<li>{_code(option)}</li>" for option in options)
    return (
        f"<div style='{_FRAME}'>"
        f"<b>Predict.</b> {_code(question)}"
        + (f'<ul style="margin:.3em 0;{_SOFT}">{listed}</ul>' if listed else "")
        + "</div>"
    )


def _say(sentence: str, rows: list[str] | None = None) -> None:
    listed = "".join(f"<li>{_code(row)}</li>" for row in rows or [])
    plain = "\n  - ".join([sentence.strip(), *(rows or [])])
    show(
        f"<div style='{_FRAME}'>"
        + _code(sentence.strip())
        + (f"<ul>{listed}</ul>" if listed else "")
        + "</div>",
        plain,
    )


def _code(text: str) -> str:
    """`text` as safe HTML, with what stands in backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
