"""Conversion of a picture of a digit, or of a piece of clothing, to an image of 28 x 28 pixels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.data.mnist_format import IMAGE_SIZE, bounding_box, place_in_mnist_frame
from mnist_core.messages import N_, InputError
from mnist_core.recognition.ink_pieces import Slices, digit_pieces, find_sheet
from mnist_core.recognition.pen_width import stroke_width, with_pen_as_in_mnist
from mnist_core.recognition.photo_cleanup import border_of, chequers, even_out, printed_lines, slope_of_lines

WORKING_SIDE = 1024  # pixels; larger pictures are averaged down to this first
MIN_INK = 5  # pixels in all; less ink can't show a digit: a 1 in the smallest fonts, 3 x 5, has as many
MIN_CONTRAST = 24  # of 255; paler pixels are no ink
NOISE_CONTRAST = 8  # times the median distance of paper pixels to the paper's colour: what is below is noise
QUARTER_CONTRAST = 17  # the same for the lower quartile, plus half a grey level for rounding
EDGE = 0.1  # of the darkest ink; the crop ends where ink is paler
CARD = 0.3  # share of a picture from which on its opaque part is a card with ink on it
CARD_BOX = 0.8  # share of its bounding box that such a card fills
SHEETS = 2  # most sheets that lie on each other, such as paper on a desk in a screenshot
DIGIT_ON_SHEET = 0.15  # smallest digit on a sheet, as a share of the sheet's longer side
TURNED_SIDES = 0.2  # share of its sides by which a picture is extended, mirrored, before it is rotated
STROKE_INK = 0.25  # of the darkest ink; paler ink is a stroke's soft edge or a halo
REACH = 0.5  # of a stroke's width: paler ink so near to it is its edge
LEAST_REACH = 2  # pixels
PHOTO_EDGE = 0.4  # EDGE in uneven light, which leaves traces
PHOTO_CONTRAST = 40  # of 255; paler pixels on unevenly lit paper are such traces


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


def pixels_to_garment(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Convert a picture of one piece of clothing as Fashion-MNIST's were; None if it has one colour.

    `pixels` are as in `pixels_to_image`. The background, whose grey is the border's median, is cut off; the
    longer side becomes 28 pixels; the rest is filled with black around the middle; a light background is
    negated. H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST" (2017), section 2. Raises InputError for
    another shape or type.
    """
    picture = _as_picture(pixels)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    grey = np.asarray(picture.convert("L"), np.float32)
    background = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    away = np.abs(grey - background)
    if away.max() < MIN_CONTRAST:
        return None
    item = grey[bounding_box(away >= MIN_CONTRAST)]
    item = 255 - item if background > 127 else item
    shown = Image.fromarray(item.round().astype(np.uint8))
    factor = IMAGE_SIZE / max(shown.size)
    width, height = (max(1, round(side * factor)) for side in shown.size)
    small = shown.resize((width, height), Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC)
    frame = Image.new("L", (IMAGE_SIZE, IMAGE_SIZE))
    frame.paste(small, ((IMAGE_SIZE - width) // 2, (IMAGE_SIZE - height) // 2))
    return np.asarray(frame)


def find_ink(pixels: NDArray[np.uint8]) -> Ink | None:
    """Find the ink in a picture of the form that `pixels_to_image` takes; None if it is blank."""
    picture = _as_picture(pixels)
    if picture.mode != "RGBA":
        return _ink_in(picture)
    on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    alpha = picture.getchannel("A")
    return _ink_on_card(on_white, alpha) or _ink_in(on_white) or _ink_in(alpha)  # or white ink


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
    return place_in_mnist_frame(with_pen_as_in_mnist(ink[bounding_box(inked)]))


def _ink_on_card(picture: Image.Image, alpha: Image.Image) -> Ink | None:
    """Find the ink on an opaque card that lies on transparency; None if there is no card, or none on it."""
    opaque = np.asarray(alpha) >= 128
    if opaque.all() or opaque.mean() < CARD:
        return None
    card = bounding_box(opaque)
    if opaque[card].mean() < CARD_BOX:
        return None
    colours = np.array(picture)
    colours[~opaque] = np.median(colours[opaque], axis=0)
    return _ink_in_part(Image.fromarray(colours), card)


def _ink_in_part(picture: Image.Image, part: Slices, sheets: int = SHEETS) -> Ink | None:
    """Find the ink in a part of a picture; the result has the picture's size."""
    rows, columns = part
    found = _ink_in(picture.crop((columns.start, rows.start, columns.stop, rows.stop)), sheets)
    if found is None:
        return None
    shape = (picture.height, picture.width)
    whole = Ink(np.zeros(shape, np.float32), np.zeros(shape, bool))
    for all_of_it, of_part in zip(whole, found, strict=True):
        all_of_it[part] = of_part
    return whole


def _ink_in(picture: Image.Image, sheets: int = SHEETS, may_slope: bool = True) -> Ink | None:
    """Find the ink in a picture, also on sheets in it (up to `sheets`) and beside printed lines."""
    colours = np.atleast_3d(np.asarray(picture, np.float32))
    papers = chequers(colours)
    grey = colours.mean(axis=2)
    evened = grey if papers is not None else even_out(grey)
    is_photo = evened is not grey
    ink, noise = _ink_on_paper(evened[..., None] if is_photo else colours, papers)
    if ink.max() < max(noise, PHOTO_CONTRAST if is_photo else MIN_CONTRAST):
        return None
    noise = min(noise, PHOTO_EDGE * float(ink.max()))  # printed lines along the border would count as noise
    strong = ink >= max(noise, (PHOTO_EDGE if is_photo else EDGE) * ink.max())
    if may_slope and (slope := slope_of_lines(strong)):
        return _ink_beside_sloping_lines(picture, slope, sheets)
    return _ink_on_sheet(picture, strong, sheets) or _digit_ink(ink, strong, noise, is_photo)


def _ink_beside_sloping_lines(picture: Image.Image, degrees: int, sheets: int) -> Ink | None:
    """Rotate a picture whose printed lines rise by `degrees`, so that they are level, and find its ink."""
    found = _ink_in(_turned(picture, -degrees), sheets, may_slope=False)
    if found is None:
        return None
    darkness = np.asarray(Image.fromarray(found.darkness).rotate(degrees, Image.Resampling.BILINEAR))
    inked = np.asarray(Image.fromarray(found.inked).rotate(degrees))
    return Ink(darkness, inked) if inked.sum() >= MIN_INK else None


def _turned(picture: Image.Image, degrees: float) -> Image.Image:
    """Rotate a picture about its centre; beyond its sides it is mirrored."""
    pixels = np.asarray(picture)
    beyond = [round(side * TURNED_SIDES) for side in pixels.shape[:2]]
    padded = np.pad(pixels, [(side, side) for side in beyond] + [(0, 0)] * (pixels.ndim - 2), "symmetric")
    turned = Image.fromarray(padded).rotate(degrees, Image.Resampling.BICUBIC)
    return turned.crop((beyond[1], beyond[0], beyond[1] + picture.width, beyond[0] + picture.height))


def _ink_on_sheet(picture: Image.Image, strong: NDArray[np.bool_], sheets: int) -> Ink | None:
    """Find the ink on a sheet or screen that lies on the background; None if there is none."""
    sheet = find_sheet(strong) if sheets else None
    found = _ink_in_part(picture, sheet, sheets - 1) if sheet else None
    if sheet is None or found is None:
        return None
    return found if _longer_side(bounding_box(found.inked)) >= DIGIT_ON_SHEET * _longer_side(sheet) else None


def _longer_side(box: Slices) -> int:
    return max(int(side.stop - side.start) for side in box)


def _digit_ink(
    ink: NDArray[np.float32], strong: NDArray[np.bool_], noise: float, is_photo: bool
) -> Ink | None:
    """Keep the ink that may be a digit: without halos, printed lines and other pieces."""
    reach, box = max(LEAST_REACH, round(REACH * stroke_width(ink))), bounding_box(strong)
    strong[box] &= _dilated(ink[box] >= STROKE_INK * ink.max(), reach)
    lines = printed_lines(strong)
    is_photo |= bool(lines.any())
    digit = digit_pieces(ink, strong & ~lines, is_photo)
    if digit.sum() < MIN_INK:
        return None
    rows, columns = bounding_box(digit)
    reach = LEAST_REACH if is_photo else reach
    near = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in (rows, columns))
    kept = np.zeros_like(digit)
    kept[near] = (digit[near] | (_dilated(digit[near], reach) & ~strong[near])) & (ink[near] >= noise)
    return Ink(np.where(kept, ink, 0), digit)


def _dilated(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Dilate a mask [H, W] by a square that reaches `reach` pixels."""
    from scipy import ndimage  # comes with scikit-learn; slow to import

    rows = ndimage.maximum_filter1d(mask.view(np.uint8), 2 * reach + 1, axis=0)
    near: NDArray[np.bool_] = ndimage.maximum_filter1d(rows, 2 * reach + 1, axis=1).view(bool)
    return near


def _ink_on_paper(
    colours: NDArray[np.float32], papers: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], float]:
    """Return the distance [H, W] of colours [H, W, C] to the paper's, and the noise.

    `papers` are the paper's colours [N, C] if it has several, else it has the border's median.
    """
    border = border_of(colours)
    if papers is None:
        papers = np.median(border, axis=0)[None]
    quarter, half = np.quantile(_distance(border, papers), (0.25, 0.5))
    noise = min(NOISE_CONTRAST * half, QUARTER_CONTRAST * (quarter + 0.5))  # the border may be half table
    return _distance(colours, papers), float(noise)


def _distance(colours: NDArray[np.float32], papers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance [...] of colours [..., C] to the nearest of the paper's."""
    nearest: NDArray[np.float32] = np.abs(colours - papers[0]).max(axis=-1)
    for paper in papers[1:]:
        nearest = np.minimum(nearest, np.abs(colours - paper).max(axis=-1))
    return nearest
