"""Series in a JSON body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limelight.data.annotations import StepSignals
from limelight.data.panel import Panel
from limelight.data.reading.sources import Source
from limelight.data.reading.times import read_clock
from limelight.errors import listing
from limelight.serving.limits import RequestError, ServerLimits, require_size

KEYS, SERIES_KEYS = ("series", "channels", "explain", "target"), ("values", "id", "times", "metadata", "signals")
LONGEST_NAME = 200
LARGEST_VALUE = float(np.finfo(np.float32).max)


class SeriesRequest(NamedTuple):
    """What a client asks for.

    Parameters
    ----------
    panel
        The series.
    explain
        The method of an explanation, or None.
    target
        The class to explain; None is the predicted one.
    by_channel
        Whether evidence is also split by channel.
    """

    panel: Panel
    explain: str | None = None
    target: Any = None
    by_channel: bool = False


def read_json_body(body: bytes, channels: Sequence[str], limits: ServerLimits) -> SeriesRequest:
    """Read a request from JSON.

    Parameters
    ----------
    body
        ``{"series": [{"values": [...], "id": ..., "times": [...], "metadata": {...}, "signals": {...}}]}``, where
        values are one number for each step, or a list with one number for each channel; null and NaN are missing.
        Optional keys beside ``series`` are ``channels`` (their names), ``explain`` and ``target``.
    channels
        The channels of the model, in the order of the values unless the request names its own.
    limits
        Of the request.

    Returns
    -------
    SeriesRequest
        The request.

    Raises
    ------
    RequestError
        400 if the body is no JSON, 413 if it has too many series or steps, 422 if it has other content.
    """
    content = _parsed(body)
    if not isinstance(content, dict) or not isinstance(content.get("series"), list) or not content["series"]:
        raise RequestError(
            422, 'expected a JSON object with a list of series, such as {"series": [{"values": [1, 2]}]}'
        )
    _require_keys(content, KEYS, "the request")
    series = [one if isinstance(one, dict) else {"values": one} for one in content["series"]]
    require_size(len(series), 0, limits)
    arrays = [_values(one, place) for place, one in enumerate(series)]
    require_size(len(arrays), sum(len(array) for array in arrays), limits)
    names = _names(content.get("channels"), channels, arrays[0].shape[1])
    panel = Panel.from_series(
        arrays,
        ids=[_id(one, place) for place, one in enumerate(series)],
        channels=names,
        times=_times(series, [len(array) for array in arrays]),
        metadata=_metadata(series),
        signals=_signals(series, [len(array) for array in arrays]),
    )
    explain = content.get("explain")
    if explain is not None and not isinstance(explain, str):
        raise RequestError(422, f"expected the name of a method for explain, got {_short(explain)}")
    return SeriesRequest(panel, explain, content.get("target"))


def _parsed(body: bytes) -> Any:
    def constant(name: str) -> float:
        if name == "NaN":
            return float("nan")
        raise ValueError(f"{name} is not a number")

    try:
        content = json.loads(body, parse_constant=constant)
        if b"\\ud" in body.lower():  # half a character, which no answer could repeat
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except RecursionError:
        raise RequestError(400, "expected a JSON object, got one that is nested too deeply") from None
    except ValueError as error:
        raise RequestError(400, f"expected a JSON object, got a body that is not JSON: {str(error)[:200]}") from None


def _require_keys(content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in content:
        if key not in known:
            raise RequestError(422, f"expected only {listing(known, 10)} in {where}, got {key[:LONGEST_NAME]!r}")


def _values(one: Mapping[str, Any], place: int) -> NDArray[np.float64]:
    """Return the values of one series, shape (time, channels)."""
    _require_keys(one, SERIES_KEYS, f"series {place}")
    given = one.get("values")
    try:
        array = np.array(given if isinstance(given, list) else None)
    except ValueError:
        raise RequestError(
            422, f"expected as many numbers in every step of series {place}, got different numbers of them"
        ) from None
    if array.ndim not in (1, 2) or not array.size:
        raise RequestError(
            422,
            f"expected a list of numbers, or of lists of one number for each channel, as values of series {place}, got "
            f"{_short(given)}",
        )
    if array.dtype.kind == "O":
        array = _with_missing(array, place)
    if array.dtype.kind not in "iuf":
        raise RequestError(422, f"expected numbers as values of series {place}, got {_short(_first_other(given))}")
    numbers = array.astype(np.float64)
    if (np.abs(numbers) > LARGEST_VALUE).any():
        raise RequestError(
            422, f"expected numbers of at most {LARGEST_VALUE:.1e} as values of series {place}, got a larger one"
        )
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _first_other(given: Any) -> Any:
    """Return the first value that is neither a number nor null, of a list or of a list of lists."""
    steps = [value for one in given for value in (one if isinstance(one, list) else [one])]
    return next((one for one in steps if isinstance(one, bool) or not isinstance(one, int | float | None)), steps[0])


def _with_missing(array: NDArray[Any], place: int) -> NDArray[np.float64]:
    """Convert objects to numbers, of which None is missing."""
    flat = np.full(array.size, np.nan)
    for number, cell in enumerate(array.reshape(-1).tolist()):
        if cell is None:
            continue
        if isinstance(cell, bool) or not isinstance(cell, (int, float)):
            raise RequestError(422, f"expected numbers or null as values of series {place}, got {_short(cell)}")
        try:
            flat[number] = float(cell)
        except OverflowError:
            raise RequestError(
                422, f"expected numbers below 1e308 as values of series {place}, got a larger one"
            ) from None
    return flat.reshape(array.shape)


def _names(given: Any, channels: Sequence[str], width: int) -> list[str]:
    """Return the names of the channels of the request."""
    if given is None:
        return list(channels) if width == len(channels) else [f"channel_{number}" for number in range(width)]
    if not isinstance(given, list) or len(given) != width or not all(isinstance(name, str) for name in given):
        raise RequestError(422, f"expected a name for each of the {width} channels, got {_short(given)}")
    return given


def _id(one: Mapping[str, Any], place: int) -> str:
    name = one.get("id", place)
    if isinstance(name, bool) or not isinstance(name, (str, int)) or len(str(name)) > LONGEST_NAME:
        raise RequestError(
            422, f"expected text of at most {LONGEST_NAME} characters as id of series {place}, got {_short(name)}"
        )
    return str(name)


def _times(series: Sequence[Mapping[str, Any]], lengths: Sequence[int]) -> list[NDArray[Any]] | None:
    """Return the times of each series, numbers or dates; None if no series has times."""
    given = [one.get("times") for one in series]
    if all(one is None for one in given):
        return None
    for place, (times, length) in enumerate(zip(given, lengths, strict=True)):
        if not isinstance(times, list) or len(times) != length:
            got = "none" if times is None else str(len(times)) if isinstance(times, list) else _short(times)
            raise RequestError(422, f"expected a time for each of the {length} steps of series {place}, got {got}")
    column = _column([time for times in given for time in times or ()], "times")
    clock = read_clock(Source(pa.table({"times": column}), "the request"), "times").times
    return np.split(clock, np.cumsum(lengths)[:-1])


def _metadata(series: Sequence[Mapping[str, Any]]) -> pa.Table | None:
    """Return the metadata of all series as a table; None if no series has some."""
    rows = [one.get("metadata") or {} for one in series]
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(422, f"expected an object with a value for each field as metadata of series {place}")
        for name, value in row.items():
            if value is not None and not isinstance(value, (str, int, float, bool)):
                raise RequestError(
                    422, f"expected text or a number as metadata {name[:LONGEST_NAME]!r}, got {_short(value)}"
                )
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column([row.get(name) for row in rows], name) for name in names}) if names else None


def _signals(series: Sequence[Mapping[str, Any]], lengths: Sequence[int]) -> StepSignals | None:
    """Return the side signals of all steps; None if no series has some."""
    given = [one.get("signals") or {} for one in series]
    names = list(dict.fromkeys(name for one in given if isinstance(one, dict) for name in one))
    codes, classes = np.full((sum(lengths), len(names)), -1, dtype=np.int16), []
    for column, name in enumerate(names):
        words: list[Any] = []
        for place, (one, length) in enumerate(zip(given, lengths, strict=True)):
            own = one.get(name, [None] * length) if isinstance(one, dict) else None
            if not isinstance(own, list) or len(own) != length or not all(isinstance(w, str | None) for w in own):
                raise RequestError(
                    422, f"expected a word or null for each of the {length} steps of series {place} in {name!r}"
                )
            words += own
        known = sorted({word for word in words if word})
        place_of = {word: code for code, word in enumerate(known)}
        codes[:, column] = [place_of.get(word, -1) for word in words]
        classes.append(tuple(known))
    return StepSignals(codes, tuple(names), tuple(classes)) if names else None


def _column(cells: list[Any], name: str) -> Any:
    """Return cells of one type as a column; cells of several types become text."""
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        words = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]
        if any(isinstance(cell, (list, dict)) for cell in cells):
            raise RequestError(422, f"expected text or numbers as {name}, got {_short(cells[0])}") from None
        return pa.array(words, pa.string())


def _short(value: Any) -> str:
    """Return the beginning of a value, so that an error never returns the whole request."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
