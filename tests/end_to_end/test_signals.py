"""Side signals from files to predictions: categories per step, from a column of the series or on their own clock."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from limelight.data.annotations import StepSignals
from limelight.data.inspection.inspect_panel import inspect_panel
from limelight.data.panel import Panel
from limelight.data.reading.tables import read_table
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.data.writing import write_table
from limelight.explanation.quality.permutation_importance import score_permuted
from limelight.loading import load
from limelight.model.batching import make_batch
from limelight.model.vocabulary import fit_vocabulary
from support.commands import Commands
from support.models import fit_small_conv_lstm
from support.panels import LEARNABLE, bump_panel


def bump_parts() -> tuple[Panel, Panel]:
    train, test = bump_panel(800, **LEARNABLE, mode_as="signal").split(test=0.25)
    return train, test


def panel_of_words(*words: str | None) -> Panel:
    """One series with a step for each word."""
    classes = tuple(sorted({word for word in words if word}))
    codes = [[classes.index(word) if word else -1] for word in words]
    signals = StepSignals(np.array(codes, dtype=np.int16), ("mode",), (classes,))
    return Panel.from_series([np.arange(float(len(words)))], ids=["a"], signals=signals)


@pytest.mark.slow
def test_a_mode_on_its_own_clock_is_learned() -> None:
    train, test = bump_parts()
    model = fit_small_conv_lstm(train)
    assert model.score(test, test.labels) >= 0.95
    found = score_permuted(model.model_, test)
    assert found is not None
    assert set(found["drops"]) == {"series", "signals"}
    for drop in found["drops"].values():
        assert found["score"] - drop["mean"] == pytest.approx(0.5, abs=0.1)


def test_without_the_signal_the_same_network_stays_at_chance() -> None:
    train, test = bump_parts()
    model = fit_small_conv_lstm(train, fields={"mode": "ignore"})
    assert model.model_.vocabulary is None
    assert model.score(test, test.labels) <= 0.65


def test_a_saved_model_keeps_the_categories_of_signals(tmp_path: Path) -> None:
    train, test = bump_parts()
    model = fit_small_conv_lstm(train, max_epochs=1)
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(test), model.predict_proba(test))


def test_signals_are_used_beside_unused_metadata() -> None:
    train, _ = bump_parts()
    train = train.replace(metadata=pa.table({"site": ["x", "y"] * (len(train) // 2)}))
    model = fit_small_conv_lstm(train, max_epochs=1, fusion=[]).model_
    assert model.network.context_shape.signals == (3,)
    assert model.network.context is None


def test_categories_of_signals_are_matched_in_another_panel() -> None:
    vocabulary = fit_vocabulary(None, signals={"mode": ("run", "idle")})
    panel = panel_of_words("stop", "run", None, "idle")
    encoded = vocabulary.encode(None, 1, panel.signals)
    assert make_batch(panel, np.array([0]), metadata=encoded).signals.tolist() == [[[0], [2], [0], [1]]]
    assert encoded.notes == ("signal 'mode' has 1 word not seen in training: 'stop'; treated as unknown",)


def test_padding_has_no_signal() -> None:
    both = Panel.from_series(
        [[1.0, 2.0], [3.0]],
        signals=StepSignals(np.array([[0], [1], [1]], dtype=np.int16), ("mode",), (("idle", "run"),)),
    )
    encoded = fit_vocabulary(None, signals={"mode": ("idle", "run")}).encode(None, 2, both.signals)
    assert make_batch(both, np.array([1, 0]), metadata=encoded).signals.tolist() == [[[2], [0]], [[1], [2]]]


def test_a_missing_signal_is_unknown_and_noted() -> None:
    encoded = fit_vocabulary(None, signals={"mode": ("run",)}).encode(None, 1, None)
    assert make_batch(panel_of_words("run"), np.array([0]), metadata=encoded).signals.tolist() == [[[0]]]
    assert encoded.notes == ("signal 'mode' is missing: treated as unknown",)


def test_an_empty_training_signal_is_dropped() -> None:
    vocabulary = fit_vocabulary(None, signals={"mode": ()})
    assert vocabulary.signals == ()
    assert vocabulary.notes == ("signals are empty in all training series: 'mode'; not used",)


def test_words_that_change_within_a_series_are_a_signal() -> None:
    table = pa.table({"series_id": list("aabb"), "speed": [1.0, 2.0, 3.0, 4.0], "mode": ["run", "idle", "run", None]})
    panel = read_table(table)
    assert (panel.signals.names, panel.signals.classes) == (("mode",), (("idle", "run"),))
    assert panel.signals.codes[:, 0].tolist() == [1, 0, 1, -1]
    assert panel.notes == ("took text columns that change within a series as signals: 'mode'",)


def test_inspection_counts_the_categories_of_a_signal() -> None:
    inspection = inspect_panel(panel_of_words("run", "run", None, "idle"))
    assert inspection.to_json()["signals"] == {"mode": {"": 0.25, "idle": 0.25, "run": 0.5}}
    assert "mode    run 50.0 %, unknown 25.0 %, idle 25.0 %" in inspection.lines()


def test_a_signal_is_read_from_its_own_table(limelight: Commands, tmp_path: Path) -> None:
    panel, modes = generate_bumps(BumpSettings(dataset_size=120, num_points=30, mode_as="signal"), 0)
    write_table(panel, tmp_path / "bumps")
    parquet.write_table(modes, tmp_path / "bumps" / "signals.parquet")
    limelight("train", "bumps", "-o", "run", "--set", "training.max_epochs=1", "--set", "model.encoder=conv_lstm")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["metadata"]["drops"]) == {"signals", "series"}
    page = (tmp_path / "run" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Permutation importance of metadata" in page
    model = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert model["vocabulary"]["signals"] == [{"name": "mode", "words": ["early", "late"]}]
    limelight("predict", "run", "bumps/series.parquet", "-o", "without.parquet")
    assert "signal 'mode' is missing: treated as unknown" in limelight.errors
    limelight("predict", "run", "bumps/series.parquet", "--signals", "bumps/signals.parquet", "-o", "with.parquet")
    assert "signal 'mode'" not in limelight.errors


def test_signals_are_read_alike_in_training_and_prediction(limelight: Commands, tmp_path: Path) -> None:
    panel, modes = generate_bumps(BumpSettings(dataset_size=120, num_points=30, mode_as="signal"), 0)
    write_table(panel, tmp_path / "bumps")
    parquet.write_table(modes, tmp_path / "modes.parquet")
    experiment = {
        "data": {
            "series": "bumps/series.parquet",
            "labels": "bumps/labels.csv",
            "signals": {"table": "modes.parquet", "since_change": True},
        },
        "model": {"encoder": "conv_lstm"},
        "training": {"max_epochs": 1},
        "output": "run",
    }
    (tmp_path / "bumps.json").write_text(json.dumps(experiment))
    limelight("train", "bumps.json")
    limelight("predict", "run", "bumps/series.parquet", "--signals", "modes.parquet", "-o", "predictions.parquet")
    assert parquet.read_table("predictions.parquet").num_rows == 120


def test_a_store_keeps_signals(limelight: Commands, tmp_path: Path) -> None:
    panel, modes = generate_bumps(BumpSettings(dataset_size=120, num_points=30, mode_as="signal"), 0)
    write_table(panel, tmp_path / "bumps")
    parquet.write_table(modes, tmp_path / "bumps" / "signals.parquet")
    limelight("pack", "bumps", "-o", "bumps.store")
    packed = read_table("bumps.store")
    assert packed.signals.classes == (("early", "late"),)
    assert "early" in limelight("inspect", "bumps.store")


def test_a_wrong_key_of_a_signal_is_named(limelight: Commands, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(
        json.dumps({"data": {"series": "s.csv", "signals": [{"table": "m", "since_chang": 1}]}})
    )
    assert limelight("inspect", "e.json", code=2) == (
        "limelight: e.json: data.signals.0 has no key 'since_chang'; did you mean 'since_change'?\n"
    )
