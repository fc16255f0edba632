"""What check.models accepts and what it says about the rest."""

import keras
import numpy as np
import pytest
from keras import layers

from dlcourse import check
from dlcourse.check import CheckFailed

DENSE = [("Dense", {"units": 8, "activation": "relu"}), ("Dense", {"units": 3})]


def network(last="softmax", hidden="relu"):
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, activation=hidden), layers.Dense(3, activation=last)]
    )


def functional():
    inputs = keras.Input((4,), name="digits")
    hidden = layers.ReLU()(layers.Dense(8, name="thinking")(inputs))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(hidden)))


def message(call, *args, **kwargs):
    with pytest.raises(CheckFailed) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    "build",
    [
        network,
        functional,
        lambda: keras.Sequential(
            [
                layers.Dense(8, activation=keras.ops.relu, name="a"),
                layers.Dense(3),
                layers.Activation("softmax"),
            ]
        ),
        lambda: network(hidden=layers.ReLU()),
    ],
    ids=["sequential", "functional with activation layers", "without input", "activation object"],
)
def test_the_same_layers_are_right_in_any_style(build):
    expected = [
        ("Dense", {"units": 8, "activation": "relu"}),
        ("Dense", {"units": 3, "activation": "softmax"}),
    ]
    check.layers(build(), expected)


def test_a_wrong_last_activation_is_named_with_its_reason():
    expected = [("Dense", {}), ("Dense", {"units": 3, "activation": "softmax"})]
    said = message(check.layers, network("sigmoid"), expected)
    assert "last layer is Dense(3, activation='sigmoid')" in said
    assert "sum to 1, need softmax" in said


def test_a_wrong_size_names_its_layer():
    said = message(check.layers, network(), [("Dense", {"units": 9}), ("Dense", {})])
    assert said == "Your layer 1 is Dense(8), but should have units=9."


def test_a_layer_too_many_lists_both_stacks():
    model = keras.Sequential([network(), layers.Dropout(0.5)])
    said = message(check.layers, model, [("Sequential", {})])
    assert "consists of Sequential(), Dropout(rate=0.5)" in said


def test_a_size_given_as_one_number_equals_the_pair_that_keras_stores():
    model = keras.Sequential([keras.Input((9, 9, 1)), layers.Conv2D(2, 3)])
    check.layers(model, [("Conv2D", {"filters": 2, "kernel_size": 3})])


def test_the_count_of_parameters_names_the_mistake_that_gives_it():
    check.parameters(network(), 67)
    assert "bias" in message(check.parameters, network(), 56, {67: "It has a bias."})
    assert "40, 27" in message(check.parameters, network(), 56)


def test_a_network_that_knows_no_input_is_told_to_begin_with_one():
    for call in (check.parameters, check.output_shape):
        assert "keras.Input" in message(call, keras.Sequential([layers.Dense(3)]), 5)


def test_the_output_shape_includes_the_batch_axis():
    check.output_shape(network(), (None, 3))
    assert "(None, 3)" in message(check.output_shape, network(), (None, 10))


def test_a_mistake_that_gives_a_known_shape_is_named():
    known = {(None, 3): "Three classes are seven too few."}
    said = message(check.output_shape, network(), (None, 10), mistakes=known)
    assert said.endswith("batch. Three classes are seven too few.")


@pytest.mark.parametrize("value", [None, 3, "model", np.zeros(3), network])
def test_what_is_no_model_is_said_to_be_none(value):
    assert "A Keras model is expected" in message(check.layers, value, DENSE)


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        keras.losses.CategoricalCrossentropy(),
        keras.losses.CategoricalCrossentropy,
        keras.losses.categorical_crossentropy,
    ],
)
@pytest.mark.parametrize("optimizer", ["rmsprop", "RMSprop", keras.optimizers.RMSprop(0.01)])
def test_strings_functions_and_objects_compile_alike(loss, optimizer):
    model = network()
    model.compile(optimizer, loss)
    check.compiled(model, optimizer="rmsprop", loss="categorical_crossentropy")


@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "acc",
        "categorical_accuracy",
        keras.metrics.CategoricalAccuracy(name="right"),
        keras.metrics.categorical_accuracy,
    ],
)
def test_every_kind_of_accuracy_that_goes_with_the_loss_will_do(metric):
    model = network()
    model.compile("rmsprop", "categorical_crossentropy", metrics=["mse", metric])
    check.compiled(model, metrics=["accuracy"])


