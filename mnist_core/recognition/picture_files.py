"""Picture files: PNG, JPEG, WebP, BMP, GIF, TIFF and HEIC, decoded within a limit of pixels."""

import math
import threading
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from mnist_core.messages import N_, InputError
from mnist_core.runtime.limits import PIXELS

ENDINGS = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
DECODED_SIDE = 2048  # pixels; a larger JPEG is decoded at a half, a quarter or an eighth, not below this
DEEP = (8, 10, 12, 14, 16)  # bits that cameras and scanners use of 16
_DECODING = threading.Lock()  # one at a time: 25 megapixels take 100 MB


def read_picture(source: str | Path | bytes, name: str | None = None) -> NDArray[np.uint8]:
    """Read a picture as uint8 RGB [H, W, 3] or, with alpha, [H, W, 4], rotated according to its EXIF.

    A JPEG with a side over 4096 pixels is scaled down by a power of 2 while it is decoded. Of several frames
    or pages the first is read; more than 8 bits per channel are scaled to 8.

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
        raise InputError(
            N_("{name} is not a picture that can be read; choose a PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC."),
            name=name,
        ) from error
    except Exception as error:  # decoders raise many types of exception on damaged files
        raise InputError(N_("{name} is damaged: save it again, or choose another."), name=name) from error


def _decoded(data: bytes) -> NDArray[np.uint8]:
    """Decode a file's bytes to upright uint8 RGB or RGBA; DecompressionBombError for too many pixels."""
    with warnings.catch_warnings(action="ignore"):  # Pillow's, of large pictures and odd metadata
        picture = _opened(data)  # reads the header only
        if max(picture.size) >= 2 * DECODED_SIDE:
            _scale_while_decoding(picture)
        most = PIXELS.value(True)
        if most is not None and picture.width * picture.height > most:
            raise Image.DecompressionBombError
        upright = ImageOps.exif_transpose(_with_8_bits(picture, data))
    return np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))


def _opened(data: bytes) -> Image.Image:
    if data[4:8] != b"ftyp" or data[8:12] not in HEIC_BRANDS:
        return Image.open(BytesIO(data), formats=FORMATS)
    import pi_heif  # 15 ms, for the few that need it

    pi_heif.register_heif_opener(thumbnails=False)
    return Image.open(BytesIO(data), formats=("HEIF",))


def _scale_while_decoding(picture: Image.Image) -> None:
    """Make a JPEG decode at a fraction of its size; a progressive one is held in memory as a whole."""
    if not picture.info.get("progressive"):
        share = DECODED_SIDE / max(picture.size)
        picture.draft(None, (math.ceil(picture.width * share), math.ceil(picture.height * share)))


def _with_8_bits(picture: Image.Image, data: bytes) -> Image.Image:
    """Return a picture whose channels have 8 bits, taken from the bits that deeper ones use; EXIF is kept."""
    if picture.mode == "F":
        shallow = _from_real(np.asarray(picture))
    elif picture.mode.startswith("I"):
        shallow = _from_whole(np.asarray(picture))
    elif isinstance(picture, PngImageFile) and picture.tile[0].args in ("RGB;16B", "RGBA;16B"):
        lower = PngImageFile(BytesIO(data))
        lower.tile = [
            picture.tile[0]._replace(args=f"{picture.mode};16L")
        ]  # Pillow reads the upper bytes only
        shallow = _from_whole((np.asarray(picture).astype(np.uint16) << 8) | np.asarray(lower))
    else:
        return picture
    result = Image.fromarray(shallow)
    result.info = picture.info
    return result


def _from_whole(deep: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the upper 8 of the bits in use, 8 at least, of [H, W, ...]."""
    used = int(deep.max()).bit_length()
    bits = next((bits for bits in DEEP if bits >= used), used)
    return (deep.clip(0) >> (bits - 8)).astype(np.uint8)


def _from_real(deep: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale real greys [H, W], of any range, to 0..255."""
    finite = np.nan_to_num(deep)
    low, high = min(float(finite.min()), 0.0), float(finite.max())
    return ((finite - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
