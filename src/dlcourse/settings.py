"""What the environment says, read once into one frozen object.

Two settings are kept apart: the *profile* says how much to compute, the *source* says which data.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROFILES = ("auto", "full", "fast")
SOURCES = ("auto", "real", "synthetic")


class SettingsError(ValueError):
    """A DLCOURSE_ variable with a value that the course does not know."""


@dataclass(frozen=True)
class Settings:
    """Where the course runs and how much it computes.

    profile: "full" (the course's real sizes) or "fast" (the same code, fewer steps).
    source: "real", "synthetic", or "auto" (real if it can be had).
    mirror: a read-only folder with copies of the public data, or None.
    cache: the folder where downloads and synthetic data are kept.
    grading: True while nbgrader autogrades or validates.
    """

    profile: str
    source: str
    mirror: Path | None
    cache: Path
    grading: bool


def read_settings(environ: Mapping[str, str], gpu: bool) -> Settings:
    """Settings from `environ`; `gpu` decides what profile "auto" means.

    Raises SettingsError, which names the variable and lists the right values.
    """
    profile = _choice(environ, "DLCOURSE_PROFILE", PROFILES)
    # Grading is always fast, whatever the instructor's shell says: a grade must not depend on it.
    grading = bool(environ.get("NBGRADER_EXECUTION"))
    if grading:
        profile = "fast"
    elif profile == "auto":
        profile = "full" if gpu else "fast"
    mirror = environ.get("DLCOURSE_DATA")
    if mirror and not Path(mirror).is_dir():
        raise SettingsError(
            f"DLCOURSE_DATA is {mirror!r}, which is not a folder. "
            "Set it to the folder that holds mnist.npz and the other files, or unset it."
        )
    cache_folder = environ.get("DLCOURSE_CACHE") or Path.home() / ".cache" / "dlcourse"
    return Settings(
        profile=profile,
        source=_choice(environ, "DLCOURSE_SOURCE", SOURCES),
        mirror=Path(mirror).resolve() if mirror else None,
        cache=Path(cache_folder).expanduser().resolve(),
        grading=grading,
    )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return read_settings(os.environ, gpu=gpu_visible())


def epochs(*, full: int, fast: int) -> int:
    """The number of epochs (or steps, or samples) for this process's profile."""
    return full if settings().profile == "full" else fast


def gpu_visible() -> bool:
    """Whether an NVIDIA GPU is there, told without the seconds that importing TensorFlow takes."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}. Set it to one of: {', '.join(choices)}.")
    return value
