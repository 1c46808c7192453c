"""Rocket in an architecture: its own pooling, head and context, sizes from the training part, and errors."""

import pytest
import torch

from limelight.errors import InternalError, ParameterError
from limelight.nn.batch import Batch
from limelight.nn.context import ContextShape, OneHotContextEncoder, OneHotSignals
from limelight.nn.network import Network
from limelight.parts import contexts
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import ENCODERS, Auto, Rocket

*FIRST, LAST = (repr(name) for name, kind in ENCODERS.items() if not (kind.automatic or kind.closed_form))
TRAINED = f"{', '.join(FIRST)} or {LAST}"
SMALL = Rocket(features=84 * 2, dilations=2, length=30)


def resolve(architecture: Architecture, **options: object) -> Architecture:
    return architecture.resolve(30, **{"missing": False, "irregular": False, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("series", "expected"),
    [(1_000, Rocket(10_000, 32, 77)), (1_001, Rocket(3_000, 16, 77))],
)
def test_sizes_resolve_by_series_count_and_longest_length(series: int, expected: Rocket) -> None:
    assert resolve(Architecture.of("rocket"), series=series, longest=77).encoder == expected


def test_stated_sizes_are_kept() -> None:
    assert resolve(Architecture.of(SMALL), series=5_000, longest=77).encoder == SMALL
    assert resolve(Architecture.of({"name": "rocket", "dilations": 4}), longest=77).encoder == Rocket(10_000, 4, 77)


def test_rocket_implies_pooling_head_and_context() -> None:
    architecture = resolve(Architecture.of("rocket"), longest=77, metadata=True)
    assert architecture.describe() == "rocket (10000), ppv, linear; fusion: late"
    assert architecture.context == contexts.OneHotContext()
    assert resolve(architecture, metadata=True) == architecture
    assert Architecture.from_json(architecture.to_json()) == architecture


def test_the_context_of_rocket_can_be_sized() -> None:
    wide = contexts.OneHotContext(text_size=200)
    assert resolve(Architecture.of("rocket", context=wide), longest=77).context == wide


@pytest.mark.parametrize(
    ("parts", "training", "message"),
    [
        (
            {"encoder": "rocket"},
            {"by_step": True},
            "expected an encoder that supports per-step labels, got 'rocket', which predicts one label for the whole "
            f"series; use {TRAINED}",
        ),
        (
            {"encoder": "rocket", "fusion": ["late", "film"]},
            {},
            "expected fusion 'late' with the encoder 'rocket', where only the head can read metadata, got 'film', 'late'; "
            "use 'late', or another encoder",
        ),
        (
            {"encoder": "rocket", "fusion": "attention"},
            {},
            "expected fusion 'late' with the encoder 'rocket', where only the head can read metadata, got 'attention'; "
            "use 'late', or another encoder",
        ),
        (
            {"encoder": "gru", "pooling": "ppv"},
            {},
            "expected a pooling for labels of whole series, got pooling='ppv', which belongs to the encoder 'blocks' or "
            "'rocket'; use 'attention', 'conjunctive', 'last', 'mean' or 'max'",
        ),
        (
            {"encoder": "gru", "pooling": "none"},
            {},
            "expected a pooling for labels of whole series, got pooling='none', which is for per-step labels; "
            "use 'attention', 'conjunctive', 'last', 'mean' or 'max'",
        ),
    ],
)
def test_impossible_architectures_are_refused(
    parts: dict[str, object], training: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError) as error:
        resolve(Architecture.of(**parts), **training)  # type: ignore[arg-type]
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": 83}, "'rocket': expected features of at least 84, got 83"),
        ({"dilations": 0}, "'rocket': expected dilations of at least 1, got 0"),
        ({"length": "long"}, "'rocket': expected length as a whole number, got 'long'"),
    ],
)
def test_sizes_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.of({"name": "rocket", **parameters})
    assert str(error.value) == message


def test_a_time_budget_below_zero_is_refused() -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.of(Auto(time_budget=-1))
    assert str(error.value) == "'auto': expected time_budget of at least 0.0, got -1"


def test_auto_is_the_default_encoder() -> None:
    assert Architecture.from_json({}).encoder == Auto()
    assert Architecture.of().describe() == "auto, attention, mlp"


def test_an_unresolved_rocket_is_not_built() -> None:
    with pytest.raises(InternalError, match=r"^a Rocket was built before its sizes were resolved"):
        Network(Architecture.of("rocket", "ppv"), channels=1, outputs=1)


def test_only_the_head_of_rocket_has_gradients() -> None:
    network = Network(resolve(Architecture.of(SMALL)), channels=2, outputs=3)
    network(Batch(torch.randn(4, 30, 2), torch.ones(4, 30, dtype=torch.bool))).logits.sum().backward()
    assert [name for name, _ in network.named_parameters()] == ["head.weight", "head.bias"]
    assert all(weight.grad is not None for weight in network.parameters())


SHAPE = ContextShape(categories=(3, 2), numbers=(True, False), texts=2, buckets=10, signals=(3, 2))
PART = contexts.OneHotContext(text_size=3)


def two_step_batch(**metadata: torch.Tensor) -> Batch:
    rows = len(next(iter(metadata.values())))
    return Batch(torch.zeros(rows, 2, 1), torch.tensor([[True, False]] * rows), **metadata)


def test_categories_are_one_hot_with_an_unknown_column() -> None:
    encoder = OneHotContextEncoder(PART, ContextShape(categories=(3, 2)))
    columns = encoder(two_step_batch(categories=torch.tensor([[1, 0], [0, 1]])))
    assert columns.tolist() == [[0, 1, 0, 1, 0], [1, 0, 0, 0, 1]]


def test_missing_numbers_have_an_indicator() -> None:
    encoder = OneHotContextEncoder(PART, ContextShape(numbers=(True, False)))
    encoder.set_statistics(torch.tensor([10.0, 0.0]), torch.tensor([2.0, 1.0]))
    columns = encoder(two_step_batch(numbers=torch.tensor([[14.0, 5.0], [torch.nan, torch.nan]])))
    assert columns.tolist() == [[2, 5, 0], [0, 0, 1]]


def test_words_of_a_text_are_counted_in_hashed_columns() -> None:
    encoder = OneHotContextEncoder(PART, ContextShape(texts=2, buckets=10))
    columns = encoder(two_step_batch(tokens=torch.tensor([[[1, 4, 2, 9], [0, 0, 0, 0]]])))
    torch.testing.assert_close(columns, torch.tensor([[0.5, 0.25, 0.25, 0, 0, 0]]).sqrt())


def test_earlier_models_keep_word_shares() -> None:
    part = contexts.OneHotContext(text_size=3, text_weighting="share")
    columns = OneHotContextEncoder(part, ContextShape(texts=2, buckets=10))(
        two_step_batch(tokens=torch.tensor([[[1, 4, 2, 9], [0, 0, 0, 0]]]))
    )
    assert columns.tolist() == [[0.5, 0.25, 0.25, 0, 0, 0]]


def test_side_signals_are_one_hot_and_zero_on_padding() -> None:
    columns = OneHotSignals(PART, SHAPE)(two_step_batch(signals=torch.tensor([[[2, 1], [2, 1]]])))
    assert columns.tolist() == [[[0, 0, 1, 0, 1], [0, 0, 0, 0, 0]]]


def test_one_hot_context_has_no_weights() -> None:
    assert list(OneHotContextEncoder(PART, SHAPE).parameters()) == []
