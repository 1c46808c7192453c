"""Write ``supply/locked.txt``: every package of ``make test`` with the hash of its file.

    .venv/bin/python supply/lock.py

pip itself resolves the ``test`` extra within ``constraints.txt`` and reports the files; nothing is installed. The
hashes are those of the files for this Python and platform. torch is left out, since its builds for CPU and GPU have one
version and different files.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LEFT_OUT = ("torch", "limelight")


def resolve() -> list[dict[str, Any]]:
    """Return pip's report on the packages that ``make test`` installs."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report",
            report,
        ]
        command += ["-c", HERE.parent / "constraints.txt", f"{HERE.parent}[test]", "hatchling", "editables"]
        subprocess.run([str(word) for word in command], check=True)
        packages: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    return packages


def main() -> None:
    """Write one line for each package, sorted by name."""
    lines = []
    for package in resolve():
        name, version = package["metadata"]["name"], package["metadata"]["version"]
        if name.lower() in LEFT_OUT or name.lower().startswith(("nvidia", "triton", "cuda")):
            continue
        hashes = package["download_info"]["archive_info"]["hashes"]
        lines.append(f"{name}=={version} --hash=sha256:{hashes['sha256']}")
    python = f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"
    machine = f"{sys.platform} ({platform.machine()})"
    heading = f"# Written by supply/lock.py for {python} on {machine}; torch is installed first, without a hash.\n"
    (HERE / "locked.txt").write_text(heading + "\n".join(sorted(lines, key=str.lower)) + "\n")
    print(f"{len(lines)} packages in {HERE / 'locked.txt'}")


if __name__ == "__main__":
    main()
