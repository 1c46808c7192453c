"""Evidence: contributions of steps that sum to the logit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.errors import ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.explanation.methods.evidence import explain_evidence
from limelight.loading import load
from limelight.model.bundle import load_model, save_model
from limelight.model.decision import Decision
from limelight.model.fitted import FittedModel
from limelight.model.targets import task_of
from limelight.parts.architecture import Architecture
from limelight.parts.encoders import Blocks, Encoder, Rocket
from limelight.training.fit import fit

ROCKET = {"name": "rocket", "features": 84 * 12}


def bumped(classes: int, n: int = 60, seed: int = 0) -> Panel:
    """Series of several lengths with a bump whose width is the class, and a metadata field that is half informative."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % classes)
    series, intervals = [], []
    for label in labels:
        steps = int(random.integers(40, 70))
        start, width = int(random.integers(5, steps - 20)), 3 + 5 * int(label)
        values = 0.1 * random.normal(size=(steps, 1))
        values[start : start + width] += 2.0
        series.append(values)
        intervals.append((start, start + width))
    mode = np.where(random.random(n) < 0.7, labels, 0)
    return Panel.from_series(
        series,
        labels=[f"c{label}" for label in labels],
        intervals=np.array(intervals),
        metadata=pa.table({"mode": [f"m{one}" for one in mode], "age": random.normal(size=n)}),
    )


def fit_rocket(panel: Panel, **words: object) -> FittedModel:
    return fit(panel, task_of(panel), Architecture.of(ROCKET, **words)).model  # type: ignore[arg-type]


def sums(explanation: object) -> np.ndarray:
    steps = np.array([float(steps.sum()) for steps in explanation.importance])  # type: ignore[attr-defined]
    return steps + sum(explanation.fields.values()) + explanation.base  # type: ignore[attr-defined]


WAYS = {
    "series alone": {"fusion": []},
    "with metadata": {"context": {"name": "one_hot", "products": 0}},
    "with products": {"context": {"name": "one_hot", "products": 3}},
}


@pytest.mark.parametrize("encoder", [ROCKET, {"name": "blocks", "features": 84, "groups": 2, "depth": 3}])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("classes", [2, 3])
def test_evidence_and_base_sum_to_the_logit(classes: int, way: str, encoder: dict[str, object]) -> None:
    panel = bumped(classes)
    model = fit(panel, task_of(panel), Architecture.of(encoder, **WAYS[way])).model  # type: ignore[arg-type]
    assert (model.network.products is not None) == (way == "with products")
    explanation = explain_evidence(model, panel)
    logits = explanation.prediction.logits
    if classes == 2:
        logits = np.concatenate([-logits, logits], axis=1)
    answered = [str(name) for name in explanation.prediction.labels]
    expected = logits[np.arange(len(panel)), [int(name[1]) for name in answered]]
    np.testing.assert_allclose(sums(explanation), expected, rtol=0, atol=1e-4)
    assert explanation.target is not None
    assert explanation.target.tolist() == answered
    assert [len(steps) for steps in explanation.importance] == panel.lengths.tolist()


def test_evidence_for_one_class_is_opposite_of_the_other() -> None:
    panel = bumped(2)
    model = fit_rocket(panel)
    one, other = (explain_evidence(model, panel, target) for target in ("c0", "c1"))
    np.testing.assert_allclose(sums(other), other.prediction.logits[:, 0], rtol=0, atol=1e-4)
    np.testing.assert_allclose(sums(one), -sums(other), rtol=0, atol=1e-4)
    for ours, theirs in zip(one.importance, other.importance, strict=True):
        np.testing.assert_array_equal(ours, -theirs)


