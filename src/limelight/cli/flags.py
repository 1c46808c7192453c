"""Options that do not exist: the one that was meant, or the key of the experiment that does it."""

from __future__ import annotations

from collections.abc import Mapping

from limelight.errors import nearest

KEY_OF_FLAG: Mapping[str, str] = {
    "batch-size": "training.batch_size",
    "calibrate": "decision.calibrate",
    "coverage": "decision.coverage",
    "device": "training.device",
    "dropout": "model.encoder.dropout",
    "encoder": "model.encoder",
    "fields": "data.fields",
    "fusion": "model.fusion",
    "group": "split.group",
    "head": "model.head",
    "hidden-size": "model.encoder.hidden_size",
    "imbalance": "training.imbalance",
    "layout": "data.layout",
    "learning-rate": "training.learning_rate",
    "max-epochs": "training.max_epochs",
    "missing": "model.missing",
    "model": "model.encoder",
    "patience": "training.patience",
    "pooling": "model.pooling",
    "positive": "data.positive",
    "sort": "data.sort",
    "split-by": "split.by",
    "stride": "windows.stride",
    "test-size": "split.test",
    "thresholds": "decision.thresholds",
    "validation": "split.validation",
    "window": "windows.length",
}
"""The key of an experiment for each option that people try."""
SYNONYMS: Mapping[str, str] = {
    "batch": "batch-size",
    "class-weight": "imbalance",
    "class-weights": "imbalance",
    "delimiter": "separator",
    "groups": "group",
    "hidden": "hidden-size",
    "lr": "learning-rate",
    "network": "encoder",
    "test": "test-size",
    "test-split": "test-size",
    "threshold": "thresholds",
    "units": "hidden-size",
    "val": "validation",
    "validation-size": "validation",
    "window-size": "window",
    "windows": "window",
}
OPTIONS_BY_SYNONYM: Mapping[str, str] = {
    "class": "label",
    "column": "channels",
    "columns": "channels",
    "epoch": "epochs",
    "features": "channels",
    "force": "overwrite",
    "id-column": "id",
    "label-column": "label",
    "output-dir": "output",
    "random-state": "seed",
    "target": "label",
    "time-column": "time",
    "timestamp": "time",
    "y": "label",
}


def describe_usage_error(error: Exception) -> str | None:
    """Describe in one sentence what is wrong with the words of a command.

    Parameters
    ----------
    error
        What was raised; only usage errors of typer have the attribute ``format_message``.

    Returns
    -------
    str | None
        The sentence, or None if the error is another one.
    """
    if not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "limelight") or "limelight"
    option = getattr(error, "option_name", None)
    if isinstance(option, str) and type(error).__name__ == "NoSuchOption":
        parameters = [] if context is None else context.command.params
        known = [name for one in parameters for name in getattr(one, "opts", []) if name.startswith("--")]
        return f"there is no option {option} for {command!r}{hint_for(option, known)}"
    complaint = _complaint_about_value(error)
    if complaint:
        return f"{complaint}; correct it, or see {command} --help"
    message = (
        str(error.format_message()).rstrip(".").replace("Value error, ", "").replace(". Did you mean", "; did you mean")
    )
    remedy = "" if message.endswith("?") else f"; {command} --help lists what there is"
    return f"{message[:1].lower()}{message[1:]}{remedy}"


def _complaint_about_value(error: Exception) -> str:
    """Describe a value that pydantic, with which typer converts values, does not accept; "" for other errors."""
    from pydantic import ValidationError

    from limelight.parts.base import first_complaint

    cause, parameter = error.__cause__, getattr(error, "param", None)
    if parameter is None or not isinstance(cause, ValidationError):
        return ""
    name = next((one for one in parameter.opts if one.startswith("--")), parameter.opts[0])
    return first_complaint(cause, name) if cause.errors()[0]["type"] != "value_error" else ""


def hint_for(option: str, known: list[str]) -> str:
    """Return what to write instead of an option that does not exist.

    Parameters
    ----------
    option
        As typed.
    known
        The options of the command.

    Returns
    -------
    str
        A clause that begins with a semicolon.

    Example
    -------
    >>> hint_for("--lr", ["--set", "--seed"])
    '; write --set training.learning_rate=VALUE'
    >>> hint_for("--target", ["--label", "--seed"])
    "; did you mean '--label'?"
    """
    word = option.lstrip("-").replace("_", "-").lower()
    meant = f"--{OPTIONS_BY_SYNONYM.get(word, word)}"
    if meant in known:
        return f"; did you mean {meant!r}?"
    key = KEY_OF_FLAG.get(SYNONYMS.get(word, word))
    if key is None and SYNONYMS.get(word, word) == "separator":
        key = "data.csv.separator"
    if key is not None and "--set" in known:
        return f"; write --set {key}=VALUE"
    return nearest(option, known)
