"""The commands as a user types them, run in this process."""

import sys

import pytest

from limelight.cli import app as cli


class Commands:
    """Runs commands and tells what they printed and how they ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: object, code: int = 0) -> str:
        self._monkeypatch.setattr(sys, "argv", ["limelight", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        printed = self._capsys.readouterr()
        self.errors = printed.err
        assert (ending.value.code or 0) == code, printed.err
        return printed.out if code == 0 else printed.err.splitlines(keepends=True)[-1]
