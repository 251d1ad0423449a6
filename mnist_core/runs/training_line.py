"""The training line: the runs that wait and train, whose turn is next, and how long a run waits."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

from mnist_core.runs.queued_run import QueuedRun, Snapshot
from mnist_core.runs.run import CANCELLED
from mnist_core.runtime.event_log import log_event, short_id
from mnist_core.runtime.limits import TURN_SECONDS
from mnist_core.runtime.process import resident_bytes
from mnist_core.training.events import ASIDE

_log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 1.0  # for waiting runs that were cancelled
MOST_REMEMBERED = 1000  # visitors whose last turn is known; a forgotten one counts as new


class TrainingLine:
    """The runs that wait and those that train; hold `changed` to read or change them.

    Once `closed`, no more runs begin.
    """

    def __init__(self) -> None:
        self.waiting: deque[QueuedRun] = deque()
        self.training: list[QueuedRun] = []
        self.changed = threading.Condition()
        self.turns = Turns(TURN_SECONDS.value(True))
        self.closed = False
        self._looked = 0.0  # time of the last look for cancelled runs

    def find(self, run_id: str) -> QueuedRun | None:
        """Return a run that trains or waits in this process; None for any other."""
        return next((entry for entry in (*self.training, *self.waiting) if entry.writer.id == run_id), None)

    def at_once(self, owner: str) -> int:
        """Return how many runs of a visitor train or wait; 0 for "", which is nobody."""
        return sum(bool(owner) and entry.owner == owner for entry in (*self.training, *self.waiting))

    def wake(self) -> None:
        """Have all who wait for a change look again."""
        with self.changed:
            self.changed.notify_all()

    def others_wait(self) -> bool:
        """Return whether a run waits."""
        return bool(self.waiting)

    def snapshot(self, entry: QueuedRun, workers: int) -> Snapshot:
        """Return how a run of the line stands while up to `workers` train: its place, wait and share."""
        share = self.turns.share([*self.training, *self.waiting], workers)
        slow = entry.slow
        snapshot = replace(entry.snapshot, time_share=share, slow=slow.on, batch=slow.batch, here=entry.here)
        if entry in self.training:
            return snapshot
        line = self.turns.in_order(self._waiting(entry.here), self._turns_now(entry.here))
        place = line.index(entry)
        now = [each for each in self.training if each.here == entry.here]
        seconds = self.turns.wait_seconds(entry, now + line[:place])
        wait = None if seconds is None or not now else seconds / (1 if entry.here else workers)
        return replace(snapshot, place_in_line=place + 1, ahead=place + bool(now), wait_seconds=wait)

    def _waiting(self, here: bool) -> list[QueuedRun]:
        """Return the runs that wait for the server itself, or those for the other places."""
        return [entry for entry in self.waiting if entry.here == here]

    def _turns_now(self, here: bool) -> list[QueuedRun]:
        """Return such runs that train, one of each pair: a pair trains at one place."""
        found = [entry for entry in self.training if entry.here == here]
        return list({id(entry.pair or entry): entry for entry in found}.values())

    def turn_is_over(self, entries: Collection[QueuedRun], here: bool) -> bool:
        """Return whether runs that train at one place give way to others that wait for such a place.

        Not before one of them has ended a step or an evaluation, which would be repeated in its next turn.
        """
        seconds = sum(entry.turn_seconds for entry in entries)
        if not self.turns.may_end(seconds):  # asked at each event: long lines are not looked through
            return False
        if not any(entry.moved for entry in entries):
            return False
        return self.turns.is_over(entries, self._waiting(here), self._turns_now(here))

    def waits(self, here: bool = False) -> bool:
        """Return whether a run waits that is to train on the server itself, or one for the other places."""
        return any(entry.here == here for entry in self.waiting)

    def take_next(self, here: bool = False) -> list[QueuedRun]:
        """Take the next such run out of the line, with its partner if it is of a pair; none if none waits."""
        first = self._first(here)
        if first is None:
            return []
        self.waiting.remove(first)
        self.turns.serve(first.owner)
        partners = [entry for entry in self.waiting if first.pair and entry.pair is first.pair]
        for entry in partners:
            self.waiting.remove(entry)
        for entry in (first, *partners):
            self.training.append(entry)
            entry.snapshot = replace(entry.snapshot, status="running")
            entry.begin_turn()
            log_run("run_started", entry, waiting=len(self.waiting))
        return [first, *partners]

    def _first(self, here: bool) -> QueuedRun | None:
        """Return the run whose turn is next; those before it that were cancelled leave the line."""
        while waiting := self._waiting(here):
            first = self.turns.first(waiting, self._turns_now(here))
            if not first.writer.cancelled:
                return first
            self._remove(first)
        return None

    def remove_cancelled(self) -> None:
        """Take the runs out of the line that RunStore.cancel has cancelled; at most once a second."""
        if time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        with self.changed, suppress(OSError):
            for entry in [entry for entry in self.waiting if entry.writer.cancelled]:
                self._remove(entry)

    def _remove(self, entry: QueuedRun) -> None:
        self.waiting.remove(entry)
        with suppress(OSError):  # its folder may be gone
            entry.writer.update("stopped", CANCELLED)
        entry.writer.close()

    def leave_training(self, entry: QueuedRun) -> None:
        """Take a run out of training; one that has stepped aside goes back into the line."""
        with self.changed:
            self.training.remove(entry)
            if entry.writer.is_open:
                ending, entry.control.ending = entry.control.ending, None
                if ending == ASIDE and not self.closed:
                    entry.snapshot = replace(entry.snapshot, status="queued")
                    self.waiting.append(entry)
                else:  # it was paused or stopped while it stepped aside
                    with suppress(OSError):
                        entry.writer.update("interrupted" if ending in (None, ASIDE) else ending)
                    entry.writer.close()
            self.changed.notify_all()
        log_run(f"run_{entry.writer.status}", entry)


def log_run(event: str, entry: QueuedRun, **fields: object) -> None:
    """Log an event of a run: its recipe, progress, accuracy, and the process's memory; not its owner."""
    results, memory = entry.writer.results, resident_bytes()
    log_event(
        _log,
        event,
        run=short_id(entry.writer.id),
        recipe=entry.writer.config.recipe,
        epochs=results.get("epochs"),
        of_epochs=entry.writer.config.epochs,
        train_seconds=results.get("train_seconds"),
        test_accuracy=results.get("test_accuracy"),
        memory_mb=memory and memory // 1_000_000,
        **fields,
    )


