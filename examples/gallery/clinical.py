"""
Clinical series: several labels at once, and missing values
===========================================================

A stay may have none, one or several findings, and not everything is measured every hour. Each label has a probability
and a threshold of its own. The stays are drawn, with the units and gaps of an intensive care unit; no real patient is
described.
"""

# %%
# Draw 300 stays of 48 hours
# --------------------------
# An infection raises pulse and temperature in its course, blood loss lowers the pressure and raises the pulse.

import numpy as np

import limelight as ll

random = np.random.default_rng(0)
stays, hours = 300, 48
labels = (random.random((stays, 2)) < [0.3, 0.25]).astype(float)
course = np.clip((np.arange(hours) - random.integers(8, 30, stays)[:, None]) / 12, 0, 1)
infection, loss = course * labels[:, :1], course * labels[:, 1:]
usual = np.array([80, 120, 37.0]) + random.normal(size=(stays, 1, 3)) * [8, 12, 0.2]
change = np.stack([6 * infection + 7 * loss, -9 * loss, 0.4 * infection], axis=2)
values = usual + change + random.normal(size=(stays, hours, 3)) * [5, 7, 0.25]
values[random.random(values.shape) < [0.1, 0.3, 0.6]] = np.nan  # temperatures are taken least often

panel = ll.Panel.from_series(
    list(values), channels=["pulse", "pressure", "temperature"], units={"pulse": "1/min", "temperature": "°C"}
)
figure = panel[np.flatnonzero(labels.all(axis=1))[:2]].plot()

# %%
# Some labels are unknown
# -----------------------
# An unknown label (NaN) counts neither in training nor in the scores; the other label of the stay still does.

labels[::15, 1] = np.nan
train, test = np.arange(200), np.arange(200, stays)
model = ll.TimeSeriesClassifier(ll.Rocket(features=2_000), decision={"thresholds": "f1"}, random_state=0)
model.fit(panel[train], labels[train])

# %%
# Scores of each label
# --------------------

from sklearn.metrics import average_precision_score, f1_score

answers, probabilities = model.predict(panel[test]), model.predict_proba(panel[test])
for column, name in enumerate(("infection", "blood loss")):
    known = ~np.isnan(labels[test, column])
    truth = labels[test, column][known]
    precision = average_precision_score(truth, probabilities[known, column])
    print(f"{name:11} F1 {f1_score(truth, answers[known, column]):.3f}, average precision {precision:.3f} "
          f"({truth.mean():.2f} by chance)")  # fmt: skip

# %%
# Which measurement speaks for an infection?
# ------------------------------------------
# Evidence of each channel for the first label, over the stays that have it.

explanation = model.explain(panel[test][labels[test, 0] == 1], target=model.classes_[0])
by_channel = np.array([steps.sum(axis=0) for steps in explanation.channels]).mean(axis=0)
for name, evidence in zip(panel.channels, by_channel, strict=True):
    print(f"{name:12} {evidence:+.2f}")
