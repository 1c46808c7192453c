"""Fit TEASER of aeon on one data set and answer the test series early; the benchmark ``early`` starts this script.

    python early_side.py REQUEST.json RESPONSE.json

TEASER has the defaults of aeon, except for the points at which it may answer, which are those of limelight.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from aeon.classification.early_classification import TEASER
from archive_side import pad_and_fill, read_parts


def main() -> None:
    """Fit, answer, and write predictions, accuracy and earliness."""
    request = json.loads(Path(sys.argv[1]).read_text())
    series, labels = read_parts(Path(request["folder"]))
    arrays = pad_and_fill(series)
    model = TEASER(classification_points=request["points"], random_state=request["seed"], n_jobs=1)
    model.fit(arrays["train"], labels["train"])
    predictions, _ = model.predict(arrays["test"])  # of whole series: the state has the point of each decision
    steps = np.array(model._classification_points)[model.state_info[:, 0]]
    accuracy = float(np.mean(predictions.astype(str) == labels["test"]))
    seen = float(steps.mean() / arrays["test"].shape[2])
    Path(sys.argv[2]).write_text(
        json.dumps({"accuracy": accuracy, "seen": seen, "points": list(map(int, model._classification_points))})
    )


if __name__ == "__main__":
    main()
