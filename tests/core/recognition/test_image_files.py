"""Picture files: PNG and JPEG are read upright; what is damaged, huge or something else is refused."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_core.messages import InputError
from mnist_core.recognition.images import pixels_to_image, read_picture
from mnist_core.recognition.strokes import strokes_to_image
from tests.core.sevens import SEVEN, as_file, canvas, difference, grained


def png_of_size(width: int, height: int) -> bytes:
    """The start of a PNG that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_picture_is_read_from_path_and_bytes(tmp_path: Path, kind: str) -> None:
    (tmp_path / "seven").write_bytes(as_file(canvas(), kind))
    for source in (tmp_path / "seven", str(tmp_path / "seven"), as_file(canvas(), kind)):
        pixels = read_picture(source)
        assert pixels.dtype == np.uint8
        assert difference(pixels, np.dstack([canvas()] * 3)) < 1


def test_mnist_sized_picture_is_read() -> None:
    image = strokes_to_image(SEVEN)
    assert image is not None
    assert difference(pixels_to_image(read_picture(as_file(image))), image) < 0.5


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_picture_is_turned_as_its_exif_says(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its left side
    stored = np.rot90(canvas())[:, :200]
    pixels = read_picture(as_file(stored, kind, exif=exif))
    assert difference(pixels[..., 0], np.rot90(stored, -1)) < 1


def test_transparency_of_palette_and_grey_pictures_is_kept() -> None:
    grey_and_alpha = np.dstack([np.zeros_like(canvas()), 255 - canvas()])
    assert read_picture(as_file(grey_and_alpha)).shape == (280, 280, 4)
    file = BytesIO()
    Image.fromarray(canvas()).convert("P").save(file, "PNG", transparency=255)
    assert not read_picture(file.getvalue())[0, 0, 3]


def test_16_bit_picture_keeps_its_greys() -> None:
    deep = canvas(pen=60, paper=200).astype(np.uint16) * 257
    np.testing.assert_array_equal(read_picture(as_file(deep))[..., 0], canvas(pen=60, paper=200))


def damaged_exif() -> bytes:
    return as_file(canvas(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")


def test_picture_with_odd_metadata_is_read_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    assert read_picture(damaged_exif()).shape == (280, 280, 3)
    assert not recwarn.list


@pytest.mark.parametrize("size", [(12_000, 12_000), (25_001, 1000), (40_000, 40_000)])
def test_picture_bomb_is_refused_before_it_is_decoded(
    size: tuple[int, int], recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(InputError, match=r"holiday.png has over 25 million pixels: shrink it"):
        read_picture(png_of_size(*size), "holiday.png")  # decoding it would fail as damaged
    assert not recwarn.list


def test_a_phones_large_photo_is_scaled_down_while_it_is_decoded() -> None:
    photo = np.kron(255 - canvas(), np.ones((16, 16), np.uint8))  # 20 megapixels
    pixels = read_picture(as_file(photo, "JPEG"))
    assert pixels.shape == (2240, 2240, 3)
    assert difference(pixels_to_image(pixels), pixels_to_image(255 - canvas())) < 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_picture_is_damaged(kind: str, part: float) -> None:
    data = as_file(grained(canvas()), kind)
    with pytest.raises(InputError, match="This file is damaged"):
        read_picture(data[: int(part * len(data))])


@pytest.mark.parametrize("data", [b"", b"7", b"strokes" * 100, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_other_files_are_no_pictures(data: bytes) -> None:
    with pytest.raises(InputError, match="not a PNG or JPEG"):
        read_picture(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_kinds_of_picture_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="not a PNG or JPEG"):
        read_picture(as_file(canvas(), kind))


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path, "nul\0.png"):
        with pytest.raises(InputError, match="can't be opened") as caught:
            read_picture(path)
        assert str(path) in str(caught.value)


def test_scrambled_pictures_are_read_or_refused_in_a_sentence() -> None:
    random = np.random.default_rng(0)
    for data in (as_file(canvas()), as_file(canvas(), "JPEG")) * 100:
        scrambled = np.frombuffer(data, np.uint8).copy()
        scrambled[random.integers(0, len(data), 5)] = random.integers(0, 256, 5)
        try:
            pixels_to_image(read_picture(scrambled.tobytes()))
        except InputError as error:
            assert str(error).startswith("This file")  # noqa: PT017 - either answer is right
