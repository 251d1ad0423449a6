"""A short set of the random input of tests.fuzz; `python -m tests.fuzz` tries many more."""

import pytest

from tests.fuzz import mutated_files, outcome, structures

CASES = {"arguments": 8, "weights": 20, "picture": 30, "name": 60}  # the slower ones fewer
USUAL = 30


@pytest.mark.parametrize("kind", structures.STRUCTURES)
def test_structures_that_a_visitor_may_send(kind):
    count = structures.fuzz_structures(kind, CASES.get(kind, USUAL), first_seed=15)
    assert count.results + count.sentences >= 8


@pytest.mark.parametrize("kind", mutated_files.BYTES)
def test_files_that_a_visitor_may_send(kind):
    count = mutated_files.fuzz_bytes(kind, CASES.get(kind, USUAL), first_seed=15)
    assert count.results
    assert count.sentences


def test_a_case_that_ends_in_another_exception_is_reported(monkeypatch):
    monkeypatch.setitem(mutated_files.BYTES, "sheet", lambda count, content: 1 / 0)
    with pytest.raises(outcome.Broken, match="sheet, seed 3, case 0"):
        mutated_files.fuzz_bytes("sheet", 1, first_seed=3)


@pytest.mark.parametrize("shown", ["a < b", "**{name}**", "{name}"])
def test_markup_in_a_sentence_is_reported(monkeypatch, shown):
    monkeypatch.setattr(outcome, "markdown", lambda message: "<b>name</b>.")
    with pytest.raises(outcome.Broken, match="markup"):
        outcome.said(outcome.InputError("It is {name}.", name="x"))
