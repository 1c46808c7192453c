"""Commands that are killed at any access to a file; every finished result stays complete or was replaced completely."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

import limelight
import limelight.model_selection.optuna_engine
import limelight.runs.train
import limelight.training.gradient_descent  # child processes need not import these again
from campaigns.tally import Tally
from limelight.cli import app
from limelight.data.synthetic.bumps import BumpSettings, generate_bumps
from limelight.files import PARTIAL
from limelight.replacement import complete_replacement
from limelight.runs.folder import BESIDE_A_RUN, OF_A_RUN
from limelight.runs.tune import OF_A_TUNING

SERIES = 24
MODELS: dict[str, Any] = {
    "closed form": {"encoder": {"name": "rocket", "features": 84}},
    "gradient descent": {"encoder": {"name": "gru", "hidden_size": 2}, "pooling": "last", "head": "linear"},
}
LIMIT = 40
"""Kills come at the latest before this access; most commands have fewer."""


def killed_at(access: int, folder: Path, words: list[str]) -> tuple[bool, int]:
    """Run a command in a child process that kills itself before an access to a file below a folder.

    Returns whether it was killed, and its exit code otherwise. Reading a file is no access.
    """
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        return os.WIFSIGNALED(status), os.waitstatus_to_exitcode(status)
    left = access

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")
        path = arguments[0] if writes or changes else None
        if isinstance(path, (str, bytes, Path)) and os.fsdecode(path).startswith(str(folder)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(nothing, descriptor)
        sys.argv = ["limelight", *words]
        sys.addaudithook(count)
        app.main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    finally:
        os._exit(code)


class Workshop:
    """A folder with a run, a tuning, predictions and a store, each of which commands replace and are killed at.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.run, self.tuning = self.folder / "run", self.folder / "run-tuning"
        self.answers, self.store = self.folder / "answers.csv", self.folder / "store"
        self.panel = generate_bumps(BumpSettings(dataset_size=SERIES, num_points=20))[0]
        limelight.write_table(self.panel, self.folder / "series")
        self.whole: dict[str, dict[str, str]] = {}
        """The finished results, by name: the hash of each file."""
        self.commands: dict[str, tuple[str, Callable[[int], list[str]]]] = {
            "train": ("run", lambda seed: ["train", self._experiment(seed), "--overwrite"]),
            "resume": ("run", lambda seed: ["train", self._experiment(seed, same=True), "--resume"]),
            "tune": ("tuning", lambda seed: ["tune", self._experiment(seed), "--overwrite", "--trials", "1", *ONLY]),
            "resume tuning": ("tuning", lambda seed: ["tune", self._experiment(1), "--resume", "--trials", "2", *ONLY]),
            "predict": (
                "answers",
                lambda seed: ["predict", str(self.run), self._series(seed), "-o", str(self.answers), "--overwrite"],
            ),
            "pack": ("store", lambda seed: ["pack", self._series(seed), str(self.store), "--overwrite"]),
        }

    def _experiment(self, seed: int, *, same: bool = False) -> str:
        """Write an experiment file; the same as before for a training that is resumed."""
        file = self.folder / "experiment.json"
        model = MODELS["gradient descent" if seed % 2 else "closed form"]
        content = {
            "data": {"bumps": {"dataset_size": SERIES, "num_points": 20}}, "model": model, "seed": seed,
            "training": {"max_epochs": 2, "batch_size": 8} if seed % 2 else {}, "output": str(self.run),
        }  # fmt: skip
        if not (same and file.exists()):
            file.write_text(json.dumps(content))
        return str(file)

    def _series(self, seed: int) -> str:
        return str(self.folder / "series" / "series.parquet")

    def do(self, command: str, seed: int, access: int) -> bool:
        """Run a command that is killed before an access, check every result, and return whether it was killed."""
        name, words = self.commands[command]
        killed, code = killed_at(access, self.folder, words(seed))
        assert killed or code in (0, 2), f"{command} ended with {code}"
        self.check(name, finished=not killed and code == 0)
        return killed

    def check(self, changed: str, *, finished: bool) -> None:
        """Check that each result is the one before, or a new whole one; AssertionError otherwise."""
        for name in ("run", "tuning", "answers", "store"):
            before, found = self.whole.get(name, {}), self._files(name)
            if name != changed:
                assert found == before, f"{name} was changed by a command about {changed}"
                continue
            if found != before:
                self._require_whole(name, found)
                self.whole[name] = found
            assert not (finished and not found), f"{name} is missing after a command that ended well"
        if finished:
            strays = [str(one) for one in self.folder.rglob(".*") if PARTIAL.fullmatch(one.name)]
            own = [one for one in strays if one.startswith(str(self._place(changed)))]
            assert not own, f"left behind: {own}"

    def _place(self, name: str) -> Path:
        return {"run": self.run, "tuning": self.tuning, "answers": self.answers, "store": self.store}[name]

    def _files(self, name: str) -> dict[str, str]:
        """Return the hash of every file of a result, once a replacement that was killed is complete."""
        place = self._place(name)
        complete_replacement(place)
        known = {"run": OF_A_RUN, "tuning": OF_A_TUNING}.get(name)
        files = [place] if place.is_file() else sorted(place.rglob("*")) if place.is_dir() else []
        return {
            str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.is_file() and (known is None or file == place or file.relative_to(place).parts[0] in known)
            and file.name not in BESIDE_A_RUN
        }  # fmt: skip

    def _require_whole(self, name: str, found: dict[str, str]) -> None:
        """Check that a result is complete and of one piece; AssertionError otherwise."""
        if name == "run":
            seed = json.loads((self.run / "experiment.json").read_text())["seed"]
            metrics = json.loads((self.run / "metrics.json").read_text())
            model = limelight.load(self.run)
            assert (self.run / "report" / "index.html").is_file(), "no report"
            assert model.model_.fitted_on["seed"] == seed, "the model is of another run"
            predictions = pyarrow.parquet.read_table(self.run / "predictions.parquet")
            assert len(predictions) == metrics["counts"]["test"], "the predictions are of another run"
        elif name == "tuning":
            best = json.loads((self.tuning / "best.json").read_text())
            trials = (self.tuning / "trials.csv").read_text().splitlines()[1:]
            assert trials, "no trials"
            assert best["seed"] in (1, *range(100)), "no experiment"
            assert (self.tuning / "trials.journal").stat().st_size, "no journal"
        elif name == "answers":
            assert len(pyarrow.csv.read_csv(self.answers)) == SERIES, "some predictions are missing"
        else:
            assert len(limelight.open_store(self.store)) == SERIES, "some series are missing"
        assert found


ONLY = ["--only", "learning_rate"]


def run(kills: int, start: int = 0) -> Tally:
    """Kill commands until there are enough kills; every tenth one may end, and a new folder begins every 50 commands."""
    tally = Tally("commands killed at an access to a file")
    draw = random.Random(start)
    killed = 0
    while killed < kills:
        with tempfile.TemporaryDirectory() as folder:
            shop = Workshop(Path(folder))
            for number in range(50):
                command = draw.choice(list(shop.commands))
                access = LIMIT * LIMIT if number % 10 == 0 else draw.randint(1, LIMIT)
                seed = 1 if "tun" in command else draw.randrange(100)
                what = f"{command} with seed {seed}, killed at access {access}, command {number} of {start}"
                ended = tally.attempt(what, lambda: shop.do(command, seed, access))  # noqa: B023
                killed += bool(ended)
                if killed >= kills:
                    break
    tally.kills = killed
    return tally
