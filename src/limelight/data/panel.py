"""Panel: labelled time series of any length with their metadata, indexed by row like an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data import drawing
from limelight.data.annotations import RECORDING, Origin, StepLabels, StepSignals
from limelight.data.clock import clock_of
from limelight.data.containers.numbers import as_array, is_sparse
from limelight.data.containers.words import checked_ids, checked_words
from limelight.data.labels import checked_labels, checked_weights, describe_labels, names_of_labels, stratify_by
from limelight.data.precision import relative_arrays
from limelight.data.ragged import Backing, Ragged
from limelight.data.splitting.splits import Split, make_split
from limelight.errors import DataError, LabelError, as_sentence, listing, nearest, shown
from limelight.tabular import Tabular

if TYPE_CHECKING:
    import pyarrow as pa

NO_NUMBERS = {
    "c": "complex numbers (Complex data not supported)",
    "V": "structured values",
    "M": "dates",
    "m": "durations",
}
"""Kinds of NumPy that are no values of a series."""
RowIndex = int | slice | Sequence[int] | Sequence[bool] | NDArray[Any]


class Panel(Ragged, Tabular):
    """A set of time series with their labels and metadata, indexed by row like an array.

    The series are concatenated in one array; each row stores the position and the length of its series. Selecting
    rows copies neither values nor times, so splits, folds, windows and batches are cheap.

    Parameters
    ----------
    values
        The values of all series, concatenated, shape (total steps, channels); NaN marks a missing value. They are
        stored as float32, relative to ``offset``; for float64 values, an offset is chosen if None is given.
    starts, lengths
        The row of ``values`` at which each series begins, and its number of steps, each shape (n,).
    ids
        The name of each series, shape (n,); None numbers them "0", "1", ...
    channels
        The name of each channel; None numbers them "channel_0", "channel_1", ...
    times
        The time of every step, aligned with ``values``, shape (total steps,): numbers or datetime64. None if only the
        order of the steps is known.
    labels
        One label per series, shape (n,), None or NaN if unknown; or, for multi-label, 0, 1 or NaN, shape
        (n, labels). None for unlabelled series.
    label_names
        The names of the labels, for multi-label; None numbers them "label_0", "label_1", ...
    intervals
        The interval of each series that its label refers to, if known: first step and the step after the last, shape
        (n, 2), (-1, -1) for a series without one. Used to evaluate explanations, never to train.
    step_labels
        Per-step labels, aligned with ``values``, or None.
    signals
        Categorical values per step, such as an operating mode, aligned with ``values``, or None.
    metadata
        A table with one row per series, in the same order, without the ids; None if there is no metadata.
    origin
        The recording and the offset that each series was cut from, if the series are windows.
    weights
        The weight of each series in a fit, at least 0 and not all 0, shape (n,); None weights all series equally.
    units
        Maps a channel to its unit, and ``"time"`` to the unit of a numeric clock. Unknown units are absent.
    offset
        The constant subtracted from each channel in float64, so that float32 keeps a small signal on a large level,
        shape (channels,); None is 0.
    notes
        Sentences on what was guessed or dropped while reading and preparing the data.
    backing
        The files from which the per-step arrays are memory-mapped; None if the arrays are in memory.

    Raises
    ------
    DataError
        If the shapes do not fit together or a series is empty.

    Example
    -------
    >>> panel = Panel.from_series([np.zeros((3, 2)), np.ones((5, 2))], labels=["a", "b"])
    >>> panel
    Panel(2 series, 3 to 5 steps, 2 channels, 2 classes)
    >>> panel[[1]].series(0).shape
    (5, 2)
    """

    def __init__(
        self,
        values: NDArray[np.float32] | NDArray[np.float64],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        *,
        ids: ArrayLike | None = None,
        channels: Sequence[str] | None = None,
        times: NDArray[Any] | None = None,
        labels: ArrayLike | None = None,
        label_names: Sequence[str] | None = None,
        intervals: ArrayLike | None = None,
        step_labels: StepLabels | None = None,
        signals: StepSignals | None = None,
        metadata: pa.Table | None = None,
        origin: Origin | None = None,
        weights: ArrayLike | None = None,
        units: Mapping[str, str] | None = None,
        offset: ArrayLike | None = None,
        notes: Sequence[str] = (),
        backing: Backing | None = None,
    ) -> None:
        lost: list[str] = []
        if offset is None and np.asarray(values).dtype == np.float64 and np.ndim(values) == 2:
            (values,), offset, lost = relative_arrays([np.asarray(values)])
        self.values = np.asarray(values, dtype=np.float32)
        self.starts = np.asarray(starts, dtype=np.int64)
        self.lengths = np.asarray(lengths, dtype=np.int64)
        n = len(self.starts)
        self.ids = np.arange(n).astype(str) if ids is None else checked_ids(ids, n)
        numbered = (f"channel_{i}" for i in range(self.values.shape[-1]))
        self.channels = tuple(checked_words(channels, "the name of a channel") if channels else numbered)
        self.times = times
        self.labels = None if labels is None else checked_labels(labels, n)
        self.label_names = names_of_labels(self.labels, label_names)
        self.intervals = None if intervals is None else np.asarray(intervals, dtype=np.int64).reshape(n, 2)
        self.step_labels = step_labels
        self.signals = signals
        self.metadata = None if metadata is None else _plain(metadata)
        self.origin = origin
        self.weights = None if weights is None else checked_weights(weights, n)
        self.units = dict(units or {})
        self.offset = np.zeros(len(self.channels)) if offset is None else np.asarray(offset, dtype=np.float64)
        self.notes = (*notes, *lost)
        self.backing = backing
        self._check()

    def _check(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise DataError(f"expected values of shape (steps, {len(self.channels)} channels), got {self.values.shape}")
        if self.offset.shape != (len(self.channels),):
            raise DataError(
                f"expected an offset for each of the {len(self.channels)} channels, got shape {self.offset.shape}"
            )
        if len(self.ids) != len(self.starts) or len(self.lengths) != len(self.starts):
            raise DataError(
                f"expected one start, one length and one id for each series, got {len(self.starts)} starts, "
                f"{len(self.lengths)} lengths and {len(self.ids)} ids"
            )
        steps = len(self.values)
        if (self.starts < 0).any() or (self.starts + self.lengths > steps).any():
            raise DataError(
                f"expected every series to lie within the {steps} steps of values, got one that begins or ends outside"
            )
        for name, array in (("time", self.times), ("step label", self.step_labels), ("signal", self.signals)):
            if array is not None and len(array) != steps:
                raise DataError(f"expected a {name} for each of the {steps} steps, got {len(array)} {name}s")
        if self.metadata is not None and len(self.metadata) != len(self):
            raise DataError(
                f"expected one row of metadata for each of the {len(self)} series, got {len(self.metadata)} rows"
            )
        empty = self.ids[self.lengths < 1]
        if len(empty):
            raise DataError(
                f"expected at least one step in every series, got none in {listing(empty.tolist())}; "
                "leave empty series out"
            )

    @classmethod
    def from_series(
        cls,
        series: Sequence[ArrayLike],
        *,
        ids: ArrayLike | None = None,
        channels: Sequence[str] | None = None,
        times: Sequence[ArrayLike] | None = None,
        **attributes: Any,
    ) -> Panel:
        """Build a Panel from one array per series.

        Parameters
        ----------
        series
            Arrays of shape (time, channels) or (time,), of any length, all with the same number of channels.
        times
            The times of each series, shape (time,) each, or None.
        ids, channels, **attributes
            As for ``Panel``.

        Returns
        -------
        Panel
            The series in the given order.

        Raises
        ------
        DataError
            If there are no series, a series is empty, or the numbers of channels differ.

        Example
        -------
        >>> Panel.from_series([[1.0, 2.0], [3.0]]).lengths.tolist()
        [2, 1]
        """
        if isinstance(series, (str, bytes, Mapping)) or not _is_list(series):
            raise DataError(f"expected a list with one array for each series, got {shown(series)}; pass a list")
        rows = as_array(series) if isinstance(series, memoryview) else series
        arrays = [_two_dimensional(array, number) for number, array in enumerate(rows)]
        if not arrays:
            raise DataError("expected at least one series, got none")
        width = arrays[0].shape[1]
        for number, array in enumerate(arrays):
            if array.shape[1] != width:
                raise DataError(
                    f"expected the same number of channels in every series, got {width} in series 0 and "
                    f"{array.shape[1]} in series {number}; each series is (time, channels): transpose any that is "
                    "(channels, time)"
                )
        lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        arrays, offset, lost = relative_arrays(arrays, channels)
        clock = None if times is None else clock_of(times, lengths.tolist())
        starts = np.cumsum(lengths) - lengths
        attributes["notes"] = (*attributes.get("notes", ()), *lost)
        values = np.concatenate(arrays)
        return cls(values, starts, lengths, ids=ids, channels=channels, times=clock, offset=offset, **attributes)

    def __iter__(self) -> Iterator[Panel]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: RowIndex | tuple[Any, ...]) -> Panel:
        if isinstance(rows, tuple):  # scikit-learn indexes with panel[rows, ...]
            rows = rows[0]
        selected = np.arange(len(self))[rows].reshape(-1)
        return self._with(
            starts=self.starts[selected],
            lengths=self.lengths[selected],
            ids=self.ids[selected],
            labels=None if self.labels is None else self.labels[selected],
            intervals=None if self.intervals is None else self.intervals[selected],
            metadata=None if self.metadata is None else self.metadata.take(selected),
            origin=None if self.origin is None else self.origin.at(selected),
            weights=None if self.weights is None else self.weights[selected],
        )

    def replace(self, **changes: Any) -> Panel:
        """Return a copy with some attributes replaced (``labels``, ``metadata``, ``units``, ``notes``, ...).

        Parameters
        ----------
        **changes
            Attributes by name, as for ``Panel``.

        Returns
        -------
        Panel
            The changed panel, checked like a new one; unchanged arrays are shared, not copied.

        Raises
        ------
        DataError
            As for ``Panel``.

        Example
        -------
        >>> Panel.from_series([[1.0, 2.0]]).replace(units={"channel_0": "m/s"}).units
        {'channel_0': 'm/s'}
        """
        return Panel(**{**self.__dict__, **changes})

    def rows_of(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Find the rows of series by id.

        Parameters
        ----------
        ids
            Ids of series, shape (m,).

        Returns
        -------
        NDArray[np.int64]
            The row of each series, shape (m,).

        Raises
        ------
        DataError
            If an id is not in the panel.
        """
        row_of_id = {name: row for row, name in enumerate(self.ids.tolist())}
        names = np.asarray(ids).astype(str).tolist()
        unknown = [name for name in names if name not in row_of_id]
        if unknown:
            raise DataError(f"expected ids of series, got {listing(unknown)}; known are {listing(row_of_id)}")
        return np.array([row_of_id[name] for name in names], dtype=np.int64)

    def split(
        self,
        *,
        test: float,
        validation: float = 0.0,
        seed: int = 0,
        group: str | None = None,
        by: str = "random",
        stratify: bool = True,
    ) -> tuple[Panel, ...]:
        """Split into training, validation and test series.

        Windows of one recording always stay together.

        Parameters
        ----------
        test, validation
            Shares of the series in [0, 1), summing to less than 1.
        seed
            Seed of the random split; the same seed gives the same split.
        group
            A metadata field; series with the same value stay together.
        by
            ``"random"``, or ``"time"``: the latest series form the test part, those before them the validation part.
        stratify
            Whether to keep the class proportions in every part, as far as groups allow.

        Returns
        -------
        tuple[Panel, ...]
            Training and test part; if ``validation`` is above 0, training, validation and test part.

        Raises
        ------
        ParameterError
            If the shares are out of range, or the groups or the times do not allow such a split.
        DataError
            If the field does not exist, or a series has no value in it.

        Example
        -------
        >>> panel = Panel.from_series(np.zeros((10, 5)), labels=list("ababababab"))
        >>> train, test = panel.split(test=0.2)
        >>> len(train), len(test), sorted(test.labels.tolist())
        (8, 2, ['a', 'b'])
        """
        split = self.make_split(test=test, validation=validation, seed=seed, group=group, by=by, stratify=stratify)
        parts = (split.train, split.validation, split.test) if validation else (split.train, split.test)
        return tuple(self[rows] for rows in parts)

    def make_split(self, *, group: str | None = None, by: str = "random", stratify: bool = True, **rule: Any) -> Split:
        """Return the rows of each part and a description of the rule; parameters as for ``split``."""
        return make_split(
            len(self),
            labels=stratify_by(self.labels) if stratify else None,
            groups=self.groups(group),
            group_name=group or RECORDING,
            times=None if by == "random" else self.first_and_last_times(),
            by=by,
            **rule,
        )

    def groups(self, field: str | None = None) -> NDArray[np.str_] | None:
        """Return the group of each series: a metadata field, or by default the recording of each window.

        Parameters
        ----------
        field
            A metadata field; None uses the recordings.

        Returns
        -------
        NDArray | None
            Shape (n,); None if ``field`` is None and the series are not windows.

        Raises
        ------
        DataError
            If the field does not exist, or a series has no value in it.
        """
        if field is None or (field == RECORDING and self.origin is not None):
            return None if self.origin is None else self.origin.recordings
        known = [] if self.metadata is None else self.metadata.column_names
        if self.metadata is None or field not in known:
            raise DataError(f"expected a metadata field {field!r} to group by, found none{nearest(field, known)}")
        column = self.metadata[field]
        if column.null_count:
            without_group = self.ids[column.is_null().to_numpy()]
            raise DataError(
                f"expected a group in {field!r} for every series, got none for {listing(without_group.tolist())}; "
                "fill it in, or leave these series out"
            )
        return np.array([str(value) for value in column.to_pylist()])

    def is_independent(self, by: str = "random", group: str | None = None) -> bool:
        """Whether the series are independent of each other, so that leave-one-out estimates do not leak.

        Parameters
        ----------
        by, group
            How the series are split, as for ``split``.

        Returns
        -------
        bool
            False if series share a recording or group, or are split by time; leave-one-out would then leak.

        Raises
        ------
        DataError
            As for ``groups``.
        """
        return by == "random" and self.groups(group) is None

    def require_labels(self) -> NDArray[Any]:
        """Return the labels, shape (n,) or (n, labels); raise LabelError if the series have none."""
        if self.labels is None:
            raise LabelError("expected labelled series, got series without labels; give labels with them")
        return self.labels

    def with_labels(self, labels: ArrayLike) -> Panel:
        """Replace the labels, shape (n,) or (n, labels), without copying the values."""
        checked = checked_labels(labels, len(self))
        return self._with(labels=checked, label_names=names_of_labels(checked, None))

    def describe(self) -> str:
        """Describe the panel in one line: number of series, steps, channels and classes.

        Example
        -------
        >>> Panel.from_series([[1.0, 2.0], [3.0]], labels=["a", "b"]).describe()
        '2 series, 1 to 2 steps, 1 channel, 2 classes'
        """
        shortest, longest = (int(self.lengths.min()), int(self.lengths.max())) if len(self) else (0, 0)
        steps = f"{longest} steps" if shortest == longest else f"{shortest} to {longest} steps"
        channels = f"{len(self.channels)} channel{'s' if len(self.channels) > 1 else ''}"
        return f"{len(self)} series, {steps}, {channels}{describe_labels(self.labels, self.step_labels)}"

    def __repr__(self) -> str:
        return f"Panel({self.describe()})"

    def _repr_html_(self) -> str:
        return drawing.panel_html(self)

    def plot(self, rows: Sequence[int] | None = None) -> Any:
        """Plot series with a line for each channel.

        Parameters
        ----------
        rows
            At most 12 rows; None takes one series of each of the first classes.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ParameterError
            If there are no rows, more than 12, or one that the panel does not have.
        """
        return drawing.panel_figure(self, rows)

    def to_table(self) -> Any:
        """Convert to a ``pyarrow.Table`` with a row for each step: id, time, channels and labels, without metadata."""
        from limelight.data.long_table import panel_table

        return panel_table(self)


def _is_list(series: Any) -> bool:
    """Whether an object holds one array for each series: not a single number, a table or a sparse matrix."""
    return isinstance(series, (Iterable, Panel)) and getattr(series, "ndim", 1) > 0 and not is_sparse(series)


def _plain(metadata: Any) -> pa.Table:
    from limelight.data.containers.metadata_tables import plain_metadata  # series without metadata need no pyarrow

    return plain_metadata(metadata)


def _two_dimensional(series: ArrayLike, number: int) -> NDArray[Any]:
    """Return a series as an array of shape (time, channels), float32 if that is exact by its type, else float64."""
    array = as_array(series)
    if array.dtype.kind in NO_NUMBERS:
        raise DataError(f"expected numbers in series {number}, got {NO_NUMBERS[array.dtype.kind]}; convert them")
    try:
        exact = array.dtype.kind in "fiub" and np.can_cast(array.dtype, np.float32)
        array = array.astype(np.float32 if exact else np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"expected numbers in series {number}, got something else: {as_sentence(error)}") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(
            f"expected series {number} to be (time, channels) or (time,), got an array of shape {array.shape}"
        )
    return array
