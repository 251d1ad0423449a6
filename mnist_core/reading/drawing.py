"""From pen strokes, or ink, to 28 x 28 as MNIST was made.

The rule is that of LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proc. IEEE 86(11), 1998, section III.A: scaled, keeping its shape, to fit 20 x 20, then placed
in 28 x 28 so that its centre of mass is in the middle.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.messages import N_, InputError

FRAME = 28  # pixels, the side of an MNIST image
BOX = 20  # pixels, the longer side of the ink in it
CENTRE = 14  # index of the pixel that MNIST's centres of mass round to, in both directions

FINE = 8  # strokes are inked on a grid this many times finer, then averaged down
PEN = 17 / 8  # pixels, the pen's width, which measures as wide as MNIST's median
DOT = 0.005  # strokes smaller than this part of their largest coordinate are one dot (a click that shook)
MAX_POINTS, MAX_COORDINATE = 100_000, 1e6

Strokes = Sequence[Sequence[Sequence[float]]]


def place_in_mnist_frame(ink: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale and place ink as MNIST did: longer side 20 px, centre of mass at index 13.5 to 14.5.

    `ink` is [H, W], finite, 0 where there is paper and more where it is darker, in any unit: the result,
    uint8 [28, 28], has 255 where it is darkest. No ink gives all zeros.
    """
    grey = ink.astype(np.float32)
    if not grey.any():
        return np.zeros((FRAME, FRAME), np.uint8)
    cropped = grey[ink_box(grey > 0)]
    return _centred(_scaled(cropped, BOX / max(cropped.shape)))


def strokes_to_image(strokes: Strokes, pen: float = 0.0) -> NDArray[np.uint8] | None:
    """Ink pen strokes the way MNIST looks: uint8 [28, 28], 0 to 255, or None when nothing was drawn.

    A stroke is a list of [x, y] points, x to the right and y down, in any unit, anywhere: the ink is scaled
    to a longer side of 20 px, 2.1 px wide with round ends, and placed as MNIST is. `pen` is how wide they
    were drawn, in the same unit, where that is known: what reaches no further than half of it is one dot.
    Raises InputError for anything but finite numbers in pairs, and for more than 100,000 points.
    """
    pen_downs = checked_strokes(strokes)
    return ink_strokes(unshaken(pen_downs, pen)) if pen_downs else None


def unshaken(pen_downs: list[NDArray[np.float64]], pen: float) -> list[NDArray[np.float64]]:
    """Return strokes, each [points, 2], or one point if they reach no further than half of `pen`."""
    reach = np.ptp(np.concatenate(pen_downs), axis=0).max()
    return [pen_downs[0][:1]] if reach <= pen / 2 else pen_downs


def ink_strokes(pen_downs: list[NDArray[np.float64]], pen: float = PEN) -> NDArray[np.uint8]:
    """Ink strokes, at least one and each [points, 2], as strokes_to_image does, `pen` px wide (1 to 6)."""
    return _centred(_scaled(_inked(pen_downs, pen * FINE / 2), 1 / FINE))


def ink_box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest box [rows, columns] around what is true."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _scaled(grey: NDArray[np.generic], factor: float) -> NDArray[np.float32]:
    """Scale [H, W] to whole pixels: averaged over each new pixel's area, smooth if it grows."""
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    method = Image.Resampling.BOX if factor <= 1 else Image.Resampling.BICUBIC
    resized = Image.fromarray(grey.astype(np.float32)).resize((width, height), method)
    return np.asarray(resized, np.float32).clip(0)  # bicubic overshoots below 0


def _centred(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Place [h, w], at most 20 x 20, in 28 x 28 by its centre of mass, moved by whole pixels as MNIST was."""
    frame = np.zeros((FRAME, FRAME), np.uint8)
    top, left = (_offset(ink.sum(axis=axis)) for axis in (1, 0))
    frame[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(ink * (255 / ink.max()))
    return frame


def _offset(profile: NDArray[np.float32]) -> int:
    """Where ink with this profile starts, for its centre of mass to round to 14 and no ink to be cut off."""
    centre_of_mass = float(profile @ np.arange(len(profile), dtype=np.float32) / profile.sum())
    return int(np.clip(CENTRE - np.floor(centre_of_mass + 0.5), 0, FRAME - len(profile)))


def checked_strokes(strokes: object) -> list[NDArray[np.float64]]:
    """Return strokes as arrays [points, 2], empty ones left out; InputError as strokes_to_image raises it."""
    if not isinstance(strokes, list | tuple | np.ndarray):
        raise InputError(N_("Strokes must be a list of strokes, each a list of [x, y] points."))
    arrays = [points for points in map(_points, strokes) if len(points)]
    if sum(map(len, arrays)) > MAX_POINTS:
        raise InputError(N_("A drawing may have at most {most} points: thin it out."), most=MAX_POINTS)
    return arrays


def _points(stroke: object) -> NDArray[np.float64]:
    """One stroke as [points, 2]."""
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


def _inked(pen_downs: list[NDArray[np.float64]], radius: float) -> NDArray[np.bool_]:
    """Draw strokes with a pen of `radius` fine pixels, so that the longer side of the ink is 160 of them."""
    points = np.concatenate(pen_downs)
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    is_dot = extent <= DOT * np.abs(points).max()
    scale = 0.0 if is_dot else (BOX * FINE - 2 * int(radius) - 1) / extent
    fine = [np.rint((pen_down - low) * scale).astype(int) for pen_down in pen_downs]
    width, height = np.max([stroke.max(axis=0) for stroke in fine], axis=0) + 1
    lines = Image.new("1", (int(width), int(height)))
    pencil = ImageDraw.Draw(lines)
    for stroke in fine:
        pencil.line([*stroke.ravel().tolist(), *stroke[-1].tolist()], fill=1)  # one point is a line too
    return _thickened(np.asarray(lines), radius)


def _thickened(lines: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Dilate [h, w] by a disc, which is what a round pen does; the result is larger by the pen's width."""
    (height, width), reach = lines.shape, int(radius)
    ink = np.zeros((height + 2 * reach, width + 2 * reach), bool)
    widened = np.pad(lines, ((0, 0), (reach, reach)))  # by half the width of the disc's row, row by row
    half = 0
    for row in range(reach, -1, -1):
        while half < int(np.sqrt(radius**2 - row**2)):
            half += 1
            widened[:, reach - half : reach - half + width] |= lines
            widened[:, reach + half : reach + half + width] |= lines
        for top in {reach - row, reach + row}:
            ink[top : top + height] |= widened
    return ink
