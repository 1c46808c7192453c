"""The content of the page as plain data, for every kind of task."""

import base64
import json

import numpy as np
import plotly.graph_objects
import pytest

from limelight.data.outline import outline
from limelight.errors import InternalError
from limelight.evaluation.verdict import verdict
from limelight.report.content import collect
from limelight.report.curves import score_curves, thin
from limelight.report.explanations import collect_importance, frequency_figure
from limelight.report.highlights import choose_highlights
from limelight.report.inputs import StepImportance
from limelight.report.plotting import ACCENT, COLOURS, FAINT, INK, LINE, QUIET, WRONG
from limelight.report.series import MOST_CHANNELS, series_figure
from limelight.web.assets import read_assets

KINDS = ["series", "labels", "steps", "labels of steps"]


def figures(content):
    """Every plotly figure in the content."""
    if isinstance(content, dict):
        if {"data", "layout"} <= content.keys():
            yield content
            return
        content = list(content.values())
    if isinstance(content, list):
        for one in content:
            yield from figures(one)


def decoded(packed):
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=np.dtype(packed["dtype"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")], ids=["two", "three"])
def test_content_is_json_and_figures_fit_plotlys_schema(make_inputs, kind, classes):
    content = collect(make_inputs(40, classes, kind=kind, width=2, extras=True))
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    drawn = list(figures(content))
    assert len(drawn) > 8
    for figure in drawn:
        plotly.graph_objects.Figure(figure)  # refuses what its schema does not know


@pytest.mark.parametrize(
    ("kind", "classes", "there"),
    [
        ("series", ("a", "b"), {"confusion", "thresholds"}),
        ("series", ("a", "b", "c"), {"confusion"}),
        ("labels", ("a", "b", "c"), {"confusion_of_labels", "thresholds"}),
        ("steps", ("a", "b", "c"), {"confusion", "events"}),
        ("labels of steps", ("a", "b"), {"confusion_of_labels", "thresholds", "events"}),
    ],
)
def test_sections_appear_if_they_apply(make_inputs, kind, classes, there):
    content = collect(make_inputs(40, classes, kind=kind, extras=True))
    decision = content["decision"]
    matrices = {"confusion": content["confusion"]["matrix"], "confusion_of_labels": content["confusion"]["of_labels"]}
    found = {name for name, one in {**matrices, "events": content["events"]}.items() if one}
    assert found | {name for name in ("thresholds",) if decision[name]} == there
    assert decision["calibration"]
    assert decision["sets"]["target"] == 0.8
    assert [group["field"] for group in content["groups"]] == ["place"]


def test_probabilities_without_calibration_are_shown_once(make_inputs):
    inputs = make_inputs(40, ("a", "b", "c"), extras=True)
    calibration = inputs.metrics["decision"]["calibration"]
    calibration["after"] = calibration["before"]
    found = collect(inputs)["decision"]["calibration"]
    assert not found["changed"]
    assert found["table"]["head"] == ["Lower is better", "As trained"]
    assert found["per_class"]["head"] == ["Calibration error", "As trained", "Known"]
    assert [trace["name"] for trace in found["figure"]["data"]] == ["perfect", "as trained"]


def test_optional_measurements_may_be_absent(make_inputs):
    content = collect(make_inputs())
    assert [content[name] for name in ("decision", "events", "groups", "metadata")] == [None, None, [], None]
    assert content["explanations"]["measured"] is None


def test_the_report_states_that_metadata_have_no_weight(make_inputs):
    inputs = make_inputs(extras=True)
    inputs.metrics["training"] = {"notes": ["encoder: blocks", "metadata have the weight 0: no gain"]}
    assert collect(inputs)["metadata"]["notes"] == ["Metadata have the weight 0: no gain."]


def test_headline_numbers_have_baseline_and_interval(make_inputs):
    inputs = make_inputs(sharp=0.8)
    test, baseline = inputs.metrics["test"], inputs.metrics["baseline"]
    accuracy, f1, balanced, area = collect(inputs)["scores"]["headline"]
    assert accuracy == {
        "title": "Accuracy",
        "note": "share of correct predictions",
        "value": test["accuracy"],
        "baseline": baseline["accuracy"],
        "interval": test["intervals"]["accuracy"],
    }
    assert [one["title"] for one in (f1, balanced, area)] == ["F1", "Balanced accuracy", "ROC AUC"]
    assert f1["note"] == "of 'ok'"
    assert area["interval"] is None


def test_the_verdict_counts_correct_series():
    metrics = {"test": {"n": 2000, "accuracy": 0.75}, "baseline": {"accuracy": 0.75}}
    assert verdict(metrics) == (
        "1,500 of 2,000 series were classified correctly (75.0 %). The model is no better than guessing: "
        "always predicting the most frequent class would be correct for 75.0 %."
    )


def test_the_verdict_does_not_round_up_to_100_percent():
    metrics = {"test": {"n": 5000, "accuracy": 0.9998}, "baseline": {"accuracy": 0.5}}
    assert verdict(metrics).startswith("4,999 of 5,000 series were classified correctly (more than 99.9 %).")
    metrics["test"]["accuracy"] = 1.0
    assert verdict(metrics).startswith("All 5,000 series were classified correctly.")


def test_the_verdict_mentions_a_baseline_that_may_be_as_good():
    test = {"n": 100, "accuracy": 0.6, "intervals": {"accuracy": [0.5, 0.7]}}
    assert verdict({"test": test, "baseline": {"accuracy": 0.55}}) == (
        "60 of 100 series were classified correctly (60.0 %). The model is not shown to be better than guessing: always "
        "predicting the most frequent class would be correct for 55.0 %, which lies within its 95 % interval."
    )


def test_the_verdict_names_an_accuracy_above_guessing():
    test = {"n": 40, "accuracy": 1.0, "intervals": {"accuracy": [0.912, 1.0]}}
    assert verdict({"test": test, "baseline": {"accuracy": 0.25}}) == (
        "All 40 series were classified correctly. The model is shown to be better than guessing: its accuracy is at "
        "least 91.2 % (95 % interval), and always predicting the most frequent class would be correct for 25.0 %."
    )


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        (
            [0.7, 0.9],
            "Always predicting the most frequent class would be correct for 95.0 %; but if every class counts equally, "
            "the model is shown to be better than guessing: its balanced accuracy is at least 0.700 (95 % interval) "
            "compared with 0.500.",
        ),
        (
            [0.4, 0.9],
            "The model is not shown to be better than guessing: always predicting the most frequent class would be "
            "correct for 95.0 %; if every class counts equally, it is better, but not beyond chance: a balanced "
            "accuracy of 0.800 compared with 0.500.",
        ),
    ],
)
def test_the_verdict_on_rare_classes_uses_balanced_accuracy(ends, sentence):
    test = {"n": 100, "accuracy": 0.9, "balanced_accuracy": 0.8, "intervals": {"balanced_accuracy": ends}}
    baseline = {"accuracy": 0.95, "balanced_accuracy": 0.5}
    found = verdict({"test": test, "baseline": baseline}, "steps")
    assert found == f"90 of 100 steps were classified correctly (90.0 %). {sentence}"


