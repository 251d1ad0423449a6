"""From what people draw, or photograph, to 28 x 28 as MNIST was made.

The rule is that of LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proc. IEEE 86(11), 1998, section III.A: scaled, keeping its shape, to fit 20 x 20, then placed
in 28 x 28 so that its centre of mass is in the middle.
"""

import json
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from mnist_core.messages import N_, InputError

FRAME = 28  # pixels, the side of an MNIST image
BOX = 20  # pixels, the longer side of the ink in it
CENTRE = 14  # index of the pixel that MNIST's centres of mass round to, in both directions

FINE = 8  # strokes are inked on a grid this many times finer, then averaged down
PEN_RADIUS = 8  # fine pixels around the pen's own: 17 / 8 = 2.1 px, which measures as wide as MNIST's median
DOT = 0.005  # strokes smaller than this part of their largest coordinate are one dot (a click that shook)
MAX_POINTS, MAX_COORDINATE = 100_000, 1e6

MAX_SIDE = 4096  # pixels; a picture file larger than this is refused before it is decoded
WORKING_SIDE = 1024  # pixels; larger pictures are averaged down to this first
MIN_INK = 5  # pixels in all; less ink can't show a digit: a 1 in the smallest fonts, 3 x 5, has as many
MIN_CONTRAST = 24  # of 255; what is paler is no ink
NOISE_CONTRAST = 8  # times the median difference between the paper's pixels and its colour is still noise
EDGE = 0.1  # of the darkest ink; the crop ends where ink is paler
SPECK = 0.01  # of the largest connected piece of ink; smaller pieces are dust

Strokes = Sequence[Sequence[Sequence[float]]]


