"""What goes through nbgrader's exchange gets there whole or not at all, also where a disk is full.

nbgrader itself shows a traceback then, and leaves what it has written: half a submission, or half a
section, which it will not release again.
"""

import shutil

from nbgrader.exchange.default import (
    ExchangeReleaseAssignment,
    ExchangeReleaseFeedback,
    ExchangeSubmit,
)

from dlcourse.files import FULL, is_full


class Whole:
    """For a class of nbgrader's exchange: on a full disk it cleans up and says so in a sentence."""

    what_now = "Make room there, and do the same again."

    def unfinished(self) -> list[str]:
        """The folders that are of no use where copying has failed."""
        return []

    def copy_files(self) -> None:
        try:
            super().copy_files()
        except OSError as error:
            for folder in self.unfinished():
                shutil.rmtree(folder, ignore_errors=True)
            if not (path := no_room_for(error)):
                raise
            self.fail(f"There is no room left on the disk for {path}. {self.what_now}")


class Submit(Whole, ExchangeSubmit):
    what_now = (
        "Nothing was handed in; what you handed in before is still there. Tell your instructor, "
        "and submit again once there is room."
    )

    def unfinished(self) -> list[str]:
        kept = self.assignment_filename
        kept = kept.rsplit("+", 1)[0] if self.add_random_string else kept
        return [f"{self.inbound_path}/{self.assignment_filename}", f"{self.cache_path}/{kept}"]


class Release(Whole, ExchangeReleaseAssignment):
    def unfinished(self) -> list[str]:
        return [self.dest_path]


class ReleaseFeedback(Whole, ExchangeReleaseFeedback):
    """Each page is whole when it gets its name; the same again brings those that are missing."""


def no_room_for(error: OSError) -> str:
    """The file for which a full disk had no room; "" if the error is another one."""
    if not isinstance(error, shutil.Error):
        return str(error.filename or "what was to be written") if is_full(error) else ""
    # All that went wrong when a folder was copied: (from, to, what the error said).
    full = tuple(f"[Errno {number}]" for number in FULL)
    missing = [target for _, target, said in error.args[0] if str(said).startswith(full)]
    return str(missing[0]) if missing else ""
