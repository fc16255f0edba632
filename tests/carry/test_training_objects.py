"""What a model is trained with on the other side, and how the training goes on there."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from dlcourse.check import models
from dlcourse.check.failures import CheckFailed
from dlcourse.grade.carry import pack, unpack, update
from dlcourse.grade.carry.layers import classes

RANDOM = np.random.default_rng(5)
X = RANDOM.random((64, 6), "float32")
LABELS = np.eye(3, dtype="float32")[RANDOM.integers(0, 3, 64)]


def network(*layers):
    hidden = layers or (kl.Dense(8, activation="relu"), kl.Dropout(0.3), kl.BatchNormalization())
    return keras.Sequential([keras.Input((6,)), *hidden, kl.Dense(3, activation="softmax")])


def compiled(optimizer="rmsprop", loss="categorical_crossentropy", metrics=("accuracy",), **more):
    model = network()
    model.compile(optimizer, loss, metrics=list(metrics), **more)
    return model


def train(model, epochs=2):
    """A history; the same one for the same model, however often Keras drew before."""
    keras.utils.set_random_seed(11)
    return model.fit(X, LABELS, epochs=epochs, batch_size=16, verbose=0)


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5)


# Compile settings

OPTIMIZERS = ["SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Adafactor"]
OPTIMIZERS += ["Ftrl", "Lamb", "Lion", "Nadam"]


def test_every_optimizer_that_may_cross_is_tested_here():
    names = {name.split(".")[2] for name in classes() if name.startswith("keras.optimizers.")}
    assert names == {*OPTIMIZERS, "schedules"}


def optimizers():
    """All of them; those that the course does not use are for `make test-all`."""
    for name in OPTIMIZERS:
        used = name in ("SGD", "RMSprop", "Adam")
        yield pytest.param(name, marks=[] if used else [pytest.mark.long])


@pytest.mark.parametrize("name", list(optimizers()))
def test_training_goes_on_as_it_would_have(name, trip):
    # Eagerly, which for a few steps is faster.
    model = compiled(getattr(keras.optimizers, name)(0.01), run_eagerly=True)
    train(model)
    copy = trip(model)
    assert train(copy).history == train(model).history
    assert pack(copy) == pack(model)


def test_a_model_that_was_not_trained_yet_trains_the_same(trip):
    model = compiled()
    copy = trip(model)
    assert train(copy).history == train(model).history


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_schedule_goes_on_where_it_was(epochs, trip):
    model = compiled(keras.optimizers.SGD(schedule(), momentum=0.9))
    if epochs:
        train(model, epochs)
    copy = trip(model)
    assert int(copy.optimizer.iterations) == 4 * epochs
    assert float(copy.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    assert train(copy).history == train(model).history


def test_a_learning_rate_that_was_changed_while_training_crosses(trip):
    model = compiled()
    model.optimizer.learning_rate = 1e-5
    assert float(trip(model).optimizer.learning_rate) == float(np.float32(1e-5))


def test_frozen_layers_stay_frozen_in_training(trip):
    model = compiled()
    model.layers[0].trainable = False
    model.compile("sgd", "categorical_crossentropy")
    copy = trip(model)
    before = copy.layers[0].get_weights()
    train(copy)
    assert all(map(np.array_equal, before, copy.layers[0].get_weights()))
    assert not np.array_equal(copy.layers[-1].kernel, model.layers[-1].kernel)


@pytest.mark.parametrize("after", [False, True], ids=["frozen", "opened"])
@pytest.mark.parametrize("layer", [0, 2], ids=["dense", "batch normalization"])
def test_flags_changed_after_a_training_wait_for_a_compile_as_they_do_in_keras(layer, after, trip):
    model = compiled()
    model.layers[layer].trainable = not after
    model.compile("sgd", "categorical_crossentropy")
    train(model)
    model.layers[layer].trainable = after
    copy = trip(model)
    assert train(copy).history == train(model).history
    assert pack(copy) == pack(model)
    assert copy.layers[layer].trainable is after


def test_flags_changed_before_a_training_hold_for_it_as_they_do_in_keras(trip):
    model = compiled()
    model.layers[0].trainable = False
    copy = trip(model)
    assert train(copy).history == train(model).history
    assert np.array_equal(copy.layers[0].kernel, model.layers[0].kernel)


def test_a_compile_on_the_other_side_obeys_the_flags_of_that_moment(trip):
    model = compiled()
    train(model)
    model.layers[0].trainable = False
    copy = trip(model)
    before = copy.layers[0].get_weights()
    copy.compile("sgd", "categorical_crossentropy")
    train(copy)
    assert all(map(np.array_equal, before, copy.layers[0].get_weights()))


def test_settings_cross_as_they_were_given(trip):
    config = trip(compiled()).get_compile_config()
    assert config["loss"] == "categorical_crossentropy"
    assert config["metrics"] == ["accuracy"]


@pytest.mark.parametrize(
    ("loss", "metrics"),
    [
        ("mse", []),
        (keras.losses.mean_squared_error, [keras.metrics.categorical_accuracy]),
        (keras.losses.CategoricalCrossentropy(from_logits=True), [keras.metrics.Precision(0.4)]),
        (keras.losses.CategoricalCrossentropy, ["accuracy", keras.metrics.AUC(multi_label=True)]),
        (["categorical_crossentropy"], [["accuracy", "mse"]]),
    ],
)
def test_losses_and_metrics_of_every_form_evaluate_the_same(loss, metrics, trip):
    model = compiled(loss=loss, metrics=metrics)
    assert trip(model).evaluate(X, LABELS, verbose=0) == model.evaluate(X, LABELS, verbose=0)


def test_a_loss_and_metrics_that_a_later_compile_leaves_out_stay_as_they_do_in_keras(trip):
    model = compiled()
    model.compile("sgd")
    assert trip(model).evaluate(X, LABELS, verbose=0) == model.evaluate(X, LABELS, verbose=0)


def test_weights_of_losses_cross(trip):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, {"a": kl.Dense(3, name="a")(inputs), "b": kl.Dense(3)(inputs)})
    model.compile("sgd", {"a": "mse", "b": "mae"}, loss_weights={"a": 0.2, "b": 3.0})
    labels = {"a": LABELS, "b": LABELS}
    assert trip(model).evaluate(X, labels, verbose=0) == model.evaluate(X, labels, verbose=0)


def test_how_a_nested_model_was_compiled_stays_behind(trip):
    base = compiled(loss=lambda true, predicted: predicted)
    model = keras.Sequential([keras.Input((6,)), base, kl.Dense(1)])
    assert not trip(model).layers[0].compiled
    assert base.compiled


def test_structure_is_compiled_without_a_state():
    model = compiled("adam")
    train(model)
    frames = pack(model, structure=True)
    assert len(frames) == 1
    assert type(unpack(frames).optimizer) is keras.optimizers.Adam


# A loss, a metric or an optimizer of the student's own


def my_loss(true, predicted):
    return keras.ops.mean((true - predicted) ** 4)


class Distance(keras.losses.Loss):
    def call(self, true, predicted):
        return keras.ops.mean(abs(true - predicted))


@pytest.mark.parametrize(
    ("loss", "name"), [(my_loss, "my_loss"), (Distance(), "Distance"), (lambda *_: 0, "<lambda>")]
)
def test_a_model_crosses_without_a_loss_of_its_own_and_says_so_when_it_is_needed(loss, name, trip):
    model = compiled(loss=loss)
    copy = trip(model)
    assert np.array_equal(copy.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(CheckFailed, match=f"compiled with `{name}`, which is a function or class"):
        copy.evaluate(X, LABELS, verbose=0)


def test_a_metric_of_its_own_keeps_its_name(trip):
    model = compiled(metrics=[my_loss, "accuracy"])
    assert trip(model).get_compile_config()["metrics"][0]["config"] == "my_loss"


def test_a_check_names_a_loss_of_its_own(trip):
    with pytest.raises(CheckFailed, match="compiled with the loss my_loss"):
        models.compiled(trip(compiled(loss=my_loss)), loss="mse")


def test_a_function_with_the_name_of_one_of_keras_is_not_taken_for_it(trip):
    def mean_squared_error(true, predicted):
        return keras.ops.mean(abs(true - predicted))

    copy = trip(compiled(loss=mean_squared_error))
    assert copy.loss is not keras.losses.mean_squared_error


def test_a_model_with_an_optimizer_of_its_own_does_not_cross(refusal):
    class Mine(keras.optimizers.SGD):
        pass

    assert "it uses Mine" in refusal(compiled(Mine()))


def test_a_learning_rate_that_is_a_function_does_not_cross(refusal):
    why = refusal(compiled(keras.optimizers.SGD(lambda: 0.1)))
    assert why.startswith("Sequential: ")


# Objects by themselves


@pytest.mark.parametrize(
    "value",
    [
        keras.optimizers.Adam(schedule()),
        keras.optimizers.RMSprop(2e-5),
        schedule(),
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        keras.metrics.F1Score(threshold=0.5),
        keras.initializers.HeNormal(seed=3),
        keras.initializers.Constant(2.0),
        keras.initializers.Orthogonal(),
        keras.regularizers.L1L2(0.1, 0.2),
        keras.constraints.MaxNorm(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_of_keras_crosses_by_its_settings(value, trip):
    copy = trip(value)
    assert type(copy) is type(value)
    assert copy.get_config().keys() == value.get_config().keys()


@pytest.mark.parametrize("name", [name for name in classes() if ".losses." in name])
def test_every_loss_crosses(name, trip):
    loss = classes()[name]()
    true, predicted = LABELS[:5], np.full((5, 3), 0.3, "float32")
    if "Sparse" in name:
        true = true.argmax(axis=1)
    assert np.array_equal(trip(loss)(true, predicted), loss(true, predicted), equal_nan=True)


NEEDS = {
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


@pytest.mark.parametrize("name", [name for name in classes() if ".metrics." in name])
def test_every_metric_crosses(name, trip):
    kind = classes()[name]
    metric = kind(**NEEDS.get(kind.__name__, {}))
    assert type(trip(metric)) is kind


# Histories


def test_a_history_is_the_record_of_its_training(trip):
    history = train(compiled(), epochs=3)
    copy = trip(history)
    assert type(copy) is keras.callbacks.History
    assert copy.history == history.history
    assert copy.epoch == [0, 1, 2]
    assert copy.params == {"verbose": 0, "epochs": 3, "steps": 4}


def test_a_history_that_has_recorded_nothing_crosses(trip):
    assert trip(keras.callbacks.History()).history == {}


# What a call left of its argument


def test_an_update_after_a_training_gives_the_optimizer_its_state(trip):
    model = compiled("adam")
    copy = trip(model)
    train(copy)
    assert update(model, copy)
    assert pack(model) == pack(copy)
    assert train(model).history == train(copy).history


def test_an_update_compiles_as_the_copy_was_compiled(trip):
    model = network()
    copy = trip(model)
    copy.layers[0].trainable = False
    copy.compile(keras.optimizers.RMSprop(1e-5), "mse", metrics=["accuracy"])
    assert update(model, copy)
    assert model.loss == "mse"
    assert float(model.optimizer.learning_rate) == float(np.float32(1e-5))
    assert pack(model) == pack(copy)


# In a process of its own

FREEZE = """
def answer(model):
    model.layers[0].trainable = False
    model.compile("sgd", "categorical_crossentropy")
"""
TRAIN = """
import keras

def answer(model, x, labels):
    keras.utils.set_random_seed(11)
    return model.fit(x, labels, epochs=2, batch_size=16, verbose=0)
"""


def test_what_a_function_elsewhere_freezes_is_frozen_here(call):
    model = compiled()
    call(FREEZE, model)
    assert [layer.trainable for layer in model.layers] == [False, True, True, True]
    assert type(model.optimizer) is keras.optimizers.SGD


@pytest.mark.long
def test_a_training_elsewhere_gives_the_bits_of_a_training_here(call, trip):
    model = compiled("adam")
    twin = trip(model)
    assert call(TRAIN, model, X, LABELS).history == train(twin).history
    assert pack(model) == pack(twin)
