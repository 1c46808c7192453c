"""Fusion and context of an architecture."""

from typing import Any

import pytest

from limelight.errors import ParameterError
from limelight.parts.architecture import Architecture, preset
from limelight.parts.contexts import ContextEncoding
from limelight.parts.poolings import AttentionPooling, MetadataAttentionPooling


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("auto", "auto"),
        ("late", ("late",)),
        (["late"], ("late",)),
        (("late", "film", "repeat"), ("repeat", "film", "late")),
        ([], ()),
    ],
)
def test_fusions_are_kept_in_network_order(stated: Any, kept: Any) -> None:
    architecture = Architecture.of("gru", fusion=stated)
    assert architecture.fusion == kept
    assert Architecture.from_json(architecture.to_json()) == architecture


def test_fusion_and_context_survive_json() -> None:
    content = Architecture.of("gru", fusion="late", context={"name": "embedding", "embedding_size": 5}).to_json()
    assert content["fusion"] == ["late"]
    assert content["context"] == {
        "name": "embedding",
        "embedding_size": 5,
        "number_size": None,
        "number_activation": "linear",
        "text_size": 32,
        "dropout": 0.1,
        "text_encoder": None,
    }
    assert Architecture.of("gru").to_json()["fusion"] == "auto"


@pytest.mark.parametrize("stated", ["attention", ["attention", "late"]])
def test_fusion_attention_is_the_pooling_with_metadata_queries(stated: Any) -> None:
    architecture = Architecture.of("gru", fusion=stated)
    assert architecture.pooling == MetadataAttentionPooling()
    assert architecture.fusion == (("late",) if "late" in stated else ())
    assert architecture.needs_metadata
    assert Architecture.of("gru", "metadata_attention", fusion=stated) == architecture
    assert Architecture.from_json(architecture.to_json()) == architecture


def test_fusion_attention_keeps_the_size_of_attention() -> None:
    architecture = Architecture.of("gru", AttentionPooling(hidden_size=7), fusion="attention")
    assert architecture.pooling == MetadataAttentionPooling(hidden_size=7)


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_fusion_attention_with_another_pooling_is_refused(pooling: str) -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.of("gru", pooling, fusion="attention")
    assert str(error.value) == (
        f"expected fusion='attention' without another pooling, got pooling={pooling!r}: the fusion is short for the "
        "pooling 'metadata_attention'; choose one of the two"
    )


KNOWN = "known are: auto, late, repeat, film, attention"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fusion": "latte"}, "expected a fusion of metadata, got fusion='latte'; did you mean 'late'?"),
        ({"fusion": ["late", "flim"]}, "expected a fusion of metadata, got fusion='flim'; did you mean 'film'?"),
        ({"fusion": [["late"]]}, "expected a fusion of metadata, got fusion=['late']; did you mean 'late'?"),
        ({"fusion": 3}, f"expected a fusion of metadata or a list of fusions, got fusion=3; {KNOWN}"),
        ({"fusion": None}, f"expected a fusion of metadata or a list of fusions, got fusion=None; {KNOWN}"),
        (
            {"fusion": ["auto", "late"]},
            "expected fusion='auto' alone, got fusion=['auto', 'late']; list the fusions or use 'auto'",
        ),
        ({"fusion": ["late", "late"]}, "expected each fusion once, got 'late', 'late'; remove the duplicates"),
        ({"fussion": "late"}, "a model has no part 'fussion'; did you mean 'fusion'?"),
        ({"context": "embeding"}, "there is no context 'embeding'; did you mean 'embedding'?"),
        (
            {"context": {"name": "embedding", "embeding_size": 3}},
            "'embedding' has no parameter 'embeding_size'; did you mean 'embedding_size'?",
        ),
        (
            {"context": {"name": "embedding", "dropout": 1.0}},
            "'embedding': expected dropout below 1.0, got 1.0",
        ),
        (
            {"context": {"name": "embedding", "number_size": 0}},
            "'embedding': expected number_size of at least 1, got 0",
        ),
    ],
)
def test_unknown_options_suggest_the_nearest(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        Architecture.from_json(content)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("pooling", "fusion", "metadata", "expected"),
    [
        ("last", "auto", True, ("late",)),
        ("last", "auto", False, ()),
        ("metadata_attention", "auto", True, ()),
        ("last", "film", True, ("film",)),
        ("last", "film", False, ("film",)),
        ("last", (), True, ()),
    ],
)
def test_auto_is_late_fusion_if_metadata_are_otherwise_unused(
    pooling: str, fusion: Any, metadata: bool, expected: tuple[str, ...]
) -> None:
    architecture = Architecture.of("gru", pooling, fusion=fusion)
    assert architecture.resolve(9, missing=False, irregular=False, metadata=metadata).fusion == expected


def test_auto_needs_no_metadata_before_it_is_resolved() -> None:
    assert not Architecture.of("gru").needs_metadata


@pytest.mark.parametrize(
    ("words", "described"),
    [
        ({"fusion": "late"}, "lstm (64), last, linear; fusion: late"),
        ({"fusion": ["late", "repeat"]}, "lstm (64), last, linear; fusion: repeat, late"),
        ({"fusion": "film", "clock": "elapsed"}, "lstm (64), last, linear; clock: elapsed; fusion: film"),
        ({"fusion": []}, "lstm (64), last, linear"),
        ({"pooling": "metadata_attention"}, "lstm (64), metadata_attention, linear"),
    ],
)
def test_the_fusion_is_described(words: dict[str, Any], described: str) -> None:
    assert Architecture.of(**{"encoder": "lstm", "pooling": "last", "head": "linear", **words}).describe() == described


@pytest.mark.parametrize(
    ("name", "described", "context"),
    [
        ("metadata_repeat", "lstm (64), last, linear; fusion: repeat", ContextEncoding(10, dropout=0.0)),
        ("metadata_late", "lstm (64), last, linear; fusion: late", ContextEncoding(10, 32, dropout=0.0)),
        ("metadata_attention", "lstm (64), metadata_attention, linear", ContextEncoding(dropout=0.0)),
    ],
)
def test_presets_with_metadata_have_a_fusion(name: str, described: str, context: ContextEncoding) -> None:
    architecture = preset(name)
    assert (architecture.describe(), architecture.context) == (described, context)
    assert architecture.needs_metadata
