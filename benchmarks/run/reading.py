"""Compare how fast limelight, pandas and polars read a long table into separate series.

    python -m benchmarks.run.reading --rows 10000000

The table has series of 500 steps and three channels with ids, a clock and labels, and is written once as CSV and once
as Parquet. Every reading is a process of its own, and the libraries take turns. limelight reads a Panel and checks ids,
clock, labels and that numbers are finite; pandas reads and groups by series; polars reads and partitions by series.
pandas and polars check nothing. Prints a table and writes ``benchmarks/results/reading.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.result_files import describe_environment, write_results

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


def write_tables(folder: Path, rows: int) -> dict[str, Path]:
    """Write the table as Parquet and as CSV; return the files."""
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
    """Return seconds and peak megabytes of one reading; the time excludes imports."""
    imports = {
        "limelight": "import limelight.data.reading.tables",
        "pandas": "import pandas",
        "polars": "import polars",
    }[reader]
    code = TIMED.format(imports=imports, reader=READERS[reader].format(file=str(file), kind=kind))
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, series, peak = json.loads(process.stdout)
    assert series > 0
    return seconds, peak


def main() -> None:
    """Read both files with every library; the libraries take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = write_tables(Path(folder), options.rows)
        runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for _ in range(options.repeats):
            for kind, file in files.items():
                for reader in READERS:
                    runs.setdefault((kind, reader), []).append(read_once(reader, kind, file))
        sizes = {kind: file.stat().st_size / 2**20 for kind, file in files.items()}
    print(f"{'file':10}{'reader':12}{'seconds':>9}{'lowest':>9}{'highest':>9}{'peak MB':>9}")
    for (kind, reader), times in runs.items():
        seconds, peaks = zip(*times, strict=True)
        median = statistics.median(seconds)
        print(f"{kind:10}{reader:12}{median:9.2f}{min(seconds):9.2f}{max(seconds):9.2f}{max(peaks):9.0f}")
        results.setdefault(kind, {})[reader] = {"seconds": seconds, "peak_mb": max(peaks)}
    environment = describe_environment("limelight", "pandas", "polars", "pyarrow", "numpy")
    write_results("reading", {**environment, "rows": options.rows, "megabytes": sizes, "files": results})


if __name__ == "__main__":
    main()
