"""Write ``docs/results.md`` from the files in ``benchmarks/results``, so that no number in it is typed by hand.

python benchmarks/results_page.py
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def main() -> None:
    """Write the page."""
    title = "# Results\n\nMade by `python benchmarks/results_page.py` from the files in `benchmarks/results`."
    (HERE.parent / "docs" / "results.md").write_text("\n".join([title, "", sine_section(), sets_section()]))


if __name__ == "__main__":
    main()
