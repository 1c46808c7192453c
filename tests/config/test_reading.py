import json
from pathlib import Path

import pytest

from limelight.config.reading import check_experiment, experiment_schema, read_experiment
from limelight.data.reading.formats import describe_suffixes
from limelight.errors import DataError, ParameterError
from limelight.parts.encoders import ENCODERS, LSTM, ConvLSTM
from support.errors import message_of

SINE = {"data": {"sine": {}}}


def check_error(content: object, where: str = "e.json") -> str:
    return message_of(ParameterError, check_experiment, content, where)


def test_every_default_is_written_out() -> None:
    content = check_experiment(SINE, "e.json").to_json()
    assert content["split"] == {
        "test": 0.2, "validation": None, "by": "random", "group": None, "stratify": True, "seed": 0,
    }  # fmt: skip
    assert content["windows"] is None
    assert content["data"]["sine"]["num_points"] == 500
    assert content["model"]["encoder"]["name"] == "auto"
    assert content["training"]["learning_rate"] == 0.004


def test_written_out_experiment_reads_back_the_same() -> None:
    experiment = check_experiment({**SINE, "model": {"encoder": {"name": "lstm", "hidden_size": [9, 3]}}}, "e.json")
    again = check_experiment(json.loads(json.dumps(experiment.to_json())), "e.json")
    assert again == experiment
    assert again.model.encoder == LSTM(hidden_size=[9, 3])


def test_preset_replaces_a_whole_model() -> None:
    assert check_experiment({**SINE, "preset": "attention_bilstm"}, "e.json").model.describe() == (
        "bidirectional lstm (32), attention, linear"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**SINE, "trainig": {}}, "an experiment has no key 'trainig'; did you mean 'training'?"),
        ({"data": {"sine": {"num_point": 3}}}, "data.sine has no key 'num_point'; did you mean 'num_points'?"),
        ({"data": {"serie": "a.csv"}}, "data has no key 'serie'; did you mean 'series'?"),
        ({**SINE, "training": {"pachience": 3}}, "training has no key 'pachience'; did you mean 'patience'?"),
        ({**SINE, "model": {"encodr": "lstm"}}, "a model has no part 'encodr'; did you mean 'encoder'?"),
        (
            {**SINE, "model": {"encoder": {"name": "lstm", "hiden_size": 3}}},
            "'lstm' has no parameter 'hiden_size'; did you mean 'hidden_size'?",
        ),
        ({**SINE, "encoder": "lstm"}, "an experiment has no key 'encoder'; did you mean 'model.encoder'?"),
        ({**SINE, "preset": "lstn"}, "there is no preset 'lstn'; did you mean 'lstm'?"),
        ({**SINE, "preset": "lstm", "model": {}}, 'expected either "preset" or "model", got both; remove one'),
        ({**SINE, "training": {"patience": 0}}, "expected training.patience of at least 1, got 0"),
        ({**SINE, "split": {"test": 1.5}}, "expected split.test below 1.0, got 1.5"),
        ({**SINE, "seed": "one"}, "expected seed as a whole number, got 'one'"),
        ({}, "data is missing; add it"),
        ({"data": 3}, "expected data as an object {...}, got 3"),
        ({"data": {"sine": {"num_points": 2.5}}}, "expected data.sine.num_points as a whole number, got 2.5"),
        (
            {"data": {"sine": {"min_loc": 0.5, "max_loc": 0.1}}},
            "expected min_loc to be at most max_loc, got 0.5 and 0.1; swap the two",
        ),
        (
            {"data": {}},
            'data: expected "series" (a file), or "sine" or "bumps" (synthetic), got none of them; name one source',
        ),
        (
            {"data": {"sine": {}, "bumps": {}}},
            'data: expected "series" (a file), or "sine" or "bumps" (synthetic), got \'sine\' and \'bumps\'; name one source',
        ),
        ({**SINE, "model": "lstm"}, "expected model as an object with encoder, pooling, head, got 'lstm'"),
    ],
)
def test_mistakes_are_named_with_their_place(content: object, message: str) -> None:
    assert check_error(content) == f"e.json: {message}"


