"""The figures that every section draws: curves, image grids, confusion matrix, worst mistakes."""

import numpy as np

from dlcourse.teach.pictures import BLUE, GREY, ORANGE, VERMILION, Picture, new_figure, plain_axes


def curves(history: object, title: str | None = None) -> Picture:
    """Loss and accuracy by epoch, training against validation where that was measured.

    history: what model.fit returns, or its `.history`: name -> a value per epoch. The epoch with
    the lowest validation loss is marked: a network that goes on learning overfits from there on.
    """
    record = history if isinstance(history, dict) else history.history
    figure = new_figure(9, 3.4)
    best = _best_epoch(record)
    left, right = figure.subplots(1, 2)
    _curve(left, record, "loss", "loss", best)
    _curve(right, record, "accuracy", "accuracy (share right)", best)
    figure.suptitle(title or _title(record, best))
    return Picture(figure, _curves_alt(record, best))


def curves_over(histories: dict[str, dict], title: str) -> Picture:
    """Accuracy and loss of several trainings over each other, each in a colour of its own.

    histories: name of a training -> its history, name -> a value per epoch (at most three).
    Validation is drawn solid, training dashed.
    """
    figure = new_figure(10, 4)
    panels = {"accuracy": "accuracy (share right)", "loss": "loss"}
    for axes, (key, label) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for (name, record), colour in zip(histories.items(), (GREY, BLUE, ORANGE), strict=False):
            for prefix, what, line in (("", "training", "--"), ("val_", "validation", "-")):
                values = record[prefix + key]
                places = range(1, len(values) + 1)
                axes.plot(places, values, line, color=colour, label=f"{name}, {what}")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain_axes(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title)
    ends = "; ".join(
        f"{name}: training {record['accuracy'][-1]:.3f}, "
        f"validation {record['val_accuracy'][-1]:.3f}"
        for name, record in histories.items()
    )
    return Picture(figure, f"{title}. Accuracy and loss by epoch; accuracy at the end, {ends}.")


def image_grid(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    predictions: np.ndarray | None = None,
    *,
    columns: int = 10,
    title: str = "What the network gets to see",
) -> Picture:
    """Pictures in rows, each with its label, or with label and prediction where they differ.

    images: (n, height, width) or (n, height, width, channels). labels, predictions: (n,), shown as
    text. A wrong prediction is set in vermilion with an arrow from the true label.
    """
    count, columns = len(images), max(1, min(columns, len(images)))
    rows = -(-count // columns)
    figure = new_figure(0.95 * columns, 1.2 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for index, (axes, image) in enumerate(zip(grid, images, strict=False)):
        axes.imshow(np.squeeze(image), cmap="gray")
        text, wrong = _label(index, labels, predictions)
        axes.set_title(text, fontsize=10, color=VERMILION if wrong else "black")
    figure.suptitle(title)
    shown = "" if labels is None else f", labelled {_listed(labels)}"
    guessed = "" if predictions is None else f", predicted as {_listed(predictions)}"
    return Picture(figure, f"{title}: {count} pictures{shown}{guessed}.")


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, title: str | None = None) -> Picture:
    """How often each class was taken for each other one.

    true, predicted: integer classes of shape (n,). What is right would
    outshine every mistake, so the diagonal is counted but only the mistakes are coloured.
    """
    true, predicted = np.asarray(true).astype(int), np.asarray(predicted).astype(int)
    classes = int(max(true.max(), predicted.max())) + 1
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (true, predicted), 1)
    mistakes = counts * ~np.eye(classes, dtype=bool)
    a, b = np.unravel_index(mistakes.argmax(), mistakes.shape)
    headline = f"Most often taken for another class: {a} read as {b}, {mistakes[a, b]} times"
    figure = new_figure(6.4, 5.6)
    axes = figure.subplots()
    picture = axes.imshow(mistakes, cmap="Blues")
    _write_counts(axes, counts, mistakes)
    axes.set(xlabel="predicted class", ylabel="true class", title=title or headline)
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    figure.colorbar(picture, ax=axes, label="mistakes", shrink=0.8)
    right = np.trace(counts) / counts.sum()
    return Picture(figure, f"Confusion matrix of {classes} classes, {right:.1%} right. {headline}.")


