"""Pen strokes as a scanner, a phone or a paint program would record them, then placed as in MNIST.

The ink varies in width and darkness along the strokes, as with a pen's pressure. The picture is blurred,
sharpened until it rings, reduced to two colours, haloed or compressed as JPEG, each with some probability.
The crop leaves out pale ink, as `mnist_core.recognition.images` does with pictures by people.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.data.mnist_format import INK_SIZE, bounding_box, place_in_mnist_frame

SIDES = (18.0, 90.0)  # pixels: the longer side of the ink in the picture, log-uniform
LOW_SIDE = 45.0  # pixels; smaller ink may be drawn without grey edges, as a paint program does
PRESSURE = 0.3  # standard deviation of the pen's width, relative to its mean
PALENESS = 0.35  # standard deviation of the ink's darkness, relative to full ink
HALO_WIDTH = (2.0, 7.0)  # pixels: range of the standard deviation of a pale halo around the ink
EDGES = (0.06, 0.35)  # of the darkest ink; the crop ends where ink is paler
NEAR = 2  # pixels; pale ink farther than this from ink as dark as EDGES is left out

Grey = NDArray[np.float32]


def scan_strokes(
    strokes: list[NDArray[np.float64]], pen: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw strokes, each [points, 2] in any unit, in the quality of a random picture: uint8 [28, 28].

    `pen` is the mean width of the lines in pixels of the 28 x 28 image.
    """
    side = float(np.exp(random.uniform(*np.log(SIDES))))
    width = max(0.9, pen / INK_SIZE * side)
    ink = _inked(strokes, side, width, random)
    return _placed(_recorded(ink, side, random), random)


def _inked(
    strokes: list[NDArray[np.float64]], side: float, width: float, random: np.random.Generator
) -> Grey:
    """Draw with a pen of varying pressure on an empty picture: ink [H, W], 0 to 1."""
    from scipy import ndimage  # slow to import

    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)
    margin = int(width) + 6
    scale = max(side - width, 4.0) / extent
    placed = [(stroke - low) * scale + margin for stroke in strokes]
    columns, rows = np.ceil(np.max([stroke.max(axis=0) for stroke in placed], axis=0)).astype(int) + margin
    lines = Image.new("1", (int(columns), int(rows)), 1)
    draw = ImageDraw.Draw(lines)
    for stroke in placed:
        draw.line(stroke.ravel().tolist(), fill=0)
    distance = ndimage.distance_transform_edt(np.asarray(lines)).astype(np.float32)
    if side < LOW_SIDE and random.random() < 0.4:
        aliased: Grey = (distance <= width / 2).astype(np.float32)
        return aliased
    pressure = 1 + _smooth(distance.shape, random) * random.uniform(0, PRESSURE)
    ink: Grey = np.clip(pressure * width / 2 - distance + 0.5, 0, 1)
    if random.random() < 0.5:
        ink *= np.clip(1 + _smooth(ink.shape, random) * PALENESS, 0.15, 1)
    return ink


def _smooth(shape: tuple[int, ...], random: np.random.Generator) -> Grey:
    """Draw a smooth random field [H, W], about normal: an enlarged grid of normal numbers."""
    cells = int(random.integers(3, 9))
    grid = Image.fromarray(random.standard_normal((cells, cells), np.float32))
    return np.asarray(grid.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32)


def _recorded(ink: Grey, side: float, random: np.random.Generator) -> Grey:
    """Add some of the faults of scanners, phones and picture formats to ink [H, W]."""
    from scipy import ndimage

    chance = random.random(7)
    if chance[0] < 0.55:
        ink = ndimage.gaussian_filter(ink, random.uniform(0.2, max(0.4, 0.02 * side)))
    if chance[1] < 0.25:  # sharpened: ink rings
        ink = ink + random.uniform(0.3, 2.0) * (ink - ndimage.gaussian_filter(ink, random.uniform(1, 2.5)))
    if chance[2] < 0.4:
        ink = np.clip(ink, 0, None) ** random.uniform(0.5, 1.8)
    if chance[3] < 0.3:
        halo = ndimage.gaussian_filter(ink, random.uniform(*HALO_WIDTH))
        ink = np.maximum(ink, halo * (random.uniform(0.05, 0.3) * ink.max() / max(float(halo.max()), 1e-6)))
    if chance[4] < 0.3:
        ink = ink + random.normal(0, random.uniform(0.01, 0.08), ink.shape).astype(np.float32)
    if chance[5] < 0.2:
        ink = (ink > random.uniform(0.25, 0.6) * ink.max()).astype(np.float32)
    if chance[6] < 0.35:
        ink = _compressed(ink, int(random.integers(15, 90)))
    return np.clip(ink, 0, None)


def _compressed(ink: Grey, quality: int) -> Grey:
    """Compress ink [H, W] as JPEG, dark on white."""
    file = BytesIO()
    grey = np.clip(255 * (1 - ink / ink.max()), 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    compressed: Grey = 1 - np.asarray(Image.open(file), np.float32) / np.float32(255)
    return compressed


def _placed(ink: Grey, random: np.random.Generator) -> NDArray[np.uint8]:
    """Crop ink [H, W] without its palest part, enlarge some of it roughly, and place it as in MNIST."""
    from scipy import ndimage

    strong = ink >= random.uniform(*EDGES) * ink.max()
    box = bounding_box(strong)
    if random.random() < 0.8:
        ink = ink * ndimage.binary_dilation(strong, iterations=NEAR)
    cropped = ink[box]
    if max(cropped.shape) < LOW_SIDE and random.random() < 0.4:
        cropped = cropped.repeat(2, axis=0).repeat(2, axis=1)
    return place_in_mnist_frame(cropped)
