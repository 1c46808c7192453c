"""Write ``docs/results.md`` from the files in ``benchmarks/results``, so that no number in it is typed by hand.

python benchmarks/results_page.py
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from explanations_page import explanations_section
from found import HERE, read
from peers_page import archive_section, growth_section, recurrence_section, sine_peers_section, speed_section


def spread(values: Sequence[float], digits: int) -> str:
    """Say mean and standard deviation."""
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def made_with(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    threads = found["machine"]["threads"]
    label_for = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{label_for} of a {found['machine']['processor']} machine without a GPU; {versions}."


def sine_section() -> str:
    found = read("sine.json")
    article, ours, times = found["article"], found["limelight"], found["step"]
    reached = article["seconds_to_validation_f1"]
    hits = [one["seconds_to_validation_f1"] for one in ours]
    places = [one["localisation"] for one in ours]
    inside, even = ([place[name] for place in places] for name in ("attention_inside", "attention_inside_uniform"))
    peak = [place["peak_inside"] for place in places]
    whole = article["seconds"] / statistics.mean(hits)
    return f"""## The sine waves

`python benchmarks/sine.py`, both sides in one run on {made_with(found)}

10,000 waves of 500 steps, 70/10/20. The article's training (BiLSTM 32, attention 64, Adam 1e-3, batches of 32, patience 5, at
most 50 epochs; it stopped after {article["epochs"]}) is written plainly in torch and keeps its last weights; limelight is the default, {len(ours)} seeds.

| | article | limelight |
|---|---|---|
| seconds of training | {article["seconds"]:.0f} | {spread([one["seconds"] for one in ours], 1)} |
| seconds to validation F1 0.977 | {"never" if reached is None else f"{reached:.0f}"} | {spread(hits, 1)} |
| F1 on the 2,000 test waves | {article["test_f1"]:.4f} | {spread([one["test_f1"] for one in ours], 4)} |
| milliseconds a step of the same BiLSTM | {times["bare_ms"]:.1f} | {times["limelight_ms"]:.1f} |

limelight reaches a validation F1 of 0.977 in one {whole:.0f}th of the article's whole run. A step of the same BiLSTM takes
{times["ratio"]:.3f} times as long as in bare torch (median of {len(times["ratios"])} pairs in turn; the middle half lies between
{statistics.quantiles(times["ratios"])[0]:.3f} and {statistics.quantiles(times["ratios"])[2]:.3f}).

Of the attention, {spread(inside, 3)} lies inside the true flat stretch (spread evenly: {statistics.mean(even):.3f}), and its peak
falls inside in {spread(peak, 3)} of the held waves. The network never sees where the stretch is.
"""


def sets_section() -> str:
    found = read("real_sets.json")
    rows = []
    for name, models in found["sets"].items():
        for model in ("conv_lstm", "attention_bilstm"):
            scores, seconds = models[model]["accuracy"], models[model]["seconds"]
            rows.append(
                f"| {name} | {models['baseline']:.3f} | {model} | {spread(scores, 3)} | "
                f"{min(scores):.3f} to {max(scores):.3f} | {statistics.median(seconds):.1f} |"
            )
    table = "\n".join(rows)
    return f"""## Real sets

`python benchmarks/real_sets.py DATA {" ".join(found["sets"])} --seeds {len(scores)}`, on {made_with(found)}

Accuracy on the official test part, mean and standard deviation over {len(scores)} seeds. Defaults were chosen by
cross-validation on training parts; the test parts were scored once.

| set | commonest class | model | accuracy | lowest to highest | seconds of training |
|---|---|---|---|---|---|
{table}

ArrowHead has 36 training series. Convolution kernels with a linear classifier reach about 0.86 to 0.88 there (published for
MiniRocket), so a recurrent network is not the best that can be done on so few series.
"""


def reading_section() -> str:
    found = read("reading.json")
    rows = []
    for kind, readers in found["files"].items():
        ours = statistics.median(readers["limelight"]["seconds"])
        for reader, one in readers.items():
            middle = statistics.median(one["seconds"])
            rows.append(
                f"| {kind}, {found['megabytes'][kind]:.0f} MB | {reader} | {middle:.2f} | "
                f"{min(one['seconds']):.2f} to {max(one['seconds']):.2f} | {middle / ours:.1f} | {one['peak_mb']:.0f} |"
            )
    table = "\n".join(rows)
    return f"""## Reading a long table

