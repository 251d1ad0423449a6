"""Accuracy on digits that people wrote themselves: scans by several writers, and pictures.

Such a folder has pictures, in `scans/WRITER/` or `pictures/SET/`, and `labels.tsv`, whose lines name a
picture and its label: a digit, `row:` and several digits, or a word for what is no digit.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.measurement import markdown
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.messages import InputError
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.recognizer import Prediction, predict_all
from mnist_core.recognition.segmentation import predict_pixels_row

HEADS = ("", "pictures", "right", "right and accepted", "refused")
TILE = 112  # pixels a side of a picture on the contact sheet; each is shown beside its 28 x 28
COLUMNS = 8

CONDITIONS = """\
Right: the digit with the highest probability, refused or not. Refused: said to be no digit, or blank. The
worst writer has the fewest right and accepted. No model was trained on these pictures."""
CALIBRATION = "Expected calibration error: {scans:.2%} of the scans, {pictures:.2%} of pictures of digits."


@dataclass(frozen=True, eq=False)
class OwnDigit:
    """A picture of a digit: its file, its source (scans or pictures), its writer or set, what it shows.

    `label` is -1 for what is no digit; `image` is its 28 x 28, None for a blank.
    """

    file: Path
    source: str
    group: str
    label: int
    image: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Reading:
    """A picture and what the model made of it."""

    digit: OwnDigit
    prediction: Prediction

    @property
    def right(self) -> bool:
        """Whether the predicted digit is the label, refused or not."""
        return self.prediction.label == self.digit.label

    @property
    def accepted(self) -> bool:
        """Whether the picture was said to show a digit."""
        return self.prediction.is_digit


def labelled_files(folder: Path) -> list[tuple[Path, str]]:
    """Return the pictures and labels that `labels.tsv` in `folder` lists; raises InputError without it."""
    labels = folder / "labels.tsv"
    if not labels.is_file():
        raise InputError("There is no {file}; name a folder of pictures with --own-digits.", file=labels)
    with labels.open(newline="") as lines:
        return [(folder / line["file"], line["label"]) for line in csv.DictReader(lines, delimiter="\t")]


def load_own_digits(folder: Path) -> list[OwnDigit]:
    """Convert each picture in `folder` to 28 x 28 but those of rows."""
    return [
        OwnDigit(
            file,
            *file.parts[-3:-1],
            int(label) if label.isdigit() else -1,
            pixels_to_image(read_picture(file)),
        )
        for file, label in labelled_files(folder)
        if not label.startswith("row:")
    ]


def read_own_digits(
    model: DigitClassifier, calibration: Calibration | None, digits: list[OwnDigit]
) -> list[Reading]:
    """Predict each picture."""
    predictions = predict_all(model, [digit.image for digit in digits], calibration)
    return [Reading(*pair) for pair in zip(digits, predictions, strict=True)]


def own_digits_table(readings: list[Reading]) -> str:
    """Return three tables: scans, the worst writer, pictures and no digits; each writer; each digit."""
    scans, pictures = ([r for r in readings if r.digit.source == name] for name in ("scans", "pictures"))
    pictured = [r for r in pictures if r.digit.label >= 0]
    by_writer = _grouped(scans, lambda r: r.digit.group)
    worst = min(by_writer, key=_right_and_accepted)
    sources = [
        _row("scans", scans),
        _row(f"the worst writer, {worst[0].digit.group}", worst),
        _row("pictures", pictured),
        _row("no digits", [r for r in pictures if r.digit.label < 0]),
    ]
    writers = [_row(group[0].digit.group, group) for group in by_writer]
    per_digit = [
        _row(str(group[0].digit.label), group)
        for group in _grouped(scans + pictured, lambda r: str(r.digit.label))
    ]
    errors = CALIBRATION.format(scans=_calibration_error(scans), pictures=_calibration_error(pictured))
    tables = [markdown(HEADS, rows) for rows in (sources, writers, per_digit)]
    return "\n\n".join([*tables, errors, CONDITIONS])


def _calibration_error(readings: list[Reading]) -> float:
    probabilities = np.stack([r.prediction.probabilities for r in readings])
    return reliability(probabilities, np.array([r.digit.label for r in readings])).expected_error


def _grouped(readings: list[Reading], key: Callable[[Reading], str]) -> list[list[Reading]]:
    return [[r for r in readings if key(r) == name] for name in sorted({key(r) for r in readings})]


def _right_and_accepted(readings: list[Reading]) -> float:
    return float(np.mean([r.right and r.accepted for r in readings]))


def _row(name: str, readings: list[Reading]) -> list[str]:
    shares = (
        np.mean([r.right for r in readings]),
        _right_and_accepted(readings),
        np.mean([not r.accepted for r in readings]),
    )
    is_digit = readings[0].digit.label >= 0
    shown = [f"{share:.1%}" if is_digit or place == 2 else "" for place, share in enumerate(shares)]
    return [name, f"{len(readings):,}", *shown]


def own_rows_table(model: DigitClassifier, calibration: Calibration | None, folder: Path) -> str:
    """Return a table of the pictures of rows: how many are read right, and which are not."""
    rows = [(file, label[4:]) for file, label in labelled_files(folder) if label.startswith("row:")]
    wrong = []
    for file, label in rows:
        digits = predict_pixels_row(model, read_picture(file), calibration)
        read = "".join(str(digit.prediction.label) for digit in digits)
        if read != label:
            wrong.append([f"{file.parent.name}/{file.name}", label, read or "blank"])
    head = f"Pictures of rows read right: {len(rows) - len(wrong)} of {len(rows)}."
    return f"{head}\n\n{markdown(('not read right', 'shows', 'read'), wrong)}" if wrong else head


def contact_sheet(readings: Iterable[Reading]) -> Image.Image:
    """Draw what was refused or read wrong, sorted by label: each picture, its 28 x 28, and words below them.

    The words are the label, the digit that was read, its confidence, whether it was refused, and the file.
    """
    errors = [r for r in readings if (not (r.right and r.accepted) if r.digit.label >= 0 else r.accepted)]
    errors.sort(key=lambda r: (r.digit.source, r.digit.label, str(r.digit.file)))
    width, height = 2 * TILE + 8, TILE + 28
    sheet = Image.new("RGB", (COLUMNS * width, max(1, -(-len(errors) // COLUMNS)) * height), (128, 128, 160))
    draw = ImageDraw.Draw(sheet)
    for place, reading in enumerate(errors):
        left, top = place % COLUMNS * width, place // COLUMNS * height
        sheet.paste(_tile(read_picture(reading.digit.file)), (left, top))
        if reading.digit.image is not None:
            sheet.paste(_tile(reading.digit.image), (left + TILE, top))
        draw.text((left + 2, top + TILE), _words(reading), fill="white")
        draw.text((left + 2, top + TILE + 13), "/".join(reading.digit.file.parts[-2:]), fill="white")
    return sheet


def _words(reading: Reading) -> str:
    prediction, label = reading.prediction, reading.digit.label
    state = "accepted" if reading.accepted else "refused"
    read = "blank" if prediction.blank else f"{prediction.label} ({prediction.confidence:.0%}), {state}"
    return f"{label if label >= 0 else 'no digit'}: {read}"


def _tile(pixels: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(pixels)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    factor = TILE / max(picture.size)
    size = [max(1, round(side * factor)) for side in picture.size]
    resampling = Image.Resampling.BOX if factor < 1 else Image.Resampling.NEAREST
    return picture.convert("RGB").resize((size[0], size[1]), resampling)
