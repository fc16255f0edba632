"""What the environment says, read once into one frozen object.

Three settings are kept apart: the *profile* says how much to compute, the *source* which data, the
*base* which pretrained network.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROFILES = ("auto", "full", "fast")
SOURCES = ("auto", "real", "synthetic")
BASES = ("auto", "vgg16", "mobilenet", "tinyvgg", "untrained")


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
    base: the pretrained base by its name in `dlcourse.data.BASES`, or "auto" (see there).
    """

    profile: str
    source: str
    mirror: Path | None
    cache: Path
    grading: bool
    base: str = "auto"


def read_settings(environ: Mapping[str, str], gpu: bool) -> Settings:
    """Settings from `environ`; `gpu` decides what profile "auto" means.

    Raises SettingsError, which names the variable and lists the right values.
    """
    profile = _choice(environ, "DLCOURSE_PROFILE", PROFILES)
    base = _choice(environ, "DLCOURSE_BASE", BASES)
    # Grading is always fast, whatever the instructor's shell says: a grade must not depend on it.
    grading = bool(environ.get("NBGRADER_EXECUTION"))
    if grading:
        profile, base = "fast", "auto"
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
        base=base,
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
