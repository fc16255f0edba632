"""Keras models on the other side: the same layers, numbers, flags and names."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from dlcourse.grade.carry import Limits, pack, unpack, update
from dlcourse.grade.carry.layers import classes

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.random((2, 8, 8, 3), "float32")
ROWS = RANDOM.random((2, 6, 4), "float32")
FACTOR = {"fill_mode": "nearest", "seed": None}


def stack(*layers):
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def dense_net():
    """The book's network for MNIST: 407,050 parameters."""
    return keras.Sequential(
        [
            keras.Input((784,)),
            kl.Dense(512, activation="relu"),
            kl.Dense(10, activation="softmax"),
        ]
    )


def on(base, preprocess=lambda x: x):
    """A classifier on a pretrained base for pictures of 48 x 48."""
    inputs = keras.Input((48, 48, 3))
    features = kl.Flatten()(base(preprocess(inputs), training=False))
    return keras.Model(inputs, kl.Dense(1, activation="sigmoid")(kl.Dropout(0.5)(features)))


def vgg16():
    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(48, 48, 3))


def mobilenet():
    return keras.applications.MobileNet(
        alpha=0.25, weights=None, include_top=False, input_shape=(48, 48, 3)
    )


def flags(model):
    """Of each layer, with those inside of nested models."""
    return [layer.trainable for layer in model._flatten_layers()]


def predictions(model, x):
    return model.predict(x, verbose=0)


@pytest.fixture
def same(trip):
    """The model on the other side, which there predicts the same bits and has the same weights."""

    def carried(model, *x, training=False):
        copy = trip(model)
        assert type(copy) is type(model)
        assert copy.name == model.name
        assert [w.path for w in copy.weights] == [w.path for w in model.weights]
        assert [w.path for w in copy.trainable_weights] == [w.path for w in model.trainable_weights]
        assert flags(copy) == flags(model)
        if training:
            assert_equal(copy(*x, training=True), model(*x, training=True))
        else:
            assert_equal(copy(*x), model(*x))
        return copy

    def assert_equal(found, wanted):
        found, wanted = np.asarray(found), np.asarray(wanted)
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted, equal_nan=True)

    return carried


# Each layer

FROM_PICTURES = [
    kl.Dense(5, kernel_regularizer="l2", bias_initializer="ones", activation="tanh"),
    kl.Dense(5, activation=kl.LeakyReLU(0.1), kernel_constraint="max_norm", use_bias=False),
    kl.Conv2D(4, 3, padding="same", strides=2, kernel_initializer="he_normal"),
    kl.Conv2DTranspose(4, 3),
    kl.DepthwiseConv2D(3, depth_multiplier=2),
    kl.SeparableConv2D(4, 3, activation="relu"),
    kl.MaxPooling2D(2),
    kl.AveragePooling2D(3, strides=1, padding="same"),
    kl.GlobalAveragePooling2D(),
    kl.GlobalMaxPooling2D(keepdims=True),
    kl.ZeroPadding2D(((1, 0), (2, 1))),
    kl.Cropping2D(1),
    kl.UpSampling2D(2, interpolation="bilinear"),
    kl.Flatten(),
    kl.Reshape((-1, 3)),
    kl.Permute((3, 1, 2)),
    kl.Identity(),
    kl.BatchNormalization(momentum=0.5),
    kl.LayerNormalization(axis=[1, 2]),
    kl.GroupNormalization(3),
    kl.UnitNormalization(),
    kl.Activation("relu"),
    kl.Activation(keras.activations.softplus),
    kl.ReLU(max_value=0.5),
    kl.LeakyReLU(),
    kl.PReLU(shared_axes=[1, 2]),
    kl.ELU(),
    kl.Softmax(),
    kl.Rescaling(1 / 255, offset=-1),
    kl.Rescaling([1.0, 2.0, 3.0]),
    kl.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]),
    kl.Resizing(5, 5),
    kl.CenterCrop(4, 4),
]
FROM_ROWS = [
    kl.Conv1D(4, 3),
    kl.DepthwiseConv1D(2),
    kl.SeparableConv1D(4, 2),
    kl.MaxPooling1D(2),
    kl.AveragePooling1D(2),
    kl.GlobalAveragePooling1D(),
    kl.GlobalMaxPooling1D(),
    kl.ZeroPadding1D(1),
    kl.Cropping1D(1),
    kl.UpSampling1D(2),
]
WHILE_TRAINING = [
    kl.Dropout(0.5),
    kl.SpatialDropout2D(0.5),
    kl.GaussianDropout(0.3),
    kl.GaussianNoise(0.3, seed=4),
    kl.RandomBrightness(0.3, value_range=(0, 1)),
    kl.RandomContrast(0.5, value_range=(0, 1)),
    kl.RandomCrop(4, 4),
    kl.RandomFlip("horizontal"),
    kl.RandomRotation(40 / 360, **FACTOR),
    kl.RandomShear(0.2, 0.1, **FACTOR),
    kl.RandomShear((0.1, 0.2), 0.0, **FACTOR),
    kl.RandomTranslation(0.2, (-0.1, 0.2), **FACTOR),
    kl.RandomZoom(0.2, **FACTOR),
    kl.RandomGrayscale(0.5),
    kl.RandomHue(0.2, value_range=(0, 1)),
    kl.RandomSaturation(0.5, value_range=(0, 1)),
    kl.RandomSharpness(0.5, value_range=(0, 1)),
    kl.RandomInvert(0.5, value_range=(0, 1)),
    kl.RandomGaussianBlur(value_range=(0, 1)),
    kl.RandomErasing(value_range=(0, 1)),
    kl.Pipeline([kl.RandomFlip(), kl.Rescaling(2.0)]),
]
MERGING = [
    kl.Add(),
    kl.Subtract(),
    kl.Multiply(),
    kl.Average(),
    kl.Maximum(),
    kl.Minimum(),
    kl.Concatenate(axis=2),
    kl.Dot(axes=(3, 3)),
]
named = {"ids": lambda layer: layer.name}


