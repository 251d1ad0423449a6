"""Progress and history of a run: from the queue while it trains, from disk afterwards."""

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.messages import Message
from mnist_core.runs.run import METRICS, METRICS_FILE, UNFINISHED, Run
from mnist_core.runtime.limits import TURN_SECONDS
from ui import resources
from ui.i18n import count_text, duration_text, formatted_number, ngettext, percent_text
from ui.i18n import gettext as _

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mnist_core.monitoring.probes import Probe
    from mnist_core.runs.queued_run import Snapshot

MOST_ROWS = 3000  # of a run, to draw curves from


def history(run: Run) -> "pd.DataFrame":
    """Return one row a report with the columns METRICS and `position`, in epochs from the start."""
    rows = resources.training_queue().rows(run.id)
    images = run.results.get("train_images", run.config.train_size)
    steps_per_epoch = math.ceil(images / run.config.batch_size)
    if rows:
        return _table(thinned(rows), steps_per_epoch)
    file = run.folder / METRICS_FILE
    if not file.exists():
        return _table([], steps_per_epoch)
    return _table_on_disk(file, steps_per_epoch, file.stat().st_mtime_ns)


def last_value_text(values: "np.ndarray", spec: str) -> str:
    """Return the last of a curve's values [N] in a format; without values, say so."""
    if not len(values):
        return _("no data yet")
    return "\N{EN DASH}" if math.isnan(values[-1]) else formatted_number(values[-1], spec)


def probes(run: Run) -> "list[Probe]":
    """Return the probes of a run, oldest first."""
    return resources.training_queue().probes(run.id) or run.probes()


def thinned(rows: "list[dict[str, float]]") -> "list[dict[str, float]]":
    """Return the rows of epochs and at most about MOST_ROWS of the others."""
    step = -(-len(rows) // MOST_ROWS)
    return [row for number, row in enumerate(rows) if number % step == 0 or "monitor_loss" in row]


def _table(rows: "list[dict[str, float]] | pd.DataFrame", steps_per_epoch: int) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(METRICS))
    table["position"] = table["step"] / steps_per_epoch
    return table


@functools.lru_cache(maxsize=32)
def _table_on_disk(file: Path, steps_per_epoch: int, written: int) -> "pd.DataFrame":
    """Read a table, cached by `written`, the time when it was written."""
    import pandas as pd

    return _table(pd.read_csv(file), steps_per_epoch)


def status_text(status: str) -> str:
    """Return a run's status in words."""
    return {
        "queued": _("queued"),
        "running": _("training"),
        "paused": _("paused"),
        "finished": _("finished"),
        "stopped": _("stopped"),
        "failed": _("failed"),
        "interrupted": _("interrupted"),
    }[status]


def progress_text(snapshot: "Snapshot") -> str:
    """Return a run's progress and its remaining time, in words."""
    if snapshot.status == "queued":
        return _with_turns(_waiting_text(snapshot), snapshot)
    if snapshot.seconds_left is None:
        return _("Preparing")
    return _with_turns(_training_text(snapshot), snapshot)


def _training_text(snapshot: "Snapshot") -> str:
    epochs = snapshot.config.epochs
    steps_per_epoch = snapshot.steps // epochs
    return _("Epoch {epoch} of {epochs}, {left} left, {speed} images per second").format(
        epoch=count_text(min(snapshot.step // steps_per_epoch + 1, epochs)),
        epochs=count_text(epochs),
        left=duration_text(snapshot.seconds_left / snapshot.time_share),
        speed=count_text(snapshot.images_per_second),
    )


def _waiting_text(snapshot: "Snapshot") -> str:
    ahead, done = snapshot.ahead, percent_text(snapshot.step / (snapshot.steps or 1), 0)
    if snapshot.step and ahead:
        words = ngettext("{done} done, goes on after {n} run", "{done} done, goes on after {n} runs", ahead)
    elif snapshot.step:
        words = _("{done} done, goes on as soon as a worker is there")
    elif ahead:
        words = ngettext("Queued behind {n} run", "Queued behind {n} runs", ahead)
    else:
        words = _("First in the queue: begins as soon as a worker is there")
    text = words.format(done=done, n=ahead)
    if snapshot.wait_seconds is None:
        return text
    return _("{waiting}, about {time}").format(waiting=text, time=duration_text(snapshot.wait_seconds))


def why_waiting(snapshot: "Snapshot") -> Message | None:
    """Return why a run waits in vain: its cluster can't train; None for other runs."""
    waits_there = snapshot.status == "queued" and not snapshot.here
    return resources.why_not_on_cluster() if waits_there else None


def _with_turns(text: str, snapshot: "Snapshot") -> str:
    """Add a run's share of the time to its progress, if visitors take turns."""
    if snapshot.time_share == 1:
        return text
    words = _("{progress}. Visitors take turns of {time}: {share} of the time is yours.")
    time, share = duration_text(TURN_SECONDS.value(True) or 0), percent_text(snapshot.time_share, 0)
    return words.format(progress=text, time=time, share=share)


def epochs_text(epochs: float) -> str:
    """Return a number of epochs, with a decimal if the last one is unfinished: 2, 3.7, 1,000."""
    return count_text(int(epochs)) if float(epochs).is_integer() else formatted_number(epochs, ".1f")


def progress_share(run: Run) -> float | None:
    """Return how much of a run that trains, or takes turns, is done, 0 to 1; else None, or if it isn't known.

    What another process trains tells it with each checkpoint.
    """
    if run.status not in UNFINISHED:
        return None
    if snapshot := resources.training_queue().snapshot(run.id):
        return snapshot.step / snapshot.steps if snapshot.steps else None
    return run.results.get("epochs", 0) / run.config.epochs or None


def is_trained_elsewhere(run: Run) -> bool:
    """Return whether another process than this server trains a run, so that it can't be steered here."""
    if run.status != "running" or resources.training_queue().snapshot(run.id):
        return False
    now = resources.find_run(run.id)  # it may have ended here between the two looks
    return now is not None and now.status == "running"


def standing_text(run: Run) -> str:
    """Return a run's accuracy if it has finished, its progress if it trains, or else its status."""
    words = [percent_text(run.results["test_accuracy"])] if "test_accuracy" in run.results else []
    if run.status == "finished":
        words = words or [_("not tested")]
    else:
        words.append(status_text(run.status))
    if (share := progress_share(run)) is not None:
        words.append(percent_text(share, 0))
    return " · ".join(words)
