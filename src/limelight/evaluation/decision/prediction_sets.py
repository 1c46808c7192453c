"""Prediction sets of a model: for all series alike or for each value of a metadata field, and for new groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limelight.data.annotations import RECORDING
from limelight.data.panel import Panel
from limelight.errors import DataError, ModelFolderError, counted, listing, nearest
from limelight.evaluation.decision.conformal import ConformalSets, Score, Sets, coverage, fit_conformal
from limelight.evaluation.metrics.exact_intervals import wilson_interval
from limelight.model.fitted import FittedModel
from limelight.task import Task

BY_CLASS = "class"
"""The value of ``coverage_by`` for the coverage of each true class."""
MOSTLY = 0.5
"""Series are of new groups if more than this share of them has a value that training never had."""


@dataclass(frozen=True, eq=False)
class PredictionSets:
    """Conformal sets, which may differ by the value of a metadata field.

    Parameters
    ----------
    overall
        Sets for all series; with a field, for series without a known value of it: the widest of all values.
    by
        The metadata field whose values are calibrated separately; None calibrates all series together.
    by_value
        The sets for each value of the field.
    group
        The field whose values were exchangeable units in calibration, such as a subject; "recording" for windows.
    units
        The names of these units.
    """

    overall: ConformalSets
    by: str | None = None
    by_value: Mapping[str, ConformalSets] = field(default_factory=dict)
    group: str | None = None
    units: tuple[str, ...] = ()

    def sets(self, task: Task, probabilities: ArrayLike, panel: Panel) -> Sets:
        """Predict the sets of the series, or of the steps, of a panel; as for ``ConformalSets.sets``."""
        found = self.overall.sets(task, probabilities)
        if self.by is None:
            return found
        values, numbers = _cells(panel, self.by), np.asarray(probabilities)
        of_rows = np.repeat(values, panel.lengths) if task.by_step else values
        for value, own in self.by_value.items():
            rows = of_rows == value
            if rows.any():
                found[rows] = own.sets(task, numbers[rows])
        return found

    def describe(self) -> list[str]:
        """Describe the target, what the coverage holds for, and the notes, in lines of plain text."""
        if self.by is None:
            title, *notes = self.overall.describe()
        else:
            title = f"{self.overall.describe()[0]} for each value of {self.by!r}"
            notes = [f"{self.by} {value}: {note}" for value, own in self.by_value.items() for note in own.notes]
        units = f", calibrated on {counted(len(self.units), self.group)}" if self.group else ""
        return [f"{title}{units}", *notes]

    def notes_about(self, model: FittedModel, panel: Panel) -> list[str]:
        """Describe how the groups of some series differ from those of the calibration, one sentence each."""
        if self.group is not None:
            values = _cells(panel, self.group)
            new = ~np.isin(values, self.units)
            if not new.any():
                return []
            return [
                f"{counted(int(new.sum()), 'prediction set')} of {len(values)} are for a {self.group} that calibration "
                f"did not have; the coverage holds on average over new ones, and was calibrated on "
                f"{counted(len(self.units), self.group)}"
            ]
        if model.training_profile is None:
            return []
        return [
            f"the coverage is not guaranteed: {name!r} has values that calibration did not have in {len(rows)} of "
            f"{len(panel)} series; split by it (split.group) to calibrate the sets on held-out groups"
            for name, rows, _ in model.training_profile.metadata.unseen(panel.metadata)
            if len(rows) > MOSTLY * len(panel)
        ]

    def score(self, model: FittedModel, probabilities: ArrayLike, codes: ArrayLike, panel: Panel) -> dict[str, Any]:
        """Measure coverage and size on labelled series.

        Returns
        -------
        dict[str, Any]
            As ``coverage``, with ``target``, ``interval`` (95 %, of the coverage; None for steps and several labels)
            and ``notes``: whether the coverage misses the target beyond chance, and whether groups are new.
        """
        task = model.task
        units = np.repeat(np.arange(len(panel)), panel.lengths) if task.by_step else None
        found = coverage(task, self.sets(task, probabilities, panel), codes, units)
        interval, notes = None, self.notes_about(model, panel)
        if found["n"] and units is None and not task.multilabel:
            interval = wilson_interval(round(found["coverage"] * found["n"]), found["n"])
            if interval[1] < self.overall.target:
                notes.insert(
                    0,
                    f"the coverage is below the target beyond chance ({100 * interval[0]:.1f} to "
                    f"{100 * interval[1]:.1f} %): these series are unlike the calibration series",
                )
        return {"target": self.overall.target, **found, "interval": interval, "notes": notes}

    def to_json(self) -> dict[str, Any]:
        """Convert the sets to plain values for JSON."""
        content = self.overall.to_json()
        if self.by is not None:
            content["field"] = self.by
            content["by_value"] = {value: one.to_json() for value, one in self.by_value.items()}
        if self.group is not None:
            content.update(group=self.group, units=list(self.units))
        return content

    @classmethod
    def from_json(cls, content: Any) -> PredictionSets:
        """Restore sets from ``to_json``; ModelFolderError if the content is not valid."""
        overall = ConformalSets.from_json(content)
        try:
            by_value = {str(value): ConformalSets.from_json(one) for value, one in content.get("by_value", {}).items()}
            units = tuple(str(unit) for unit in content.get("units", ()))
        except (TypeError, AttributeError) as error:
            raise ModelFolderError(
                f"expected prediction sets, got {str(content)[:80]!r}; the model is damaged or from a newer limelight"
            ) from error
        return cls(overall, content.get("field"), by_value, content.get("group"), units)


def fit_prediction_sets(
    task: Task,
    probabilities: ArrayLike,
    codes: ArrayLike,
    panel: Panel,
    target: float,
    *,
    score: Score = "lac",
    by: str | None = None,
    group: str | None = None,
) -> PredictionSets:
    """Fit prediction sets on held-out series.

    Parameters
    ----------
    task, probabilities, codes
        As for ``fit_conformal``.
    panel
        The series of the predictions.
    target, score
        As for ``fit_conformal``.
    by
        ``"class"`` or the name of a metadata field: for whose values the coverage holds separately; None for all series
        together.
    group
        The metadata field whose values are exchangeable, such as the subject, or ``"recording"`` for windows; None if
        the series are.

    Returns
    -------
    PredictionSets
        Series with a value of ``by`` that calibration did not have get the widest limits of all values.

    Raises
    ------
    DataError
        If there is no such field.
    """
    members: NDArray[Any] | None = np.repeat(np.arange(len(panel)), panel.lengths) if task.by_step else None
    cells = None if group is None else _cells(panel, group)
    units = () if cells is None else tuple(np.unique(cells).tolist())
    if cells is not None:
        members = cells if members is None else cells[members]
    chances, truth = np.asarray(probabilities), np.asarray(codes)

    def fit(rows: Any) -> ConformalSets:
        some = None if members is None else members[rows]
        widest, each = cells is not None, by == BY_CLASS
        return fit_conformal(
            task, chances[rows], truth[rows], target, score=score, by_class=each, groups=some, widest=widest
        )

    if by is None or by == BY_CLASS:
        return PredictionSets(fit(slice(None)), group=group, units=units)
    values = _cells(panel, by)
    of_rows = np.repeat(values, panel.lengths) if task.by_step else values
    by_value = {str(value): fit(of_rows == value) for value in np.unique(values)}
    limits = np.max([one.limits for one in by_value.values()], axis=0)
    predicted = any(one.with_predicted for one in by_value.values())
    overall = replace(next(iter(by_value.values())), limits=limits, notes=(), with_predicted=predicted)
    return PredictionSets(overall, by, by_value, group, units)


def _cells(panel: Panel, name: str) -> NDArray[np.str_]:
    """Return the values of a metadata field, or the recordings, as words, shape (n,); a missing value is ""."""
    if name == RECORDING and panel.origin is not None:
        return panel.origin.recordings
    known = [] if panel.metadata is None else panel.metadata.column_names
    if panel.metadata is None or name not in known:
        raise DataError(
            f"expected the metadata field {name!r}, by which prediction sets are calibrated, got "
            f"{listing(known) or 'no metadata'}{nearest(name, known)}; add the field"
        )
    return np.array(["" if value is None else str(value) for value in panel.metadata[name].to_pylist()])