class InLine(Protocol):
    """A run in line or in training."""

    @property
    def owner(self) -> str:
        """The visitor it belongs to, "" for nobody."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds of training left; None if unknown."""


Entry = TypeVar("Entry", bound=InLine)


def _runs_by_owner(runs: Collection[InLine]) -> Counter[str]:
    return Counter(entry.owner for entry in runs)


class Turns:
    """Turns of `seconds` at work, round robin over visitors; None: each run trains to its end.

    The visitor with the fewest runs in training is next, of these the one who was served longest ago, with
    the first of their runs: each visitor's first trains before anybody's second. `training` has the runs in
    training, one of each pair.
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

    def first(self, waiting: Sequence[Entry], training: Collection[InLine] = ()) -> Entry:
        """Return the first of the runs in order, without putting all others in order."""
        firsts: dict[str, Entry] = {}
        for entry in waiting:
            firsts.setdefault(entry.owner, entry)
        last, now = self._last_turns(), _runs_by_owner(training)
        return min(firsts.values(), key=lambda entry: (now[entry.owner], last.get(entry.owner, -1)))

    def in_order(self, waiting: Sequence[Entry], training: Collection[InLine] = ()) -> list[Entry]:
        """Return the runs in line in the order in which they will be taken."""
        last, now = self._last_turns(), _runs_by_owner(training)
        before: Counter[str] = Counter()
        keys = []
        for place, entry in enumerate(waiting):
            owner, earlier = entry.owner, before[entry.owner]
            keys.append((now[owner] + earlier, earlier, last.get(owner, -1), place))
            before[owner] += 1
        return [waiting[place] for *_, place in sorted(keys)]

    def _last_turns(self) -> dict[str, int]:
        return {owner: turn for turn, owner in enumerate(self._served)}

    def may_end(self, seconds: float) -> bool:
        """Return whether a turn is over after so many seconds, if others wait."""
        return self.seconds is not None and seconds > self.seconds

    def is_over(
        self, group: Collection[InLine], waiting: Collection[InLine], training: Collection[InLine]
    ) -> bool:
        """Return whether `group`, whose turn may end, gives way to `waiting`.

        It does for a visitor who has fewer runs in training, for others would come after it.
        """
        now = _runs_by_owner(training)
        most = max(now[entry.owner] for entry in group)
        return any(now[entry.owner] < most for entry in waiting)

    def wait_seconds(self, entry: InLine, before: Collection[InLine]) -> float | None:
        """Estimate the seconds that the runs `before` train until it is `entry`'s turn; None if unknown."""
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
