"""Time to read a long table of 10 million rows into separate series: limelight, pandas and polars in one run.

    python benchmarks/reading.py --rows 10000000

Draws 20,000 series of three channels with ids, a clock and labels, writes them once as CSV and as Parquet, and reads
each with each library, every reading in a process of its own, in turn. limelight reads and checks a Panel (ids, clock,
labels, finite numbers); pandas reads, groups by series and gives an array for each; polars reads and partitions by
series. pandas and polars check nothing. Prints a table and writes ``benchmarks/results/reading.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

CHANNELS = ("x", "y", "z")
STEPS = 500
READERS = {
    "limelight": """
import limelight as ll
panel = ll.read_table({file!r})
series = len(panel)
""",
    "pandas": """
import pandas as pd
frame = pd.read_{kind}({file!r})
values = {{name: part[["x", "y", "z"]].to_numpy("float32") for name, part in frame.groupby("series_id", sort=False)}}
labels = frame.groupby("series_id", sort=False)["label"].first()
series = len(values)
""",
    "polars": """
import polars as pl
frame = pl.read_{kind}({file!r})
parts = frame.partition_by("series_id", maintain_order=True, as_dict=True)
values = {{name: part.select("x", "y", "z").cast(pl.Float32).to_numpy() for name, part in parts.items()}}
series = len(values)
""",
}
TIMED = """
import time
{imports}
started = time.perf_counter()
{reader}
seconds = time.perf_counter() - started
import json, resource
print(json.dumps([seconds, series, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def draw(folder: Path, rows: int) -> dict[str, Path]:
    """Write the table in both forms."""
    random = np.random.default_rng(0)
    series = rows // STEPS
    names = pa.array([f"machine_{number:06d}" for number in range(series)])
    kinds = pa.array(["normal", "worn", "broken"]).take(pa.array(random.integers(0, 3, series)))
    row_of = pa.array(np.repeat(np.arange(series), STEPS))
    columns: dict[str, Any] = {"series_id": names.take(row_of), "time": pa.array(np.tile(np.arange(STEPS), series))}
    for channel in CHANNELS:
        columns[channel] = pa.array(random.normal(size=series * STEPS).round(4).astype(np.float32))
    table = pa.table({**columns, "label": kinds.take(row_of)})
    files = {"parquet": folder / "series.parquet", "csv": folder / "series.csv"}
    pyarrow.parquet.write_table(table, files["parquet"])
    pyarrow.csv.write_csv(table, files["csv"])
    return files


def read_once(reader: str, kind: str, file: Path) -> tuple[float, float]:
    """Give seconds and peak megabytes of one reading; importing is not counted."""
    imports = {
        "limelight": "import limelight.data.reading.tables",
        "pandas": "import pandas",
        "polars": "import polars",
    }[reader]
    code = TIMED.format(imports=imports, reader=READERS[reader].format(file=str(file), kind=kind))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, series, peak = json.loads(done.stdout)
    assert series > 0
    return seconds, peak


def main() -> None:
    """Read with each library in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = draw(Path(folder), options.rows)
        runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for _ in range(options.repeats):
            for kind, file in files.items():
                for reader in READERS:
                    runs.setdefault((kind, reader), []).append(read_once(reader, kind, file))
        sizes = {kind: file.stat().st_size / 2**20 for kind, file in files.items()}
    print(f"{'file':10}{'reader':12}{'seconds':>9}{'lowest':>9}{'highest':>9}{'peak MB':>9}")
    for (kind, reader), times in runs.items():
        seconds, peaks = zip(*times, strict=True)
        middle = statistics.median(seconds)
        print(f"{kind:10}{reader:12}{middle:9.2f}{min(seconds):9.2f}{max(seconds):9.2f}{max(peaks):9.0f}")
        found.setdefault(kind, {})[reader] = {"seconds": seconds, "peak_mb": max(peaks)}
    machine = {"processor": platform.machine(), "threads": os.cpu_count()}
    versions = {package: version(package) for package in ("limelight", "pandas", "polars", "pyarrow", "numpy")}
    content = {"machine": machine, "versions": versions, "rows": options.rows, "megabytes": sizes, "files": found}
    (Path(__file__).parent / "results" / "reading.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
