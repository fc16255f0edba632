"""The first cell of a notebook: load Keras without its chatter, seed, and say what is at hand."""

import gc
import logging
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from dlcourse.data import DATASETS, Origin
from dlcourse.sections import measured, section
from dlcourse.settings import settings
from dlcourse.teach.page import show

SEED = 20180117

# What the banner says first where a data set is synthetic.
_SYNTHETIC = {
    "mnist": "These are not the MNIST images: the digits in this notebook are synthetic.",
    "cats-and-dogs": "These are not photographs: the cats and dogs in this notebook are synthetic.",
}

# What keeps TensorFlow quiet and modest with GPU memory, where the kernel has not set it already.
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


def setup(name: str) -> None:
    """Open the notebook of section `name` ("02_mnist_dense"): load, seed, show the banner.

    The banner says versions, device, profile, where the data come from, minutes and points.
    Raises UnknownSection, and DataError where the data that were asked for cannot be had.
    """
    asked = section(name)
    load_keras()
    import keras

    keras.utils.set_random_seed(SEED)
    with warnings.catch_warnings():
        # The banner says it, where nobody can miss it.
        warnings.simplefilter("ignore")
        origin = DATASETS[asked["data"]].origin()
    show(*banner(asked["title"], facts(asked, measured(name), origin), origin))


def load_keras() -> None:
    """Import Keras and wake TensorFlow's devices, keeping what both say at start off the notebook.

    If that fails, what they said is shown, for it may be the reason.
    """
    for key, value in _ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    with _stderr_held_back():
        import keras

        # The first tensor makes TensorFlow look for devices and speak about them.
        keras.ops.convert_to_tensor([0.0])
    # `fit` warns of its own default whenever it is given a dataset.
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")
    # A notebook compiles many small networks, and TensorFlow warns of every one after the fifth.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import tensorflow as tf

    # Its warnings that functions are traced again go through Python's logging, past the C++ levels,
    # and mean nothing in notebooks that build many small networks.
    tf.get_logger().setLevel("ERROR")
    # What was imported stays. A collector that walks through all of TensorFlow again and again
    # takes a twentieth of a notebook's time. Only once: models that come later must not stay.
    if not gc.get_freeze_count():
        gc.freeze()


@dataclass(frozen=True)
class Fact:
    """One line of the banner."""

    name: str
    value: str


def facts(asked: dict, took: dict | None, origin: Origin) -> list[Fact]:
    """The banner's lines.

    asked: the section's entry in sections.json; took: its entry in measured.json, or None.
    """
    import keras
    import tensorflow as tf

    versions = f"Python {platform.python_version()}, Keras {keras.__version__}"
    lines = [
        Fact("Versions", f"{versions}, TensorFlow {tf.__version__}"),
        Fact("Device", _device(tf)),
        Fact("Profile", _profile()),
        Fact("Data", origin.where),
        Fact("Points", _points(asked)),
    ]
    if took:
        lines.insert(4, Fact("Time", _time(took)))
    return lines


def banner(title: str, lines: list[Fact], origin: Origin) -> tuple[str, str]:
    """The banner as (HTML, plain text), with a warning on top where the data are synthetic."""
    rows = "".join(
        f"<tr><td style='text-align:left'><b>{escape(fact.name)}</b></td>"
        f"<td style='text-align:left'>{escape(fact.value)}</td></tr>"
        for fact in lines
    )
    html = f"<b>{escape(title)}</b><table>{rows}</table>"
    text = "\n".join([title, *(f"{fact.name + ':':10}{fact.value}" for fact in lines)])
    if origin.kind == "real":
        return html, text
    headline, advice = (
        _SYNTHETIC[origin.dataset],
        "They were drawn by the course. Numbers measured on them are not comparable with the "
        f"book's. With the internet at hand, `dlcourse data {origin.dataset}` fetches the real "
        "ones.",
    )
    box = "background-color:#E69F00;color:#000;border:4px solid #000;padding:0.8em;font-size:120%"
    html = f"<div role='alert' style='{box}'><b>{headline}</b><br>{escape(advice)}</div>{html}"
    rule = "*" * len(headline)
    return html, "\n".join([rule, headline, rule, advice, "", text])


def _device(tf: object) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU with {os.cpu_count()} cores, no GPU"
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return ", ".join(detail.get("device_name", "GPU") for detail in details)


def _profile() -> str:
    meaning = {
        "full": "full: the course's real sizes",
        "fast": "fast: the same code on less data and for fewer epochs "
        "(DLCOURSE_PROFILE=full gives the real sizes)",
    }
    return meaning[settings().profile]


def _time(took: dict) -> str:
    minutes = max(1, round(took["seconds"] / 60))
    return (
        f"the cells run for about {minutes} minute{'' if minutes == 1 else 's'} in the "
        f"{took['profile']} profile, measured on {took['machine']}; reading and the exercises "
        "come on top"
    )


def _points(asked: dict) -> str:
    exercises, written = len(asked["exercises"]), len(asked["written"])
    if not exercises and not written:
        return "none: this section is a lesson, with nothing to hand in"
    return (
        f"{asked['points']:g}, for {_count(exercises, 'exercise')} and "
        f"{_count(written, 'written question')}"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Collect what is written to file descriptor 2, and let it out only if the block fails.

    TensorFlow's C++ writes there, past Python, before any of its log levels apply.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(original, 2)
            held.seek(0)
            print(held.read().decode("utf-8", "replace"), file=sys.stderr)
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