def worst_mistakes(
    images: np.ndarray, true: np.ndarray, probabilities: np.ndarray, n: int = 10
) -> Picture:
    """The `n` wrong predictions that the network was most confident of.

    images: (m, height, width). true: integer classes (m,). probabilities: (m, classes).
    """
    true, predicted = np.asarray(true), probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != true)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:n]
    if not len(worst):
        figure = new_figure(5, 1)
        figure.suptitle("No mistake to show: every prediction is right")
        return Picture(figure, "No mistake to show: every prediction is right.")
    title = "The most confident mistakes: true class → predicted class (confidence)"
    columns = min(5, len(worst))
    rows = -(-len(worst) // columns)
    figure = new_figure(1.7 * columns, 1.9 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, index in zip(grid, worst, strict=False):
        axes.imshow(np.squeeze(images[index]), cmap="gray")
        caption = f"{true[index]} → {predicted[index]} ({confidence[index]:.0%})"
        axes.set_title(caption, fontsize=10)
    figure.suptitle(title, fontsize=11)
    pairs = ", ".join(f"{true[i]} as {predicted[i]}" for i in worst)
    return Picture(figure, f"The most confident mistakes: {pairs}.")


def _curve(axes: object, record: dict, key: str, name: str, best: int | None) -> None:
    key = key if key in record else "acc" if key == "accuracy" else key
    for prefix, label, style in (
        ("", "training", {"color": BLUE, "marker": "o", "linestyle": "--"}),
        ("val_", "validation", {"color": ORANGE, "marker": "s", "linestyle": "-"}),
    ):
        if values := record.get(prefix + key):
            axes.plot(range(1, len(values) + 1), values, label=label, markersize=4, **style)
    if best is not None:
        axes.axvline(best, color=GREY, linewidth=1, linestyle=":", label="lowest validation loss")
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    plain_axes(axes)
    axes.legend(frameon=False)


def _best_epoch(record: dict) -> int | None:
    """The epoch, counted from one, with the lowest validation loss."""
    losses = record.get("val_loss")
    return 1 + int(np.argmin(losses)) if losses else None


def _title(record: dict, best: int | None) -> str:
    epochs = len(record["loss"])
    if best is None:
        return f"{epochs} epochs of training"
    if best == epochs:
        return "The validation loss still falls at the end: no sign of overfitting yet"
    said = f"The validation loss is lowest after epoch {best}"
    # Overfitting is more than a validation loss that went up: training has to go on getting better.
    overfits = record["loss"][-1] < 0.95 * record["loss"][best - 1]
    return f"{said}: from there on the network overfits" if overfits else f"{said} of {epochs}"


def _curves_alt(record: dict, best: int | None) -> str:
    ends = ", ".join(f"{key} {values[-1]:.3f}" for key, values in record.items() if values)
    marked = "" if best is None else f" The validation loss is lowest after epoch {best}."
    return f"Curves over {len(record['loss'])} epochs, at the end {ends}.{marked}"


def _label(
    index: int, labels: np.ndarray | None, predictions: np.ndarray | None
) -> tuple[str, bool]:
    """The text over a picture, and whether it tells of a mistake."""
    if predictions is None:
        return ("" if labels is None else str(labels[index])), False
    if labels is None or labels[index] == predictions[index]:
        return str(predictions[index]), False
    return f"{labels[index]} → {predictions[index]}", True


def _listed(values: np.ndarray) -> str:
    return ", ".join(str(value) for value in values)


def _write_counts(axes: object, counts: np.ndarray, mistakes: np.ndarray) -> None:
    dark = mistakes.max() / 2
    for (row, column), count in np.ndenumerate(counts):
        if not count:
            continue
        light_text = row != column and count > dark
        style = {"color": GREY, "style": "italic"} if row == column else {}
        style = {"color": "white"} if light_text else style
        axes.text(column, row, str(count), ha="center", va="center", fontsize=9, **style)
