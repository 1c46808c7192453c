"""Sections of ``docs/results.md`` on limelight beside others; ``results_page.py`` puts them on the page."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from archive import accuracies
from found import HERE, read
from limelight.errors import listing
from ranks import critical_difference, draw, mean_ranks


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


def ratio(runs: dict[str, dict[str, list[dict[str, Any]]]], one: str, other: str, key: str) -> float:
    """Give how many times as much one classifier takes as another: the median over sets and seeds run by both."""
    pairs = [
        (mine[key], theirs[key])
        for of in runs.values()
        for mine, theirs in zip(of.get(one, []), of.get(other, []), strict=False)
        if not mine["trouble"] and not theirs["trouble"]
    ]
    return statistics.median(mine / theirs for mine, theirs in pairs)


def archive_cell(made: list[dict[str, Any]], seeds: int) -> str:
    """Say accuracy and seconds, or what went wrong, and where it was run with fewer seeds than elsewhere."""
    right = [one["accuracy"] for one in made if one["accuracy"] is not None]
    if not right:
        return made[0]["trouble"] if made else "not run"
    worked = statistics.median(one["processor_seconds"] for one in made if one["accuracy"] is not None)
    fewer = f" ({len(right)} seed)" if len(right) < seeds else ""
    return f"{statistics.mean(right):.3f} in {worked:.0f} s{fewer}"


def archive_section() -> str:
    found = read("archive.json")
    runs = found["runs"]
    classifiers = list(dict.fromkeys(classifier for of in runs.values() for classifier in of))
    sets, scores = accuracies(runs)
    ranks, means = mean_ranks(scores), {name: statistics.mean(of) for name, of in scores.items()}
    draw(scores, HERE.parent / "docs" / "pictures" / "ranks.png")
    ranked = " | ".join(f"**{ranks[one]:.2f}**" if one in ranks else "" for one in classifiers)
    averaged = " | ".join(f"{means[one]:.4f}" if one in means else "" for one in classifiers)
    seeds = {one: max(len(of.get(one, [])) for of in runs.values()) for one in classifiers}
    rows = "\n".join(
        f"| {name} | {' | '.join(archive_cell(of.get(one, []), seeds[one]) for one in classifiers)} |"
        for name, of in runs.items()
    )
    shown = " | ".join(f"{one.replace(':', ' ')}{'' if seeds[one] > 1 else ' (1 seed)'}" for one in classifiers)
    compared = "\n".join(
        f"| {other.replace(':', ' ')} | {means['limelight:auto'] - means[other]:+.4f} | "
        f"{ratio(runs, 'limelight:auto', other, 'processor_seconds'):.2f} | "
        f"{ratio(runs, 'limelight:auto', other, 'seconds'):.2f} |"
        for other in classifiers
        if other in means and other != "limelight:auto"
    )
    loads = {one: [made["load"] for of in runs.values() for made in of.get(one, [])] for one in classifiers}
    cores = found["machine"]["cores"]
    busy = [one.replace(":", " ") for one in classifiers if statistics.median(loads[one]) > cores]
    later = f" {listing(busy)} ran while others used it too." if 0 < len(busy) < len(classifiers) else ""
    return f"""## Archive sets against aeon

`python benchmarks/archive.py DATA --peers PEERS/bin/python`, every run a process of its own, the classifiers in turn, on {with_peers(found)}

Accuracy on the official test part, mean over {max(seeds.values())} seeds, and seconds of the processor (median) for the whole process, from
the start of Python to predictions written. Every classifier has its library's defaults, but InceptionTime: one network of
{found["epochs"]} epochs instead of five of 1,500, and at most {found["limit_once"]:.0f} s by the clock, which leaves it far from trained. Nothing was chosen by the test part. aeon's classifiers
take no series of different lengths and no missing values, and got what their users give them: zeros behind the shorter series
(japanese_vowels, plaid), the mean of the channel for what is missing (dodger_loop). limelight got the series as they are. What
numba compiles was compiled before. {said_of_load([load for of in loads.values() for load in of], cores)}{later}

