"""From a request to its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np

from limelight.errors import InputError, ParameterError, listing
from limelight.model.prediction import Prediction
from limelight.model.reading import cut_as_trained
from limelight.serving.answers import describe_prediction, without_nan
from limelight.serving.json_body import SeriesRequest, read_json_body
from limelight.serving.limits import RequestError, ServerLimits
from limelight.serving.passes import Passes
from limelight.serving.registry import ServedModel
from limelight.serving.table_body import TABLE_TYPES, read_table_body

JSON_TYPE = "application/json"
SMALL_BODY = 1 << 16
"""Bytes that are read without a thread of their own."""
OWN_METHODS = ("evidence", "attention")
"""Explanations that a model has itself, and that cost no more than a few predictions."""


async def read_body(stream: AsyncIterator[bytes], limits: ServerLimits) -> bytes:
    """Read a body as it arrives.

    Parameters
    ----------
    stream
        Yields the pieces of the body.
    limits
        Its largest size, and the longest time that it may take.

    Returns
    -------
    bytes
        The whole body.

    Raises
    ------
    RequestError
        413 if it is too large, 408 if it takes too long, 400 if it is empty.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in stream:
                body += piece
                if len(body) > limits.body_bytes:
                    raise RequestError(
                        413,
                        f"expected a body of at most {limits.body_bytes:,} bytes, got more; send several requests",
                        {"Connection": "close"},
                    )
    except TimeoutError:
        raise RequestError(
            408, f"expected the whole body within {limits.body_seconds:g} s, got a part of it", {"Connection": "close"}
        ) from None
    if not body:
        raise RequestError(400, "expected a body with series, got an empty one")
    return bytes(body)


async def answer_request(
    served: ServedModel, passes: Passes, content_type: str, body: bytes, limits: ServerLimits
) -> dict[str, Any]:
    """Predict the series of a request.

    Parameters
    ----------
    served
        The model.
    passes
        Its passes.
    content_type
        The type of the body: JSON, CSV, Arrow or Parquet.
    body
        The body.
    limits
        Of the request.

    Returns
    -------
    dict
        The answer as JSON types.

    Raises
    ------
    RequestError
        If the body cannot be read or exceeds a limit.
    InputError
        If its series do not fit the model.
    """
    kind = content_type.partition(";")[0].strip().lower() or JSON_TYPE
    if kind != JSON_TYPE and kind not in TABLE_TYPES:
        raise RequestError(
            415,
            f"expected content of type {listing([JSON_TYPE, *TABLE_TYPES], 10)}, got {kind[:100]!r}; state the type in "
            "the header Content-Type, as in curl -H 'Content-Type: text/csv' --data-binary @new.csv",
        )
    small = len(body) <= SMALL_BODY and kind == JSON_TYPE
    query = _read(served, kind, body, limits) if small else await asyncio.to_thread(_read, served, kind, body, limits)
    methods = methods_of_served(served)
    if query.explain is not None and query.explain not in methods:
        known = f"one of {listing(methods)}" if methods else "no explanation, as the model has none of its own,"
        raise ParameterError(f"expected {known} for explain, got {query.explain[:100]!r}")
    return await answer_series(served, passes, query)


async def answer_series(served: ServedModel, passes: Passes, query: SeriesRequest) -> dict[str, Any]:
    """Predict series that were read; returns and errors as for ``answer_request``."""
    panel = query.panel
    prediction = await passes.predict(served.model, panel, attention=query.explain == "attention")
    outside = served.model.check(panel)
    explanations = None
    if query.explain == "evidence":
        loop = asyncio.get_running_loop()
        explanations = await loop.run_in_executor(passes.executor, _evidence, served, query)
    return {
        "model": served.name,
        "version": served.version,
        "predictions": describe_prediction(
            prediction,
            abstains=_abstains(served, prediction),
            outside=None if outside is None else outside.reasons,
            explanations=explanations,
        ),
        "warnings": [] if outside is None else outside.lines(),
        "notes": [*panel.notes, *served.model.notes_about(panel)],
    }


def methods_of_served(served: ServedModel) -> list[str]:
    """List the explanations that a served model has itself: of ``"evidence"`` and ``"attention"``."""
    model: Any = served.model
    if hasattr(model, "has_evidence"):
        return [name for name in OWN_METHODS if getattr(model, f"has_{name}")]
    return [name for name in OWN_METHODS if name in model.session.outputs]


def _abstains(served: ServedModel, prediction: Prediction) -> Sequence[bool] | None:
    """Return for which series the model does not answer, by the rule that it was trained with; None without one."""
    rule = served.model.decision.provenance.get("abstain")
    if rule is None:
        return None
    from limelight.evaluation.decision.abstention import Abstention

    return [bool(one) for one in Abstention.from_json(rule).abstains(prediction)]


def _read(served: ServedModel, kind: str, body: bytes, limits: ServerLimits) -> SeriesRequest:
    if kind != JSON_TYPE:
        return SeriesRequest(read_table_body(body, TABLE_TYPES[kind], served.model, served.reading, limits))
    query = read_json_body(body, served.model.channels, limits)
    return query._replace(panel=cut_as_trained(query.panel, served.reading.get("windows")))


def _evidence(served: ServedModel, query: SeriesRequest) -> Sequence[Mapping[str, Any]]:
    """Return what each step adds to the logit of the target, for each series."""
    model: Any = served.model
    panel = query.panel
    if not hasattr(model, "network"):
        steps, base = model.evidence(panel)
        names = _names_of_outputs(served)
        return [
            {
                "evidence": {name: without_nan(own[place]) for place, name in enumerate(names)},
                "base": dict(zip(names, start.tolist(), strict=True)),
            }
            for own, start in zip(steps, base, strict=True)
        ]
    from limelight.explanation.methods.evidence import explain_evidence  # needs torch, which an exported model does not

    found = explain_evidence(model, panel, query.target)
    names = np.asarray(found.target).tolist()
    base = np.zeros(len(panel)) if found.base is None else found.base
    channels = found.channels if query.by_channel else None
    return [
        {
            "evidence": {str(name): without_nan(own)},
            "base": {str(name): float(start)},
            **({} if channels is None else {"evidence_by_channel": without_nan(channels[row])}),
        }
        for row, (own, name, start) in enumerate(zip(found.importance, names, base, strict=True))
    ]


def _names_of_outputs(served: ServedModel) -> list[str]:
    """Return the class that each logit speaks for: the second of two."""
    classes = [str(name) for name in served.model.task.classes]
    return classes[-1:] if served.model.task.kind == "binary" else classes


def error_content(error: Exception) -> tuple[int, dict[str, str], Mapping[str, str]]:
    """Return the status, the content and further headers of the answer to a request that failed."""
    if isinstance(error, RequestError):
        return error.status, {"error": error.message}, error.headers
    if isinstance(error, InputError):
        return 422, {"error": str(error)[:2_000]}, {}
    return 500, {"error": "this is our fault, not yours; the log of the server has the details"}, {}


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return content as JSON, which has no NaN."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
