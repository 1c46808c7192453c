"""The page at ``/``: drop files, look at the answers, correct labels. Everything it needs is part of it."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from limelight.serving.dropped_files import read_files
from limelight.serving.json_body import SeriesRequest
from limelight.serving.limits import ServerLimits
from limelight.serving.page_words import advice_for_page
from limelight.serving.pictured import picture_series
from limelight.serving.registry import ModelRegistry
from limelight.serving.requests import answer_series, error_content, methods_of_served, read_body, to_json
from limelight.web.assets import fill_page

SCRIPTS_OF_PAGE = ("theme.js", "csv.js", "chart.js", "answers.js", "serve.js")
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_page(app: FastAPI, registry: ModelRegistry, limits: ServerLimits) -> None:
    """Add the page and the address of its files to an application.

    Parameters
    ----------
    app, registry, limits
        As for ``build_app``.
    """

    @app.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        """Return the page."""
        text, digest = _page()
        headers = {"Content-Security-Policy": POLICY.format(digest=digest), "Referrer-Policy": "no-referrer"}
        return HTMLResponse(text, headers=headers)

    @app.post("/v1/models/{name}/files", include_in_schema=False)
    async def predict_files(name: str, request: Request) -> Response:
        """Predict the series in dropped files, with what the page draws."""
        served = registry[name]
        body = await read_body(request.stream(), limits)
        try:
            panel = await asyncio.to_thread(read_files, body, served.model, served.reading, limits)
            methods = [] if served.model.task.by_step else methods_of_served(served)
            query = SeriesRequest(panel, methods[0] if methods else None, by_channel=True)
            answer: dict[str, Any] = await answer_series(served, registry.passes[name], query)
            architecture = getattr(served.model, "architecture", None)  # an exported model has none
            resolution = 1 if architecture is None else architecture.encoder.resolution
            answer["series"] = picture_series(panel, served.model.task, answer["predictions"], resolution)
            answer["channels"] = list(panel.channels)
            answer["notes"] = [advice_for_page(note) for note in answer["notes"]]
            answer["are_windows"] = panel.origin is not None
        except Exception as error:
            status, content, headers = error_content(error)
            if status == 500:
                raise
            return Response(to_json(content), status, dict(headers), media_type="application/json")
        registry.metrics.count("limelight_series_total", len(answer["predictions"]), model=name)
        return Response(to_json(answer), media_type="application/json")


@cache
def _page() -> tuple[str, str]:
    """Return the page and the digest of its script."""
    return fill_page("serve.html", ("base.css", "answers.css"), SCRIPTS_OF_PAGE)
