"""Monitoring: the accuracy without labels, drift of channels and fields, limits, and the page."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp, kstest

from limelight.data.panel import Panel
from limelight.data.profile.training_profile import SHARES
from limelight.errors import DataError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.monitoring.drift import compare_with_quantiles, holm
from limelight.evaluation.monitoring.monitor import monitor_model
from limelight.report.monitor_page import write_monitor_page
from support.models import random_network_model

CHANNELS = ["force", "speed"]


def series(n, seed, level=0.0, mode="run", noise=0.6):
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 30, 2)) + np.where(np.arange(n) % 2, noise, 0.0)[:, None, None]
    values[:, :, 0] += level
    fields = pa.table({"mode": [mode if row % 3 else "idle" for row in range(n)]})
    return Panel.from_series(values, labels=["a", "b"] * (n // 2), channels=CHANNELS, metadata=fields)


@pytest.fixture(scope="module")
def model():
    encoder = {"name": "rocket", "features": 252}
    return TimeSeriesClassifier(encoder, fusion=[], random_state=0).fit(series(160, 0)).model_


def true_accuracy(model, panel):
    return float((model.predict(panel).labels == panel.labels).mean())


def test_the_accuracy_of_unshifted_series_is_estimated(model):
    panel = series(400, 1)
    found = monitor_model(model, panel)
    assert found.accuracy == pytest.approx(true_accuracy(model, panel), abs=0.05)
    assert found.interval[0] < true_accuracy(model, panel) < found.interval[1]
    assert found.drifted == []


def test_the_estimate_falls_with_the_accuracy(model):
    panel = series(200, 2, level=4.0)
    found, usual = monitor_model(model, panel), monitor_model(model, series(200, 2))
    assert true_accuracy(model, panel) < usual.accuracy - 0.1
    assert found.accuracy < usual.accuracy - 0.05


def test_the_drifted_channel_comes_first(model):
    drifted = monitor_model(model, series(200, 3, level=1.0)).drifted
    first = next(one for one in drifted if one.kind == "channel")
    assert (first.name, first.what) == ("force", "level")
    assert first.now - first.before == pytest.approx(1.0, abs=0.2)
    assert "speed" not in {one.name for one in drifted}


def test_unseen_metadata_values_are_drift(model):
    drifted = monitor_model(model, series(60, 3, mode="boost")).drifted
    assert [(one.name, one.now) for one in drifted if one.kind == "metadata"] == [("mode", pytest.approx(2 / 3))]


def test_exceeded_limits_are_named(model):
    limits = {"least_accuracy": 0.99, "most_drop": 0.5, "most_outside": 0.0}
    found = monitor_model(model, series(60, 4, level=9.0), limits)
    assert found.passed == (
        f"the estimated accuracy is {found.accuracy:.3f}, below 0.99",
        "the share of series outside the training data is 1.000, above 0",
    )
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert content["passed"] == list(found.passed)
    assert content["drift"][0]["drifted"] is True


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"least_acuracy": 0.5}, "expected the limits 'least_accuracy', 'most_drop', 'most_outside', got 'least_acuracy'; "
         "did you mean 'least_accuracy'?"),
        ({"most_drop": 5}, "expected most_drop from 0 to 1, got 5; use for example 0.8"),
    ],
)  # fmt: skip
def test_impossible_limits_are_refused(model, limits, message):
    with pytest.raises(ParameterError) as error:
        monitor_model(model, series(4, 0), limits)
    assert str(error.value) == message


def test_a_model_without_a_profile_cannot_be_monitored():
    with pytest.raises(ParameterError) as error:
        monitor_model(random_network_model(), Panel.from_series(np.zeros((2, 5, 2))))
    assert str(error.value) == (
        "expected a model with a training profile that was calibrated on held-out series, got one without; train it "
        "again, with more series or a larger validation split"
    )


def test_no_series_are_refused(model):
    with pytest.raises(DataError) as error:
        monitor_model(model, series(4, 0)[:0])
    assert str(error.value) == "expected at least one series to monitor, got none"


def test_p_values_of_many_tests_are_corrected_by_hand():
    # by hand: sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1, made to rise
    assert holm([0.01, 0.04, 0.03, 0.005]) == [0.03, 0.06, 0.06, 0.02]


def test_false_alarms_of_the_drift_test_are_rare():
    random, alarms = np.random.default_rng(0), 0
    for _ in range(400):
        quantiles = np.quantile(random.normal(size=100), SHARES)
        alarms += compare_with_quantiles(random.normal(size=80), quantiles, 100)[1] < 0.05
    assert alarms / 400 < 0.07


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_the_distance_is_about_that_of_scipy(shift):
    random = np.random.default_rng(1)
    before, now = random.normal(size=1000), random.normal(size=500) + shift
    distance, p = compare_with_quantiles(now, np.quantile(before, SHARES), 1000)
    reference = ks_2samp(before, now)
    assert distance == pytest.approx(reference.statistic, abs=0.03)
    assert (p < 0.001) == (reference.pvalue < 0.001)


def test_a_value_shared_by_most_series_is_not_drift():
    quantiles = np.quantile(np.repeat([0.0, 1.0], [90, 10]), SHARES)
    assert compare_with_quantiles(np.repeat([0.0, 1.0], [45, 5]), quantiles, 100)[1] == 1.0
    assert compare_with_quantiles(np.repeat([0.0, 1.0], [5, 45]), quantiles, 100)[1] < 1e-6


def test_confidences_between_quantiles_are_uniform():
    assert kstest(np.linspace(0, 1, 200), "uniform").pvalue == pytest.approx(1)
    assert compare_with_quantiles(np.linspace(0, 1, 200), SHARES, 200) == (pytest.approx(0, abs=1e-9), 1.0)


def test_the_page_shows_drifted_channels(model, tmp_path):
    panel = series(60, 3, level=2.0)
    found = monitor_model(model, panel, {"most_outside": 0.0})
    page = write_monitor_page(tmp_path / "page", found, model.training_profile, panel, "<run>").read_text()
    assert "&lt;run&gt;" in page
    assert "force: level" in page
    assert "Limit passed: the share of series outside" in page
    assert (tmp_path / "page" / "plotly.min.js").is_file()


def test_the_command_exits_with_3_if_a_limit_is_exceeded(model, tmp_path):
    from limelight.data.writing import write_table
    from limelight.model.bundle import save_model

    save_model(model, tmp_path / "run")
    write_table(series(40, 3, level=9.0).replace(labels=None), tmp_path / "new.parquet")
    command = [sys.executable, "-m", "limelight", "monitor", "run", "new.parquet"]
    done = subprocess.run(
        [*command, "--most-outside", "0.05"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "limit passed: the share of series outside the training data is 1.000, above 0.05" in done.stdout
    assert json.loads((tmp_path / "monitor" / "monitor.json").read_text())["limits"] == {"most_outside": 0.05}
    again = subprocess.run([*command, "--overwrite"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


def test_the_estimator_monitors_and_abstains():
    train = series(100, 0)
    rule = {"abstain": {"coverage": 0.5}}
    estimator = TimeSeriesClassifier({"name": "rocket", "features": 84}, fusion=[], random_state=0, decision=rule)
    estimator.fit(train)
    assert estimator.monitor(series(20, 1), most_outside=1.0).to_json()["series"] == 20
    sure = estimator.predict_proba(train).max(axis=1)
    abstains = estimator.abstains(train)
    assert sure[~abstains].min() > sure[abstains].max()


def test_abstaining_without_a_rule_is_refused():
    estimator = TimeSeriesClassifier({"name": "rocket", "features": 84}, fusion=[], random_state=0).fit(series(30, 0))
    with pytest.raises(ParameterError) as error:
        estimator.abstains(series(4, 0))
    assert str(error.value) == "expected a model fitted with decision={'abstain': ...}, got one without"