def test_evidence_is_concentrated_on_the_bump() -> None:
    panel = bumped(2, n=120)
    explanation = explain_evidence(fit_rocket(panel, fusion=[]), panel)
    assert panel.intervals is not None
    ratios = []
    for steps, (start, stop) in zip(explanation.importance, panel.intervals.tolist(), strict=True):
        near = np.zeros(len(steps), dtype=bool)
        near[max(0, start - 8) : stop + 8] = True
        ratios.append(np.abs(steps[near]).mean() / np.abs(steps[~near]).mean())
    assert np.mean(ratios) >= 1.5


def test_evidence_sums_to_the_logit_after_its_temperature() -> None:
    panel = bumped(2)
    model = replace(fit_rocket(panel), decision=Decision(temperature=np.array([2.5])))
    explanation = explain_evidence(model, panel, "c1")
    np.testing.assert_allclose(sums(explanation), explanation.prediction.logits[:, 0], rtol=0, atol=1e-4)


def test_a_loaded_model_explains_as_the_saved_one(tmp_path: object) -> None:
    panel = bumped(3)
    model = fit_rocket(panel)
    again = load_model(save_model(model, f"{tmp_path}/model"))
    np.testing.assert_array_equal(explain_evidence(again, panel).base, explain_evidence(model, panel).base)


def test_metadata_count_relative_to_average_metadata() -> None:
    panel = bumped(2, n=60)
    random = np.random.default_rng(4)
    noise = [random.normal(size=40) for _ in range(60)]
    panel = Panel.from_series(noise, labels=panel.labels, metadata=panel.metadata)
    explanation = explain_evidence(fit_rocket(panel, fusion="late"), panel, "c1")
    assert set(explanation.fields) == {"mode", "age"}
    assert np.ptp(explanation.base) == 0
    for added in explanation.fields.values():
        np.testing.assert_allclose(added.mean(), 0, atol=1e-6)
    assert panel.metadata is not None
    mode = np.array(panel.metadata["mode"].to_pylist())
    assert explanation.fields["mode"][mode == "m1"].min() > 0 > explanation.fields["mode"][mode == "m0"].max()


def test_evidence_of_numbers_indicators_and_categories_belongs_to_fields() -> None:
    panel = bumped(2, n=60)
    random = np.random.default_rng(5)
    age = [None if row % 7 == 0 else float(row) for row in range(60)]
    note = [("hot and loud" if label == "c1" else "quiet") for label in panel.require_labels()]
    day = np.datetime64("2024-01-01") + random.integers(0, 700, 60)
    table = pa.table({"age": age, "note": note, "day": day, "constant": ["x"] * 60})
    panel = panel.replace(metadata=table)
    model = fit(panel, task_of(panel), Architecture.of(ROCKET, fusion="late"), fields={"note": "text"}).model
    explanation = explain_evidence(model, panel, "c1")
    assert set(explanation.fields) == {"age", "note", "day"} | set(explanation.fields) & {"constant"}
    np.testing.assert_allclose(sums(explanation), explanation.prediction.logits[:, 0], rtol=0, atol=1e-4)
    sizes = {name: float(np.abs(added).mean()) for name, added in explanation.fields.items()}
    assert max(sizes, key=lambda name: sizes[name]) == "note"


def test_evidence_for_each_of_several_labels() -> None:
    panel = bumped(3)
    several = np.stack([panel.require_labels() != "c0", panel.require_labels() == "c2"], axis=1).astype(float)
    panel = panel.replace(labels=several, label_names=("wide", "widest"))
    model = fit_rocket(panel)
    explanation = explain_evidence(model, panel, "widest")
    np.testing.assert_allclose(sums(explanation), explanation.prediction.logits[:, 1], rtol=0, atol=1e-4)
    probable = explain_evidence(model, panel)
    np.testing.assert_array_equal(
        probable.target, np.array(["wide", "widest"])[probable.prediction.logits.argmax(axis=1)]
    )


def test_a_target_of_an_unknown_class_is_refused() -> None:
    panel = bumped(2)
    with pytest.raises(ParameterError) as error:
        explain_evidence(fit_rocket(panel), panel, "c2")
    assert str(error.value) == ("expected a target among the classes 'c0', 'c1', got 'c2'; known are: c0, c1")


