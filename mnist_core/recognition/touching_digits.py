"""Digits that touch or overlap: ink is cut along paths of least ink into the parts that read best.

All ways to join neighbouring parts are read, and the way with the highest product of scores wins: LeCun,
Bottou, Bengio and Haffner 1998, section VII. The paths run from top to bottom, found by dynamic programming
as seams are in S. Avidan and A. Shamir, "Seam Carving for Content-Aware Image Resizing", SIGGRAPH 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mnist_core.data.mnist_format import INK_SIZE, PEN_WIDTH, bounding_box, render_strokes
from mnist_core.recognition.images import Ink, place_ink
from mnist_core.recognition.recognizer import Prediction

MOST_PATHS = 15
SPACING = 0.12  # of the ink's height: least distance of neighbouring paths
REACH = 0.2  # of the height: how far a path may deviate to either side
SEARCHED = 96  # pixels of height in which paths are searched
SIDEWAYS = 0.1  # cost of a step sideways; a pixel of ink costs 1
THROUGH = 0.5  # of the height; no path goes through more ink
NARROWEST, WIDEST = 0.08, 1.3  # of the height: the width of a part
LONGEST = 15  # times the height; longer strokes are a line
LOWEST = 0.4  # of the height: least height of a part

Image28 = NDArray[np.uint8]
Read = Callable[[Sequence[Image28]], list[Prediction]]
Paths = NDArray[np.intp]
Points = NDArray[np.float64]
Span = tuple[int, int]  # places of two paths among the edges


def score(prediction: Prediction) -> float:
    """Return a score of a reading, 0 to 1: the confidence, halved if it looks like no digit."""
    return prediction.confidence * (1.0 if prediction.is_digit else 0.5)


def best_parts(ink: Ink, whole: Prediction, read: Read) -> list[Ink]:
    """Cut `ink`, cropped to its bounding box, into the parts that score highest, from left to right.

    `whole` is what is read in all of it; returns no parts if that scores higher. Each part is in arrays as
    large as the whole.
    """
    edges = _edges(ink.inked)
    parts = {span: _between(ink, *edges[list(span)]) for span in _candidates(ink.inked, edges)}
    images = {span: place_ink(*part) for span, part in parts.items()}
    return [parts[span] for span in _best_way(images, len(edges) - 1, whole, read)]


def best_parts_of_strokes(strokes: list[Points], whole: Prediction, read: Read) -> list[list[Points]]:
    """Cut strokes, each [points, 2], as `best_parts` cuts ink."""
    points = np.concatenate(strokes)
    corner, (width, height) = points.min(axis=0), np.ptp(points, axis=0)
    if width > LONGEST * height:
        return []
    scale = (SEARCHED - 1) / height
    fine = [_resampled((stroke - corner) * scale) for stroke in strokes]
    inked = _drawn(fine)
    edges = _edges(inked)
    parts = {span: _strokes_between(fine, *edges[list(span)]) for span in _candidates(inked, edges)}
    images = {span: render_strokes(part) for span, part in parts.items() if part}
    chosen = _best_way(images, len(edges) - 1, whole, read)
    return [[stroke / scale + corner for stroke in parts[span]] for span in chosen]


def _resampled(stroke: Points) -> Points:
    """Return a stroke with further points, so that no two are more than half a unit apart."""
    if len(stroke) < 2:
        return stroke
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    places = np.linspace(0, at[-1], 2 + int(2 * at[-1]))
    return np.column_stack([np.interp(places, at, stroke[:, axis]) for axis in (0, 1)])


def _drawn(strokes: list[Points]) -> NDArray[np.bool_]:
    """Return the mask of strokes drawn with MNIST's line width, SEARCHED pixels high."""
    columns, rows = np.rint(np.concatenate(strokes)).astype(int).T
    inked = np.zeros((rows.max() + 1, columns.max() + 1), bool)
    inked[rows, columns] = True
    reach = round(SEARCHED * PEN_WIDTH / INK_SIZE / 2)
    return np.asarray(Image.fromarray(inked).convert("L").filter(ImageFilter.MaxFilter(2 * reach + 1))) > 0


def _strokes_between(strokes: list[Points], left: NDArray[np.intp], right: NDArray[np.intp]) -> list[Points]:
    """Return the pieces of strokes that run between two paths."""
    pieces = []
    for stroke in strokes:
        columns, rows = np.rint(stroke).astype(int).T
        inside = (columns >= left[rows]) & (columns < right[rows])
        cuts = np.flatnonzero(np.diff(inside)) + 1
        pieces += [
            part for part, kept in zip(np.split(stroke, cuts), np.split(inside, cuts), strict=True) if kept[0]
        ]
    return pieces


def _edges(inked: NDArray[np.bool_]) -> Paths:
    """Return the left edge, the paths of least ink and the right edge: the column in each row, [N, H]."""
    height, width = inked.shape
    return np.vstack([np.zeros((1, height), int), cutting_paths(inked), np.full((1, height), width)])


