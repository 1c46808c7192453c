"""Readers of files and requests, with inputs that a coverage-guided fuzzer grows from valid ones (atheris).

    python -m campaigns.coverage_campaign csv --inputs 10000

libFuzzer ends the process that it runs in, so that every reader has a process of its own, which writes its tally to a
file. Inputs that fail do not end it: all faults are counted.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.tally import Tally
from limelight.errors import InputError

FILES = ("csv", "csv.gz", "tsv", "ts", "arff", "npz", "mat", "xlsx", "parquet", "arrow", "jsonl", "hea")
"""Suffixes of files that ``limelight inspect`` reads."""
READERS = (*FILES, "request", "experiment")
LONGEST = 4_096
"""Bytes of an input."""


def is_available() -> bool:
    """Whether atheris is installed, which has wheels for Linux and macOS."""
    return importlib.util.find_spec("atheris") is not None


def run(name: str, inputs: int, start: int = 0) -> Tally:
    """Try inputs for one reader in a process of its own; the same ``start`` begins with the same inputs."""
    tally = Tally(f"{name}, guided by coverage")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "campaigns.coverage_campaign", name]
        options = ["--inputs", str(inputs), "--start", str(start), "--output", str(result)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        counts = json.loads(result.read_text()) if result.exists() else {}
    tally.outcomes.update({outcome: counts.get(outcome, 0) for outcome in ("fine", "refused", "fault")})
    tally.faults += counts.get("first_faults", [])
    if tally.tried < inputs:
        tally.record(name, f"ended after {tally.tried} of {inputs} inputs: {done.stderr[-300:]!r}")
    return tally


def seeds(name: str) -> list[bytes]:
    """Return valid inputs of a reader, from which the fuzzer derives further ones."""
    if name == "csv.gz":
        return [gzip.compress(content, mtime=0) for content in seeds("csv")]
    values = np.random.default_rng(0).normal(size=(4, 5)).round(3)
    lines = [",".join(map(str, row)) for row in values.tolist()]
    if name == "request":
        series = [
            {"values": row, "id": str(place), "metadata": {"mode": "a"}} for place, row in enumerate(values.tolist())
        ]
        return [json.dumps({"series": series, "explain": "evidence"}).encode()]
    if name == "experiment":
        content = {"data": {"bumps": {"dataset_size": 20}}, "model": {"encoder": "gru"}, "seed": 1, "output": "run"}
        return [json.dumps(content).encode(), b'{"data": {"series": "a.csv", "label": "y"}}']
    texts = {
        "csv": ["id,time,x,label\n" + "".join(f"{i // 5},{i % 5},{i * 0.5},{i // 10}\n" for i in range(20))],
        "tsv": ["\n".join("\t".join([str(i % 2), *line.split(",")]) for i, line in enumerate(lines))],
        "ts": ["@problemName a\n@timestamps false\n@univariate true\n@classLabel true a b\n@data\n"
               + "\n".join(f"{line}:{'ab'[i % 2]}" for i, line in enumerate(lines))],
        "arff": ["@relation a\n" + "".join(f"@attribute x{i} numeric\n" for i in range(5))
                 + "@attribute target {a,b}\n@data\n" + "\n".join(f"{line},{'ab'[i % 2]}" for i, line in enumerate(lines))],
        "jsonl": ["".join(f'{{"id": {i}, "x": [{line}], "y": "a", "m": {{"k": {i}}}}}\n' for i, line in enumerate(lines))],
        "hea": ["a 1 250 5\na.dat 16 200 16 0 1 1 0 ECG\n# label: a\n"],
    }  # fmt: skip
    return [text.encode() for text in texts[name]] if name in texts else [binary_seed(name, values)]


def binary_seed(name: str, values: Any) -> bytes:
    """Return the bytes of a valid file of arrays or of a table."""
    import pyarrow as pa
    import pyarrow.parquet
    import scipy.io

    content, labels = io.BytesIO(), ["a", "b", "a", "b"]
    table = pa.table({"id": [0, 0, 1, 1], "time": [0, 1, 0, 1], "x": values[0, :4], "label": labels})
    if name == "npz":
        np.savez(content, X=values, y=labels)
    elif name == "mat":
        scipy.io.savemat(content, {"X": values, "y": np.array([0, 1, 0, 1])})
    elif name == "parquet":
        pyarrow.parquet.write_table(table, content)
    elif name == "arrow":
        with pa.ipc.new_file(content, table.schema) as writer:
            writer.write_table(table)
    else:
        table.to_pandas().to_excel(content, index=False)
    return content.getvalue()


def use(name: str) -> Callable[[bytes], Any]:
    """Return a function that reads the bytes of an input, as commands and the server do."""
    from limelight.config.reading import read_experiment
    from limelight.runs.inspect import inspect_experiment
    from limelight.serving.json_body import read_json_body
    from limelight.serving.limits import RequestError, ServerLimits

    def request(content: bytes) -> None:
        try:
            read_json_body(content, ["x"], ServerLimits())
        except RequestError as error:
            raise InputError(error.message) from error

    def file(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{name}"
            path.write_bytes(content)
            if name == "hea":
                Path(folder, "a.dat").write_bytes(np.arange(5, dtype="<i2").tobytes())
            if name == "experiment":
                read_experiment(path.rename(path.with_suffix(".json")))
            else:
                experiment = Path(folder) / "e.json"
                experiment.write_text(json.dumps({"data": {"series": str(path)}}))
                inspect_experiment(read_experiment(experiment))

    return request if name == "request" else file


def main() -> None:
    """Let libFuzzer grow inputs for one reader; its process ends here."""
    import atheris

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--inputs", type=int, default=1_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="where the tally is written")
    options = parser.parse_args()
    with atheris.instrument_imports(include=["limelight.data.reading", "limelight.config", "limelight.serving"]):
        read = use(options.reader)
    tally = Tally(options.reader)

    def attempt(content: bytes) -> None:
        tally.attempt(f"{content!r:.300}", lambda: read(content))
        if tally.tried >= options.inputs:
            options.output.write_text(json.dumps(tally.to_json()))
            os._exit(0)

    with tempfile.TemporaryDirectory() as corpus:
        for place, seed in enumerate(seeds(options.reader)):
            Path(corpus, str(place)).write_bytes(seed)
        limits = [
            f"-seed={options.start + 1}",
            f"-max_len={LONGEST}",
            "-timeout=60",
            "-rss_limit_mb=8192",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], corpus, *limits, "-close_fd_mask=1"], attempt)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
