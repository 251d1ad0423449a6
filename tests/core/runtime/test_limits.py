"""Limits of a server: their settings, and the README's table of them."""

import re

import pytest

from mnist_core.messages import InputError
from mnist_core.runs.store import PROJECT
from mnist_core.runtime.limits import ALL_LIMITS, EPOCHS, RUN_BYTES, WAITING_RUNS


def test_a_local_server_has_only_those_that_protect_its_own_user():
    assert (EPOCHS.value(public=True), EPOCHS.value(public=False)) == (100, None)
    assert WAITING_RUNS.value(public=False) == 100


@pytest.mark.parametrize(("text", "value"), [("7", 7_000_000), ("none", None), ("", None)])
def test_a_setting_holds_on_every_server(monkeypatch, text, value):
    monkeypatch.setenv(RUN_BYTES.variable, text)
    assert RUN_BYTES.value(public=False) == value


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "²"])
def test_a_setting_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv(RUN_BYTES.variable, text)
    with pytest.raises(
        InputError, match=r"DIGITLAB_RUN_MB_LIMIT is .*; write a whole number such as 100, or none"
    ):
        RUN_BYTES.value(public=True)


def test_the_readme_lists_every_limit_with_its_default():
    rows = re.findall(
        r"\| `(DIGITLAB_\w+_LIMIT)` \|[^|]*\| (\d+)(, everywhere)? \|", (PROJECT / "README.md").read_text()
    )
    listed = {name: (int(default), bool(everywhere)) for name, default, everywhere in rows}
    listed.pop("DIGITLAB_RUNS_LIMIT")
    assert listed == {limit.variable: (limit.default, limit.everywhere) for limit in ALL_LIMITS}
