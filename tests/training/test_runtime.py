"""Denormal numbers are flushed to zero during training only."""

import pytest
import torch

from limelight.training.runtime import denormals_flushed


def tiny() -> float:
    return (torch.tensor(1e-30) * 1e-10).item()


@pytest.mark.parametrize("before", [True, False])
def test_denormals_are_flushed_inside_and_restored_after_an_error(before: bool) -> None:
    torch.set_flush_denormal(before)
    try:
        with pytest.raises(KeyError), denormals_flushed():
            assert tiny() == 0.0
            raise KeyError
        assert (tiny() == 0.0) == before
    finally:
        torch.set_flush_denormal(False)
