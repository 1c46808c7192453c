"""Free text read by a sentence encoder from a local folder: vectors, training, errors and saved models."""

import json
import pickle
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from limelight.config.reading import read_experiment
from limelight.data.panel import Panel
from limelight.data.synthetic.bumps import EARLY, LATE, PHRASES
from limelight.errors import ModelFolderError, ParameterError
from limelight.estimator import TimeSeriesClassifier
from limelight.export.onnx_file import export_model
from limelight.loading import load
from limelight.model.texts import read_text_encoder
from limelight.model.vocabulary import Vocabulary, fit_vocabulary
from limelight.parts.architecture import Architecture
from limelight.parts.contexts import ContextEncoding, OneHotContext
from limelight.parts.encoders import ConvLSTM
from limelight.runtime import open_model
from support.errors import message_of
from support.panels import LEARNABLE, bump_panel

FILES = ["config.json", "model.safetensors", "tokenizer.json"]
SIZE = 16


def write_encoder(folder: Path, sentences: list[str], seed: int = 0, **changes: Any) -> Path:
    """Draw a vector for each word of some sentences, and save them as model2vec does."""
    model2vec = pytest.importorskip(
        "model2vec", reason="model2vec is not installed: a sentence encoder cannot be made or read (limelight[text])"
    )
    tokenizers = pytest.importorskip("tokenizers")
    words = sorted({word for sentence in sentences for word in sentence.replace(",", " ").lower().split()})
    places = {word: place for place, word in enumerate(["[UNK]", *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(places, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.random.default_rng(seed).standard_normal((len(places), SIZE)).astype(np.float32)
    for word, other in changes.get("alike", {}).items():
        vectors[places[word]] = vectors[places[other]] + 0.01 * vectors[places[word]]
    model2vec.StaticModel(changes.get("vectors", vectors), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def folder(tmp_path: Path, no_network: None) -> Path:
    sentences = [phrase.format(mode=mode) for phrase in PHRASES for mode in (EARLY, LATE, "prompt", "tardy")]
    return write_encoder(tmp_path / "encoder", sentences, alike={"prompt": EARLY, "tardy": LATE})


@pytest.fixture
def model2vec(folder: Path) -> Any:
    import model2vec

    return model2vec.StaticModel.from_pretrained(folder)


def cells(*texts: str) -> Any:
    return np.array(texts, dtype=object)


def notes_of(*texts: str | None) -> pa.Table:
    return pa.table({"note": pa.array(texts, pa.string())})


def fitted_words(folder: Path, *texts: str | None) -> Vocabulary:
    return fit_vocabulary(notes_of(*texts), schema={"note": "text"}, text_encoder=read_text_encoder(str(folder)))


def text_parts(n: int = 800) -> tuple[Panel, Panel]:
    return bump_panel(n, **LEARNABLE, mode_as="text").split(test=0.25)


def classifier(folder: Any, **parameters: Any) -> TimeSeriesClassifier:
    context = ContextEncoding(text_encoder=folder)
    return TimeSeriesClassifier(context=context, random_state=0, progress=False, **{"max_epochs": 1, **parameters})


# vectors


def test_the_vector_of_a_text_is_that_of_model2vec(folder: Path, model2vec: Any) -> None:
    texts = cells("operator asked for the late bump", "late", "operator asked for the late bump")
    np.testing.assert_array_equal(read_text_encoder(str(folder)).encode(texts), model2vec.encode(texts.tolist()))


def test_a_long_text_is_read_to_its_end(folder: Path) -> None:
    encoder = read_text_encoder(str(folder))
    long = encoder.encode(cells("night " * 2000 + "late " * 2000))
    np.testing.assert_allclose(long, encoder.encode(cells("night late")), rtol=1e-4, atol=1e-5)


def test_missing_texts_and_texts_without_known_words_are_unknown(folder: Path) -> None:
    vectors = read_text_encoder(str(folder)).encode(cells("late", "", "zebras gallop", "late zebras"))
    assert np.isnan(vectors).any(axis=1).tolist() == [False, True, True, False]
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_text_fields_are_vectors_and_not_tokens(folder: Path) -> None:
    vocabulary = fitted_words(folder, "late", "early", None)
    encoded = vocabulary.encode(notes_of("late", None, "zebras", "zebras"), 4)
    assert (encoded.vectors.shape, encoded.tokens.shape) == ((4, 1, SIZE), (4, 0, 1))
    assert (vocabulary.sizes()["texts"], vocabulary.sizes()["vector_size"]) == (1, SIZE)
    assert encoded.notes == (
        "metadata 'note' has no word that the text encoder knows in 2 series: 'zebras'; treated as unknown",
    )


def test_metadata_without_text_need_no_encoder(folder: Path) -> None:
    vocabulary = fitted_words(folder, "late", "early")
    shutil.rmtree(folder)
    assert np.isnan(vocabulary.encode(None, 3).vectors).all()
    assert vocabulary.encode(notes_of(), 0).vectors.shape == (0, 1, SIZE)


def test_the_vocabulary_stores_hashes_and_no_path(folder: Path) -> None:
    vocabulary = fitted_words(folder, "late", "early")
    content = json.loads(json.dumps(vocabulary.to_json()))
    assert content["text_encoder"].keys() == {"size", "files"}
    assert sorted(content["text_encoder"]["files"]) == FILES
    assert Vocabulary.from_json(content) == vocabulary
    assert "text_encoder" not in fit_vocabulary(notes_of("late", "early")).to_json()


# training


@pytest.mark.slow
def test_notes_are_learned_and_generalise_to_new_words(folder: Path) -> None:
    train, test = text_parts()
    small = ConvLSTM(filters=16, hidden_size=16, stride=4, dropout=0.0)
    model = classifier(folder, encoder=small, training={"learning_rate": 1e-2}, max_epochs=10).fit(train)
    assert model.model_.network.context.words is None
    assert model.score(test, test.labels) >= 0.95
    texts = [text.replace(LATE, "tardy").replace(EARLY, "prompt") for text in test.metadata["mode"].to_pylist()]
    assert model.score(test.replace(metadata=pa.table({"mode": texts})), test.labels) >= 0.95


def test_fixed_features_generalise_to_new_words_too(folder: Path) -> None:
    train, test = text_parts(400)
    model = classifier(folder, encoder={"name": "rocket", "features": 840}).fit(train)
    assert isinstance(model.model_.architecture.context, OneHotContext)
    assert model.score(test, test.labels) >= 0.95
    texts = [text.replace(LATE, "tardy").replace(EARLY, "prompt") for text in test.metadata["mode"].to_pylist()]
    assert model.score(test.replace(metadata=pa.table({"mode": texts})), test.labels) >= 0.95


def test_evidence_of_fixed_features_includes_vectors_of_texts(folder: Path) -> None:
    train, test = text_parts(80)
    model = classifier(folder, encoder={"name": "rocket", "features": 84}).fit(train)
    found = model.explain(test, method="evidence")
    sums = np.array([one.sum(dtype=np.float64) for one in found.importance]) + found.fields["mode"] + found.base
    logits = found.prediction.logits[:, 0] * np.where(found.target == model.classes_[1], 1, -1)
    np.testing.assert_allclose(sums, logits, atol=1e-5)


@pytest.mark.parametrize("encoder", [{"name": "rocket", "features": 84}, "gru"])
def test_exported_models_read_vectors_of_texts(folder: Path, tmp_path: Path, encoder: Any) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (limelight[onnx])")
    train, test = text_parts(80)
    model = classifier(folder, encoder=encoder).fit(train)
    file = export_model(model.model_, tmp_path / "model.onnx")
    found = open_model(file, threads=1, text_encoder=folder).predict(test).probabilities
    np.testing.assert_allclose(found, model.predict_proba(test), atol=1e-5)


def test_text_vectors_are_scaled_by_training_texts(folder: Path, model2vec: Any) -> None:
    train, _ = text_parts(40)
    texts = train.metadata["mode"].to_pylist()
    train = train.replace(metadata=pa.table({"mode": [None, *texts[1:]]}))
    scaling = classifier(folder, validation=0).fit(train).model_.network.context.vectors.scaling
    vectors = model2vec.encode(texts[1:]).astype(np.float64)
    np.testing.assert_allclose(scaling.mean, vectors.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scaling.scale, vectors.std(axis=0), rtol=1e-5, atol=1e-6)


def test_texts_of_unknown_words_equal_missing_texts_with_a_note(folder: Path) -> None:
    train, test = text_parts(80)
    model = classifier(str(folder)).fit(train).model_
    strange = test.replace(metadata=pa.table({"mode": ["zebras gallop"] * len(test)}))
    without = test.replace(metadata=None)
    assert model.notes_about(strange) == [
        "metadata 'mode' has no word that the text encoder knows in 20 series: 'zebras gallop'; treated as unknown"
    ]
    assert model.notes_about(without) == ["metadata 'mode' is missing for all 20 series: treated as unknown"]
    np.testing.assert_array_equal(model.predict(strange).logits, model.predict(without).logits)
    assert np.isfinite(model.predict(without).logits).all()
    assert (model.predict(test).logits != model.predict(without).logits).all()


def test_an_encoder_of_another_language_is_refused(tmp_path: Path, no_network: None) -> None:
    folder = write_encoder(tmp_path / "encoder", ["guten Morgen"])
    assert message_of(ParameterError, classifier(folder).fit, text_parts(40)[0]) == (
        "expected a text encoder that knows words of metadata 'mode', got one that knows none of them in any training series; use an encoder for their language, or drop it"
    )


def test_an_encoder_without_text_to_read_is_refused(folder: Path) -> None:
    train, _ = text_parts(40)
    words = train.replace(metadata=pa.table({"mode": ["early", "late"] * 15, "age": range(30)}))
    assert message_of(ParameterError, classifier(folder).fit, words) == (
        f"expected text among the metadata for the text encoder in {str(folder)!r}, got 'mode: category', "
        "'age: number'; state which field is text, or drop the text encoder"
    )
    assert message_of(ParameterError, classifier(folder).fit, train.replace(metadata=None)) == (
        f"expected metadata with text for the text encoder in {str(folder)!r}, got series without metadata; give "
        "metadata, or drop the text encoder"
    )


def test_a_network_without_metadata_needs_no_encoder() -> None:
    train, _ = text_parts(40)
    assert classifier("nowhere", fusion=[]).fit(train).model_.vocabulary is None


# folders


def test_a_model_name_is_rejected_and_never_downloaded(no_network: None) -> None:
    assert message_of(ParameterError, read_text_encoder, "minishlab/potion-base-8M") == (
        "there is no folder 'minishlab/potion-base-8M' with a text encoder; nothing is downloaded: "
        "save an encoder with StaticModel.save_pretrained of model2vec, and use its folder"
    )


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert message_of(ParameterError, read_text_encoder, str(tmp_path)) == (
        f"expected a model2vec text encoder in {str(tmp_path)!r}, got a folder without 'model.safetensors', "
        "'tokenizer.json'; use a folder written by StaticModel.save_pretrained"
    )


def test_without_model2vec_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(sys.modules, "model2vec", None)
    assert message_of(ParameterError, read_text_encoder, str(tmp_path)) == (
        "a text encoder needs model2vec, which is not installed; pip install 'limelight[text]'"
    )


def test_a_damaged_encoder_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    message = message_of(ParameterError, read_text_encoder, str(folder))
    assert message.startswith(f"the text encoder in {str(folder)!r} cannot be read (")
    assert message.endswith("); save it again with StaticModel.save_pretrained")


def test_an_encoder_of_infinite_numbers_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder", ["late"], vectors=np.array([[0.0, 1.0], [np.inf, 1.0]]))
    assert message_of(ParameterError, read_text_encoder, str(folder)) == (
        f"expected finite numbers in the text encoder in {str(folder)!r}, got NaN or infinity for 1 word; "
        "use another encoder"
    )


def test_a_path_object_is_accepted_as_folder() -> None:
    architecture = Architecture.of(context=ContextEncoding(text_encoder=Path("words")))
    assert architecture.to_json()["context"]["text_encoder"] == "words"


def test_a_text_encoder_alone_defines_a_context() -> None:
    architecture = Architecture.of(context={"text_encoder": "words"})
    assert architecture.context == ContextEncoding(text_encoder="words")


def test_an_experiment_names_the_folder_beside_its_file(tmp_path: Path) -> None:
    model = {"context": {"name": "embedding", "text_encoder": "words"}}
    file = tmp_path / "e.json"
    file.write_text(json.dumps({"data": {"bumps": {}}, "model": model}))
    assert read_experiment(file).model.context.text_encoder == str(tmp_path / "words")
    other = read_experiment(file, {"model.context.text_encoder": "others"})
    assert other.model.context.text_encoder == str(Path("others").resolve())


# saved models


@pytest.fixture
def saved(folder: Path, tmp_path: Path) -> Path:
    return classifier(folder).fit(text_parts(80)[0]).save(tmp_path / "model")


@pytest.mark.parametrize("encoder", ["conv_lstm", {"name": "rocket", "features": 84}])
def test_a_saved_model_contains_its_text_encoder(folder: Path, tmp_path: Path, encoder: Any) -> None:
    train, test = text_parts(80)
    model = classifier(folder, encoder=encoder).fit(train)
    saved = model.save(tmp_path / "model")
    shutil.rmtree(folder)
    shutil.move(saved, tmp_path / "elsewhere")
    again = load(tmp_path / "elsewhere")
    np.testing.assert_array_equal(again.predict_proba(test), model.predict_proba(test))
    kept = tmp_path / "elsewhere" / "text_encoder"
    assert sorted(file.name for file in kept.iterdir()) == FILES
    assert again.context.text_encoder == str(kept)
    assert str(folder) not in (tmp_path / "elsewhere" / "model.json").read_text()


def test_a_loaded_model_can_be_refitted_and_saved(saved: Path) -> None:
    train, test = text_parts(80)
    again = load(saved)
    again.set_params(max_epochs=1, random_state=1, progress=False).fit(train).save(saved)
    np.testing.assert_array_equal(load(saved).predict_proba(test), again.predict_proba(test))


def test_a_pickled_model_refers_to_the_folder(saved: Path) -> None:
    _, test = text_parts(80)
    model = load(saved)
    content = pickle.dumps(model)
    np.testing.assert_array_equal(pickle.loads(content).predict_proba(test), model.predict_proba(test))


@pytest.mark.parametrize("name", FILES)
def test_an_exchanged_file_of_the_encoder_is_refused(saved: Path, name: str) -> None:
    file = saved / "text_encoder" / name
    file.write_bytes(file.read_bytes() + b" ")
    assert message_of(ModelFolderError, load, saved) == (
        f"{str(file)!r} is not the file that the model was fitted with: it was damaged, truncated or replaced; "
        "restore the file, or fit the model again"
    )


def test_a_model_without_its_encoder_is_refused(saved: Path) -> None:
    file = saved / "text_encoder" / "tokenizer.json"
    file.unlink()
    assert message_of(ModelFolderError, load, saved) == (
        f"the text encoder of the model is missing: there is no file {str(file)!r}; restore the file, or fit the "
        "model again"
    )


def test_an_encoder_that_changed_since_the_training_is_not_saved(folder: Path, tmp_path: Path) -> None:
    model = classifier(folder).fit(text_parts(80)[0])
    file = folder / "config.json"
    file.write_text("{}")
    assert message_of(ModelFolderError, model.save, tmp_path / "model") == (
        f"{str(file)!r} is not the file that the model was fitted with: it was damaged, truncated or replaced; "
        "restore the file, or fit the model again"
    )
    assert not (tmp_path / "model").exists()


def test_forged_sizes_of_the_encoder_are_refused(saved: Path) -> None:
    file = saved / "model.json"
    content = json.loads(file.read_text())
    content["vocabulary"]["text_encoder"]["size"] = 10**9
    file.write_text(json.dumps(content))
    assert "disagree about 'context." in message_of(ModelFolderError, load, saved)


def test_saving_replaces_only_the_model_and_its_encoder(folder: Path, saved: Path) -> None:
    model = classifier(folder).fit(text_parts(80)[0])
    model.save(saved)
    (saved / "text_encoder" / "thesis.txt").write_text("years of work")
    assert message_of(ModelFolderError, model.save, saved) == (
        f"{str(saved)!r} already exists and is not a model; choose another name for the model"
    )
