"""`python -m benchmarks.left_out_writers`: accuracy on writers who chose no setting of the preprocessing.

Each setting has a few other values. For each writer of the scans in turn, the values that read the other
writers best are chosen; then this writer's scans are read with them. The accuracy over all writers is that on
people whose scans chose nothing (leave-one-group-out cross-validation: Stone, "Cross-Validatory Choice and
Assessment of Statistical Predictions", 1974). The model's weights are never changed.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.drawing import OWN_DIGITS
from benchmarks.measurement import markdown
from benchmarks.own_digits import labelled_files
from mnist_core.messages import InputError
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition import images, pen_width, recognizer
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.picture_files import read_picture
from mnist_core.runs.store import RunStore


class Setting(NamedTuple):
    """A constant of a module and the other values that it could have."""

    module: ModuleType
    name: str
    others: tuple[object, ...]


SETTINGS = (
    Setting(images, "EDGE", (0.05, 0.15, 0.2)),
    Setting(images, "STROKE_INK", (0.15, 0.35)),
    Setting(images, "REACH", (0.25, 1.0)),
    Setting(images, "LEAST_REACH", (1, 3)),
    Setting(images, "MIN_CONTRAST", (12, 48)),
    Setting(images, "NOISE_CONTRAST", (4, 16)),
    Setting(pen_width, "THINNEST", (1.0, 1.8)),
    Setting(pen_width, "BOLDEST", (4.0, 5.5)),
    Setting(pen_width, "BLACKNESS", (0.4, 0.54)),
    Setting(pen_width, "LOCAL", (0.05, 0.2)),
    Setting(pen_width, "PALEST", (0.15, 0.35)),
    Setting(recognizer, "OTHER_VIEWS", ((), ((-12.0, 1.0), (12.0, 1.0), (0.0, 0.85), (0.0, 1.15)))),
)
HEADS = ("left out", "scans", "other values that the other writers chose", "right and accepted", "as shipped")
SUMMARY = """\
Right and accepted of all scans: {fitted:.1%} with what the other writers chose (worst writer {worst:.1%}),
{shipped:.1%} as shipped (the worst {shipped_worst:.1%}). Settings: {settings}, other values: {values}."""

Values = tuple[object, ...]  # one for each of SETTINGS


@contextmanager
def _set(values: Values) -> Iterator[None]:
    with ExitStack() as changes:
        for setting, value in zip(SETTINGS, values, strict=True):
            changes.enter_context(patch.object(setting.module, setting.name, value))
        yield


class Scans:
    """The scans of a folder, and which of them are right and accepted with other values of the settings."""

    def __init__(self, model: DigitClassifier, calibration: Calibration | None, folder: Path) -> None:
        """Decode all scans that `labels.tsv` in `folder` lists; raises InputError without it."""
        listed = [(file, label) for file, label in labelled_files(folder) if file.parts[-3] == "scans"]
        self.pictures = [read_picture(file) for file, _label in listed]
        self.labels = np.array([int(label) for _file, label in listed])
        self.writers = np.array([file.parts[-2] for file, _label in listed])
        self.model, self.calibration = model, calibration
        self.good = cache(self._good)

    def _good(self, values: Values) -> NDArray[np.bool_]:
        """Whether each scan [N] is right and accepted."""
        with _set(values):
            converted = [images.pixels_to_image(picture) for picture in self.pictures]
            read = recognizer.predict_all(self.model, converted, self.calibration)
        labels = np.array([-1 if prediction.label is None else prediction.label for prediction in read])
        return (labels == self.labels) & np.array([prediction.is_digit for prediction in read])


def shipped_values() -> Values:
    """Return the values that the modules have."""
    return tuple(getattr(setting.module, setting.name) for setting in SETTINGS)


def neighbours() -> dict[str, list[Values]]:
    """Return by name of a setting the values of all settings with another value of that one."""
    shipped = shipped_values()
    return {
        setting.name: [(*shipped[:place], value, *shipped[place + 1 :]) for value in setting.others]
        for place, setting in enumerate(SETTINGS)
    }


def chosen_values(good: Mapping[Values, NDArray[np.bool_]], chosen_on: NDArray[np.bool_]) -> Values:
    """Return for each setting its value with the most good scans among `chosen_on` [N], a mask.

    Each is chosen with the others as shipped. Of equally good values the shipped one is kept.
    """
    shipped = shipped_values()
    chosen = []
    for place, name in enumerate(neighbours()):
        options = [shipped, *neighbours()[name]]
        chosen.append(max(options, key=lambda values: good[values][chosen_on].sum())[place])
    return tuple(chosen)


def left_out_table(scans: Scans) -> str:
    """Return a table with a row for each writer, and a summary."""
    shipped = shipped_values()
    tried = [shipped, *(values for several in neighbours().values() for values in several)]
    good = {values: scans.good(values) for values in tqdm(tried, unit="value")}
    rows, fitted = [], np.zeros(len(scans.labels), bool)
    for writer in tqdm(np.unique(scans.writers), unit="writer"):
        theirs = scans.writers == writer
        values = chosen_values(good, ~theirs)
        fitted[theirs] = scans.good(values)[theirs]
        shares = (f"{np.mean(answers[theirs]):.1%}" for answers in (fitted, good[shipped]))
        rows.append([writer, theirs.sum(), _differences(values) or "none", *shares])
    summary = SUMMARY.format(
        fitted=fitted.mean(),
        worst=_worst(fitted, scans.writers),
        shipped=good[shipped].mean(),
        shipped_worst=_worst(good[shipped], scans.writers),
        settings=len(SETTINGS),
        values=len(tried) - 1,
    )
    return f"{markdown(HEADS, rows)}\n\n{summary}"


def _differences(values: Values) -> str:
    """Name the values that are not as shipped."""
    pairs = zip(SETTINGS, values, shipped_values(), strict=True)
    return ", ".join(f"{setting.name} {value}" for setting, value, shipped in pairs if value != shipped)


def _worst(good: NDArray[np.bool_], writers: Sequence[str] | NDArray[np.str_]) -> float:
    return min(float(good[np.asarray(writers) == writer].mean()) for writer in np.unique(writers))


def main() -> None:
    """Measure the pretrained model and print."""
    parser = argparse.ArgumentParser(description="Choose the settings of the preprocessing by other writers.")
    parser.add_argument("--own-digits", type=Path, default=OWN_DIGITS, help="a folder of scans by writer")
    parser.add_argument(
        "--run", default="pretrained", help='the run whose model reads: an id or "pretrained"'
    )
    parser.add_argument("--runs", help="folder of the runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        run = RunStore(options.runs).get(options.run)
        scans = Scans(run.load_model(), run.load_calibration(), options.own_digits)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(left_out_table(scans))


if __name__ == "__main__":
    main()
