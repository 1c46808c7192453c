"""Commands run in this process."""

import sys

import pytest

from limelight.cli import app as cli

UNEXPLAINED = ("--set", "explain=false")


class Commands:
    """Runs commands and returns what they printed.

    Measuring explanations takes half of the time of a small training, so it is off unless ``explains``.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.explains = False

    def __call__(self, *words: object, code: int = 0) -> str:
        quick = UNEXPLAINED if words[:1] in [("train",), ("demo",)] and not self.explains else ()
        self._monkeypatch.setattr(sys, "argv", ["limelight", *map(str, words), *quick])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        printed = self._capsys.readouterr()
        self.errors = printed.err
        assert (ending.value.code or 0) == code, printed.err
        return printed.out if code == 0 else printed.err.splitlines(keepends=True)[-1]
