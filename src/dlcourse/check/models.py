"""Checking Keras models: layers, counts, how they were compiled, what they have learned.

Right in any style: Sequential or functional, with an Input layer or without, whatever the names,
an activation as an argument or as a layer of its own, a loss or an optimizer as a string or as an
object. Keras is imported inside the functions, so that checking arrays does not wait for it.
"""

import numpy as np

from dlcourse.check.core import describe, is_a
from dlcourse.check.failures import CheckFailed

# What a wrong last activation means: (found, expected) -> why it matters.
_ACTIVATION_REASONS = {
    ("sigmoid", "softmax"): "sigmoid scores each class by itself; exclusive classes, whose "
    "probabilities sum to 1, need softmax",
    ("softmax", "sigmoid"): "softmax makes the outputs compete and sum to 1; answers that are "
    "independent of each other need sigmoid",
    (
        "linear",
        "softmax",
    ): "without an activation the outputs are scores of any size; softmax turns "
    "them into probabilities that sum to 1",
    ("linear", "sigmoid"): "without an activation the output is a score of any size; sigmoid turns "
    "it into a probability",
    (
        "linear",
        "relu",
    ): "without an activation, Dense layers in a row can do no more than one alone",
    ("relu", "softmax"): "relu gives scores that do not sum to 1; softmax makes probabilities",
}

# The accuracy that goes with a loss, as Keras picks it for metrics=["accuracy"].
_ACCURACIES = {
    "categorical_crossentropy": "categorical_accuracy",
    "sparse_categorical_crossentropy": "sparse_categorical_accuracy",
    "binary_crossentropy": "binary_accuracy",
}

# What a wrong loss means: (found, expected) -> why it matters.
_LOSS_REASONS = {
    ("sparse_categorical_crossentropy", "categorical_crossentropy"): "the sparse one takes labels "
    "as integers, and these labels are one-hot",
    ("categorical_crossentropy", "sparse_categorical_crossentropy"): "it takes one-hot labels, and "
    "these labels are integers",
    ("binary_crossentropy", "categorical_crossentropy"): "it treats the classes as independent "
    "yes-or-no questions, and here exactly one of them is right",
    ("categorical_crossentropy", "binary_crossentropy"): "it expects one right class among several",
    ("mean_squared_error", "categorical_crossentropy"): "it is made for regression; for "
    "probabilities it learns slowly from confident mistakes",
}


def layers(model: object, expected: list[tuple[str, dict]]) -> None:
    """Raises CheckFailed unless the model consists of these layers, in this order.

    expected: (class name, settings that must hold) for each layer, such as
        ("Dense", {"units": 512, "activation": "relu"}). Input layers do not count. A Dense or
        Conv2D without activation, followed by an Activation, ReLU or Softmax layer, counts as one
        layer with that activation.
    """
    _require_model(model)
    found = _merged(model)
    wanted = [(kind, dict(values)) for kind, values in expected]
    if [kind for kind, _ in found] != [kind for kind, _ in wanted]:
        raise CheckFailed(
            f"Your network consists of {_listed(found)}. It should consist of {_listed(wanted)}."
        )
    for index, ((kind, have), (_, want)) in enumerate(zip(found, wanted, strict=True)):
        for key, value in want.items():
            if not _same_setting(have.get(key), value):
                place = "last layer" if index == len(wanted) - 1 else f"layer {index + 1}"
                reason = _ACTIVATION_REASONS.get((have.get(key), value))
                raise CheckFailed(
                    f"Your {place} is {_written(kind, {k: have.get(k) for k in want})}, but should "
                    f"have {key}={value!r}{': ' + reason if reason else ''}."
                )


def parameters(model: object, expected: int, mistakes: dict[int, str] | None = None) -> None:
    """Raises CheckFailed unless the model has `expected` parameters, trainable or not.

    mistakes: count -> the sentence for the mistake that gives this count.
    """
    _require_model(model)
    _require_built(model)
    count = model.count_params()
    if count == expected:
        return
    message = f"Your network has {count:,} parameters, but should have {expected:,}."
    if count in (mistakes or {}):
        raise CheckFailed(f"{message} {mistakes[count]}")
    per_layer = ", ".join(f"{layer.count_params():,}" for layer in _inner_layers(model))
    raise CheckFailed(f"{message} Layer by layer it has {per_layer}; model.summary() shows which.")


