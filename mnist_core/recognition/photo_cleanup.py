"""Clean-up of pictures: uneven light, chequers that stand for transparency, lines printed on the paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNEVEN = 16  # of 255; a larger difference of brightness along the border is uneven light
DIGITAL = 0.75  # of the border's pixels: if so many have one grey, a program made the background
BORDER = 0.02  # of the picture's side; pixels nearer to the edge are taken for paper
SMALL = 160  # pixels of a side at which light, which has no fine detail, is estimated
TINY = 40  # pixels of a side at which dark and light ink are distinguished
STROKE = 0.2  # of the picture's longer side; wider than any stroke: what is wider is light or shadow
SOFTNESS = 1.5  # of these pixels: standard deviation by which light is smoothed
LEAST_CHEQUERS = 8  # of 255, least difference of the two greys of chequers
ALTERNATIONS = 6  # least changes between the two greys along each side of the picture
LINE_LENGTH = 0.6  # of the picture's side; straight, thin lines of this length are printed on the paper
LINE_SLOPE = 0.03  # of the picture's side: largest rise of a printed line from end to end
LINE_WIDTH = 0.012  # of the picture's longer side; printed lines are thinner
COVERED = 0.7  # of its length: least share without other ink across it
LEAST_LINES = 3  # printed lines; fewer long lines may be a digit's own
STEEPEST = 15  # degrees, the largest slope of lines that is looked for
LEAST_SLOPE = 2  # degrees; a smaller slope is within LINE_SLOPE
SPANNED = 0.95  # of the picture's height and width: least extent of ink with sloping lines
LEAST_SIDE = 64  # pixels, the smallest picture in which sloping lines are looked for
LOOKED_AT = 256  # pixels, the longer side of the reduced picture in which the slope is measured
SHARPER = 1.5  # times: how much more the rows must differ along the slope than level

Grey = NDArray[np.float32]
Colours = NDArray[np.float32]
Mask = NDArray[np.bool_]


def even_out(grey: Grey) -> Grey:
    """Remove uneven light from [H, W], 0 to 255; evenly lit pictures are returned unchanged.

    The light on the paper is estimated by grey closing (dark ink) or opening (light ink): J. Serra, "Image
    Analysis and Mathematical Morphology" (1982).
    """
    picture = Image.fromarray(grey)
    picture.thumbnail((SMALL, SMALL), Image.Resampling.BOX)
    small = np.asarray(picture)
    if _is_digital(border_of(grey)) or not _is_uneven(border_of(small)):
        return grey
    dark_ink = _ink_is_dark(small)
    paper_there = _paper(small, dark_ink)
    if not _is_uneven(border_of(paper_there)):  # a line or a digit crosses the border of even paper
        return grey
    large = Image.fromarray(paper_there).resize((grey.shape[1], grey.shape[0]), Image.Resampling.BILINEAR)
    paper = np.asarray(large, np.float32)
    even = grey / np.maximum(paper, 1) * 255 if dark_ink else grey - paper
    return even.clip(0, 255).astype(np.float32)


def chequers(colours: Colours) -> Colours | None:
    """Return the two colours [2, C] of the squares that stand for transparency in [H, W, C]; None without.

    Along each side of such a picture, two colours alternate.
    """
    grey = colours.mean(axis=2)
    border = border_of(grey)
    low, high = np.percentile(border, [5, 95])
    if high - low < LEAST_CHEQUERS:
        return None
    for side in (grey[0], grey[-1], grey[:, 0], grey[:, -1]):
        light = side > (low + high) / 2
        if abs(light.mean() - 0.5) > 0.25 or (np.diff(light.astype(np.int8)) != 0).sum() < ALTERNATIONS:
            return None
    light, flat = border > (low + high) / 2, border_of(colours)
    pair = np.stack([np.median(flat[light], axis=0), np.median(flat[~light], axis=0)])
    distances = np.abs(flat[:, None] - pair).max(axis=2).min(axis=1)
    return pair if np.percentile(distances, 80) < (high - low) / 4 else None


def border_of(picture: Grey) -> Grey:
    """Return the pixels along the four edges of [H, W, ...] as [N, ...]."""
    deep, rest = max(1, round(BORDER * min(picture.shape[:2]))), picture.shape[2:]
    sides = picture[:deep], picture[-deep:], picture[:, :deep], picture[:, -deep:]
    border: Grey = np.concatenate([side.reshape(-1, *rest) for side in sides])
    return border


def _is_digital(border: Grey) -> bool:
    """Whether most of the border [N] has one grey, as in no photo; the rest is ink that crosses it."""
    return bool((np.abs(border - np.median(border)) < 0.5).mean() > DIGITAL)


def _is_uneven(border: Grey) -> bool:
    low, high = np.percentile(border, [10, 90])
    return bool(high - low > UNEVEN)


def _paper(small: Grey, dark_ink: bool) -> Grey:
    """Estimate the light on the paper, [h, w], without the ink."""
    from scipy import ndimage

    small = ndimage.median_filter(small, 3)  # specks would remain after closing
    window = max(3, int(STROKE * max(small.shape)))
    without_ink = (ndimage.grey_closing if dark_ink else ndimage.grey_opening)(small, window)
    paper: Grey = ndimage.gaussian_filter(without_ink, SOFTNESS)
    return paper


def _ink_is_dark(small: Grey) -> bool:
    """Whether the pixels that differ from their surroundings in [h, w] are mostly darker."""
    from scipy import ndimage

    picture = Image.fromarray(small)
    picture.thumbnail((TINY, TINY), Image.Resampling.BOX)
    tiny = np.asarray(picture)
    surroundings = ndimage.median_filter(tiny, max(3, int(STROKE * TINY)))
    return bool(((tiny - surroundings) ** 3).sum() <= 0)


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
        return np.zeros_like(ink)  # the most frequent case
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
    """Return the degrees by which lines in `ink` [H, W] rise to the right; 0 without lines, or if level.

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
    """Return how much neighbouring rows, or columns, of [h, w] differ in its middle, which stays whole."""
    height, width = turned.shape
    middle = turned[height // 6 : -(height // 6), width // 6 : -(width // 6)]
    return max(float(np.square(np.diff(middle.mean(axis=axis))).sum()) for axis in (0, 1))
