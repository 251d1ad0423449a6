"""Conversion of a picture of a digit, photographed or drawn, to an MNIST image."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.data.mnist_format import INK_SIZE, bounding_box, place_in_mnist_frame
from mnist_core.messages import N_, InputError
from mnist_core.recognition.photo_cleanup import border_of, even_out, printed_lines

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
THINNEST = 1.6  # pixels, to which thinner strokes are thickened in the 20 px box; 9 % of MNIST's are thinner
BOLDEST = 4.5  # pixels a stroke may be wide in the 20 px box; 3 % of MNIST's are bolder
BOLD = 4.0  # and what bolder ones are thinned to
MEASURED = 64  # pixels, the longer side of ink whose strokes are measured and changed, or up to twice that
LOCAL = 0.1  # of that side, within which ink half as dark as the darkest is a stroke
SPECK = 0.01  # of the largest connected piece of ink; smaller pieces are dust


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
    seen = _at_measuring_size(ink)
    width = 2 * _pen_radius(_distance_inside(seen >= seen.max() / 2)) * max(ink.shape) / max(seen.shape)
    return _dilated(ink >= STROKE_INK * ink.max(), max(LEAST_REACH, round(REACH * width)))


def _dilated(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Dilate a mask [H, W] by a square that reaches `reach` pixels."""
    from scipy import ndimage

    rows = ndimage.maximum_filter1d(mask.view(np.uint8), 2 * reach + 1, axis=0)
    near: NDArray[np.bool_] = ndimage.maximum_filter1d(rows, 2 * reach + 1, axis=1).view(bool)
    return near


def _distance_inside(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance of each pixel [H, W] to the nearest one outside the mask, 0 there."""
    from scipy import ndimage

    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return distance


def _pen_radius(distance: NDArray[np.float64]) -> float:
    """Estimate the radius of strokes of even width: twice the mean distance of their pixels to the edge."""
    return 2 * (float(distance[distance > 0].mean()) - 0.5)  # the edge is half a pixel before the first paper


def _with_pen_as_in_mnist(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thin or thicken strokes [H, W] that are wider or thinner than MNIST's, keeping their centre lines."""
    seen = _at_measuring_size(ink)
    inked = np.pad(_darker_half(seen), max(seen.shape) // 8)
    radius = _pen_radius(_distance_inside(inked))
    lines = max(seen.shape) - 2 * radius  # the longer side of the middle lines
    width = 2 * radius / max(seen.shape) * INK_SIZE
    if lines <= 0 or THINNEST <= width <= BOLDEST:
        return ink
    wanted = BOLD if width > BOLDEST else THINNEST
    wanted_radius = wanted / (2 * INK_SIZE) * lines / (1 - wanted / INK_SIZE)
    if (
        wanted_radius > radius
    ):  # the edges of a hollow stroke, of a scan in black and white, become one stroke
        inked = _signed_distance(inked) > radius - wanted_radius
        radius = _pen_radius(_distance_inside(inked))
    even = np.clip(_signed_distance(inked) + (wanted_radius - radius) + 0.5, 0, 1).astype(np.float32)
    return even[bounding_box(even > 0)] if even.any() else ink


def _at_measuring_size(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale ink [H, W] to a longer side of MEASURED to twice as many pixels."""
    longer = max(ink.shape)
    if longer >= 2 * MEASURED:
        return np.asarray(Image.fromarray(ink).reduce(longer // MEASURED))
    if longer >= MEASURED:
        return ink
    height, width = (max(1, round(side * MEASURED / longer)) for side in ink.shape)
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))


def _darker_half(ink: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask [H, W] of ink at least half as dark as the darkest near it."""
    from scipy import ndimage

    darkest = ndimage.maximum_filter(ink, max(3, int(LOCAL * max(ink.shape))))
    half: NDArray[np.bool_] = (ink >= darkest / 2) & (ink >= STROKE_INK * ink.max())
    return half


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance [H, W] of each pixel's centre to the mask's edge, negative outside."""
    from scipy import ndimage

    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    distance: NDArray[np.float64] = np.where(mask, inside - 0.5, 0.5 - outside)
    return distance


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