@pytest.mark.parametrize("metric", ["sparse_categorical_accuracy", keras.metrics.Accuracy(), "mse"])
def test_an_accuracy_that_does_not_go_with_the_loss_is_refused(metric):
    model = network()
    model.compile("rmsprop", "categorical_crossentropy", metrics=[metric])
    assert "metrics=['accuracy']" in message(check.compiled, model, metrics=["accuracy"])


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("sparse_categorical_crossentropy", "labels are one-hot"),
        ("binary_crossentropy", "exactly one of them is right"),
        ("mse", "made for regression"),
    ],
)
def test_a_wrong_loss_is_named_with_its_reason(loss, reason):
    model = network()
    model.compile("rmsprop", loss)
    assert reason in message(check.compiled, model, loss="categorical_crossentropy")


def test_softmax_twice_is_found():
    model = network()
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    said = message(check.compiled, model, loss="categorical_crossentropy")
    assert "applied twice" in said


def test_a_network_that_is_not_compiled_or_otherwise_is_told_apart():
    model = network()
    assert "is not compiled" in message(check.compiled, model, optimizer="rmsprop")
    model.compile("adam", "mse")
    assert "optimizer Adam" in message(check.compiled, model, optimizer="rmsprop")
    assert "no metrics" in message(check.compiled, model, metrics=["accuracy"])


def sharp_network():
    """Answers with the column that is largest."""
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="softmax")])
    model.layers[0].set_weights([np.eye(3) * 9, np.zeros(3)])
    return model


def test_accuracy_takes_integer_and_one_hot_labels():
    x = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    labels = np.array([0, 1, 2, 1])
    for y in (labels, np.eye(3)[labels]):
        assert check.accuracy(sharp_network(), x, y, at_least=0.75) == 0.75
    assert "75% of four rows" in message(
        check.accuracy, sharp_network(), x, labels, at_least=0.8, what="four rows"
    )


def test_accuracy_of_one_output_unit_splits_at_a_half():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, activation="sigmoid")])
    model.layers[0].set_weights([np.array([[9.0]]), np.zeros(1)])
    x = np.array([[-1.0], [1.0]], dtype="float32")
    assert check.accuracy(model, x, np.array([0, 1]), at_least=1.0) == 1.0


def one_unit(activation):
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, activation=activation)])
    model.layers[0].set_weights([np.array([[9.0]]), np.zeros(1)])
    return model


def test_probability_is_that_of_the_right_class_on_average():
    x = np.array([[-1.0], [0.0], [1.0], [1.0]], dtype="float32")
    labels = np.array([0, 1, 1, 0])
    expected = (1 + 0.5 + 1 + 0) / 4
    assert check.probability(one_unit("sigmoid"), x, labels, at_least=0.6) == pytest.approx(
        expected, abs=1e-3
    )
    said = message(
        check.probability, one_unit("sigmoid"), x, labels, at_least=0.7, what="four rows"
    )
    assert "To four rows" in said
    assert "0.62" in said
    assert "75% of them" in said


def test_probability_takes_integer_and_one_hot_labels():
    x, labels = np.eye(3, dtype="float32"), np.array([0, 1, 0])
    for y in (labels, np.eye(3)[labels]):
        assert check.probability(sharp_network(), x, y, at_least=0) == pytest.approx(
            2 / 3, abs=0.01
        )


def test_scores_of_any_size_are_not_taken_for_probabilities():
    x, labels = np.array([[100.0]], dtype="float32"), np.array([1])
    assert "no probabilities" in message(check.probability, one_unit(None), x, labels, at_least=0.5)


def test_predictions_that_are_no_numbers_are_said_to_have_run_away():
    model = sharp_network()
    model.layers[0].set_weights([np.full((3, 3), np.nan), np.zeros(3)])
    assert "run away" in message(check.accuracy, model, np.eye(3), np.arange(3), at_least=0)


def test_a_history_is_read_from_fit_and_from_a_dict():
    record = {"loss": [0.2], "acc": [0.5], "val_loss": [0.3], "val_categorical_accuracy": [0.4]}
    assert check.history(record, epochs=1)["val_accuracy"] == [0.4]
    model = network()
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    fitted = model.fit(np.zeros((2, 4)), np.eye(3)[:2], epochs=2, verbose=0)
    check.history(fitted, keys=("loss", "accuracy"), epochs=2)
    assert "validation_data" in message(check.history, fitted)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "return history"),
        (network(), "the network itself"),
        ([0.1], "a list"),
        ({"loss": [0.1] * 2}, "metrics=['accuracy']"),
        ({"loss": [0.1] * 3, "accuracy": [0.1] * 3}, "took 3 of 2 epochs"),
        ({"loss": [np.nan] * 2, "accuracy": [0.1] * 2}, "nan"),
    ],
)
def test_what_is_wrong_with_a_history_is_said(value, said):
    assert said in message(check.history, value, keys=("loss", "accuracy"), epochs=2)
