"""Sigmoid and softmax on the same scores, to be moved by hand."""

import numpy as np
from ipywidgets import FloatSlider, VBox

from dlcourse.teach.explorer import Explorer
from dlcourse.teach.pictures import BLUE, GREY, ORANGE, Picture, new_figure, plain_axes

CLASSES = ("cat", "dog", "grass", "ball")
START = (2.0, 1.0, 0.0, -2.0)
LOW, HIGH, STEP = -5.0, 5.0, 0.5


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """Each score by itself squeezed into (0, 1): 1 / (1 + exp(-score)), any shape."""
    return 1 / (1 + np.exp(-np.asarray(scores, dtype=float)))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores along the last axis as shares of one: exp(score) / sum of all exp(score)."""
    # Subtracting the largest changes no share and keeps exp from overflowing.
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def draw_activations(scores: tuple[float, ...] = START) -> Picture:
    """What sigmoid and softmax make of the same four scores, as two rows of bars."""
    outputs = (("sigmoid", sigmoid(scores), BLUE), ("softmax", softmax(scores), ORANGE))
    figure = new_figure(8, 3.2)
    pair = figure.subplots(1, 2, sharey=True)
    for axes, (name, values, colour) in zip(pair, outputs, strict=True):
        axes.bar(_named(scores), values, color=colour, edgecolor="black")
        for place, value in enumerate(values):
            axes.text(place, value + 0.02, f"{value:.2f}", ha="center", fontsize=10)
        axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
        axes.set(ylim=(0, 1.12), xlabel="class and its score")
        axes.set_title(f"{name}: the outputs sum to {values.sum():.2f}")
        plain_axes(axes)
    pair[0].set_ylabel("output")
    figure.suptitle("The same four scores through two activations")
    return Picture(figure, _alt(scores, outputs))


def activation_explorer() -> Explorer:
    """A slider per score, and both activations of the scores as they are now."""
    sliders = [
        FloatSlider(
            value=start, min=LOW, max=HIGH, step=STEP, description=name, continuous_update=False
        )
        for name, start in zip(CLASSES, START, strict=True)
    ]
    return Explorer(VBox(sliders), sliders, lambda *scores: draw_activations(scores))


def _named(scores: tuple[float, ...]) -> list[str]:
    return [f"{name}\n{score:+.1f}" for name, score in zip(CLASSES, scores, strict=True)]


def _alt(scores: tuple[float, ...], outputs: tuple) -> str:
    said = [
        f"{name} gives {', '.join(f'{value:.2f}' for value in values)}, in sum {values.sum():.2f}"
        for name, values, _ in outputs
    ]
    return f"For the scores {', '.join(f'{score:+.1f}' for score in scores)}: {'; '.join(said)}."
