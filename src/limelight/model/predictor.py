"""Predictor: what every model does with a panel, whatever computes its logits. Needs no torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limelight.data.panel import Panel
from limelight.errors import DataError, listing
from limelight.model.decision import Decision
from limelight.model.padding import (
    STEPS_PER_BATCH,
    batches_by_length,
    padded_arrays,
    padded_places,
    require_clock,
    require_same_clock,
)
from limelight.model.prediction import Prediction
from limelight.parallel import require_jobs, run_parallel
from limelight.task import Task

if TYPE_CHECKING:
    from limelight.data.profile.outside import OutsideTraining
    from limelight.data.profile.training_profile import TrainingProfile
    from limelight.model.vocabulary import EncodedMetadata, Vocabulary

SERIES_PER_BLOCK = 20_000
STEPS_PER_BLOCK = 1 << 24
"""Maximum number of time steps predicted in one block; their attention weights fill 64 MiB."""
SERIES_PER_PART, STEPS_PER_PART = 5_000, 1 << 22
"""The same for the blocks that several processes share."""


class Answer(NamedTuple):
    """What a model computes for padded series.

    Parameters
    ----------
    logits
        Before calibration, shape (batch, outputs) or (batch, time, outputs).
    weights
        Attention weights, shape (batch, time), or None.
    novelty
        How far each series is from the training series, shape (batch,), or None.
    """

    logits: NDArray[np.float64]
    weights: NDArray[np.float32] | None = None
    novelty: NDArray[np.float64] | None = None


class Predictor:
    """The base of a fitted model and of an exported one; both have the fields of ``FittedModel`` named here."""

    task: Task
    channels: tuple[str, ...]
    fitted_on: dict[str, Any]
    vocabulary: Vocabulary | None
    decision: Decision
    offset: NDArray[np.float64] | None
    training_profile: TrainingProfile | None
    steps_per_batch: int = STEPS_PER_BATCH

    @property
    @abstractmethod
    def reads_clock(self) -> bool:
        """Whether the model reads the time between steps."""

    @property
    @abstractmethod
    def accepts_missing(self) -> bool:
        """Whether values may be missing."""

    @abstractmethod
    def answer(self, arrays: dict[str, NDArray[Any]]) -> Answer:
        """Compute the logits of padded series before calibration, and attention weights and novelty if there are any.

        Parameters
        ----------
        arrays
            From ``padded_arrays``.

        Returns
        -------
        Answer
            Of the series, in their order.
        """

    def check(self, panel: Panel) -> OutsideTraining | None:
        """Check whether series are like the training series: values, missing values, length, clock and metadata.

        Parameters
        ----------
        panel
            Series with the same channels as in training.

        Returns
        -------
        OutsideTraining | None
            The series outside the training data, and why. None if the model was saved without a training profile.

        Raises
        ------
        DataError
            If the channels differ from those in training.
        """
        self.require_channels(panel)
        if self.training_profile is None:
            return None
        from limelight.data.profile.outside import check_panel  # needs SciPy, which prediction does not

        return check_panel(self.training_profile, self.with_channels(panel))

    def notes_about(self, panel: Panel) -> list[str]:
        """Describe channels and metadata of a panel that are unknown to the model or missing, one sentence each."""
        metadata = self.encoded_metadata(panel)
        return [*self._ignored_channels(panel), *([] if metadata is None else metadata.notes)]

    def _ignored_channels(self, panel: Panel) -> list[str]:
        extra = [name for name in panel.channels if name not in self.channels] if self._by_name(panel) else []
        return [f"ignored channels that the model does not know: {listing(extra)}"] if extra else []

    def encoded_metadata(self, panel: Panel) -> EncodedMetadata | None:
        """Encode the metadata and side signals of a panel; return None if the network reads neither."""
        if self.vocabulary is None:
            return None
        return self.vocabulary.encode(panel.metadata, len(panel), panel.signals)

    def predict(self, panel: Panel, *, attention: bool = False, jobs: int = 1, on: str | None = None) -> Prediction:
        """Predict every series of a panel. Apart from the predictions, memory does not grow with the panel.

        Parameters
        ----------
        panel
            Series with the same channels as in training, and the same kind of clock if the network reads the clock.
        attention
            Whether to return the attention weights (4 bytes per time step of the panel).
        jobs
            Number of processes that share the series, at least 1.
        on
            ``"ray"`` or ``"ray://host:port"`` to predict on Ray instead, on all of its processors (extra ``ray``).

        Returns
        -------
        Prediction
            In the order of the panel.

        Raises
        ------
        DataError
            If the channels or the kind of clock differ from those in training, if a value is infinite, or if a value is
            missing and the model does not accept missing values.
        ParameterError
            If ``jobs`` is below 1, or Ray is not installed or does not answer.
        """
        blocks = list(self.predict_blocks(panel, attention=attention, jobs=jobs, on=on))
        logits = np.concatenate([np.zeros((0, self.task.outputs)), *(block.logits for block in blocks)])
        kept = [weights for block in blocks for weights in block.attention or []]
        found = [block.novelty for block in blocks if block.novelty is not None]
        return self.prediction_of(panel, logits, kept or None, np.concatenate(found) if found else None)

    def predict_blocks(
        self, panel: Panel, *, attention: bool = False, jobs: int = 1, on: str | None = None
    ) -> Iterator[Prediction]:
        """Predict a panel block by block, so that predictions can be written out as they are made.

        Parameters
        ----------
        panel, attention, jobs, on
            As for ``predict``, which also lists the errors.

        Returns
        -------
        Iterator[Prediction]
            Predictions for consecutive series in the order of the panel, at most 20,000 series at a time.

        Example
        -------
        >>> from limelight.model.fitted import FittedModel
        >>> from limelight.nn.network import Network
        >>> from limelight.parts.architecture import Architecture
        >>> architecture = Architecture.of({"name": "gru", "hidden_size": 2}, "last", "linear")
        >>> network = Network(architecture, channels=1, outputs=1)
        >>> model = FittedModel(Task(("a", "b")), architecture, network, ("channel_0",))
        >>> [len(block.ids) for block in model.predict_blocks(Panel.from_series(np.zeros((20_002, 1))))]
        [20000, 2]
        """
        self.require_like_training(panel)
        require_jobs(jobs, on)
        if jobs == 1 and on is None:
            whole = consecutive_rows(panel.lengths, SERIES_PER_BLOCK, STEPS_PER_BLOCK)
            return (self._predict_block(self.with_channels(panel[rows]), attention) for rows in whole)
        parts = parts_of(panel, consecutive_rows(panel.lengths, SERIES_PER_PART, STEPS_PER_PART), on)
        calls = ((self.with_channels(part), attention) for part in parts)
        return run_parallel(self._predict_block, calls, jobs, ordered=True, on=on)

    def _predict_block(self, panel: Panel, attention: bool) -> Prediction:
        by_step = self.task.by_step
        logits = np.zeros((int(panel.lengths.sum()) if by_step else len(panel), self.task.outputs))
        firsts = np.cumsum(panel.lengths) - panel.lengths
        kept: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(panel)
        has_weights, novelty = False, None
        for rows, arrays in self.arrays(panel):
            batch_logits, batch_weights, batch_novelty = self.answer(arrays)
            if by_step:
                mask = arrays["mask"]
                logits[(firsts[rows][:, None] + np.arange(mask.shape[1]))[mask]] = batch_logits[mask]
            else:
                logits[rows] = batch_logits
            if batch_novelty is not None:
                novelty = np.zeros(len(panel)) if novelty is None else novelty
                novelty[rows] = batch_novelty
            if attention and batch_weights is not None:
                has_weights = True
                for row, weights in zip(rows, batch_weights, strict=True):
                    kept[row] = weights[: panel.lengths[row]].copy()
        wrong = ~np.isfinite(logits).reshape(len(logits), -1).all(axis=1)
        if wrong.any():
            which = "" if by_step else f" for series {str(panel.ids[int(wrong.argmax())])!r}"
            raise DataError(
                f"expected finite logits, got one that is not finite{which}; its values or the weights of the model "
                "are too large for float32; check the values, or save the model again"
            )
        scaled = self.decision.apply_temperature(logits)
        return self.prediction_of(panel, scaled, kept if has_weights else None, novelty)

    def arrays(self, panel: Panel) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[Any]]]]:
        """Yield row numbers of a panel with the padded arrays of these series; each row is yielded once."""
        metadata = self.encoded_metadata(panel)
        for rows in batches_by_length(panel, steps=self.steps_per_batch):
            yield (
                rows,
                padded_arrays(
                    panel,
                    rows,
                    padded_places(panel, rows),
                    elapsed=self.reads_clock,
                    missing=self.accepts_missing,
                    metadata=metadata,
                    offset=self.offset,
                ),
            )

    def prediction_of(
        self,
        panel: Panel,
        logits: NDArray[np.float64],
        attention: list[NDArray[np.float32]] | None = None,
        novelty: NDArray[np.float64] | None = None,
    ) -> Prediction:
        """Return the prediction that a panel's calibrated logits stand for.

        Parameters
        ----------
        panel
            n series.
        logits
            After the temperature, shape (n, outputs), or one row a step for labels per step.
        attention
            Weights of the steps of each series.
        novelty
            Scores, shape (n,).

        Returns
        -------
        Prediction
            With the thresholds and mixing of the model.
        """
        lengths = panel.lengths if self.task.by_step else None
        decision = self.decision
        return Prediction(
            panel.ids, self.task, logits, attention, lengths, decision.thresholds, decision.mixing, novelty
        )

    def require_like_training(self, panel: Panel) -> None:
        """Raise DataError if a panel lacks channels of the training, or has no clock of the kind that it had."""
        self.require_channels(panel)
        if self.reads_clock:
            require_clock(panel)
            require_same_clock(self.fitted_on.get("clock"), panel)

    def require_channels(self, panel: Panel) -> None:
        """Raise DataError, naming the missing channels, if a panel lacks channels of the training.

        Named channels may be in any order, next to others; unnamed ones must be as many as in training.
        """
        if self._by_name(panel):
            missing = [name for name in self.channels if name not in panel.channels]
            if missing:
                raise DataError(
                    f"expected the channels in training ({listing(self.channels, 20)}), got "
                    f"{listing(panel.channels, 20)}, which lacks {listing(missing)}; rename the channels as in "
                    "training, or pass arrays without names in the order of the training"
                )
            return
        if len(panel.channels) != len(self.channels):
            channels = "channel" if len(self.channels) == 1 else "channels"
            raise DataError(
                f"expected {len(self.channels)} {channels} as in training ({listing(self.channels)}), got "
                f"{len(panel.channels)} ({listing(panel.channels)})"
            )

    def with_channels(self, panel: Panel) -> Panel:
        """Return a panel with the channels of the training in their order; the same panel if it has them already.

        Parameters
        ----------
        panel
            Series with these channels by name, in any order and next to others; or as many unnamed channels.

        Returns
        -------
        Panel
            With the values in the order of ``channels``.

        Raises
        ------
        DataError
            If a channel is missing, or the number of unnamed channels differs.
        """
        self.require_channels(panel)
        if not self._by_name(panel) or panel.channels == self.channels:
            return panel
        panel = panel.compact()
        order = [panel.channels.index(name) for name in self.channels]
        return panel.replace(values=panel.values[:, order], channels=self.channels, offset=panel.offset[order])

    def _by_name(self, panel: Panel) -> bool:
        """Whether the channels of a panel and of the model both have names of their own."""
        return not (numbered(panel.channels) or numbered(self.channels))


def consecutive_rows(lengths: NDArray[np.int64], series: int, steps: int) -> Iterator[slice]:
    """Cut rows into consecutive blocks of limited size; a series with more steps than the limit is its own block.

    Parameters
    ----------
    lengths
        Steps of each series, shape (n,).
    series, steps
        The most series and steps of a block, at least 1.

    Example
    -------
    >>> list(consecutive_rows(np.array([2, 2, 9, 1, 1]), series=2, steps=5))
    [slice(0, 2, None), slice(2, 3, None), slice(3, 5, None)]
    """
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        within = int(np.searchsorted(ends, before + steps, side="right"))
        stop = max(start + 1, min(start + series, within))
        yield slice(start, stop)
        start = stop


def parts_of(panel: Panel, blocks: Iterable[slice], on: str | None = None) -> Iterator[Panel]:
    """Yield blocks of a panel to send to workers: those of a store by its path, or by value if they are sent to Ray.

    Parameters
    ----------
    panel
        n series.
    blocks
        Slices of rows.
    on
        As for ``run_parallel``.

    Example
    -------
    >>> [len(part) for part in parts_of(Panel.from_series(np.zeros((3, 2))), [slice(0, 2), slice(2, 3)])]
    [2, 1]
    """
    for rows in blocks:
        part = panel[rows]
        if on is not None:
            part = part.compact()
            panel.note_read(part.lengths)
        yield part


def numbered(channels: Sequence[str]) -> bool:
    """Whether all channels have the default names ``channel_0``, ``channel_1``, ..."""
    return all(name == f"channel_{place}" for place, name in enumerate(channels))
