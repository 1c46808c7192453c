"""``export``, ``serve`` and ``stream``: take a fitted model to where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from limelight.cli.options import Saved, echo, print_progress
from limelight.files import require_model_folder


def export(
    model: Saved,
    to: Annotated[
        Literal["onnx", "html"],
        typer.Option("--to", help="onnx: a file for Python and other languages; html: a page for browsers."),
    ] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("--output", "--out", "-o", help="Where to write; see above for the default.", show_default=False),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            help="For a page: the npm package onnxruntime-web, a folder or .tgz file; default: that of the "
            "installation.",
            show_default=False,
        ),
    ] = None,
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="Let rocket and blocks also compute the contribution of each step to the logits, in two to four times "
            "the time; a page then shows it instead of occlusion.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output file.")] = False,
) -> None:
    """Write a saved model as one file that predicts without torch.

    The output is an .onnx file, which Python reads with limelight.runtime.open_model, or an .html page, which
    classifies a CSV file in a browser without a server or a network; default: the name of the run and the format. A
    script with ONNX Runtime Web is written beside a page and belongs to it.

    For example: limelight export runs/first --to html --output pumps.html
    """
    require_model_folder(model)
    from limelight.runs.export import export_run

    file = output or Path(f"{model.resolve().name}.{to}")
    export_run(model, file, to=to, runtime=runtime, evidence=evidence, overwrite=overwrite)
    beside = ""
    if to == "html":
        from limelight.export.web_runtime import RUNTIME_FILE

        beside = f"; it needs {RUNTIME_FILE} beside it"
    echo(f"written to {file} ({file.stat().st_size // 1024} kB){beside}")


def serve(
    models: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, model folders or .onnx files; each is served under its name.", show_default=False
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all interfaces.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for a free one.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="LIMELIGHT_TOKEN",
            help="Token that clients must send; preferably in the environment variable.",
            show_default=False,
        ),
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, help="Maximum size of a body in bytes.")] = 16 << 20,
    max_series: Annotated[int, typer.Option(min=1, help="Maximum number of series per request.")] = 1_024,
    max_steps: Annotated[int, typer.Option(min=1, help="Maximum number of steps per request.")] = 1 << 20,
    max_waiting: Annotated[int, typer.Option(min=1, help="Maximum number of waiting requests per model.")] = 64,
    max_streams: Annotated[int, typer.Option(min=0, help="Maximum number of simultaneous WebSockets.")] = 64,
    timeout: Annotated[float, typer.Option(min=0.1, help="Maximum seconds for a body to arrive.")] = 30.0,
) -> None:
    """Serve one or several models over HTTP until stopped.

    POST series as JSON, CSV, Arrow or Parquet to /v1/models/NAME/predict; the answers are those of limelight predict.
    A WebSocket at /v1/models/NAME/stream answers step by step, as limelight stream does.
    A model that is replaced on disk is replaced in the server.

    For example: limelight serve runs/first --port 8000
    """
    for model in models:
        if model.suffix != ".onnx":
            require_model_folder(model)
    from limelight.runs.serve import serve_models
    from limelight.serving.limits import ServerLimits

    limits = ServerLimits(max_body, max_series, max_steps, timeout, max_waiting, max_streams)
    try:
        serve_models(models, host=host, port=port, token=token, limits=limits, log=echo)
    except KeyboardInterrupt as interrupt:
        interrupt.args = ("requests that had begun were answered",)
        raise


def stream(
    model: Annotated[Path, typer.Argument(help="A run folder, a model folder or an .onnx file.", show_default=False)],
    state: Annotated[
        Path | None,
        typer.Option(
            help="File of the state: read if it exists, written every 5 seconds and at the end, so that a restart goes "
            "on where this one ended.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Predict from this number of last steps; default: all steps if the network can carry its state, else "
            "as many as in training.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="With a window, number of steps between answers.", show_default=False)
    ] = None,
    only: Annotated[
        Literal["changes", "events"] | None,
        typer.Option(
            help="changes: omit answers that equal the previous one; events: omit all answers but events.",
            show_default=False,
        ),
    ] = None,
    early: Annotated[
        bool,
        typer.Option("--early", help="Answer each series once, as soon as the rule of limelight early allows it."),
    ] = False,
) -> None:
    """Predict series while they arrive: read steps from standard input, and write answers and events as JSON lines.

    Lines are CSV with a header named as in training, or JSON: {"id": "pump 7", "time": 0.5, "values": [1.5, 60.2]}.
    The id tells several series apart; id and time may be left out. {"id": "pump 7", "end": true} ends a series. With
    labels per step, events are reported when they begin and end, by the rule of the run. A line that does not fit is
    answered with an error, and the exit code is then 2.

    For example: tail -f pumps.csv | limelight stream runs/pumps --state pumps.state
    """
    if model.suffix != ".onnx":
        require_model_folder(model)
    import sys

    from limelight.runs.stream import drop_output, standard_input, stream_lines

    if sys.stdin.isatty():
        print_progress("reading lines from the terminal; Ctrl-D ends them")
    try:
        refused = stream_lines(
            model,
            lines=standard_input(),
            output=sys.stdout,
            state=state,
            window=window,
            every=every,
            only=only or "all",
            early=early,
            log=print_progress,
        )
    except BrokenPipeError:  # whoever read the answers has enough
        drop_output()
        return
    if refused:
        raise typer.Exit(2)
