"""Conversion of a picture of a digit, photographed or drawn, to an MNIST image."""

import math
import threading
import warnings
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_core.data.mnist_format import INK_SIZE, bounding_box, place_in_mnist_frame
from mnist_core.messages import N_, InputError
from mnist_core.recognition.photo_cleanup import border_of, even_out, printed_lines
from mnist_core.runtime.limits import PIXELS

DECODED_SIDE = 2048  # pixels; a larger JPEG is decoded at a half, a quarter or an eighth, not below this
WORKING_SIDE = 1024  # pixels; larger pictures are averaged down to this first
MIN_INK = 5  # pixels in all; less ink can't show a digit: a 1 in the smallest fonts, 3 x 5, has as many
MIN_CONTRAST = 24  # of 255; what is paler is no ink
NOISE_CONTRAST = 8  # times the median difference between the paper's pixels and its colour is still noise
EDGE = 0.1  # of the darkest ink; the crop ends where ink is paler
STROKE_INK = 0.25  # of the darkest ink; paler ink is a stroke's soft edge, or the halo of a scanner or JPEG
REACH = 0.5  # of a stroke's width, within which paler ink is its edge
LEAST_REACH = 2  # pixels
PHOTO_EDGE = 0.4  # the same in uneven light, of which traces are left
PHOTO_CONTRAST = 64  # of 255; what is paler on paper that was unevenly lit is such a trace
PHOTO_SIZE = 0.05  # of the picture's longer side; what is smaller on such paper, or on lines, is one too
BOLDEST = 4.5  # pixels a stroke may be wide in the 20 px box; 3 % of MNIST's are bolder
BOLD = 4.0  # and what bolder ones are thinned to
SPECK = 0.01  # of the largest connected piece of ink; smaller pieces are dust
_DECODING = threading.Lock()  # one at a time: 25 megapixels take 100 MB


class Ink(NamedTuple):
    """Darkness of the ink, [H, W], without paper, noise, dust and printed lines, and the mask of its pixels.

    H and W are the picture's, at most 1024; larger pictures are averaged down by a whole factor.
    """

    darkness: NDArray[np.float32]
    inked: NDArray[np.bool_]


