"""Nine classes, series of any length: who is speaking, and by which moment of the vowel can one hear it?

    python examples/data.py japanese_vowels
    python examples/vowels.py examples/data/japanese_vowels --into runs/vowels

Nine men say the vowels /ae/. A series is one utterance: 12 coefficients of the sound in each of its 7 to 29 frames.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.csv as csv

import limelight as ll

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("data", type=Path, help="folder of japanese_vowels")
parser.add_argument("--into", type=Path, default=Path("runs/vowels"), help="where the pictures go")
parser.add_argument("--epochs", type=int, help="at most, of the network with attention")
options = parser.parse_args()
options.into.mkdir(parents=True, exist_ok=True)

# 1. Read. Utterances differ in length; nothing is cut off or filled up by you.
sounds = ll.read_table(options.data / "series.parquet", labels=options.data / "labels.csv")
split = csv.read_csv(options.data / "split.csv").to_pydict()
part = dict(zip(split["series_id"], split["split"], strict=True))
train, test = (sounds[[part[name] == word for name in sounds.ids]] for word in ("train", "test"))
print(f"train {train}\ntest  {test}")

# 2. Two models: the default, solved in closed form, and a recurrent network with attention.
for encoder in ("auto", "conv_lstm"):
    model = ll.TimeSeriesClassifier(encoder, max_epochs=options.epochs, random_state=0).fit(train)
    probabilities = model.predict_proba(test)
    answers = model.classes_[probabilities.argmax(axis=1)]
    print(f"\n{encoder}: {model.score(test, test.labels):.3f} right", *model.notes_)

    # 3. Who is taken for whom? Sort the mistakes by how often they happen.
    wrong = answers != test.labels
    pairs, counts = np.unique(np.stack([test.labels, answers])[:, wrong], axis=1, return_counts=True)
    for (truth, answer), count in sorted(zip(pairs.T.tolist(), counts.tolist(), strict=True), key=lambda one: -one[1])[
        :2
    ]:
        print(f"  speaker {truth} taken for {answer}: {count}")

    # 4. When? Cut every utterance into thirds and see where that lies which counts: the evidence of the first model
    # (above 0 for its answer, below 0 against it), the attention of the second (adds up to 1).
    explanation = model.explain(test)
    thirds = np.zeros(3)
    for weights in explanation.importance:
        for place, share in enumerate(np.array_split(np.abs(weights) / np.abs(weights).sum(), 3)):
            thirds[place] += share.sum() / len(test)
    print(f"  {explanation.method}: {thirds[0]:.0%} in the first third, {thirds[1]:.0%}, {thirds[2]:.0%} in the last")

    # 5. Look at the surest utterance of three speakers.
    rows = [int(probabilities[:, speaker].argmax()) for speaker in range(3)]
    model.explain(test[rows]).plot().savefig(options.into / f"{encoder}.png")
    print(f"  see {options.into / f'{encoder}.png'}")
