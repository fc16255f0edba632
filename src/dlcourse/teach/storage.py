"""What the teaching helpers remember between notebooks: small JSON files in the cache folder.

Nothing here is graded, and nothing is lost that matters: a file that cannot be read counts as
empty, and where nobody may write nothing is kept.
"""

import json
from contextlib import suppress

from dlcourse.data import DATASETS
from dlcourse.files import write_text
from dlcourse.settings import settings


def recall(name: str) -> dict:
    """The dict kept under `name`; empty where there is none."""
    with suppress(OSError, ValueError):
        kept = json.loads((settings().cache / f"{name}.json").read_text("utf-8"))
        return kept if isinstance(kept, dict) else {}
    return {}


def keep(name: str, values: dict) -> None:
    """Keep `values` under `name`."""
    with suppress(OSError):
        write_text(settings().cache / f"{name}.json", json.dumps(values, indent=1) + "\n")


def circumstances(data: str) -> str:
    """The profile of this process and the source of dataset `data`, as in "full real".

    What was measured is kept by these, so that a quick run never replaces what hours were spent on.
    """
    return f"{settings().profile} {DATASETS[data].origin().kind}"
