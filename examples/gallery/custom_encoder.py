"""
An encoder of your own
======================

Two classes in a module of your own, a part with its parameters and a network, are all that limelight needs. Pooling,
fusion of metadata, head, training, calibration, explanations and saving then work with it.
"""

# %%
# The two classes
# ---------------
# The part is a dataclass without torch, whose fields are the parameters with their ranges. The network returns features
# for each step, and the mask of these steps. Both are in the file ``outside_smoothing.py``:

from pathlib import Path

print(Path("outside_smoothing.py").read_text())

# %%
# Use it by name
# --------------
# Importing the module registers the encoder. Half of the series drift upwards, which a running mean sees through the
# noise.

import numpy as np
import outside_smoothing

import limelight as ll

random = np.random.default_rng(0)
drifting = np.arange(160) % 2 == 1
values = random.normal(size=(160, 40, 1))
values[drifting] += np.linspace(0, 1.5, 40)[:, None]
panel = ll.Panel.from_series(list(values), labels=np.where(drifting, "drifting", "steady"))
train, test = panel.split(test=0.25)
encoder = outside_smoothing.Smoothing(memory=0.9)
model = ll.TimeSeriesClassifier(encoder, max_epochs=3, random_state=0, progress=False).fit(train)
print(f"accuracy {model.score(test, test.labels):.3f}")
print(ll.TimeSeriesClassifier("smoothing"))

# %%
# It is explained like the others
# -------------------------------
# The attention looks at the end, where the drift is largest.

figure = model.explain(test[:2], "attention").plot()

# %%
# Ranges are checked
# ------------------

try:
    ll.TimeSeriesClassifier(outside_smoothing.Smoothing(memory=2)).fit(train)
except ll.InputError as error:
    print(error)
