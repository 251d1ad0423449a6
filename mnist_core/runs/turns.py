"""Turns in the training queue: whose run is next, how long it waits, and what share of the time it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

MOST_REMEMBERED = 1000  # visitors whose last turn is known; who is forgotten counts as new


class InLine(Protocol):
    """A run in line or in training: whose it is, and how long it will still train, None where unknown."""

    @property
    def owner(self) -> str:
        """The visitor it belongs to, "" for nobody."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds of training left."""


Entry = TypeVar("Entry", bound=InLine)


class Turns:
    """Turns of `seconds` of training, round robin over visitors; None: each run trains to its end.

    The visitor who was served longest ago is next, with the first of their runs. Runs of one visitor train
    one after the other.
    """

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds
        self._served: dict[str, None] = {}  # visitors, the one who was served last at the end

    def serve(self, owner: str) -> None:
        """Note that a visitor has got a turn."""
        self._served.pop(owner, None)
        self._served[owner] = None
        if len(self._served) > MOST_REMEMBERED:
            del self._served[next(iter(self._served))]

    def in_order(self, waiting: Sequence[Entry]) -> list[Entry]:
        """Return the runs in line in the order in which they will be taken."""
        last = {owner: turn for turn, owner in enumerate(self._served)}
        before: Counter[str] = Counter()
        keys = []
        for place, entry in enumerate(waiting):
            keys.append((before[entry.owner], last.get(entry.owner, -1), place))
            before[entry.owner] += 1
        return [waiting[place] for _, _, place in sorted(keys)]

    def is_over(self, trained: float, group: Collection[InLine], waiting: Collection[InLine]) -> bool:
        """Return whether runs that trained so many seconds in this turn must let another visitor's train."""
        owners = {entry.owner for entry in group}
        others = any(entry.owner not in owners for entry in waiting)
        return others and self.seconds is not None and trained > self.seconds

    def wait_seconds(self, entry: InLine, before: Collection[InLine]) -> float | None:
        """Estimate how long the runs `before` one train until it is their turn to let it; None if unknown."""
        total = 0.0
        for other in before:
            left = other.seconds_left
            if other.owner != entry.owner and self.seconds is not None:
                left = self.seconds if left is None else min(left, self.seconds)
            if left is None:
                return None
            total += left
        return total

    def share(self, everyones: Collection[InLine], workers: int) -> float:
        """Return the share of the time in which a visitor's runs train, 0 to 1."""
        visitors = len({entry.owner for entry in everyones}) if self.seconds is not None else 1
        return min(1.0, workers / max(1, visitors))
