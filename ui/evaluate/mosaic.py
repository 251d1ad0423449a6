"""A layer's maps or units laid out as one picture."""

import numpy as np

from ui.colours import signed_colours

GAP = 1  # pixels between maps
MAPS_TO_A_ROW = 8  # so that each has its place on a phone
LONGEST_ROW = 32  # units to a row


def map_mosaic(maps: np.ndarray) -> np.ndarray:
    """Lay maps [C, H, W] side by side in rows, with gaps, as signed colours: uint8 [H', W', 4].

    What lies between them is transparent.
    """
    count, height, width = maps.shape
    columns = min(count, MAPS_TO_A_ROW)
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