| set | {shown} |
|---|{"---|" * len(classifiers)}
{rows}
| mean accuracy | {averaged} |
| mean rank | {ranked} |

![Mean ranks](pictures/ranks.png)

Means and ranks, 1 the best, over the {len(sets)} sets that all answered on in time. Nemenyi's test tells two classifiers apart
at 0.05 if their mean ranks differ by more than {critical_difference(scores):.2f}; those under one bar it does not (Demšar, 2006).

limelight `auto` beside the others: its mean accuracy less theirs, and its time in times theirs (median over sets and seeds; below 1
is faster than they are):

| | accuracy | processor | clock |
|---|---|---|---|
{compared}
"""


def sine_peers_section() -> str:
    found = read("sine_peers.json")
    rows, loads = [], []
    for classifier, made in found["runs"].items():
        loads += [one["load"] for one in made]
        good = [one for one in made if one["f1"] is not None]
        if not good:
            rows.append(f"| {classifier.replace(':', ' ')} | {made[0]['trouble']} | | | | |")
            continue
        f1 = [one["f1"] for one in good]
        worked, clock, peak = (
            statistics.median(one[key] for one in good) for key in ("processor_seconds", "seconds", "peak_mb")
        )
        rows.append(
            f"| {classifier.replace(':', ' ')} | {statistics.mean(f1):.4f} | {min(f1):.4f} | {worked:.0f} | {clock:.0f} | {peak:.0f} |"
        )
    table = "\n".join(rows)
    return f"""## The sine experiment against MiniRocket

`python benchmarks/sine_peers.py --peers PEERS/bin/python`, every run a process of its own, the sides in turn, on {with_peers(found)}

{found["series"]:,} waves of {found["steps"]} steps, a fifth of them the test part; {"one seed" if len(made) == 1 else f"{len(made)} seeds"}, times of the whole process. {said_of_load(loads, found["machine"]["cores"])}

| | F1 of the test part | lowest | processor s | s by the clock | MB |
|---|---|---|---|---|---|
{table}
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
    alone = "; ".join(
        f"{network} {statistics.median(ours['epoch'] / ours['train'] for ours in one['answers']['limelight']):.2f}"
        for network, one in found["networks"].items()
    )
    imports = {name: statistics.median(taken) for name, taken in found["imports"].items()}
    table = "\n".join(rows)
    listed = "\n".join(
        f"| {name} | {seconds:.2f} | {seconds - imports['nothing']:.2f} |" for name, seconds in imports.items()
    )
    return f"""## Speed against torch, Keras and sktime

`python benchmarks/speed.py --peers PEERS/bin/python`, the sides in turn, on {with_peers(found)}

The same networks in each library, batches of 32 series of 500 steps and one channel; sktime has neither, its GRU stands beside the
first. Medians of {len(rounds)} rounds, and in brackets as many times limelight's time of the same round: by the clock, and of the processor (above 1 is
slower than limelight). {said_of_load(loads, found["machine"]["cores"])}

| network | library | ms a training step | µs a predicted series | ms for one series |
|---|---|---|---|---|
{table}

A training step of limelight holds its share of all that `fit` does around one epoch of {found["steps"]} steps, which is a bare loop in
torch; the epoch alone is this share of it: {alone}.

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

32 units, 500 steps of one channel, batches of 32; what is below "one direction" is on one thread. {said_of_load([found["machine"]["load"]], found["machine"]["cores"])}

| way | ms by the clock | ms of the processor | least |
|---|---|---|---|
{table}

A second thread inside one small product costs more than it brings; a direction, or half of the batch, for each thread does not. Where only the last step
answers, the gradient fades to denormal numbers on its way back and takes six times as long, unless they are flushed to zero, as
limelight's training does; where every step counts that changes nothing. Time first and packing change nothing, batches of 128 and more are slower for each series in training, and one layer with blocks of zeros
does twice the work. torch has no oneDNN for its GRU, which is why that takes as long as an LSTM without oneDNN.
"""