def test_missing_file_suggests_a_similar_name(tmp_path: Path) -> None:
    (tmp_path / "bearing.json").write_text("{}")
    with pytest.raises(ParameterError) as error:
        read_experiment(tmp_path / "baering.json")
    assert str(error.value) == (
        f"there is no experiment file at {str(tmp_path / 'baering.json')!r}; did you mean 'bearing.json'?"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"data": {"sine": {}}\n "seed": 1}',
            ", line 2, column 2: expected JSON, got something else (Expecting ',' delimiter); "
            "look for a missing comma or quote there",
        ),
        ('{"seed": 1, "seed": 2}', ": the key 'seed' occurs twice in one object; remove one of them"),
        (
            "[1, 2]",
            ": expected one JSON object such as {\"data\": ...}, got '[1, 2]'; a table of series is read from JSON lines (.jsonl), one object in each line",
        ),
    ],
)
def test_broken_file_names_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "e.json"
    file.write_text(text)
    with pytest.raises(ParameterError) as error:
        read_experiment(file)
    assert str(error.value) == f"{file}{message}"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    file.write_text('{"data": {"series": "s.parquet", "labels": "l.csv"}, "output": "runs/a"}')
    experiment = read_experiment(file)
    assert experiment.data.series == str(tmp_path / "s.parquet")
    assert experiment.data.labels == str(tmp_path / "l.csv")
    assert experiment.output == str(tmp_path / "runs/a")


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "experiment.json").write_text('{"data": {"series": ["a.csv", "\\ud800.csv"]}}')
    with pytest.raises(ParameterError) as error:
        read_experiment(tmp_path / "experiment.json")
    assert str(error.value) == (
        f"expected the path of a file, got {str(tmp_path) + '/' + chr(0xD800) + '.csv'!r}, which has half of a surrogate "
        "pair; correct it"
    )


def test_dotted_keys_override_settings(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    file.write_text('{"data": {"sine": {}}, "preset": "lstm"}')
    changes = {"training.max_epochs": 3, "model.encoder": "conv_lstm", "output": "here"}
    with pytest.raises(ParameterError, match="got both; remove one$"):
        read_experiment(file, changes)
    file.write_text('{"data": {"sine": {}}}')
    experiment = read_experiment(file, changes)
    assert (experiment.training.max_epochs, experiment.output) == (3, "here")
    assert experiment.model.encoder == ConvLSTM()


def test_preset_overrides_the_model_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    file.write_text('{"data": {"sine": {}}, "model": {"encoder": "gru"}}')
    assert read_experiment(file, {"preset": "lstm"}).model.encoder.name == "lstm"


def test_folder_with_default_file_names_is_an_experiment(tmp_path: Path) -> None:
    for name in ("series.csv", "labels.csv"):
        (tmp_path / name).touch()
    experiment = read_experiment(tmp_path)
    assert experiment.data.series == str(tmp_path / "series.csv")
    assert experiment.data.labels == str(tmp_path / "labels.csv")
    assert experiment.data.split is None
    assert experiment.output == f"runs/{tmp_path.name}"


def test_folder_without_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_experiment(tmp_path)
    assert str(error.value) == (
        f"expected a store, {describe_suffixes()} in {str(tmp_path)!r}, got an empty folder; name the table itself, or "
        "write an experiment file"
    )


def test_source_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as error:
        read_experiment(tmp_path / "series.doc")
    assert str(error.value) == (
        f"expected an experiment file (.json), a folder, {describe_suffixes()}, got "
        f"{str(tmp_path / 'series.doc')!r}, which does not exist; check the path"
    )


def test_errors_of_overrides_do_not_mention_the_series(tmp_path: Path) -> None:
    (tmp_path / "series.csv").write_text("time,x\n0,1\n")
    with pytest.raises(ParameterError) as error:
        read_experiment(tmp_path / "series.csv", {"training.epochs": 3})
    assert str(error.value) == "training has no key 'epochs'; did you mean 'max_epochs'?"


def test_errors_of_overrides_do_not_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(SINE))
    assert message_of(ParameterError, read_experiment, file, {"training.epochs": 3}) == (
        "training has no key 'epochs'; did you mean 'max_epochs'?"
    )
    file.write_text(json.dumps({**SINE, "training": {"epochs": 3}}))
    assert message_of(ParameterError, read_experiment, file, {"seed": 3}) == (
        f"{file}: training has no key 'epochs'; did you mean 'max_epochs'?"
    )


