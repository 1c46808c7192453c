"""A short part of the campaign of arrays; ``make campaign`` runs all of it."""

import pytest

from campaigns import array_campaign

PARTS, SHARE = 3, 97


@pytest.mark.parametrize("part", range(PARTS))
def test_odd_types_succeed_or_are_refused_in_one_sentence(part: int) -> None:
    tally = array_campaign.run(every=SHARE, first=part * SHARE // PARTS)
    assert tally.faults == []
    assert tally.outcomes["fine"] > 2
    assert tally.outcomes["refused"] > 8


def test_a_fault_is_counted_as_one() -> None:
    tally = array_campaign.Tally("faults")
    tally.attempt("division", lambda: 1 / 0)
    tally.attempt("number", lambda: 1)
    assert tally.faults == ["division: ZeroDivisionError: 'division by zero'"]
    assert tally.to_json() == {
        "campaign": "faults", "tried": 2, "fine": 1, "refused": 0, "fault": 1, "first_faults": tally.faults,
    }  # fmt: skip
