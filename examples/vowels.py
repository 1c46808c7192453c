"""Multi-class, series of different lengths: who is speaking, and which moment of the vowel gives it away?

    python examples/data.py japanese_vowels
    python examples/vowels.py examples/data/japanese_vowels --into runs/vowels

Nine men utter the vowels /ae/. A series is one utterance: 12 coefficients of the sound in each of its 7 to 29 frames.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.csv as csv

import limelight as ll

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("data", type=Path, help="folder of japanese_vowels")
parser.add_argument("--into", type=Path, default=Path("runs/vowels"), help="folder for the plots")
parser.add_argument("--epochs", type=int, help="at most, for the network with attention")
options = parser.parse_args()
options.into.mkdir(parents=True, exist_ok=True)

# 1. Read. Utterances differ in length; you need neither truncate nor pad them.
sounds = ll.read_table(options.data / "series.parquet", labels=options.data / "labels.csv")
split = csv.read_csv(options.data / "split.csv").to_pydict()
part = dict(zip(split["series_id"], split["split"], strict=True))
train, test = (sounds[[part[name] == word for name in sounds.ids]] for word in ("train", "test"))
print(f"train {train}\ntest  {test}")

# 2. Train two models: the default, fitted in closed form, and a recurrent network with attention.
for encoder in ("auto", "conv_lstm"):
    model = ll.TimeSeriesClassifier(encoder, max_epochs=options.epochs, random_state=0).fit(train)
    probabilities = model.predict_proba(test)
    predictions = model.classes_[probabilities.argmax(axis=1)]
    print(f"\n{encoder}: accuracy {model.score(test, test.labels):.3f}", *model.notes_)

    # 3. Which speakers are confused? Sort the errors by frequency.
    wrong = predictions != test.labels
    pairs, counts = np.unique(np.stack([test.labels, predictions])[:, wrong], axis=1, return_counts=True)
    for row in np.argsort(-counts, kind="stable")[:2]:
        print(f"  speaker {pairs[0, row]} predicted as {pairs[1, row]}: {counts[row]}")

    # 4. Which moment matters? Cut each utterance into thirds and sum the importance in each: the evidence of the first
    # model (above 0 for the predicted class, below 0 against it), the attention of the second (sums to 1).
    explanation = model.explain(test)
    thirds = np.zeros(3)
    for weights in explanation.importance:
        for third, shares in enumerate(np.array_split(np.abs(weights) / np.abs(weights).sum(), 3)):
            thirds[third] += shares.sum() / len(test)
    print(f"  {explanation.method}: {thirds[0]:.0%} in the first third, {thirds[1]:.0%}, {thirds[2]:.0%} in the last")

    # 5. Explain the most confident utterance of three speakers.
    rows = [int(probabilities[:, speaker].argmax()) for speaker in range(3)]
    model.explain(test[rows]).plot().savefig(options.into / f"{encoder}.png")
    print(f"  see {options.into / f'{encoder}.png'}")