def test_the_verdict_on_several_labels_counts_single_labels():
    test = {"n": 10, "accuracy": 0.5, "hamming_loss": 0.2, "per_class": {"rain": {}, "fog": {}}}
    assert verdict({"test": test, "baseline": {"hamming_loss": 0.4}}, "steps") == (
        "Of the single labels, 80.0 % are correct; all labels are correct for 50.0 % of the steps. "
        "The model is not shown to be better than guessing: always predicting the most frequent value of each label "
        "would be correct for 60.0 %."
    )


def test_the_most_confident_mistakes_come_first(make_inputs):
    inputs = make_inputs(200, sharp=0.3)
    choice = choose_highlights(inputs)
    sureness = inputs.prediction.probabilities.max(axis=1)
    wrong = inputs.prediction.labels != inputs.panel.labels
    assert sureness[choice.wrong].tolist() == sorted(sureness[wrong], reverse=True)[:6]
    assert choice.wrong_total == wrong.sum()


def test_the_least_certain_correct_predictions_come_next(make_inputs):
    inputs = make_inputs(200, ("a", "b", "c"))
    choice = choose_highlights(inputs)
    best = np.sort(inputs.prediction.probabilities, axis=1)
    margins = best[:, -1] - best[:, -2]
    shown = [*choice.wrong, *choice.confident.values()]
    assert margins[choice.uncertain] == pytest.approx(np.sort(np.delete(margins, shown))[:6])