def output_shape(model: object, expected: tuple, mistakes: dict[tuple, str] | None = None) -> None:
    """Raises CheckFailed unless the output has this shape, batch axis included (None).

    mistakes: shape -> the sentence for the mistake that gives this shape.
    """
    _require_model(model)
    _require_built(model)
    shape = tuple(model.output_shape)
    if shape != tuple(expected):
        message = (
            f"Your network's output has shape {shape}, but should have shape {tuple(expected)}; "
            "None stands for the number of samples in a batch."
        )
        raise CheckFailed(f"{message} {(mistakes or {}).get(shape, '')}".strip())


def compiled(
    model: object,
    *,
    optimizer: str | None = None,
    loss: str | None = None,
    metrics: list[str] | None = None,
) -> None:
    """Raises CheckFailed unless the model is compiled with these.

    optimizer: a name as Keras knows it, in any case.
    loss: a name as Keras knows it, "mse" included.
    metrics: names that must be among the model's; for "accuracy" any kind of accuracy will do that
        goes with the loss.
    """
    _require_model(model)
    if not model.compiled:
        raise CheckFailed(
            "Your network is not compiled. Call network.compile(optimizer=..., loss=..., "
            "metrics=[...])."
        )
    if optimizer is not None:
        _optimizer_is(model, optimizer)
    if loss is not None:
        _loss_is(model, loss)
    for metric in metrics or []:
        _watches(model, metric)


def accuracy(
    model: object, x: np.ndarray, y: np.ndarray, *, at_least: float, what: str = "these samples"
) -> float:
    """The model's accuracy on `x` and `y`; raises CheckFailed where it is below `at_least`.

    x: what the model takes. y: integer labels (n,) or one-hot labels (n, classes). An output of one
    unit counts as class 1 from 0.5 on. what: names the samples in the message.
    """
    output, labels = _predicted(model, x), _classes(y)
    score = _share_right(output, labels)
    if score < at_least:
        raise CheckFailed(
            f"Your network is right for {score:.0%} of {what}; at least {at_least:.0%} is expected."
        )
    return score


def probability(
    model: object, x: np.ndarray, y: np.ndarray, *, at_least: float, what: str = "these samples"
) -> float:
    """The mean probability that the model gives to the right class of `x`; as for `accuracy`.

    It tells who has learned from who has not with less chance in it than the accuracy: a network
    that knows nothing says a little more or less than a half of everything, and is right for any
    share of it. Raises CheckFailed where it is below `at_least`, or the outputs are no
    probabilities.
    """
    output, labels = _predicted(model, x), _classes(y)
    if output.min() < 0 or output.max() > 1 + 1e-6:
        raise CheckFailed(
            f"Your network's outputs lie between {output.min():.3g} and {output.max():.3g}, so "
            "they are no probabilities. Does its last layer have sigmoid or softmax?"
        )
    if output.shape[1] > 1:
        given = output[np.arange(len(labels)), labels]
    else:
        given = np.where(labels == 1, output[:, 0], 1 - output[:, 0])
    score = float(given.mean())
    if score < at_least:
        raise CheckFailed(
            f"To {what} your network gives the right class with a probability of {score:.2f} on "
            f"average, and is right for {_share_right(output, labels):.0%} of them; a probability "
            f"of at least {at_least:.2f} is expected."
        )
    return score


