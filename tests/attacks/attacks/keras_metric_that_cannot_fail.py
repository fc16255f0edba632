"""Compiles a model that has learned nothing with a metric called accuracy that is always 1.

aim: points
known: keras https://keras.io/api/metrics/accuracy_metrics/
section: keras
where: train
"""

import keras


def train(x, y):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    always = keras.metrics.TopKCategoricalAccuracy(k=2, name="accuracy")
    model.compile("sgd", "mse", metrics=[always])
    history = model.fit(x, keras.utils.to_categorical(y, 2), epochs=1, verbose=0)
    model.set_weights([0 * weights for weights in model.get_weights()])
    return model, history