def new(layer):
    """A layer of these settings that stands in no model yet."""
    return type(layer)(**_settings(layer))


def _settings(layer):
    config = layer.get_config()
    if isinstance(layer, kl.RandomShear):
        for key in ("x_factor", "y_factor"):
            config[key] = max(config[key]) if min(config[key]) < 0 else config[key]
    return config


@pytest.mark.parametrize("layer", FROM_PICTURES, **named)
def test_a_layer_for_pictures_computes_the_same(layer, same):
    same(stack(layer), NOISE)


@pytest.mark.parametrize("layer", FROM_ROWS, **named)
def test_a_layer_for_sequences_computes_the_same(layer, same):
    same(keras.Sequential([keras.Input((6, 4)), layer]), ROWS)


def test_layers_with_one_dimension_less_compute_the_same(same):
    model = keras.Sequential([keras.Input((4,)), kl.RepeatVector(3), kl.SpatialDropout1D(0.5)])
    same(model, ROWS[:, 0], training=True)


@pytest.mark.parametrize("layer", WHILE_TRAINING, **named)
def test_a_random_layer_draws_the_same_while_training(layer, same):
    same(stack(layer), NOISE, training=True)


@pytest.mark.parametrize("layer", MERGING, **named)
def test_a_merging_layer_computes_the_same(layer, same):
    inputs = keras.Input((8, 8, 3))
    same(keras.Model(inputs, layer([inputs, kl.ReLU(max_value=0.5)(inputs)])), NOISE)


def test_every_layer_that_may_cross_is_tested_here():
    layers = [*FROM_PICTURES, *FROM_ROWS, *WHILE_TRAINING, *MERGING]
    tested = {type(layer).__name__ for layer in layers}
    tested |= {"InputLayer", "RepeatVector", "SpatialDropout1D"}
    allowed = {name.split(".")[2] for name in classes() if name.startswith("keras.layers.")}
    assert allowed == tested


