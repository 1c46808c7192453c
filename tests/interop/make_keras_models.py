"""Make the Keras models of this folder with Keras itself, each with inputs and outputs.

    python -m venv kerasvenv && kerasvenv/bin/pip install torch==2.13.0 && kerasvenv/bin/pip install keras==3.15.0
    KERAS_BACKEND=torch kerasvenv/bin/python tests/interop/make_keras_models.py

Run with ``tensorflow-cpu==2.15.1``, which has Keras 2.15, it makes the models called ``keras2_...`` instead. Weights are
random, also biases and statistics, so that a bias in the wrong place shows.
"""

from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "keras_models"
SERIES = (6, 12, 3)
RNG = np.random.default_rng(7)


def save(name: str, model: Any, **inputs: np.ndarray) -> None:
    """Save a model with random weights, its inputs and its outputs."""
    for layer in model.layers:
        drawn = []
        for array in layer.get_weights():
            values = RNG.normal(0, 0.5, np.shape(array))
            norm = type(layer).__name__ in ("Normalization", "BatchNormalization")
            drawn.append(np.abs(values) + 0.5 if norm else values)
        if type(layer).__name__ == "Normalization" and drawn:
            drawn[2] = np.asarray(3)
        layer.set_weights(drawn)
    given = list(inputs.values())
    output = np.asarray(model.predict(given if len(given) > 1 else given[0], verbose=0))
    model.save(FOLDER / name, **({"include_optimizer": False} if name.endswith(".h5") else {}))
    np.savez(FOLDER / f"{name}.npz", output=output.astype(np.float32), **inputs)


def series() -> np.ndarray:
    return RNG.normal(size=SERIES).astype(np.float32)


