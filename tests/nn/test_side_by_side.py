"""Concurrent directions of a recurrent layer give the same outputs as sequential ones."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from limelight.nn import side_by_side as module
from limelight.nn.side_by_side import in_halves, side_by_side

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}


@pytest.fixture(autouse=True)
def _two_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def pair_of_layers(kind: str) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    layers = [LAYERS[kind](3, 5, batch_first=True) for _ in range(2)]
    return *layers, torch.randn(4, 20, 3, requires_grad=True), torch.randn(4, 20, 3, requires_grad=True)


def gradients(outputs: tuple[Tensor, Tensor], sources: list[Tensor]) -> list[Tensor]:
    return list(torch.autograd.grad(outputs[0].square().sum() + outputs[1].sin().sum(), sources, retain_graph=True))


@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_and_gradients_equal_those_of_sequential_computation(kind: str) -> None:
    first, second, one, two = pair_of_layers(kind)
    sources = [one, two, *first.parameters(), *second.parameters()]
    together, apart = side_by_side(first, second, one, two), (first(one)[0], second(two)[0])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6)
    torch.testing.assert_close(gradients(together, sources), gradients(apart, sources), rtol=1e-5, atol=1e-6)


def test_one_thread_computes_sequentially_and_two_concurrently(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    both = module._run_both
    monkeypatch.setattr(module, "_run_both", lambda *work: calls.append(1) or both(*work))
    side_by_side(*pair_of_layers("lstm"))
    assert len(calls) == 1
    torch.set_num_threads(1)
    side_by_side(*pair_of_layers("lstm"))
    assert len(calls) == 1


def test_the_number_of_threads_is_restored_after_an_error() -> None:
    first, second, one, two = pair_of_layers("lstm")
    side_by_side(first, second, one, two)[0].sum().backward()
    assert torch.get_num_threads() == 2
    with pytest.raises(RuntimeError):
        side_by_side(first, second, one[:, :, :2], two[:, :, :2])
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_outputs_without_gradients_are_the_same(mode: type) -> None:
    first, second, one, two = pair_of_layers("lstm")
    with mode():
        together = side_by_side(first, second, one, two)
    assert not together[0].requires_grad
    torch.testing.assert_close(together, (first(one)[0], second(two)[0]), rtol=0, atol=1e-6)


def test_frozen_weights_and_inputs_get_no_gradients() -> None:
    first, second, one, two = pair_of_layers("lstm")
    second.requires_grad_(False)
    outputs = side_by_side(first, second, one.detach(), two)
    (outputs[0].sum() + outputs[1].sum()).backward()
    assert one.grad is None
    assert two.grad is not None
    assert all(weight.grad is not None for weight in first.parameters())
    assert all(weight.grad is None for weight in second.parameters())


def test_a_helper_thread_is_not_reused_after_a_fork() -> None:
    assert module._helper(1) is module._helper(1)
    assert module._helper(1) is not module._helper(2)


def test_an_error_in_either_direction_is_raised() -> None:
    first, second, one, two = pair_of_layers("lstm")
    wider = nn.LSTM(7, 5, batch_first=True)
    for pair in ((wider, second), (first, wider)):
        with pytest.raises(RuntimeError, match="input"):
            side_by_side(*pair, one, two)
    torch.testing.assert_close(side_by_side(first, second, one, two)[1], second(two)[0], rtol=0, atol=1e-6)


def test_training_is_reproducible_to_the_bit() -> None:
    first, second, one, two = pair_of_layers("lstm")
    sources = [one, two, *first.parameters(), *second.parameters()]
    runs = [gradients(side_by_side(first, second, one, two), sources) for _ in range(5)]
    assert all(torch.equal(mine, other) for run in runs for mine, other in zip(runs[0], run, strict=True))


def test_several_threads_may_compute_at_once() -> None:
    first, second, one, two = pair_of_layers("lstm")
    sources = [one, two, *first.parameters(), *second.parameters()]

    def compute(_: int) -> list[torch.Tensor]:
        torch.set_num_threads(2)
        return gradients(side_by_side(first, second, one, two), sources)

    wanted = compute(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(compute, range(40)):
            torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_it_works_with_processes_forked_after_use() -> None:
    first, second, one, two = pair_of_layers("lstm")
    side_by_side(first, second, one, two)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
        rows = DataLoader(range(8), batch_size=2, num_workers=2, multiprocessing_context="fork")
        for _ in rows:
            together = side_by_side(first, second, one, two)
    torch.testing.assert_close(together, (first(one)[0], second(two)[0]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("series", [1, 3, 4])
def test_halves_of_a_batch_match_the_whole_batch(kind: str, series: int) -> None:
    layer, _, values, _ = pair_of_layers(kind)
    sources = [values, *layer.parameters()]
    together, whole = in_halves(layer, values[:series]), layer(values[:series])[0]
    torch.testing.assert_close(together, whole, rtol=0, atol=1e-6)
    found, wanted = (torch.autograd.grad(outputs.square().sum(), sources) for outputs in (together, whole))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
