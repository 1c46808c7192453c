"""Small signals on large levels: every input keeps them, and every output has the true values."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import limelight as ll
from limelight.config.reading import read_experiment
from limelight.data.arrays import join_panels
from limelight.data.panel import Panel
from limelight.data.precision import choose_offset
from limelight.parts.encoders import Rocket
from limelight.runs.pack import pack_series

SERIES, STEPS, LEVEL = 40, 20, 1e8
LABELS = np.where(np.arange(SERIES) % 2, "up", "down")


def waves(level: float = LEVEL, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    signs = np.where(LABELS == "up", 1, -1)[:, None]
    wave = np.sin(np.linspace(0, 6, STEPS)) * signs + random.normal(0, 0.2, (SERIES, STEPS))
    return (wave * scale + level)[:, :, None]


def long_table() -> pd.DataFrame:
    ids = [f"s{number}" for number in range(SERIES)]
    table = pd.DataFrame({"series_id": np.repeat(ids, STEPS), "time": np.tile(np.arange(STEPS), SERIES)})
    return table.assign(x=waves().ravel(), label=np.repeat(LABELS, STEPS))


def of_csv(folder: Path) -> Panel:
    long_table().to_csv(folder / "long.csv", index=False)
    return ll.read_table(folder / "long.csv")


def of_parquet(folder: Path) -> Panel:
    long_table().to_parquet(folder / "long.parquet", index=False)
    return ll.read_table(folder / "long.parquet")


def of_wide_csv(folder: Path) -> Panel:
    wide = pd.DataFrame(waves()[:, :, 0], columns=[f"x_{step}" for step in range(STEPS)])
    wide.assign(label=LABELS).to_csv(folder / "wide.csv", index=False)
    return ll.read_table(folder / "wide.csv")


def of_ts(folder: Path) -> Panel:
    lines = [
        f"{','.join(map(repr, row))}:{label}" for row, label in zip(waves()[:, :, 0].tolist(), LABELS, strict=True)
    ]
    (folder / "waves.ts").write_text("@classLabel true down up\n@data\n" + "\n".join(lines) + "\n")
    return ll.read_table(folder / "waves.ts")


def of_store(folder: Path) -> Panel:
    return ll.open_store(ll.write_store(of_parquet(folder), folder / "waves.store"))


def of_packed_csv(folder: Path) -> Panel:
    long_table().to_csv(folder / "long.csv", index=False)
    return pack_series(read_experiment(folder / "long.csv"), folder / "packed.store")


def of_written_table(folder: Path) -> Panel:
    ll.write_table(of_parquet(folder), folder / "written")
    return ll.read_table(folder / "written" / "series.parquet", labels=folder / "written" / "labels.csv")


def of_windows(folder: Path) -> Panel:
    return ll.cut_windows(of_parquet(folder).replace(labels=None, step_labels=None), STEPS).with_labels(LABELS)


def of_two_files(folder: Path) -> Panel:
    half = SERIES // 2
    ids = np.arange(SERIES).astype(str)
    parts = [
        Panel.from_series(list(waves()[rows]), ids=ids[rows], labels=LABELS[rows])
        for rows in (slice(0, half), slice(half, None))
    ]
    return join_panels(parts)


WAYS_IN: dict[str, Callable[[Path], Panel]] = {
    "arrays": lambda folder: Panel.from_series(list(waves()), labels=LABELS),
    "CSV": of_csv,
    "Parquet": of_parquet,
    "wide CSV": of_wide_csv,
    ".ts": of_ts,
    "DataFrame": lambda folder: ll.read_table(long_table()),
    "store": of_store,
    "packed CSV": of_packed_csv,
    "written table": of_written_table,
    "windows": of_windows,
    "two files": of_two_files,
}


@pytest.fixture(scope="module")
def model() -> ll.TimeSeriesClassifier:
    return ll.TimeSeriesClassifier(Rocket(features=420), random_state=0).fit(waves(), LABELS)


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_input_keeps_a_small_signal(way: str, model: ll.TimeSeriesClassifier, tmp_path: Path) -> None:
    panel = WAYS_IN[way](tmp_path)
    assert panel.values.dtype == np.float32
    assert np.allclose(np.stack([panel.series(row) for row in range(SERIES)]), waves(), rtol=0, atol=1e-6)
    assert model.score(panel, panel.labels) == 1.0
    assert (ll.TimeSeriesClassifier(Rocket(features=420), random_state=0).fit(panel).predict(waves()) == LABELS).all()


@pytest.mark.parametrize("encoder", ["rocket", "conv_lstm"])
def test_the_level_of_another_panel_does_not_matter(encoder: str) -> None:
    settings = {"max_epochs": 2} if encoder == "conv_lstm" else {}
    model = ll.TimeSeriesClassifier(encoder, random_state=0, **settings).fit(waves(), LABELS)
    panel = Panel.from_series(list(waves()))
    moved = panel.replace(values=panel.values + np.float32(2), offset=panel.offset - 2)
    assert np.allclose(model.predict_proba(moved), model.predict_proba(panel), atol=1e-6)


def test_a_saved_model_keeps_its_offset(model: ll.TimeSeriesClassifier, tmp_path: Path) -> None:
    loaded = ll.load(model.save(tmp_path / "model"))
    assert (loaded.predict_proba(waves()) == model.predict_proba(waves())).all()
    assert loaded.model_.offset.tolist() == [LEVEL]


def test_a_single_series_is_predicted_as_in_a_panel(model: ll.TimeSeriesClassifier) -> None:
    assert model.predict(waves()[3:4]) == LABELS[3]


def test_ordinary_values_have_no_offset() -> None:
    values = waves(level=20.0)
    panel = Panel.from_series(list(values))
    assert panel.offset.tolist() == [0.0]
    assert (panel.values == values.reshape(-1, 1).astype(np.float32)).all()


@given(st.floats(1e-3, 1e6), st.floats(-1e12, 1e12))
def test_values_are_kept_within_the_resolution_of_float32(scale: float, level: float) -> None:
    values = waves(level, scale)
    panel = Panel.from_series(list(values))
    found = np.stack([panel.series(row) for row in range(SERIES)])
    signal = scale + np.spacing(level)
    assert np.abs(found - values).max() <= 2e-3 * signal


@given(st.sampled_from([-999.0, -9999.0, 0.0]))
def test_sentinels_change_no_offset(sentinel: float) -> None:
    values = waves()[:, :, 0].ravel()
    values[::50] = sentinel
    assert abs(choose_offset(values) - LEVEL) < 10


def test_different_levels_of_series_are_noted() -> None:
    values = waves(level=0.0) + 1e9 * np.arange(SERIES)[:, None, None]
    assert Panel.from_series(list(values)).notes == (
        "the changes from step to step in channel 'channel_0' are too small beside its range for float32, so they are "
        "lost; subtract the level of each series, or use differences",
    )


def test_statistics_and_written_tables_include_the_offset(tmp_path: Path) -> None:
    panel = of_parquet(tmp_path)
    ll.write_table(panel, tmp_path / "written")
    column = parquet.read_table(tmp_path / "written" / "series.parquet")["x"].to_numpy()
    assert np.allclose(column, waves().ravel(), rtol=0, atol=1e-6)
    from limelight.data.statistics import channel_statistics

    assert channel_statistics(panel).mean[0] == pytest.approx(waves().mean(), abs=1e-6)
