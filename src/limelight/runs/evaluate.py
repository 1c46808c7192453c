"""``limelight evaluate``: score a saved model on labelled series."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.config.sections import Experiment
from limelight.data.panel import Panel
from limelight.data.splitting.splits import Split
from limelight.errors import DataError, LabelError, ParameterError
from limelight.evaluation.decision.alarm_thresholds import require_alarm_goal
from limelight.model.description import load_description, model_folder
from limelight.runs.dataset import named_parts, read_panel, split_panel
from limelight.runs.predict import with_columns_of
from limelight.runs.scored import rows_to_score, scored_note, with_scored
from limelight.types import LogLine

if TYPE_CHECKING:
    from limelight.model.fitted import FittedModel


def evaluate_run(
    source: Path | str,
    experiment: Experiment,
    *,
    own: bool = False,
    part: str | None = None,
    false_alarms: Any = None,
    keep: bool = False,
    log: LogLine = lambda line: None,
) -> dict[str, Any]:
    """Score a saved model on its own test series or on other labelled series.

    Parameters
    ----------
    source
        The folder of a run or of a model.
    experiment
        Where the labelled series are.
    own
        Whether these are the series of the run, to be split as in training. Other series are split by their split file,
        if there is one.
    part
        ``"train"``, ``"validation"``, ``"test"`` or ``"all"``; None takes the test part, or all series if they
        are not split.
    false_alarms
        A limit of false alarms, as for ``choose_alarm_thresholds``: thresholds and minimum length of events are chosen
        anew on the part ``"validation"``; None uses those of the model.
    keep
        Whether to save the model with these thresholds.
    log
        Called with one line for each note.

    Returns
    -------
    dict
        As in ``metrics.json``; ``part`` names what was scored as ``test``.

    Raises
    ------
    ModelFolderError
        If there is no model.
    DataError, LabelError, ParameterError
        If the series do not fit the model, or the part is empty.
    """
    experiment = with_columns_of(load_description(source), experiment)
    panel = read_panel(experiment)
    if panel.labels is None and panel.step_labels is None:
        raise LabelError("expected labelled series to evaluate on, got series without labels; use predict instead")
    split: Split | None = split_panel(experiment, panel) if own else named_parts(experiment, panel)
    part = part or ("all" if split is None else "test")
    if part != "all" and split is None:
        raise ParameterError(
            f"expected a split file that names the part {part!r}, got series without one; pass --split, or --part all"
        )
    rows = np.arange(len(panel)) if part == "all" or split is None else split.part(part)
    if not len(rows):
        raise DataError(f"expected series in the part {part!r}, got none; choose another part")
    scored = rows_to_score(experiment, panel, rows)
    chosen = panel if len(scored) == len(panel) else panel[scored]
    for note in scored_note(len(scored), len(rows)):
        log(f"note: {note}")
    from limelight.model.bundle import load_model, save_model  # these load torch, which no error in the table needs
    from limelight.runs.scores import score_predictions

    model = load_model(source)
    if false_alarms is not None:
        model = _with_alarm_limit(model, experiment, panel, split, false_alarms)
        if keep:
            save_model(model, model_folder(source))
    started = time.perf_counter()
    prediction = model.predict(chosen)
    seconds = time.perf_counter() - started
    return {
        **score_predictions(model, prediction, chosen, experiment.events),
        "part": part,
        "seconds": {"evaluate": round(seconds, 3)},
        "counts": with_scored({part: len(rows)}, len(scored), len(rows)),
    }


def _with_alarm_limit(
    model: FittedModel, experiment: Experiment, panel: Panel, split: Split | None, goal: Any
) -> FittedModel:
    """Return the model with thresholds chosen on the validation series by their false alarms."""
    from limelight.evaluation.decision.rule import limit_false_alarms

    require_alarm_goal(model.task, goal, experiment.events)
    if split is None or not len(split.validation):
        raise ParameterError(
            "expected validation series to choose thresholds on, got none; name some in the split file, or train with "
            "split.validation=0.2"
        )
    return limit_false_alarms(model, panel[split.validation], goal, experiment.events)
