"""Keras objects as configs, and made from them again.

A config is JSON. An object in it is {"class": name, "config": its arguments}, with a name of
`classes()`; a function is one of `functions()`. A functional model is its layers and the calls of
them, in an order in which they can be made again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType

import numpy as np

from dlcourse.grade.carry.bounds import Refused, check, guard
from dlcourse.grade.carry.layers import (
    FUNCTIONAL,
    SEQUENTIAL,
    classes,
    functions,
    known_types,
    model_types,
    sublayers,
    walk,
)
from dlcourse.grade.carry.packing import CarryError

# Metrics allocate what their arguments ask for.
LARGEST_METRIC_NUMBER = 1000


# From objects to configs


def config_of(value: object) -> object:
    """The config of a Keras object; Refused if there is something in it that does not cross."""
    import keras

    if isinstance(value, keras.layers.Layer):
        _check_layers(value)
        with _uncompiled(value):
            config = keras.saving.serialize_keras_object(value)
    else:
        _check_functions(value, "it")
        config = keras.saving.serialize_keras_object(value)
    config = _config(config, built=True)
    check(config)
    return config


@contextmanager
def _uncompiled(layer: object) -> Iterator[None]:
    """Keeps Keras from writing into configs how models were compiled, for which it may warn."""
    models = [each for each in walk(layer) if getattr(each, "compiled", False)]
    try:
        for model in models:
            model.compiled = False
        yield
    finally:
        for model in models:
            model.compiled = True


def _check_layers(root: object) -> None:
    counted = 0
    for layer in walk(root):
        inside = sublayers(layer)
        counted += len(inside)
        operations = layer.operations if type(layer) is model_types()[1] else inside
        for each in (layer, *operations):
            _check_class(each)
        if type(layer) not in model_types():
            _check_functions(layer, f"its layer `{layer.name}`")
    if counted + 1 != len(list(walk(root))):
        raise Refused("the same layer stands in it in more than one place")


def _check_functions(value: object, what: str) -> None:
    # In a config a function is no more than its name, and `relu` may be anyone's.
    for part in vars(value).values():
        if type(part) is FunctionType and not _is_of_library(part):
            raise Refused(f"{what} uses `{part.__name__}`, a function that is not Keras's own")


def _is_of_library(function: FunctionType) -> bool:
    return str(function.__module__).startswith(("keras.", "tensorflow."))


def _check_class(layer: object) -> None:
    if type(layer) in model_types() or type(layer) in known_types():
        return
    name = type(layer).__name__
    if name == "Lambda":
        raise Refused(f"its layer `{layer.name}` is a Lambda layer, which is code and not data")
    raise Refused(
        f"its layer `{layer.name}` is of the class {name}, which is not among the layers of Keras "
        "that this course uses"
    )


def _config(node: object, built: bool = False) -> object:
    """Our config for one of Keras's, which is nested dicts and lists.

    built: whether a layer at this place needs to be told the shape that it was built for.
    """
    if node is None or type(node) in (bool, int, float, str):
        return node
    if type(node) in (np.float64, np.float32, np.int64, np.bool_):
        # Keras keeps a number as it was given: RandomRotation(np.radians(10)).
        return node.item()
    if isinstance(node, (list, tuple)):
        return [_config(item) for item in node]
    if not isinstance(node, dict):
        raise Refused(f"there is {type(node).__name__} among the settings in it")
    if "class_name" not in node:
        return {str(key): _config(item) for key, item in node.items()}
    special = _SPECIAL.get(node["class_name"])
    return special(node) if special else _object(node, built)


def _object(node: dict, built: bool) -> dict:
    name = f"{node['module']}.{node['class_name']}"
    if name == SEQUENTIAL:
        return {"class": name, "config": _sequential_config(node["config"])}
    if name == FUNCTIONAL:
        return {"class": name, "config": _functional_config(node["config"])}
    known = name in classes() and node.get("registered_name") in (None, node["class_name"])
    if not known:
        raise Refused(
            f"it uses {node['class_name']}, which is not among the parts of Keras that this "
            "course uses"
        )
    # Whether a layer is trainable is kept with its weights.
    settings = {key: _config(item) for key, item in node["config"].items() if key != "trainable"}
    config = {"class": name, "config": settings}
    if built and (node.get("build_config") or {}).get("input_shape") is not None:
        config["build"] = _config(node["build_config"]["input_shape"])
    return config


def _function(node: dict) -> dict:
    if node["config"] not in functions():
        raise Refused(f"it uses `{node['config']}`, a function that is not Keras's own")
    return {"class": "function", "config": node["config"]}


def _constant(name: str) -> Callable[[dict], dict]:
    return lambda node: {"class": name, "config": _config(node["config"])}


_SPECIAL = {
    # By its name, which all layers take.
    "DTypePolicy": lambda node: node["config"]["name"],
    "function": _function,
    "__tensor__": _constant("tensor"),
    "__numpy__": _constant("array"),
    "__ellipsis__": lambda node: {"class": "ellipsis", "config": {}},
    "__slice__": lambda node: {"class": "slice", "config": _config(node["config"])},
    "__keras_tensor__": lambda node: {"tensor": list(node["config"]["keras_history"])},
}


def _sequential_config(config: dict) -> dict:
    shape = _config(config.get("build_input_shape"))
    # A stack that was built builds its layers; in one that was not, they may be built all the same.
    layers = [_config(layer, built=shape is None) for layer in config["layers"]]
    return {"name": config["name"], "layers": layers, "shape": shape}


def _functional_config(config: dict) -> dict:
    layers = config["layers"]
    places = {layer["name"]: index for index, layer in enumerate(layers)}
    nested = {layer["name"] for layer in layers if _is_functional(layer)}

    def end(struct: object) -> object:
        if isinstance(struct, (list, tuple)):
            if len(struct) == 3 and type(struct[0]) is str:
                name, call, output = struct
                # Keras counts the calls of a nested functional model from 1 here, elsewhere from 0.
                return {"tensor": [places[name], call - (name in nested), output]}
            return [end(item) for item in struct]
        return {key: end(item) for key, item in struct.items()}

    return {
        "name": config["name"],
        "layers": [_config(layer) for layer in layers],
        "calls": _calls(layers, places),
        "inputs": end(config["input_layers"]),
        "outputs": end(config["output_layers"]),
    }


def _is_functional(layer: dict) -> bool:
    return f"{layer['module']}.{layer['class_name']}" == FUNCTIONAL


def _calls(layers: list[dict], places: dict[str, int]) -> list[list]:
    """[layer, args, kwargs] of each call, each after the calls that its tensors come from."""
    waiting = [
        [_placed(_config([call["args"], call["kwargs"]]), places) for call in each["inbound_nodes"]]
        for each in layers
    ]
    done = [0 if nodes else 1 for nodes in waiting]
    calls = []
    while any(waiting):
        before = len(calls)
        for place, nodes in enumerate(waiting):
            while nodes and all(call < done[layer] for layer, call, _ in _tensors(nodes[0])):
                calls.append([place, *nodes.pop(0)])
                done[place] += 1
        if len(calls) == before:
            raise Refused("its layers are connected in a circle")
    return calls


def _placed(node: object, places: dict[str, int]) -> object:
    """`node` with layers by their place instead of by name."""
    if isinstance(node, list):
        return [_placed(item, places) for item in node]
    if not isinstance(node, dict):
        return node
    if "tensor" in node:
        name, call, output = node["tensor"]
        return {"tensor": [places[name], call, output]}
    return {key: _placed(item, places) for key, item in node.items()}


def _tensors(node: object) -> Iterator[list]:
    """[layer, call, output] of each tensor in the arguments of a call."""
    if isinstance(node, list):
        for item in node:
            yield from _tensors(item)
    elif isinstance(node, dict):
        if "tensor" in node:
            yield node["tensor"]
        else:
            for item in node.values():
                yield from _tensors(item)


# From configs to objects


def made(config: object) -> object:
    """What a config describes; CarryError if it is none of ours, anything if Keras finds fault.

    Layers are unbuilt unless the config says for which shape.
    """
    if isinstance(config, list):
        return [made(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class" not in config:
        return {key: made(item) for key, item in config.items()}
    name, settings = config["class"], config.get("config")
    if name in _MADE:
        return _MADE[name](settings)
    if type(name) is not str or name not in classes() or type(settings) is not dict:
        raise CarryError(f"There is no class {name!r:.80} here.")
    found = classes()[name](**_arguments(name, {key: made(v) for key, v in settings.items()}))
    if name == "keras.layers.Normalization":
        guard(found)
    return found


def _arguments(name: str, settings: dict) -> dict:
    if name == "keras.layers.RandomShear":
        # Keras 3.15 writes the factor 0.2 as (-0.2, 0.2) and does not read that.
        for key in ("x_factor", "y_factor"):
            low, high = settings[key]
            settings[key] = high if low < 0 else [low, high]
    numbers = [item for item in settings.values() if type(item) is int]
    if name.startswith("keras.metrics.") and any(n > LARGEST_METRIC_NUMBER for n in numbers):
        raise CarryError(f"A metric takes numbers of at most {LARGEST_METRIC_NUMBER}.")
    return settings


def _made_function(name: object) -> FunctionType:
    if type(name) is not str or name not in functions():
        raise CarryError(f"There is no function {name!r:.80} here.")
    return functions()[name]


def _made_tensor(settings: dict) -> object:
    import keras

    return keras.ops.convert_to_tensor(settings["value"], dtype=settings["dtype"])


def _made_array(settings: dict) -> np.ndarray:
    import keras

    return np.array(settings["value"], keras.backend.standardize_dtype(settings["dtype"]))


_MADE = {
    "function": _made_function,
    "tensor": _made_tensor,
    "array": _made_array,
    "ellipsis": lambda settings: ...,
    "slice": lambda settings: slice(settings["start"], settings["stop"], settings["step"]),
}


def made_layer(config: object) -> object:
    """The layer, operation or model that a config describes."""
    name = config.get("class") if isinstance(config, dict) else None
    if name == SEQUENTIAL:
        return _made_sequential(config["config"])
    if name == FUNCTIONAL:
        return _made_functional(config["config"])
    if type(name) is not str or not name.startswith(("keras.layers.", "keras.src.ops.")):
        raise CarryError(f"There is no layer {name!r:.80} here.")
    layer = made(config)
    shape = config.get("build")
    if shape is not None and not layer.built:
        layer.build_from_config({"input_shape": _shape(shape)})
    return layer


def _shape(shape: object) -> object:
    """A shape, or several, as Keras has them: tuples."""
    if isinstance(shape, list):
        return tuple(_shape(size) for size in shape)
    return shape


def _made_sequential(config: dict) -> object:
    import keras

    layers = [made_layer(layer) for layer in config["layers"]]
    model = keras.Sequential(layers, name=config["name"])
    if config["shape"] is not None and not model.built:
        model.build(_shape(config["shape"]))
    return model


def _made_functional(config: dict) -> object:
    import keras

    layers = [made_layer(layer) for layer in config["layers"]]
    outputs = [
        [[layer.output]] if isinstance(layer, keras.layers.InputLayer) else [] for layer in layers
    ]

    def bound(node: object) -> object:
        if isinstance(node, list):
            return [bound(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "tensor" in node:
            layer, call, output = node["tensor"]
            return outputs[layer][call][output]
        if "class" in node:
            return made({**node, "config": bound(node["config"])})
        return {key: bound(item) for key, item in node.items()}

    for place, args, kwargs in config["calls"]:
        # Without a tensor to wait for, an operation would compute at once.
        if not any(_tensors([args, kwargs])):
            raise CarryError("A layer is called without a tensor.")
        outputs[place].append(_called(layers[place], bound(args), bound(kwargs)))
    return keras.Model(bound(config["inputs"]), bound(config["outputs"]), name=config["name"])


def _called(layer: object, args: list, kwargs: dict) -> list:
    import keras

    if type(layer).__name__ == "GetItem" and isinstance(args[1], list):
        args = [args[0], tuple(args[1])]
    return keras.tree.flatten(layer(*args, **kwargs))
