"""Write ``docs/results.md`` from the files in ``benchmarks/results``, so that no number in it is typed by hand.

python benchmarks/results_page.py
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ranks import critical_difference, draw, mean_ranks

HERE = Path(__file__).parent


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((HERE / "results" / name).read_text())
    return content


def spread(values: Sequence[float], digits: int) -> str:
    """Say mean and standard deviation."""
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def made_with(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{found['machine']['threads']} threads of a {found['machine']['processor']} machine without a GPU; {versions}."
    )


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
        for model in ("default", "attention_bilstm"):
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
    spoken = ", ".join(f"{name} {bytes_each:.0f}" for name, bytes_each in grown.items())
    return f"""## Data that grows

`python benchmarks/store.py --gigabytes {" ".join(f"{one['gigabytes']:g}" for one in found["sizes"])}`, each command a process of its own, on {made_with(found)}

Values of waves (500 steps, four channels, float32) as a long Parquet table, packed into a store, trained on for one epoch with
evaluation and report, and predicted. Time of the whole command, and its peak of resident memory. The machine was shared, so times
of one size against another are noisy; the peaks are not.

| values | series | pack | train, one epoch | predict | the epoch alone | for each series |
|---|---|---|---|---|---|---|
{table}

From the smallest to the largest the data grows {last["gigabytes"] / first["gigabytes"]:.0f} times. What grows with it in memory is what is known of each
series (id, label, place, answer), in bytes for each: {spoken}; the values of a series take {4 * 500 * 4:,}.
"""


def examples_section() -> str:
    found = read("examples.json")
    rows = []
    for name, one in found["sets"].items():
        of = {key: [run[key] for run in one["runs"]] for key in ("accuracy", "balanced_accuracy", "seconds")}
        rows.append(
            f"| [{name}](../examples/{name}.json) | {one['series']} | {one['baseline']['accuracy']:.3f} | {spread(of['accuracy'], 3)} | "
            f"{spread(of['balanced_accuracy'], 3)} | {statistics.median(of['seconds']):.1f} | {one['model']} |"
        )
    table = "\n".join(rows)
    return f"""## Ragged, missing, irregular

`python benchmarks/examples.py DATA {" ".join(found["sets"])} --seeds {len(one["runs"])}`, on {made_with(found)}

The experiment files in `examples`, whose models are the defaults but for what the file says. Official or seeded test parts, mean and standard deviation over
{len(one["runs"])} seeds.

| set | series | commonest class | accuracy | balanced accuracy | seconds | model |
|---|---|---|---|---|---|---|
{table}

Published for JapaneseVowels: 0.949 (nearest neighbour with dynamic time warping). PLAID is where the default does badly: residual
convolutions are published at 0.940 there; nothing was tuned for it.
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

**Real.** The experiment files in `examples`, as they are and with `"fusion": []`; {seeds} seeds, the same for both. Gain is the
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


def with_peers(found: dict[str, Any]) -> str:
    """Say both environments."""
    ours, peers = (
        ", ".join(f"{name} {version}" for name, version in found[side].items()) for side in ("versions", "peers")
    )
    machine = found["machine"]
    return (
        f"{machine['threads']} threads of a {machine['processor']} machine without a GPU; ours: {ours}; peers: {peers}."
    )


def said_of_load(loads: Sequence[float], cores: int) -> str:
    """Mark numbers of a machine that others used too."""
    middle = statistics.median(loads)
    if middle <= cores:
        return f"The machine was quiet (load {middle:.1f} on {cores} cores)."
    return (
        f"**Under load**: others used the machine too (load {middle:.1f} on {cores} cores, median), so times are far too "
        "long and only what stands beside each other can be compared."
    )


