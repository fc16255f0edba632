"""What the teaching helpers remember between notebooks: small JSON files in the cache folder.

Nothing here is graded, and nothing is lost that matters: a file that cannot be read counts as
empty, and where nobody may write nothing is kept.
"""

import json
import os
from contextlib import suppress

from dlcourse.data import DATASETS
from dlcourse.settings import settings


def recall(name: str) -> dict:
    """The dict kept under `name`; empty where there is none."""
    with suppress(OSError, ValueError):
        kept = json.loads((settings().cache / f"{name}.json").read_text("utf-8"))
        return kept if isinstance(kept, dict) else {}
    return {}


def keep(name: str, values: dict) -> None:
    """Keep `values` under `name`, written beside first so that no reader meets half a file."""
    path = settings().cache / f"{name}.json"
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        beside.replace(path)


def circumstances(data: str) -> str:
    """The profile of this process and the source of dataset `data`, as in "full real".

    What was measured is kept by these, so that a quick run never replaces what hours were spent on.
    """
    return f"{settings().profile} {DATASETS[data].origin().kind}"