def test_an_empty_panel_has_no_evidence() -> None:
    panel = bumped(2)
    assert len(explain_evidence(fit_rocket(panel), panel[:0])) == 0


def test_a_network_without_additive_evidence_is_refused() -> None:
    panel = bumped(2)
    model = TimeSeriesClassifier("gru", max_epochs=1, random_state=0).fit(panel)
    with pytest.raises(ParameterError) as error:
        model.explain(panel, method="evidence")
    assert str(error.value) == (
        "expected a model with the encoder 'rocket' or 'blocks', or the pooling 'conjunctive', to collect evidence from, "
        "got 'gru' with 'attention'; train one of them"
    )


def test_the_estimator_explains_by_evidence_without_attention() -> None:
    panel = bumped(2)
    model = TimeSeriesClassifier("rocket", random_state=0).fit(panel)
    explanation = model.explain(panel[:3])
    assert explanation.method == "evidence"
    assert len(explanation.plot().axes) >= 2  # the series and the colour bar
    assert explanation.table().num_rows == int(panel.lengths[:3].sum())
    with pytest.raises(ParameterError) as error:
        model.explain(panel, method="evidense")
    assert str(error.value) == "expected an explanation method, got 'evidense'; did you mean 'evidence'?"


def bursts(
    seed: int, count: int = 40, steps: int = 1_000, width: int = 40
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise; in every second series a burst at a random place, whose first step is returned."""
    random = np.random.default_rng(seed)
    series, starts = random.normal(size=(count, steps)), random.integers(0, steps - width, count)
    for row in range(1, count, 2):
        series[row, starts[row] : starts[row] + width] += 3 * np.sin(np.arange(width) * 2 * np.pi / 12)
    return series, np.arange(count) % 2, starts


def share_inside(model: TimeSeriesClassifier, seed: int) -> tuple[float, float]:
    """The share of series with a burst whose strongest step is in it, and in the first or last 1 % of the series."""
    series, labels, starts = bursts(seed)
    evidence = model.explain(series[labels == 1][:, :, None], method="evidence", target=1).importance
    strongest = np.array([steps.argmax() for steps in evidence])
    inside = (strongest >= starts[labels == 1]) & (strongest < starts[labels == 1] + 40)
    return float(inside.mean()), float(((strongest < 10) | (strongest >= 990)).mean())


def test_the_strongest_step_is_in_the_burst() -> None:
    found, uniform = [], []
    for seed in range(5):
        series, labels, _ = bursts(seed)
        model = TimeSeriesClassifier(Rocket(features=1_680), random_state=seed).fit(series[:, :, None], labels)
        found.append(share_inside(model, 100 + seed))
        model.model_.profile = None  # the control: a baseline that is the same at every step
        uniform.append(share_inside(model, 100 + seed))
    (inside, at_ends), (_, at_ends_before) = np.mean(found, axis=0), np.mean(uniform, axis=0)
    assert inside >= 0.95
    assert at_ends <= 0.02 < at_ends_before


def test_a_saved_model_keeps_the_baseline_of_evidence(tmp_path: Path) -> None:
    series, labels, _ = bursts(0, count=12, steps=80)
    model = TimeSeriesClassifier(Rocket(features=168), random_state=0).fit(series[:, :, None], labels)
    kept = load(model.save(tmp_path / "model"))
    for one, other in zip(model.explain(series[:3]).importance, kept.explain(series[:3]).importance, strict=True):
        assert (one == other).all()


def in_one_channel(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three channels of noise; in every second series a bump in the middle one."""
    random = np.random.default_rng(seed)
    series = random.normal(size=(count, 60, 3))
    series[1::2, 20:32, 1] += 3
    return series, np.arange(count) % 2


@pytest.mark.parametrize("encoder", [Rocket(features=840), Blocks(groups=8)], ids=lambda encoder: encoder.name)
def test_evidence_is_in_the_channel_of_the_difference(encoder: Encoder) -> None:
    shares = []
    for seed in range(5):
        model = TimeSeriesClassifier(encoder, random_state=seed).fit(*in_one_channel(40, seed))
        evidence = model.explain(in_one_channel(20, 100 + seed)[0], method="evidence", target=1)
        for steps, channels in zip(evidence.importance, evidence.channels, strict=True):
            np.testing.assert_allclose(channels.sum(axis=1), steps, atol=1e-5)
        sizes = np.abs([channels.sum(axis=0) for channels in evidence.channels]).mean(axis=0)
        shares.append(sizes[1] / sizes.sum())
    assert np.mean(shares) > 0.6
    assert min(shares) > 0.5


def test_evidence_of_missing_indicators_belongs_to_their_channel() -> None:
    series, labels = in_one_channel(40, 0)
    series[::2, 40:50, 2] = np.nan
    model = TimeSeriesClassifier(Rocket(features=840), missing="mask", random_state=0).fit(series, labels)
    evidence = model.explain(series[:6], method="evidence")
    for steps, channels in zip(evidence.importance, evidence.channels, strict=True):
        assert channels.shape == (60, 3)
        np.testing.assert_allclose(channels.sum(axis=1), steps, atol=1e-5)


def test_evidence_of_the_clock_belongs_to_no_channel() -> None:
    series, labels = in_one_channel(40, 0)
    panel = Panel.from_series(list(series), labels=labels, times=[np.cumsum(np.ones(60))] * 40)
    model = fit(panel, task_of(panel), Architecture.of(ROCKET, clock="elapsed")).model
    evidence = explain_evidence(model, panel)
    assert {one.shape for one in evidence.channels} == {(60, 3)}
    np.testing.assert_allclose(sums(evidence), np.abs(evidence.prediction.logits[:, 0]), atol=1e-4)


def waves_of(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Noise; every second series has a wave of 9 cycles and a random phase."""
    random = np.random.default_rng(seed)
    phases = random.uniform(0, 2 * np.pi, (count, 1))
    waves = np.sin(2 * np.pi * 9 * np.arange(72) / 72 + phases) * (np.arange(count) % 2)[:, None]
    return (random.normal(size=(count, 72)) + waves)[:, :, None], np.arange(count) % 2


def test_the_strongest_frequency_is_that_of_the_wave() -> None:
    found = []
    for seed in range(5):
        model = TimeSeriesClassifier(Blocks(blocks=["spectrum"]), random_state=0).fit(*waves_of(seed))
        values, labels = waves_of(100 + seed)
        evidence = model.explain(values[labels == 1], method="evidence", target=1)
        assert {one.shape for one in evidence.frequencies} == {(36, 1)}
        np.testing.assert_allclose(
            [one.sum() for one in evidence.frequencies], [one.sum() for one in evidence.importance], atol=1e-4
        )
        found.append(np.mean([one[:, 0].argmax() == 8 for one in evidence.frequencies]))
    assert np.mean(found) > 0.8


def test_a_table_has_a_row_for_each_frequency() -> None:
    model = TimeSeriesClassifier(Blocks(blocks=["spectrum"]), random_state=0).fit(*waves_of(0))
    explanation = model.explain(waves_of(1)[0][:2], method="evidence")
    table = explanation[[1]].frequency_table()
    assert table["cycles"].to_pylist() == list(range(1, 37))
    assert table["importance"].to_pylist() == explanation.frequencies[1][:, 0].tolist()


def test_frequencies_need_a_spectrum() -> None:
    model = TimeSeriesClassifier(Rocket(features=84), random_state=0).fit(*waves_of(0))
    explanation = model.explain(waves_of(1)[0][:2], method="evidence")
    assert explanation.frequencies is None
    assert explanation.frequency_table().num_rows == 0
