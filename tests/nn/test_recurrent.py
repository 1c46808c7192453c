"""Initial weights of recurrent layers."""

import pytest
import torch

from limelight.nn.recurrent import RecurrentLayer

LAYERS = {
    "lstm": ("lstm", "tanh", True, 4),
    "lstm relu": ("lstm", "relu", True, 4),
    "gru": ("gru", "tanh", True, 3),
    "gru relu": ("gru", "relu", True, 3),
    "gru, reset before": ("gru", "tanh", False, 3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_gate_starts_as_in_keras(name: str) -> None:
    cell, activation, reset_after, gates = LAYERS[name]
    layer = RecurrentLayer(cell, 7, 32, True, activation, reset_after)
    parameters = dict(layer.named_parameters())
    assert len(parameters) == 8
    for key, weight in parameters.items():
        parts = weight.detach().chunk(gates)
        if "weight_hh" in key:
            for part in parts:
                torch.testing.assert_close(part @ part.T, torch.eye(32), atol=1e-5, rtol=0)
        elif "weight_ih" in key:
            limit = (6 / (7 + 32)) ** 0.5
            for part in parts:
                assert 0.9 * limit < float(part.abs().max()) <= limit
        else:
            forgets = gates == 4 and "ih" in key
            assert [part.unique().tolist() for part in parts] == [[float(forgets and k == 1)] for k in range(gates)]
