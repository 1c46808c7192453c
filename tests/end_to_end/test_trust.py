"""Choice of sets, natural shifts and chance in the benchmark ``trust``."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def sets() -> ModuleType:
    from benchmarks import ucr_datasets

    return ucr_datasets


def write_set(folder: Path, name: str, values: np.ndarray, labels: list[int], training: int) -> None:
    np.savez(folder / f"{name}.npz", values=values, labels=labels, training=training)


def test_sets_are_chosen_by_size_only(sets: ModuleType, tmp_path: Path) -> None:
    sizes = {"Long": (80, 501), "Small": (59, 20), "Fits": (60, 500), "ECG200": (100, 96), "Large": (1001, 20)}
    for name, (training, steps) in sizes.items():
        write_set(tmp_path, name, np.zeros((training + 1, steps)), [0] * (training + 1), training)
    assert [file.stem for file in sets.chosen_ucr_sets(tmp_path, ["ecg_200"])] == ["Fits"]


def test_years_are_matched_by_identical_series(sets: ModuleType, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(6, 10))
    write_set(tmp_path, "GunPointAgeSpan", values, [1, 2, 1, 2, 1, 2], 3)
    write_set(tmp_path, "GunPointOldVersusYoung", values[::-1], [2, 2, 2, 1, 1, 1], 3)
    data = sets.natural_ucr_sets(tmp_path)["gun_point_years"]()
    assert (data.split.train.tolist(), data.split.test.tolist()) == ([0, 1, 2], [3, 4, 5])
    assert data.panel.labels.tolist() == ["1", "2", "1", "2", "1", "2"]


@pytest.mark.parametrize("labelled", [None, 60])
def test_chance_within_four_points_equals_a_simulation(labelled: int | None) -> None:
    from benchmarks.pages.trust import share_by_chance

    random = np.random.default_rng(0)
    measured = random.binomial(50, 0.9, 200_000) / 50
    estimate = 0.9 if labelled is None else random.binomial(labelled, 0.9, 200_000) / labelled
    close = (np.abs(measured - estimate) <= 0.04 + 1e-9).mean()
    assert share_by_chance(0.9, 50, labelled) == pytest.approx(close, abs=0.005)


def test_page_of_trust_is_up_to_date() -> None:
    from benchmarks.pages.trust import PAGE, render_trust

    assert render_trust() == PAGE.read_text(), "run python -m benchmarks.pages.trust"
