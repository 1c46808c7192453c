import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight.data.panel import Panel
from limelight.data.reading import archive
from limelight.data.reading.archive import read_archive, read_archive_files
from limelight.errors import DataError, LabelError
from support.errors import message_of
from support.strategies import assert_equal

NAN = float("nan")
floats = st.floats(width=32, allow_infinity=False)


@pytest.fixture
def write_lines(tmp_path):
    """Write lines into a file and return its path."""

    def writer(name, *lines):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return tmp_path / name

    return writer


def read_error(path, error_class=DataError):
    return message_of(error_class, read_archive, path)


def _spoken(number, word="NaN"):
    return word if np.isnan(number) else repr(float(number))


@st.composite
def archives(draw):
    channels = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    series = [
        np.array(draw(st.lists(floats, min_size=n * channels, max_size=n * channels)), np.float32).reshape(n, channels)
        for n in lengths
    ]
    labels = draw(st.lists(st.sampled_from(["1", "-1", "walk"]), min_size=len(lengths), max_size=len(lengths)))
    return Panel.from_series(series, ids=[f"Any_{row}" for row in range(len(lengths))], labels=labels)


@given(panel=archives(), word=st.sampled_from(["NaN", "?", "nan", " ? "]), piece=st.sampled_from([1, 20, 1 << 24]))
@settings(deadline=None, max_examples=50)
def test_a_written_ts_file_reads_back_equal(panel, word, piece, tmp_path_factory):
    path = tmp_path_factory.mktemp("ts") / "Any.ts"
    lines = [
        ":".join([*(",".join(_spoken(v, word) for v in channel) for channel in one.values.T), one.labels[0]])
        for one in (panel[row].compact() for row in range(len(panel)))
    ]
    head = ["@timeStamps false", f"@dimensions {len(panel.channels)}", "@classLabel true 1 -1 walk", "@data"]
    path.write_text("\n".join([*head, *lines]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "CHUNK_CHARACTERS", piece)
        assert_equal(read_archive(path), panel)


@given(panel=archives().filter(lambda panel: len(panel.channels) == 1), padding=st.integers(0, 3))
@settings(deadline=None, max_examples=50)
def test_a_written_tsv_file_reads_back_without_padding(panel, padding, tmp_path_factory):
    series = [panel.series(row) for row in range(len(panel))]
    panel = Panel.from_series(
        [np.where(np.arange(len(one))[:, None] == len(one) - 1, np.nan_to_num(one), one) for one in series],
        ids=panel.ids,
        labels=panel.labels,
    )
    width = panel.shape[1] + padding
    path = tmp_path_factory.mktemp("tsv") / "Any.tsv"
    with path.open("w") as file:
        for row in range(len(panel)):
            values = [*panel.series(row)[:, 0], *[NAN] * (width - panel.lengths[row])]
            file.write("\t".join([panel.labels[row], *map(_spoken, values)]) + "\n")
    assert_equal(read_archive(path), panel)


def test_archive_keys_ignore_case_comments_and_empty_lines(write_lines):
    path = write_lines(
        "A.ts", "# said first", "", "@PROBLEMNAME a", "@UniVariate TRUE", "@classlabel True x y", "@DATA", "# here too",
        "1,2:x", "", "  3,4,5 : y  ",
    )  # fmt: skip
    panel = read_archive(str(path))
    assert (panel.ids.tolist(), panel.labels.tolist(), panel.lengths.tolist()) == (["A_0", "A_1"], ["x", "y"], [2, 3])
    assert (panel.values[:, 0].tolist(), panel.channels) == ([1, 2, 3, 4, 5], ("channel_0",))


def test_without_class_labels_a_panel_has_none(write_lines):
    panel = read_archive(write_lines("A.ts", "@classLabel false", "@data", "1,2:3,4"))
    assert (panel.labels, panel.series(0).tolist()) == (None, [[1, 3], [2, 4]])


def test_classes_are_ignored_on_request(write_lines):
    assert read_archive(write_lines("A.ts", "@classLabel true a", "@data", "1,2:b"), label=False).labels is None
    assert read_archive(write_lines("A.tsv", "a\t1\t2"), label=False).labels is None


@pytest.mark.parametrize(
    ("written", "read"),
    [("1", "1"), ("1.0", "1"), ("-1.0000000e+00", "-1"), ("1.5", "1.5"), ("01", "01"), ("v1", "v1")],
)
def test_archive_classes_are_words_except_integral_numbers(written, read, write_lines):
    assert read_archive(write_lines("A.tsv", f"{written}\t1\t2")).labels.tolist() == [read]
    assert read_archive(
        write_lines("A.ts", f"@classLabel true {written}", "@data", f"1,2:{written}")
    ).labels.tolist() == [read]


def test_a_missing_value_may_be_empty(write_lines):
    panel = read_archive(write_lines("A.ts", "@classLabel true a", "@data", "1,,3,:a"))
    np.testing.assert_array_equal(panel.values[:, 0], [1, NAN, 3])


@pytest.mark.parametrize(
    "line",
    ["1,2,3,:4,5,6,:a", "1,2,3:4,5,6:a,", "1,2,3:4,5,6:a:", "1,2,3 , :4,5,6:a", "1,2,3,,:4,5,6:a"],
)
def test_a_stray_separator_is_not_a_step(write_lines, line):
    path = write_lines("A.ts", "@dimensions 2", "@classLabel true a", "@DATA", line)
    panel = read_archive(path)
    np.testing.assert_array_equal(panel.values, [[1, 4], [2, 5], [3, 6]])
    assert panel.labels.tolist() == ["a"]
    assert panel.notes == (f"ignored separators at the end of the values in 1 line of {str(path)!r}",)


def test_a_trailing_separator_is_not_a_dimension(write_lines):
    panel = read_archive(write_lines("A.ts", "@dimensions 2", "@data", "1,2:3,4:"))
    np.testing.assert_array_equal(panel.values, [[1, 3], [2, 4]])


def test_values_between_two_commas_are_missing_in_txt_files(write_lines):
    panel = read_archive(write_lines("A.txt", "1, 2,,4"))
    np.testing.assert_array_equal(panel.values[:, 0], [2, NAN, 4])


def test_shorter_dimensions_are_filled_and_counted(write_lines):
    path = write_lines("A.ts", "@classLabel true a", "@data", "1,2,3:4:a", "1,2:3,4:a", ":5,6:a")
    panel = read_archive(path)
    np.testing.assert_array_equal(panel.values, [[1, 4], [2, NAN], [3, NAN], [1, 3], [2, 4], [NAN, 5], [NAN, 6]])
    assert panel.notes == (
        f"the dimensions of 2 series of {str(path)!r} have different numbers of values: the shorter ones were "
        "padded with missing values at the end",
    )


def test_trailing_missing_values_of_tsv_files_are_padding(write_lines):
    path = write_lines("A.tsv", "1\t5\tNaN\t7", "2\t5\tNaN\tNaN", "1\t5\t6\t")
    panel = read_archive(path)
    assert panel.lengths.tolist() == [3, 1, 2]
    np.testing.assert_array_equal(panel.values[:, 0], [5, NAN, 7, 5, 5, 6])
    assert panel.notes == (f"the last values of 2 series of {str(path)!r} are missing: read as shorter series",)


def test_trailing_missing_values_of_ts_files_are_kept(write_lines):
    assert read_archive(write_lines("A.ts", "@data", "1,?,?")).lengths.tolist() == [3]


@pytest.mark.parametrize("line", ["  1.0000000e+00  5.0e+00   6", "1,5,6"])
def test_txt_files_are_separated_by_spaces_or_commas(line, write_lines):
    panel = read_archive(write_lines("A.txt", line))
    assert (panel.labels.tolist(), panel.values[:, 0].tolist()) == (["1"], [5, 6])


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_read(ending, tmp_path):
    path = tmp_path / "A.tsv"
    path.write_bytes(f"1\t5\t6{ending}2\t7\t8{ending}".encode("utf-8-sig"))
    assert read_archive(path).labels.tolist() == ["1", "2"]


def test_other_encodings_are_read_as_latin_1_with_a_note(tmp_path):
    path = tmp_path / "A.ts"
    path.write_bytes("# Gerät\n@classLabel true löst\n@data\n1,2:löst\n".encode("latin-1"))
    panel = read_archive(path)
    assert panel.labels.tolist() == ["löst"]
    assert panel.notes == (f"{str(path)!r} is not UTF-8 and was read as Latin-1",)


def test_times_of_ts_files_may_be_numbers(write_lines):
    panel = read_archive(
        write_lines("A.ts", "@timeStamps true", "@classLabel true a b", "@data", "(0,5),(2,?):a", "(1.5,6):b")
    )
    assert (panel.times.tolist(), panel.lengths.tolist(), panel.units) == ([0, 2, 1.5], [2, 1], {})
    np.testing.assert_array_equal(panel.values[:, 0], [5, NAN, 6])


def test_times_of_ts_files_may_be_dates(write_lines):
    line = "(2024-01-31 12:00:00,5), (2024-01-31 12:30:00,6) : (2024-01-31 12:00:00,7),(2024-01-31 12:30:00,8):a"
    panel = read_archive(write_lines("A.ts", "@timeStamps true", "@dimensions 2", "@classLabel true a", "@data", line))
    assert panel.times.tolist() == np.array(["2024-01-31T12:00", "2024-01-31T12:30"], "M8[ns]").tolist()
    assert panel.values.tolist() == [[5, 7], [6, 8]]


def test_zones_are_turned_into_utc_and_named(write_lines):
    path = write_lines("A.ts", "@timeStamps true", "@data", "(2024-01-31 12:00+01:00,5),(2024-01-31 12:00Z,6)")
    panel = read_archive(path)
    assert (panel.units, (panel.times[1] - panel.times[0]).astype("m8[m]").astype(int)) == ({"time": "UTC"}, 60)
    assert panel.notes == (f"times in {str(path)!r} have several time zones (+01:00, Z); all were converted to UTC",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "(0,5),(1,6):(0,7),(2,8):a",
            "expected the same times in every dimension of a series, got different ones in line 6 of {}; "
            "resample the dimensions to the same times",
        ),
        (
            "(0,5),(1,6):(0,7):a",
            "expected the same times in every dimension of a series, got different ones in line 6 of {}; "
            "resample the dimensions to the same times",
        ),
        (
            "5,6:7,8:a",
            "expected 2 dimensions and the class, separated by ':', got 1 field in line 6 of {}; correct the line, or the "
            "header",
        ),
        (
            "(0,5):(0,6),7:a",
            "expected 2 dimensions and the class, separated by ':', got 2 fields in line 6 of {}; correct the line, or the "
            "header",
        ),
        (
            "(0,5):(0,6,7):a",
            "expected pairs (time,value),(time,value) because of @timeStamps true in the header, got something "
            "else in line 6 of {}; correct the line, or the header",
        ),
        (
            "(0,5),(0,6):(0,7),(0,8):a",
            "expected increasing times within each series, got 0 after 0 in line 6 of {}; sort the values by time",
        ),
        (
            "(noon,5):(noon,7):a",
            "expected a number or a date such as 2024-01-31 or 2024-01-31 12:00:00 in column 'time', got 'noon' in "
            "line 6 of {}; write all times in one of these formats",
        ),
    ],
)
def test_a_clock_that_cannot_be_read_names_the_line(line, message, write_lines):
    path = write_lines(
        "A.ts", "@timeStamps true", "@dimensions 2", "@classLabel true a", "@data", "(0,1):(0,2):a", line
    )
    assert read_error(path) == message.format(repr(str(path)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "1,2:3,x:a",
            "expected a finite number, got 'x' in dimension 2 of series 'A_1', line 6 of {}; correct it, or write NaN "
            "if the value is unknown",
        ),
        (
            "1,inf:3,4:a",
            "expected a finite number, got 'inf' in dimension 1 of series 'A_1', line 6 of {}; correct it, or write "
            "NaN if the value is unknown",
        ),
        (
            "1,1e99:?,4:a",
            "expected a finite number, got '1e99' in dimension 1 of series 'A_1', line 6 of {}; correct it, or write "
            "NaN if the value is unknown",
        ),
        (
            "1,2:3,4",
            "expected 2 dimensions and the class, separated by ':', got 2 fields in line 6 of {}; correct the line, or the "
            "header",
        ),
        ("1,2:3,4:runing", "expected a class listed by @classLabel, got 'runing' in line 6 of {}; did you mean 'running'?"),
        ("1,2:3,4:", "expected a class listed by @classLabel, got '' in line 6 of {}; known are: a, running"),
        ("::a", "expected at least one value in every series, got none in line 6 of {}; leave the line out"),
    ],
)  # fmt: skip
def test_an_invalid_ts_line_is_named(line, message, write_lines):
    path = write_lines("A.ts", "# faulty", "@dimensions 2", "@classLabel true a running", "@data", "1,2:3,4:a", line)
    assert read_error(path) == message.format(repr(str(path)))


