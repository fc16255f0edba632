"""Frames that no model was packed into: each is refused, before it costs memory or time."""

import json
import math

import keras
import numpy as np
import pytest
from keras import layers as kl

from dlcourse.grade.carry import CarryError, pack, unpack


def head_of(model):
    return json.loads(pack(model)[0])


def config_of(layer):
    """The config of a layer, as it stands in that of a model."""
    return head_of(keras.Sequential([layer]))["v"]["config"]["layers"][0]


def stack_of(*configs, shape=(None, 8)):
    """The first frame of a Sequential model of these layers, for samples of this shape."""
    head = head_of(keras.Sequential([keras.Input((8,)), kl.Dense(3)]))
    layers = head["v"]["config"]["layers"]
    layers[0]["config"]["batch_shape"] = shape
    layers[1:] = [renamed(config, f"layer_{place}") for place, config in enumerate(configs)]
    return head | {"arrays": None}


def renamed(config, name):
    return {**config, "config": {**config["config"], "name": name}}


def with_settings(layer, **settings):
    config = config_of(layer)
    return {**config, "config": config["config"] | settings}


def unpacked(head, buffers=()):
    return unpack([json.dumps(head).encode(), *buffers])


def refusal(head, buffers=()):
    with pytest.raises(CarryError) as refused:
        unpacked(head, buffers)
    return str(refused.value)


@pytest.fixture
def trained():
    """The frames of a model that has been trained: the first one parsed, and its arrays."""
    model = keras.Sequential([keras.Input((8,)), kl.Dense(3)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 8)), np.ones((4, 3)), verbose=0)
    head, *buffers = pack(model)
    return json.loads(head), buffers


# More than there is room for

