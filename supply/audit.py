"""Check pinned and installed packages against the releases that must not be installed; needs no network.

    python supply/audit.py                      # constraints.txt, supply/locked.txt and this environment
    python supply/audit.py --constraints FILE

Exits with 1 if a malicious or vulnerable release is pinned or installed. ``make audit`` also runs pip-audit, which asks
the public database and therefore needs a network.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
PINS = (HERE.parent / "constraints.txt", HERE / "locked.txt")


def pinned(file: Path) -> list[tuple[str, str]]:
    """Return the names and versions in a file of ``name==version`` lines."""
    return re.findall(r"^([\w.-]+)==([\w.+!]+)", file.read_text(), flags=re.MULTILINE)


def installed() -> Iterator[tuple[str, str]]:
    """Return the names and versions of what this Python can import."""
    for one in distributions():
        yield one.metadata["Name"], one.version


def find_bad(packages: Iterable[tuple[str, str]], known: Path = HERE / "known_bad_releases.json") -> list[str]:
    """Return a sentence for each known-bad release among some packages.

    Example
    -------
    >>> find_bad([("Lightning", "2.6.3"), ("lightning", "2.6.6")])
    ['Lightning 2.6.3 is malicious: malicious release']
    """
    lists = json.loads(known.read_text())
    entries = [(kind, entry) for kind in ("malicious", "vulnerable") for entry in lists[kind]]
    return [
        f"{name} {version} is {kind}: {entry['reason']}"
        for name, version in packages
        for kind, entry in entries
        if canonicalize_name(name) == entry["package"] and version in SpecifierSet(entry["versions"], prereleases=True)
    ]


def main() -> None:
    """Print every known-bad release and exit with 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constraints", nargs="*", type=Path, default=PINS, help="files of name==version lines")
    options = parser.parse_args()
    bad = [f"this environment: {sentence}" for sentence in find_bad(installed())]
    for file in options.constraints:
        bad += [f"{file.name}: {sentence}" for sentence in find_bad(pinned(file))]
    print("\n".join(bad) or "no known-bad release is pinned or installed")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