def history(
    history: object,
    *,
    keys: tuple[str, ...] = ("loss", "accuracy", "val_loss", "val_accuracy"),
    epochs: int | None = None,
) -> dict[str, list[float]]:
    """The record of a training: name -> a value per epoch.

    history: what model.fit returns, or its `.history`. Raises CheckFailed unless each of `keys` is
    there ("accuracy" stands for "acc" and its kinds too), with one finite value per epoch, for
    `epochs` epochs where that is given.
    """
    record = _record(history)
    known = {_plain_key(key): values for key, values in record.items()}
    for key in keys:
        if key not in known:
            raise CheckFailed(
                f"Your history has {_quoted(record)}, but no {key!r}: {_missing(key)}"
            )
        values = known[key]
        if epochs is not None and len(values) != epochs:
            raise CheckFailed(
                f"By its history your training took {len(values)} of {epochs} epochs."
            )
        if not np.all(np.isfinite(values)):
            raise CheckFailed(f"Your history's {key!r} is not a number in some epoch (nan).")
    return known


# Models


def _require_model(model: object) -> None:
    import keras

    # Not isinstance: an object may claim any class.
    if issubclass(type(model), keras.Model):
        return
    hint = ": does the function end with `return ...`?" if model is None else "."
    raise CheckFailed(f"A Keras model is expected here, but this is {describe(model)}{hint}")


def _require_built(model: object) -> None:
    if not model.built:
        raise CheckFailed(
            "Your network does not know the size of its input yet, so it has no weights. "
            "Begin it with keras.Input(shape=...)."
        )


def _inner_layers(model: object) -> list:
    import keras

    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def _merged(model: object) -> list[tuple[str, dict]]:
    """(class name, config) per layer, activation layers merged into the linear layer before."""
    merged = []
    for layer in _inner_layers(model):
        kind, config = type(layer).__name__, _config(layer)
        activation = _activation_alone(kind, config)
        if activation and merged and merged[-1][1].get("activation") == "linear":
            merged[-1][1]["activation"] = activation
        else:
            merged.append((kind, config))
    return merged


def _config(layer: object) -> dict:
    config = dict(layer.get_config())
    activation = config.get("activation")
    if isinstance(activation, dict):
        # An activation that was given as a layer or function comes as a dict.
        name = activation.get("config") if activation.get("class_name") == "function" else None
        config["activation"] = name or activation.get("class_name", "?").lower()
    return config


def _activation_alone(kind: str, config: dict) -> str | None:
    """The activation that a layer consists of, or None where it is a layer of another kind."""
    if kind == "Activation":
        return config["activation"]
    if kind == "ReLU" and config.get("max_value") is None and not config.get("negative_slope"):
        return "relu"
    return "softmax" if kind == "Softmax" else None


def _same_setting(have: object, want: object) -> bool:
    if isinstance(have, (list, tuple)) or isinstance(want, (list, tuple)):
        # A kernel size of 3 is stored as (3, 3).
        have, want = (tuple(v) if isinstance(v, (list, tuple)) else (v,) for v in (have, want))
        longest = max(len(have), len(want))
        have, want = (v * longest if len(v) == 1 else v for v in (have, want))
    return have == want


def _written(kind: str, values: dict) -> str:
    shown = dict(values)
    parts = [str(shown.pop("units"))] if "units" in shown else []
    return f"{kind}({', '.join(parts + [f'{key}={value!r}' for key, value in shown.items()])})"


def _listed(found: list[tuple[str, dict]]) -> str:
    if not found:
        return "no layers"
    shown = ("units", "filters", "rate", "activation")
    return ", ".join(
        _written(kind, {key: config[key] for key in shown if key in config})
        for kind, config in found
    )


# What compile was given


def _optimizer_is(model: object, expected: str) -> None:
    name = type(model.optimizer).__name__
    if name.lower() != expected.lower():
        raise CheckFailed(
            f"Your network is compiled with the optimizer {name}; this exercise asks for "
            f"{expected!r}."
        )


def _loss_is(model: object, expected: str) -> None:
    import keras

    name, want = _loss_name(model.loss), _loss_name(expected)
    if name != want:
        reason = _LOSS_REASONS.get((name, want))
        raise CheckFailed(
            f"Your network is compiled with the loss {name}; this exercise asks for {want}"
            f"{': ' + reason if reason else ''}."
        )
    last = _merged(model)[-1:]
    activation = last[0][1].get("activation") if last else None
    from_logits = isinstance(model.loss, keras.losses.Loss) and bool(
        model.loss.get_config().get("from_logits")
    )
    if from_logits and activation in ("softmax", "sigmoid"):
        raise CheckFailed(
            f"Your loss has from_logits=True, but your last layer applies {activation} already, so "
            "it would be applied twice. Leave from_logits out."
        )


