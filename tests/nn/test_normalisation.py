import torch

from limelight.nn.normalisation import Standardisation


def test_values_are_standardised_by_training_statistics() -> None:
    layer = Standardisation(2)
    layer.set_statistics(torch.tensor([1.0, 10.0]), torch.tensor([2.0, 5.0]))
    out = layer(torch.tensor([[[3.0, 5.0]]]), torch.ones(1, 1, dtype=torch.bool))
    assert out.tolist() == [[[1.0, -1.0]]]


def test_constant_channel_becomes_zero_and_not_infinite() -> None:
    layer = Standardisation(1)
    layer.set_statistics(torch.tensor([5.0]), torch.tensor([0.0]))
    assert layer(torch.full((1, 3, 1), 5.0), torch.ones(1, 3, dtype=torch.bool)).abs().max() == 0


def test_channel_with_tiny_values_keeps_its_shape() -> None:
    layer = Standardisation(1)
    layer.set_statistics(torch.tensor([0.0]), torch.tensor([1e-9]))
    assert layer(torch.full((1, 1, 1), 1e-9), torch.ones(1, 1, dtype=torch.bool)).item() == 1.0


def test_padding_is_zero_after_scaling() -> None:
    layer = Standardisation(1)
    layer.set_statistics(torch.tensor([4.0]), torch.tensor([2.0]))
    out = layer(torch.tensor([[[6.0], [0.0]]]), torch.tensor([[True, False]]))
    assert out.flatten().tolist() == [1.0, 0.0]


def test_statistics_are_saved_with_the_weights() -> None:
    layer = Standardisation(1)
    layer.set_statistics(torch.tensor([4.0]), torch.tensor([2.0]))
    assert {name: value.item() for name, value in layer.state_dict().items()} == {"mean": 4.0, "scale": 2.0}
