"""Metadata as one vector and side signals per step: unknown values, scaling, padding and metadata dropout."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from limelight.errors import InternalError
from limelight.nn.batch import Batch
from limelight.nn.context import ContextEncoder, ContextShape, SignalEncoder
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import ContextEncoding

SHAPE = ContextShape(categories=(4, 3), numbers=(True, False), texts=1, buckets=8, signals=(5,))
NAN = torch.nan


def encoder_of(shape: ContextShape = SHAPE, **parameters: Any) -> ContextEncoder:
    torch.manual_seed(0)
    return ContextEncoder(ContextEncoding(**parameters), shape).eval()


def blank_batch(series: int = 1, time: int = 3, **metadata: Any) -> Batch:
    tensors = {name: torch.tensor(value) for name, value in metadata.items()}
    return Batch(torch.zeros(series, time, 1), torch.ones(series, time, dtype=torch.bool), **tensors)


FULL = blank_batch(categories=[[2, 1]], numbers=[[5.0, 7.0]], tokens=[[[3, 4, 0]]], signals=[[[1], [4], [0]]])


def test_a_context_shape_survives_json() -> None:
    assert ContextShape.from_json(SHAPE.to_json()) == SHAPE
    assert SHAPE.to_json() == {
        "categories": [4, 3],
        "numbers": [True, False],
        "texts": 1,
        "buckets": 8,
        "signals": [5],
        "vector_size": 0,
    }


@pytest.mark.parametrize(
    ("shape", "has_metadata"),
    [
        (ContextShape(), False),
        (ContextShape(signals=(3,)), False),
        (ContextShape(categories=(3,)), True),
        (ContextShape(numbers=(False,)), True),
        (ContextShape(texts=1), True),
    ],
)
def test_side_signals_are_not_metadata_of_the_series(shape: ContextShape, has_metadata: bool) -> None:
    assert shape.has_metadata == has_metadata


@pytest.mark.parametrize(
    "sizes",
    [
        {"categories": (0,)},
        {"categories": (3, -1)},
        {"signals": (0,)},
        {"texts": -1},
        {"buckets": 0},
        {"vector_size": -1},
    ],
)
def test_impossible_shape_is_an_internal_error(sizes: dict[str, Any]) -> None:
    with pytest.raises(InternalError, match=r"^invalid context shape: ContextShape\("):
        ContextShape(**sizes)


def test_context_concatenates_categories_numbers_missing_indicators_and_texts() -> None:
    encoder = encoder_of(embedding_size=2, text_size=3)
    encoder.set_statistics(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 3.0]))
    out = encoder(FULL)[0]
    first, second = (embedding.weight for embedding in encoder.embeddings)
    expected = [first[2], second[1], torch.tensor([2.0, 2.0, 0.0]), encoder.words.weight[[3, 4]].mean(dim=0)]
    torch.testing.assert_close(out, torch.cat(expected))
    assert encoder.width == len(out) == 2 + 2 + 3 + 3


@pytest.mark.parametrize(("codes", "size"), [(1, 2), (2, 3), (4, 4), (11, 7), (101, 22), (1001, 32), (10**6, 32)])
def test_embeddings_grow_with_the_number_of_categories_up_to_32(codes: int, size: int) -> None:
    assert ContextEncoding().size_for(codes) == size


def test_a_missing_number_is_the_training_mean_with_an_indicator() -> None:
    encoder = encoder_of(ContextShape(numbers=(True, False)))
    encoder.set_statistics(torch.tensor([10.0, 20.0]), torch.tensor([2.0, 4.0]))
    assert encoder(blank_batch(2, numbers=[[14.0, NAN], [NAN, 12.0]])).tolist() == [[2, 0, 0], [0, -2, 1]]


def test_constant_training_number_is_centred_but_not_scaled() -> None:
    encoder = encoder_of(ContextShape(numbers=(False,)))
    encoder.set_statistics(torch.tensor([10.0]), torch.tensor([0.0]))
    assert encoder(blank_batch(2, numbers=[[10.0], [11.0]])).tolist() == [[0.0], [1.0]]


def test_statistics_are_saved_with_the_weights() -> None:
    encoder = encoder_of(ContextShape(numbers=(False,)))
    encoder.set_statistics(torch.tensor([10.0]), torch.tensor([2.0]))
    assert {name: value.item() for name, value in encoder.state_dict().items()} == {
        "scaling.mean": 10.0,
        "scaling.scale": 2.0,
    }


def test_one_layer_reads_all_numbers_and_missing_indicators() -> None:
    encoder = encoder_of(ContextShape(numbers=(True, False, True)), number_size=7)
    assert tuple(encoder.dense.weight.shape) == (7, 5)
    numbers = torch.tensor([[1.0, 2.0, NAN]])
    expected = encoder.dense(torch.tensor([[1.0, 2.0, 0.0, 0.0, 1.0]]))
    torch.testing.assert_close(encoder(replace(blank_batch(), numbers=numbers)), expected)


def test_text_is_the_mean_of_its_words_without_padding() -> None:
    encoder = encoder_of(ContextShape(texts=1, buckets=8))
    short, long = (encoder(blank_batch(tokens=tokens)) for tokens in ([[[3, 4]]], [[[3, 0, 4, 0, 0]]]))
    torch.testing.assert_close(short, long)


def test_text_without_words_is_zeros() -> None:
    encoder = encoder_of(ContextShape(texts=2, buckets=8), text_size=3)
    assert encoder(blank_batch(tokens=[[[0, 0], [5, 0]]]))[0, :3].tolist() == [0, 0, 0]
    no_words = replace(blank_batch(), tokens=torch.zeros(1, 2, 0, dtype=torch.int64))
    assert encoder(no_words).tolist() == [[0] * 6]


def test_a_text_vector_is_scaled_and_projected_for_its_field() -> None:
    encoder = encoder_of(ContextShape(numbers=(False,), texts=2, vector_size=3), text_size=4)
    mean, deviation = torch.tensor([[1.0, 2.0, 3.0]] * 2), torch.tensor([[2.0, 2.0, 0.5]] * 2)
    encoder.vectors.set_statistics(mean, deviation)
    out = encoder(blank_batch(numbers=[[7.0]], vectors=[[[3.0, 2.0, 4.0], [1.0, 0.0, 3.0]]]))[0]
    first, second = encoder.vectors.layers
    expected = [torch.tensor([7.0]), first(torch.tensor([1.0, 0.0, 2.0])), second(torch.tensor([0.0, -1.0, 0.0]))]
    torch.testing.assert_close(out, torch.cat(expected))
    assert encoder.width == len(out) == 1 + 2 * 4


def test_the_unknown_text_vector_starts_as_zeros_and_learns() -> None:
    encoder = encoder_of(ContextShape(texts=2, vector_size=3), text_size=4, dropout=0.0)
    out = encoder(blank_batch(vectors=[[[NAN] * 3, [1.0] * 3]]))
    assert out[0, :4].tolist() == [0] * 4
    assert out[0, 4:].all()
    out.sum().backward()
    assert encoder.vectors.unknown.grad.tolist() == [[1.0] * 4, [0.0] * 4]
    assert all(one.grad.isfinite().all() for one in encoder.parameters())


def test_the_unknown_category_starts_as_zeros_and_learns() -> None:
    encoder = encoder_of(ContextShape(categories=(4,)), dropout=0.0)
    table = encoder.embeddings[0].weight
    assert not table[0].any()
    encoder(blank_batch(categories=[[0]])).sum().backward()
    assert table.grad[0].all()


def test_side_signals_are_embedded_per_step_with_zeros_for_padding() -> None:
    torch.manual_seed(0)
    encoder = SignalEncoder(ContextEncoding(embedding_size=2), ContextShape(signals=(5, 3))).eval()
    batch = replace(blank_batch(signals=[[[1, 2], [4, 0], [3, 1]]]), mask=torch.tensor([[True, True, False]]))
    first, second = (embedding.weight for embedding in encoder.embeddings)
    steps = [torch.cat([first[1], second[2]]), torch.cat([first[4], second[0]]), torch.zeros(4)]
    torch.testing.assert_close(encoder(batch), torch.stack(steps)[None])
    assert encoder.width == 4


@pytest.mark.parametrize("kind", ["categories", "numbers", "tokens", "vectors"])
def test_metadata_dropout_applies_to_each_field_in_training_only(kind: str) -> None:
    shapes = {
        "categories": {"categories": (2, 2)},
        "numbers": {"numbers": (True, True)},
        "tokens": {"texts": 2},
        "vectors": {"texts": 2, "vector_size": 3},
    }
    fields = {
        "categories": torch.ones(4000, 2, dtype=torch.int64),
        "numbers": torch.ones(4000, 2),
        "tokens": torch.ones(4000, 2, 3, dtype=torch.int64),
        "vectors": torch.ones(4000, 2, 3),
    }
    encoder = encoder_of(ContextShape(**shapes[kind]), embedding_size=1, text_size=1, dropout=0.25)
    batch = Batch(torch.zeros(4000, 1, 1), torch.ones(4000, 1, dtype=torch.bool), **{kind: fields[kind]})
    assert encoder(batch)[:, :2].all()
    torch.manual_seed(1)
    forgotten = encoder.train()(batch)[:, :2] == 0
    assert forgotten.float().mean(dim=0).tolist() == pytest.approx([0.25, 0.25], abs=0.03)
    assert forgotten.all(dim=1).float().mean().item() == pytest.approx(0.25**2, abs=0.02)  # each field by itself


def test_dropped_number_is_marked_as_missing() -> None:
    encoder = encoder_of(ContextShape(numbers=(True,)), dropout=0.5).train()
    out = encoder(blank_batch(100, numbers=[[3.0]] * 100))
    assert set(map(tuple, out.tolist())) == {(3.0, 0.0), (0.0, 1.0)}


def test_side_signal_is_dropped_for_the_whole_series() -> None:
    encoder = SignalEncoder(ContextEncoding(embedding_size=1, dropout=0.25), ContextShape(signals=(2,)))
    signals = torch.ones(4000, 5, 1, dtype=torch.int64)
    batch = Batch(torch.zeros(4000, 5, 1), torch.ones(4000, 5, dtype=torch.bool), signals=signals)
    assert encoder.eval()(batch).all()
    torch.manual_seed(1)
    known = encoder.train()(batch)[:, :, 0] != 0
    assert (known.all(dim=1) | ~known.any(dim=1)).all()
    assert known.float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_the_seed_determines_metadata_dropout() -> None:
    encoder = encoder_of(dropout=0.5).train()
    batch = blank_batch(50, categories=[[2, 1]] * 50, numbers=[[5.0, 7.0]] * 50, tokens=[[[3, 4]]] * 50)
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(encoder(batch))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"categories": None}, "expected a batch with 2 categories, as the network was built for, got none"),
        ({"numbers": None}, "expected a batch with 2 numbers, as the network was built for, got none"),
        ({"tokens": None}, "expected a batch with 1 tokens, as the network was built for, got none"),
        ({"signals": None}, "expected a batch with 1 signals, as the network was built for, got none"),
        ({"numbers": torch.zeros(1, 3)}, "expected a batch with 2 numbers, as the network was built for, got 3"),
    ],
)
def test_batch_without_expected_metadata_is_an_internal_error(changed: dict[str, Any], message: str) -> None:
    network = Network(Architecture.of("gru", fusion="late"), 1, 1, SHAPE)
    with pytest.raises(InternalError) as error:
        network(replace(FULL, **changed))
    assert str(error.value) == message


@pytest.mark.parametrize("shape", [ContextShape(), ContextShape(signals=(3,))])
def test_network_without_required_metadata_is_an_internal_error(shape: ContextShape) -> None:
    with pytest.raises(InternalError) as error:
        Network(Architecture.of("gru", "last", "linear", fusion="late"), 1, 1, shape)
    assert str(error.value) == (
        "a network that needs metadata was built without any: gru (64), last, linear; fusion: late"
    )


def test_metadata_are_not_encoded_without_a_fusion() -> None:
    network = Network(Architecture.of("gru", fusion=()), 1, 1, ContextShape(categories=(4,), numbers=(True,)))
    assert network.context is None
    assert network(blank_batch()).logits.shape == (1, 1)


def test_metadata_move_to_the_device_with_the_batch() -> None:
    moved = FULL.to(torch.device("meta"))
    names = ("values", "mask", "categories", "numbers", "tokens", "signals")
    assert {getattr(moved, name).device.type for name in names} == {"meta"}
    assert (moved.targets, moved.elapsed) == (None, None)
