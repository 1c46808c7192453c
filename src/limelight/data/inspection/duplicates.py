"""Find series with identical values, within and across the parts of a split."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from limelight.data.inspection.findings import Duplicates
from limelight.data.panel import Panel
from limelight.data.splitting.splits import PARTS, Split
from limelight.task import is_known


class DuplicateFinder:
    """Find series with identical values by a hash of their values, block by block."""

    def __init__(self) -> None:
        self.rows_by_hash: dict[bytes, list[int]] = {}
        self.rows = 0

    def add(self, block: Panel) -> None:
        """Add the series of a block, which follow those of the block before."""
        for row in range(len(block)):
            content = hashlib.blake2b(block.series(row).tobytes(), digest_size=16).digest()
            self.rows_by_hash.setdefault(content, []).append(self.rows + row)
        self.rows += len(block)

    def duplicates(self, panel: Panel, split: Split | None) -> Duplicates:
        """Return the duplicates among all series of a panel that have been added."""
        part = np.full(len(panel), "all", dtype="<U10")
        if split is not None:
            for name in PARTS:
                part[split.part(name)] = name
        across, inside, contradictory = [], 0, []
        for first, *duplicates in self.rows_by_hash.values():
            seen = {str(part[first])}
            for row in duplicates:
                pair = (str(panel.ids[first]), str(panel.ids[row]))
                if str(part[row]) in seen:
                    inside += 1
                else:
                    seen.add(str(part[row]))
                    across.append(pair)
                if panel.labels is not None and _differ(panel.labels[row], panel.labels[first]):
                    contradictory.append(pair)
        return Duplicates(across, inside, contradictory)


def _differ(label: Any, other: Any) -> bool:
    """Whether two labels, or two rows of a multi-label target, differ; an unknown label is equal to any label."""
    both_known = is_known(np.atleast_1d(np.asarray(label))) & is_known(np.atleast_1d(np.asarray(other)))
    return bool((np.atleast_1d(label)[both_known] != np.atleast_1d(other)[both_known]).any())
