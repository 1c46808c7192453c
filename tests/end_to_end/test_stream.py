"""``limelight stream``: lines in, lines out, across restarts."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from limelight.errors import ModelFolderError, ParameterError
from limelight.export.onnx_file import export_model
from limelight.model.bundle import save_model
from limelight.runs.stream import stream_lines
from support.errors import message_of
from support.models import random_network_model

VALUES = np.random.default_rng(0).normal(size=(30, 2))
LINES = ["series_id,time,channel_0,channel_1\n"] + [
    f"pump,{step},{first},{second}\n" for step, (first, second) in enumerate(VALUES.tolist())
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("streamed")
    torch.manual_seed(0)
    for name, size in (("model", "a"), ("other", "b")):
        save_model(random_network_model("gru", "none", classes=("off", size), level="step"), folder / name)
    save_model(random_network_model("gru"), folder / "whole")
    export_model(random_network_model("gru", "none", level="step"), folder / "exported.onnx")
    return folder


def follow(model, lines, **options) -> tuple[list[dict], list[str], int]:
    output, log = io.StringIO(), []
    refused = stream_lines(model, lines=lines, output=output, log=log.append, **options)
    return [json.loads(line) for line in output.getvalue().splitlines()], log, refused


def test_a_restart_continues_from_the_saved_state(folder, tmp_path) -> None:
    whole, _, _ = follow(folder / "model", LINES)
    state = tmp_path / "pumps.state"
    first, log, _ = follow(folder / "model", LINES[:13], state=state)
    assert log == [f"12 steps answered, the state is in {state}"]
    rest, log, _ = follow(folder / "model", LINES, state=state)
    assert log == [
        f"continues 1 series from {state}",
        f"18 steps answered, 12 steps skipped that were answered before, the state is in {state}",
    ]
    assert first + rest == [one for one in whole if one.get("event") != "end" or one["end_step"] < 29]
    assert [one.name for one in tmp_path.iterdir()] == ["pumps.state"]


def test_an_invalid_line_has_an_error(folder) -> None:
    found, log, refused = follow(folder / "model", [*LINES[:3], "pump,2,1\n", "pump,3,x,1\n", *LINES[5:7]])
    assert [one for one in found if "error" in one] == [
        {"line": 4, "error": "expected 4 cells as in the header, got 3"},
        {"line": 5, "error": "expected numbers or null as values, got 'x'"},
    ]
    assert (log[-1], refused) == ("4 steps answered, 2 lines refused", 2)


def test_output_can_be_limited_to_changes_or_events(folder) -> None:
    found, _, _ = follow(folder / "model", LINES)
    predictions, events = ([one for one in found if key in one] for key in ("prediction", "event"))
    changes = [
        one
        for place, one in enumerate(predictions)
        if not place or one["prediction"] != predictions[place - 1]["prediction"]
    ]
    assert follow(folder / "model", LINES, only="events")[0] == events
    assert [one for one in follow(folder / "model", LINES, only="changes")[0] if "prediction" in one] == changes
    assert message_of(ParameterError, follow, folder / "whole", LINES, only="events") == (
        "expected a model with labels per step to find events, got one for whole series; drop --only events"
    )


def test_the_state_of_another_model_is_refused(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # messages shorten long paths
    state = Path("pumps.state")
    follow(folder / "model", LINES, state=state)
    kept = state.read_bytes()
    assert message_of(ModelFolderError, follow, folder / "other", LINES, state=state).startswith(
        "expected a state of version "
    )
    assert state.read_bytes() == kept
    state.write_bytes(b"{}")
    assert message_of(ModelFolderError, follow, folder / "model", LINES, state=state) == (
        f"expected the state of a stream in {str(state)!r}, got another file; choose another --state, or remove the file "
        "to begin anew"
    )


def test_an_interrupt_ends_with_one_line_and_keeps_the_state(folder, tmp_path) -> None:
    model, state = folder / "exported.onnx", tmp_path / "state"  # without torch, which takes seconds to import
    command = [sys.executable, "-m", "limelight", "stream", str(model), "--window", "9", "--state", str(state)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=os.environ) as process:
        process.stdin.writelines(LINES[:6])
        process.stdin.flush()
        while json.loads(process.stdout.readline()).get("steps") != 5:
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        *_, last = process.stderr
        assert last == f"limelight: interrupted; 5 steps answered, the state is in {state}\n"
    log = follow(model, LINES, window=9, state=state)[1]
    assert log[-1].startswith("25 steps answered, 5 steps skipped that were answered before")
