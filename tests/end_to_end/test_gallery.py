"""The examples of the gallery, run as the site runs them."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot

from limelight.parts.encoders.base import _REGISTERED

GALLERY = Path(__file__).parents[2] / "examples" / "gallery"
PRINTED = {
    "activity": "Panel(140 series, 120 steps, 6 channels, 7 classes) of 10 people",
    "clinical": "temperature  +",
    "custom_encoder": "'smoothing': expected memory below 1.0, got 2",
    "events_per_step": "2 of 2 events found",
    "heartbeats": "threshold 0.1: 97% of the abnormal beats found, 17% of the normal ones reported",
    "keras_lstm": "['model.json', 'weights.safetensors']",
    "long_recordings": "472 windows in training",
    "machine_faults": "at speed 3.0: worn with probability 0.",
    "serving": "422 expected numbers as values of series 0, got 'high'",
}
"""Something that each example prints."""


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], str]]:
    """A function that runs an example in its folder and returns what it printed."""
    registered = dict(_REGISTERED)
    monkeypatch.chdir(GALLERY)
    monkeypatch.syspath_prepend(GALLERY)

    def run(name: str) -> str:
        runpy.run_path(f"{name}.py", run_name="__main__")
        return capsys.readouterr().out

    yield run
    pyplot.close("all")
    _REGISTERED.clear()
    _REGISTERED.update(registered)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PRINTED))
def test_example_runs(name: str, example: Callable[[str], str]) -> None:
    assert PRINTED[name] in example(name)


def test_every_example_is_run() -> None:
    assert {file.stem for file in GALLERY.glob("[!_]*.py") if not file.stem.startswith("outside_")} == set(PRINTED)
