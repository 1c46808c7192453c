"""
Heartbeats: is a beat normal, and which part of it shows?
=========================================================

Two classes, one channel, real data: 200 heartbeats of one ECG lead (ECG200 of the UCR archive), half for training. The
default model is fitted in seconds, and each of its predictions is an exact sum over the steps.
"""

# %%
# Read the beats
# --------------
# The tables are in long form: one row for each step, with the id of the series. A split file names the test series.

from pathlib import Path

import numpy as np
import pyarrow.csv as csv

import limelight as ll

folder = Path("../sets/ecg200")
beats = ll.read_table(folder / "series.parquet", labels=folder / "labels.csv")
beats = beats.replace(labels=np.where(beats.labels == "1", "normal", "abnormal"))
split = csv.read_csv(folder / "split.csv").to_pydict()
part = dict(zip(split["series_id"], split["split"], strict=True))
train, test = (beats[[part[name] == word for name in beats.ids]] for word in ("train", "test"))
train

# %%
# Fit and score
# -------------
# Abnormal beats are rarer, so the balanced accuracy is more informative than the accuracy.

from sklearn.metrics import ConfusionMatrixDisplay, balanced_accuracy_score

model = ll.TimeSeriesClassifier("blocks", random_state=0).fit(train)
predicted = model.predict(test)
print(f"accuracy {model.score(test, test.labels):.3f}")
print(f"balanced accuracy {balanced_accuracy_score(test.labels, predicted):.3f}")

# %%

display = ConfusionMatrixDisplay.from_predictions(test.labels, predicted, cmap="Greens")

# %%
# Choose the threshold
# --------------------
# If a missed abnormal beat is worse than a false alarm, raise the alarm below a probability of one half.

abnormal = model.predict_proba(test)[:, list(model.classes_).index("abnormal")]
for threshold in (0.5, 0.3, 0.1):
    found = (abnormal[test.labels == "abnormal"] >= threshold).mean()
    alarms = (abnormal[test.labels == "normal"] >= threshold).mean()
    print(f"threshold {threshold}: {found:.0%} of the abnormal beats found, {alarms:.0%} of the normal ones reported")

# %%
# Which part of the beat?
# -----------------------
# The evidence of each step for the predicted class: orange speaks for it, purple against it. Shown are the beats that
# are most clearly normal and abnormal, and the one in between.

rows = [int(np.argmin(abnormal)), int(np.argmax(abnormal)), int(np.argmin(np.abs(abnormal - 0.5)))]
figure = model.explain(test[rows]).plot()
