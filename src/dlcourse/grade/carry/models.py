"""Keras models, layers and what they are trained with; the record of a training.

A model crosses as the config of its layers, its arrays in the order of its layers, and a flag per
layer for whether it is trainable. It is never loaded by Keras, and nothing of it is built before
its parameters are counted.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType

import numpy as np

from dlcourse.check.failures import CheckFailed
from dlcourse.grade.carry import bounds, configs, layers
from dlcourse.grade.carry.bounds import Refused
from dlcourse.grade.carry.packing import LIMITS, CarryError, Packer, Unpacker

# What `compile` is given, apart from the optimizer.
_PLANS = ("loss", "loss_weights", "metrics", "weighted_metrics")
_PLAIN_PLANS = {"run_eagerly": bool, "steps_per_execution": int}


def pack_object(value: object, packer: Packer) -> dict | None:
    """The node of a Keras object; None for objects of other kinds."""
    import keras

    kind = type(value)
    try:
        if layers.is_layer(value):
            name = "model" if kind in layers.model_types() else "layer"
            return {"k": name, **_layer_node(value, packer)}
        if kind is keras.callbacks.History:
            return {"k": "history", **_record_node(value, packer)}
        if kind in layers.known_types():
            return {"k": "keras", "v": configs.config_of(value)}
    except Refused as refused:
        return packer.unknown(value, str(refused))
    return _foreign(value, kind, packer)


def is_carried(value: object) -> bool:
    """Whether `update` may give `value`, a model or a layer, what its copy has become."""
    return layers.is_layer(value)


def update(original: object, after: object) -> bool:
    """Gives a model or layer, in place, what its copy has after a call.

    That is weights, trainable flags, compile settings and the state of the optimizer. Returns
    False, and changes nothing, if the layers are not the same.
    """
    packer = Packer(None, LIMITS, structure=False)
    try:
        node = _layer_node(after, packer)
        if _bare(configs.config_of(original)) != _bare(node["v"]):
            return False
        _build_like(original, node["v"])
        if _shapes(original) != _shapes(after):
            return False
    except Refused:
        return False
    _load(original, node, Unpacker(packer.buffers, None, LIMITS))
    return True


def unpack_model(node: dict, unpacker: Unpacker) -> object:
    return _unpacked(node, unpacker, layers.model_types())


def unpack_layer(node: dict, unpacker: Unpacker) -> object:
    import keras

    return _unpacked(node, unpacker, keras.layers.Layer)


def unpack_keras(node: dict, unpacker: Unpacker) -> object:
    config = node.get("v")
    try:
        bounds.check(config)
    except Refused as refused:
        raise CarryError(f"A Keras object does not cross, because {refused}.") from None
    name = config.get("class") if type(config) is dict else None
    if name is None or str(name).startswith("keras.layers."):
        raise CarryError("A Keras object has a class, which is no layer.")
    return configs.made(config)


def unpack_history(node: dict, unpacker: Unpacker) -> object:
    import keras

    record = keras.callbacks.History()
    record.history, record.epoch, params = (
        unpacker.value(node.get(key)) for key in ("history", "epoch", "params")
    )
    if type(record.history) is not dict or type(record.epoch) is not list:
        raise CarryError("A history is a dict, with a list of epochs.")
    record.set_params(params)
    return record


def _record_node(record: object, packer: Packer) -> dict:
    # A record that has never seen a training has no epochs.
    epoch, params = getattr(record, "epoch", []), getattr(record, "params", None)
    parts = {"history": record.history, "epoch": epoch, "params": params}
    return {key: packer.node(value) for key, value in parts.items()}


def _foreign(value: object, kind: type, packer: Packer) -> dict | None:
    """A sentence for what looks like an object of this module, but is of no class that crosses."""
    import keras

    if issubclass(kind, keras.Model):
        return packer.unknown(
            value,
            "it is a model of a class of its own; return a keras.Sequential, or a "
            "keras.Model(inputs, outputs)",
        )
    if issubclass(kind, keras.layers.Layer):
        return packer.unknown(value, "it is not among the layers of Keras that this course uses")
    if issubclass(kind, keras.KerasTensor):
        return packer.unknown(
            value, "it stands for the output of a layer and has no values; return the model"
        )
    return None


# Models and layers


def _layer_node(layer: object, packer: Packer) -> dict:
    config, variables = configs.config_of(layer), _variables(layer)
    _check_count(variables, packer.limits.parameters)
    if len(variables) < len(layer.variables):
        raise Refused("there are weights attached to it that its layers do not have")
    node = {
        "v": config,
        "trainable": [int(each.trainable) for each in layers.walk(layer)],
        # A weight keeps the path that it was made under, and may be frozen by itself.
        "weights": [[each.path, int(each.trainable)] for each in variables],
        "arrays": None if packer.structure else _arrays(variables, packer),
    }
    if getattr(layer, "compiled", False):
        node["compile"] = _compile_node(layer, packer)
    return node


def _variables(layer: object) -> list:
    """The weights of a layer or model, in the order of its layers, and its random states."""
    found = {}
    for each in layers.walk(layer):
        states = [generator.state for generator in each._seed_generators]
        for variable in [*each._trainable_variables, *each._non_trainable_variables, *states]:
            found[id(variable)] = variable
    return list(found.values())


def _shapes(layer: object) -> list[tuple]:
    return [(*variable.shape, variable.dtype) for variable in _variables(layer)]


def _check_count(variables: list, most: int) -> None:
    if sum(math.prod(variable.shape) for variable in variables) > most:
        raise Refused(f"it has more than {most:,} parameters")


def _arrays(variables: list, packer: Packer) -> list[int]:
    # Counted before anything is copied.
    packer.reserve(sum(np.dtype(v.dtype).itemsize * math.prod(v.shape) for v in variables))
    return [packer.buffer(each.numpy().tobytes(), reserved=True) for each in variables]


def _unpacked(node: dict, unpacker: Unpacker, kind: object) -> object:
    try:
        for part in ("v", "weights", "compile"):
            bounds.check(node.get(part))
        with bounds.unfilled():
            layer = configs.made_layer(node.get("v"))
            if not isinstance(layer, kind):
                raise CarryError(f"A {node['k']} is expected.")
            _check_count(_variables(layer), unpacker.limits.parameters)
            bounds.check_samples(layer)
    except Refused as refused:
        raise CarryError(f"A {node['k']} does not cross, because {refused}.") from None
    _load(layer, node, unpacker)
    return layer


def _load(layer: object, node: dict, unpacker: Unpacker) -> None:
    """Gives a built layer or model the state that `node` says."""
    variables, parts = _variables(layer), list(layers.walk(layer))
    if node.get("arrays") is None:
        _fill_cheaply(variables)
    else:
        _fill(variables, unpacker.items(node, "arrays"), unpacker)
    for each in parts:
        # An adapted Normalization computes with constants made of its weights.
        if hasattr(each, "finalize_state"):
            each.finalize_state()
    flags, weights = unpacker.items(node, "trainable"), unpacker.items(node, "weights")
    if len(flags) != len(parts) or len(weights) != len(variables):
        raise CarryError("A model needs a flag for each of its layers and weights.")
    for each, flag in zip(parts, flags, strict=True):
        # Its setter would set all layers inside as well.
        each._trainable = bool(flag)
    for variable, (path, flag) in zip(variables, weights, strict=True):
        variable._path, variable.trainable = str(path), bool(flag)
    if node.get("compile") is not None:
        _compile(layer, node["compile"], variables, unpacker)


def _fill(variables: list, buffers: list, unpacker: Unpacker) -> None:
    if len(buffers) != len(variables):
        raise CarryError("A model needs an array for each of its weights.")
    for variable, index in zip(variables, buffers, strict=True):
        array = np.frombuffer(unpacker.buffer(index), np.dtype(variable.dtype))
        # A copy, since TensorFlow may keep the memory that it is given.
        _assign(variable, array.reshape(variable.shape).copy())


def _fill_cheaply(variables: list) -> None:
    for variable in variables:
        if variable._value is None:
            _assign(variable, np.zeros(variable.shape, np.dtype(variable.dtype)))


def _assign(variable: object, array: np.ndarray) -> None:
    if variable._value is None:
        variable._initializer = lambda shape, dtype: array
        variable._deferred_initialize()
    else:
        variable.assign(array)


def _build_like(original: object, config: dict) -> None:
    """Builds a Sequential model, if it is not, for the samples that its copy was built for."""
    shape = config["config"].get("shape")
    if type(original) is layers.model_types()[0] and not original.built and shape is not None:
        original.build(tuple(shape))


def _bare(config: object) -> object:
    """A config without what building adds: shapes, and the input layer of a stack."""
    if isinstance(config, list):
        return [_bare(item) for item in config]
    if not isinstance(config, dict):
        return config
    if isinstance(config.get("layers"), list) and "shape" in config:
        kept = [each for each in config["layers"] if each["class"] != "keras.layers.InputLayer"]
        config = {**config, "layers": kept, "shape": None}
    return {key: _bare(item) for key, item in config.items() if key != "build"}


# Compile settings


def _compile_node(model: object, packer: Packer) -> dict:
    settings, optimizer = model._compile_config.config, model.optimizer
    node = {key: _plan(settings.get(key)) for key in _PLANS}
    node["earlier"] = {key: _plan(value) for key, value in _earlier(model, settings).items()}
    node |= {key: kind(settings[key]) for key, kind in _PLAIN_PLANS.items()}
    try:
        node["optimizer"] = configs.config_of(settings["optimizer"])
    except Refused as refused:
        raise Refused(f"of the optimizer that it is compiled with: {refused}") from None
    if not packer.structure:
        places = {id(variable): place for place, variable in enumerate(_variables(model))}
        trained = [places.get(id(each)) for each in optimizer._trainable_variables]
        # None among them: the optimizer was built for another model.
        if optimizer.built and None not in trained:
            node["trained"] = trained
            now = [places[id(each)] for each in model.trainable_weights]
            node["stale"] = bool(model.train_function) and sorted(now) != sorted(trained)
        node["state"] = _arrays(optimizer.variables[: None if "trained" in node else 1], packer)
    return node


def _earlier(model: object, settings: dict) -> dict:
    """What an earlier `compile` gave the model and the last one, leaving it out, did not take."""
    kept = {}
    if model._compile_loss is not None and settings["loss"] is None:
        loss = model._compile_loss
        kept |= {"loss": loss._user_loss, "loss_weights": loss._user_loss_weights}
    left_out = settings["metrics"] is None and settings["weighted_metrics"] is None
    if model._compile_metrics is not None and left_out:
        metrics = model._compile_metrics
        kept |= {
            "metrics": metrics._user_metrics,
            "weighted_metrics": metrics._user_weighted_metrics,
        }
    return kept


def _plan(plan: object) -> object:
    """The config of a loss or of metrics, as given: names, objects, functions, several of them."""
    if plan is None or type(plan) in (bool, int, float, str):
        return plan
    if isinstance(plan, (list, tuple)):
        return [_plan(item) for item in plan]
    if isinstance(plan, dict):
        return {str(key): _plan(item) for key, item in plan.items()}
    if type(plan) is FunctionType and layers.functions().get(plan.__name__) is not plan:
        return {"class": "absent", "config": plan.__name__[:100]}
    if isinstance(plan, type) and plan in layers.known_types():
        return configs.config_of(plan())
    try:
        return configs.config_of(plan)
    except Exception:
        # Whatever Keras cannot put into a config is the student's own.
        name = getattr(plan, "__name__", type(plan).__name__)
        return {"class": "absent", "config": str(name)[:100]}


def _made_plan(plan: object) -> object:
    if isinstance(plan, list):
        return [_made_plan(item) for item in plan]
    if isinstance(plan, dict) and plan.get("class") == "absent":
        return _absent(str(plan["config"]))
    if isinstance(plan, dict) and "class" not in plan:
        return {key: _made_plan(item) for key, item in plan.items()}
    return configs.made(plan)


def _absent(name: str) -> FunctionType:
    """Stands for a student's own loss or metric: it has its name, and says so when it is used."""

    def absent(*_):
        raise CheckFailed(
            f"Your network is compiled with `{name}`, which is a function or class of your own "
            "and not there where it is tested. Compile it with one of Keras's."
        )

    absent.__name__ = name
    return absent


