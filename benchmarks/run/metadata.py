"""What metadata bring: the planted bumps, and three real sets with and without them over several seeds.

    python benchmarks/metadata.py DATA --seeds 5

``DATA`` holds the folders dodger_loop, pbcseq and spar_watch. Every model is ``conv_lstm``, which takes every fusion, with
the rest of the experiment file in ``examples``, once as it is and once with ``"fusion": []``; the test part is scored once for each seed, and nothing is chosen by it.
Writes ``benchmarks/results/metadata.json``, and ``docs/pictures/modes.png``: the attention of one model in the same
series under two modes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line sets it, before torch is loaded

import matplotlib as mpl
import pyarrow as pa
import torch

from limelight.config.reading import read_experiment
from limelight.config.sections import Experiment
from limelight.data.align import align
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.estimator import TimeSeriesClassifier
from limelight.evaluation.metrics.scoring import score_baseline, score_prediction
from limelight.explanation.methods.attention import explain_attention
from limelight.explanation.quality.localisation import score_localisation
from limelight.runs.dataset import read_data
from limelight.training.fit import fit

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
RESULTS = HERE / "results" / "metadata.json"
mpl.use("agg")
PICTURE = HERE.parent / "docs" / "pictures" / "modes.png"
SETS = ("dodger_loop", "pbcseq", "spar_watch")
SCORES = ("accuracy", "balanced_accuracy")
WAYS = ("category", "number", "boolean", "text", "signal")
PATIENT = {"max_epochs": 30, "patience": 30}
"""An exclusive or shows no gain for its first epochs; the default would stop before some fusions have seen it."""
FUSIONS = ("late", "repeat", "attention", "film")


def real(name: str, folder: Path, seeds: int) -> dict[str, Any]:
    """Train one example with and without its metadata."""
    found: dict[str, Any] = {"with": [], "without": []}
    for seed in range(seeds):
        own = {"data.folder": str(folder / name), "model.encoder": "conv_lstm", "seed": seed}
        asked = read_experiment(EXAMPLES / f"{name}.json", own)
        plain = asked.model_copy(update={"model": replace(asked.model, fusion=())})
        for way, experiment in (("with", asked), ("without", plain)):
            found[way].append(one_run(experiment))
    data = read_data(asked)
    train, test = (data.part(part).require_labels() for part in ("train", "test"))
    found["commonest"] = {key: score_baseline(train, test, data.task)[key] for key in SCORES}
    return found


def one_run(experiment: Experiment) -> dict[str, float]:
    """Fit and score an experiment."""
    data = read_data(experiment)
    training = fit(
        data.part("train"),
        data.task,
        experiment.model,
        validation=data.validation,
        settings=experiment.training,
        seed=experiment.seed,
        progress=False,
        fields=experiment.data.fields,
    )
    test = data.part("test")
    scores = score_prediction(training.model.predict(test), test.require_labels())
    return {**{key: scores[key] for key in SCORES}, "seconds": training.seconds}


def bumps(mode_as: str, seed: int) -> tuple[Panel, Panel]:
    """Draw the planted set and split it."""
    settings = BumpSettings(dataset_size=1200, num_points=60, noise=0.2, mode_as=mode_as)  # type: ignore[arg-type]
    panel, modes = generate_bumps(settings, seed)
    train, test = (panel if modes is None else align(panel, modes)).split(test=0.25)
    return train, test


def planted(seeds: int) -> dict[str, list[float]]:
    """Fit the planted set with each fusion, each kind of field, and without metadata."""
    asked = {f"fusion {fusion}": ("category", fusion) for fusion in FUSIONS}
    asked |= {f"mode as {way}": (way, "auto") for way in WAYS}
    asked["without metadata"] = ("category", [])  # type: ignore[assignment]
    found: dict[str, list[float]] = {name: [] for name in asked}
    for seed in range(seeds):
        for name, (way, fusion) in asked.items():
            train, test = bumps(way, seed)
            model = TimeSeriesClassifier("conv_lstm", fusion=fusion, random_state=seed, progress=False, **PATIENT).fit(
                train
            )
            found[name].append(float(model.score(test, test.labels)))
    return found


def picture() -> dict[str, Any]:
    """Draw where one model looks in one series under either mode, and measure it over the test part."""
    train, test = bumps("category", 0)
    model = (
        TimeSeriesClassifier("conv_lstm", fusion="attention", random_state=0, progress=False, **PATIENT)
        .fit(train)
        .model_
    )
    shares = {}
    assert test.metadata is not None
    own = test.metadata["mode"].to_pylist()
    swapped = ["late" if mode == "early" else "early" for mode in own]
    for title, modes in {"its own mode": own, "the other mode": swapped}.items():
        panel = test.replace(metadata=pa.table({"mode": modes}))
        where = score_localisation(model.predict(panel, attention=True), panel)
        assert where is not None
        shares[title] = {key: where[key] for key in ("attention_inside", "attention_inside_uniform", "peak_inside")}
    told = pa.table({"mode": [own[0], swapped[0]]})
    both = test[[0, 0]].replace(metadata=told, ids=[f"told {mode}" for mode in told["mode"].to_pylist()], labels=None)
    figure = explain_attention(model, both).plot()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=120)
    return shares


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder for each set")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "threads": torch.get_num_threads()},
        "versions": {package: version(package) for package in ("limelight", "torch", "lightning", "numpy")},
        "attention": picture(),
    }
    for title, one in found["attention"].items():
        print(f"{title}: {one}", flush=True)
    found["planted"] = planted(min(3, options.seeds))
    for name, scores in found["planted"].items():
        print(f"{name:20}{statistics.mean(scores):8.3f}  {min(scores):.3f} to {max(scores):.3f}", flush=True)
    found["real"] = {}
    for name in SETS:
        found["real"][name] = one = real(name, options.data, options.seeds)
        for way in ("without", "with"):
            of = [run["balanced_accuracy"] for run in one[way]]
            print(f"{name:14}{way:9}{statistics.mean(of):8.3f} ± {statistics.stdev(of):.3f}", flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
