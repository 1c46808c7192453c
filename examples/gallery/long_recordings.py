"""
Long recordings: cut into windows, and put back together
========================================================

A recording of an hour changes its state many times. Windows with one prediction each are the simplest way to follow it,
and ``merge_windows`` turns their predictions into a probability at each step. The recordings are drawn.
"""

# %%
# Draw ten recordings
# -------------------
# 3,000 steps each of rest, walking and running, in random order and length.

import numpy as np

import limelight as ll

random = np.random.default_rng(0)
states = {"rest": (0.0, 0.1), "walk": (0.06, 1.0), "run": (0.14, 1.6)}  # cycles in a step, amplitude


def record(steps: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """Draw one recording, shape (steps, 1), and its state at each step."""
    pieces, names = [], []
    while sum(map(len, names)) < steps:
        name, length = random.choice(list(states)), int(random.integers(200, 600))
        cycles, amplitude = states[name]
        angle = 2 * np.pi * cycles * random.uniform(0.9, 1.1) * np.arange(length) + random.uniform(0, 6)
        pieces.append(amplitude * np.sin(angle) + random.normal(scale=0.4, size=length))
        names.append(np.repeat(name, length))
    return np.concatenate(pieces)[:steps, None], np.concatenate(names)[:steps]


drawn = [record() for _ in range(10)]
recordings = ll.Panel.from_series(
    [values for values, _ in drawn],
    ids=[f"day {day}" for day in range(10)],
    channels=["acceleration"],
    step_labels=ll.StepLabels.of(np.concatenate([names for _, names in drawn])),
)
print(recordings)

# %%
# Cut windows
# -----------
# A window takes the state of the majority of its steps. Windows overlap by half, and no values are copied. The last two
# recordings are the test set: windows of one recording never lie on both sides.

train = ll.cut_windows(recordings[:8], length=100, stride=50, label="majority")
test = ll.cut_windows(recordings[8:], length=100, stride=50, label="majority")
model = ll.TimeSeriesClassifier(ll.Rocket(features=2_000), random_state=0).fit(train)
print(f"{len(train)} windows in training; accuracy of {len(test)} other windows {model.score(test, test.labels):.3f}")

# %%
# Back to the steps
# -----------------
# Overlapping windows are averaged at each step.

merged = ll.merge_windows(test, model.predict_proba(test), recordings[8:])
true_names = drawn[8][1]
named = np.where(np.isnan(merged[0]).any(axis=1), "", model.classes_[np.nan_to_num(merged[0]).argmax(axis=1)])
print(f"accuracy of the steps of {recordings.ids[8]}: {(named == true_names).mean():.3f}")

# %%

from matplotlib import pyplot

figure, (above, below) = pyplot.subplots(2, 1, figsize=(9, 4.5), sharex=True)
above.plot(drawn[8][0], linewidth=0.6, color="0.4")
above.set(ylabel="acceleration", title=recordings.ids[8])
below.stackplot(range(len(merged[0])), np.nan_to_num(merged[0]).T, labels=model.classes_, alpha=0.8)
below.set(xlabel="step", ylabel="probability", ylim=(0, 1))
below.legend(loc="lower right", ncols=3)
figure.tight_layout()

# %%
# What a window cannot see
# ------------------------
# A window contains nothing from before its start. If the order of states matters, label the steps and train on whole
# recordings instead (see the example about events).
