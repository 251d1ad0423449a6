"""Pen strokes: validation, and rendering as an MNIST image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import render_strokes
from mnist_core.messages import N_, InputError

MAX_POINTS, MAX_COORDINATE = 100_000, 1e6

Strokes = Sequence[Sequence[Sequence[float]]]


def strokes_to_image(strokes: Strokes, pen: float = 0.0) -> NDArray[np.uint8] | None:
    """Render pen strokes as an MNIST image, uint8 [28, 28], 0 to 255; None if there are no points.

    A stroke is a list of [x, y] points, x to the right and y down, in any unit and at any position. The ink
    is scaled to a longer side of 20 pixels, with lines 2.1 pixels wide and round ends, and centred as in
    MNIST. `pen` is the width with which the strokes were drawn, in their unit, 0 if unknown: strokes with an
    extent of at most half of it are one dot. Raises InputError if points aren't pairs of numbers up to 1e6,
    or are more than 100,000.
    """
    pen_downs = checked_strokes(strokes)
    return render_strokes(as_dot_if_tiny(pen_downs, pen)) if pen_downs else None


def as_dot_if_tiny(pen_downs: list[NDArray[np.float64]], pen: float) -> list[NDArray[np.float64]]:
    """Return strokes, each [points, 2], or a single point if their extent is at most half of `pen`."""
    reach = np.ptp(np.concatenate(pen_downs), axis=0).max()
    return [pen_downs[0][:1]] if reach <= pen / 2 else pen_downs


def checked_strokes(strokes: object) -> list[NDArray[np.float64]]:
    """Return strokes as arrays [points, 2] without empty ones; raises InputError as strokes_to_image does."""
    if not isinstance(strokes, list | tuple | np.ndarray):
        raise InputError(N_("Strokes must be a list of strokes, each a list of [x, y] points."))
    arrays = [points for points in map(_points, strokes) if len(points)]
    if sum(map(len, arrays)) > MAX_POINTS:
        raise InputError(N_("A drawing may have at most {most} points; remove some."), most=MAX_POINTS)
    return arrays


def _points(stroke: object) -> NDArray[np.float64]:
    """Return one stroke as [points, 2]; raises InputError."""
    try:
        points: NDArray[np.generic] = np.asarray(stroke)
    except ValueError:  # points of different lengths
        points = np.asarray(None)
    if points.shape == (0,):  # a stroke without points
        points = np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(N_("Each stroke must be a list of [x, y] points, two numbers each."))
    coordinates = points.astype(np.float64)
    if not (np.abs(coordinates) <= MAX_COORDINATE).all():  # nor is NaN
        raise InputError(N_("Coordinates must be numbers of at most {most:,.0f}."), most=MAX_COORDINATE)
    return coordinates
