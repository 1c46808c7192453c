"""Array files that each hold one series."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from limelight.data.reading.tables import read_table
from limelight.errors import DataError, LabelError
from support.errors import message_of

RANDOM = np.random.default_rng(0)
STEPS = (9, 12, 7)
NOTE = (
    "read each of the 3 files as one series with a step in each row; if each row is a series, set layout='wide' (--set "
    "data.layout=wide)"
)


def recordings(channels: int = 2) -> list[np.ndarray]:
    return [RANDOM.normal(size=(steps, channels)).astype(np.float32) for steps in STEPS]


def write(folder: Path, arrays: list[np.ndarray], suffix: str = "npy", **others: object) -> list[Path]:
    paths = [folder / f"pump{number}.{suffix}" for number in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        if suffix == "npy":
            np.save(path, array)
        else:
            {"npz": lambda file, **found: np.savez(file, **found), "mat": lambda file, **found: savemat(file, found)}[
                suffix
            ](path, X=array, **others)
    return paths


@settings(max_examples=20)
@given(steps=st.lists(st.integers(4, 20), min_size=2, max_size=5), channels=st.integers(1, 3))
def test_each_array_of_a_folder_is_one_series(tmp_path_factory, steps: list[int], channels: int) -> None:
    arrays = [RANDOM.normal(size=(count, channels)).astype(np.float32) for count in steps]
    folder = tmp_path_factory.mktemp("arrays")
    write(folder, arrays)
    panel = read_table(folder)
    assert panel.ids.tolist() == [f"pump{number}" for number in range(len(steps))]
    for row, array in enumerate(arrays):
        np.testing.assert_array_equal(panel.series(row), array)


@pytest.mark.parametrize("suffix", ["npy", "npz", "mat"])
def test_every_format_of_arrays_has_recordings(tmp_path: Path, suffix: str) -> None:
    arrays = recordings()
    write(tmp_path, arrays, suffix)
    panel = read_table(tmp_path)
    assert (panel.lengths.tolist(), panel.notes) == ([*STEPS], (NOTE,))
    np.testing.assert_array_equal(panel.series(1), arrays[1])


def test_arrays_of_one_dimension_have_one_channel(tmp_path: Path) -> None:
    paths = write(tmp_path, [array[:, 0] for array in recordings()])
    assert read_table(tmp_path).lengths.tolist() == [*STEPS]
    assert read_table(paths[0]).lengths.tolist() == [9]


def test_names_of_recordings_hold_labels(tmp_path: Path) -> None:
    for name, array in zip(("ok_1", "ok_2", "worn_3"), recordings(), strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    panel = read_table(tmp_path, names="{label}_{id}")
    assert panel.labels is not None
    assert (panel.ids.tolist(), panel.labels.tolist()) == (["1", "2", "3"], ["ok", "ok", "worn"])


def test_a_label_in_a_file_name_applies_to_every_row(tmp_path: Path) -> None:
    for name in ("ok", "worn"):
        np.save(tmp_path / f"{name}.npy", RANDOM.normal(size=(5, 40)))
    panel = read_table(tmp_path, names="{label}")
    assert panel.labels is not None
    assert (panel.lengths.tolist(), panel.labels.tolist()) == ([40] * 10, ["ok"] * 5 + ["worn"] * 5)


def test_labels_beside_recordings_follow_their_names(tmp_path: Path) -> None:
    write(tmp_path, recordings())
    np.save(tmp_path / "y.npy", ["ok", "worn", "ok"])
    panel = read_table(tmp_path)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "worn", "ok"]
    assert panel.notes[-1] == (
        f"took the labels in {str(tmp_path / 'y.npy')!r}, one for each file in the order of their names"
    )


@pytest.mark.parametrize("suffix", ["npz", "mat"])
def test_a_single_label_is_that_of_a_recording(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, recordings(), suffix, y="worn")
    panel = read_table(tmp_path)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["worn"] * 3


def test_a_stated_layout_makes_labels_per_step(tmp_path: Path) -> None:
    for number, array in enumerate(recordings()):
        np.save(tmp_path / f"pump{number}.npy", array)
        np.save(tmp_path / f"pump{number}_labels.npy", ["rest"] * 5 + ["walk" if number else "run"] * (len(array) - 5))
    panel = read_table(tmp_path, layout="long")
    assert panel.step_labels is not None
    assert panel.step_labels.classes == ("rest", "run", "walk")
    assert panel.step_labels.codes[:12, 0].tolist() == [0] * 5 + [1] * 4 + [0] * 3


def test_a_stated_layout_makes_each_row_a_series(tmp_path: Path) -> None:
    write(tmp_path, recordings())
    panel = read_table(tmp_path, layout="wide")
    assert (len(panel), panel.lengths.max()) == (sum(STEPS), 2)


def test_a_single_ambiguous_array_is_questioned(tmp_path: Path) -> None:
    path = write(tmp_path, recordings())[0]
    assert read_table(path).notes == (
        f"read {str(path)!r} as 9 series of 2 steps and 1 channel",
        "took each row as a series; if each row is a step of one series, set layout='long' (--set data.layout=long)",
    )
    np.testing.assert_array_equal(read_table(path, layout="long").series(0), np.load(path))


def test_channels_before_time_are_refused(tmp_path: Path) -> None:
    write(tmp_path, [array.T for array in recordings()])
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected series of shape (time, channels) in {str(tmp_path)!r}, got 2 time steps of 9 channels, which looks "
        "like (channels, time); save each array transposed, or set layout='long' (--set data.layout=long) if the rows "
        "are steps"
    )


def test_recordings_of_different_channels_are_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, [*recordings(2)[:2], *recordings(3)[2:]])
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected one number of channels in all files, got 2 in {str(paths[0])!r} and 3 in {str(paths[2])!r}; make the "
        "channels equal, or leave one of the files out"
    )


def test_labels_that_fit_neither_series_nor_steps_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, recordings()[:1], "npz", y=[0, 1])[0]
    assert message_of(LabelError, read_table, path, layout="long") == (
        f"expected one label of the series in {str(path)!r}, or one for each of its 9 steps, got an array of shape (2,); "
        "save y of shape (1,) or (9,)"
    )


def test_an_array_of_three_dimensions_is_not_a_recording(tmp_path: Path) -> None:
    path = write(tmp_path, [np.zeros((2, 5, 3))])[0]
    assert message_of(DataError, read_table, path, layout="long") == (
        f"expected one series of shape (time,) or (time, channels) in {str(path)!r}, got an array of float64 of shape "
        "(2, 5, 3); save one array of numbers for each series, or set layout='wide' (--set data.layout=wide) if each row "
        "is a series"
    )


def test_labels_of_steps_in_several_files_are_joined(tmp_path: Path) -> None:
    for part, words in (("train", [["a", "b"], ["b", "b"]]), ("test", [["c", "a"], ["a", "a"]])):
        np.savez(tmp_path / f"{part}.npz", X=RANDOM.normal(size=(2, 2)), y=np.array(words))
    panel = read_table([tmp_path / "train.npz", tmp_path / "test.npz"])
    assert panel.step_labels is not None
    classes = np.array(panel.step_labels.classes)
    assert classes[panel.step_labels.codes[:, 0]].tolist() == [*"abbbcaaa"]


def save_arrays(folder: Path, suffix: str, *files: dict[str, object]) -> list[Path]:
    paths = [folder / f"pump{number}.{suffix}" for number in range(len(files))]
    for path, arrays in zip(paths, files, strict=True):
        if suffix == "npz":
            np.savez(path, **arrays)  # type: ignore[arg-type]
        else:
            savemat(path, arrays)
    return paths


AXES = np.arange(27.0).reshape(9, 3)


@pytest.mark.parametrize("suffix", ["npz", "mat"])
@pytest.mark.parametrize("names", ["xyz", ("ax", "ay", "az")])
def test_vectors_of_one_length_are_channels(suffix: str, names: tuple[str, ...], tmp_path: Path) -> None:
    vectors = dict(zip(names, AXES.T, strict=True))
    paths = save_arrays(tmp_path, suffix, {**vectors, "fs": 50, "label": "ok"}, {**vectors, "fs": 50, "label": "worn"})
    panel = read_table(tmp_path)
    assert (panel.channels, panel.ids.tolist()) == (tuple(names), ["pump0", "pump1"])
    np.testing.assert_array_equal(panel.series(1), AXES)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "worn"]
    assert panel.notes[:2] == (
        f"took the arrays {', '.join(map(repr, names))} as the channels of one series",
        "arrays that were not read: 'fs'",
    )
    np.testing.assert_array_equal(read_table(paths[0]).series(0), AXES)


def test_time_is_the_clock_of_vectors(tmp_path: Path) -> None:
    save_arrays(tmp_path, "mat", *[{"ax": AXES[:, 0], "ay": AXES[:, 1], "t": np.arange(9) / 4}] * 2)
    times = read_table(tmp_path).times
    assert times is not None
    assert times[:3].tolist() == [0, 0.25, 0.5]


def test_matrices_of_one_length_are_channels_too(tmp_path: Path) -> None:
    save_arrays(tmp_path, "mat", *[{"acc": AXES, "gyro": AXES[:, :2], "rotation": np.eye(3)}] * 2)
    panel = read_table(tmp_path)
    assert panel.channels == ("acc_0", "acc_1", "acc_2", "gyro_0", "gyro_1")
    assert "arrays that were not read: 'rotation'" in panel.notes


def test_channels_are_matched_by_name_between_files(tmp_path: Path) -> None:
    save_arrays(tmp_path, "mat", {"ax": AXES[:, 0], "ay": AXES[:, 1]}, {"ay": AXES[:, 1], "ax": AXES[:, 0]})
    panel = read_table(tmp_path)
    np.testing.assert_array_equal(panel.series(0), panel.series(1))


def test_fields_of_a_single_structure_are_arrays(tmp_path: Path) -> None:
    save_arrays(tmp_path, "mat", *[{"run": {"ax": AXES[:, 0], "ay": AXES[:, 1], "label": "ok"}}] * 2)
    panel = read_table(tmp_path)
    assert (panel.channels, panel.lengths.tolist()) == (("ax", "ay"), [9, 9])


def test_a_single_vector_is_one_channel(tmp_path: Path) -> None:
    path = save_arrays(tmp_path, "mat", {"val": AXES[:, 0]})[0]
    panel = read_table(path)
    assert (panel.channels, panel.lengths.tolist()) == (("val",), [9])
    assert panel.notes == ("took the array 'val' as the channel of one series",)


def test_vectors_of_different_lengths_are_refused(tmp_path: Path) -> None:
    paths = save_arrays(tmp_path, "mat", *[{"acc": AXES[:, 0], "ecg": np.arange(18.0)}] * 2)
    assert message_of(DataError, read_table, tmp_path) == (
        f"expected arrays of one length in {str(paths[0])!r}, one for each channel, got 9 values in 'acc' and 18 in "
        "'ecg'; bring them to the same times, or save only those of one rate"
    )


def test_arrays_beside_a_recording_are_noted(tmp_path: Path) -> None:
    save_arrays(tmp_path, "npz", *[{"X": AXES, "rate": 50}] * 2)
    assert read_table(tmp_path).notes[0] == "arrays that were not read: 'rate'"


def test_arrays_without_names_are_series_and_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", RANDOM.normal(size=(4, 30, 2)), np.array(["ok", "worn"] * 2))
    panel = read_table(tmp_path / "a.npz")
    assert (panel.lengths.tolist(), len(panel.channels)) == ([30] * 4, 2)
    assert panel.labels is not None
    assert panel.labels.tolist() == ["ok", "worn"] * 2
    assert panel.notes[-1] == (
        f"took 'arr_0' of {str(tmp_path / 'a.npz')!r} as the series and 'arr_1' as their labels, as they have no names"
    )


def test_another_number_of_entries_holds_no_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", RANDOM.normal(size=(4, 30, 2)), np.arange(30))
    assert read_table(tmp_path / "a.npz").labels is None


def test_matrices_of_one_file_are_not_channels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ok=RANDOM.normal(size=(50, 20)), worn=RANDOM.normal(size=(50, 20)))
    assert message_of(DataError, read_table, tmp_path / "a.npz").startswith("expected an array X of shape (n, time)")