def make_keras_3(keras: Any) -> None:
    layers, ops, seq = keras.layers, keras.ops, {"return_sequences": True}
    start = keras.Input((None, 3), name="series")
    chains = {
        "lstm_relu.keras": [layers.LSTM(4, activation="relu"), layers.Dense(1, activation="sigmoid")],
        "stacked_lstm.h5": [layers.LSTM(5, **seq), layers.Dropout(0.2), layers.LSTM(3), layers.Dense(3, activation="softmax")],
        "gru.keras": [layers.GRU(4), layers.Dense(2, activation="softmax")],
        "gru_reset_before.keras": [layers.GRU(4, reset_after=False, use_bias=False), layers.Dense(1, activation="sigmoid")],
        "bigru_mean_hidden.h5": [
            layers.Bidirectional(layers.GRU(3, reset_after=False, **seq)), layers.GlobalAveragePooling1D(),
            layers.Dense(5, activation="relu"), layers.Dropout(0.3), layers.Dense(4, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        "multilabel.h5": [layers.LSTM(4), layers.Dense(3), layers.Activation("sigmoid")],
        "per_step.keras": [layers.Bidirectional(layers.LSTM(3, **seq)), layers.TimeDistributed(layers.Dense(3, activation="softmax"))],
        "normalised.keras": [
            layers.Normalization(), layers.Bidirectional(layers.LSTM(3, **seq)), layers.BatchNormalization(),
            layers.LSTM(4), layers.BatchNormalization(), layers.Dense(3, activation="tanh"), layers.BatchNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ],
        "max.keras": [layers.Rescaling(0.5, offset=1.0), layers.LSTM(4, **seq), layers.GlobalMaxPooling1D(), layers.Dense(1, activation="sigmoid")],
    }  # fmt: skip
    for name, chain in chains.items():
        save(name, keras.Sequential([keras.Input((None, 3), name="series"), *chain]), series=series())
    for name, chain in {
        "masked.keras": [layers.Bidirectional(layers.LSTM(3, **seq)), layers.LSTM(3), layers.Dense(1, activation="sigmoid")],
        "masked_per_step.keras": [layers.GRU(3, **seq), layers.Dense(1, activation="sigmoid")],
    }.items():  # fmt: skip
        values = series()
        values[0, 8:], values[1, :3], values[2, 4:6], values[3, :] = -1.0, -1.0, -1.0, -1.0
        save(
            name, keras.Sequential([keras.Input((None, 3), name="series"), layers.Masking(-1.0), *chain]), series=values
        )

    features = layers.Bidirectional(layers.LSTM(3, **seq))(start)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(layers.Dense(5, activation="tanh")(features)))
    pooled = ops.sum(features * weights, axis=1)
    save("attention.keras", keras.Model(start, layers.Dense(1, activation="sigmoid")(pooled)), series=series())
    pooled = layers.Flatten()(layers.Dot(axes=1)([weights, features]))
    save("attention_dot.keras", keras.Model(start, layers.Dense(1, activation="sigmoid")(pooled)), series=series())
    features = layers.GRU(4, **seq)(start)
    scores = layers.Activation("softmax")(layers.Flatten()(layers.Dense(1, activation="tanh")(features)))
    scores = layers.Permute((2, 1))(layers.RepeatVector(4)(scores))
    pooled = ops.sum(layers.Multiply()([features, scores]), axis=1)
    save("attention_repeated.h5", keras.Model(start, layers.Dense(2, activation="softmax")(pooled)), series=series())
    make_metadata(keras)


def make_metadata(keras: Any) -> None:
    layers = keras.layers
    words = {
        "machine": RNG.integers(0, 3, (6, 1)).astype(np.int32),
        "mode": RNG.integers(0, 2, (6, 1)).astype(np.int32),
    }
    numbers = RNG.normal(size=(6, 2)).astype(np.float32)
    start = keras.Input((12, 3), name="series")
    machine = keras.Input((1,), dtype="int32", name="machine")
    mode = keras.Input((1,), dtype="int32", name="mode")
    ages = keras.Input((2,), name="ages")
    codes = layers.Flatten()(layers.Embedding(3, 4)(machine))
    other = layers.Dense(3, activation="relu")(layers.Reshape((2,))(layers.Embedding(2, 2)(mode)))

    joined = layers.Concatenate()([layers.RepeatVector(12)(layers.Concatenate()([other, codes])), start])
    output = layers.Dense(1, activation="sigmoid")(layers.LSTM(4)(joined))
    save("metadata_repeat.keras", keras.Model([start, machine, mode], output), series=series(), **words)

    read = layers.Dense(4, activation="relu")(layers.Normalization()(ages))
    joined = layers.Concatenate()([codes, layers.LSTM(4)(start), read])
    output = layers.Dense(3, activation="softmax")(layers.Dense(5, activation="relu")(joined))
    model = keras.Model([start, machine, ages], output)
    save("metadata_late.h5", model, series=series(), machine=words["machine"], ages=numbers)


def make_keras_2(keras: Any, tf: Any) -> None:
    layers, seq = keras.layers, {"return_sequences": True}
    chain = [
        layers.Masking(0.0, input_shape=(None, 3)), layers.Bidirectional(layers.GRU(3, **seq)),
        layers.GRU(3), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid"),
    ]  # fmt: skip
    values = series()
    values[0, 8:] = 0.0
    save("keras2_masked_gru.h5", keras.Sequential(chain), series=values)
    start = keras.Input((None, 3), name="series")
    machine = keras.Input((1,), name="machine")
    features = layers.LSTM(4, **seq)(start)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(layers.Dense(5, activation="tanh")(features)))
    joined = [tf.reduce_sum(features * weights, axis=1), layers.Flatten()(layers.Embedding(3, 2)(machine))]
    model = keras.Model([start, machine], layers.Dense(3, activation="softmax")(layers.Concatenate()(joined)))
    codes = RNG.integers(0, 3, (6, 1)).astype(np.int32)
    for name in ("keras2_attention.keras", "keras2_attention.h5"):
        save(name, model, series=series(), machine=codes)


def make_unreadable(keras: Any) -> None:
    """Save a model of layers without a counterpart, and one with code."""
    layers = keras.layers
    chain = [
        layers.Conv1D(2, 3), layers.LSTM(2, recurrent_activation="hard_sigmoid", return_sequences=True),
        layers.LayerNormalization(), layers.Lambda(lambda values: values * 2), layers.LSTM(2),
        layers.Dense(1, activation="sigmoid"),
    ]  # fmt: skip
    keras.Sequential([keras.Input((None, 3), name="series"), *chain]).save(FOLDER / "unreadable.keras")


if __name__ == "__main__":
    import keras

    FOLDER.mkdir(exist_ok=True)
    if keras.__version__.startswith("2."):
        import tensorflow

        make_keras_2(keras, tensorflow)
    else:
        make_keras_3(keras)
        make_unreadable(keras)
