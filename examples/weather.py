"""Multi-label per step: on which days was there rain, fog, snow, thunder or hail, and from when to when?

    python examples/data.py weather_events
    python examples/weather.py examples/data/weather_events --into runs/weather

A series is a month of one city, a step is a day. A day may have several labels or none. The test cities are not in the
training set. All settings are in ``weather_events.json`` in this folder; this is ``limelight train`` in Python.
"""

import argparse
import json
from pathlib import Path

import pyarrow.parquet as parquet

from limelight.config.reading import read_experiment
from limelight.runs.train import run_experiment

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("data", type=Path, help="folder of weather_events")
parser.add_argument("--into", type=Path, default=Path("runs/weather"), help="run folder, replaced if it exists")
parser.add_argument("--epochs", type=int, help="at most")
options = parser.parse_args()

# 1. Read the experiment file and override some settings by name. An event is a label on consecutive days; two events
# with a single day between them are joined.
changes = {"data.folder": str(options.data.resolve()), "output": str(options.into.resolve()), "events.join_gap": 1}
if options.epochs:
    changes["training.max_epochs"] = options.epochs
experiment = read_experiment(Path(__file__).parent / "weather_events.json", changes)

# 2. Train on some cities, choose thresholds on another one, and score on the remaining ones.
run_experiment(experiment, overwrite=True, progress=False, log=print)

# 3. Scores per day. Hail fell on 12 days in all, one of them in the test set: its scores mean nothing.
metrics = json.loads((options.into / "metrics.json").read_text())
print(f"\n{'label':14}{'days':>6}{'precision':>11}{'recall':>8}{'threshold':>11}")
thresholds = metrics["decision"]["thresholds"]["values"]
for (label, day), threshold in zip(metrics["test"]["per_class"].items(), thresholds, strict=True):
    precision, recall = (f"{day[name]:.2f}" if day[name] is not None else "-" for name in ("precision", "recall"))
    print(f"{label:14}{day['support']:6}{precision:>11}{recall:>8}{threshold:11.2f}")

# 4. Scores per event: a true event is found if its intersection over union with a predicted one is at least one half.
events = metrics["events"]["micro"]
print(f"\n{events['true']} true events, {events['predicted']} predicted, {events['matched']} of them correct")

# 5. The first events, with their dates.
for event in parquet.read_table(options.into / "events.parquet").to_pylist()[:5]:
    print(f"{event['series_id']:20}{event['label']:14}{event['start']:%d %B} to {event['end']:%d %B}")
print(f"see {options.into / 'report' / 'index.html'}")
