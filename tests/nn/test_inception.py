"""Batch normalisation over real steps, and the encoder built on it."""

import pytest
import torch

from limelight.nn.inception import InceptionEncoder, ParallelKernels
from limelight.nn.normalisation import MaskedBatchNorm

FEATURES = torch.randn(4, 3, 10, generator=torch.Generator().manual_seed(0)) * 5 + 2
LENGTHS = torch.tensor([10, 7, 1, 4])
MASK = torch.arange(10) < LENGTHS[:, None]


@pytest.mark.parametrize("affine", [True, False])
def test_statistics_of_masked_steps_equal_those_of_torch(affine: bool) -> None:
    ours, reference = MaskedBatchNorm(3, affine), torch.nn.BatchNorm1d(3, affine=affine)
    real = FEATURES.transpose(1, 2)[MASK]
    normalised = ours(FEATURES, MASK).transpose(1, 2)
    torch.testing.assert_close(normalised[MASK], reference(real), atol=1e-5, rtol=1e-5)
    assert (normalised[~MASK] == 0).all()
    torch.testing.assert_close(ours.mean, reference.running_mean)
    torch.testing.assert_close(ours.variance, reference.running_var)


def test_full_batches_are_normalised_like_masked_ones() -> None:
    everything = torch.ones(4, 10, dtype=torch.bool)
    full, masked = MaskedBatchNorm(3), MaskedBatchNorm(3)
    padded = torch.nn.functional.pad(FEATURES, (0, 2), value=99.0)
    mask = torch.nn.functional.pad(everything, (0, 2))
    torch.testing.assert_close(masked(padded, mask)[:, :, :10], full(FEATURES, everything))
    torch.testing.assert_close(masked.variance, full.variance)


def test_a_single_step_changes_no_running_statistic() -> None:
    layer = MaskedBatchNorm(3)
    output = layer(FEATURES[:1, :, :1], torch.ones(1, 1, dtype=torch.bool))
    assert output.isfinite().all()
    assert torch.equal(layer.mean, torch.zeros(3))


def test_padding_in_training_changes_no_statistic() -> None:
    torch.manual_seed(0)
    sizes = {"filters": 6, "depth": 2, "kernel_sizes": [3, 5], "block_kernel_size": 3, "stride": 2, "dropout": 0.0}
    encoder = InceptionEncoder(3, **sizes).train()
    values = FEATURES.transpose(1, 2)
    expected, mask = encoder(values, MASK)
    statistics = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    for name, buffer in encoder.named_buffers():
        buffer.fill_(1.0 if name.endswith("variance") else 0.0)
    padded = torch.nn.functional.pad(values, (0, 0, 0, 6), value=50.0)
    features, wide_mask = encoder(padded, torch.nn.functional.pad(MASK, (0, 6)))
    torch.testing.assert_close(features[wide_mask], expected[mask])
    for name, buffer in encoder.named_buffers():
        torch.testing.assert_close(buffer, statistics[name])


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("taps", [1, 2, 3, 9])
def test_a_kernel_is_centred_on_the_steps_of_its_cell(taps: int, stride: int) -> None:
    layer = ParallelKernels(1, 1, [taps], stride)
    layer.kernels[0].weight.data.fill_(1.0)
    places = torch.arange(100.0)[None, None]
    size = taps * stride
    before = (size - stride) // 2
    cell = 50 // stride
    first = cell * stride - before
    assert layer(places).shape[2] == -(-100 // stride)
    assert layer(places)[0, 0, cell].item() == pytest.approx(sum(range(first, first + size)))


def test_filters_are_shared_in_multiples_of_sixteen() -> None:
    layer = ParallelKernels(1, 64, [3, 5, 9], stride=1)
    assert [kernel.out_channels for kernel in layer.kernels] == [32, 16, 16]