def cutting_paths(inked: NDArray[np.bool_]) -> Paths:
    """Return paths from top to bottom of a mask [H, W] that cross little ink, leftmost first: [N, H].

    A path is the column in each row that begins its right-hand side.
    """
    height, width = inked.shape
    small = _shrunk(inked, SEARCHED / height)
    rows, columns = small.shape
    count = min(MOST_PATHS, int(columns / (SPACING * rows)) - 1)
    if count < 1:
        return np.empty((0, height), int)
    places = np.rint(np.linspace(0, columns, count + 2)[1:-1]).astype(int)
    paths, costs = _least_ink(small, places)
    paths = np.unique(paths[costs <= THROUGH * rows], axis=0)
    paths = paths[np.argsort(paths.sum(axis=1), kind="stable")]
    across = np.minimum(np.arange(height) * rows // height, rows - 1)
    enlarged: Paths = np.rint(paths[:, across] * (width / columns)).astype(int)
    return enlarged


def _shrunk(inked: NDArray[np.bool_], factor: float) -> NDArray[np.float32]:
    """Return the share of ink in each pixel of a mask that is made smaller by `factor`, if below 1."""
    if factor >= 1:
        return inked.astype(np.float32)
    size = [max(1, round(side * factor)) for side in reversed(inked.shape)]
    return np.asarray(Image.fromarray(inked.astype(np.float32)).resize(size, Image.Resampling.BOX))


def _least_ink(ink: NDArray[np.float32], places: NDArray[np.intp]) -> tuple[Paths, NDArray[np.float32]]:
    """Return for each place the path of least cost near it, [N, H], and the ink that it crosses, [N]."""
    rows, columns = ink.shape
    reach = max(1, round(REACH * rows))
    window = places[:, None] + np.arange(-reach, reach + 1)
    outside = (window < 1) | (window >= columns)
    costs = np.where(outside, np.inf, ink[:, window.clip(0, columns - 1)])  # [H, N, 2 * reach + 1]
    total, steps = costs[0], np.zeros(costs.shape, int)
    for row in range(1, rows):
        sides = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf)
        from_left, from_right = sides[:, :-2] + SIDEWAYS, sides[:, 2:] + SIDEWAYS
        ways = np.stack([total, from_left, from_right])
        steps[row] = np.array([0, -1, 1])[ways.argmin(axis=0)]
        total = ways.min(axis=0) + costs[row]
    paths, numbers = np.empty((len(places), rows), int), np.arange(len(places))
    at = total.argmin(axis=1)
    for row in reversed(range(rows)):
        paths[:, row] = window[numbers, at]
        at = at + steps[row, numbers, at]
    return paths, ink[np.arange(rows), paths].sum(axis=1)


def _candidates(inked: NDArray[np.bool_], edges: Paths) -> list[Span]:
    """Return the pairs of edges between which ink could be a digit; without the pair around all of it."""
    last = len(edges) - 1
    spans = [(start, stop) for stop in range(1, last + 1) for start in range(stop)]
    masks = {span: inked & _kept(inked.shape[1], *edges[list(span)]) for span in spans if span != (0, last)}
    return [span for span, mask in masks.items() if _may_be_digit(mask)]


def _kept(width: int, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the mask [H, width] of the pixels between two paths."""
    columns = np.arange(width)
    kept: NDArray[np.bool_] = (columns >= left[:, None]) & (columns < right[:, None])
    return kept


def _between(ink: Ink, left: NDArray[np.intp], right: NDArray[np.intp]) -> Ink:
    kept = _kept(ink.inked.shape[1], left, right)
    return Ink(ink.darkness * kept, ink.inked & kept)


def _may_be_digit(inked: NDArray[np.bool_]) -> bool:
    """Whether ink in a mask [H, W] has about the size of a digit of the row."""
    if not inked.any():
        return False
    rows, columns = bounding_box(inked)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    is_high = height >= LOWEST * len(inked)
    return bool(is_high and NARROWEST * len(inked) <= width <= WIDEST * len(inked))


def _best_way(images: dict[Span, Image28], last: int, whole: Prediction, read: Read) -> list[Span]:
    """Return the parts from edge 0 to edge `last` whose scores have the highest product.

    `images` are those of the parts between two edges; none are returned if the whole scores higher.
    """
    scores = dict(zip(images, map(score, read(list(images.values()))), strict=True)) if images else {}
    best: dict[int, tuple[float, list[Span]]] = {0: (1.0, [])}
    for stop in range(1, last + 1):
        ways = [
            (best[start][0] * scored, [*best[start][1], (start, end)])
            for (start, end), scored in scores.items()
            if end == stop and start in best
        ]
        if ways:
            best[stop] = max(ways, key=lambda way: way[0])
    highest, way = best.get(last, (0.0, []))
    return way if highest > score(whole) else []
