"""Labelled drawings: a person's digits with their labels, as JSON lines of strokes or pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.messages import N_, InputError
from mnist_core.recognition.strokes import Strokes, strokes_to_image


@dataclass(frozen=True, eq=False)
class LabelledDrawing:
    """One digit: `image` uint8 [28, 28] as in MNIST, or None if blank; `label` 0 to 9, or None if unlabelled.

    `strokes` are those that the image was rendered from, None if it came as pixels.
    """

    image: NDArray[np.uint8] | None
    label: int | None = None
    strokes: Strokes | None = None

    def to_line(self) -> str:
        """Return a JSON line with the strokes, or without strokes with the image's 28 rows as "pixels"."""
        if self.strokes is not None:
            drawn: dict[str, Any] = {"strokes": self.strokes}
        else:
            drawn = {"pixels": [] if self.image is None else self.image.tolist()}
        return json.dumps({**drawn, "label": self.label}) + "\n"


LONGEST_LINE = 4_000_000  # characters: 50,000 points, the most that Draw keeps of a drawing, take 2 million


def sheet_lines(content: bytes) -> list[str]:
    """Return the lines of a file of labelled drawings: UTF-8, or UTF-16 or 32; with a byte order mark or not.

    Raises UnicodeDecodeError if it is none of these.
    """
    encoding = json.detect_encoding(content)
    return content.decode("utf-8-sig" if encoding == "utf-8" else encoding).split("\n")


def read_labelled_drawing(text: str, line: int) -> LabelledDrawing:
    """Parse `{"strokes": [[[x, y], ...], ...], "label": 0 to 9 or absent}`, or "pixels" instead of "strokes".

    Pixels are 28 rows of 28 numbers or 784 in one list, from 0 (paper) to 255 (ink) as whole numbers, or to 1
    as fractions; an empty list is a blank. Raises InputError for anything else; its message names `line`, the
    line's number in the file.
    """
    if len(text) > LONGEST_LINE:  # parsed, it takes about ten times as much memory
        raise InputError(
            N_("Line {line} has more than {most:,} characters; a drawing takes a few thousand."),
            line=line,
            most=LONGEST_LINE,
        )
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(N_("Line {line} is not JSON: write one object a line."), line=line) from error
    if not isinstance(fields, dict) or fields.keys().isdisjoint({"strokes", "pixels"}):
        raise InputError(
            N_('Line {line} has neither "strokes", each a list of [x, y], nor "pixels".'), line=line
        )
    label = fields.get("label")
    if label is not None and (type(label) is not int or not 0 <= label <= 9):
        raise InputError(N_("Line {line}: the label must be a digit, 0 to 9, or left out."), line=line)
    try:
        if "strokes" in fields:
            return LabelledDrawing(strokes_to_image(fields["strokes"]), label, fields["strokes"])
        return LabelledDrawing(_image(fields["pixels"]), label)
    except InputError as error:
        raise InputError(N_("Line {line}: {problem}"), line=line, problem=error.message) from error


PIXEL_SHAPES = ((IMAGE_SIZE, IMAGE_SIZE), (IMAGE_SIZE**2,), (1, IMAGE_SIZE, IMAGE_SIZE))


def _image(rows: object) -> NDArray[np.uint8] | None:
    """Return pixels as uint8 [28, 28], or None for a blank."""
    if isinstance(rows, list) and not rows:
        return None
    try:
        given: NDArray[np.generic] = np.asarray(rows)
    except (ValueError, OverflowError):  # rows of different lengths, huge numbers
        given = np.asarray(None)
    if given.shape not in PIXEL_SHAPES or given.dtype.kind not in "if":
        raise InputError(
            N_("Pixels must be 784 numbers, in one list or as 28 rows of 28: 0 is paper, 255 or 1.0 ink.")
        )
    pixels = given.astype(np.float64).reshape(IMAGE_SIZE, IMAGE_SIZE)
    if not (pixels.min() >= 0 and pixels.max() <= 255):  # nor is NaN
        raise InputError(
            N_(
                "Pixels must be from 0 (paper) to 255 or 1.0 (ink), and these go from {least:.4g} to "
                "{most:.4g}; undo a normalization first."
            ),
            least=float(pixels.min()),
            most=float(pixels.max()),
        )
    if pixels.max() <= 1:
        pixels = pixels * 255
    image = pixels.round().astype(np.uint8)
    return image if image.max() > 1 else None  # 1 of 255 is no ink; written, it would be read as 1.0
