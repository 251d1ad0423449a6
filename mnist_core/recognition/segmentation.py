"""Several digits in one drawing or picture: segmented line by line from left to right, and classified.

Strokes, or pieces of ink, that overlap vertically are in one line, and those of a line that overlap
horizontally belong to one digit. Wide ink that does not read well as one digit is cut (touching_digits).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import bounding_box, render_strokes
from mnist_core.recognition.images import Ink, find_ink, place_ink
from mnist_core.recognition.recognizer import SURE, Prediction, predict_all
from mnist_core.recognition.strokes import Strokes, as_dot_if_tiny, checked_strokes
from mnist_core.recognition.touching_digits import best_parts, best_parts_of_strokes, score

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.recognition.calibration import Calibration

OVERLAP = 0.35  # of the narrower piece's width: pieces that overlap by more belong to one digit
SMALL = 0.4  # of the row's height; pieces below this height belong to the nearest digit
NEAR = 0.15  # of the row's height: the distance within which they do
APART = 0.3  # of the row's height: largest gap between strokes of one digit
THIN = 0.01  # of the row's height: half of a pen's width
WIDE = 0.8  # times its height; narrower ink is not cut
VERY_WIDE = 1.1  # the same for unusual ink that is read with confidence, which one in 60 digits is
SPECK = 0.25  # of the row's height; a smaller piece by itself is dirt
MOST_DIGITS = 50
MOST_CUT = 8  # wide pieces that are cut; with more, the input is a scribble or a text

Group = list[int]  # places of spans among all
PenDowns = list[NDArray[np.float64]]


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
    it. `line` is the line of writing, from 0; `cut` is true of a digit that was cut from its neighbours.
    """

    box: Box
    prediction: Prediction
    strokes: Strokes | PenDowns | None = None
    ink: Ink | None = None
    line: int = 0
    cut: bool = False

    @property
    def unsure(self) -> bool:
        """Whether another digit is likely too, or it may be no digit."""
        return self.prediction.is_unsure or not self.prediction.is_digit


def row_text(digits: Sequence[RowDigit], between: str = "") -> str:
    """Return digits as text: "1459"; "1 4/9 5" if one is unsure, "hat shoe" for words; lines as "12, 34".

    `between` is what stands between plain digits.
    """
    lines: dict[int, list[str]] = {}
    for digit in digits:
        lines.setdefault(digit.line, []).append(digit.prediction.text)
    if any(digit.prediction.is_unsure or len(digit.prediction.name) > 1 for digit in digits):
        between = " "
    return ", ".join(between.join(line) for line in lines.values())


class Reader(NamedTuple):
    """A model and its calibration."""

    model: DigitClassifier
    calibration: Calibration | None

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Read images, uint8 [28, 28]."""
        return predict_all(self.model, images, self.calibration) if images else []

    def glance(self, images: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Read images in one view each, which is five times as fast, to choose among many."""
        return predict_all(self.model, images, self.calibration, several_views=False)


def predict_strokes_row(
    model: DigitClassifier, strokes: Strokes, calibration: Calibration | None = None, pen: float = 0.0
) -> list[RowDigit]:
    """Read strokes and `pen`, as strokes_to_image takes them, as at most 50 digits, line by line."""
    pen_downs, reader = checked_strokes(strokes), Reader(model, calibration)

    def part_of(group: Group) -> PenDowns:
        return [pen_downs[at] for at in sorted(group)]

    def read(groups: Sequence[Group]) -> list[Prediction]:
        return reader.read([render_strokes(as_dot_if_tiny(part_of(group), pen)) for group in groups])

    def read_digits(groups: Sequence[Group], lines: Sequence[int]) -> list[RowDigit]:
        return [
            RowDigit(_hull(part_of(group)), prediction, strokes=part_of(group), line=line)
            for group, prediction, line in zip(groups, read(groups), lines, strict=True)
        ]

    spans = [_hull([stroke]) for stroke in pen_downs]
    grouped = [
        (number, group)
        for number, line in enumerate(_lines(spans, read))
        for group in _grouped_in(line, _with_some_width(spans))
    ]
    lines, groups = zip(*grouped[:MOST_DIGITS], strict=True) if grouped else ((), ())
    digits = read_digits(groups, lines)
    neighbours = [at for at in range(len(digits) - 1) if _may_be_one(*digits[at : at + 2])]
    both = read_digits([groups[at] + groups[at + 1] for at in neighbours], [lines[at] for at in neighbours])
    joined = _joined(digits, dict(zip(neighbours, both, strict=True)))
    return _cut_apart(list(joined), lambda digit: _cut_strokes(digit, reader, pen))