def test_predictions_near_the_threshold_are_uncertain(make_inputs):
    inputs = make_inputs(200, sharp=0.8, extras=True)
    (threshold,) = inputs.prediction.thresholds
    choice = choose_highlights(inputs)
    distance = np.abs(inputs.prediction.probabilities[:, 1] - threshold)
    others = np.delete(distance, [*choice.wrong, *choice.confident.values()])
    assert distance[choice.uncertain] == pytest.approx(np.sort(others)[:6])


def test_the_series_with_the_most_wrong_steps_come_first(make_inputs):
    inputs = make_inputs(50, ("a", "b", "c"), kind="steps", sharp=1.0)
    labelled = inputs.labelled
    wrong = (labelled.codes != -1) & (labelled.codes != labelled.decisions)
    counts = np.array([wrong[inputs.slice_of(row)].sum() for row in range(50)])
    assert counts[choose_highlights(inputs).wrong].tolist() == np.sort(counts)[::-1][:6].tolist()


def test_a_label_is_shown_by_its_most_probable_series(make_inputs):
    inputs = make_inputs(60, ("a", "b", "c"), kind="labels", sharp=1.0)
    truth, chances = inputs.labelled.codes, inputs.prediction.probabilities
    for place, row in enumerate(choose_highlights(inputs).confident.values()):
        assert chances[row, place] == chances[truth[:, place] == 1, place].max()


def test_curves_of_many_predictions_are_thinned_and_keep_their_area(make_inputs):
    inputs = make_inputs(5000, sharp=0.5)
    curves = score_curves(inputs)
    (trace, _) = curves["roc"]["data"]
    x, y = decoded(trace["x"]), decoded(trace["y"])
    assert len(x) <= 300
    assert np.trapezoid(y, x) == pytest.approx(inputs.metrics["test"]["roc_auc"], abs=0.005)
    (trace,) = curves["precision_recall"]["data"]
    assert np.trapezoid(decoded(trace["y"]), decoded(trace["x"])) == pytest.approx(
        inputs.metrics["test"]["average_precision"], abs=0.01
    )


def test_curves_of_many_classes_show_the_most_frequent(make_inputs):
    curves = score_curves(make_inputs(150, [f"class {code:02d}" for code in range(15)]))
    assert len(curves["keys"]) == len(curves["precision_recall"]["data"]) == 12
    assert curves["omitted"] == 3


def test_thinning_keeps_both_ends():
    points = np.random.default_rng(0).random((5000, 2)).cumsum(axis=0)
    kept = thin(points, 50)
    assert len(kept) <= 50
    assert (kept[0], kept[-1]) == (0, 4999)


def test_an_outline_keeps_every_extreme_and_its_gaps():
    values = np.random.default_rng(0).normal(size=100_000)
    values[40_000:60_000] = np.nan
    kept = outline(values, 2000)
    assert len(kept) <= 2000
    assert np.nanmax(values[kept]) == np.nanmax(values)
    assert np.nanmin(values[kept]) == np.nanmin(values)
    assert np.isnan(values[kept]).any()


def test_a_long_series_is_thinned(make_inputs):
    inputs = make_inputs(2, width=3, steps=(50_000, 50_001))
    for trace in series_figure(inputs, 0)["data"][1:]:
        assert len(decoded(trace["y"])) == len(decoded(trace["x"])) <= 2000


