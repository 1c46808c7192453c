"""A short part of the campaign of random inputs; ``make campaign`` runs all of it."""

import pytest

from campaigns import input_campaign
from limelight.data.panel import Panel

FEW = 20


@pytest.mark.parametrize("name", input_campaign.CAMPAIGNS)
def test_random_inputs_succeed_or_are_refused_in_one_sentence(name: str) -> None:
    tally = input_campaign.run(name, FEW)
    assert tally.faults == []
    assert tally.tried >= FEW


def test_a_panel_that_changes_when_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = Panel.from_series([[2.0]], ids=["a"], channels=["x"])
    monkeypatch.setattr("limelight.read_table", lambda *_, **__: changed)
    with pytest.raises(AssertionError):
        input_campaign.written_again(Panel.from_series([[1.0]], ids=["a"], channels=["x"]))


def test_a_campaign_of_no_inputs_tries_nothing() -> None:
    assert input_campaign.run("CSV tables", 0).tried == 0
