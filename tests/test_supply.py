"""Dependencies of the package: pins, hashes, known bad releases, one version."""

import re
import runpy
import tomllib
from pathlib import Path

import limelight

HOME = Path(__file__).parents[1]
AUDIT = runpy.run_path(str(HOME / "supply" / "audit.py"))
CHECK = runpy.run_path(str(HOME / "supply" / "release_check.py"))
BUILD_TOOLS = {"editables", "hatchling", "setuptools", "tomlkit", "trove-classifiers"}


def pins(file: Path) -> dict[str, str]:
    return {name.lower().replace("_", "-"): version for name, version in AUDIT["pinned"](file)}


def test_no_pinned_release_is_known_to_be_bad() -> None:
    files = [HOME / "constraints.txt", HOME / "supply" / "locked.txt"]
    assert [AUDIT["find_bad"](AUDIT["pinned"](file)) for file in files] == [[], []]


def test_a_known_bad_release_is_found_under_any_spelling() -> None:
    sentences = AUDIT["find_bad"]([("Lightning", "2.6.3"), ("lightning", "2.6.6"), ("PyArrow", "14.0.0")])
    assert sentences == [
        "Lightning 2.6.3 is malicious: malicious release",
        "PyArrow 14.0.0 is vulnerable: code in IPC and Parquet files is run, CVE-2023-47248",
    ]


def test_locked_packages_are_the_constrained_ones() -> None:
    constrained, locked = pins(HOME / "constraints.txt"), pins(HOME / "supply" / "locked.txt")
    differing = {name for name, version in constrained.items() if locked.get(name) != version}
    assert differing == {"torch"}, "run python supply/lock.py"
    assert locked.keys() - constrained.keys() <= BUILD_TOOLS


def test_every_locked_package_has_a_hash() -> None:
    lines = (HOME / "supply" / "locked.txt").read_text().splitlines()[1:]
    assert [line for line in lines if not re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_version_is_in_one_place() -> None:
    project = tomllib.loads((HOME / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/limelight/__init__.py"
    assert f"\nversion: {limelight.__version__}\n" in (HOME / "CITATION.cff").read_text()


def test_lowest_versions_are_those_of_the_requirements() -> None:
    required = ["numpy>=2.0", "torch>=2.10", "h5py>=3.11; extra == 'keras'"]
    assert CHECK["lowest"](required) == ["numpy==2.0", "torch==2.10"]