def test_missing_path_suggests_a_similar_name(tmp_path: Path) -> None:
    (tmp_path / "my-data").mkdir()
    with pytest.raises(ParameterError) as error:
        read_experiment(tmp_path / "my-dta")
    assert str(error.value).endswith("which does not exist; did you mean 'my-data'?")


def test_schema_contains_every_part_and_every_key() -> None:
    schema = experiment_schema()
    encoders = schema["properties"]["model"]["properties"]["encoder"]["anyOf"]
    assert encoders[0] == {"enum": list(ENCODERS)}
    assert [one["properties"]["name"]["const"] for one in encoders[1:]] == encoders[0]["enum"]
    assert schema["$defs"]["DataSection"]["additionalProperties"] is False
    assert schema["$defs"]["SineSettings"]["additionalProperties"] is False
    json.dumps(schema)


def test_paths_of_the_data_lie_in_its_folder(tmp_path: Path) -> None:
    content = {"data": {"folder": "sets/pumps", "series": ["a.parquet", "b.parquet"], "metadata": "m.csv"}}
    (tmp_path / "e.json").write_text(json.dumps(content))
    data = read_experiment(tmp_path / "e.json").data
    home = tmp_path / "sets" / "pumps"
    assert (data.series, data.metadata) == ([str(home / "a.parquet"), str(home / "b.parquet")], str(home / "m.csv"))
    assert data.folder is None


def test_the_folder_of_the_data_can_be_overridden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_text(json.dumps({"data": {"folder": "sets", "series": "a.parquet"}}))
    assert read_experiment("e.json", {"data.folder": "other"}).data.series == str(tmp_path / "other" / "a.parquet")
    with pytest.raises(ParameterError) as error:
        read_experiment("a.parquet", {"data.folder": "other"})
    assert str(error.value) == "expected an experiment file (.json) with the data folder, got 'a.parquet'; drop --data"


def test_a_folder_includes_its_tables(tmp_path: Path) -> None:
    for name in ("series.parquet", "labels.csv", "metadata.parquet", "split.csv"):
        (tmp_path / name).touch()
    data = read_experiment(tmp_path).data
    assert [data.series, data.labels, data.metadata, data.split] == [
        str(tmp_path / name) for name in ("series.parquet", "labels.csv", "metadata.parquet", "split.csv")
    ]


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({}, "e.json: windows.length is missing; add it"),
        ({"length": 10, "edge": "cut"}, "e.json: expected windows.edge to be 'drop', 'keep' or 'shift', got 'cut'"),
        ({"length": 10, "strid": 5}, "e.json: windows has no key 'strid'; did you mean 'stride'?"),
    ],
)
def test_impossible_windows_are_refused(windows: dict[str, object], message: str) -> None:
    assert check_error({**SINE, "windows": windows}) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.units": 3}, "expected data.units as an object {...}, got 3"),
        ({"data.csv.names": 3}, "expected data.csv.names as a list, got 3"),
        ({"explain": "perhaps"}, "expected explain as an object {...}, got 'perhaps'"),
        ({"explain.series": "x"}, "expected explain.series as a whole number, got 'x'"),
        (
            {"data.missing_values": [-999, float("nan")]},
            "expected data.missing_values.1 as a finite number, got nan; write another number",
        ),
        (
            {"training.gradient_clip": float("inf")},
            "expected training.gradient_clip as a finite number, got inf; write another number",
        ),
        (
            {"data.fields.site": "categry"},
            "expected data.fields.site to be 'category', 'number', 'boolean', 'date', 'text' or 'ignore', got 'categry'",
        ),
    ],
)
def test_values_of_another_type_raise_one_sentence(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert message_of(ParameterError, read_experiment, tmp_path / "a.csv", changes) == message