def place_in_mnist_frame(ink: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale and place ink as MNIST did: longer side 20 px, centre of mass at index 13.5 to 14.5.

    `ink` is [H, W], finite, 0 where there is paper and more where it is darker, in any unit: the result,
    uint8 [28, 28], has 255 where it is darkest. No ink gives all zeros.
    """
    grey = ink.astype(np.float32)
    if not grey.any():
        return np.zeros((FRAME, FRAME), np.uint8)
    cropped = grey[_box(grey > 0)]
    return _centred(_scaled(cropped, BOX / max(cropped.shape)))


def strokes_to_image(strokes: Strokes) -> NDArray[np.uint8] | None:
    """Ink pen strokes the way MNIST looks: uint8 [28, 28], 0 to 255, or None when nothing was drawn.

    A stroke is a list of [x, y] points, x to the right and y down, in any unit, anywhere: the ink is scaled
    to a longer side of 20 px, 2.1 px wide with round ends, and placed as MNIST is. Raises InputError for
    anything but finite numbers in pairs, and for more than 100,000 points.
    """
    pen_downs = _checked(strokes)
    return _centred(_scaled(_inked(pen_downs), 1 / FINE)) if pen_downs else None


def pixels_to_image(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Find the digit in a picture and bring it to MNIST's form: uint8 [28, 28], or None when it is blank.

    `pixels` is grey [H, W], RGB [H, W, 3] or RGBA [H, W, 4], of any size, the digit darker or lighter than
    its paper or of another colour. Blank is: one colour, faint noise, or less ink than 5 px.
    Raises InputError for arrays of another shape or type.
    """
    picture = _as_picture(pixels)
    if picture.mode != "RGBA":
        return _digit_in(picture)
    on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    image = _digit_in(on_white.convert("RGB"))
    return _digit_in(picture.getchannel("A")) if image is None else image  # a white pen on nothing


def read_picture(source: str | Path | bytes, name: str | None = None) -> NDArray[np.uint8]:
    """Read a PNG or JPEG, turned as its EXIF says, into RGB [H, W, 3] or, where it has alpha, [H, W, 4].

    `source` is a file's path or its bytes; `name` is what errors call it (for a path: the path). Raises
    InputError if the file is missing, no picture, damaged, or larger than 4096 x 4096 (seen before decoding).
    """
    name = name or ("This file" if isinstance(source, bytes) else str(source))
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise InputError(N_("{name} can't be opened: is it a file you may read?"), name=name) from error
    try:
        pixels = _decoded(data)
    except UnidentifiedImageError as error:
        raise InputError(N_("{name} is not a PNG or JPEG picture: choose one."), name=name) from error
    except Image.DecompressionBombError:
        pixels = None
    except Exception as error:  # damaged files make decoders fail in every way there is
        raise InputError(N_("{name} is damaged: save it again, or choose another."), name=name) from error
    if pixels is None:
        raise InputError(N_("{name} has a side over {most} pixels: shrink it."), name=name, most=MAX_SIDE)
    return pixels


def read_strokes_line(text: str, line: int) -> tuple[Strokes, int | None]:
    """Read `{"strokes": [[[x, y], ...], ...], "label": 0 to 9 or absent}` into strokes and label.

    Raises InputError, with `line`, the line's number in its file, if it is anything else.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(N_("Line {line} is not JSON: write one object a line."), line=line) from error
    if not isinstance(fields, dict) or "strokes" not in fields:
        raise InputError(N_('Line {line} has no "strokes": a list of strokes, each of [x, y].'), line=line)
    label = fields.get("label")
    if label is not None and (type(label) is not int or not 0 <= label <= 9):
        raise InputError(N_("Line {line}: the label must be a digit, 0 to 9, or left out."), line=line)
    try:
        _checked(fields["strokes"])
    except InputError as error:
        raise InputError(N_("Line {line}: {problem}"), line=line, problem=error.message) from error
    return fields["strokes"], label


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest box [rows, columns] around what is true."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _scaled(grey: NDArray[np.generic], factor: float) -> NDArray[np.float32]:
    """Scale [H, W] to whole pixels: averaged over each new pixel's area, smooth if it grows."""
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    method = Image.Resampling.BOX if factor <= 1 else Image.Resampling.BICUBIC
    resized = Image.fromarray(grey.astype(np.float32)).resize((width, height), method)
    return np.asarray(resized, np.float32).clip(0)  # bicubic overshoots below 0


def _centred(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Place [h, w], at most 20 x 20, in 28 x 28 by its centre of mass, moved by whole pixels as MNIST was."""
    frame = np.zeros((FRAME, FRAME), np.uint8)
    top, left = (_offset(ink.sum(axis=axis)) for axis in (1, 0))
    frame[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(ink * (255 / ink.max()))
    return frame


def _offset(profile: NDArray[np.float32]) -> int:
    """Where ink with this profile starts, for its centre of mass to round to 14 and no ink to be cut off."""
    centre_of_mass = float(profile @ np.arange(len(profile), dtype=np.float32) / profile.sum())
    return int(np.clip(CENTRE - np.floor(centre_of_mass + 0.5), 0, FRAME - len(profile)))


def _checked(strokes: object) -> list[NDArray[np.float64]]:
    """Strokes as arrays [points, 2], empty ones left out."""
    if not isinstance(strokes, list | tuple | np.ndarray):
        raise InputError(N_("Strokes must be a list of strokes, each a list of [x, y] points."))
    arrays = [points for points in map(_points, strokes) if len(points)]
    if sum(map(len, arrays)) > MAX_POINTS:
        raise InputError(N_("A drawing may have at most {most} points: thin it out."), most=MAX_POINTS)
    return arrays


def _points(stroke: object) -> NDArray[np.float64]:
    """One stroke as [points, 2]."""
    try:
        points: NDArray[np.generic] = np.asarray(stroke)
    except ValueError:  # points of different lengths
        points = np.asarray(None)
    if points.shape == (0,):  # a stroke without points
        points = np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(N_("Each stroke must be a list of [x, y] points, two numbers each."))
    coordinates = points.astype(np.float64)
    if not (np.abs(coordinates) <= MAX_COORDINATE).all():  # nor is NaN
        raise InputError(N_("Coordinates must be numbers of at most {most:,.0f}."), most=MAX_COORDINATE)
    return coordinates


def _inked(pen_downs: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Draw strokes with the pen on the fine grid, so that the longer side of the ink is 160 px."""
    points = np.concatenate(pen_downs)
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    is_dot = extent <= DOT * np.abs(points).max()
    scale = 0.0 if is_dot else (BOX * FINE - 2 * PEN_RADIUS - 1) / extent
    fine = [np.rint((pen_down - low) * scale).astype(int) for pen_down in pen_downs]
    width, height = np.max([stroke.max(axis=0) for stroke in fine], axis=0) + 1
    lines = Image.new("1", (int(width), int(height)))
    pencil = ImageDraw.Draw(lines)
    for stroke in fine:
        pencil.line([*stroke.ravel().tolist(), *stroke[-1].tolist()], fill=1)  # one point is a line too
    return _thickened(np.asarray(lines))


def _thickened(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Dilate [h, w] by a disc, which is what a round pen does; the result is larger by the pen's width."""
    height, width = lines.shape
    ink = np.zeros((height + 2 * PEN_RADIUS, width + 2 * PEN_RADIUS), bool)
    across = np.arange(-PEN_RADIUS, PEN_RADIUS + 1)
    for y, x in np.argwhere(np.hypot(*np.meshgrid(across, across)) <= PEN_RADIUS + 0.5):
        ink[y : y + height, x : x + width] |= lines
    return ink


def _as_picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """A PIL picture, averaged down to at most 1024 px a side."""
    is_picture = pixels.ndim > 1 and pixels.shape[2:] in {(), (3,), (4,)} and pixels.size
    if pixels.dtype != np.uint8 or not is_picture:
        raise InputError(N_("A picture must be a uint8 array [H, W], [H, W, 3] or [H, W, 4]."))
    return Image.fromarray(pixels).reduce(-(-max(pixels.shape[:2]) // WORKING_SIDE))


def _digit_in(picture: Image.Image) -> NDArray[np.uint8] | None:
    """Crop to the ink, without noise and dust, and place it; None if there is too little of it."""
    ink, noise = _ink_on_paper(np.atleast_3d(np.asarray(picture, np.float32)))
    if ink.max() < max(noise, MIN_CONTRAST):
        return None
    strong = ink >= max(noise, EDGE * ink.max())
    digit = _without_dust(strong)
    ink[(strong & ~digit) | (ink < noise)] = 0  # what is paler than strong is the digit's soft edge
    return place_in_mnist_frame(ink[_box(digit)]) if digit.sum() >= MIN_INK else None


def _ink_on_paper(colours: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """How far [H, W, C] is from the paper's colour (the border's median), [H, W], and how far is noise."""
    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    paper = np.median(border, axis=0)
    noise = NOISE_CONTRAST * float(np.median(np.abs(border - paper).max(axis=1)))
    return np.abs(colours - paper).max(axis=2), noise


def _without_dust(strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is inked, [H, W], less its pieces that are tiny beside the largest."""
    from scipy import ndimage  # comes with scikit-learn; slow to import

    pieces, _ = ndimage.label(strong, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]  # [0] is paper
    return np.isin(pieces, 1 + np.flatnonzero(sizes >= SPECK * sizes.max()))


def _decoded(data: bytes) -> NDArray[np.uint8] | None:
    """Decode PNG or JPEG bytes to uint8 RGB or RGBA, upright; None if they are too large to."""
    with warnings.catch_warnings(action="ignore"):  # Pillow's, of large pictures and odd metadata
        picture = Image.open(BytesIO(data), formats=("PNG", "JPEG"))  # reads the header only
        if max(picture.size) > MAX_SIDE:
            return None
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits, which convert() would cut off at 255
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    return np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))