PICTURES = (None, 10, 10, 3)
TOO_LARGE = {
    "a wide layer": stack_of(config_of(kl.Dense(10**9))),
    "two layers": stack_of(config_of(kl.Dense(10**6)), config_of(kl.Dense(10**6))),
    "many layers": stack_of(*[config_of(kl.Dense(10**6))] * 50),
    "a kernel": stack_of(config_of(kl.Conv2D(64, 5000)), shape=(None, 10**4, 10**4, 3)),
    "a wide input": stack_of(config_of(kl.Dense(1)), shape=(None, 10**18)),
    "batch statistics": stack_of(config_of(kl.BatchNormalization()), shape=(None, 10**10)),
    "a slope for each pixel": stack_of(config_of(kl.PReLU()), shape=(None, 10**4, 10**4, 3)),
}
EXPLOSIONS = {
    "padding": stack_of(config_of(kl.ZeroPadding2D(10**6)), shape=PICTURES),
    "upsampling": stack_of(*[config_of(kl.UpSampling2D(100))] * 6, shape=PICTURES),
    "resizing": stack_of(config_of(kl.Resizing(10**5, 10**5)), shape=PICTURES),
    "repeating": stack_of(config_of(kl.RepeatVector(10**9))),
    "a crop": stack_of(config_of(kl.RandomCrop(10**5, 10**5)), shape=PICTURES),
}
GIVEN = kl.Normalization(axis=(1, 2, 3), mean=0.0, variance=1.0)
EAGER = {
    "learned": stack_of(config_of(kl.Normalization(axis=(1, 2, 3))), shape=(None, 4000, 4000, 3)),
    "given": stack_of(config_of(GIVEN), shape=(None, 4000, 4000, 3)),
    "given often": stack_of(*[config_of(GIVEN)] * 300, shape=(None, 200, 200, 3)),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_parameters_are_counted_before_a_model_takes_memory(case):
    assert "it has more than 50,000,000 parameters" in refusal(TOO_LARGE[case])


@pytest.mark.parametrize("case", EXPLOSIONS)
def test_a_model_without_weights_whose_outputs_are_huge_is_refused(case):
    assert "numbers for one sample" in refusal(EXPLOSIONS[case])


@pytest.mark.parametrize("case", EAGER)
def test_a_normalization_of_huge_samples_is_refused_before_it_computes(case):
    assert "normalise more than" in refusal(EAGER[case])


def test_ten_thousand_layers_are_refused_before_they_are_built():
    assert "calls of layers to build" in refusal(stack_of(*[config_of(kl.ReLU())] * 10_000))


def test_models_that_call_each_other_twice_are_refused_before_they_are_built():
    model = keras.Model(x := keras.Input((8,)), kl.ReLU()(x))
    head = head_of(model)
    for depth in range(14):
        inner, outer = head["v"], head_of(keras.Model(x := keras.Input((8,)), model(model(x))))
        outer["v"]["config"]["layers"][1] = renamed(inner, f"model_{depth}")
        head = outer
    assert "calls of layers to build" in refusal(head)


def test_models_inside_of_models_without_end_are_refused():
    config = config_of(kl.ReLU())
    for depth in range(200):
        settings = {"name": f"s{depth}", "layers": [config], "shape": [None, 8]}
        config = {"class": "keras.Sequential", "config": settings}
    assert "too many settings" in refusal(stack_of(config))


def test_a_metric_with_a_billion_thresholds_is_refused(trained):
    head, buffers = trained
    metric = json.loads(pack(keras.metrics.AUC())[0])["v"]
    metric["config"]["num_thresholds"] = 10**9
    assert "A metric takes numbers" in refusal({"k": "keras", "v": metric})
    head["compile"]["metrics"] = [metric]
    assert "A metric takes numbers" in refusal(head, buffers)


def test_a_text_without_end_is_refused():
    assert "longer than" in refusal(stack_of(with_settings(kl.Dense(3), activation="x" * 10**6)))


# Other than what is listed

CLASSES = [
    "os.system",
    "builtins.eval",
    "subprocess.Popen",
    "keras.layers.Lambda",
    "keras.layers.TFSMLayer",
    "keras.src.layers.core.dense.Dense",
    "keras.utils.get_file",
    "keras.saving.load_model",
    "keras.src.ops.core.Map",
    "__lambda__",
    "Dense",
    "",
    None,
    7,
    ["keras.layers.Dense"],
    {"class": "keras.layers.Dense"},
]


@pytest.mark.parametrize("name", CLASSES, ids=str)
def test_a_class_outside_of_the_list_is_refused_wherever_it_stands(name):
    forged = {"class": name, "config": {"name": "x", "command": "true"}}
    assert refusal(stack_of(forged))
    assert refusal(stack_of(with_settings(kl.Dense(3), kernel_initializer=forged)))
    assert refusal({"k": "keras", "v": forged})
    assert refusal(head_of(keras.Sequential([kl.Dense(3)])) | {"v": forged})


@pytest.mark.parametrize("name", ["os.system", "eval", "deserialize", "get", None, ["relu"]])
def test_a_function_outside_of_the_list_is_refused(name):
    forged = {"class": "function", "config": name}
    assert "There is no function" in refusal(
        stack_of(with_settings(kl.Dense(3), activation=forged))
    )


@pytest.mark.parametrize("name", ["keras.initializers.Zeros", "keras.optimizers.SGD", "function"])
def test_what_is_no_layer_is_refused_as_one(name):
    assert "There is no layer" in refusal(stack_of({"class": name, "config": {}}))


def test_a_layer_is_refused_as_an_object_by_itself():
    assert "no layer" in refusal({"k": "keras", "v": config_of(kl.Dense(3))})


# Settings that Keras refuses


@pytest.mark.parametrize(
    "settings",
    [
        {"units": -5},
        {"units": 0},
        {"units": math.nan},
        {"units": math.inf},
        {"units": 10**300},
        {"units": "five"},
        {"units": None},
        {"activation": "no such function"},
        {"activation": config_of(kl.Dense(3))},
        {"kernel_initializer": config_of(kl.Dense(3))},
        {"dtype": "resource"},
        {"dtype": {"class": "keras.Sequential", "config": {}}},
        {"name": "a/b"},
        {"name": {"k": "model"}},
        {"no_such_setting": 1},
    ],
    ids=str,
)
def test_settings_that_no_layer_has_are_refused(settings):
    config = config_of(kl.Dense(3))
    forged = {**config, "config": config["config"] | settings}
    head = stack_of(config)
    head["v"]["config"]["layers"][1] = forged
    assert refusal(head)


@pytest.mark.parametrize(
    "shape", [None, [], [None], [None, math.nan], [None, -3], [None, "x"], [[None, 3]], 5, "ab"]
)
def test_shapes_that_no_input_has_are_refused(shape):
    assert refusal(stack_of(config_of(kl.Dense(3)), shape=shape))


def test_a_lie_about_the_shape_that_a_layer_was_built_for_is_refused():
    assert refusal(stack_of({**config_of(kl.Dense(3)), "build": [None, 5]}))


# Graphs that no model has


@pytest.fixture
def graph():
    inputs = keras.Input((8,))
    return head_of(keras.Model(inputs, kl.ReLU()(kl.Dense(3)(inputs))))


@pytest.mark.parametrize(
    "tensor", [[2, 0, 0], [1, 0, 0], [9, 0, 0], [0, 7, 0], [0, 0, 7], [0], "x", None, [None] * 3]
)
def test_a_call_that_waits_for_itself_or_for_nothing_is_refused(tensor, graph):
    graph["v"]["config"]["calls"][0][1] = [{"tensor": tensor}]
    assert refusal(graph)


def test_a_call_without_a_tensor_is_refused():
    # It would compute at once, and might compute a lot.
    head = head_of(keras.Model(x := keras.Input((8,)), x + 1))
    head["v"]["config"]["calls"][0][1] = [
        {"class": "array", "config": {"value": 1, "dtype": "int8"}}
    ]
    assert "without a tensor" in refusal(head)


@pytest.mark.parametrize("part", ["layers", "calls", "inputs", "outputs"])
@pytest.mark.parametrize("value", [None, 5, [], {}, [[]], {"tensor": []}], ids=str)
def test_a_part_of_a_graph_that_is_none_is_refused(part, value, graph):
    graph["v"]["config"][part] = value
    assert refusal(graph)


@pytest.mark.parametrize("dtype", ["object", "resource", "V8", "no", 5])
def test_a_constant_of_no_numbers_is_refused(dtype):
    head = head_of(keras.Model(x := keras.Input((8,)), x + np.ones(8, "float32")))
    head["v"]["config"]["calls"][0][1][1]["config"]["dtype"] = dtype
    assert refusal(head)


# Arrays and flags


@pytest.mark.parametrize(
    "arrays",
    [[], [0], [0, 1, 1], [1, 0], [0, 0], [0, 99], [0, -1], [0, None], [0, "1"], {}, 5, "01"],
    ids=str,
)
def test_arrays_that_do_not_fit_the_weights_are_refused(arrays):
    head, *buffers = pack(keras.Sequential([keras.Input((8,)), kl.Dense(3)]))
    assert refusal(json.loads(head) | {"arrays": arrays}, buffers)


@pytest.mark.parametrize("part", ["trainable", "weights"])
@pytest.mark.parametrize("value", [None, [], [1], [1] * 9, {}, 5], ids=str)
def test_flags_that_do_not_fit_the_layers_are_refused(part, value, trained):
    head, buffers = trained
    assert refusal(head | {part: value}, buffers)


@pytest.mark.parametrize(
    "change",
    [
        {"trained": [0, 0]},
        {"trained": [0, 9]},
        {"trained": [0]},
        {"trained": 5},
        {"state": []},
        {"state": [0]},
        {"state": 5},
        {"optimizer": None},
        {"optimizer": "adam"},
        {"optimizer": config_of(kl.Dense(3))},
        {"loss": {"class": "os.system", "config": {}}},
        {"loss": {"class": "function", "config": "deserialize"}},
        {"metrics": [{"class": "keras.layers.Lambda", "config": {}}]},
        {"run_eagerly": None, "steps_per_execution": None},
    ],
    ids=str,
)
def test_compile_settings_that_no_model_has_are_refused(change, trained):
    head, buffers = trained
    head["compile"] |= change
    assert refusal(head, buffers)


@pytest.mark.parametrize("value", [None, 5, "x", [], [1], {}, {"class": None}], ids=str)
@pytest.mark.parametrize("kind", ["model", "layer", "keras"])
def test_what_is_no_config_is_refused(kind, value, trained):
    head, buffers = trained
    assert refusal(head | {"k": kind, "v": value}, buffers)


@pytest.mark.parametrize("part", ["history", "epoch"])
def test_a_history_of_other_values_is_refused(part):
    node = {"k": "history", "history": {"k": "dict", "v": []}, "epoch": {"k": "list", "v": []}}
    assert refusal(node | {part: 5})


# Afterwards


def test_a_refused_model_leaves_nothing_behind():
    refusal(TOO_LARGE["many layers"])
    model = keras.Sequential([keras.Input((8,)), kl.Dense(3)])
    model.compile("adam", "mse")
    # Training is when Keras would fill whatever weights still wait for it.
    model.fit(np.ones((4, 8)), np.ones((4, 3)), verbose=0)