def _cut_apart(digits: list[RowDigit], cut: Callable[[RowDigit], list[RowDigit]]) -> list[RowDigit]:
    """Cut what may be several touching digits; with more than MOST_CUT of them, cut none."""
    several = [_may_be_several(digit) for digit in digits]
    if not any(several) or sum(several) > MOST_CUT:
        return digits
    parts = (cut(digit) if wide else [digit] for digit, wide in zip(digits, several, strict=True))
    return [digit for of_one in parts for digit in of_one][:MOST_DIGITS]


def _cut_strokes(digit: RowDigit, reader: Reader, pen: float) -> list[RowDigit]:
    """Return the parts of a digit of strokes if they read better than the whole, else the digit itself."""
    if digit.box.bottom - digit.box.top <= pen:
        return [digit]  # a dot or a dash
    strokes = [np.asarray(stroke, np.float64) for stroke in digit.strokes or ()]
    parts = best_parts_of_strokes(strokes, digit.prediction, reader.glance)
    predictions = reader.read([render_strokes(part) for part in parts])
    cut = [
        RowDigit(_hull(part), prediction, part, line=digit.line, cut=True)
        for part, prediction in zip(parts, predictions, strict=True)
    ]
    return cut or [digit]


def _may_be_several(digit: RowDigit) -> bool:
    """Whether it is wide and does not read well, so that it may be digits that touch."""
    least = VERY_WIDE if digit.prediction.confidence >= SURE else WIDE
    return digit.unsure and digit.box.right - digit.box.left > least * (digit.box.bottom - digit.box.top)


def _lines(spans: list[Box], read: Callable[[Sequence[Group]], list[Prediction]]) -> list[Group]:
    """Group spans into lines of writing, topmost first.

    High spans that overlap vertically are in one line, low ones in the line of the nearest high one. Spans
    that form one column may be one digit, such as an 8 of two circles, if they read well or better than
    its lines.
    """
    if not spans:
        return []
    least = SMALL * max(span.bottom - span.top for span in spans)
    high = [at for at, span in enumerate(spans) if span.bottom - span.top >= least]
    lines = _overlapping_lines(high, spans)
    for at in set(range(len(spans))) - set(high):
        nearest = high[_nearest(spans[at], [spans[other] for other in high])]
        next(line for line in lines if nearest in line).append(at)
    if len(lines) > 1 and len(_grouped(_with_some_width(spans))) == 1:
        all_of_it = list(range(len(spans)))
        whole, *parts = read([all_of_it, *lines])
        if score(whole) >= min(SURE, math.prod(map(score, parts))):
            return [all_of_it]
    return [sorted(line) for line in lines]


def _overlapping_lines(high: Group, spans: list[Box]) -> list[Group]:
    """Group the places of spans that overlap vertically, directly or through others, topmost first."""
    done: list[Group] = []
    lines: list[tuple[float, Group]] = []  # lines that may get more spans, with their bottoms
    for at in sorted(high, key=lambda at: spans[at].top):
        bottom, members, others = spans[at].bottom, [at], []
        for line in lines:
            if line[0] < spans[at].top:
                done.append(line[1])
            elif any(_side_by_side(spans[at], spans[other]) for other in line[1]):
                bottom, members = max(bottom, line[0]), members + line[1]
            else:
                others.append(line)
        lines = [*others, (bottom, members)]
    return sorted([*done, *(line for _, line in lines)], key=lambda line: min(spans[at].top for at in line))


def _side_by_side(first: Box, second: Box) -> bool:
    overlap = min(first.bottom, second.bottom) - max(first.top, second.top)
    lower = min(first.bottom - first.top, second.bottom - second.top)
    return overlap >= OVERLAP * lower


def _nearest(span: Box, others: list[Box]) -> int:
    """Return the place of the nearest of other boxes."""
    left, top, right, bottom = np.array(others).T
    across = np.maximum(left - span.right, span.left - right).clip(0)
    along = np.maximum(top - span.bottom, span.top - bottom).clip(0)
    return int(np.hypot(across, along).argmin())


def _hull(pen_downs: PenDowns) -> Box:
    points = np.concatenate(pen_downs)
    return Box(*points.min(axis=0), *points.max(axis=0))


def _may_be_one(left: RowDigit, right: RowDigit) -> bool:
    """Whether neighbours could be one digit with separate strokes, such as a 4 whose stem stands apart."""
    both = _around([left.box, right.box])
    near = right.box.left - left.box.right <= APART * (both.bottom - both.top) and left.line == right.line
    narrow = both.right - both.left <= both.bottom - both.top
    return near and narrow and (left.unsure or right.unsure)


def _joined(digits: list[RowDigit], whole: dict[int, RowDigit]) -> Iterator[RowDigit]:
    """Yield the digits; neighbours as one where `whole`, keyed by the left one's place, scores higher."""
    place = 0
    while place < len(digits):
        both, parts = whole.get(place), [digit.prediction for digit in digits[place : place + 2]]
        if both and not both.unsure and score(both.prediction) > score(parts[0]) * score(parts[1]):
            yield replace(both, line=digits[place].line)
            place += 2
        else:
            yield digits[place]
            place += 1


