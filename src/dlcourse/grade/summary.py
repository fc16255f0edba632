"""What the results of a class say, section by section: for the terminal and for the page."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from dlcourse.grade.results import Result
from dlcourse.grade.similar import Pair

BINS = 10
_NUMBER = r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
# Numbers that follow each other count as one: of shapes and arrays the length is a number too.
_NUMBERS = re.compile(rf"{_NUMBER}(?:[\s,]+{_NUMBER})*(?:,(?=\)))?")
_QUOTED = re.compile(r"`[^`]*`(?:(?:, | and )`[^`]*`)*")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
# What is not shown as a character of its own: control characters, writing directions, halves of
# surrogate pairs, separators of lines and paragraphs.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Group:
    """Sentences that say the same, numbers aside.

    example: the first of them. results: the submissions that they are about, each once.
    """

    example: str
    results: tuple[Result, ...]

    @property
    def students(self) -> tuple[str, ...]:
        return tuple(result.student for result in self.results)


@dataclass(frozen=True)
class Exercise:
    """How the class did in one exercise.

    full, tried: the submissions with full marks, and all that have a grade that no person has yet
    to give. waiting: those in which a person has. messages: what failing tests said, the most
    frequent first.
    """

    name: str
    full: int
    tried: int
    waiting: int
    messages: tuple[Group, ...]

    @property
    def lost(self) -> int:
        """The submissions that lost points."""
        return self.tried - self.full


@dataclass(frozen=True)
class Summary:
    """What the results say of one section.

    most: the points possible. scores: the points earned, of the submissions that have a grade.
    exercises: in the notebook's order. repaired, happened, ungraded, earned_nothing, by_hand: what
    the functions of these names find. pairs: the near-identical submissions. absent: the students
    who handed in nothing. times: (student, seconds), the slowest first.
    """

    section: str
    results: tuple[Result, ...]
    most: float
    scores: tuple[float, ...]
    exercises: tuple[Exercise, ...]
    repaired: tuple[Group, ...]
    happened: tuple[Group, ...]
    ungraded: tuple[Group, ...]
    earned_nothing: tuple[Group, ...]
    by_hand: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    absent: tuple[str, ...]
    times: tuple[tuple[str, float], ...]

    @property
    def mean(self) -> float | None:
        return mean(self.scores) if self.scores else None

    @property
    def median(self) -> float | None:
        return median(self.scores) if self.scores else None

    @property
    def seconds(self) -> list[float]:
        return [seconds for _, seconds in self.times]

    @property
    def usual(self) -> float | None:
        """The median of the times, in seconds."""
        return median(self.seconds) if self.times else None

    @property
    def to_look_at(self) -> int:
        """How many submissions need a person, for whatever reason."""
        groups = (*self.ungraded, *self.earned_nothing, *self.by_hand, *self.pairs)
        return len({student for group in groups for student in group.students})

    def histogram(self) -> list[int]:
        """How many scores lie in each tenth of the points possible; full marks in the last."""
        counts = [0] * BINS
        for score in self.scores:
            share = score / self.most if self.most else 0
            counts[max(0, min(int(share * BINS), BINS - 1))] += 1
        return counts


def summaries(
    results: Sequence[Result], pairs: Iterable[Pair] = (), students: Iterable[str] = ()
) -> list[Summary]:
    """One Summary for each section in `results`, by name.

    pairs: what `similar` found. students: all that the gradebook knows; those in `results` count
    as known anyway.
    """
    known = {*students, *(result.student for result in results)}
    pairs = list(pairs)
    return [
        _summary(section, [r for r in results if r.section == section], pairs, known)
        for section in sorted({result.section for result in results})
    ]


def exercise_of(name: str) -> str:
    """The exercise that a graded cell belongs to: `relu` for `relu-check` and `relu-tests`."""
    exercise, _, part = name.rpartition("-")
    return exercise if part in ("check", "tests") else name


def grouped(said: Iterable[tuple[Result, str]], *, names: bool = False) -> tuple[Group, ...]:
    """Groups of (submission, sentence), the largest first; of equal ones the one that came first.

    Sentences that differ in numbers, or in whose submission they name, count as the same; with
    `names` also those that differ in what stands in `backticks`.
    """
    groups: dict[str, tuple[str, dict[tuple[str, str], Result]]] = {}
    for result, sentence in said:
        key = sentence.replace(f"{result.student}/{result.section}", "…")
        if names:
            key = _QUOTED.sub("`…`", key)
        key = " ".join(_NUMBERS.sub("#", key).split())
        _, members = groups.setdefault(key, (sentence, {}))
        members[result.student, result.section] = result
    largest_first = sorted(groups.values(), key=lambda group: -len(group[1]))
    return tuple(Group(example, tuple(members.values())) for example, members in largest_first)


def repaired(results: Iterable[Result]) -> tuple[Group, ...]:
    """What was put right before grading."""
    return grouped(((result, text) for result in results for text in result.repairs), names=True)


def ungraded(results: Iterable[Result]) -> tuple[Group, ...]:
    """Why there is no grade."""
    return grouped(
        (result, " ".join(result.notes) or "No reason is known.")
        for result in results
        if result.score is None
    )


def earned_nothing(results: Iterable[Result]) -> tuple[Group, ...]:
    """What is said of submissions without a point."""
    return _notes(result for result in results if result.score is not None and result.score <= 0)


def happened(results: Iterable[Result]) -> tuple[Group, ...]:
    """What is said, besides repairs, of submissions that earned points."""
    return _notes(result for result in results if result.score is not None and result.score > 0)


def by_hand(results: Iterable[Result]) -> tuple[Group, ...]:
    """The cells that wait for a person's score, by name."""
    cells: dict[str, list[Result]] = {}
    for result in results:
        for name in result.by_hand:
            cells.setdefault(name, []).append(result)
    return tuple(Group(name, tuple(waiting)) for name, waiting in cells.items())


