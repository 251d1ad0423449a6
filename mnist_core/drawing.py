"""From what people draw to 28 x 28 as MNIST was made.

The rule is that of Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE 86(11), 1998, section III.A: the digit is scaled, keeping its shape, to
fit a 20 x 20 box, then placed in 28 x 28 so that its centre of mass is in the middle.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FRAME = 28  # pixels, the side of an MNIST image
BOX = 20  # pixels, the longer side of the ink in it
CENTRE = 14  # index of the pixel that MNIST's centres of mass round to, in both directions


def place_in_mnist_frame(ink: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale and place ink as MNIST did: longer side 20 px, centre of mass at index 13.5 to 14.5.

    `ink` is [H, W], finite, 0 where there is paper and more where it is darker, in any unit: the result,
    uint8 [28, 28], has 255 where it is darkest. No ink gives all zeros.
    """
    grey = ink.astype(np.float32)
    rows, columns = (np.flatnonzero((grey > 0).any(axis=axis)) for axis in (1, 0))
    frame = np.zeros((FRAME, FRAME), np.uint8)
    if not rows.size:
        return frame
    box = _scale_to_box(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    top, left = (_offset(box.sum(axis=axis)) for axis in (1, 0))
    frame[top : top + box.shape[0], left : left + box.shape[1]] = np.rint(box * (255 / box.max()))
    return frame


def _scale_to_box(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale [H, W] so that its longer side is 20: averaged over each new pixel's area, smooth if it grows."""
    longer = max(ink.shape)
    height, width = (max(1, round(BOX * side / longer)) for side in ink.shape)
    method = Image.Resampling.BOX if longer >= BOX else Image.Resampling.BICUBIC
    scaled = Image.fromarray(ink).resize((width, height), method)
    return np.asarray(scaled, np.float32).clip(0)  # bicubic overshoots below 0


def _offset(profile: NDArray[np.float32]) -> int:
    """Whole pixels to move the box by on one axis: its centre of mass rounds to 14, and no ink is cut off."""
    centre_of_mass = float(profile @ np.arange(len(profile), dtype=np.float32) / profile.sum())
    return int(np.clip(CENTRE - np.floor(centre_of_mass + 0.5), 0, FRAME - len(profile)))
