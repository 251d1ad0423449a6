"""The way from a drawing or a picture to 28 x 28, step by step, as it can be shown.

Each step is also made into 28 x 28 as if it were the last one: what a network reads there tells what the
steps after it are good for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.data.mnist_format import IMAGE_SIZE, bounding_box
from mnist_core.messages import N_
from mnist_core.recognition.images import Ink, find_ink, place_ink
from mnist_core.recognition.strokes import Strokes, checked_strokes, strokes_to_image

SMOOTHNESS = 2  # canvases are drawn so many times larger and averaged down: browsers soften edges too

Grey = NDArray[np.uint8]


class PreprocessingStep(NamedTuple):
    """A step: its name, and the image uint8 [28, 28] that a network would get if it were the last."""

    name: str
    image: Grey


def stroke_steps(strokes: Strokes, side: int, pen: float) -> list[PreprocessingStep]:
    """Return the steps of strokes on a canvas of `side` px, drawn `pen` px wide; none for a blank."""
    image = strokes_to_image(strokes, pen)
    if image is None:
        return []
    return _steps(N_("The canvas, scaled to 28 x 28"), ink_on_canvas(strokes, pen, side), image)


def picture_steps(pixels: Grey, own_ink: Ink | None = None) -> list[PreprocessingStep]:
    """Return the steps of a picture as `pixels_to_image` takes it; none for a blank.

    `own_ink` is the ink of one digit of a row, where the picture also shows its neighbours.
    """
    found = own_ink or find_ink(pixels)
    if found is None:
        return []
    image = place_ink(*found)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    ink = np.rint(found.darkness * (255 / found.darkness.max())).astype(np.uint8)
    first = PreprocessingStep(N_("The picture, scaled to 28 x 28"), shrink(grey))
    return [first, *_steps(N_("Background removed"), ink, image)]


def ink_on_canvas(strokes: Strokes, pen: float, side: int) -> Grey:
    """Draw strokes, in canvas pixels, with a round pen `pen` px wide: uint8 [side, side], 0 to 255."""
    large = Image.new("L", (side * SMOOTHNESS, side * SMOOTHNESS))
    pencil = ImageDraw.Draw(large)
    for stroke in checked_strokes(strokes):
        points = [tuple(point) for point in (stroke * SMOOTHNESS).tolist()]
        pencil.line(points, fill=255, width=round(pen * SMOOTHNESS))
        for point in points:
            pencil.circle(point, pen * SMOOTHNESS / 2, fill=255)
    return np.asarray(large.reduce(SMOOTHNESS))


def shrink(grey: Grey) -> Grey:
    """Resize [H, W] to [28, 28] whatever its shape, as most demos do with their canvas."""
    return np.asarray(Image.fromarray(grey).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))


def _steps(name: str, canvas: Grey, image: Grey) -> list[PreprocessingStep]:
    return [
        PreprocessingStep(name, shrink(canvas)),
        PreprocessingStep(N_("Cropped to the bounding box"), shrink(_cropped(canvas))),
        PreprocessingStep(N_("Scaled to 20 pixels, with MNIST's line width"), _in_the_middle(image)),
        PreprocessingStep(N_("Centre of mass moved to the centre"), image),
    ]


def _cropped(canvas: Grey) -> Grey:
    """The square around the ink."""
    if not canvas.any():  # all of it was drawn outside
        return canvas
    cropped = canvas[bounding_box(canvas > 0)]
    height, width = cropped.shape
    above, before = (max(height, width) - height) // 2, (max(height, width) - width) // 2
    below, after = max(height, width) - height - above, max(height, width) - width - before
    return np.pad(cropped, ((above, below), (before, after)))


def _in_the_middle(image: Grey) -> Grey:
    """The same ink with its box, not its centre of mass, in the middle."""
    cropped = image[bounding_box(image > 0)]
    height, width = cropped.shape
    frame = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    frame[top : top + height, left : left + width] = cropped
    return frame
