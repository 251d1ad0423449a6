"""Several digits in one drawing or picture: segmented from left to right, and classified one by one.

Strokes, or pieces of ink, that overlap horizontally belong to one digit. A wide piece with a low confidence
is cut where the network gives both parts the highest confidence, as in LeCun et al. 1998, section VII,
without its graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import bounding_box, render_strokes
from mnist_core.recognition.images import Ink, find_ink, place_ink
from mnist_core.recognition.recognizer import Prediction, predict_all
from mnist_core.recognition.strokes import Strokes, as_dot_if_tiny, checked_strokes

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.recognition.calibration import Calibration

OVERLAP = 0.35  # of the narrower one's width, from which on two pieces belong to one digit
SMALL = 0.4  # of the row's height; lower pieces belong to the nearest digit
NEAR = 0.15  # of the row's height, if they are as near as this
APART = 0.3  # of the row's height, between strokes that may still be one digit
THIN = 0.01  # of the row's height, the half of a pen's width
WIDE = 0.8  # times its height; narrower ink is not cut
VERY_WIDE = 1.1  # the same for ink of odd looks that is read with confidence: one in 60 digits has them
SURE = 0.9  # confidence above which ink is not cut, and below which a reading is unsure
CUTS = 9  # places that are tried
THROUGH = 0.5  # of the height; no cut goes through more ink
SPECK = 0.25  # of the row's height; less ink by itself is no digit but dirt
MOST_DIGITS = 50

Images = Sequence[NDArray[np.uint8]]
PenDowns = list[NDArray[np.float64]]
Read = Callable[[Images], list[Prediction]]


class Box(NamedTuple):
    """Where a digit is, in the drawing's own units; for pixels, right and bottom are the first outside."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, eq=False)
class RowDigit:
    """One digit of a row, with the part of the input that it was read from.

    `strokes` are its own strokes in the order drawn; of a picture's digit, `ink` is its own ink, cropped to
    it. `unsure` is true of a digit with a low confidence, or cut from its neighbour, or that may be no digit.
    """

    box: Box
    prediction: Prediction
    unsure: bool
    strokes: Strokes | PenDowns | None = None
    ink: Ink | None = None


def predict_strokes_row(
    model: DigitClassifier, strokes: Strokes, calibration: Calibration | None = None, pen: float = 0.0
) -> list[RowDigit]:
    """Read strokes and `pen`, as strokes_to_image takes them, as at most 50 digits from left to right."""
    pen_downs = checked_strokes(strokes)

    def read(groups: list[list[int]]) -> list[RowDigit]:
        """Classify groups of strokes, each given by its strokes' places among all."""
        parts = [[pen_downs[index] for index in sorted(group)] for group in groups]
        predictions = predict_all(
            model, [render_strokes(as_dot_if_tiny(part, pen)) for part in parts], calibration
        )
        return [
            RowDigit(_hull(part), prediction, _is_unsure(prediction), strokes=part)
            for part, prediction in zip(parts, predictions, strict=True)
        ]

    groups = _grouped(_with_some_width([_hull([stroke]) for stroke in pen_downs]))[:MOST_DIGITS]
    digits = read(groups)
    neighbours = [place for place in range(len(digits) - 1) if _may_be_one(*digits[place : place + 2])]
    whole = dict(zip(neighbours, read([groups[at] + groups[at + 1] for at in neighbours]), strict=True))
    return list(_joined(digits, whole))


def _hull(pen_downs: PenDowns) -> Box:
    points = np.concatenate(pen_downs)
    return Box(*points.min(axis=0), *points.max(axis=0))


def _may_be_one(left: RowDigit, right: RowDigit) -> bool:
    """Whether neighbours could be one digit with separate strokes, such as a 4 whose stem stands apart."""
    both = _around([left.box, right.box])
    near = right.box.left - left.box.right <= APART * (both.bottom - both.top)
    narrow = both.right - both.left <= both.bottom - both.top
    return near and narrow and (left.unsure or right.unsure)


def _joined(digits: list[RowDigit], whole: dict[int, RowDigit]) -> Iterator[RowDigit]:
    """Yield the digits; neighbours as one where `whole`, keyed by the left one's place, scores higher."""
    place = 0
    while place < len(digits):
        both, parts = whole.get(place), [digit.prediction for digit in digits[place : place + 2]]
        if both and not both.unsure and _score(both.prediction) > _score(parts[0]) * _score(parts[1]):
            yield both
            place += 2
        else:
            yield digits[place]
            place += 1


def _with_some_width(spans: list[Box]) -> list[Box]:
    """Widen spans a little: a vertical stroke has no width that could overlap."""
    if not spans:
        return []
    row = _around(spans)
    reach = THIN * (row.bottom - row.top)
    return [Box(left - reach, top, right + reach, bottom) for left, top, right, bottom in spans]


