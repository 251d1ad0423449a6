"""The lines of ruled or squared paper in a picture: found, and their slope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LINE_LENGTH = 0.6  # of the picture's side; what is as long, straight and thin is printed on the paper
LINE_SLOPE = 0.03  # of the picture's side, by which a printed line may rise from end to end
LINE_WIDTH = 0.012  # of the picture's longer side; printed lines are thinner
COVERED = 0.7  # of its length, where nothing else crosses it
LEAST_LINES = 3  # in all, printed; fewer long lines may be a digit's own
STEEPEST = 15  # degrees, to which the slope of lines is looked for, in whole degrees
LEAST_SLOPE = 2  # degrees; less is within LINE_SLOPE
SPANNED = 0.95  # of the picture's height and width, between the outer ends of lines that slope
LEAST_SIDE = 64  # pixels of a picture in which they are looked for
LOOKED_AT = 256  # pixels, the longer side on which they are
SHARPER = 1.5  # times as much do rows differ along the lines as across them

Mask = NDArray[np.bool_]


def printed_lines(ink: Mask) -> Mask:
    """Return the mask [H, W] of printed lines in `ink`: long, straight, thin, and at least LEAST_LINES."""
    across, along = _long_lines(ink), _long_lines(ink.T).T
    if _count(across) + _count(along.T) < LEAST_LINES:
        return np.zeros_like(ink)
    return across | along


def _long_lines(ink: Mask) -> Mask:
    """Return the mask [H, W] of nearly horizontal lines, without the crossings with other ink."""
    from scipy import ndimage

    width = ink.shape[1]
    slack = max(1, round(LINE_SLOPE * LINE_LENGTH * width / 2))
    if _widened(ink, slack).mean(axis=1).max() < LINE_LENGTH * COVERED:
        return np.zeros_like(ink)  # as most often
    thick = max(1, round(LINE_WIDTH * max(ink.shape)))
    thin = ink & ~ndimage.binary_opening(ink, np.ones((thick + 1, 1)))
    wide = _widened(thin, slack)
    length = max(3, round(LINE_LENGTH * width))
    covered = ndimage.uniform_filter1d(wide.astype(np.float32), length, axis=1) > COVERED
    long = ndimage.maximum_filter1d(covered.view(np.uint8), length, axis=1)
    found: Mask = thin & (long > 0)
    return found


def _widened(lines: Mask, slack: int) -> NDArray[np.uint8]:
    """Widen horizontal lines by `slack` pixels upwards and downwards."""
    from scipy import ndimage

    wide: NDArray[np.uint8] = ndimage.maximum_filter1d(lines.view(np.uint8), 2 * slack + 1, axis=0)
    return wide


def _count(lines: Mask) -> int:
    """Number of horizontal lines: runs of rows of which more than half is line, within the slope's slack."""
    if not lines.any():
        return 0
    slack = max(1, round(LINE_SLOPE * LINE_LENGTH * lines.shape[1] / 2))
    rows = _widened(lines, slack).mean(axis=1) > 0.5
    return int(rows[0]) + int((np.diff(rows.astype(int)) == 1).sum())


def slope_of_lines(ink: Mask) -> int:
    """Return by how many degrees the lines in `ink` [H, W] rise to the right; 0 without lines, or if level.

    The slope is that along which the sums of rows, or of columns, differ most (W. Postl, "Detection of linear
    oblique structures and skew scan in digitized documents", ICPR 1986).
    """
    if min(ink.shape) < LEAST_SIDE or not _spans(ink):
        return 0
    picture = Image.fromarray(ink.astype(np.float32)).reduce(max(1, max(ink.shape) // LOOKED_AT))
    angles = range(-STEEPEST, STEEPEST + 1)
    sharpness = [
        _sharpness(np.asarray(picture.rotate(-angle, Image.Resampling.BILINEAR))) for angle in angles
    ]
    best = int(np.argmax(sharpness))
    slope = angles[best]
    if abs(slope) < LEAST_SLOPE or sharpness[best] <= SHARPER * sharpness[STEEPEST]:
        return 0
    level = np.asarray(picture.rotate(-slope, Image.Resampling.BILINEAR)) > 0.2
    return slope if printed_lines(level).any() else 0


def _spans(ink: Mask) -> bool:
    """Whether ink reaches from side to side, and from top to bottom."""
    return all(
        np.ptp(np.flatnonzero(ink.any(axis=axis))) >= SPANNED * ink.shape[1 - axis] if ink.any() else False
        for axis in (0, 1)
    )


def _sharpness(turned: NDArray[np.float32]) -> float:
    """Return how much neighbouring rows, or columns, of [h, w] differ in its middle, which stays in sight."""
    height, width = turned.shape
    middle = turned[height // 6 : -(height // 6), width // 6 : -(width // 6)]
    return max(float(np.square(np.diff(middle.mean(axis=axis))).sum()) for axis in (0, 1))
