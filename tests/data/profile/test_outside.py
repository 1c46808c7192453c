import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.data.panel import Panel
from limelight.data.profile.outside import OutsideTraining, check_panel
from limelight.data.profile.training_profile import TrainingProfile, fit_training_profile
from limelight.errors import ModelFolderError
from support.errors import message_of

N, LENGTH = 60, 80


def sensors(seed: int = 0, n: int = N, length: int = LENGTH, step: float = 1.0, **attributes: Any) -> Panel:
    """A temperature around 22 and a vibration around 0, with a clock."""
    rng = np.random.default_rng(seed)
    series = [
        np.column_stack([22 + rng.normal(0, 1) + rng.normal(0, 1, length), rng.normal(0, rng.uniform(2, 4), length)])
        for _ in range(n)
    ]
    times = [np.arange(length) * step for _ in range(n)]
    return Panel.from_series(series, channels=["temperature", "vibration"], times=times, **attributes)


PROFILE = fit_training_profile(sensors())


def changed(change: Any, seed: int = 1) -> OutsideTraining:
    panel = sensors(seed)
    return check_panel(
        PROFILE, Panel.from_series([change(one) for one in map(panel.series, range(N))], channels=panel.channels)
    )


def scaled(channel: int, factor: float, offset: float = 0.0) -> Any:
    def change(values: Any) -> Any:
        values = values.copy()
        values[:, channel] = values[:, channel] * factor + offset
        return values

    return change


def filled(channel: int, value: float, first: int = 0) -> Any:
    def change(values: Any) -> Any:
        values = values.copy()
        values[first:, channel] = value
        return values

    return change


def test_new_series_of_the_same_kind_are_inside() -> None:
    found = check_panel(PROFILE, sensors(1))
    assert (found.lines(), found.unexpected, set(found.reasons)) == ([], False, {None})


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        (filled(1, np.nan), "empty", "vibration"),
        (filled(1, np.nan, LENGTH // 2), "missing", "vibration"),
        (filled(1, 0.0), "frozen", "vibration"),
        (filled(1, 0.5, LENGTH // 2), "frozen", "vibration"),
        (lambda values: values[:, ::-1], "swapped", "temperature"),
        (lambda values: values[: LENGTH // 3], "length", ""),
        (lambda values: np.repeat(values, 4, axis=0)[:LENGTH], "frozen", "vibration"),
        (lambda values: values.cumsum(axis=0) * [0, 0.1] + values * [1, 0], "noise", "vibration"),
    ],
)
def test_each_kind_of_change_is_found(change: Any, kind: str, name: str) -> None:
    found = changed(change)
    assert (kind, name) in {(one.kind, one.name) for one in found.findings}
    assert found.unexpected


@pytest.mark.parametrize(
    ("channel", "factor", "offset", "meaning"),
    [
        (0, 1.8, 32.0, "°F instead of °C"),
        (0, 1.0, 273.15, "K instead of °C"),
        (1, 9.80665, 0.0, "m/s² instead of g (times 9.80665)"),
        (1, 0.001, 0.0, "a unit such as V instead of one such as mV (divided by 1000)"),
    ],
)
def test_a_change_of_unit_is_named(channel: int, factor: float, offset: float, meaning: str) -> None:
    found = changed(scaled(channel, factor, offset))
    assert [(one.kind, one.detail) for one in found.findings] == [("unit", f"looks like {meaning}")]


def test_an_offset_without_a_unit_is_named() -> None:
    (finding,) = changed(scaled(0, 1.0, -40.0)).findings
    assert finding.detail.startswith("looks like the values of training shifted by -4")


def test_stated_units_that_differ_are_found() -> None:
    profile = fit_training_profile(sensors(units={"vibration": "g"}))
    found = check_panel(profile, sensors(1, units={"vibration": "mg"}))
    assert found.lines()[1] == "unit or scale: 'vibration' in mg instead of g, in 60 of 60 series"


def test_another_time_step_is_found() -> None:
    found = check_panel(PROFILE, sensors(1, step=0.5))
    assert found.lines()[1] == "time step outside training 0.5, in training 1, in 60 of 60 series"


def test_unseen_categories_and_combinations_are_found() -> None:
    table = pa.table({"site": ["x", "y"] * 30, "mode": ["a", "b"] * 30})
    profile = fit_training_profile(sensors(metadata=table))
    found = check_panel(profile, sensors(1, n=3, metadata=pa.table({"site": ["x", "z", "y"], "mode": ["a", "a", "a"]})))
    assert found.reasons == [None, "metadata of site", "metadata of site and mode"]


def test_a_field_of_ids_is_not_checked() -> None:
    table = pa.table({"serial": [f"n{number}" for number in range(N)]})
    assert fit_training_profile(sensors(metadata=table)).metadata.fields == ()


def test_ignored_fields_are_not_checked() -> None:
    table = pa.table({"subject": ["x", "y"] * 30})
    assert fit_training_profile(sensors(metadata=table), ["subject"]).metadata.fields == ()


@pytest.mark.parametrize("words", [["train"], ["Training", "valid"]])
def test_a_field_of_parts_is_not_checked(words: list[str]) -> None:
    panel = sensors()
    table = pa.table({"set": [words[row % len(words)] for row in range(len(panel))]})
    assert fit_training_profile(panel.replace(metadata=table)).metadata.fields == ()


def test_one_faulty_training_series_does_not_widen_the_limits() -> None:
    faulty = sensors()
    faulty.values[:LENGTH, 1] *= 1000
    panel = sensors(1)
    panel.values[:, 1] *= 1000
    assert len(check_panel(fit_training_profile(faulty), panel).rows) == N


def test_a_level_far_from_zero_is_checked_exactly() -> None:
    def level(height: float) -> Panel:
        return Panel.from_series([height + np.random.default_rng(row).normal(0, 1, 50) for row in range(40)])

    assert len(check_panel(fit_training_profile(level(1e8)), level(1e8)).rows) == 0
    assert len(check_panel(fit_training_profile(level(1e8)), level(1e8 + 30)).rows) == 40


def test_a_profile_survives_json() -> None:
    again = TrainingProfile.from_json(json.loads(json.dumps(PROFILE.to_json())))
    assert check_panel(again, sensors(1, step=2.0)).lines() == check_panel(PROFILE, sensors(1, step=2.0)).lines()


def test_a_damaged_profile_is_refused() -> None:
    assert message_of(ModelFolderError, TrainingProfile.from_json, {"channels": []}) == (
        "expected a training profile, got \"{'channels': []}\"; the model is damaged or from a newer limelight"
    )


@pytest.mark.parametrize("entry", [{"series": 0}, {"series": float("inf")}, {"outside": 2.0}, {"lengths": [0.0] * 51}])
def test_a_profile_of_impossible_counts_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(
        ModelFolderError, match="expected a training profile, got .*; the model is damaged or from a newer"
    ):
        TrainingProfile.from_json(PROFILE.to_json() | entry)


def test_many_outside_in_training_make_some_expected() -> None:
    assert PROFILE.more_outside_than_expected(12, 60)
    assert not replace(PROFILE, outside=0.2).more_outside_than_expected(12, 60)
