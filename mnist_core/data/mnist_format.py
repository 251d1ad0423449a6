"""How MNIST was made: ink scaled to 20 x 20 pixels and placed in 28 x 28 by its centre of mass.

The rule is that of LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proc. IEEE 86(11), 1998, section III.A.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FRAME = 28  # pixels, the side of an MNIST image
BOX = 20  # pixels, the longer side of the ink in it
CENTRE = 14  # index of the pixel that MNIST's centres of mass round to, in both directions

FINE = 8  # strokes are inked on a grid this many times finer, then averaged down
PEN = 17 / 8  # pixels, the pen's width, which measures as wide as MNIST's median
DOT = 0.005  # strokes smaller than this part of their largest coordinate are one dot (a click that shook)


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