def test_channels_have_panels_and_the_omitted_are_counted(make_inputs):
    inputs = make_inputs(4, width=15, attention=False, units={"channel_0": "bar"})
    figure = series_figure(inputs, 0)
    assert len(figure["data"]) == MOST_CHANNELS
    assert figure["layout"]["annotations"][0]["text"] == "channel 0 (bar)"
    assert collect(inputs)["series"]["omitted_channels"] == 3


def test_attention_is_drawn_behind_the_series(make_inputs):
    inputs = make_inputs()
    behind, channel = series_figure(inputs, 3)["data"]
    assert behind["visible"]
    assert behind["type"] == "heatmap"
    assert behind["z"][0] == pytest.approx(inputs.prediction.attention[3].tolist(), rel=1e-3)
    assert decoded(behind["x"]).tolist() == [step - 0.5 for step in range(len(behind["z"][0]) + 1)]
    assert channel["x0"] == 0


def test_a_gap_of_one_step_survives_thinning():
    values = np.zeros(100_000)
    values[54_321] = np.nan
    assert 54_321 in outline(values, 2000)


def test_a_pause_of_a_regular_clock_is_a_gap(make_inputs):
    inputs = make_inputs(1, steps=(30, 31), attention=True, times=np.append(np.arange(20), 50 + np.arange(10)))
    behind, channel = series_figure(inputs, 0)["data"]
    assert np.flatnonzero(np.isnan(decoded(channel["y"]))).tolist() == [20]
    edges, cells = decoded(behind["x"]), behind["z"][0]
    assert [(edges[k], edges[k + 1]) for k, cell in enumerate(cells) if cell is None] == [(19.5, 49.5)]


def test_labels_of_steps_do_not_span_a_gap(make_inputs):
    times = np.append(np.arange(3), 50 + np.arange(4))
    inputs = make_inputs(1, kind="steps", steps=(7, 8), times=times, sharp=50.0)
    inputs.panel.step_labels.codes[:] = 1
    truth = next(trace for trace in series_figure(inputs, 0)["data"] if trace["type"] == "bar")
    assert decoded(truth["base"]).tolist() == [-0.5, 49.5]
    assert decoded(truth["x"]).tolist() == [3.0, 4.0]


def test_irregular_steps_have_no_gaps(make_inputs):
    times = np.cumsum(np.array([1.0, 2, 4, 7, 11, 16, 22, 29]))
    inputs = make_inputs(1, steps=(8, 9), attention=False, times=times)
    (channel,) = series_figure(inputs, 0)["data"]
    assert not np.isnan(decoded(channel["y"])).any()


def test_importance_is_smoothed_at_the_resolution_of_the_model(make_inputs):
    spikes = np.zeros(200)
    spikes[[50, 150]] = [8.0, -8.0]
    looks = {"evidence": lambda row, target: StepImportance(spikes, "ok", resolution=9)}
    inputs = make_inputs(1, steps=(200, 201), attention=False, explainers=looks)
    cells = np.array(series_figure(inputs, 0)["data"][0]["z"][0])
    assert np.count_nonzero(cells[:100]) == 2 * 9 - 1
    assert cells.max() == pytest.approx(8 / 9, rel=1e-3)
    assert cells[:100].sum() == pytest.approx(8.0, rel=1e-2)


def test_a_recall_of_one_has_an_interval(make_inputs):
    table = collect(make_inputs(40, sharp=50.0))["classes"]
    assert table["head"][3] == "95 % of recall"
    assert table["rows"][0][2:4] == ["1.000", "0.839 to 1.000"]


def test_a_perfect_group_is_not_marked(make_inputs):
    inputs = make_inputs(40, sharp=50.0, extras=True)
    (group,) = collect(inputs)["groups"]
    assert (group["stands_out"], group["table"]["worst"]) == (False, None)


