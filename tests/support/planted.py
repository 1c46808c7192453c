"""Small planted sets for every kind of label: bumps on noise, and their labels."""

import numpy as np

from limelight.data.annotations import StepLabels
from limelight.data.panel import Panel

HEIGHTS = np.array([3.0, -3.0])
WIDTH = 6


def bumps(n=240, steps=30, ragged=False, seed=0):
    """Draw series with or without an upward and a downward bump; return the series and the positions of the bumps.

    Returns a list of arrays (time, 1), and of each an array (time, 2): 1 where a step is in the bump of that kind.
    """
    random = np.random.default_rng(seed)
    series, inside = [], []
    for length in random.integers(steps // 2, steps + 1, n) if ragged else np.full(n, steps):
        where = np.zeros((length, 2), dtype=np.int64)
        halves = random.permutation([0, length // 2])  # so that the two do not meet
        for kind in range(2):
            if random.random() < 0.5:
                first = halves[kind] + random.integers(0, length // 2 - WIDTH + 1)
                where[first : first + WIDTH, kind] = 1
        series.append((where @ HEIGHTS + random.normal(0, 0.5, length))[:, None].astype(np.float32))
        inside.append(where)
    return series, inside


def which_bumps(**options):
    """Several labels of series: whether there is an upward and a downward bump."""
    series, inside = bumps(**options)
    labels = np.stack([one.max(axis=0) for one in inside])
    return Panel.from_series(series, labels=labels, label_names=("up", "down"))


def _of_steps(codes, names, classes, options):
    series, inside = bumps(**options)
    found = np.concatenate([codes(one) for one in inside]).astype(np.int16)
    return Panel.from_series(series, step_labels=StepLabels(found.reshape(len(found), -1), names, classes))


def in_a_bump(**options):
    """Two classes of steps: whether a step is inside a bump."""
    return _of_steps(lambda one: one.max(axis=1), ("label",), ("0", "1"), options)


def in_which_bumps(**options):
    """Several labels of steps: whether a step is inside an upward and inside a downward bump."""
    return _of_steps(lambda one: one, ("label_up", "label_down"), ("0", "1"), options)


def in_which_bump(**options):
    """Three classes of steps: inside a downward bump, inside none, inside an upward bump."""
    return _of_steps(lambda one: one @ [1, -1] + 1, ("label",), ("down", "none", "up"), options)


def shuffled(panel, seed=0):
    """Return the series with shuffled labels."""
    order = np.random.default_rng(seed).permutation
    if panel.labels is not None:
        return panel.replace(labels=panel.labels[order(len(panel))])
    return panel.replace(step_labels=panel.step_labels.at(order(len(panel.values))))
