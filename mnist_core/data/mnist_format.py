"""MNIST's normalization: ink scaled to fit 20 x 20 pixels and centred in 28 x 28 by its centre of mass.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proc. IEEE 86(11), 1998, section III.A.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

IMAGE_SIZE = 28  # pixels, height and width of an MNIST image
INK_SIZE = 20  # pixels, longer side of the ink within the image
CENTRE = 14  # row and column index to which MNIST's centres of mass round

SUPERSAMPLING = 8  # strokes are drawn on a grid this many times finer, then averaged
PEN_WIDTH = 17 / 8  # pixels; gives MNIST's median line width
DOT_EXTENT = 0.005  # strokes with a smaller extent, relative to their largest coordinate, are a single dot


def place_in_mnist_frame(ink: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale and centre ink as in MNIST: longer side 20 pixels, centre of mass at index 13.5 to 14.5.

    `ink` is [H, W], finite, 0 for paper and larger for darker ink, in any unit. Returns uint8 [28, 28],
    scaled to a maximum of 255; all zeros if there is no ink.
    """
    grey = ink.astype(np.float32)
    if not grey.any():
        return np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    cropped = grey[bounding_box(grey > 0)]
    return _centred(_scaled(cropped, INK_SIZE / max(cropped.shape)))


def render_strokes(strokes: list[NDArray[np.float64]], pen: float = PEN_WIDTH) -> NDArray[np.uint8]:
    """Draw strokes as an MNIST image, uint8 [28, 28], with lines `pen` pixels wide (1 to 6).

    `strokes` has at least one stroke; each is [points, 2] of x and y in any unit.
    """
    return _centred(_scaled(_rasterized(strokes, pen * SUPERSAMPLING / 2), 1 / SUPERSAMPLING))


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the row and column slices of the smallest box around the true values of `mask` [H, W]."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _scaled(grey: NDArray[np.generic], factor: float) -> NDArray[np.float32]:
    """Resize [H, W] by `factor`, rounded to whole pixels: area averages to shrink, bicubic to enlarge."""
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    method = Image.Resampling.BOX if factor <= 1 else Image.Resampling.BICUBIC
    resized = Image.fromarray(grey.astype(np.float32)).resize((width, height), method)
    return np.asarray(resized, np.float32).clip(0)  # bicubic overshoots below 0


def _centred(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Centre [h, w], at most 20 x 20, in 28 x 28 by its centre of mass, shifted by whole pixels."""
    frame = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (_offset(ink.sum(axis=axis)) for axis in (1, 0))
    frame[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(ink * (255 / ink.max()))
    return frame


def _offset(profile: NDArray[np.float32]) -> int:
    """Start index of ink with this row or column profile: centre of mass rounds to 14, no ink is cut off."""
    centre_of_mass = float(profile @ np.arange(len(profile), dtype=np.float32) / profile.sum())
    return int(np.clip(CENTRE - np.floor(centre_of_mass + 0.5), 0, IMAGE_SIZE - len(profile)))


def _rasterized(strokes: list[NDArray[np.float64]], radius: float) -> NDArray[np.bool_]:
    """Draw strokes on the fine grid with a pen of `radius` fine pixels; the ink's longer side is 160."""
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    is_dot = extent <= DOT_EXTENT * np.abs(points).max()
    scale = 0.0 if is_dot else (INK_SIZE * SUPERSAMPLING - 2 * int(radius) - 1) / extent
    fine = [np.rint((stroke - low) * scale).astype(int) for stroke in strokes]
    width, height = np.max([stroke.max(axis=0) for stroke in fine], axis=0) + 1
    lines = Image.new("1", (int(width), int(height)))
    draw = ImageDraw.Draw(lines)
    for stroke in fine:
        draw.line([*stroke.ravel().tolist(), *stroke[-1].tolist()], fill=1)  # the repeated end draws dots
    return _dilated(np.asarray(lines), radius)


def _dilated(lines: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Dilate [h, w] by a disc (a round pen) of `radius`; each side grows by 2 * int(radius)."""
    (height, width), reach = lines.shape, int(radius)
    ink = np.zeros((height + 2 * reach, width + 2 * reach), bool)
    widened = np.pad(lines, ((0, 0), (reach, reach)))  # dilated horizontally by the disc's current row
    half = 0
    for row in range(reach, -1, -1):
        while half < int(np.sqrt(radius**2 - row**2)):
            half += 1
            widened[:, reach - half : reach - half + width] |= lines
            widened[:, reach + half : reach + half + width] |= lines
        for top in {reach - row, reach + row}:
            ink[top : top + height] |= widened
    return ink