def _with_some_width(spans: list[Box]) -> list[Box]:
    """Widen spans a little: a vertical stroke has no width that could overlap."""
    if not spans:
        return []
    reach = THIN * _height(spans)
    return [Box(left - reach, top, right + reach, bottom) for left, top, right, bottom in spans]


def predict_pixels_row(
    model: DigitClassifier, pixels: NDArray[np.uint8], calibration: Calibration | None = None
) -> list[RowDigit]:
    """Read a picture, as pixels_to_image takes it, as at most 50 digits, line by line."""
    from scipy import ndimage

    found, reader = find_ink(pixels), Reader(model, calibration)
    if found is None:
        return []
    pieces, _ = ndimage.label(found.inked, np.ones((3, 3)))

    def ink_of(group: Group) -> Ink:
        inked = np.isin(pieces, np.array(group) + 1)
        return Ink(np.where(found.inked & ~inked, 0, found.darkness), inked)

    def read_groups(groups: Sequence[Group]) -> list[Prediction]:
        return reader.read([place_ink(*ink_of(group)) for group in groups])

    spans = [Box(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(pieces)]
    grouped = [
        (number, group)
        for number, line in enumerate(_lines(spans, read_groups))
        for group in _without_specks(_grouped_in(line, spans), spans)
    ][:MOST_DIGITS]
    inks = [_cropped(ink_of(group)) for _, group in grouped]
    predictions = reader.read([place_ink(*ink) for ink in inks])
    digits = [
        RowDigit(_around([spans[at] for at in group]), prediction, ink=ink, line=number)
        for (number, group), ink, prediction in zip(grouped, inks, predictions, strict=True)
    ]
    factor = pixels.shape[1] / found.inked.shape[1]
    return [
        replace(digit, box=Box(*(side * factor for side in digit.box)))
        for digit in _cut_apart(digits, lambda digit: _cut_ink(digit, reader))
    ]


def _cut_ink(digit: RowDigit, reader: Reader) -> list[RowDigit]:
    """Return the parts of a digit of ink if they read better than the whole, else the digit itself."""
    assert digit.ink
    parts = best_parts(digit.ink, digit.prediction, reader.glance)
    predictions = reader.read([place_ink(*part) for part in parts])
    left, top, _, _ = digit.box
    boxes = (_box_of(part) for part in parts)
    cut = [
        RowDigit(
            Box(left + box.left, top + box.top, left + box.right, top + box.bottom),
            prediction,
            ink=_cropped(part),
            line=digit.line,
            cut=True,
        )
        for part, prediction, box in zip(parts, predictions, boxes, strict=True)
    ]
    return cut or [digit]


def _box_of(ink: Ink) -> Box:
    rows, columns = bounding_box(ink.inked)
    return Box(columns.start, rows.start, columns.stop, rows.stop)


def _cropped(ink: Ink) -> Ink:
    """Crop to the ink's box; a copy, as a view would keep the whole picture's arrays in memory."""
    box = bounding_box(ink.inked)
    return Ink(ink.darkness[box].copy(), ink.inked[box].copy())


def _without_specks(groups: list[Group], spans: list[Box]) -> list[Group]:
    """Return the groups of a line without those that are tiny compared with the others."""
    boxes = [_around([spans[at] for at in group]) for group in groups]
    least = SPECK * _height(boxes)
    sizes = [max(box.right - box.left, box.bottom - box.top) for box in boxes]
    return [group for group, size in zip(groups, sizes, strict=True) if size >= least]


def _grouped_in(line: Group, spans: list[Box]) -> list[Group]:
    """Group the spans of a line as `_grouped` does: lists of their places among all."""
    return [[line[at] for at in group] for group in _grouped([spans[at] for at in line])]


def _grouped(spans: list[Box]) -> list[list[int]]:
    """Group spans that overlap horizontally: lists of indices, one for each digit, leftmost first."""
    if not spans:
        return []
    height = _height(spans)
    groups: list[tuple[Box, list[int]]] = []
    for index in sorted(range(len(spans)), key=lambda index: spans[index].left):
        box, members = spans[index], [index]
        while groups and _belong_together(groups[-1][0], box, height):
            before, others = groups.pop()
            box, members = _around([before, box]), others + members
        groups.append((box, members))
    return [members for _, members in groups]


def _height(boxes: list[Box]) -> float:
    """Return the height of a row, at most twice that of its highest part, as a row may climb."""
    row = _around(boxes)
    return min(row.bottom - row.top, 2 * max(box.bottom - box.top for box in boxes))


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