def _compile(model: object, node: dict, variables: list, unpacker: Unpacker) -> None:
    import keras

    optimizer = configs.made(node["optimizer"])
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise CarryError("A model is compiled with an optimizer.")
    plain = {key: kind(node[key]) for key, kind in _PLAIN_PLANS.items()}
    if node["earlier"]:
        model.compile(optimizer, **_made_plan(node["earlier"]))
    model.compile(optimizer, **{key: _made_plan(node[key]) for key in _PLANS}, **plain)
    trained = node.get("trained")
    if trained is not None:
        if len(set(trained)) != len(trained):
            raise CarryError("An optimizer trains each weight once.")
        trained = [variables[place] for place in trained]
        model.optimizer.build(trained)
        if node.get("stale"):
            _train_still(model, trained)
    if node.get("state") is not None:
        state = model.optimizer.variables[: None if trained is not None else 1]
        _fill(state, node["state"], unpacker)


def _train_still(model: object, trained: list) -> None:
    """Makes the model train these weights until it is compiled again, whatever its flags say.

    Keras does so with a model that was trained before the flags were changed.
    """
    model.make_train_function()
    step = model.train_function

    def train_function(iterator):
        with _trainable(model, trained):
            return step(iterator)

    model.train_function = train_function


@contextmanager
def _trainable(model: object, weights: list) -> Iterator[None]:
    """Flags as they are where these weights, and no others, are trained."""
    chosen, parts = set(map(id, weights)), list(layers.walk(model))
    own = [weight for part in parts for weight in part._trainable_variables]
    before = [part.trainable for part in parts], [weight.trainable for weight in own]
    try:
        for part in parts:
            mine = part._trainable_variables
            part._trainable = not mine or any(id(weight) in chosen for weight in mine)
        for weight in own:
            weight.trainable = id(weight) in chosen
        yield
    finally:
        for part, flag in zip(parts, before[0], strict=True):
            part._trainable = flag
        for weight, flag in zip(own, before[1], strict=True):
            weight.trainable = flag
