"""Compare how fast limelight, pandas and polars read a long table into separate series.

    python -m benchmarks.run.reading --rows 10000000 --before OTHER

The table has series of 500 steps and three channels with ids, a clock and labels, and is written once as CSV and once
as Parquet. Every reading is a process of its own, and the libraries take turns. limelight reads a Panel and checks ids,
clock, labels and that numbers are finite; pandas reads and groups by series; polars reads and partitions by series.
pandas and polars check nothing. ``--before`` is a checkout of another version of limelight, which takes its turns too:
its ratio to this version is of CPU seconds, which a shared machine disturbs less than time. Prints a table and writes
``benchmarks/results/reading.json``.
"""

from __future__ import annotations

import argparse
import json
import os
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
BEFORE = "limelight before"
TIMED = """
import time
{imports}
started, cpu = time.perf_counter(), time.process_time()
{reader}
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
import json, resource
print(json.dumps([seconds, cpu, series, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
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


def read_once(reader: str, kind: str, file: Path, before: Path | None = None) -> tuple[float, float, float]:
    """Return seconds, CPU seconds of all threads, and peak megabytes of one reading; the times exclude imports.

    ``before`` is the checkout that is read with if the reader is ``BEFORE``.
    """
    paths = os.environ | {"PYTHONPATH": str(before / "src")} if reader == BEFORE and before else None
    reader = "limelight" if reader == BEFORE else reader
    imports = {
        "limelight": "import limelight.data.reading.tables",
        "pandas": "import pandas",
        "polars": "import polars",
    }[reader]
    code = TIMED.format(imports=imports, reader=READERS[reader].format(file=str(file), kind=kind))
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=paths)
    seconds, cpu, series, peak = json.loads(process.stdout)
    assert series > 0
    return seconds, cpu, peak


def main() -> None:
    """Read both files with every library; the libraries take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--before", type=Path, help="checkout of another version to compare with")
    options = parser.parse_args()
    readers = [*READERS, *([BEFORE] if options.before else [])]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = write_tables(Path(folder), options.rows)
        runs: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
        for _ in range(options.repeats):
            for kind, file in files.items():
                for reader in readers:
                    runs.setdefault((kind, reader), []).append(read_once(reader, kind, file, options.before))
        sizes = {kind: file.stat().st_size / 2**20 for kind, file in files.items()}
    print(f"{'file':10}{'reader':18}{'seconds':>9}{'lowest':>9}{'highest':>9}{'CPU s':>9}{'peak MB':>9}")
    for (kind, reader), times in runs.items():
        seconds, cpu, peaks = zip(*times, strict=True)
        median, work = statistics.median(seconds), statistics.median(cpu)
        print(f"{kind:10}{reader:18}{median:9.2f}{min(seconds):9.2f}{max(seconds):9.2f}{work:9.2f}{max(peaks):9.0f}")
        results.setdefault(kind, {})[reader] = {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": max(peaks)}
    environment = describe_environment("limelight", "pandas", "polars", "pyarrow", "numpy")
    write_results("reading", {**environment, "rows": options.rows, "megabytes": sizes, "files": results})


if __name__ == "__main__":
    main()