def predict_pixels_row(
    model: DigitClassifier, pixels: NDArray[np.uint8], calibration: Calibration | None = None
) -> list[RowDigit]:
    """Read a picture, as pixels_to_image takes it, as at most 50 digits from left to right."""
    from scipy import ndimage

    def read(images: Images) -> list[Prediction]:
        return predict_all(model, images, calibration)

    found = find_ink(pixels)
    if found is None:
        return []
    pieces, _ = ndimage.label(found.inked, np.ones((3, 3)))
    spans = [Box(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(pieces)]
    digits: list[RowDigit] = []
    for group in _grouped(spans)[:MOST_DIGITS]:
        inked = np.isin(pieces, np.array(group) + 1)
        others = found.inked & ~inked
        digits += _read_group(Ink(np.where(others, 0, found.darkness), inked), read)
    factor = pixels.shape[1] / found.inked.shape[1]
    return [
        replace(digit, box=Box(*(side * factor for side in digit.box))) for digit in _without_specks(digits)
    ]


def _without_specks(digits: list[RowDigit]) -> list[RowDigit]:
    row = _around([digit.box for digit in digits])
    least = SPECK * (row.bottom - row.top)
    return [d for d in digits if max(d.box.right - d.box.left, d.box.bottom - d.box.top) >= least]


def _grouped(spans: list[Box]) -> list[list[int]]:
    """Group spans that overlap horizontally: lists of indices, one for each digit, leftmost first."""
    if not spans:
        return []
    row = _around(spans)
    groups: list[tuple[Box, list[int]]] = []
    for index in sorted(range(len(spans)), key=lambda index: spans[index].left):
        box, members = spans[index], [index]
        while groups and _belong_together(groups[-1][0], box, row.bottom - row.top):
            before, others = groups.pop()
            box, members = _around([before, box]), others + members
        groups.append((box, members))
    return [members for _, members in groups]


def _belong_together(first: Box, second: Box, height: float) -> bool:
    overlap = min(first.right, second.right) - max(first.left, second.left)
    narrower = min(first.right - first.left, second.right - second.left)
    if overlap > 0 and overlap >= OVERLAP * narrower:
        return True
    lower = min(first.bottom - first.top, second.bottom - second.top)
    return lower < SMALL * height and -overlap <= NEAR * height


def _around(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _read_group(ink: Ink, read: Read, depth: int = 2) -> list[RowDigit]:
    """Classify ink as one digit, or cut it in two where that scores higher, and each part again."""
    rows, columns = bounding_box(ink.inked)
    box = Box(columns.start, rows.start, columns.stop, rows.stop)
    (whole,) = read([place_ink(*ink)])
    least = VERY_WIDE if whole.confidence >= SURE else WIDE
    wide = box.right - box.left > least * (box.bottom - box.top)
    if depth and wide and _is_unsure(whole):
        cut = _best_cut(ink, rows, columns, whole, read)
        if cut:
            parts = [part for half in cut for part in _read_group(half, read, depth - 1)]
            return [replace(part, unsure=True) for part in parts]
    # A copy: a view would keep the whole picture's arrays in memory.
    own = Ink(ink.darkness[rows, columns].copy(), ink.inked[rows, columns].copy())
    return [RowDigit(box, whole, _is_unsure(whole), ink=own)]


def _best_cut(ink: Ink, rows: slice, columns: slice, whole: Prediction, read: Read) -> tuple[Ink, Ink] | None:
    """Cut where both parts score highest; None if the whole scores higher."""
    width = columns.stop - columns.start
    places = np.unique(columns.start + np.rint(width * np.linspace(0.25, 0.75, CUTS)).astype(int))
    inked = ink.inked[rows].mean(axis=0)
    places = places[np.minimum(inked[places - 1], inked[places]) <= THROUGH]
    halves = [(_part(ink, 0, place), _part(ink, place, ink.inked.shape[1])) for place in places]
    halves = [(left, right) for left, right in halves if left.inked.any() and right.inked.any()]
    if not halves:
        return None
    readings = read([place_ink(*half) for pair in halves for half in pair])
    scores = [_score(a) * _score(b) for a, b in zip(readings[::2], readings[1::2], strict=True)]
    best = int(np.argmax(scores))
    return halves[best] if scores[best] > _score(whole) else None


def _part(ink: Ink, start: int, stop: int) -> Ink:
    """Keep the ink of these columns only."""
    kept = np.zeros(ink.inked.shape[1], bool)
    kept[start:stop] = True
    return Ink(ink.darkness * kept, ink.inked & kept)


def _score(prediction: Prediction) -> float:
    return prediction.confidence * (1.0 if prediction.is_digit else 0.5)


def _is_unsure(prediction: Prediction) -> bool:
    return prediction.confidence < SURE or not prediction.is_digit
