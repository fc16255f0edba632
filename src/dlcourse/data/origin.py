"""Where data come from, and how it is said that they are not the real ones."""

from dataclasses import dataclass
from pathlib import Path

from dlcourse.data.download import DataError

# Attempts to download when something else is at hand, and when nothing is.
ONCE, PATIENTLY = 1, 3


@dataclass(frozen=True)
class Origin:
    """Where the data come from.

    dataset: "mnist" or "cats-and-dogs". kind: "real" or "synthetic".
    where: a sentence for whoever sees the numbers, without paths.
    path: the file or folder that is read; a synthetic one may not be drawn yet.
    """

    dataset: str
    kind: str
    where: str
    path: Path


class SyntheticDataWarning(UserWarning):
    """Drawn pictures stand in for the real ones although nobody asked for that."""


def banner(what: str, command: str, error: DataError) -> str:
    """The warning that `what` is used, until `command` brings the real data."""
    rule = "*" * 78
    return (
        f"\n{rule}\n"
        f"{what}\n"
        "Do not compare numbers from them with the book's.\n"
        f"Why: {error}\n"
        f"Once that is mended: run `{command}` and restart what is running.\n"
        f"{rule}"
    )


def is_there(path: Path) -> bool:
    """Whether `path` exists; raises DataError where that may not be looked at."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Ask its owner for the right to read it."
        ) from error
    return True
