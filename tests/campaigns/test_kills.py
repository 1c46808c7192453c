"""A short part of the campaign of killed commands; ``make campaign`` runs all of it."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

if not hasattr(os, "fork"):
    pytest.skip("killing a command needs fork", allow_module_level=True)

from campaigns.kill_campaign import LIMIT, Workshop

accesses, seeds = st.integers(1, LIMIT), st.integers(0, 9)


class KilledCommands(RuleBasedStateMachine):
    """Any commands in any order, each of which may be killed at any access to a file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shop = Workshop(self.folder)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(command=st.sampled_from(["train", "resume", "predict", "pack"]), access=accesses, seed=seeds)
    def killed(self, command: str, access: int, seed: int) -> None:
        self.shop.do(command, seed, access)

    @rule(command=st.sampled_from(["train", "predict", "pack"]), seed=seeds)
    def finished(self, command: str, seed: int) -> None:
        assert not self.shop.do(command, seed, 10**6)

    @rule(command=st.sampled_from(["tune", "resume tuning"]), access=accesses)
    def tuned(self, command: str, access: int) -> None:
        self.shop.do(command, 1, access)


@pytest.mark.slow
def test_a_finished_result_is_complete_after_any_kill() -> None:
    few = settings(
        max_examples=2,
        stateful_step_count=4,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(KilledCommands, settings=few)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    assert not shop.do("train", 0, 10**6)
    return shop


def test_a_lost_file_of_a_finished_run_is_found(shop: Workshop) -> None:
    (shop.run / "predictions.parquet").unlink()
    with pytest.raises((AssertionError, FileNotFoundError)):
        shop.check("run", finished=False)


def test_a_run_mixed_from_two_is_found(shop: Workshop) -> None:
    file = shop.run / "experiment.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 7'))
    with pytest.raises(AssertionError, match="^the model is of another run"):
        shop.check("run", finished=False)


def test_a_change_of_another_result_is_found(shop: Workshop) -> None:
    (shop.run / "metrics.json").write_text("{}")
    with pytest.raises(AssertionError, match="^run was changed by a command about store"):
        shop.check("store", finished=False)
