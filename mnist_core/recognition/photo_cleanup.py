"""Clean-up of photographs: removal of uneven light, shadows, and the lines of ruled or squared paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNEVEN = 16  # of 255; paper whose brightness differs by more along the border is unevenly lit
BORDER = 0.02  # of the picture's side; what is nearer to the edge is taken for paper
SMALL = 160  # pixels a side, on which light is looked at: it has no fine detail
TINY = 40  # pixels a side, on which it is seen whether ink is dark
STROKE = 0.2  # of the picture's longer side; wider than any stroke, so that what is wider is light or shadow
SOFTNESS = 1.5  # of these pixels, by which light is smoothed
LINE_LENGTH = 0.6  # of the picture's side; what is as long, straight and thin is printed on the paper
LINE_SLOPE = 0.03  # of the picture's side, by which a printed line may rise from end to end
LINE_WIDTH = 0.012  # of the picture's longer side; printed lines are thinner
COVERED = 0.7  # of its length, where nothing else crosses it
LEAST_LINES = 3  # in all, printed; fewer long lines may be a digit's own

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


def even_out(grey: Grey) -> Grey:
    """Remove uneven light from [H, W], 0 to 255; evenly lit pictures are returned unchanged.

    The light on the paper is estimated by grey closing (dark ink) or opening (light ink): J. Serra, "Image
    Analysis and Mathematical Morphology" (1982).
    """
    picture = Image.fromarray(grey)
    picture.thumbnail((SMALL, SMALL), Image.Resampling.BOX)
    small = np.asarray(picture)
    low, high = np.percentile(border_of(small), [10, 90])
    if high - low <= UNEVEN:
        return grey
    dark_ink, paper = _paper(small, (grey.shape[1], grey.shape[0]))
    even = grey / np.maximum(paper, 1) * 255 if dark_ink else grey - paper
    return even.clip(0, 255).astype(np.float32)


def border_of(picture: Grey) -> Grey:
    """Return the pixels along the four edges of [H, W, ...] as [N, ...]."""
    deep, rest = max(1, round(BORDER * min(picture.shape[:2]))), picture.shape[2:]
    sides = picture[:deep], picture[-deep:], picture[:, :deep], picture[:, -deep:]
    border: Grey = np.concatenate([side.reshape(-1, *rest) for side in sides])
    return border


def _paper(small: Grey, size: tuple[int, int]) -> tuple[bool, Grey]:
    """Return whether ink is darker than the paper, and the light on the paper, resized to `size` (W, H)."""
    from scipy import ndimage

    dark_ink = _ink_is_dark(small)
    small = ndimage.median_filter(small, 3)  # without specks, which closing would follow
    window = max(3, int(STROKE * max(small.shape)))
    without_ink = (ndimage.grey_closing if dark_ink else ndimage.grey_opening)(small, window)
    paper = ndimage.gaussian_filter(without_ink, SOFTNESS)
    large = Image.fromarray(paper).resize(size, Image.Resampling.BILINEAR)
    return dark_ink, np.asarray(large, np.float32)


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
    thick = max(1, round(LINE_WIDTH * max(ink.shape)))
    thin = ink & ~ndimage.binary_opening(ink, np.ones((thick + 1, 1)))
    wide = ndimage.maximum_filter1d(thin.view(np.uint8), 2 * slack + 1, axis=0)
    length = max(3, round(LINE_LENGTH * width))
    covered = ndimage.uniform_filter1d(wide.astype(np.float32), length, axis=1) > COVERED
    long = ndimage.maximum_filter1d(covered.view(np.uint8), length, axis=1)
    found: Mask = thin & (long > 0)
    return found


def _count(lines: Mask) -> int:
    """Number of horizontal lines: runs of rows of which more than half is line, within the slope's slack."""
    from scipy import ndimage

    slack = max(1, round(LINE_SLOPE * LINE_LENGTH * lines.shape[1] / 2))
    rows = ndimage.maximum_filter1d(lines.view(np.uint8), 2 * slack + 1, axis=0).mean(axis=1) > 0.5
    return int(rows[0]) + int((np.diff(rows.astype(int)) == 1).sum())
