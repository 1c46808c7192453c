"""Binary classification: is a heart beat normal, how confident is the model, and which part of the beat shows it?

    python examples/data.py ecg200
    python examples/ecg.py examples/data/ecg200 --into runs/ecg

Each series is one beat, 96 samples of one ECG lead. The model is the default: ``auto`` fits a linear head on fixed
convolutions in seconds, and each of its logits is a sum over time steps that can be plotted exactly.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.csv as csv
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

import limelight as ll

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("data", type=Path, help="folder of ecg200")
parser.add_argument("--into", type=Path, default=Path("runs/ecg"), help="folder for the model and the plot")
parser.add_argument("--encoder", default="auto", help="auto, rocket, conv_lstm, lstm, gru")
parser.add_argument("--epochs", type=int, help="at most, for encoders trained by gradient descent")
options = parser.parse_args()

# 1. Read the series. The classes are coded as numbers, so give them names.
beats = ll.read_table(options.data / "series.parquet", labels=options.data / "labels.csv")
beats = beats.replace(labels=np.where(beats.labels == "1", "normal", "abnormal"))
split = csv.read_csv(options.data / "split.csv").to_pydict()
part = dict(zip(split["series_id"], split["split"], strict=True))
train, test = (beats[[part[name] == word for name in beats.ids]] for word in ("train", "test"))
print(f"train {train}\ntest  {test}")

# 2. Train. A fifth of the training beats is held out to calibrate the probabilities with a temperature.
model = ll.TimeSeriesClassifier(options.encoder, validation=0.2, max_epochs=options.epochs, random_state=0)
model.fit(train)
print(*model.notes_, sep="\n")

# 3. Score. Abnormal beats are rarer, so accuracy alone would flatter a model that never finds them.
predictions = model.predict(test)
print(
    f"accuracy {model.score(test, test.labels):.3f}, balanced {balanced_accuracy_score(test.labels, predictions):.3f}"
)
print(f"rows: truth, columns: prediction, {model.classes_}\n{confusion_matrix(test.labels, predictions)}")

# 4. Lower the threshold. If a missed abnormal beat is worse than a false alarm, raise the alarm below one half.
abnormal = model.predict_proba(test)[:, list(model.classes_).index("abnormal")]
for threshold in (0.5, 0.3, 0.1):
    found = recall_score(test.labels == "abnormal", abnormal >= threshold)
    alarms = (abnormal >= threshold)[test.labels == "normal"].mean()
    print(f"threshold {threshold}: {found:.0%} of the abnormal beats raise an alarm, {alarms:.0%} of the normal ones")

# 5. Explain the most confident beat of each class, and the least confident one.
rows = [int(np.argmin(abnormal)), int(np.argmax(abnormal)), int(np.argmin(np.abs(abnormal - 0.5)))]
options.into.mkdir(parents=True, exist_ok=True)
model.explain(test[rows]).plot().savefig(options.into / "beats.png")
model.save(options.into / "model")
print(f"see {options.into / 'beats.png'}")
