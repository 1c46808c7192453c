"""Fixtures of all tests; shapes are checked at run time, and the number of threads is limited."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch
from jaxtyping import install_import_hook

from support.browser import BROWSER, Browser
from support.commands import Commands
from support.seeds import seed_torch

hypothesis.settings.register_profile("limelight", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("limelight")

collect_ignore = ["outside"]  # importing its encoder registers it

WITH_SHAPES = [
    "limelight.nn",
    *(f"limelight.training.{name}" for name in ("closed_form", "logit_scale", "losses", "ridge")),
]
"""The modules whose signatures name shapes."""

install_import_hook(WITH_SHAPES, "beartype.beartype")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    seed_torch(0)


@pytest.fixture
def short_epochs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an epoch have any number of batches, not at least 30, unless the test is marked ``whole_epochs``."""
    if request.node.get_closest_marker("whole_epochs") is None:
        monkeypatch.setattr("limelight.training.gradient_descent.LEAST_BATCHES_OF_AN_EPOCH", 1)


@pytest.fixture
def limelight(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    monkeypatch.chdir(tmp_path)
    return Commands(monkeypatch, capsys)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if BROWSER is None:
        pytest.skip("no chromium or chrome on the PATH")
    one = Browser()
    yield one
    one.close()
