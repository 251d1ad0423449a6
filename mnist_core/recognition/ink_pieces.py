"""Connected pieces of ink in a picture: which may be digits, and which are dust, shadows, frames, a sheet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SPECK = 0.01  # of the largest piece's pixels; smaller pieces are dust
MOST_PIECES = 200  # only the largest are examined
PHOTO_SIZE = 0.05  # of a photo's longer side; a piece of this size may always be a digit
TINY = 0.02  # of that side; a smaller piece is never a digit
LESS = 0.5  # of the longest piece; in a photo a piece of this size may be a digit too, unless TINY
ALONG = 0.6  # of a side of the picture; what covers more of it is a table, a shadow or a line
CORNER = 0.5  # the same for what lies in a corner of a photo, both sides added up
STRIP = 0.06  # of the picture's side; a small piece wholly within it is a part of something outside
PALE = 0.5  # of the darkest ink; small pieces that are paler are a cursor's ring or dirt
SMALL = 0.15  # of the largest piece's pixels; pieces below this are small
FRAME = 0.8  # share of each side of its bounding box that a frame covers
FRAME_DEPTH = 0.04  # of that side: depth of the strip in which the frame is looked for
INSIDE = 0.1  # smallest digit in a frame, as a share of the frame's or picture's longer side
SHEET = 0.1  # of the picture; a larger dark area may be a sheet or a screen
LEAST_SHEET = 64  # pixels, the longer side; in smaller pictures strokes can be as wide as a sheet
CORNER_SIDE = 0.1  # of a sheet's sides: a square at each corner, of which it fills at least half
SHEET_BOX = 0.8  # share of its bounding box that a sheet fills
SHEET_EDGE = 0.03  # of its sides: the depth of its uneven edges

Mask = NDArray[np.bool_]
Slices = tuple[slice, slice]


class _Piece(NamedTuple):
    """A connected piece of ink: its label, box, pixels, darkest ink, and shares of the picture's sides."""

    number: int
    box: Slices
    size: int
    darkest: float
    sides: tuple[float, ...]

    @property
    def extent(self) -> int:
        """The longer side of its box."""
        return max(int(side.stop - side.start) for side in self.box)


def digit_pieces(ink: NDArray[np.float32], strong: Mask, is_photo: bool) -> Mask:
    """Return the mask [H, W] of those connected pieces of the mask `strong` that may be digits."""
    from scipy import ndimage  # slow to import

    labels, count = ndimage.label(strong, np.ones((3, 3)))
    pieces = _largest(labels, ink)
    if pieces:
        surroundings = [piece for piece in pieces if _is_around(piece, labels, pieces, is_photo)]
        inner = [piece for piece in pieces if piece not in surroundings]
        least = (TINY if is_photo else INSIDE) * max(strong.shape)
        if max((piece.extent for piece in inner), default=0) >= least:
            pieces = inner
        pieces = _without_dirt(pieces, strong.shape, is_photo)
    kept = np.zeros(count + 1, bool)
    kept[[piece.number for piece in pieces]] = True
    mask: Mask = kept[labels]
    return mask


def _largest(labels: NDArray[np.int32], ink: NDArray[np.float32]) -> list[_Piece]:
    """Return the pieces that are larger than dust, the largest first."""
    from scipy import ndimage

    sizes = np.bincount(labels.ravel())
    sizes[0] = 0  # is paper
    numbers = np.argsort(-sizes)[:MOST_PIECES]
    numbers = numbers[sizes[numbers] >= max(1, SPECK * sizes.max())]
    boxes = ndimage.find_objects(labels)
    sides = [
        np.bincount(side, minlength=len(sizes)) / len(side)
        for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    ]
    pieces = []
    for number in numbers.tolist():
        box = boxes[number - 1]
        darkest = float(ink[box][labels[box] == number].max())
        pieces.append(
            _Piece(number, box, int(sizes[number]), darkest, tuple(float(side[number]) for side in sides))
        )
    return pieces


