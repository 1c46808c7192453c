"""
Activity: does it hold for people it has never seen?
====================================================

Seven shoulder exercises, recorded by a watch on the wrist of ten people (excerpts of SPAR, Burns et al., 2018).
Recordings of one person resemble each other, so that a random split may promise too much. Whether it does has to be
measured.
"""

# %%
# Read the recordings
# -------------------
# 12 seconds of six channels each. The person is a metadata field; it must not become an input.

from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

import limelight as ll

folder = Path("../sets/spar_watch")
recordings = ll.read_table(folder / "series.parquet", labels=folder / "labels.csv", metadata=folder / "metadata.csv")
people = np.array(recordings.metadata["subject"].to_pylist())
recordings = recordings.replace(metadata=None)
print(recordings, "of", len(set(people)), "people")

# %%
# A random split, and one by person
# ---------------------------------
# Both predict each recording once, by a model that was not fitted to it. The second has never seen the person either.
# If its accuracy is clearly lower, the random folds reward recognising people. Here it is not: these exercises look
# alike in everybody.

model = ll.TimeSeriesClassifier(ll.Rocket(features=840), random_state=0)
folds = {
    "random folds": StratifiedKFold(5, shuffle=True, random_state=0).split(people, recordings.labels),
    "other people": StratifiedGroupKFold(5).split(people, recordings.labels, people),
}
predicted = {name: cross_val_predict(model, recordings, recordings.labels, cv=list(cut)) for name, cut in folds.items()}
for name, answers in predicted.items():
    print(f"{name}: accuracy {(answers == recordings.labels).mean():.3f}")

# %%
# The spread over people
# ----------------------
# One number for ten people hides the person for whom the model fails.

from matplotlib import pyplot

right = predicted["other people"] == recordings.labels
names = sorted(set(people))
figure, axes = pyplot.subplots(figsize=(7, 3))
axes.bar(names, [right[people == name].mean() for name in names], color="#0b6e4f")
axes.axhline(right.mean(), color="#b3541e", label="all")
axes.set(ylabel="accuracy", title="Each person is predicted by a model fitted to other people")
axes.tick_params(axis="x", rotation=45)
axes.legend(loc="lower right")
figure.tight_layout()

# %%
# Which exercises are confused?
# -----------------------------

from sklearn.metrics import ConfusionMatrixDisplay

display = ConfusionMatrixDisplay.from_predictions(recordings.labels, predicted["other people"], cmap="Greens")
