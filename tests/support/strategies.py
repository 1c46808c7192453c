"""Panels of every kind for property tests, and their equality."""

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limelight.data.annotations import StepLabels, StepSignals
from limelight.data.panel import Panel
from limelight.data.reading.columns import NAN_WORDS
from limelight.data.reading.spelling import one_form


def assert_equal(one, other):
    assert (one.channels, one.ids.tolist()) == (other.channels, other.ids.tolist())
    assert one.label_names == other.label_names
    one, other = one.compact(), other.compact()
    np.testing.assert_array_equal(one.lengths, other.lengths)
    for attribute in ("values", "times", "labels", "intervals"):
        left, right = getattr(one, attribute), getattr(other, attribute)
        assert (left is None) == (right is None)
        if left is not None:
            np.testing.assert_array_equal(left, right)  # NaN equals NaN
            assert left.dtype.kind == right.dtype.kind
    assert one.units == other.units
    assert (one.metadata is None) == (other.metadata is None)
    if one.metadata is not None:
        assert one.metadata.equals(other.metadata)
    assert (one.step_labels is None) == (other.step_labels is None)
    if one.step_labels is not None:
        assert one.step_labels.names == other.step_labels.names
        assert _words_of(one.step_labels) == _words_of(other.step_labels)
    assert (one.signals is None) == (other.signals is None)
    if one.signals is not None:
        assert one.signals.names == other.signals.names
        for place in range(len(one.signals.names)):
            assert _words_of(one.signals, place) == _words_of(other.signals, place)


def _words_of(labels, place=None):
    """Return the category of every step; classes without steps need not survive writing."""
    known, codes = (labels.classes, labels.codes) if place is None else (labels.classes[place], labels.codes[:, place])
    return np.array([*known, None], dtype=object)[codes].tolist()


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).map(one_form)
words = words.filter(lambda word: word not in NAN_WORDS)


@st.composite
def panels(draw):
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    n, steps, channels = len(lengths), sum(lengths), draw(st.integers(1, 3))
    values = draw(arrays.arrays(np.float32, (steps, channels), elements=st.floats(width=32, allow_infinity=False)))
    clock = draw(st.sampled_from([None, "int64", "float64", "datetime64[ns]"]))
    rising = np.concatenate([np.cumsum(draw(st.lists(st.integers(1, 9), min_size=k, max_size=k))) for k in lengths])
    labelled = draw(st.booleans())
    return Panel(
        values,
        np.cumsum(lengths) - lengths,
        np.array(lengths),
        ids=draw(st.lists(words, min_size=n, max_size=n, unique=True)),
        times=None if clock is None else rising.astype(clock),
        **(draw(labels_of_series(n)) if labelled else {}),
        intervals=[draw(st.sampled_from([(-1, -1), (0, k)])) for k in lengths]
        if labelled and draw(st.booleans())
        else None,
        step_labels=None if labelled else draw(step_labels(steps)),
        signals=draw(signals(steps)),
        metadata=draw(
            st.none() | st.just(pa.table({"site": draw(st.lists(words, min_size=n, max_size=n)), "age": [*range(n)]}))
        ),
        units=draw(st.sampled_from([{}, {"channel_0": "m/s"}])),
    )


@st.composite
def labels_of_series(draw, n):
    """One word for each series, or some, or 0 and 1 for several labels, some of them unknown."""
    kind = draw(st.sampled_from(["words", "some words", "several"]))
    if kind == "words":
        return {"labels": draw(st.lists(words, min_size=n, max_size=n))}
    if kind == "some words":
        labels = draw(st.lists(st.none() | words, min_size=n - 1, max_size=n - 1))
        return {"labels": np.array([None, *labels], dtype=object)}
    names = ("rain", "fog", "hail")[: draw(st.integers(2, 3))]
    matrix = draw(arrays.arrays(np.float64, (n, len(names)), elements=st.sampled_from([0.0, 1.0, np.nan])))
    return {"labels": matrix, "label_names": names}


@st.composite
def step_labels(draw, steps):
    names = draw(st.sampled_from([(), ("label",), ("label_rain", "label_fog")]))
    if not names:
        return None
    classes = ("0", "1") if len(names) > 1 else ("rest", "run", "walk")
    codes = draw(arrays.arrays(np.int16, (steps, len(names)), elements=st.integers(-1, len(classes) - 1)))
    if (codes < 0).all():
        codes[0, 0] = 0
    return StepLabels(codes, names, classes)


@st.composite
def signals(draw, steps):
    names = draw(st.sampled_from([(), ("mode",), ("mode", "shift")]))
    if not names:
        return None
    codes = draw(arrays.arrays(np.int16, (steps, len(names)), elements=st.integers(-1, 1)))
    return StepSignals(codes, names, (("idle", "run"), ("day", "night"))[: len(names)])
