"""
A model behind HTTP, without torch
==================================

A fitted model becomes one file, which ONNX Runtime predicts with, and a server that answers requests.
"""

# %%
# Export
# ------
# Everything between raw values and answers is in the file: scaling, missing values, the network, calibration. Before it
# appears, its probabilities are compared with those of the model.

import tempfile
from pathlib import Path

import numpy as np

import limelight as ll
from limelight.runtime import open_model

waves = ll.generate_sine(ll.SineSettings(dataset_size=120, num_points=60))
train, test = waves.split(test=0.25)
model = ll.TimeSeriesClassifier("rocket", random_state=0).fit(train)
folder = Path(tempfile.mkdtemp())
file = model.export(folder / "waves.onnx")
print(f"{file.stat().st_size / 1e3:.0f} kB")

# %%
# Predict without torch
# ---------------------

exported = open_model(file)
difference = np.abs(exported.predict(test).probabilities - model.predict_proba(test)).max()
print("largest difference of a probability:", difference)

# %%
# Serve
# -----
# ``limelight serve waves.onnx --port 8000`` is the command; here it is started from Python, on a free port.

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

command = [sys.executable, "-m", "limelight", "serve", str(file), "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
address = next(word for line in server.stdout for word in line.split() if word.startswith("http://")).rstrip("/.,")


def post(request: dict[str, Any]) -> dict[str, Any]:
    """Send a request as JSON, and return the answer."""
    url, kind = f"{address}/v1/models/waves/predict", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(request).encode(), kind), timeout=20) as answer:
        return json.load(answer)


answer = post({"series": [{"id": test.ids[0], "values": test.series(0)[:, 0].tolist()}]})
print(json.dumps(answer["predictions"], indent=1))

# %%
# A mistake in a request is answered with one sentence and status 422.

try:
    post({"series": [{"values": ["high", "low"]}]})
except urllib.error.HTTPError as error:
    with error:
        print(error.code, json.load(error)["error"])

# %%

server.terminate()
server.stdout.close()
print("server ended with", server.wait())