def test_the_script_contains_every_colour_of_the_figures():
    known = read_assets("report.js")
    colours = {INK, QUIET, LINE, ACCENT, WRONG, FAINT, *COLOURS}
    assert {colour for colour in colours if f'"{colour}": "' not in known} == set()


def explainers():
    def occlusion(row, target):
        return StepImportance(np.linspace(-2.0, 1.0, 1_500), target or "rain")

    return {"occlusion": occlusion, "attention": lambda row, target: StepImportance(np.full(1_500, 1 / 1_500))}


def test_each_method_is_a_layer_and_the_first_is_visible(make_inputs):
    inputs = make_inputs(4, steps=(1_500, 1_501), attention=False, explainers=explainers())
    first, second, channel = series_figure(inputs, 0)["data"]
    assert [(one["name"], one["visible"]) for one in (first, second)] == [("occlusion", True), ("attention", False)]
    assert first["zmin"] == -first["zmax"]
    assert first["z"][0][0] == pytest.approx(-2.0, abs=0.02)  # averaged over neighbouring steps
    assert first["zmax"] > 2.0  # no step is important enough for the darkest colour
    assert len(first["z"][0]) == 500
    assert channel["customdata"]["shape"] == "1500, 2"
    assert channel["hovertemplate"] == (
        "%{y:.5~g}<br>occlusion %{customdata[0]:+.2~g} for rain<br>attention %{customdata[1]:.3~g} × uniform"  # noqa: RUF001
    )


def by_channel(row, target):
    channels = np.stack([np.linspace(-1.0, 0.0, 1_500), np.full(1_500, 2.0)], axis=1)
    frequencies = np.stack([np.zeros(700), np.linspace(0.0, 1.0, 700)], axis=1)
    return StepImportance(
        channels.sum(axis=1), "rain", channels=channels, frequencies=frequencies, fields={"mode": 0.5}, base=-1.0
    )


def test_distinguished_channels_have_their_own_colours(make_inputs):
    inputs = make_inputs(
        4, steps=(1_500, 1_501), width=2, channels=["x", "y"], attention=False, explainers={"evidence": by_channel}
    )
    figure = series_figure(inputs, 0)
    behind, upper, lower = figure["data"]
    domains = [figure["layout"][axis]["domain"] for axis in ("yaxis2", "yaxis3")]
    assert behind["y"] == [*domains[1], *domains[0]]
    assert [row[0] for row in behind["z"]] == [2.0, None, pytest.approx(-1.0, abs=0.01)]
    assert upper["customdata"] != lower["customdata"]
    assert upper["hovertemplate"] == lower["hovertemplate"] == "%{y:.5~g}<br>evidence %{customdata[0]:+.2~g} for rain"


def test_a_card_shows_the_sum_of_the_logit(make_inputs):
    inputs = make_inputs(4, steps=(1_500, 1_501), width=2, attention=False, explainers={"evidence": by_channel})
    card = collect(inputs)["series"]["confident"][0]
    (found,) = card["sums"]
    assert found["parts"][0] == ("an average series", -1.0)
    assert found["parts"][1] == ("its 1,500 time steps", pytest.approx(1_500 * 1.5))
    assert found["parts"][2] == ("mode", 0.5)
    assert found["logit"] == pytest.approx(1_500 * 1.5 - 0.5)


def test_frequencies_are_drawn_for_the_most_important_channels(make_inputs):
    inputs = make_inputs(
        4, steps=(1_500, 1_501), width=2, channels=["x", "y"], attention=False, explainers={"evidence": by_channel}
    )
    figure = frequency_figure(inputs.panel, {"evidence": by_channel(0, None)})
    assert [trace["name"] for trace in figure["data"]] == ["x", "y"]
    assert figure["data"][1]["x"][:3] == [1.0, 3.0, 5.0]
    assert sum(figure["data"][1]["y"]) == pytest.approx(350.0, rel=1e-3)
    assert frequency_figure(inputs.panel, {"attention": StepImportance(np.ones(4))}) is None


