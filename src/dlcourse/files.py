"""Writing files that nobody ever finds half written."""

import errno
import os
from pathlib import Path

# How a system says that nothing more can be written on a disk.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def is_full(error: Exception) -> bool:
    """Whether the error says that nothing more can be written on the disk."""
    return isinstance(error, OSError) and error.errno in FULL


def write_text(path: Path, text: str) -> None:
    """Writes `text` in UTF-8, lines as they end there; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data`, and makes the folder if it is missing.

    They are written beside and then renamed, so that a reader meets the old file or the new one,
    also where several processes write at once. Raises OSError, and leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