def archive_section() -> str:
    found = read("archive.json")
    runs = {name: {key: made for key, made in of.items() if made} for name, of in found["runs"].items()}
    classifiers = list(dict.fromkeys(classifier for of in runs.values() for classifier in of))
    rows = []
    for name, of in runs.items():
        cells = []
        for classifier in classifiers:
            made = of.get(classifier, [])
            right = [one["accuracy"] for one in made if one["accuracy"] is not None]
            time = statistics.median(one["processor_seconds"] for one in made) if made else 0
            trouble = made[0]["trouble"] if made else "not run"
            cells.append(f"{statistics.mean(right):.3f} in {time:.0f} s" if right else trouble)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    tried = {name: of for name, of in runs.items() if len(of) == len(classifiers)}
    scores = {
        classifier: [statistics.mean(one["accuracy"] or 0.0 for one in of[classifier]) for of in tried.values()]
        for classifier in classifiers
    }
    ranks = mean_ranks(scores)
    draw(scores, HERE.parent / "docs" / "pictures" / "ranks.png")
    of_all = [one for of in runs.values() for made in of.values() for one in made]
    seeds = sorted({len(made) for of in runs.values() for made in of.values()})
    ranked = " | ".join(f"**{ranks[classifier]:.2f}**" for classifier in classifiers)
    means = " | ".join(f"{statistics.mean(scores[classifier]):.3f}" for classifier in classifiers)
    table = "\n".join(rows)
    return f"""## Archive sets against aeon

`python benchmarks/archive.py DATA --peers PEERS/bin/python`, every run a process of its own, the classifiers in turn, on {with_peers(found)}

Accuracy on the official test part, mean over {" to ".join(str(count) for count in dict.fromkeys((seeds[0], seeds[-1])))} seeds, and the processor's seconds of the whole process, from the start of
Python to predictions written. Every classifier has its library's defaults, but InceptionTime, where it is in the table: one network
of {found["epochs"]} epochs instead of five of 1,500. Nothing was chosen by the test part. aeon's classifiers take no series of different lengths and no
missing values: they got zeros behind the shorter series (japanese_vowels, plaid) and means for what is missing (dodger_loop);
limelight got the series as they are. {said_of_load([one["load"] for one in of_all], found["machine"]["cores"])}

| set | {" | ".join(classifier.replace(":", " ") for classifier in classifiers)} |
|---|{"---|" * len(classifiers)}
{table}
| mean accuracy of {len(tried)} sets | {means} |
| mean rank | {ranked} |

![Mean ranks](pictures/ranks.png)

Ranks over the {len(tried)} sets that all of them were run on, 1 the best. Nemenyi's test tells two classifiers apart at 0.05 if their mean ranks
differ by more than {critical_difference(scores):.2f}; those under one bar it does not (Demšar, 2006).
"""


def speed_section() -> str:
    found = read("speed.json")
    rows, loads = [], []
    for network, one in found["networks"].items():
        loads += one["load"]
        for name, rounds in one["answers"].items():
            cells = []
            for measure, factor in (("train", 1e3), ("predict", 1e6), ("latency", 1e3)):
                kind = f"{measure}_processor"
                ours = one["answers"]["limelight"]
                pairs = zip(rounds, ours, strict=True)
                times = statistics.median(mine[measure] / own[measure] for mine, own in pairs)
                pairs = zip(rounds, ours, strict=True)
                worked = statistics.median(mine[kind] / own[kind] for mine, own in pairs)
                middle = factor * statistics.median(answer[measure] for answer in rounds)
                cells.append(f"{middle:.1f} ({times:.2f}; {worked:.2f})")
            shown = "GRU(64)" if name == "sktime" else {"lstm": "LSTM(64)"}.get(network, "BiLSTM(32), attention")
            rows.append(f"| {shown} | {name.replace('_', ' on ')} | {' | '.join(cells)} |")
    imports = {name: statistics.median(taken) for name, taken in found["imports"].items()}
    table = "\n".join(rows)
    listed = "\n".join(
        f"| {name} | {seconds:.2f} | {seconds - imports['nothing']:.2f} |" for name, seconds in imports.items()
    )
    return f"""## Speed against torch, Keras and sktime

`python benchmarks/speed.py --peers PEERS/bin/python`, the sides in turn, on {with_peers(found)}

The same networks in each library, batches of 32 series of 500 steps and one channel; sktime has neither, its GRU stands beside the
first. Medians of {len(rounds)} rounds, and in brackets the time in times limelight's of the same round: by the clock, and of the processor (above 1 is
slower than limelight). {said_of_load(loads, found["machine"]["cores"])}

| network | library | ms a training step | µs a predicted series | ms for one series |
|---|---|---|---|---|
{table}

Seconds of a fresh Python that imports and ends:

| import | seconds | over an empty Python |
|---|---|---|
{listed}
"""


