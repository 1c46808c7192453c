"""Compare what classifiers read in real notes: short reviews and tweets whose tone people rated.

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python -m benchmarks.run.notes vaderSentiment-3.3.2.tar.gz --text-encoder my-encoder

The source distribution contains the texts of Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment
Analysis of Social Media Text (ICWSM 2014). ``my-encoder`` is a folder of model2vec; the guide on metadata shows how to
make it from a package. Each series is noise with a note, so that only the note can answer whether the mean rating is
positive. 1,000 texts are test series; no setting is chosen on them. As a reference, scikit-learn's logistic regression
on TF-IDF, with a penalty chosen by cross-validation, reads the notes alone.

Prints tables and writes ``benchmarks/results/notes.json``.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline

from benchmarks.result_files import describe_environment, read_results, write_results
from limelight.data.panel import Panel
from limelight.estimator import TimeSeriesClassifier
from limelight.parts.contexts import ContextEncoding, OneHotContext

CORPORA = {"reviews of products": "amazonReviewSnippets", "tweets": "tweets", "reviews of films": "movieReviewSnippets"}
SIZES, TEST, STEPS = (150, 500, 1500), 1000, 20
NETWORKS_AT = 500
"""Number of training series with which networks are compared, which take longer."""


def read_corpus(archive: Path, name: str) -> tuple[NDArray[np.str_], NDArray[Any]]:
    """Return whether the mean rating of each text is above 0, as words, and the texts."""
    with tarfile.open(archive) as outer:
        inner = next(member for member in outer.getmembers() if member.name.endswith("hutto_ICWSM_2014.tar.gz"))
        content = outer.extractfile(inner)
        assert content is not None
        with tarfile.open(fileobj=io.BytesIO(content.read())) as files:
            text = files.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            assert text is not None
            lines = text.read().decode("utf-8", errors="replace").splitlines()
    rows = [cells for line in lines if len(cells := line.split("\t")) >= 3 and cells[-1].strip()]
    tones = np.where([float(cells[1]) > 0 for cells in rows], "positive", "negative")
    return tones, np.array([cells[-1] for cells in rows], dtype=object)


def with_noise(tones: NDArray[np.str_], texts: NDArray[Any], random: np.random.Generator) -> Panel:
    """Return series of noise with a note each."""
    values = [random.normal(size=(STEPS, 1)) for _ in texts]
    return Panel.from_series(values, labels=tones.tolist(), metadata=pa.table({"note": [str(one) for one in texts]}))


Predict = Callable[[Panel, Panel, int], NDArray[Any]]


def predict_by_model(train: Panel, test: Panel, seed: int, encoder: str, context: Any = None) -> NDArray[Any]:
    """Fit limelight with default settings but for the encoder and the context."""
    parts = {} if context is None else {"context": context}
    model = TimeSeriesClassifier(encoder, random_state=seed, progress=False, **parts).fit(train)
    return np.asarray(model.predict(test))


def predict_by_words(train: Panel, test: Panel, seed: int) -> NDArray[Any]:
    """Fit logistic regression on TF-IDF of the notes."""
    assert train.metadata is not None
    assert test.metadata is not None
    model = make_pipeline(TfidfVectorizer(), LogisticRegressionCV(Cs=5, max_iter=1000, random_state=seed))
    model.fit(train.metadata["note"].to_pylist(), train.require_labels())
    return np.asarray(model.predict(test.metadata["note"].to_pylist()))


def sides_of(text_encoder: str | None) -> dict[str, Predict]:
    """Return how each side predicts."""
    before = OneHotContext(text_size=64, text_weighting="share")
    sides: dict[str, Predict] = {
        "TF-IDF, logistic regression": predict_by_words,
        "blocks, shares of 64 columns": partial(predict_by_model, encoder="blocks", context=before),
        "blocks": partial(predict_by_model, encoder="blocks"),
        "conv_lstm": partial(predict_by_model, encoder="conv_lstm"),
    }
    if text_encoder is not None:
        vectors = ContextEncoding(text_encoder=text_encoder)
        sides["blocks, sentence encoder"] = partial(predict_by_model, encoder="blocks", context=vectors)
        sides["conv_lstm, sentence encoder"] = partial(predict_by_model, encoder="conv_lstm", context=vectors)
    return sides


def main() -> None:
    """Score all sides on all corpora and sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="source distribution of vaderSentiment")
    parser.add_argument("--text-encoder", help="folder of a sentence encoder")
    parser.add_argument("--sides", nargs="+", help="names of sides; all if not given")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    runs: dict[str, Any] = read_results("notes").get("runs", {})
    for corpus, file in CORPORA.items():
        tones, texts = read_corpus(options.archive, file)
        for size in SIZES:
            own = runs.setdefault(corpus, {}).setdefault(str(size), {})
            for side, predict in sides_of(options.text_encoder).items():
                network = side.startswith("conv_lstm")
                if side not in (options.sides or [side]) or (network and size != NETWORKS_AT):
                    continue
                own[side] = [score(tones, texts, size, predict, seed) for seed in range(options.seeds)]
                accuracies = [one["accuracy"] for one in own[side]]
                print(f"{corpus:20}{size:6}  {side:32}{np.mean(accuracies):.3f} {min(accuracies):.3f}", flush=True)
                write_results("notes", {**describe_environment("limelight", "torch", "scikit-learn"), "runs": runs})


def score(tones: NDArray[np.str_], texts: NDArray[Any], size: int, predict: Predict, seed: int) -> dict[str, float]:
    """Return the accuracy on one draw of training and test texts, the baseline, and the processor seconds."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(texts))
    train, test = order[:size], order[-TEST:]
    panels = with_noise(tones[train], texts[train], random), with_noise(tones[test], texts[test], random)
    started = time.process_time()
    predicted = predict(*panels, seed)
    seconds = time.process_time() - started
    _, counts = np.unique(tones[test], return_counts=True)
    return {
        "accuracy": round(float((predicted == tones[test]).mean()), 4),
        "commonest": round(float(counts.max() / TEST), 4),
        "cpu_seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    main()