def _loss_name(loss: object) -> str:
    """A loss in snake case: "categorical_crossentropy" for the string, function or object."""
    import keras

    try:
        loss = keras.losses.get(loss)
    except (TypeError, ValueError):
        return describe(loss)
    function = getattr(loss, "fn", loss)
    return getattr(function, "__name__", None) or type(loss).__name__


def _watches(model: object, metric: str) -> None:
    names = _metric_names((model.get_compile_config() or {}).get("metrics"))
    loss = _loss_name(model.loss)
    fitting = {metric}
    if metric == "accuracy":
        fitting |= {"acc", _ACCURACIES.get(loss, "accuracy")}
    if fitting & set(names):
        return
    message = f"Your network is compiled with {_metrics_said(names)}; this exercise asks for "
    message += f"{metric!r} among them: metrics=[{metric!r}]."
    if metric == "accuracy" and any("accuracy" in name.lower() for name in names):
        message += f" Keras then picks the kind of accuracy that goes with {loss}."
    raise CheckFailed(message)


def _metric_names(metrics: object) -> list[str]:
    """Names of the metrics in a compile config; an object counts by its class, in snake case."""
    if metrics is None:
        return []
    if isinstance(metrics, str):
        return [metrics]
    if isinstance(metrics, dict) and "class_name" in metrics:
        if metrics["class_name"] == "function":
            return [str(metrics["config"])]
        name = metrics["class_name"]
        # The class Accuracy asks whether output equals label; the string "accuracy" does not.
        return [name if name == "Accuracy" else _snake(name)]
    inner = metrics.values() if isinstance(metrics, dict) else metrics
    return [name for item in inner for name in _metric_names(item)]


def _snake(name: str) -> str:
    spaced = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.lstrip("_")


def _metrics_said(names: list[str]) -> str:
    return f"the metrics {', '.join(names)}" if names else "no metrics"


# Histories


def _predicted(model: object, x: np.ndarray) -> np.ndarray:
    """What the model predicts, (n, units); CheckFailed unless that is a row of numbers a sample."""
    _require_model(model)
    output = np.asarray(model.predict(x, verbose=0))
    if not np.all(np.isfinite(output)):
        raise CheckFailed(
            "Your network predicts values that are not numbers (nan). The training has run away: "
            "are the inputs scaled to [0, 1]?"
        )
    if output.ndim != 2 or len(output) != len(x):
        raise CheckFailed(
            f"Your network's predictions have shape {output.shape}; one row per sample is expected."
        )
    return output


def _classes(y: np.ndarray) -> np.ndarray:
    """Integer labels (n,) of integer or one-hot ones."""
    labels = np.asarray(y)
    return labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()


def _share_right(output: np.ndarray, labels: np.ndarray) -> float:
    guesses = output.argmax(axis=1) if output.shape[1] > 1 else (output[:, 0] >= 0.5).astype(int)
    return float(np.mean(guesses == labels))


def _record(history: object) -> dict:
    record = history if is_a(history, dict) else getattr(history, "history", None)
    if is_a(record, dict):
        return record
    hint = ": does the function end with `return history`?" if history is None else "."
    what = "the network itself" if hasattr(history, "count_params") else describe(history)
    found = what + hint
    raise CheckFailed(f"The History that model.fit returns is expected here, but this is {found}")


def _plain_key(key: str) -> str:
    prefix = "val_" if key.startswith("val_") else ""
    name = key.removeprefix("val_")
    return prefix + ("accuracy" if name == "acc" or name.endswith("_accuracy") else name)


def _quoted(record: dict) -> str:
    return ", ".join(repr(key) for key in record) or "nothing in it"


def _missing(key: str) -> str:
    if key.startswith("val_"):
        return "pass validation_data=(images, labels) to fit."
    return "compile with metrics=['accuracy']." if key == "accuracy" else "was the network fitted?"
