"""Limits of a server: what one visitor may use of it, each a documented setting with a default."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mnist_core.messages import N_, InputError
from mnist_core.runtime.cluster_setting import ClusterSetting

NONE = "none"  # as a setting: no limit
MEGA = 1_000_000


@dataclass(frozen=True)
class Limit:
    """A limit, in whole `unit`s. The environment variable `variable` sets it, or takes it away as "none".

    Otherwise it is `default` on a public server. On a local one there is none, unless it protects the
    server's own user as well (`everywhere`).
    """

    variable: str
    default: int
    unit: int = 1
    everywhere: bool = False

    def value(self, public: bool) -> int | None:
        """Return the limit in single things, bytes or seconds; None for no limit.

        Raises InputError if the variable is neither a positive whole number nor "none".
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.default * self.unit if public or self.everywhere else None
        if text.lower() == NONE:
            return None
        if not (text.isascii() and text.isdecimal() and int(text)):
            raise InputError(
                N_("{variable} is {text!r}; write a whole number such as {default}, or none."),
                variable=self.variable,
                text=text,
                default=self.default,
            )
        return int(text) * self.unit


PARAMETERS = Limit("DIGITLAB_PARAMETERS_LIMIT", 2_000_000)  # of a network
EPOCHS = Limit("DIGITLAB_EPOCHS_LIMIT", 100)  # of a run
TRAINING_SECONDS = Limit("DIGITLAB_MINUTES_LIMIT", 60, unit=60)  # of a run, in all
RUNS_AT_ONCE = Limit("DIGITLAB_RUNS_AT_ONCE_LIMIT", 6)  # of a visitor that train or wait
WAITING_RUNS = Limit("DIGITLAB_QUEUE_LIMIT", 100, everywhere=True)  # of all visitors
TURN_SECONDS = Limit("DIGITLAB_TURN_SECONDS_LIMIT", 30, everywhere=True)  # of a run while others wait
VISITOR_RUNS = Limit("DIGITLAB_VISITOR_RUNS_LIMIT", 100)  # on disk, the pinned and paused ones too
VISITOR_BYTES = Limit("DIGITLAB_VISITOR_MB_LIMIT", 300, unit=MEGA)  # of all runs of a visitor
PROTECTED_PERCENT = Limit("DIGITLAB_PINNED_PERCENT_LIMIT", 50)  # of DIGITLAB_RUNS_LIMIT, see retention.py
RUN_BYTES = Limit("DIGITLAB_RUN_MB_LIMIT", 100, unit=MEGA)  # of one run's files
PICTURES = Limit("DIGITLAB_PICTURES_LIMIT", 200, everywhere=True)  # in an upload
UPLOADED_BYTES = Limit(
    "DIGITLAB_PICTURES_MB_LIMIT", 50, unit=MEGA, everywhere=True
)  # of an upload's pictures
PIXELS = Limit("DIGITLAB_MEGAPIXELS_LIMIT", 25, unit=MEGA, everywhere=True)  # of a picture
DRAWINGS = Limit("DIGITLAB_DRAWINGS_LIMIT", 500, everywhere=True)  # of a visitor's own test set
SHEET_BYTES = Limit("DIGITLAB_SHEET_MB_LIMIT", 5, unit=MEGA, everywhere=True)  # of a file with drawings
WEIGHTS_BYTES = Limit("DIGITLAB_WEIGHTS_MB_LIMIT", 50, unit=MEGA, everywhere=True)  # of a file with weights
SET_BYTES = Limit("DIGITLAB_SET_MB_LIMIT", 150, unit=MEGA, everywhere=True)  # of the files of an own data set
SET_UNPACKED_BYTES = Limit("DIGITLAB_SET_UNPACKED_MB_LIMIT", 500, unit=MEGA, everywhere=True)  # out of a zip
SET_IMAGES = Limit("DIGITLAB_SET_IMAGES_LIMIT", 100_000, everywhere=True)  # of an own data set
VISITOR_SETS = Limit("DIGITLAB_VISITOR_SETS_LIMIT", 5)  # own data sets that a visitor keeps
ALL_SETS_BYTES = Limit("DIGITLAB_SETS_MB_LIMIT", 1000, unit=MEGA, everywhere=True)  # of all own data sets
JOBS = Limit("DIGITLAB_JOBS_LIMIT", 8, everywhere=True)  # that work at the same time, see job.py
ALL_LIMITS = tuple(limit for limit in list(globals().values()) if isinstance(limit, Limit))


def check_settings() -> None:
    """Raise InputError if a limit's variable, or the cluster's, can't be understood."""
    ClusterSetting.from_environment()
    for limit in ALL_LIMITS:
        limit.value(public=True)
