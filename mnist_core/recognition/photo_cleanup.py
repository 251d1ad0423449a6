"""Clean-up of photographs: uneven light and shadows; chequers that stand for transparency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNEVEN = 16  # of 255; paper whose brightness differs by more along the border is unevenly lit
DIGITAL = 0.75  # of the border's pixels have the very same grey if a program, not light, made the background
BORDER = 0.02  # of the picture's side; what is nearer to the edge is taken for paper
SMALL = 160  # pixels a side, on which light is looked at: it has no fine detail
TINY = 40  # pixels a side, on which it is seen whether ink is dark
STROKE = 0.2  # of the picture's longer side; wider than any stroke, so that what is wider is light or shadow
SOFTNESS = 1.5  # of these pixels, by which light is smoothed
LEAST_CHEQUERS = 8  # of 255, the difference of the two greys of chequers
ALTERNATIONS = 6  # of the two along each side of the picture

Grey = NDArray[np.float32]
Colours = NDArray[np.float32]


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
    """Whether most of the border [N] has one grey, as no photo has: ink crosses what is not that."""
    return bool((np.abs(border - np.median(border)) < 0.5).mean() > DIGITAL)


def _is_uneven(border: Grey) -> bool:
    low, high = np.percentile(border, [10, 90])
    return bool(high - low > UNEVEN)


def _paper(small: Grey, dark_ink: bool) -> Grey:
    """Return the light on the paper, [h, w], without ink that is darker or lighter."""
    from scipy import ndimage

    small = ndimage.median_filter(small, 3)  # without specks, which closing would follow
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