def test_a_label_is_explained_by_its_most_probable_series(make_inputs):
    inputs = make_inputs(
        30, ("hail", "rain"), kind="labels", steps=(1_500, 1_501), attention=False, explainers=explainers()
    )
    shown = collect(inputs)["series"]
    assert [card["target"] for card in shown["confident"]] == ["hail", "rain"]
    assert {card["target"] for card in shown["uncertain"] if card["figure"]} == {"rain"}


def test_importance_is_sorted_by_loss_of_score(make_inputs):
    drops = {f"lpc{number:02d}": {"mean": number / 100, "deviation": 0.01} for number in range(15)}
    stretches = {"0-50 %": {"mean": 0.2, "deviation": 0.0}, "50-100 %": {"mean": 0.1, "deviation": 0.0}}
    found = {"score": 0.9, "series": 40, "repeats": 3, "channels": drops, "stretches": stretches, "fields": {}}
    content = collect_importance(found)
    parts, over_time = content["figures"].values()
    assert parts["layout"]["yaxis"]["ticktext"][:2] == ["channel lpc14", "channel lpc13"]
    assert parts["data"][0]["x"][:2] == [0.14, 0.13]
    assert parts["data"][0]["error_x"]["array"] == [0.01] * 12
    assert content["omitted"] == 3
    assert next(iter(content["figures"])) == "Channels"
    assert over_time["layout"]["xaxis"]["ticktext"] == ["0", "100"]
    assert over_time["data"][0]["y"] == [0.2, 0.1]


def test_a_single_channel_has_no_importance_figure():
    found = {"score": 0.9, "series": 40, "repeats": 3, "channels": {"wave": {"mean": 0.4, "deviation": 0.0}}}
    content = collect_importance({**found, "stretches": {"0-100 %": {"mean": 0.4, "deviation": 0.0}}})
    assert list(content["figures"]) == ["Stretches of each series"]


def test_the_true_interval_is_marked_if_known(make_inputs):
    inputs = make_inputs()
    (mark,) = series_figure(inputs, 0)["layout"]["shapes"]
    assert (mark["x0"], mark["x1"]) == (4.5, 11.5)
    assert series_figure(inputs, 1)["layout"]["shapes"] == []


def test_true_and_predicted_step_labels_are_drawn_as_bars(make_inputs):
    inputs = make_inputs(5, kind="steps", sharp=50.0)
    bars = [trace for trace in series_figure(inputs, 0)["data"] if trace["type"] == "bar"]
    truth, right = bars[0], next(bar for bar in bars if bar["marker"]["color"] == "#0b6e99")
    begins = np.flatnonzero(np.diff(np.append(0, inputs.labelled.codes[inputs.slice_of(0)] == 1)) == 1)
    assert decoded(truth["base"]) == pytest.approx(begins - 0.5)
    assert set(truth["y"]) == {0.2}
    assert set(right["y"]) == {-0.2}


def test_dates_are_drawn_as_dates(make_inputs):
    times = np.datetime64("2024-01-01T00:00:00") + np.arange(10_000) * np.timedelta64(1, "h")
    plain = make_inputs(3)
    figure = series_figure(make_inputs(3, times=times[: len(plain.panel.values)]), 0)
    assert figure["layout"]["xaxis"]["type"] == "date"
    assert decoded(figure["data"][-1]["x"])[0] == 1_704_067_200_000


def test_names_are_not_read_as_plotlys_html(make_inputs):
    inputs = make_inputs(channels=["<b>x</b>", "y"], width=2)
    figure = series_figure(inputs, 0)
    assert figure["layout"]["annotations"][0]["text"] == "&lt;b&gt;x&lt;/b&gt;"
    assert figure["data"][1]["name"] == "&lt;b&gt;x&lt;/b&gt;"


def test_series_without_labels_are_an_internal_error(make_inputs):
    inputs = make_inputs()
    inputs.panel.labels = None
    with pytest.raises(InternalError, match=r"^a report needs labelled series, got series without labels$"):
        collect(inputs)
