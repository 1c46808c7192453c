"""Measure the seconds until the command line refuses a wrong argument, and the lines that a training prints.

    python -m benchmarks.run.command_line

Every command is a process of its own. Prints the medians and writes ``benchmarks/results/command_line.json``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result_files import describe_environment, write_results

WRONG = {
    "file type": ["train", "series.xyz"],
    "missing file": ["train", "nothing.csv"],
    "preset": ["train", "series.csv", "--preset", "lstmm"],
    "key": ["train", "series.csv", "--set", "training.max_epoch=3"],
    "option": ["train", "series.csv", "--lr", "3"],
    "model folder": ["predict", "nothing", "series.csv"],
    "help": ["--help"],
}
REPEATS = 5
TABLE = "series_id,time,force,label\n" + "".join(
    f"s{number},{step},{step % 7 + number % 2 * 9},{'ok' if number % 2 else 'worn'}\n"
    for number in range(60)
    for step in range(20)
)


def seconds(words: list[str], folder: str) -> list[float]:
    """Return the seconds of each run of a command, in ascending order."""
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "limelight", *words], cwd=folder, capture_output=True, check=False)
        found.append(time.perf_counter() - started)
    return sorted(found)


def main() -> None:
    """Run every wrong command, and one training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "series.csv").write_text(TABLE)
        rows = {}
        for name, words in WRONG.items():
            found = seconds(words, folder)
            rows[name] = {"median": round(found[REPEATS // 2], 2), "slowest": round(found[-1], 2)}
            print(name, rows[name])
        trained = subprocess.run(
            [sys.executable, "-m", "limelight", "train", "series.csv"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = len(trained.stdout.splitlines()) + len(trained.stderr.splitlines())
    write_results(
        "command_line", {**describe_environment("limelight", "torch"), "seconds": rows, "lines_of_train": lines}
    )


if __name__ == "__main__":
    main()