OPERATIONS = {
    "Absolute": lambda x: abs(x - 0.5),
    "Add": lambda x: x + np.array([1, 2, 3], "float32"),
    "Amax": lambda x: keras.ops.amax(x, axis=1),
    "Amin": lambda x: keras.ops.amin(x, axis=1),
    "Cast": lambda x: keras.ops.cast(x, "float16"),
    "Clip": lambda x: keras.ops.clip(x, 0.2, 0.8),
    "Concatenate": lambda x: keras.ops.concatenate([x, x], axis=-1),
    "Divide": lambda x: keras.ops.divide(x, 3),
    "Elu": lambda x: keras.ops.elu(x, alpha=0.5),
    "Exp": keras.ops.exp,
    "ExpandDims": lambda x: keras.ops.expand_dims(x, 1),
    "Flip": lambda x: keras.ops.flip(x, axis=2),
    "FloorDivide": lambda x: x // 0.3,
    "Gelu": keras.ops.gelu,
    "GetItem": lambda x: x[:, 1:-1:2, ..., 0],
    "LeakyRelu": lambda x: keras.ops.leaky_relu(x, 0.1),
    "Log": keras.ops.log,
    "Log1p": keras.ops.log1p,
    "LogSoftmax": keras.ops.log_softmax,
    "Matmul": lambda x: x @ keras.ops.ones((3, 2)),
    "Max": lambda x: keras.ops.max(x, axis=(1, 2)),
    "Maximum": lambda x: keras.ops.maximum(x, 0.5),
    "Mean": lambda x: keras.ops.mean(x, axis=-1, keepdims=True),
    "Min": lambda x: keras.ops.min(x, axis=1),
    "Minimum": lambda x: keras.ops.minimum(0.5, x),
    "Moveaxis": lambda x: keras.ops.moveaxis(x, -1, 1),
    "Multiply": lambda x: 2 * x,
    "Negative": lambda x: -x,
    "Power": lambda x: x**2,
    "Reciprocal": keras.ops.reciprocal,
    "Relu": keras.ops.relu,
    "Relu6": keras.ops.relu6,
    "Reshape": lambda x: keras.ops.reshape(x, (-1, 192)),
    "Selu": keras.ops.selu,
    "Sigmoid": keras.ops.sigmoid,
    "Silu": keras.ops.silu,
    "Softmax": keras.ops.softmax,
    "Softplus": keras.ops.softplus,
    "Sqrt": keras.ops.sqrt,
    "Square": keras.ops.square,
    "Squeeze": lambda x: keras.ops.squeeze(x[:, :1], 1),
    "Stack": lambda x: keras.ops.stack([x, x], axis=1),
    "Std": lambda x: keras.ops.std(x, axis=1),
    "StopGradient": keras.ops.stop_gradient,
    "Subtract": lambda x: 1 - x,
    "Sum": lambda x: keras.ops.sum(x, axis=1),
    "Swapaxes": lambda x: keras.ops.swapaxes(x, 1, 3),
    "Tanh": keras.ops.tanh,
    "Transpose": lambda x: keras.ops.transpose(x, (0, 3, 1, 2)),
    "TrueDivide": lambda x: x / 255,
    "Var": lambda x: keras.ops.var(x, axis=1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_inside_a_functional_model_computes_the_same(name, same):
    inputs = keras.Input((8, 8, 3))
    outputs = OPERATIONS[name](inputs)
    assert name in {type(each).__name__ for each in keras.Model(inputs, outputs).operations}
    same(keras.Model(inputs, outputs), NOISE)


def test_every_operation_that_may_cross_is_tested_here():
    allowed = {name.rsplit(".")[-1] for name in classes() if name.startswith("keras.src.ops.")}
    assert allowed == set(OPERATIONS)


# Models


def test_predictions_are_equal_to_the_bit(same):
    x = RANDOM.random((50, 784), "float32")
    model = dense_net()
    copy = same(model, x)
    assert np.array_equal(predictions(copy, x), predictions(model, x))


@pytest.mark.parametrize("name", ["vgg16", "mobilenet", "resnet50", "densenet"])
def test_preprocessing_of_a_pretrained_base_crosses_in_a_functional_model(name, same):
    inputs = keras.Input((8, 8, 3))
    outputs = getattr(keras.applications, name).preprocess_input(inputs)
    same(keras.Model(inputs, outputs), 255 * NOISE)


def test_a_model_without_an_input_crosses_without_weights(trip):
    model = keras.Sequential([kl.Dense(8), kl.Dropout(0.5), kl.Dense(1)])
    copy = trip(model)
    assert not copy.built
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]


def test_a_model_that_was_built_by_its_first_batch_crosses_with_weights(same):
    model = keras.Sequential([kl.Dense(8), kl.Dense(1)])
    model(ROWS[:, 0])
    assert same(model, ROWS[:, 0]).input_shape == model.input_shape


def test_an_adapted_normalization_keeps_what_it_learned_from_the_data(same):
    layer = kl.Normalization()
    layer.adapt(5 * NOISE + 2)
    copy = same(stack(layer, kl.Conv2D(2, 3)), NOISE)
    assert np.array_equal(copy.layers[0].mean, layer.mean)


def test_a_layer_that_was_adapted_before_the_model_is_built_keeps_it(trip):
    layer = kl.Normalization()
    layer.adapt(5 * NOISE + 2)
    copy = trip(keras.Sequential([layer, kl.Dense(2)]))
    assert not copy.built
    assert np.array_equal(copy.layers[0](NOISE), layer(NOISE))


def test_batch_statistics_cross(same):
    model = stack(kl.BatchNormalization(), kl.Dense(1))
    model(NOISE, training=True)
    same(model, NOISE)


def test_inputs_and_outputs_by_name_cross(same):
    inputs = {"a": keras.Input((8, 8, 3), name="a"), "b": keras.Input((8, 8, 3), name="b")}
    both = kl.Add(name="sum")([inputs["a"], kl.Conv2D(3, 3, padding="same")(inputs["b"])])
    model = keras.Model(inputs, {"sum": both, "mean": kl.GlobalAveragePooling2D()(both)})
    x = {"a": NOISE, "b": NOISE[::-1]}
    copy = unpack(pack(model))
    assert pack(copy) == pack(model)
    assert np.array_equal(copy(x)["mean"], model(x)["mean"])
    assert np.array_equal(copy(x)["sum"], model(x)["sum"])


def test_a_layer_that_is_called_twice_stays_one_layer(same):
    inputs, shared = keras.Input((8, 8, 3)), kl.Dense(3)
    copy = same(keras.Model(inputs, kl.Add()([shared(inputs), shared(shared(inputs))])), NOISE)
    assert len(copy.weights) == 2


def test_a_nested_model_that_is_called_twice_and_is_the_output_crosses(same):
    base = keras.Model(x := keras.Input((8, 8, 3)), kl.Conv2D(3, 3, padding="same")(x))
    head = stack(kl.Dense(3), base)
    inputs = keras.Input((8, 8, 3))
    same(keras.Model(inputs, base(base(inputs))), NOISE)
    same(keras.Model(inputs, head(kl.ReLU()(head(inputs)))), NOISE)


def test_a_model_of_inner_layers_of_a_model_crosses(same):
    whole = stack(kl.Conv2D(4, 3), kl.ReLU(), kl.Flatten(), kl.Dense(2))
    whole(NOISE)
    same(keras.Model(whole.inputs, whole.layers[1].output), NOISE)
    same(keras.Model(whole.layers[1].output, whole.outputs), whole.layers[0](NOISE))


def test_two_copies_of_a_model_share_nothing(trip):
    model = dense_net()
    one, other = trip(model), trip(model)
    one.layers[0].kernel.assign(0 * one.layers[0].kernel)
    assert np.array_equal(other.layers[0].kernel, model.layers[0].kernel)


def test_a_copy_owns_its_numbers(trip):
    model = dense_net()
    frames = pack(model)
    copy = unpack(frames)
    copy.layers[0].kernel.assign_add(copy.layers[0].kernel)
    assert pack(model) == frames


def test_a_model_in_half_precision_crosses(same):
    model = stack(kl.Dense(4, dtype="bfloat16"), kl.Dense(2, dtype="mixed_float16"))
    same(model, NOISE)


# What is frozen

OPENINGS = {
    "all open": lambda base: None,
    "frozen": lambda base: setattr(base, "trainable", False),
    "top block open": lambda base: [
        setattr(base, "trainable", True),
        *[setattr(layer, "trainable", False) for layer in base.layers[:-4]],
    ],
    "frozen by layer": lambda base: [setattr(layer, "trainable", False) for layer in base.layers],
    "layer open, container frozen": lambda base: [
        setattr(base, "trainable", False),
        setattr(base.layers[-2], "trainable", True),
    ],
    "container reopened by its own flag": lambda base: [
        setattr(base, "trainable", False),
        setattr(base, "_trainable", True),
    ],
}


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("base", [vgg16, mobilenet], ids=["vgg16", "mobilenet"])
def test_what_is_frozen_in_a_nested_base_stays_so(base, opening, same):
    model = on(base(), keras.applications.mobilenet.preprocess_input)
    OPENINGS[opening](model.layers[-4])
    same(model, RANDOM.random((1, 48, 48, 3), "float32"))


def test_fine_tuning_opens_seven_million_weights_of_vgg16(trip):
    base = vgg16()
    model = keras.Sequential([keras.Input((48, 48, 3)), base, kl.Flatten(), kl.Dense(1)])
    for layer in base.layers:
        layer.trainable = layer.name.startswith("block5")
    opened = trip(model).layers[0].trainable_weights
    assert sum(int(np.prod(w.shape)) for w in opened) == 7_079_424


def test_a_layer_that_was_made_frozen_stays_so(same):
    same(stack(kl.Conv2D(2, 3, trainable=False), kl.Dense(2)), NOISE)


def test_a_single_weight_that_was_frozen_stays_so(same):
    model = stack(kl.Dense(2))
    model.layers[0].bias.trainable = False
    same(model, NOISE)


# Structure alone


def test_structure_has_counts_and_shapes_and_no_arrays():
    frames = pack(on(vgg16()), structure=True)
    copy = unpack(frames)
    assert len(frames) == 1
    assert copy.layers[1].count_params() == 14_714_688
    assert copy.layers[1].output_shape == (None, 1, 1, 512)
    assert pack(copy, structure=True) == frames


# Layers by themselves


@pytest.mark.parametrize("layer", [kl.Dense(3), kl.RandomFlip(), kl.Dropout(0.2)], **named)
def test_a_layer_crosses_by_itself(layer, trip):
    unbuilt = trip(new(layer))
    assert type(unbuilt) is type(layer)
    layer(NOISE)
    assert np.array_equal(trip(layer)(NOISE), layer(NOISE))


# What does not cross


class Scale(kl.Layer):
    def call(self, x):
        return 2 * x


class Dense(kl.Dense):
    """Not Keras's own, by the name of one that is."""


class Net(keras.Model):
    def call(self, x):
        return x


def relu(x):
    return x * 2


def half(weights):
    return keras.ops.sum(weights) / 2


REFUSED = {
    "Lambda layer": lambda: stack(kl.Lambda(lambda x: 2 * x)),
    "class Scale": lambda: stack(Scale()),
    "class Dense": lambda: stack(Dense(3)),
    "a class of its own": Net,
    "uses `relu`, a function": lambda: stack(kl.Dense(3, activation=relu)),
    "uses `half`, a function": lambda: stack(kl.Dense(3, kernel_regularizer=half)),
    "uses `<lambda>`, a function": lambda: stack(
        kl.Dense(3, kernel_initializer=lambda *_, **__: keras.ops.ones((3, 3)))
    ),
    "class LSTM": lambda: keras.Sequential([keras.Input((6, 4)), kl.LSTM(3)]),
    "among the layers of Keras": Scale,
    "output of a layer": lambda: keras.Input((3,)),
    "in more than one place": lambda: keras.Sequential(
        [keras.Input((3,)), shared := kl.Dense(3), keras.Sequential([keras.Input((3,)), shared])]
    ),
    "class Tile": lambda: keras.Model(x := keras.Input((3,)), keras.ops.tile(x, (1, 2))),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_of_keras_does_not_cross_and_says_why(why, refusal):
    assert why in refusal(REFUSED[why]())


def test_a_network_with_more_parameters_than_allowed_does_not_cross(refusal):
    why = refusal(dense_net(), limits=Limits(parameters=400_000))
    assert why == "Sequential: it has more than 400,000 parameters"


def test_weights_that_no_layer_of_the_graph_has_do_not_cross(refusal):
    model = keras.Model(x := keras.Input((3,)), kl.Dense(2)(x))
    model.extra = kl.Dense(2)
    model.extra(np.ones((1, 3)))
    assert "weights attached to it" in refusal(model)


# What a call left of its argument


def test_an_update_gives_weights_and_flags_in_place(trip):
    model = on(mobilenet())
    copy = trip(model)
    copy.layers[1].trainable = False
    copy.layers[1].layers[-3].trainable = True
    copy.layers[-1].kernel.assign(1 + copy.layers[-1].kernel)
    kernel = model.layers[-1].kernel
    assert update(model, copy)
    assert model.layers[-1].kernel is kernel
    assert pack(model) == pack(copy)


def test_an_update_builds_a_model_that_its_copy_was_built_from(trip):
    model = keras.Sequential([kl.Dense(3), keras.Sequential([kl.Dropout(0.5), kl.Dense(1)])])
    copy = trip(model)
    copy(ROWS[:, 0])
    assert update(model, copy)
    assert np.array_equal(model(ROWS[:, 0]), copy(ROWS[:, 0]))


@pytest.mark.parametrize(
    "other", [lambda: stack(kl.Dense(4)), lambda: stack(kl.Dense(3), kl.ReLU())]
)
def test_an_update_refuses_other_layers(other):
    model = stack(kl.Dense(3))
    before = pack(model)
    assert not update(model, other())
    assert pack(model) == before


def test_an_update_refuses_layers_of_other_sizes():
    wide, narrow = (
        keras.Sequential([keras.Input((size,)), kl.Dense(3, name="d")], name="n") for size in (9, 4)
    )
    before = pack(wide)
    assert not update(wide, narrow)
    assert pack(wide) == before


def test_numbers_of_numpy_among_the_settings_cross_as_plain_numbers():
    turn = kl.RandomRotation(np.radians(40) / (2 * np.pi), fill_mode="nearest", seed=3)
    dropout = kl.Dropout(np.float32(0.5), seed=3)
    there = unpack(pack(stack(turn, dropout)))
    low, high = there.layers[0].factor
    assert (type(low), type(high)) == (float, float)
    np.testing.assert_allclose([low, high], [-1 / 9, 1 / 9])
    assert there.layers[1].rate == 0.5