def test_the_first_line_defines_missing_dimensions(write_lines):
    path = write_lines("A.ts", "@classLabel true a", "@data", "1:2:3:a", "1:2:a")
    assert read_error(path) == (
        f"expected 3 dimensions and the class, separated by ':', got 3 fields in line 4 of {str(path)!r}; correct the line, "
        "or the header"
    )


def test_a_univariate_file_has_one_dimension(write_lines):
    path = write_lines("A.ts", "@univariate true", "@data", "1:2")
    assert read_error(path) == (
        f"expected 1 dimension, separated by ':', got 2 fields in line 3 of {str(path)!r}; correct the line, or the header"
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["@classLabel true a", "1,2:a"],
            "expected a header line that begins with @, or @data before the series, got '1,2:a' in line 2 of {}; .ts "
            "files must have the format of the UEA archive",
        ),
        (["@univariate true"], "expected a line @data before the series in {}, got none; the file is incomplete"),
        (["# nothing"], "expected a line @data before the series in {}, got none; the file is incomplete"),
        (["@data", "# none"], "expected at least one series in {}, got none; add a line for each series"),
        ([" "], "expected series in {}, got an empty file; check the path"),
        (["@timeStamps"], "expected true or false after @timeStamps, got '@timeStamps' in line 1 of {}"),
        (["@dimension two"], "expected a number above 0 after @dimension, got '@dimension two' in line 1 of {}"),
    ],
)
def test_an_invalid_header_is_refused(lines, message, write_lines):
    path = write_lines("A.ts", *lines)
    assert read_error(path) == message.format(repr(str(path)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "1,5,6",
            "expected a class and values separated by tabs, got '1,5,6' in line 2 of {}; .tsv and .txt files must "
            "have the format of the UCR archive, without a header",
        ),
        (
            "1\t5\tsix",
            "expected a finite number, got 'six' in series 'A_1', line 2 of {}; correct it, or write NaN if the value "
            "is unknown",
        ),
        ("1\tNaN\t", "expected at least one value in every series, got none in line 2 of {}; leave the line out"),
    ],
)
def test_an_invalid_tsv_line_is_named(line, message, write_lines):
    path = write_lines("A.tsv", "1\t5\t6", line)
    assert read_error(path) == message.format(repr(str(path)))


