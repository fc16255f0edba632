"""What the figures show, said by their titles and their alternative text."""

import numpy as np
import pytest

from dlcourse.teach import confusion_matrix, curves, curves_over, image_grid, worst_mistakes
from dlcourse.teach.landscape import INTEREST, draw_framework_interest, draw_keras_stack
from dlcourse.teach.pictures import Picture

LEARNED = {
    "loss": [0.9, 0.4, 0.1],
    "accuracy": [0.6, 0.8, 0.95],
    "val_loss": [0.8, 0.5, 0.7],
    "val_accuracy": [0.65, 0.8, 0.78],
}
DIGITS = np.arange(12 * 28 * 28).reshape(12, 28, 28) % 256


def texts(picture):
    """Every word in the figure."""
    from matplotlib.text import Text

    return [text.get_text() for text in picture.figure.findobj(Text)]


def pictures():
    true, guessed = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    chances = np.eye(3)[guessed]
    return {
        "curves": curves(LEARNED),
        "over": curves_over({"first": LEARNED, "second": LEARNED}, "Two trainings"),
        "grid": image_grid(DIGITS, np.arange(12)),
        "matrix": confusion_matrix(true, guessed),
        "mistakes": worst_mistakes(DIGITS[:4], true, chances),
        "stack": draw_keras_stack(),
        "interest": draw_framework_interest(),
    }


@pytest.mark.parametrize("name", list(pictures()))
def test_a_picture_is_a_png_with_the_same_words_for_eyes_and_for_screen_readers(name):
    picture = pictures()[name]
    data, metadata = picture._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(picture)
    assert " at 0x" not in repr(picture)


@pytest.mark.parametrize("name", ["curves", "over", "matrix", "interest"])
def test_axes_carry_labels(name):
    for axes in pictures()[name].figure.axes:
        assert axes.get_ylabel() or axes.get_xlabel()


def test_pyplot_keeps_no_figure_open():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    assert isinstance(curves(LEARNED), Picture)
    assert plt.get_fignums() == before


def test_the_curves_mark_the_epoch_with_the_lowest_validation_loss():
    picture = curves(LEARNED)
    assert "lowest after epoch 2" in picture.figure.get_suptitle()
    assert "lowest after epoch 2" in picture.alt


def test_curves_that_still_improve_are_not_called_overfitting():
    falling = {**LEARNED, "val_loss": [0.8, 0.5, 0.4]}
    assert "no sign of overfitting" in curves(falling).figure.get_suptitle()


def test_a_training_that_learns_nothing_is_not_called_overfitting():
    idle = {**LEARNED, "loss": [0.694, 0.693, 0.695], "val_loss": [0.692, 0.694, 0.693]}
    assert curves(idle).figure.get_suptitle() == "The validation loss is lowest after epoch 1 of 3"


def test_curves_draw_what_was_measured_and_nothing_else():
    without = curves({"loss": [0.5], "acc": [0.7]}, title="One epoch")
    labels = [line.get_label() for axes in without.figure.axes for line in axes.lines]
    assert labels == ["training", "training"]


def test_curves_over_each_other_draw_every_training_with_its_own_name_and_colour():
    shorter = {name: values[:2] for name, values in LEARNED.items()}
    picture = curves_over({"from scratch": LEARNED, "augmented": shorter}, "The gap closes")
    accuracy, loss = picture.figure.axes
    named = {line.get_label(): line for line in accuracy.lines}
    assert list(named["augmented, validation"].get_ydata()) == [0.65, 0.8]
    assert list(named["from scratch, training"].get_ydata()) == LEARNED["accuracy"]
    assert list(loss.lines[1].get_ydata()) == LEARNED["val_loss"]
    colours = {label.split(",")[0]: line.get_color() for label, line in named.items()}
    assert colours["from scratch"] != colours["augmented"]
    assert "augmented: training 0.800, validation 0.800" in picture.alt


def test_a_grid_writes_true_and_predicted_class_where_they_differ():
    words = texts(image_grid(DIGITS[:2], np.array([3, 4]), np.array([3, 9])))
    assert "3" in words
    assert "4 → 9" in words


def test_the_confusion_matrix_names_the_commonest_mistake():
    picture = confusion_matrix([0, 0, 0, 1, 2], [0, 1, 1, 0, 2])
    assert "0 read as 1, 2 times" in picture.alt
    assert "40.0% right" in picture.alt


def test_the_confusion_matrix_counts_rows_as_truth():
    axes = confusion_matrix([1, 1], [0, 1]).figure.axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "predicted class")
    cells = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert cells == {((0, 1), "1"), ((1, 1), "1")}


def test_the_most_confident_mistake_comes_first():
    true = np.array([0, 0, 1, 1])
    chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.95, 0.05]])
    assert "1 as 0, 0 as 1" in worst_mistakes(DIGITS[:4], true, chances).alt


def test_no_mistake_is_said_to_be_none():
    assert "every prediction is right" in worst_mistakes(DIGITS[:1], [0], np.array([[1.0]])).alt


def test_the_interest_in_frameworks_is_labelled_as_an_estimate():
    picture = draw_framework_interest()
    assert any("rough estimate" in words for words in texts(picture))
    assert "rough estimate" in picture.alt
    assert max(max(values) for values in INTEREST.values()) == 100