def plain(text: str) -> str:
    """`text` without what could steer a terminal or a page: escape sequences, control characters.

    Line breaks stay.
    """
    text = _ESCAPE.sub("", text).replace("\t", " ")
    seen = (c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN)
    return "".join(seen)


def number(value: float) -> str:
    """Points with at most two decimals: 17, 17.5, 17.25."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clock(seconds: float) -> str:
    """A time for people: "48 s", "3 min 5 s", "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _summary(section: str, results: list[Result], pairs: list[Pair], known: set[str]) -> Summary:
    graded = [result for result in results if result.score is not None]
    times = [(r.student, r.seconds) for r in results if r.seconds is not None]
    return Summary(
        section=section,
        results=tuple(results),
        most=max((result.max_score for result in results), default=0.0),
        scores=tuple(result.score for result in graded),
        exercises=_exercises(graded),
        repaired=repaired(results),
        happened=happened(results),
        ungraded=ungraded(results),
        earned_nothing=earned_nothing(results),
        by_hand=by_hand(results),
        pairs=tuple(pair for pair in pairs if pair.section == section),
        absent=tuple(sorted(known - {result.student for result in results})),
        times=tuple(sorted(times, key=lambda taken: -taken[1])),
    )


def _notes(results: Iterable[Result]) -> tuple[Group, ...]:
    return grouped(
        (result, note) for result in results for note in result.notes if note not in result.repairs
    )


def _exercises(graded: list[Result]) -> tuple[Exercise, ...]:
    names = {exercise_of(name): None for result in graded for name in result.cells}
    return tuple(_exercise(name, graded) for name in names)


def _exercise(name: str, graded: list[Result]) -> Exercise:
    full = tried = waiting = 0
    said = []
    for result in graded:
        cells = [cell for cell in result.cells if exercise_of(cell) == name]
        if not cells:
            continue
        if any(cell in result.by_hand for cell in cells):
            waiting += 1
        else:
            tried += 1
            full += all(score >= most for score, most in map(result.cells.get, cells))
        failures = (result.failures[cell] for cell in cells if cell in result.failures)
        said += [(result, _without_name(message, name)) for message in failures]
    return Exercise(name, full, tried, waiting, grouped(said))


def _without_name(message: str, exercise: str) -> str:
    """A check's message without the sign and the exercise's name that it begins with."""
    return re.sub(rf"^[❌⬜]\ufe0f?\s*{re.escape(exercise)}: ", "", message.strip())
