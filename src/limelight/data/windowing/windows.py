"""Windows: long recordings cut into stretches of one length, and answers about windows laid back on the recordings."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.annotations import Origin
from limelight.data.clock import UNITS, read_duration
from limelight.data.panel import Panel
from limelight.data.windowing.labels import groups_in_memory, labels_of_windows
from limelight.errors import DataError, ParameterError, listing, nearest
from limelight.types import Integers

EDGES = ("drop", "keep", "shift")
LABELS = ("majority", "last", "any", "step")


class _Cut(NamedTuple):
    """Windows in the order of their recordings and steps, and what they leave out."""

    rows: Integers
    offsets: Integers
    lengths: Integers
    rest: Integers  # of each recording, the steps at its end that make no whole window
    longest: str  # of the recordings, in words
    empty: int = 0
    repeated: int = 0


def cut_windows(
    panel: Panel,
    length: int | str,
    stride: int | str | None = None,
    *,
    edge: str = "drop",
    label: str = "majority",
    positive: str | None = None,
) -> Panel:
    """Cut recordings into windows, without copying their values.

    Parameters
    ----------
    panel
        Recordings, each with an id of its own.
    length, stride
        Of a window, and from its beginning to that of the next (None for ``length``): both in steps, at least 1, or
        both in time on the clock of the recordings, see ``read_duration``. In time, window k holds the steps from
        ``first + k * stride`` to before ``first + k * stride + length``: dates and whole numbers exactly, decimals to
        a millionth of the typical (median) step. Numbers count in ``panel.units["time"]``, seconds unless stated.
    edge
        The steps at the end that make no whole window: ``"drop"`` leaves them out, ``"keep"`` makes a shorter window
        of them, ``"shift"`` moves the last window back so that it ends with the recording. In time, a window is whole
        if it reaches at most one typical step beyond the last.
    label, positive
        How labels of steps make that of a window: ``"majority"`` takes the most frequent known class, the later of a
        tie; ``"last"`` that of the last step; ``"any"`` the positive class (None for the later of two) if any step
        has it, else the other; ``"step"`` keeps labels of steps alone. Without, windows inherit the recording's.

    Returns
    -------
    Panel
        The windows in the order of the recordings, named ``recording[begin:end]`` by their steps, with ``origin``.
        Its ``notes`` count what was left out: recordings, steps, and windows without steps or a known label.

    Raises
    ------
    ParameterError
        If length, stride, edge, label or positive cannot be, there is no clock for a time, or these are windows.
    DataError
        If every recording is shorter than a window, ids stand twice, or a clock goes back.
    LabelError
        If the rule does not fit the labels, or no window has a known label.

    Example
    -------
    >>> panel = Panel.from_series([np.arange(7.0)], ids=["r"])
    >>> windows = cut_windows(panel, 4, 2)
    >>> windows.ids.tolist(), windows.notes
    (['r[0:4]', 'r[2:6]'], ('left out 1 step at the end of 1 recording, too few for a window',))
    """
    for name, word, known in (("edge", edge, EDGES), ("label", label, LABELS)):
        if word not in known:
            raise ParameterError(f"expected {name} to be one of {listing(known)}, got {word!r}{nearest(word, known)}")
    if panel.origin is not None:
        raise ParameterError("expected recordings, got windows already; cut the recordings that they came from")
    if not len(panel):
        raise DataError("expected at least one recording to cut into windows, got none; give some")
    _refuse_twice(panel)
    span, timed = _steps_or_time(length, "length")
    hop, also_timed = (span, timed) if stride is None else _steps_or_time(stride, "stride")
    if timed != also_timed:
        raise ParameterError(f"expected length and stride both in steps or both in time, got {length!r} and {stride!r}")
    cut = _by_time(panel, span, hop, edge) if timed else _by_steps(panel.lengths, span, hop, edge)
    if not len(cut.rows):
        given = f"got a length of {length}; shorten the window or say edge='keep'"
        raise DataError(f"expected windows no longer than the longest series ({cut.longest}), {given}")
    labels, label_names, keep = labels_of_windows(panel, cut, label, positive)
    rows, offsets, lengths = cut.rows[keep], cut.offsets[keep], cut.lengths[keep]
    inside = None if panel.intervals is None else np.clip(panel.intervals[rows] - offsets[:, None], 0, lengths[:, None])
    names = zip(panel.ids[rows].tolist(), offsets.tolist(), (offsets + lengths).tolist(), strict=True)
    return panel.replace(
        starts=panel.starts[rows] + offsets,
        lengths=lengths,
        ids=np.array([f"{recording}[{begin}:{end}]" for recording, begin, end in names]),
        labels=None if labels is None else labels[keep],
        label_names=label_names,
        intervals=None if inside is None else np.where(inside[:, :1] < inside[:, 1:], inside, -1),
        metadata=None if panel.metadata is None else panel.metadata.take(rows),
        origin=Origin(panel.ids[rows], offsets),
        notes=(*panel.notes, *_left_out(panel, cut, int((~keep).sum()))),
    )


def merge_windows(windows: Panel, answers: Any, recordings: Panel) -> list[NDArray[np.float64]]:
    """Lay answers about windows back on the steps of their recordings.

    Parameters
    ----------
    windows
        Windows from ``cut_windows``, in any order, or some of them.
    answers
        One vector for each window, shape (n, k), which holds for all its steps; or a list with one for each step of
        each window, shapes (window length, k).
    recordings
        The panel that the windows were cut from.

    Returns
    -------
    list[NDArray[np.float64]]
        For each recording an array (steps, k): the mean over the windows that hold the step, NaN where none does.

    Raises
    ------
    DataError
        If these are no windows, the answers do not fit them, or a recording is missing, too short or there twice.

    Example
    -------
    >>> panel = Panel.from_series([np.arange(7.0)], ids=["r"])
    >>> merge_windows(cut_windows(panel, 4, 2), np.array([[0.0], [1.0]]), panel)[0][:, 0].tolist()
    [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, nan]
    """
    begins, (told, listed, width) = _places(windows, recordings), _fitting(answers, windows)
    order = np.lexsort((windows.lengths, begins))  # so that sums do not depend on the order of rows
    begins, lengths = begins[order], windows.lengths[order]
    after = np.cumsum(lengths)
    total = np.zeros((int(recordings.lengths.sum()), width))
    count = np.zeros(len(total), dtype=np.int64)
    for part in groups_in_memory(after - lengths, after):
        first, shift = begins[part.start], begins[part] - (after - lengths)[part]
        places = np.repeat(shift - shift[0], lengths[part]) + np.arange(lengths[part].sum())
        here = slice(first, first + int(places.max()) + 1)
        rows = order[part]
        vectors = np.concatenate([told[row] for row in rows]) if listed else told[np.repeat(rows, lengths[part])]
        count[here] += np.bincount(places)
        for column in range(width):
            total[here, column] += np.bincount(places, vectors[:, column])
    total[count == 0] = np.nan
    total /= np.maximum(count, 1)[:, None]
    return np.split(total, np.cumsum(recordings.lengths)[:-1])[: len(recordings)]


def _refuse_twice(panel: Panel) -> None:
    names, times = np.unique(panel.ids, return_counts=True)
    if len(twice := names[times > 1].tolist()):
        raise DataError(f"expected each recording under its own id, got {listing(twice)} more than once; rename them")


def _steps_or_time(size: Any, name: str) -> tuple[int, bool]:
    """Give steps and False, or nanoseconds and True."""
    if isinstance(size, str):
        return read_duration(size), True
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ParameterError(f"expected a {name} of at least 1 whole step, or a time, got {size!r}; use 100 or '2.5 s'")
    return min(int(size), 2**62), False  # no series is longer


def _by_steps(steps: Integers, length: int, stride: int, edge: str) -> _Cut:
    whole = np.maximum((steps - length) // stride + 1, 0)
    rest = np.maximum(steps - np.where(whole > 0, whole * stride + max(length - stride, 0), 0), 0)
    counts = whole + (rest > 0) * (edge != "drop")
    rows = np.repeat(np.arange(len(steps)), counts)
    offsets = (np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)) * stride
    if edge == "shift":
        offsets = np.minimum(offsets, np.maximum(steps[rows] - length, 0))
    lengths = np.minimum(length, steps[rows] - offsets)
    return _Cut(rows, offsets, lengths, rest * (edge == "drop"), _many(int(steps.max()), "step"))


def _by_time(panel: Panel, length: int, stride: int, edge: str) -> _Cut:
    if panel.times is None:
        raise ParameterError("expected a clock to cut windows in time, got series without; give length in steps")
    cuts, longest, empty, repeated = [], Fraction(0), 0, 0
    for row in range(len(panel)):
        clock, unit, slack = _clock(panel, row, math.gcd(length, stride))
        span, hop = (length / unit, stride / unit) if slack else (length // unit, stride // unit)
        begin, end, left, reach, missing = _by_clock(clock, slack, span, hop, edge)
        new = np.append(True, (np.diff(begin) > 0) | (np.diff(end) > 0))[: len(begin)]
        cuts.append((begin[new], end[new], left))
        longest, empty, repeated = max(longest, Fraction(reach) * unit), empty + missing, repeated + int((~new).sum())
        panel.note_read(panel.lengths[row : row + 1])
    begins, ends, rest = zip(*cuts, strict=True)
    rows, offsets = np.repeat(np.arange(len(panel)), [len(begin) for begin in begins]), np.concatenate(begins)
    lengths, left_out = np.concatenate(ends) - offsets, np.array(rest) * (edge == "drop")
    return _Cut(rows, offsets, lengths, left_out, f"{float(longest / UNITS['s']):g} s", empty, repeated)


def _clock(panel: Panel, row: int, divisor: int) -> tuple[NDArray[Any], int, float]:
    """Give the time of each step since the first, its unit in ns, a part of ``divisor`` if exact, and its rounding."""
    clock, name = panel.clock(row), panel.units.get("time", "s")
    if clock.dtype.kind == "M":
        clock, name = clock.astype("datetime64[ns]"), "ns"
    if name not in UNITS:
        raise ParameterError(f"expected a clock in {', '.join(UNITS)}, got {name!r}; state in the units that of time")
    unit = UNITS[name]
    if not ((clock[1:] >= clock[:-1]).all() and clock[0] == clock[0]):
        name = str(panel.ids[row])
        raise DataError(f"expected rising times in series {name!r}, got one missing or going back; sort its steps")
    if clock.dtype.kind == "f":
        return clock.astype(np.float64) - float(clock[0]), unit, 8 * float(np.spacing(np.abs(clock[[0, -1]]).max()))
    fine = math.gcd(unit, divisor)
    return (clock - clock[0]).astype(np.int64) * (unit // fine), fine, 0.0


def _by_clock(clock: NDArray[Any], slack: float, length: Any, stride: Any, edge: str) -> tuple[Any, ...]:
    """Cut one recording: begins, ends, steps of the rest, duration, windows without steps, which are never listed."""
    step: Any = np.median(np.diff(clock)) if len(clock) > 1 else 0
    slack, step = (slack + 1e-6 * step, step) if slack else (0, int(step))
    reach = clock[-1].item() + step
    whole = max(int((reach + slack - length) // stride) + 1, 0)
    rest_from = whole * stride + max(length - stride, 0) if whole else 0
    rest = len(clock) - int(np.searchsorted(clock, rest_from - slack))
    planned = whole + (rest > 0 and edge == "keep")
    first = np.maximum((clock + slack - length) // stride, 0).astype(np.int64)
    last = ((clock + slack) // stride).astype(np.int64) + 1  # one more on either side, lest rounding forgets one
    first[1:] = np.maximum(first[1:], last[:-1] + 1)
    counts = np.maximum(last - first + 1, 0)
    numbers = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    borders = numbers[numbers < planned] * stride - slack
    begins, ends = np.searchsorted(clock, borders), np.searchsorted(clock - length, borders)
    begins, ends = begins[begins < ends], ends[begins < ends]
    missing = planned - len(begins)
    if rest > 0 and edge == "shift":
        begins = np.append(begins, np.searchsorted(clock, max(reach - length, 0) - slack))
        ends = np.append(ends, len(clock))
    return begins, ends, rest, reach, missing


def _many(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _left_out(panel: Panel, cut: _Cut, unlabelled: int) -> list[str]:
    short = (np.bincount(cut.rows, minlength=len(panel)) == 0) & (cut.rest > 0)
    ended = (cut.rest > 0) & ~short
    ends, again = cut.offsets + cut.lengths, np.append(False, cut.rows[1:] == cut.rows[:-1])
    held = ends - np.where(again, np.maximum(cut.offsets, np.roll(ends, 1)), cut.offsets)
    every = (
        (short.sum(), "recording", f"shorter than one window: {listing(panel.ids[short].tolist())}"),
        (cut.rest[ended].sum(), "step", f"at the end of {_many(ended.sum(), 'recording')}, too few for a window"),
        (panel.lengths.sum() - cut.rest.sum() - held.sum(), "step", "between windows: the stride exceeds the length"),
        (cut.empty, "window", "without any step: the clock has gaps"),
        (cut.repeated, "window", "with the same steps as the one before"),
        (unlabelled, "window", "without a known label"),
    )
    return [f"left out {_many(count, name)} {why}" for count, name, why in every if count]


def _places(windows: Panel, recordings: Panel) -> Integers:
    """Give the step at which each window begins, counted through all recordings one after the other."""
    if windows.origin is None:
        raise DataError("expected windows of recordings, got series without an origin; cut them with cut_windows")
    _refuse_twice(recordings)
    names, which = np.unique(windows.origin.recordings, return_inverse=True)
    missing = names[~np.isin(names, recordings.ids)].tolist()
    advice = "give the panel that the windows were cut from"
    if missing:
        raise DataError(f"expected the recordings of all windows, got none named {listing(missing)}; {advice}")
    rows, offsets = recordings.rows_of(names)[which], windows.origin.offsets
    outside = windows.ids[offsets + windows.lengths > recordings.lengths[rows]].tolist()
    if outside:
        raise DataError(f"expected windows inside their recordings, got {listing(outside)} beyond the end; {advice}")
    return offsets + np.cumsum(recordings.lengths)[rows] - recordings.lengths[rows]


def _fitting(answers: Any, windows: Panel) -> tuple[Any, bool, int]:
    """Give answers that fit the windows, whether they are a list, and how many numbers each has."""
    forms = "give an array (n, k), or a list of arrays (window length, k)"
    if len(answers) != len(windows):
        raise DataError(f"expected answers about {_many(len(windows), 'window')}, got {len(answers)}; {forms}")
    if not isinstance(answers, list | tuple) and np.ndim(answers) == 2:
        table = np.asarray(answers, dtype=np.float64)
        return table, False, table.shape[1]
    told = [np.asarray(one, dtype=np.float64) for one in answers]
    width = told[0].shape[-1] if told and told[0].ndim else 1
    for one, steps, name in zip(told, windows.lengths.tolist(), windows.ids.tolist(), strict=True):
        if one.shape != (steps, width):
            raise DataError(f"expected answers of shape ({steps}, {width}) on {name!r}, got {one.shape}; {forms}")
    return told, True, width
