"""The width of a picture's strokes: measured, and brought within that of MNIST's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.data.mnist_format import INK_SIZE, bounding_box, place_in_mnist_frame

THINNEST = 1.4  # pixels, least width of a stroke in the 20 px box; 4 % of MNIST's are thinner
THIN = 1.8  # width to which thinner strokes are thickened
BOLDEST = 4.5  # pixels, largest width of a stroke; 3 % of MNIST's are bolder
BOLD = 4.0  # width to which bolder strokes are thinned
BLACKNESS = 0.47  # the least mean of an MNIST image's ink, of the first 1,000; 1 % have under 0.51
MEASURED = 64  # pixels: strokes are measured and changed in ink whose longer side is this to twice this
LOCAL = 0.1  # of that side: ink half as dark as the darkest so near to it is a stroke
PALEST = 0.25  # of the darkest ink; paler ink is no stroke

Ink = NDArray[np.float32]
Mask = NDArray[np.bool_]


def with_pen_as_in_mnist(ink: Ink) -> Ink:
    """Thin, thicken or blacken strokes [H, W] that are wider, thinner or paler than MNIST's.

    Their centre lines are kept. Changed ink is returned from 0 to 1, with a longer side of MEASURED to
    twice as many pixels.
    """
    seen = _at_measuring_size(ink)
    inked = np.pad(_darker_half(seen), max(seen.shape) // 8)
    radius = _pen_radius(inked)
    lines = max(seen.shape) - 2 * radius  # the longer side of the middle lines
    width = 2 * radius / max(seen.shape) * INK_SIZE
    if lines <= 0 or (THINNEST <= width <= BOLDEST and not _is_pale(ink)):
        return ink
    wanted = THIN if width < THINNEST else min(width, BOLD)
    wanted_radius = wanted / (2 * INK_SIZE) * lines / (1 - wanted / INK_SIZE)
    if wanted_radius > radius:  # both edges of a hollow stroke become one stroke
        inked = _distance_to_edge(inked) > radius - wanted_radius
        radius = _pen_radius(inked)
    even = np.clip(_distance_to_edge(inked) + (wanted_radius - radius) + 0.5, 0, 1).astype(np.float32)
    return even[bounding_box(even > 0)] if even.any() else ink


def _is_pale(ink: Ink) -> bool:
    """Whether ink [H, W] is paler than MNIST's by its mean, as uneven or blurred strokes and halos are."""
    image = place_in_mnist_frame(ink)
    return float(image[image > 0].mean()) < BLACKNESS * 255


def stroke_width(ink: Ink) -> float:
    """Return the mean width in pixels of the strokes in [H, W], at half of the darkest ink."""
    seen = _at_measuring_size(ink)
    return 2 * _pen_radius(seen >= seen.max() / 2) * float(max(ink.shape) / max(seen.shape))


def _at_measuring_size(ink: Ink) -> Ink:
    """Scale ink [H, W] to a longer side of MEASURED to twice as many pixels."""
    longer = max(ink.shape)
    if longer >= 2 * MEASURED:
        return np.asarray(Image.fromarray(ink).reduce(longer // MEASURED))
    if longer >= MEASURED:
        return ink
    height, width = (max(1, round(side * MEASURED / longer)) for side in ink.shape)
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))


def _darker_half(ink: Ink) -> Mask:
    """Return the mask [H, W] of ink at least half as dark as the darkest near it."""
    from scipy import ndimage  # slow to import

    darkest = ndimage.maximum_filter(ink, max(3, int(LOCAL * max(ink.shape))))
    half: Mask = (ink >= darkest / 2) & (ink >= PALEST * ink.max())
    return half


def _pen_radius(mask: Mask) -> float:
    """Estimate the radius of strokes of even width: twice the mean distance of their pixels to the edge."""
    distance = _distance_inside(mask)
    return 2 * float(distance[mask].mean())


def _distance_inside(mask: Mask, beyond: bool = False) -> NDArray[np.float64]:
    """Return the distance [H, W] of the mask's pixels to its edge; `beyond` says what surrounds the array."""
    from scipy import ndimage

    padded = np.pad(mask, 1, constant_values=beyond)
    inside: NDArray[np.float64] = ndimage.distance_transform_edt(padded)[1:-1, 1:-1] - 0.5
    return inside


def _distance_to_edge(mask: Mask) -> NDArray[np.float64]:
    """Return the distance [H, W] of each pixel's centre to the mask's edge, negative outside."""
    return np.where(mask, _distance_inside(mask), -_distance_inside(~mask, beyond=True))
