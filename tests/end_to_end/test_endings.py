"""Commands ended by signals, closed pipes, full and read-only disks, or run in restricted environments."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from limelight.cli.signals import Terminated, describe_interrupt
from limelight.files import locked
from support.commands import Commands

SLOW = {"data": {"bumps": {"dataset_size": 60, "num_points": 20}}, "training": {"max_epochs": 100_000},
        "model": {"encoder": {"name": "gru", "hidden_size": 4}, "pooling": "last", "head": "linear"}, "explain": False, "output": "run"}  # fmt: skip
QUICK = {
    "data": {"bumps": {"dataset_size": 40, "num_points": 20}},
    "model": {"encoder": "rocket"},
    "explain": False,
    "output": "run",
}
COMMAND = [sys.executable, "-m", "limelight"]


class Process:
    """A command in a process of its own, which a test can signal."""

    def __init__(self, folder: Path, *words: object, **environment: str) -> None:
        self._printed = (folder / "printed.txt").open("w+")
        self._process = subprocess.Popen(
            [*COMMAND, *map(str, words)], cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdout=self._printed, stderr=self._printed,
        )  # fmt: skip

    def wait_for(self, file: Path) -> None:
        ending = time.monotonic() + 100
        while not file.exists():
            assert self._process.poll() is None, self.end()
            assert time.monotonic() < ending
            time.sleep(0.02)

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Send a signal, if there is one, wait, and return the exit code and the last line."""
        if number is not None:
            self._process.send_signal(number)
        code = self._process.wait(100)
        self._printed.seek(0)
        lines = self._printed.read().splitlines()
        self._printed.close()
        return code, lines[-1] if lines else ""


def write(folder: Path, content: dict[str, object], name: str = "e.json") -> None:
    (folder / name).write_text(json.dumps(content))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    write(folder, QUICK)
    assert Process(folder, "train", "e.json").end()[0] == 0
    return folder


def test_a_terminated_training_keeps_the_earlier_run_and_resumes(finished: Path) -> None:
    run = finished / "run"
    before = (run / "metrics.json").read_bytes()
    write(finished, SLOW, "slow.json")
    process = Process(finished, "train", "slow.json", "--overwrite")
    process.wait_for(run / "unfinished" / "checkpoints" / "last.ckpt")
    assert process.end(signal.SIGTERM) == (
        143,
        "limelight: terminated; the training is kept up to its last complete epoch, and the earlier run in 'run' is "
        "unchanged; --resume continues the training",
    )
    assert (run / "metrics.json").read_bytes() == before
    epochs = len((run / "unfinished" / "history.csv").read_text().splitlines())
    resumed = Process(finished, "train", "slow.json", "--resume")
    while len((run / "unfinished" / "history.csv").read_text().splitlines()) <= epochs:
        time.sleep(0.05)
    code, line = resumed.end(signal.SIGHUP)
    assert (code, line[:50]) == (129, "limelight: the terminal was closed; the training i")
    assert (run / "metrics.json").read_bytes() == before


