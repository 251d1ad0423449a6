"""Turns in the queue: their order, their end, how long others wait, and what share a visitor gets."""

from typing import NamedTuple

import pytest

from mnist_core.runs.training_line import Turns


class InLine(NamedTuple):
    owner: str
    seconds_left: float | None = None


def names(turns, owners):
    waiting = [InLine(owner, place) for place, owner in enumerate(owners)]
    line = turns.in_order(waiting)
    assert turns.first(waiting) is line[0]
    return [f"{entry.owner}{entry.seconds_left}" for entry in line]


def test_visitors_come_in_turns_and_their_own_runs_one_after_the_other():
    turns = Turns(30)
    assert names(turns, "aaab") == ["a0", "b3", "a1", "a2"]
    turns.serve("a")
    assert names(turns, "aaab") == ["b3", "a0", "a1", "a2"]
    turns.serve("b")
    turns.serve("c")
    assert names(turns, "cba") == ["a2", "b1", "c0"]
    assert names(turns, "cbd") == ["d2", "b1", "c0"]  # who is new is first
    assert names(turns, ["", "", ""]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("trained", "waiting", "seconds", "over"),
    [
        (31, "b", 30, True),
        (30, "b", 30, False),
        (31, "a", 30, False),
        (31, "", 30, False),
        (31, "b", None, False),
    ],
)
def test_a_turn_ends_after_its_seconds_if_another_visitor_waits(trained, waiting, seconds, over):
    line = [InLine(owner) for owner in waiting]
    assert Turns(seconds).is_over(trained, [InLine("a"), InLine("a")], line) is over


def test_who_waits_is_let_pass_after_a_turn_but_not_by_their_own_runs():
    before = [InLine("b", 500.0), InLine("c", 10.0), InLine("d"), InLine("a", 100.0)]
    assert Turns(30).wait_seconds(InLine("a"), before) == 30 + 10 + 30 + 100
    assert Turns(None).wait_seconds(InLine("a"), before[:2]) == 510
    assert Turns(30).wait_seconds(InLine("a"), [InLine("a")]) is None


def test_the_share_of_a_visitor():
    everyones = [InLine(owner) for owner in "aabc"]
    assert Turns(30).share(everyones, workers=1) == pytest.approx(1 / 3)
    assert Turns(30).share(everyones, workers=4) == 1
    assert Turns(None).share(everyones, workers=1) == 1
