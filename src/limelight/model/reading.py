"""Read new series as the training series of a model were read: the same columns, side signals and windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limelight.data.panel import Panel
from limelight.model.predictor import Predictor, numbered


def read_as_trained(
    model: Predictor,
    reading: Mapping[str, Any],
    series: Any,
    *,
    metadata: Any = None,
    signals: Any = None,
    **columns: Any,
) -> Panel:
    """Read a table of new series.

    Parameters
    ----------
    model
        The model that will predict them.
    reading
        How the training series were read: keywords of ``read_table``, ``"signals"`` with keywords of ``align``, and
        ``"windows"`` with keywords of ``cut_windows``; ``"events"``, the rule for events, is not used. {} is the
        default of ``read_table``.
    series, metadata
        As for ``read_table``.
    signals
        The table of the side signal, if the model was trained with one.
    **columns
        Keywords of ``read_table`` that differ from those in training.

    Returns
    -------
    Panel
        Cut into windows if the model was trained on windows.

    Raises
    ------
    DataError, ParameterError
        As for ``read_table``, ``align`` and ``cut_windows``.
    """
    from limelight.data.reading.tables import read_table  # reads many formats, which takes a second to import

    trained = dict(reading)
    trained.pop("events", None)
    windows, aligned = trained.pop("windows", None), trained.pop("signals", None) or {}
    kinds = {} if model.vocabulary is None else {one.name: one.kind for one in model.vocabulary.fields}
    if trained.get("channels") is None and not numbered(model.channels):
        trained["channels"] = _own_channels(model, aligned)
    keywords = {
        "fields": kinds,
        "label": None,
        **trained,
        **columns,
    }
    panel = read_table(series, metadata=metadata, **keywords)
    if signals is not None:
        from limelight.data.align import align

        panel = align(panel, signals, **{"csv": keywords.get("csv"), **aligned})
    return cut_as_trained(panel, windows)


def cut_as_trained(panel: Panel, windows: Mapping[str, Any] | None) -> Panel:
    """Cut series into windows with the keywords of ``cut_windows``; None leaves them whole."""
    if windows is None:
        return panel
    from limelight.data.windowing.windows import cut_windows

    return cut_windows(panel, **windows)


def _own_channels(model: Predictor, aligned: Mapping[str, Any]) -> list[str]:
    """Return the channels of the series table, without those that a side signal brings."""
    from limelight.data.align import SINCE_CHANGE

    signals = aligned.get("columns") or ()
    derived = {*signals, *(f"{name}{SINCE_CHANGE}" for name in signals)}
    return [name for name in model.channels if name not in derived]
