"""
Events: when does it begin and end?
===================================

Humidity and temperature of sensor motes, with a rare event at a few of them (Suthaharan et al., 2010, CC BY 4.0). Each
step has a label, fewer than one in a hundred of them is an event, and the motes of the test set are not in the training
set.
"""

# %%
# Read the series
# ---------------
# A column ``label_event`` in the table of the series holds the labels of the steps.

from pathlib import Path

import pyarrow.csv as csv

import limelight as ll

folder = Path("../sets/suthaharan")
motes = ll.read_table(folder / "series.parquet", per_step=True, units={"humidity": "%", "temperature": "°C"})
split = csv.read_csv(folder / "split.csv").to_pydict()
part = dict(zip(split["series_id"], split["split"], strict=True))
train, test = (motes[[part[name] == word for name in motes.ids]] for word in ("train", "test"))
print(train.describe())

# %%
# Three of 56 training series have an event. To train in seconds, keep these and every third of the others.

starts = train.starts
has_event = [bool(train.step_labels.codes[a : a + n].any()) for a, n in zip(starts, train.lengths, strict=True)]
train = train[[has_event[row] or row % 3 == 0 for row in range(len(train))]]

# %%
# Train on steps
# --------------
# ``imbalance="weights"`` gives events and other steps the same total weight; calibration corrects the probabilities.

model = ll.TimeSeriesClassifier(
    ll.ConvLSTM(hidden_size=16), max_epochs=8, training={"imbalance": "weights"}, random_state=0, progress=False
)
model.fit(train)
prediction = model.model_.predict(test)

# %%
# From probabilities to events
# ----------------------------
# An event begins above one threshold and ends below another; gaps are bridged, and what is too short is dropped.

from limelight.evaluation.events.detection import find_events
from limelight.evaluation.events.rule import EventRule

rule = EventRule(on=0.5, off=0.2, min_length=6, join_gap=12)
events = find_events(prediction.task, prediction.probabilities, prediction.lengths, rule)
truth = [test.step_labels.codes[start : start + n, 0] for start, n in zip(test.starts, test.lengths, strict=True)]
real = [
    bool(truth[row][start:stop].any())
    for row, start, stop in zip(events.series, events.start, events.stop, strict=True)
]
for row, start, stop, overlaps in zip(events.series, events.start, events.stop, real, strict=True):
    print(f"{test.ids[row]} from {start} to {stop - 1}: {'an event' if overlaps else 'a false alarm'}")
found = {int(row) for row, overlaps in zip(events.series, real, strict=True) if overlaps}
print(f"{len(found)} of {sum(steps.any() for steps in truth)} events found, {real.count(False)} false alarms")

# %%
# These two events are all that the new motes have, after training on three: too few to rely on the model, of which
# ``limelight inspect`` warns.

# %%
# Look at a series with an event
# ------------------------------
# The true event is shaded; below is the probability at each step.

from matplotlib import pyplot

row = min(found)
steps = slice(test.starts[row], test.starts[row] + test.lengths[row])
figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 4.5), sharex=True)
above.plot(test.series(row), label=test.channels)
below.plot(prediction.probabilities[steps, 1], color="#0b6e4f")
for axes in (above, below):
    axes.fill_between(range(test.lengths[row]), 0, 1, where=truth[row] == 1, alpha=0.25, color="#b3541e",
                      transform=axes.get_xaxis_transform())  # fmt: skip
above.legend(loc="upper left")
above.set(title=test.ids[row])
below.set(xlabel="step", ylabel="probability", ylim=(0, 1))
figure.tight_layout()