def test_regression_files_are_rejected_unless_labels_are_unused(write_lines):
    path = write_lines("A.ts", "@targetlabel true", "@data", "1,2:0.25")
    assert read_error(path, LabelError) == (
        f"expected classes in {str(path)!r}, got a regression target (@targetlabel); limelight supports "
        "classification only"
    )
    assert read_archive(path, label=False).values[:, 0].tolist() == [1, 2]


def test_a_missing_or_foreign_archive_file_is_named(tmp_path):
    assert read_error(tmp_path / "A.ts") == f"expected a file at {str(tmp_path / 'A.ts')!r}, got none; check the path"
    assert read_error(tmp_path / "A.csv") == (
        f"expected a .ts, .tsv, .txt or .arff file of the UCR/UEA archive, got {str(tmp_path / 'A.csv')!r}; check the path"
    )


def test_training_and_test_files_define_the_split(write_lines):
    panel, parts = read_archive_files([write_lines("A_Train.tsv", "1\t5", "2\t6"), write_lines("A_TEST.tsv", "1\t7")])
    assert parts == ["train", "train", "test"]
    assert panel.ids.tolist() == ["A_Train_0", "A_Train_1", "A_TEST_0"]
    assert (panel.values[:, 0].tolist(), panel.labels.tolist()) == ([5, 6, 7], ["1", "2", "1"])


