"""Cut long recordings into windows, and merge window predictions back onto the recordings."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import Origin
from limelight.data.clock import UNITS, nanoseconds_in, read_duration
from limelight.data.panel import Panel
from limelight.data.windowing.labels import groups_in_memory, labels_of_windows
from limelight.errors import DataError, ParameterError, counted, listing, nearest
from limelight.types import Integers

EDGES = ("drop", "keep", "shift")
LABELS = ("majority", "last", "any", "step")


class _Cut(NamedTuple):
    """Windows sorted by recording and first step, and counts of what they do not cover."""

    rows: Integers
    offsets: Integers
    lengths: Integers
    rest: Integers  # steps at the end of each recording that do not fill a window
    longest: str  # length of the longest recording, with its unit
    empty: int = 0  # windows without steps
    repeated: int = 0  # windows with the same steps as the one before


def cut_windows(
    panel: Panel,
    length: int | str,
    stride: int | str | None = None,
    *,
    edge: str = "drop",
    label: str = "majority",
    positive: str | None = None,
) -> Panel:
    """Cut recordings into windows without copying their values.

    Parameters
    ----------
    panel
        The recordings, with distinct ids.
    length, stride
        The length of a window, and the distance between the beginnings of successive windows (None for ``length``):
        both in steps, at least 1, or both as durations, see ``read_duration``. With durations, window k holds the
        steps from ``first + k * stride`` up to but excluding ``first + k * stride + length``. Dates and integers are
        compared exactly, floats to a millionth of the typical (median) step. Numeric times are in
        ``panel.units["time"]``, by default seconds.
    edge
        What to do with steps at the end that do not fill a window: ``"drop"`` drops them, ``"keep"`` makes a shorter
        window of them, ``"shift"`` moves the last window back so that it ends with the recording. With durations, a
        window counts as full if it ends at most one typical step after the last step.
    label, positive
        How per-step labels become the label of a window: ``"majority"`` takes the most frequent known class, the last
        of them in a tie; ``"last"`` the class of the last step; ``"any"`` the class ``positive`` (by default the
        second of two classes) if any step has it, else the other class; ``"step"`` keeps per-step labels. Without
        per-step labels, windows inherit the label of their recording.

    Returns
    -------
    Panel
        The windows in the order of the recordings, with ids ``recording[begin:end]`` in steps and with ``origin``.
        ``notes`` counts what was dropped: recordings, steps, and windows without steps or without a known label.

    Raises
    ------
    ParameterError
        If length, stride, edge, label or positive are invalid, there is no clock for a duration, or the panel already
        holds windows.
    DataError
        If every recording is shorter than a window, ids are repeated, or times decrease.
    LabelError
        If the rule does not fit the labels, or no window has a known label.

    Example
    -------
    >>> panel = Panel.from_series([np.arange(7.0)], ids=["r"])
    >>> windows = cut_windows(panel, 4, 2)
    >>> windows.ids.tolist(), windows.notes
    (['r[0:4]', 'r[2:6]'], ('dropped 1 step at the end of 1 recording, too few for a window',))
    """
    for name, value, known in (("edge", edge, EDGES), ("label", label, LABELS)):
        if value not in known:
            raise ParameterError(f"expected {name} to be one of {listing(known)}, got {value!r}{nearest(value, known)}")
    if panel.origin is not None:
        raise ParameterError("expected recordings, got windows; cut the recordings that they came from")
    if not len(panel):
        raise DataError("expected at least one recording to cut into windows, got none; pass at least one")
    _require_distinct_ids(panel)
    span, timed = _steps_or_time(length, "length")
    hop, also_timed = (span, timed) if stride is None else _steps_or_time(stride, "stride")
    if timed != also_timed:
        raise ParameterError(f"expected length and stride both in steps or both in time, got {length!r} and {stride!r}")
    cut = _by_time(panel, span, hop, edge) if timed else _by_steps(panel.lengths, span, hop, edge)
    if not len(cut.rows):
        raise DataError(
            f"expected windows no longer than the longest series ({cut.longest}), got a length of {length}; shorten "
            "the window or use edge='keep'"
        )
    labels, label_names, keep = labels_of_windows(panel, cut, label, positive)
    rows, offsets, lengths = cut.rows[keep], cut.offsets[keep], cut.lengths[keep]
    clipped = panel.intervals
    if clipped is not None:
        clipped = np.clip(clipped[rows] - offsets[:, None], 0, lengths[:, None])
    spans = zip(panel.ids[rows].tolist(), offsets.tolist(), (offsets + lengths).tolist(), strict=True)
    return panel.replace(
        starts=panel.starts[rows] + offsets,
        lengths=lengths,
        ids=np.array([f"{recording}[{begin}:{end}]" for recording, begin, end in spans]),
        labels=None if labels is None else labels[keep],
        label_names=label_names,
        intervals=None if clipped is None else np.where(clipped[:, :1] < clipped[:, 1:], clipped, -1),
        metadata=None if panel.metadata is None else panel.metadata.take(rows),
        origin=Origin(panel.ids[rows], offsets),
        notes=(*panel.notes, *_notes_on_dropped(panel, cut, int((~keep).sum()))),
    )


def merge_windows(windows: Panel, predictions: Any, recordings: Panel) -> list[NDArray[np.float64]]:
    """Merge predictions for windows onto the steps of their recordings.

    Parameters
    ----------
    windows
        Windows from ``cut_windows``, all or some of them, in any order.
    predictions
        One vector per window, shape (n, k), which applies to all steps of the window; or a list with one array per
        window, shape (window length, k).
    recordings
        The panel that the windows were cut from.

    Returns
    -------
    list[NDArray[np.float64]]
        One array (steps, k) per recording: the mean over all windows that contain the step, NaN if none does.

    Raises
    ------
    DataError
        If the series are not windows, the predictions do not match them, or a recording is missing, too short or
        repeated.

    Example
    -------
    >>> panel = Panel.from_series([np.arange(7.0)], ids=["r"])
    >>> merge_windows(cut_windows(panel, 4, 2), np.array([[0.0], [1.0]]), panel)[0][:, 0].tolist()
    [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, nan]
    """
    begins, (arrays, per_step, width) = _first_steps(windows, recordings), _checked_predictions(predictions, windows)
    order = np.lexsort((windows.lengths, begins))  # so that sums do not depend on the order of rows
    begins, lengths = begins[order], windows.lengths[order]
    after = np.cumsum(lengths)
    total = np.zeros((int(recordings.lengths.sum()), width))
    count = np.zeros(len(total), dtype=np.int64)
    for part in groups_in_memory(after - lengths, after):
        first, shift = begins[part.start], begins[part] - (after - lengths)[part]
        steps = np.repeat(shift - shift[0], lengths[part]) + np.arange(lengths[part].sum())
        covered = slice(first, first + int(steps.max()) + 1)
        rows = order[part]
        vectors = np.concatenate([arrays[row] for row in rows]) if per_step else arrays[np.repeat(rows, lengths[part])]
        count[covered] += np.bincount(steps)
        for column in range(width):
            total[covered, column] += np.bincount(steps, vectors[:, column])
    total[count == 0] = np.nan
    total /= np.maximum(count, 1)[:, None]
    return np.split(total, np.cumsum(recordings.lengths)[:-1])[: len(recordings)]


def _require_distinct_ids(panel: Panel) -> None:
    names, counts = np.unique(panel.ids, return_counts=True)
    if len(repeated := names[counts > 1].tolist()):
        raise DataError(f"expected distinct ids of recordings, got {listing(repeated)} more than once; rename them")


def _steps_or_time(size: Any, name: str) -> tuple[int, bool]:
    """Return steps and False, or nanoseconds and True."""
    if isinstance(size, str):
        return read_duration(size), True
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ParameterError(
            f"expected a {name} of a whole number of steps, at least 1, or a duration, got {size!r}; use 100 or '2.5 s'"
        )
    return min(int(size), 2**62), False  # no series is longer; larger values would overflow


def _by_steps(steps: Integers, length: int, stride: int, edge: str) -> _Cut:
    full = np.maximum((steps - length) // stride + 1, 0)
    rest = np.maximum(steps - np.where(full > 0, full * stride + max(length - stride, 0), 0), 0)
    counts = full + (rest > 0) * (edge != "drop")
    rows = np.repeat(np.arange(len(steps)), counts)
    offsets = (np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)) * stride
    if edge == "shift":
        offsets = np.minimum(offsets, np.maximum(steps[rows] - length, 0))
    lengths = np.minimum(length, steps[rows] - offsets)
    return _Cut(rows, offsets, lengths, rest * (edge == "drop"), counted(int(steps.max()), "step"))


def _by_time(panel: Panel, length: int, stride: int, edge: str) -> _Cut:
    if panel.times is None:
        raise ParameterError("expected series with times to cut windows by duration, got none; give length in steps")
    cuts, longest, empty, repeated = [], Fraction(0), 0, 0
    for row in range(len(panel)):
        clock, unit, slack = _clock(panel, row, math.gcd(length, stride))
        span, hop = (length / unit, stride / unit) if slack else (length // unit, stride // unit)
        begin, end, remaining, duration, missing = _by_clock(clock, slack, span, hop, edge)
        new = np.append(True, (np.diff(begin) > 0) | (np.diff(end) > 0))[: len(begin)]
        cuts.append((begin[new], end[new], remaining))
        longest, empty = max(longest, Fraction(duration) * unit), empty + missing
        repeated += int((~new).sum())
        panel.note_read(panel.lengths[row : row + 1])
    begins, ends, rest = zip(*cuts, strict=True)
    rows, offsets = np.repeat(np.arange(len(panel)), [len(begin) for begin in begins]), np.concatenate(begins)
    lengths, dropped = np.concatenate(ends) - offsets, np.array(rest) * (edge == "drop")
    return _Cut(rows, offsets, lengths, dropped, f"{float(longest / UNITS['s']):g} s", empty, repeated)


def _clock(panel: Panel, row: int, divisor: int) -> tuple[NDArray[Any], int, float]:
    """Return the time of each step since the first, its unit in ns, and the rounding error of the times.

    For exact times the unit divides ``divisor`` and the rounding error is 0.
    """
    clock, name = panel.clock(row), panel.units.get("time", "s")
    if clock.dtype.kind == "M":
        clock, name = clock.astype("datetime64[ns]"), "ns"
    unit = nanoseconds_in(name)
    if not ((clock[1:] >= clock[:-1]).all() and clock[0] == clock[0]):
        name = str(panel.ids[row])
        raise DataError(f"expected rising times in series {name!r}, got a missing or decreasing time; sort its steps")
    if clock.dtype.kind == "f":
        return clock.astype(np.float64) - float(clock[0]), unit, 8 * float(np.spacing(np.abs(clock[[0, -1]]).max()))
    fine = math.gcd(unit, divisor)
    return (clock - clock[0]).astype(np.int64) * (unit // fine), fine, 0.0


def _by_clock(clock: NDArray[Any], slack: float, length: Any, stride: Any, edge: str) -> tuple[Any, ...]:
    """Cut one recording by its clock.

    Returns the first step and the end of each window that has steps, the number of steps left over at the end, the
    duration of the recording, and the number of windows without steps, which are never enumerated.
    """
    step: Any = np.median(np.diff(clock)) if len(clock) > 1 else 0
    slack, step = (slack + 1e-6 * step, step) if slack else (0, int(step))
    duration = clock[-1].item() + step
    full = max(int((duration + slack - length) // stride) + 1, 0)
    rest_from = full * stride + max(length - stride, 0) if full else 0
    rest = len(clock) - int(np.searchsorted(clock, rest_from - slack))
    planned = full + (rest > 0 and edge == "keep")
    first = np.maximum((clock + slack - length) // stride, 0).astype(np.int64)
    last = ((clock + slack) // stride).astype(np.int64) + 1  # one more on either side, in case of rounding
    first[1:] = np.maximum(first[1:], last[:-1] + 1)
    counts = np.maximum(last - first + 1, 0)
    numbers = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    borders = numbers[numbers < planned] * stride - slack
    begins, ends = np.searchsorted(clock, borders), np.searchsorted(clock - length, borders)
    begins, ends = begins[begins < ends], ends[begins < ends]
    missing = planned - len(begins)
    if rest > 0 and edge == "shift":
        begins = np.append(begins, np.searchsorted(clock, max(duration - length, 0) - slack))
        ends = np.append(ends, len(clock))
    return begins, ends, rest, duration, missing


def _notes_on_dropped(panel: Panel, cut: _Cut, unlabelled: int) -> list[str]:
    short = (np.bincount(cut.rows, minlength=len(panel)) == 0) & (cut.rest > 0)
    ended = (cut.rest > 0) & ~short
    ends, same_recording = cut.offsets + cut.lengths, np.append(False, cut.rows[1:] == cut.rows[:-1])
    covered = ends - np.where(same_recording, np.maximum(cut.offsets, np.roll(ends, 1)), cut.offsets)
    uncovered = panel.lengths.sum() - cut.rest.sum() - covered.sum()
    at_the_end = f"at the end of {counted(int(ended.sum()), 'recording')}"
    dropped = (
        (short.sum(), "recording", f"shorter than one window: {listing(panel.ids[short].tolist())}"),
        (cut.rest[ended].sum(), "step", f"{at_the_end}, too few for a window"),
        (uncovered, "step", "between windows: the stride exceeds the length"),
        (cut.empty, "window", "without any step: the clock has gaps"),
        (cut.repeated, "window", "with the same steps as the one before"),
        (unlabelled, "window", "without a known label"),
    )
    return [f"dropped {counted(count, name)} {why}" for count, name, why in dropped if count]


def _first_steps(windows: Panel, recordings: Panel) -> Integers:
    """Return the first step of each window, counted over the concatenated recordings."""
    if windows.origin is None:
        raise DataError("expected windows of recordings, got series without an origin; cut them with cut_windows")
    _require_distinct_ids(recordings)
    names, which = np.unique(windows.origin.recordings, return_inverse=True)
    missing = names[~np.isin(names, recordings.ids)].tolist()
    advice = "pass the panel that the windows were cut from"
    if missing:
        raise DataError(f"expected the recordings of all windows, got none named {listing(missing)}; {advice}")
    rows, offsets = recordings.rows_of(names)[which], windows.origin.offsets
    outside = windows.ids[offsets + windows.lengths > recordings.lengths[rows]].tolist()
    if outside:
        raise DataError(f"expected windows within their recordings, got {listing(outside)} beyond the end; {advice}")
    return offsets + np.cumsum(recordings.lengths)[rows] - recordings.lengths[rows]


def _checked_predictions(predictions: Any, windows: Panel) -> tuple[Any, bool, int]:
    """Return predictions that match the windows, whether they are per step, and the width k of their vectors."""
    advice = "pass an array (n, k), or a list of arrays (window length, k)"
    if len(predictions) != len(windows):
        raise DataError(f"expected predictions for {counted(len(windows), 'window')}, got {len(predictions)}; {advice}")
    if not isinstance(predictions, list | tuple) and np.ndim(predictions) == 2:
        table = np.asarray(predictions, dtype=np.float64)
        return table, False, table.shape[1]
    arrays = [np.asarray(array, dtype=np.float64) for array in predictions]
    width = arrays[0].shape[-1] if arrays and arrays[0].ndim else 1
    for array, steps, name in zip(arrays, windows.lengths.tolist(), windows.ids.tolist(), strict=True):
        if array.shape != (steps, width):
            raise DataError(
                f"expected predictions of shape ({steps}, {width}) for {name!r}, got {array.shape}; {advice}"
            )
    return arrays, True, width
