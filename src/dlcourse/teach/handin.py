"""The cell before the wrap-up: what would be handed in if it were handed in now."""

from dlcourse.check import results
from dlcourse.sections import section
from dlcourse.teach.page import show, table

_SAID = {
    "passed": "✅ its check passes",
    "failed": "❌ its check fails",
    "not started": "⬜ not started",
    None: "⬜ not checked yet: run its cells",
}
_COLUMNS = ("exercise", "how it stands", "points so far", "points in all")


def handin(name: str) -> None:
    """Show for every exercise of section `name` whether it is done, missing or failing.

    Goes by what the visible checks said in this kernel since it started; the hidden tests, and who
    reads the written questions, decide about the rest. Raises UnknownSection.
    """
    caption, rows = standing(section(name), results())
    show(*table(caption, _COLUMNS, rows))


def standing(asked: dict, said: dict[str, str]) -> tuple[str, list[tuple[str, ...]]]:
    """A sentence on the whole, and a row of texts per exercise and written question.

    asked: the section's entry in sections.json; said: exercise -> "passed", "failed" or "not
    started".
    """
    rows, earned = [], 0.0
    for exercise, points in asked["exercises"].items():
        verdict = said.get(exercise)
        visible = points.get("check", 0) if verdict == "passed" else 0
        earned += visible
        rows.append((exercise, _SAID[verdict], f"{visible:g}", f"{sum(points.values()):g}"))
    for question, points in asked["written"].items():
        rows.append((question, "✏️ a person reads it", "", f"{points:g}"))
    done = sum(said.get(exercise) == "passed" for exercise in asked["exercises"])
    caption = (
        f"{done} of {len(asked['exercises'])} exercises pass their visible checks: {earned:g} of "
        f"{asked['points']:g} points so far. Hidden tests decide about the rest."
    )
    return caption, rows