def pixels_to_image(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Find the digit in a picture and return it as an MNIST image, uint8 [28, 28]; None if it is blank.

    `pixels` is uint8, grey [H, W], RGB [H, W, 3] or RGBA [H, W, 4], of any size; the digit may be darker or
    lighter than the paper, or of another colour. A picture is blank if it has one colour, faint noise, or
    fewer than 5 pixels of ink. Raises InputError for another shape or type.
    """
    found = find_ink(pixels)
    return None if found is None else place_ink(found.darkness, found.inked)


def find_ink(pixels: NDArray[np.uint8]) -> Ink | None:
    """Find the ink in a picture of the form that `pixels_to_image` takes; None if it is blank."""
    picture = _as_picture(pixels)
    if picture.mode != "RGBA":
        return _ink_in(picture)
    on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return _ink_in(on_white.convert("RGB")) or _ink_in(picture.getchannel("A"))  # a white pen on nothing


def read_picture(source: str | Path | bytes, name: str | None = None) -> NDArray[np.uint8]:
    """Read a PNG or JPEG as uint8 RGB [H, W, 3] or, with alpha, [H, W, 4], rotated according to its EXIF.

    A JPEG with a side over 4096 pixels is scaled down by a power of 2 while it is decoded.

    `source` is a path or the file's bytes; messages call it `name` (default: the path). Raises InputError if
    the file is missing, not a picture, damaged, or has more pixels than limits.PIXELS (checked before
    decoding).
    """
    name = name or ("This file" if isinstance(source, bytes) else str(source))
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise InputError(
            N_("{name} can't be opened; check that it is a file and that you may read it."), name=name
        ) from error
    try:
        with _DECODING:
            return _decoded(data)
    except Image.DecompressionBombError:
        most = (PIXELS.value(True) or 2 * (Image.MAX_IMAGE_PIXELS or 0)) / 1e6  # else Pillow's own limit
        raise InputError(
            N_("{name} has over {most:,.0f} million pixels: shrink it."), name=name, most=most
        ) from None
    except UnidentifiedImageError as error:
        raise InputError(N_("{name} is not a PNG or JPEG picture; choose one."), name=name) from error
    except Exception as error:  # decoders raise many types of exception on damaged files
        raise InputError(N_("{name} is damaged: save it again, or choose another."), name=name) from error


def _as_picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return a PIL picture, averaged down to at most 1024 pixels per side; raises InputError."""
    is_picture = pixels.ndim > 1 and pixels.shape[2:] in {(), (3,), (4,)} and pixels.size
    if pixels.dtype != np.uint8 or not is_picture:
        raise InputError(N_("A picture must be a uint8 array [H, W], [H, W, 3] or [H, W, 4]."))
    return _reduced(Image.fromarray(pixels))


def downscaled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average a picture down by a whole factor to at most 1024 pixels per side, as `find_ink` does."""
    return np.asarray(_reduced(Image.fromarray(pixels)))


def _reduced(picture: Image.Image) -> Image.Image:
    return picture.reduce(-(-max(picture.size) // WORKING_SIDE))


def place_ink(ink: NDArray[np.float32], inked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Convert the ink of one digit, [H, W], to an MNIST image; `inked` masks it without its soft edge."""
    return place_in_mnist_frame(_with_pen_as_in_mnist(ink[bounding_box(inked)]))


def _ink_in(picture: Image.Image) -> Ink | None:
    colours = np.atleast_3d(np.asarray(picture, np.float32))
    grey = colours.mean(axis=2)
    evened = even_out(grey)
    is_photo = evened is not grey
    ink, noise = _ink_on_paper(evened[..., None] if is_photo else colours)
    if ink.max() < max(noise, PHOTO_CONTRAST if is_photo else MIN_CONTRAST):
        return None
    strong = ink >= max(noise, (PHOTO_EDGE if is_photo else EDGE) * ink.max())
    strong &= _near_strokes(ink)
    lines = printed_lines(strong)
    is_photo |= bool(lines.any())
    digit = _without_dust(strong & ~lines, is_photo)
    ink[~_dilated(digit, LEAST_REACH) | (strong & ~digit) | (ink < noise)] = (
        0  # but not the digit's soft edge
    )
    return Ink(ink, digit) if digit.sum() >= MIN_INK else None


def _near_strokes(ink: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask [H, W] of strokes and their soft edges, without the pale halo farther away."""
    reach = REACH * 2 * _pen_radius(_distance_inside(ink >= ink.max() / 2))
    return _dilated(ink >= STROKE_INK * ink.max(), max(LEAST_REACH, reach))


def _dilated(mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Dilate a mask [H, W] by `reach` pixels."""
    from scipy import ndimage

    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~mask) <= reach
    return near


def _distance_inside(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance of each pixel [H, W] to the nearest one outside the mask, 0 there."""
    from scipy import ndimage

    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(mask, 1))
    return distance[1:-1, 1:-1]


def _pen_radius(distance: NDArray[np.float64]) -> float:
    """Estimate the radius of strokes of even width: twice the mean distance of their pixels to the edge."""
    return 2 * (float(distance[distance > 0].mean()) - 0.5)  # the edge is half a pixel before the first paper


def _with_pen_as_in_mnist(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thin ink [H, W] whose strokes would be wider than MNIST's, keeping their centre lines."""
    if max(ink.shape) <= 2 * INK_SIZE:
        return ink  # too few pixels to measure
    distance = _distance_inside(ink >= ink.max() / 2)
    radius = _pen_radius(distance)
    lines = max(ink.shape) - 2 * radius  # the longer side of the middle lines
    if 2 * radius / max(ink.shape) * INK_SIZE <= BOLDEST or lines <= 0:
        return ink
    thinner = BOLD / (2 * INK_SIZE) * lines / (1 - BOLD / INK_SIZE)
    inked: NDArray[np.float32] = np.clip(distance - (radius - thinner) + 0.5, 0, 1).astype(np.float32)
    return inked[bounding_box(inked > 0)]


def _ink_on_paper(colours: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the distance [H, W] of colours [H, W, C] to the paper's (the border's median), and the noise."""
    border = border_of(colours)
    paper = np.median(border, axis=0)
    noise = NOISE_CONTRAST * float(np.median(np.abs(border - paper).max(axis=1)))
    return np.abs(colours - paper).max(axis=2), noise


def _without_dust(strong: NDArray[np.bool_], is_photo: bool) -> NDArray[np.bool_]:
    """Remove pieces of the mask [H, W] that are tiny compared with the largest.

    In photos also remove shadows: pieces at the picture's edge, or tiny compared with the picture.
    """
    from scipy import ndimage  # comes with scikit-learn; slow to import

    pieces, _ = ndimage.label(strong, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # is paper
    if is_photo:
        at_edge = border_of(pieces)
        sizes[at_edge] *= sizes[at_edge] == sizes.max()
        for piece, box in enumerate(ndimage.find_objects(pieces), 1):
            sizes[piece] *= max(side.stop - side.start for side in box) >= PHOTO_SIZE * max(strong.shape)
    dustless: NDArray[np.bool_] = (sizes >= max(1, SPECK * sizes.max()))[pieces]
    return dustless


def _decoded(data: bytes) -> NDArray[np.uint8]:
    """Decode PNG or JPEG bytes to upright uint8 RGB or RGBA; DecompressionBombError for too many pixels."""
    with warnings.catch_warnings(action="ignore"):  # Pillow's, of large pictures and odd metadata
        picture = Image.open(BytesIO(data), formats=("PNG", "JPEG"))  # reads the header only
        most = PIXELS.value(True)
        if most is not None and picture.width * picture.height > most:
            raise Image.DecompressionBombError
        if max(picture.size) >= 2 * DECODED_SIDE:
            share = DECODED_SIDE / max(picture.size)
            picture.draft(None, (math.ceil(picture.width * share), math.ceil(picture.height * share)))
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits, which convert() would cut off at 255
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    return np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))
