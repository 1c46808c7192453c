"""Install a wheel into a clean environment, and check what a user would notice.

    python supply/release_check.py dist/limelight-0.1.0-py3-none-any.whl
    python supply/release_check.py dist/limelight-0.1.0.tar.gz --python python3.13
    python supply/release_check.py dist/limelight-0.1.0-py3-none-any.whl --lowest

``limelight demo`` must train and write its report, every module must be importable but for those of extras, and mypy
must see the types of a small program that uses the package. ``--lowest`` installs the lowest versions that the metadata
allow. ``--extras`` also installs each extra, one after the other, after which every module must be importable, and
``limelight export`` must write a page without npm.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from email.parser import Parser
from pathlib import Path

CONSUMER = """
from typing import assert_type

import limelight as ll

model = ll.TimeSeriesClassifier(random_state=0)
panel = ll.generate_sine(ll.SineSettings(dataset_size=60, num_points=40))
assert_type(panel, ll.Panel)
assert_type(model.fit(panel), ll.TimeSeriesClassifier)
assert_type(model.explain(panel), ll.Explanation)
"""
WRONG = 'import limelight as ll\n\nll.TimeSeriesClassifier(random_state="zero")\n'
MODULES = """
import importlib, pkgutil, sys
import limelight
missing = {}
for module in pkgutil.walk_packages(limelight.__path__, "limelight."):
    if module.name != "limelight.__main__":
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            missing[module.name] = error.name
print(missing)
"""
OF_PEERS = {"limelight.interop.aeon": "aeon", "limelight.interop.sktime": "sktime"}
"""Adapters whose libraries are in no extra."""


def requirements(archive: Path) -> tuple[list[str], list[str]]:
    """Return the requirements and the names of the extras in the metadata of a wheel or sdist."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            text = wheel.read(name).decode()
    else:
        with tarfile.open(archive) as source:
            member = next(member for member in source.getnames() if member.endswith("/PKG-INFO"))
            content = source.extractfile(member)
            assert content is not None
            text = content.read().decode()
    metadata = Parser().parsestr(text)
    return metadata.get_all("Requires-Dist", []), metadata.get_all("Provides-Extra", [])


def lowest(required: list[str]) -> list[str]:
    """Pin the requirements without an extra to the lowest version that they allow.

    Example
    -------
    >>> lowest(["numpy>=2.0", "h5py>=3.11; extra == 'keras'"])
    ['numpy==2.0']
    """
    return [re.sub(r">=", "==", one) for one in required if ";" not in one]


class Environment:
    """A virtual environment in a temporary folder."""

    def __init__(self, python: str, folder: Path) -> None:
        subprocess.run([python, "-m", "venv", folder], check=True)
        self.folder, self.bin = folder, folder / "bin"

    def run(self, *words: object, fails: bool = False, alone: bool = False) -> str:
        """Run a program of the environment outside the repository and return its output; alone without other ones."""
        program, *rest = map(str, words)
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        if alone:
            clean |= {"PATH": str(self.bin), "LIMELIGHT_CACHE": str(self.folder / "copies")}
        done = subprocess.run(
            [self.bin / program, *rest], cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        if (done.returncode != 0) != fails:
            sys.exit(f"{' '.join(map(str, words))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def install(self, *words: object) -> None:
        """Install packages with pip."""
        self.run("python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *words)


def check(archive: Path, python: str, pins: list[str], torch_index: str | None, extras: bool) -> None:
    """Run all checks; exit with the output of the first that fails."""
    _, names = requirements(archive)
    with tempfile.TemporaryDirectory() as folder:
        place = Environment(python, Path(folder) / "environment")
        started = time.monotonic()

        def done(what: str) -> None:
            print(f"{time.monotonic() - started:6.0f} s  {what}", flush=True)

        torch = next((pin for pin in pins if pin.startswith("torch==")), "torch")
        place.install(*(["--index-url", torch_index] if torch_index else []), torch)
        place.install(archive, *pins)
        place.run("python", "-m", "pip", "check")
        done(f"installed {archive.name} with {place.run('python', '--version').strip()}")
        print(place.run("limelight", "--version").strip())
        place.run("limelight", "demo", "--epochs", "1", "--output", "demo")
        assert (place.folder / "demo" / "report" / "index.html").stat().st_size > 100_000
        done("limelight demo trains and writes its report")
        missing: dict[str, str] = eval(place.run("python", "-c", MODULES))
        done(f"all modules can be imported but {len(missing)}, which need {', '.join(sorted(set(missing.values())))}")
        (place.folder / "consumer.py").write_text(CONSUMER)
        (place.folder / "wrong.py").write_text(WRONG)
        place.install("mypy", "pydantic")
        place.run("mypy", "--strict", "consumer.py")
        assert "arg-type" in place.run("mypy", "--strict", "wrong.py", fails=True)
        done("mypy sees the types")
        if extras:
            for name in names:
                if name not in ("test", "docs"):
                    place.install(f"{archive}[{name}]")
                    done(f"installed the extra {name}")
            left = eval(place.run("python", "-c", MODULES))
            assert left == {name: library for name, library in missing.items() if name in OF_PEERS}, left
            done("all modules can be imported but the adapters for aeon and sktime")
            place.run("limelight", "export", "demo", "--to", "html", "--output", "demo.html", alone=True)
            done("limelight export writes a page without npm and without a network")


def main() -> None:
    """Parse the options and check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a wheel or an sdist")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to make the environment with")
    parser.add_argument("--lowest", action="store_true", help="install the lowest versions of the requirements")
    parser.add_argument("--extras", action="store_true", help="also install each extra")
    parser.add_argument("--torch-index", help="address of the index to take torch from")
    options = parser.parse_args()
    archive = options.archive.resolve()
    pins = lowest(requirements(archive)[0]) if options.lowest else []
    check(archive, options.python, pins, options.torch_index, options.extras)


if __name__ == "__main__":
    main()
