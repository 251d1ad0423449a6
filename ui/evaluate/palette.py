"""Numbers as colours: above zero orange, below blue, which all eyes tell apart."""

import numpy as np

FOR, AGAINST = (255, 150, 50), (70, 150, 255)
FAINT = 0.35  # how bright the image's own ink is under the colours
GAP = 1  # pixels between maps
LONGEST_ROW = 32  # units to a row


def signed_colours(values: np.ndarray) -> np.ndarray:
    """Return uint8 [..., 3] for values of any shape: black at 0, orange above, blue below, by the largest."""
    strength = np.abs(values)[..., None] / max(float(np.abs(values).max()), np.finfo(np.float32).tiny)
    colours = np.where(values[..., None] > 0, FOR, AGAINST)
    return (strength * colours).round().astype(np.uint8)


def on_image(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return values [28, 28] as colours, uint8 [28, 28, 3], on the faint ink of `image` [28, 28]."""
    ink = image[..., None] * FAINT
    strength = np.abs(values)[..., None] / max(float(np.abs(values).max()), np.finfo(np.float32).tiny)
    colours = np.where(values[..., None] > 0, FOR, AGAINST)
    return (ink * (1 - strength) + colours * strength).round().astype(np.uint8)


def map_mosaic(maps: np.ndarray) -> np.ndarray:
    """Lay maps [C, H, W] side by side in rows, with gaps, as signed colours: uint8 [H', W', 4].

    What lies between them is transparent.
    """
    count, height, width = maps.shape
    columns = min(count, 8 if width > 10 else 16)
    rows = -(-count // columns)
    colours = signed_colours(maps)
    sheet = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), np.uint8)
    for number in range(count):
        top, left = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        sheet[top : top + height, left : left + width, :3] = colours[number]
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def unit_strip(units: np.ndarray) -> np.ndarray:
    """Lay units [F] in rows of squares, as signed colours: uint8 [H, W, 4], the rest transparent."""
    columns = min(len(units), LONGEST_ROW)
    rows = -(-len(units) // columns)
    sheet = np.zeros((rows * columns, 4), np.uint8)
    sheet[: len(units), :3] = signed_colours(units)
    sheet[: len(units), 3] = 255
    return sheet.reshape(rows, columns, 4)
