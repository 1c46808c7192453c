"""Serve one exported model by LitServe; ``benchmarks.run.deploy`` starts this script.

python litserve_side.py MODEL.onnx PORT BATCH

Requests are those of ``limelight serve`` at ``/predict``. ``BATCH`` is the most requests that are predicted together;
LitServe waits 1 ms for more of them.
"""

import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np
from fastapi import Request


class Answers(litserve.LitAPI):
    """Reads requests with one series each, and answers its class and probabilities."""

    def setup(self, device: Any) -> None:
        """Open the model on one thread."""
        from limelight.runtime import open_model

        self.model = open_model(Path(sys.argv[1]), threads=1)

    def decode_request(self, request: Request, **context: Any) -> np.ndarray:
        """Return the values of the series, shape (time, 1); LitServe has parsed the body."""
        content: Any = request
        return np.array(content["series"][0]["values"], dtype=np.float64)[:, None]

    def batch(self, inputs: Any) -> list[np.ndarray]:
        """Collect the series of several requests."""
        return list(inputs)

    def predict(self, x: Any, **context: Any) -> list[dict[str, Any]]:
        """Predict one series or a list of them."""
        found = self.model.predict(x if isinstance(x, list) else [x])
        classes = [str(name) for name in self.model.task.classes]
        answers = [
            {"prediction": str(label), "probabilities": dict(zip(classes, map(float, shares), strict=True))}
            for label, shares in zip(found.labels, found.probabilities, strict=True)
        ]
        return answers if isinstance(x, list) else answers[:1]

    def unbatch(self, output: Any) -> Any:
        """Return one answer for each request."""
        return output

    def encode_response(self, output: Any, **context: Any) -> Any:
        """Return an answer as JSON types."""
        return {"predictions": [output] if isinstance(output, dict) else output}


def main() -> None:
    """Serve until stopped."""
    batch = int(sys.argv[3])
    api = Answers(max_batch_size=batch, batch_timeout=0.001 if batch > 1 else 0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="error", generate_client_file=False)


if __name__ == "__main__":
    main()