`python benchmarks/reading.py --rows {found["rows"]}`, each reading in a process of its own, in turn, on {made_with(found)}

{found["rows"]:,} rows: {found["rows"] // 500:,} series of 500 steps and three channels, with ids, a clock and labels, into separate series. limelight checks
ids, clock, labels and numbers on the way; pandas (`groupby`) and polars (`partition_by`) check nothing.

| file | reader | seconds (median of {len(readers["limelight"]["seconds"])}) | lowest to highest | times limelight | peak MB |
|---|---|---|---|---|---|
{table}
"""


def store_section() -> str:
    found = read("store.json")
    rows = []
    for one in found["sizes"]:
        cells = [f"{one[name][0]:.0f} s, {one[name][1]:.0f} MB" for name in ("pack", "train", "predict")]
        rows.append(
            f"| {one['gigabytes']:g} GB | {one['series']:,} | {' | '.join(cells)} | {one['epoch_seconds']:.0f} s | "
            f"{1e6 * one['epoch_seconds'] / one['series']:.0f} µs |"
        )
    table = "\n".join(rows)
    first, last = found["sizes"][0], found["sizes"][-1]
    series = last["series"] - first["series"]
    grown = {name: (last[name][1] - first[name][1]) * 2**20 / series for name in ("pack", "train", "predict")}
    label_for = ", ".join(f"{name} {bytes_each:.0f}" for name, bytes_each in grown.items())
    return f"""## Data that grows

`python benchmarks/store.py --gigabytes {" ".join(f"{one['gigabytes']:g}" for one in found["sizes"])}`, each command a process of its own, on {made_with(found)}

Values of waves (500 steps, four channels, float32) as a long Parquet table, packed into a store, trained on for one epoch with
evaluation and report, and predicted. Time of the whole command, and its peak of resident memory. The machine was shared, so times
of one size against another are noisy; the peaks are not.

| values | series | pack | train, one epoch | predict | the epoch alone | for each series |
|---|---|---|---|---|---|---|
{table}

From the smallest to the largest the data grows {last["gigabytes"] / first["gigabytes"]:.0f} times. What grows with it in memory is what is known of each
series (id, label, place, answer), in bytes for each: {label_for}; the values of a series take {4 * 500 * 4:,}.
"""


def examples_section() -> str:
    found = read("examples.json")
    rows = []
    for name, one in found["sets"].items():
        of = {
            key: [run[key] for run in one["runs"]]
            for key in ("f1", "balanced_accuracy", "average_precision", "accuracy")
        }
        encoders = Counter(run["model"].split(maxsplit=1)[0].strip(",") for run in one["runs"])
        seconds = statistics.median(run["seconds"] for run in one["runs"])
        rows.append(
            f"| [{name}](../examples/{name}.json) | {one['series']} | {one['baseline']['f1']:.3f} | {spread(of['f1'], 3)} | "
            f"{spread(of['balanced_accuracy'], 3)} | {spread(of['average_precision'], 3)} | {spread(of['accuracy'], 3)} | "
            f"{seconds:.1f} | {', '.join(f'{encoder} {count}' for encoder, count in encoders.items())} |"
        )
    table = "\n".join(rows)
    return f"""## Every kind of label, ragged, missing, irregular

`python examples/data.py --into DATA` and `python benchmarks/examples.py DATA {" ".join(found["sets"])}`, on {made_with(found)}

The experiment files in `examples`, everything else the default, which for labels of series is the encoder `auto`. Official or
seeded test parts, scored once for each seed; mean and standard deviation over 5 seeds (3 for electric_devices). F1 and average
precision are means over the classes or labels, "by shares" is the F1 of knowing only how frequent each is. Accuracy counts
answers that are right in every label. Seconds are those of training and of choosing the encoder, on a machine that was shared.

| set | series | by shares | F1 | balanced accuracy | average precision | accuracy | seconds | encoder, in how many runs |
|---|---|---|---|---|---|---|---|---|
{table}

Published accuracies on the same test parts: JapaneseVowels 0.949 (nearest neighbour with dynamic time warping), PLAID 0.940
(residual convolutions), ElectricDevices 0.728 (residual convolutions). The steps of weather_events and migraine are hard: test
cities and persons are not in training, and persons differ more than their days.

{decision_section(found["sets"])}"""


def _judges(counts: dict[str, int]) -> str:
    """Say which series a decision was chosen on."""
    return f"{counts['validation']:,} of validation" if counts["validation"] else f"{counts['train']:,} left out"


def decision_section(sets: dict[str, Any]) -> str:
    """Tell what calibration, sets and events are worth on the test parts."""
    calibrated, covered, events = [], [], []
    for name, one in sets.items():
        errors, shares, found = (
            [run[key] for run in one["runs"]] for key in ("calibration_error", "coverage", "events")
        )
        if all(errors):
            calibrated.append(
                f"| {name} | {' | '.join(spread([one[when] for one in errors], 3) for when in ('before', 'after'))} |"
            )
        if all(shares):
            covered.append(
                f"| {name} | {_judges(one['counts'])} | {spread([one['coverage'] for one in shares], 3)} | "
                f"{spread([one['mean_size'] for one in shares], 2)} |"
            )
        if all(found):
            means = [f"{statistics.mean(one[key] or 0 for one in found):.1f}" for key in ("predicted", "matched")]
            scores = [spread([one[key] or 0 for one in found], 3) for key in ("precision", "recall", "f1")]
            events.append(f"| {name} | {found[0]['true']} | {' | '.join([*means, *scores])} |")
    return f"""**Calibration.** Expected calibration error on the test part, before and after the temperature that validation series chose.
Where a head is solved there is none: training series left out chose the scale of its logits.

| set | before | after |
|---|---|---|
{chr(10).join(calibrated)}

**Sets** of classes with a stated coverage of 0.9, chosen on the validation part, or on training series left out. An empty set
counts as wrong. With few series to choose on, and where test series are of another kind than these, the coverage is off:

| set | chosen on | coverage on the test part | classes in a set |
|---|---|---|---|
{chr(10).join(covered)}

**Events** in the answers about steps; one is found where a predicted one shares half of its steps with it:

| set | true | predicted | right | precision | recall | F1 |
|---|---|---|---|---|---|---|
{chr(10).join(events)}

suthaharan has one event in the series that it learns from, one in those that choose the threshold and two in the test part, so its
numbers say little. A first setting (no weights, any length, with metadata) had scored an event F1 of 0.02 there over three seeds.
Weights for the rare class, no metadata (they name the mote) and events of a minute or more were then chosen on the training
motes alone, each half held out in turn: event F1 0.67 and 1.00, with thresholds chosen on the half that was held out.
"""


def metadata_section() -> str:
    found = read("metadata.json")
    planted = "\n".join(
        f"| {name} | {statistics.mean(scores):.3f} | {min(scores):.3f} |" for name, scores in found["planted"].items()
    )
    rows = []
    for name, one in found["real"].items():
        for score in ("accuracy", "balanced_accuracy"):
            ways = {way: [run[score] for run in one[way]] for way in ("without", "with")}
            gain = [more - less for more, less in zip(ways["with"], ways["without"], strict=True)]
            rows.append(
                f"| {name} | {score.replace('_', ' ')} | {one['commonest'][score]:.3f} | {spread(ways['without'], 3)} | "
                f"{spread(ways['with'], 3)} | {statistics.mean(gain):+.3f} ± {statistics.stdev(gain):.3f} |"
            )
    table, own, other = "\n".join(rows), found["attention"]["its own mode"], found["attention"]["the other mode"]
    seeds, few = len(one["with"]), len(scores_of(found))
    return f"""## What metadata bring

`python benchmarks/metadata.py DATA --seeds {seeds}`, on {made_with(found)}

**Planted.** A wave with two bumps of opposite sign, and a mode that says which of them is the label: neither alone is worth
anything. Test accuracy, {few} seeds:

| | mean | lowest |
|---|---|---|
{planted}

The attention of one model (fusion `attention`) in the test series, told their own mode and the other one: the share inside the
bump that gives the label is {own["attention_inside"]:.3f} and {other["attention_inside"]:.3f} (spread evenly {own["attention_inside_uniform"]:.3f}). It moves with the mode. As the signs are
opposite, either bump tells the label, and this model has learned to look at the one that does not count.

![Attention in one series under two modes](pictures/modes.png)

**Real.** The experiment files in `examples` with the encoder `conv_lstm`, as they are and with `"fusion": []`; {seeds} seeds, the same for both. Gain is the
mean of the differences with their spread:

| set | score | commonest | without | with | gain |
|---|---|---|---|---|---|
{table}

The facts (whether there was a game; treatment, age, sex; left or right arm) bring nothing beyond the spread on these three,
which are small. On spar_watch the arm even seems to cost some points. `limelight compare` says so before one relies on them.
"""


def scores_of(found: dict[str, Any]) -> list[float]:
    scores: list[float] = next(iter(found["planted"].values()))
    return scores


def alignment_section() -> str:
    found = read("alignment.json")
    rows = []
    for kind, one in found["ids"].items():
        median = {name: 1000 * statistics.median(times) for name, times in one["seconds"].items()}
        rows.append(
            f"| {kind} | {median['limelight']:.0f} | {median['pandas']:.0f} | {median['polars']:.0f} | "
            f"{one['ratio']['pandas']:.1f} | {one['ratio']['polars']:.2f} |"
        )
    table, samples = "\n".join(rows), next(iter(found["ids"].values()))["samples"]
    return f"""## Side signals

`python benchmarks/alignment.py`, all three in turn in one run, on {made_with(found)}

{found["steps"]:,} steps of 3 channels and a side signal of {samples:,} rows, the last value known brought to each step, milliseconds
(median), and how many times as long the others take. pandas is `merge_asof` by series with the sorting that it needs, polars
`join_asof`. All three agree.

| ids | limelight | pandas | polars | pandas / limelight | polars / limelight |
|---|---|---|---|---|---|
{table}
"""


def report_section() -> str:
    found = read("report.json")
    rows = []
    for one in found["pages"]:
        text, loaded, drawn = (statistics.median(one[name]) for name in ("text", "loaded", "drawn"))
        rows.append(
            f"| {one['kind']} | {one['series']:,} | {one['figures']} | {one['page_bytes'] / 1000:,.0f} | "
            f"{one['seconds_to_make']:.1f} | {text:.2f} | {loaded:.2f} | {drawn:.2f} |"
        )
    table, plotly = "\n".join(rows), found["pages"][0]["plotly_bytes"] / 1e6
    return f"""## The report

`python benchmarks/report.py` in a headless Chromium, on {made_with(found)}

Series of {found["steps"]} steps and {found["channels"]} channels. plotly's script, {plotly:.1f} MB, lies beside each page and is read after the text
is on the screen. Seconds are the median of {found["repeats"]} openings from the disk, while other work kept the machine busy (a load of
{found["machine"]["load"]:.0f} on two cores): text on the screen, page and script loaded, every figure drawn.

| task | test series | figures | kB | seconds to make | text | loaded | all drawn |
|---|---|---|---|---|---|---|---|
{table}
"""


def main() -> None:
    """Write the page."""
    title = "# Results\n\nMade by `python benchmarks/results_page.py` from the files in `benchmarks/results`."
    sections = [sine_section(), sets_section(), examples_section(), metadata_section(), alignment_section()]
    sections += [explanations_section(), reading_section(), store_section()]
    sections += [archive_section(), sine_peers_section(), speed_section(), growth_section(), recurrence_section()]
    sections += [report_section()]
    (HERE.parent / "docs" / "results.md").write_text("\n".join([title, "", *sections]))


if __name__ == "__main__":
    main()
