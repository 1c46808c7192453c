"""Read experiment files: one JSON object with data, split, model, training and output."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError

from limelight.config.sections import Experiment
from limelight.data.places import local_path, url_of
from limelight.data.reading.compression import stem_of
from limelight.data.reading.file_names import without_labels
from limelight.data.reading.folders import folder_content
from limelight.data.reading.formats import require_known_type
from limelight.data.reading.locating import content_at
from limelight.errors import ParameterError, nearest
from limelight.parts.architecture import PRESETS, preset
from limelight.parts.base import first_complaint
from limelight.replacement import complete_replacement

FILES = ("series", "labels", "metadata", "signals", "split")
PATHS = ("data.folder", *(f"data.{name}" for name in FILES), "model.context.text_encoder")


def experiment_schema() -> dict[str, Any]:
    """Return the JSON schema of experiment files, for editors.

    Example
    -------
    >>> sorted(experiment_schema()["properties"])[:5]
    ['data', 'decision', 'evaluate', 'events', 'explain']
    """
    schema = Experiment.model_json_schema()
    schema["properties"]["preset"] = {"enum": list(PRESETS), "description": "Name of a preset network."}
    return schema


def read_experiment(source: Path | str, changes: Mapping[str, Any] | None = None) -> Experiment:
    """Read an experiment file, or build an experiment for a folder or table of series.

    Parameters
    ----------
    source
        An experiment file (``.json``, in which lines that begin with ``//`` are comments); a file of series in any
        format; a folder of such files, with tables named ``labels``, ``metadata`` and ``split`` if there are any; a
        store; or a pattern of files.
    changes
        Overrides by dotted key: ``{"training.max_epochs": 3}``. Paths in it are relative to the working directory;
        paths in the file are relative to the file.

    Returns
    -------
    Experiment
        Checked, with every default written out.

    Raises
    ------
    ParameterError
        If the file is missing, is not JSON, or has an unknown key or an invalid value; the message names file and key.
    """
    source, changes = url_of(source) or local_path(source), dict(changes or {})
    folder = changes.pop("data.folder", None)
    if isinstance(source, Path) and source.suffix == ".json":
        complete_replacement(source.parent)  # the experiment file may be that of a run
        content, where = _absolute_paths(_read_json(source), source.parent, folder), str(source)
    else:
        if folder is not None:
            raise ParameterError(
                f"expected an experiment file (.json) with the data folder, got {str(source)!r}; drop --data"
            )
        content, where = _for_data(source), ""  # what is wrong was typed: files of series have no keys
    if "preset" in changes:
        content.pop("model", None)
    if changes.get("data.labels") is not None and not str(source).endswith(".json"):
        # folders are classes only if nothing else names the labels
        content["data"]["names"] = without_labels(content["data"].get("names"))
    changed = content
    for key, value in changes.items():
        if key in PATHS:
            value = _resolved(value, Path())
        changed = _changed(changed, key.split("."), value, key)
    try:
        return check_experiment(changed)
    except ParameterError as error:
        of_file = where and _is_complaint_about(content, str(error))
        raise ParameterError(f"{where}: {error}" if of_file else str(error)) from None


def _is_complaint_about(content: Mapping[str, Any], message: str) -> bool:
    """Whether an experiment file has this mistake itself, rather than the changes that were typed beside it."""
    try:
        check_experiment(content)
    except ParameterError as error:
        return str(error) == message
    return False


def check_experiment(content: Mapping[str, Any], where: str = "") -> Experiment:
    """Check the content of an experiment file.

    Parameters
    ----------
    content
        As read from JSON; ``preset`` may replace ``model``.
    where
        Name of the file, for messages; "" if there is none.

    Returns
    -------
    Experiment
        With every default written out.

    Raises
    ------
    ParameterError
        If a key or value is invalid; the message names file, key, what was expected and what was given.

    Example
    -------
    >>> check_experiment({"data": {"sine": {}}, "preset": "lstm"}, "here").model.describe()
    'lstm (50), last, linear'
    """
    content = dict(content)
    try:
        _require_finite(content, "")
        if "preset" in content:
            if "model" in content:
                raise ParameterError('expected either "preset" or "model", got both; remove one')
            content["model"] = preset(str(content.pop("preset")))
        return Experiment.model_validate(content)
    except ValidationError as error:
        raise ParameterError(f"{where and f'{where}: '}{_complaint(error)}") from None
    except ParameterError as error:
        raise ParameterError(f"{where and f'{where}: '}{error}") from None


def _require_finite(value: Any, key: str) -> None:
    """Check that no number is infinite or NaN, which JSON does not have; ParameterError names the key of the first."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"expected {key} as a finite number, got {value!r}; write another number")
    inside = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        _require_finite(one, f"{key}.{name}" if key else str(name))


def _complaint(error: ValidationError) -> str:
    for one in error.errors(include_url=False):
        if one["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            *path, key = (str(step) for step in one["loc"])
            section = ".".join(path) or "an experiment"
            return f"{section} has no key {key!r}{_meant(key, path)}"
    return first_complaint(error)


def _meant(key: str, path: Sequence[str]) -> str:
    """Return a hint at the key that was meant: one of the same section, or of that name in another."""
    hint = nearest(key, _known_keys(path))
    sections = {name: _section_of(annotation) for name, annotation in _fields(Experiment).items()}
    others = [name for name, one in sections.items() if _has_keys(one) and key in _fields(one)]
    return hint if "did you mean" in hint or not others else f"; did you mean '{others[0]}.{key}'?"


def _has_keys(section: Any) -> bool:
    return dataclasses.is_dataclass(section) or hasattr(section, "model_fields")


def _known_keys(path: Sequence[str]) -> list[str]:
    here: Any = Experiment
    for step in path:
        here = _section_of(here if step.isdigit() else _fields(here)[step])
    names = list(_fields(here))
    return [*names, "preset"] if here is Experiment else names


def _fields(section: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(section):
        return {field.name: field.type for field in dataclasses.fields(section)}
    return {name: field.annotation for name, field in section.model_fields.items()}


def _section_of(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType, list):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation


def _read_json(file: Path) -> dict[str, Any]:
    try:
        text = re.sub(r"(?m)^[ \t]*//.*$", "", file.read_text(encoding="utf-8"))  # keeps the numbers of the lines
        content = json.loads(text, object_pairs_hook=_no_key_twice)
    except FileNotFoundError:
        siblings = [one.name for one in file.parent.glob("*.json")] if file.parent.is_dir() else []
        raise ParameterError(f"there is no experiment file at {str(file)!r}{nearest(file.name, siblings)}") from None
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"{file}, line {error.lineno}, column {error.colno}: expected JSON, got something else ({error.msg}); "
            "look for a missing comma or quote there"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{str(file)!r} cannot be read as text: {error}") from None
    except ParameterError as error:
        raise ParameterError(f"{file}: {error}") from None
    if not isinstance(content, dict):
        raise ParameterError(
            f'{file}: expected one JSON object such as {{"data": ...}}, got {str(content)[:40]!r}; a table of series '
            "is read from JSON lines (.jsonl), one object in each line"
        )
    return content


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise ParameterError(f"the key {key!r} occurs twice in one object; remove one of them")
        seen[key] = value
    return seen


def _resolved(path: Any, folder: Path) -> Any:
    """Resolve a path, each path of a list, or the table of each signal; return anything else unchanged."""
    if isinstance(path, list):
        return [_resolved(one, folder) for one in path]
    if isinstance(path, dict):
        return {**path, "table": _resolved(path["table"], folder)} if "table" in path else path
    if isinstance(path, str) and "\0" in path:
        raise ParameterError(f"expected the path of a file, got {path!r}, which has a zero byte; correct it")
    if not isinstance(path, str):
        return path
    place = folder / local_path(path)
    try:
        return url_of(path) or str(place.resolve())
    except UnicodeEncodeError:
        raise ParameterError(
            f"expected the path of a file, got {str(place)!r}, which has half of a surrogate pair; correct it"
        ) from None


def _absolute_paths(content: dict[str, Any], home: Path, stated: Any) -> dict[str, Any]:
    """Resolve paths. Data paths are relative to ``data.folder``, which the caller may override."""
    data = content.get("data")
    if isinstance(data, dict):
        own = data.get("folder")
        folder = Path(str(stated)) if stated is not None else home / own if isinstance(own, str) else home
        paths = {key: _resolved(data[key], folder) for key in FILES if data.get(key) is not None}
        content = {**content, "data": {**data, **paths, **({"folder": None} if "folder" in data else {})}}
    model = content.get("model")
    if isinstance(model, dict) and isinstance(context := model.get("context"), dict) and "text_encoder" in context:
        context = {**context, "text_encoder": _resolved(context["text_encoder"], home)}
        content = {**content, "model": {**model, "context": context}}
    if isinstance(content.get("output"), str):
        content = {**content, "output": str(home / content["output"])}
    return content


def _for_data(source: Path | str) -> dict[str, Any]:
    """Build the experiment of a folder, a file, a pattern of files, or a URL of one of these."""
    path = Path(source)
    content = folder_content(path) if path.is_dir() else content_at(source) if isinstance(source, str) else None
    names = None if content is None else content.names
    if content is not None:
        files: dict[str, Any] = {"series": content.series, **content.tables}
        name = path.resolve().name
    else:
        if isinstance(source, Path):
            require_known_type(source)
        files, name = {"series": source}, stem_of(path).strip("*?_-.") or "series"
    paths = {
        key: _resolved([*map(str, file)] if isinstance(file, list) else str(file), Path())
        for key, file in files.items()
    }
    return {"data": {**paths, **({} if names is None else {"names": names})}, "output": f"runs/{name}"}


def _changed(content: Any, path: Sequence[str], value: Any, key: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ParameterError(f"{key!r} cannot be set: {path[0]!r} would be inside {content!r}, which is not an object")
    if len(path) == 1:
        return {**content, path[0]: value}
    return {**content, path[0]: _changed(content.get(path[0], {}), path[1:], value, key)}
