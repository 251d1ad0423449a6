"""Calling `python -m mnist_core` in this process."""

import json

import pytest

from mnist_core.__main__ import main

FAST = ["--set", "widths=8", "--set", "train_size=200", "--epochs", "1", "--threads", "1"]
ONE = [[[100, 20], [105, 110], [100, 200]]]


class CommandLine:
    """Calls `python -m mnist_core` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *self.capsys.readouterr()

    def json(self, *arguments: str) -> dict:
        """What a command that succeeds prints last, as JSON."""
        code, out, _ = self(*arguments, "--json")
        assert code == 0
        return json.loads(out.splitlines()[-1])

    def refusal(self, *arguments: str) -> str:
        """The one sentence on stderr of a command that fails."""
        code, out, err = self(*arguments)
        assert (code, out) == (2, "")
        (line,) = err.splitlines()
        assert line.startswith("mnist_core: ")
        return line.removeprefix("mnist_core: ")