def _is_around(piece: _Piece, labels: NDArray[np.int32], pieces: list[_Piece], is_photo: bool) -> bool:
    """Whether a piece lies along the picture's sides, or is a frame around others."""
    if max(piece.sides) > ALONG or (is_photo and sum(piece.sides) > CORNER):
        return True
    if piece.size < SMALL * pieces[0].size and _is_in_strip(piece.box, labels.shape):
        return True
    return _is_frame(labels[piece.box] == piece.number) and any(
        other.extent >= INSIDE * piece.extent and _is_within(other.box, piece.box) for other in pieces
    )


def _is_in_strip(box: Slices, shape: tuple[int, ...]) -> bool:
    return any(
        side.stop <= STRIP * length or side.start >= (1 - STRIP) * length
        for side, length in zip(box, shape, strict=True)
    )


def _is_frame(piece: Mask) -> bool:
    """Whether a piece, cut out to its box [h, w], covers all four sides of it, and little else."""
    if piece.mean() > 0.5:
        return False
    height, width = piece.shape
    rows, columns = max(1, round(FRAME_DEPTH * height)), max(1, round(FRAME_DEPTH * width))
    sides = piece[:rows].any(0), piece[-rows:].any(0), piece[:, :columns].any(1), piece[:, -columns:].any(1)
    return all(side.mean() >= FRAME for side in sides)


def _is_within(inner: Slices, outer: Slices) -> bool:
    return inner != outer and all(
        a.start >= b.start and a.stop <= b.stop for a, b in zip(inner, outer, strict=True)
    )


def _without_dirt(pieces: list[_Piece], shape: tuple[int, ...], is_photo: bool) -> list[_Piece]:
    """Remove pale small pieces; in photos also what is small beside the largest, or at the picture's side."""
    darkest, most = max(piece.darkest for piece in pieces), pieces[0].size
    kept = [piece for piece in pieces if piece.darkest >= PALE * darkest or piece.size >= SMALL * most]
    if not is_photo:
        return kept
    if any(not any(piece.sides) and piece.extent >= TINY * max(shape) for piece in kept):
        kept = [piece for piece in kept if sum(side > 0 for side in piece.sides) < 2]
        most = max(piece.size for piece in kept)
    kept = [piece for piece in kept if piece.size == most or not any(piece.sides)]
    longest = max((piece.extent for piece in kept), default=0)
    least = min(PHOTO_SIZE * max(shape), max(TINY * max(shape), LESS * longest))
    return [piece for piece in kept if piece.extent >= least]


def find_sheet(strong: Mask) -> Slices | None:
    """Return the box of a sheet of paper or a screen that lies on the background; None if there is none.

    `strong` [H, W] masks what differs from the background.
    """
    from scipy import ndimage

    if strong.mean() <= SHEET:
        return None
    if max(strong.shape) < LEAST_SHEET:
        return None
    labels, _ = ndimage.label(strong)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    number = int(sizes.argmax())
    box: Slices = ndimage.find_objects(labels)[number - 1]
    sheet = labels[box] == number
    if ndimage.binary_fill_holes(sheet).mean() < SHEET_BOX or not _has_corners(sheet):
        return None
    edge = max(1, round(SHEET_EDGE * min(side.stop - side.start for side in box)))
    inner = tuple(slice(side.start + edge, side.stop - edge) for side in box)
    return (inner[0], inner[1]) if all(side.stop - side.start > 2 * edge for side in inner) else None


def _has_corners(sheet: Mask) -> bool:
    """Whether a mask [h, w] fills its corners, as a sheet does, even if turned a little; an 8 doesn't."""
    height, width = (max(1, round(CORNER_SIDE * side)) for side in sheet.shape)
    left, right = sheet[:, :width], sheet[:, -width:]
    return all(corner.mean() >= 0.5 for side in (left, right) for corner in (side[:height], side[-height:]))
