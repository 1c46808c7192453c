"""
From a Keras LSTM to limelight, in one line
===========================================

A recurrent classifier that was trained with Keras is read from its file, without Keras or TensorFlow, and then
predicts, explains, exports and serves like any other model.
"""

# %%
# Read the file
# -------------
# ``attention.keras`` was written by Keras 3.15: a bidirectional LSTM with additive attention, for series of three
# channels. Its weights are random, so this example is about the conversion and not about the accuracy.

from pathlib import Path

import numpy as np

import limelight as ll

folder = Path("../../tests/interop/keras_models")
model = ll.from_keras(folder / "attention.keras", channels=["x", "y", "z"], classes=["fine", "worn"])
model

# %%
# The same predictions
# --------------------
# Next to the file are series and the output that Keras computed for them.

saved = np.load(folder / "attention.keras.npz")
ours = model.predict_proba(saved["series"])[:, 1]
print("largest difference of a probability:", f"{np.abs(ours - saved['output'].ravel()).max():.1e}")

# %%
# What Keras does not have
# ------------------------
# The attention of each step, on the axes of the series.

figure = model.explain(saved["series"][:2], "attention").plot()

# %%
# Saved as safetensors and JSON, the model needs no h5py from here on.

import tempfile

with tempfile.TemporaryDirectory() as temporary:
    model.save(Path(temporary) / "model")
    print(sorted(file.name for file in (Path(temporary) / "model").iterdir()))

# %%
# Layers without a counterpart
# ----------------------------
# They are named in one error, each with the reason, and nothing is converted by halves.

try:
    ll.from_keras(folder / "unreadable.keras")
except ll.InputError as error:
    print(error)
