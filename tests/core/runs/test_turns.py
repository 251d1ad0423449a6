"""Turns in the queue: their order, their end, how long others wait, and what share a visitor gets."""

from typing import NamedTuple

import pytest

from mnist_core.runs.training_line import Turns


class InLine(NamedTuple):
    owner: str
    seconds_left: float | None = None


def names(turns, owners, training=""):
    waiting = [InLine(owner, place) for place, owner in enumerate(owners)]
    now = [InLine(owner) for owner in training]
    line = turns.in_order(waiting, now)
    assert turns.first(waiting, now) is line[0]
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


def test_each_visitors_first_trains_before_anybodys_second():
    turns = Turns(30)
    for owner in "ab":
        turns.serve(owner)
    assert names(turns, "ab", training="b") == ["a0", "b1"]
    assert names(turns, "ab", training="a") == ["b1", "a0"]
    assert names(turns, "ccaab", training="ab") == ["c0", "a2", "b4", "c1", "a3"]
    assert names(turns, "ab", training="aabb") == ["a0", "b1"]


def test_the_order_of_the_line_is_that_in_which_free_places_take_it():
    for training in ("", "a", "ab", "aab", "ccb"):
        turns, busy = Turns(30), list(training)
        for owner in "ab":
            turns.serve(owner)
        waiting = [InLine(owner, place) for place, owner in enumerate("bacabcadb")]
        order, taken = turns.in_order(waiting, [InLine(owner) for owner in busy]), []
        while waiting:
            taken.append(turns.first(waiting, [InLine(owner) for owner in busy]))
            waiting.remove(taken[-1])
            turns.serve(taken[-1].owner)
            busy.append(taken[-1].owner)
        assert taken == order, training


@pytest.mark.parametrize(
    ("trained", "waiting", "training", "seconds", "over"),
    [
        (31, "b", "a", 30, True),
        (30, "b", "a", 30, False),
        (31, "a", "a", 30, False),
        (31, "", "a", 30, False),
        (31, "b", "a", None, False),
        (31, "b", "ab", 30, False),  # each has one place
        (31, "b", "aab", 30, True),
        (31, "bc", "ab", 30, True),
    ],
)
def test_a_turn_ends_after_its_seconds_if_a_visitor_with_fewer_runs_in_training_waits(
    trained, waiting, training, seconds, over
):
    line, now = ([InLine(owner) for owner in owners] for owners in (waiting, training))
    turns = Turns(seconds)
    assert (turns.may_end(trained) and turns.is_over([InLine("a"), InLine("a")], line, now)) is over


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
