"""A run's course: what it has done so far, from the queue while it trains and from disk afterwards."""

import math
from typing import TYPE_CHECKING

from mnist_core.runs import METRICS, Run
from ui.translation import count_text, duration_text, ngettext
from ui.translation import gettext as _

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.training_queue import Snapshot


def history(run: Run, rows_so_far: list[dict[str, float]] | None) -> "pd.DataFrame":
    """Return one row a report with the columns METRICS and `position`, in epochs from the start.

    `rows_so_far` are the queue's for a run that is being trained, None for any other.
    """
    import pandas as pd

    rows = run.metrics() if rows_so_far is None else pd.DataFrame(rows_so_far, columns=METRICS)
    images = run.results.get("train_images", run.config.train_size)
    rows["position"] = rows["step"] / math.ceil(images / run.config.batch_size)
    return rows.sort_values("position", kind="stable")


def status_text(status: str) -> str:
    """Say how a run stands."""
    return {
        "queued": _("waiting"),
        "running": _("training"),
        "paused": _("paused"),
        "finished": _("finished"),
        "stopped": _("stopped"),
        "failed": _("failed"),
        "interrupted": _("interrupted"),
    }[status]


def progress_text(snapshot: "Snapshot") -> str:
    """Say how far a run is and how long it will take."""
    if snapshot.status == "queued":
        place = snapshot.place_in_line
        return ngettext("Waiting for {n} training to end", "Waiting for {n} trainings to end", place).format(
            n=place
        )
    if snapshot.seconds_left is None:
        return _("Getting ready …")
    steps_per_epoch = snapshot.steps // snapshot.config.epochs
    return _("Epoch {epoch} of {epochs}, {left} left, {speed} images per second").format(
        epoch=min(snapshot.step // steps_per_epoch + 1, snapshot.config.epochs),
        epochs=snapshot.config.epochs,
        left=duration_text(snapshot.seconds_left),
        speed=count_text(snapshot.images_per_second),
    )