def test_other_file_names_define_no_split(write_lines):
    assert read_archive_files([write_lines("A_TRAIN.tsv", "1\t5"), write_lines("A_more.tsv", "1\t7")])[1] is None
    assert read_archive_files([write_lines("constrain.tsv", "1\t5")])[1] is None


@pytest.mark.parametrize(
    ("one", "other", "wanted", "before", "now"),
    [
        (["@data", "1"], ["@data", "1:2"], "the same number of channels", "1 channel", "2 channels"),
        (["@classLabel true a", "@data", "1:a"], ["@data", "1"], "classes in every file or in none", "classes", "none"),
        (["@data", "1"], ["@timeStamps true", "@data", "(0,1)"], "one kind of time", "no times", "numbers"),
        (
            ["@timeStamps true", "@data", "(2024-01-31 12:00Z,1)"],
            ["@timeStamps true", "@data", "(2024-01-31,1)"],
            "one kind of time",
            "dates with a time zone",
            "dates without a time zone",
        ),
    ],
)
def test_files_that_do_not_fit_together_are_named(one, other, wanted, before, now, write_lines):
    paths = [write_lines("One.ts", *one), write_lines("Other.ts", *other)]
    with pytest.raises(DataError) as error:
        read_archive_files(paths)
    assert str(error.value) == (
        f"expected {wanted}, got {before} in {str(paths[0])!r} and {now} in {str(paths[1])!r}; make the files "
        "consistent, or read them one by one"
    )


def test_archive_files_of_one_name_are_rejected(write_lines):
    paths = [write_lines("A.tsv", "1\t5"), write_lines("A.ts", "@data", "1")]
    with pytest.raises(DataError) as error:
        read_archive_files(paths)
    assert str(error.value) == (
        f"expected unique file names, which name the series, got {str(paths[0])!r} and {str(paths[1])!r}; "
        "leave one out, or rename it"
    )
