"""The preprocessing of a drawing or picture to 28 x 28, as a list of steps to show.

Each step's result is also scaled to 28 x 28, as if it were the last step: the model's prediction for it shows
what the remaining steps contribute.
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

SMOOTHNESS = 2  # supersampling factor: soft edges, as on a browser's canvas

Grey = NDArray[np.uint8]


class PreprocessingStep(NamedTuple):
    """A step: its name, and the model's input, uint8 [28, 28], if it were the last step."""

    name: str
    image: Grey


def stroke_steps(strokes: Strokes, side: int, pen: float) -> list[PreprocessingStep]:
    """Return the steps for strokes `pen` pixels wide on a canvas of `side` pixels; none for a blank."""
    image = strokes_to_image(strokes, pen)
    if image is None:
        return []
    return _steps(N_("The canvas, scaled to 28 x 28"), ink_on_canvas(strokes, pen, side), image)


def picture_steps(pixels: Grey, own_ink: Ink | None = None) -> list[PreprocessingStep]:
    """Return the steps for a picture of the form that `pixels_to_image` takes; none for a blank.

    `own_ink` is the ink of one digit of a row, if the picture also shows other digits.
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
    """Draw strokes, in canvas pixels, with a round pen `pen` pixels wide: uint8 [side, side], 0 to 255."""
    large = Image.new("L", (side * SMOOTHNESS, side * SMOOTHNESS))
    draw = ImageDraw.Draw(large)
    for stroke in checked_strokes(strokes):
        points = [tuple(point) for point in (stroke * SMOOTHNESS).tolist()]
        draw.line(points, fill=255, width=round(pen * SMOOTHNESS))
        for point in points:
            draw.circle(point, pen * SMOOTHNESS / 2, fill=255)
    return np.asarray(large.reduce(SMOOTHNESS))


def shrink(grey: Grey) -> Grey:
    """Resize [H, W] to [28, 28], ignoring the aspect ratio."""
    return np.asarray(Image.fromarray(grey).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))


def _steps(name: str, canvas: Grey, image: Grey) -> list[PreprocessingStep]:
    return [
        PreprocessingStep(name, shrink(canvas)),
        PreprocessingStep(N_("Cropped to the bounding box"), shrink(_cropped(canvas))),
        PreprocessingStep(N_("Scaled to 20 pixels, with MNIST's line width"), _in_the_middle(image)),
        PreprocessingStep(N_("Centre of mass moved to the centre"), image),
    ]


def _cropped(canvas: Grey) -> Grey:
    """Crop to the ink's bounding box, padded to a square."""
    if not canvas.any():  # everything was drawn outside the canvas
        return canvas
    cropped = canvas[bounding_box(canvas > 0)]
    height, width = cropped.shape
    above, before = (max(height, width) - height) // 2, (max(height, width) - width) // 2
    below, after = max(height, width) - height - above, max(height, width) - width - before
    return np.pad(cropped, ((above, below), (before, after)))


def _in_the_middle(image: Grey) -> Grey:
    """Centre the ink by its bounding box instead of its centre of mass."""
    cropped = image[bounding_box(image > 0)]
    height, width = cropped.shape
    frame = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    frame[top : top + height, left : left + width] = cropped
    return frame