def interrupted(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_before_the_first_epoch_is_reported(limelight: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path(), QUICK)
    monkeypatch.setattr("limelight.runs.train.read_data", interrupted)
    assert limelight("train", "e.json", code=130) == "limelight: interrupted; nothing was written\n"
    assert not Path("run").exists()


def test_an_interrupted_tuning_keeps_the_earlier_one_and_resumes(
    limelight: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path(), {**SLOW, "data": {"bumps": {"dataset_size": 240, "num_points": 20}}, "training": {"max_epochs": 1}})
    tune = ("tune", "e.json", "--only", "units")
    limelight(*tune, "--trials", 1)
    journal, trials = Path("run-tuning/trials.journal"), Path("run-tuning/trials.csv")
    before = trials.read_bytes()
    with monkeypatch.context() as change:
        change.setattr("limelight.model_selection.search.fit_and_score", interrupted)
        assert limelight(*tune, "--overwrite", code=130) == (
            "limelight: interrupted; the complete trials are kept, and the earlier tuning in 'run-tuning' is "
            "unchanged; --resume continues the tuning\n"
        )
    assert trials.read_bytes() == before
    finished = journal.read_bytes()
    limelight(*tune, "--trials", 2, "--resume")
    assert journal.read_bytes() != finished
    assert len(trials.read_text().splitlines()) == 3
    assert not Path("run-tuning/unfinished").exists()


def test_two_tunings_do_not_share_a_folder(limelight: Commands) -> None:
    write(Path(), SLOW)
    with locked(Path("run-tuning")):
        assert limelight("tune", "e.json", code=2) == (
            "limelight: 'run-tuning' is being written by another limelight process; wait until it ends, or choose "
            "another output\n"
        )


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    words = " ".join(COMMAND)
    ended = subprocess.run(
        f"{words} schema | head -1; {words} presets | true", shell=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.stdout, ended.stderr) == ("{\n", "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB; only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


LARGE = {**SLOW, "training": {"max_epochs": 2}, "model": {"encoder": {"name": "gru", "hidden_size": 128}}}


@pytest.mark.parametrize("content", [QUICK, LARGE], ids=["model", "checkpoint"])
def test_a_full_disk_raises_one_sentence(limelight: Commands, small_disk: Path, content: dict[str, object]) -> None:
    write(Path(), {**content, "output": str(small_disk / "run")})
    line = limelight("train", "e.json", code=2)
    assert line.startswith("limelight: cannot write '"), line
    assert line.endswith("; choose another path, or free some space\n")
    assert list(small_disk.rglob("metrics.json")) == []


@pytest.mark.parametrize("output", ["file/run", "/proc/run", "x" * 300])
def test_an_unwritable_folder_raises_one_sentence(limelight: Commands, output: str) -> None:
    Path("file").write_text("")
    write(Path(), QUICK)
    line = limelight("train", "e.json", "-o", output, code=2)
    assert line.startswith("limelight: cannot write '"), line
    assert sorted(file.name for file in Path().iterdir()) == ["e.json", "file"]


def test_a_run_needs_no_home_and_follows_the_umask(finished: Path, tmp_path: Path) -> None:
    write(tmp_path, {**QUICK, "output": "größe"})
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    ended = subprocess.run(
        [*COMMAND, "train", "e.json"], cwd=tmp_path, umask=0o077, capture_output=True, text=True,
        env={**path, "OMP_NUM_THREADS": "1", "HOME": "/nowhere", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert {oct(file.stat().st_mode & 0o777) for file in (tmp_path / "größe").rglob("*")} == {"0o600", "0o700"}
    losses = [
        json.loads((run / "metrics.json").read_text())["test"]["log_loss"]
        for run in (finished / "run", tmp_path / "größe")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_each_signal_has_its_line_and_exit_code() -> None:
    assert describe_interrupt(Terminated(signal.SIGTERM)) == (
        "limelight: terminated; output that was not complete is discarded", 143,
    )  # fmt: skip


def test_formulas_are_escaped_on_request(limelight: Commands) -> None:
    names = ["=1+1", "@sum", "ok"]
    rows = [
        f"{name}{number},{step},{step % 5 * (1 + number)},{name}"
        for number in range(30)
        for name in names[number % 2 :: 2]
        for step in range(12)
    ]
    Path("series.csv").write_text("\n".join(["series_id,time,x,label", *rows, ""]))
    limelight("train", "series.csv", "--set", "model.encoder=rocket", "-o", "run")
    limelight("predict", "run", "series.csv", "-o", "plain.csv")
    limelight("predict", "run", "series.csv", "-o", "safe.csv", "--escape-formulas")
    plain, safe = (list(csv.reader(Path(name).read_text().splitlines())) for name in ("plain.csv", "safe.csv"))
    assert any(cell.startswith(("=", "@")) for row in plain for cell in row)
    assert not any(cell.startswith(("=", "@")) for row in safe for cell in row)
    assert [[cell.removeprefix("'") for cell in row] for row in safe] == plain


def test_names_on_the_screen_send_no_control_codes(limelight: Commands) -> None:
    rows = [
        f"{number},{step},{step % 5 * (1 + number % 2)},{chr(27)}[2J{number % 2}"
        for number in range(30)
        for step in range(12)
    ]
    Path("series.csv").write_text("\n".join(["series_id,time,x,label", *rows, ""]))
    printed = limelight("train", "series.csv", "--set", "model.encoder=rocket", "-o", "run")
    assert "\x1b" not in printed + limelight.errors
    assert "\\x1b[2J1" in limelight("evaluate", "run")