def growth_section() -> str:
    found = read("growth.json")
    rows, loads = [], []
    base: dict[str, tuple[float, float]] = {}
    for size in found["sizes"]:
        for side, runs in size["runs"].items():
            loads += [one["load"] for one in runs]
            good = [one for one in runs if not one["trouble"]]
            shape = f"{size['series']:,} x {size['steps']:,} x {size['channels']}"
            if not good:
                rows.append(f"| {shape} | {side.replace(':', ' ')} | {runs[0]['trouble']} | | |")
                continue
            worked = statistics.median(one["fit_processor"] + one["predict_processor"] for one in good)
            peak = statistics.median(one["peak_mb"] for one in good)
            first = base.setdefault(side, (worked, peak))
            rows.append(
                f"| {shape} | {side.replace(':', ' ')} | {worked:.1f} | {worked / first[0]:.1f} | {peak:.0f} ({peak - first[1]:+.0f}) |"
            )
    table = "\n".join(rows)
    return f"""## Growth up to a hundred times

`python benchmarks/growth.py --peers PEERS/bin/python`, every fit and prediction a process of its own, on {with_peers(found)}

Series x steps x channels, one of the three grown ten and a hundred times. The networks train one epoch, of at least 30 batches in
limelight; the first numbers of aeon and Keras hold what they compile. Seconds are the processor's, of fit and prediction of all series. {said_of_load(loads, found["machine"]["cores"])}

| size | side | seconds | times the first | peak MB (more than the first) |
|---|---|---|---|---|
{table}
"""


def recurrence_section() -> str:
    found = read("recurrence.json")
    rows = []
    for part in ("directions", "ways"):
        for name, of in found[part].items():
            cells = f"{statistics.median(of['clock']):.1f} | {statistics.median(of['processor']):.1f}"
            rows.append(f"| {name} | {cells} | {min(of['processor']):.1f} |")
    table = "\n".join(rows)
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"""## Where a step of a recurrent layer goes

`python benchmarks/recurrence.py`, all ways in turn, on {found["machine"]["cores"]} cores of a {found["machine"]["processor"]} machine; {versions}.

32 units, 500 steps of one channel, batches of 32; what is below the first six is on one thread. {said_of_load([found["machine"]["load"]], found["machine"]["cores"])}

| way | ms by the clock | ms of the processor | least |
|---|---|---|---|
{table}

A second thread inside one small product costs more than it brings; a direction for each thread costs nothing. Time first, packing and
flushed denormals change nothing, batches of 128 and more are slower for each series in training, and one layer with blocks of zeros
does twice the work. torch has no oneDNN for its GRU, which is why that takes as long as an LSTM without oneDNN.
"""


def main() -> None:
    """Write the page."""
    title = "# Results\n\nMade by `python benchmarks/results_page.py` from the files in `benchmarks/results`."
    sections = [sine_section(), sets_section(), examples_section(), metadata_section(), alignment_section()]
    sections += [reading_section(), store_section()]
    sections += [archive_section(), speed_section(), growth_section(), recurrence_section()]
    (HERE.parent / "docs" / "results.md").write_text("\n".join([title, "", *sections]))


if __name__ == "__main__":
    main()
