import json
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.data import open_mnist
from mnist_core.messages import InputError
from mnist_core.reading.drawing import place_in_mnist_frame, read_strokes_line, strokes_to_image
from mnist_core.reading.pictures import pixels_to_image, read_picture

SEVEN = [
    [[40.0, 30.0], [160.0, 30.0], [90.0, 230.0]],
    [[70.0, 130.0], [140.0, 120.0]],
]  # crossed, two strokes


def extents(image: np.ndarray) -> tuple[int, int]:
    """Height and width of what is inked."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    grey = image.astype(float)
    indices = np.arange(28)
    return np.array([grey.sum(axis=1) @ indices, grey.sum(axis=0) @ indices]) / grey.sum()


def difference(image: np.ndarray | None, other: np.ndarray | None) -> float:
    """Mean absolute difference, 0 to 255."""
    assert image is not None
    assert other is not None
    return float(np.abs(image.astype(int) - other).mean())


def assert_like_mnist(image: np.ndarray | None) -> None:
    assert image is not None
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert max(extents(image)) == 20
    assert (np.abs(centre_of_mass(image) - 14) < 0.51).all()  # 0.01 for grey levels being whole numbers


def canvas(size: int = 280, pen: int = 0, paper: int = 255, top: int = 60, left: int = 90) -> np.ndarray:
    """A 7 as on a canvas: 140 px high, 100 wide, lines of 16 px."""
    pixels = np.full((size, size), paper, np.uint8)
    pixels[top : top + 16, left : left + 100] = pen
    for row in range(16, 140):
        start = left + 84 - row // 2
        pixels[top + row, start : start + 16] = pen
    return pixels


def as_file(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """The start of a PNG that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def mnist_images(mnist_directory: Path) -> np.ndarray:
    return open_mnist(mnist_directory).test.images[:100]


# The frame


@pytest.mark.parametrize("shape", [(40, 40), (300, 100), (17, 60), (8, 8), (1, 500), (1000, 3)])
def test_ink_of_any_shape_gets_a_longer_side_of_20(shape: tuple[int, int]) -> None:
    ink = np.random.default_rng(0).random(shape) + 0.1
    framed = place_in_mnist_frame(np.pad(ink, ((3, 40), (20, 0))))
    assert_like_mnist(framed)
    assert min(extents(framed)) == max(1, round(20 * min(shape) / max(shape)))


def test_frame_is_the_same_for_ink_in_bytes_and_in_fractions() -> None:
    ink = 255 - canvas()
    np.testing.assert_array_equal(place_in_mnist_frame(ink), place_in_mnist_frame(ink / 255))


def test_paper_stays_paper_when_a_small_picture_grows() -> None:
    ink = np.zeros((8, 8))
    ink[:, [0, -1]] = 1
    assert place_in_mnist_frame(ink)[:, 9:19].max() == 0  # smooth enlargement swings below 0 there


def test_frame_without_ink_is_empty() -> None:
    assert not place_in_mnist_frame(np.zeros((50, 30))).any()


def test_ink_with_its_weight_at_one_end_is_not_cut_off() -> None:
    ink = np.zeros((20, 20))
    ink[:2], ink[:, 0] = 1, 0.001  # its centre of mass is in the first rows, its long tail below
    framed = place_in_mnist_frame(ink)
    assert framed[:, :].any(axis=1).sum() == 2  # the tail rounds to 0
    assert np.flatnonzero(framed.any(axis=1))[0] == 8  # as low as 20 rows fit


def test_mnist_itself_is_left_as_it_is(mnist_images: np.ndarray) -> None:
    for image in mnist_images:
        assert np.abs(place_in_mnist_frame(image).astype(int) - image).max() <= 1  # its darkest may be 254


# Strokes


def test_strokes_look_like_mnist() -> None:
    image = strokes_to_image(SEVEN)
    assert_like_mnist(image)
    assert image is not None
    assert 60 < (image > 127).sum() < 130  # MNIST's digits have 97 such pixels on average


def test_straight_stroke_is_as_wide_as_the_pen_and_round_at_its_ends() -> None:
    image = strokes_to_image([[[5, 0], [5, 100]]])
    assert image is not None
    assert extents(image) == (20, 2)
    top, middle = image[4:24].sum(axis=1)[[0, 10]].astype(int)
    assert top < middle


@pytest.mark.parametrize("scale", [0.01, 0.5, 3, 300])
@pytest.mark.parametrize("shift", [(0, 0), (37.3, -400), (-20, 3000.5)])
def test_strokes_may_be_of_any_size_anywhere(scale: float, shift: tuple[float, float]) -> None:
    moved = [((np.array(stroke) + shift) * scale).tolist() for stroke in SEVEN]
    assert difference(strokes_to_image(moved), strokes_to_image(SEVEN)) < 0.5


def test_strokes_may_be_written_in_any_order_and_direction() -> None:
    backwards = [stroke[::-1] for stroke in SEVEN[::-1]]
    assert difference(strokes_to_image(backwards), strokes_to_image(SEVEN)) < 0.5


@pytest.mark.parametrize(
    "dot",
    [
        [[[100, 100]]],
        [[[0, 0]]],
        [[[-3.5, 8], [-3.5, 8]], [[-3.5, 8]]],
        [[[139.98, 140], [140.02, 140]]],  # what Fabric.js makes of a click
    ],
)
def test_dot_stays_a_dot(dot: list[list[list[float]]]) -> None:
    image = strokes_to_image(dot)
    assert image is not None
    assert extents(image) == (2, 2)
    assert (np.abs(centre_of_mass(image) - 14) <= 0.5).all()


@pytest.mark.parametrize("strokes", [[], [[]], [[], []], (), np.empty((0, 2, 2))])
def test_nothing_drawn_is_blank(strokes: list[list[list[float]]]) -> None:
    assert strokes_to_image(strokes) is None


def test_empty_strokes_beside_others_do_not_matter() -> None:
    assert difference(strokes_to_image([[], *SEVEN, []]), strokes_to_image(SEVEN)) == 0


@pytest.mark.parametrize(
    ("strokes", "sentence"),
    [
        (None, "Strokes must be a list"),
        ("7", "Strokes must be a list"),
        ({"strokes": []}, "Strokes must be a list"),
        ([3, 4], "Each stroke must be a list"),
        ([[1, 2]], "Each stroke must be a list"),
        ([[[1, 2, 3]]], "Each stroke must be a list"),
        ([[[1, 2], [3]]], "Each stroke must be a list"),
        ([[["1", "2"]]], "Each stroke must be a list"),
        ([[[None, 2]]], "Each stroke must be a list"),
        ([[[True, False]]], "Each stroke must be a list"),
        ([[[[1, 2]]]], "Each stroke must be a list"),
        ([[[10**30, 2]]], "Each stroke must be a list"),
        ([[[float("nan"), 2]]], "at most 1,000,000"),
        ([[[1, 2], [float("inf"), 2]]], "at most 1,000,000"),
        ([[[-(2**63), 2]]], "at most 1,000,000"),
        ([[[1e300, 2]]], "at most 1,000,000"),
        ([[[1, 2]] * 60_000] * 2, "at most 100000 points"),
    ],
)
def test_malformed_strokes_are_refused_in_a_sentence(strokes: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        strokes_to_image(strokes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("strokes", "points"), [(1, 10_000), (300, 33)])
def test_long_drawings_are_inked_at_once(strokes: int, points: int) -> None:
    walk = np.random.default_rng(0).normal(size=(strokes, points, 2)).cumsum(axis=1).tolist()
    seconds = []
    for _ in range(5):
        start = time.process_time()
        assert_like_mnist(strokes_to_image(walk))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.05


# Pixels


@pytest.mark.parametrize("factor", [1, 3, 7, 12])
@pytest.mark.parametrize("inverted", [False, True])
def test_enlarged_and_moved_mnist_comes_back(mnist_images: np.ndarray, factor: int, inverted: bool) -> None:
    differences = []
    for number, image in enumerate(mnist_images):
        canvas_ = np.zeros((28 * factor + 200, 28 * factor + 150), np.uint8)
        top, left = number, (number * 7) % 150
        canvas_[top : top + 28 * factor, left : left + 28 * factor] = image.repeat(factor, 0).repeat(
            factor, 1
        )
        back = pixels_to_image(255 - canvas_ if inverted else canvas_)
        assert back is not None
        assert np.abs(centre_of_mass(back) - centre_of_mass(image)).max() < 1.05
        differences.append(difference(back, image))
    assert np.mean(differences) < 0.5
    assert np.mean(np.array(differences) < 1) > 0.97  # else moved by the pixel that its centre rounds to


SMOOTH = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}
COLOURS = {"red on green": ((255, 0, 0), (0, 130, 0)), "pale": ((205, 215, 205), (255, 255, 255))}


@pytest.mark.parametrize("method", SMOOTH)
@pytest.mark.parametrize("colours", COLOURS)
def test_smooth_coloured_mnist_comes_back(mnist_images: np.ndarray, method: str, colours: str) -> None:
    pen, paper = np.array(COLOURS[colours])
    differences = []
    for image in mnist_images:
        smooth = np.asarray(Image.fromarray(image).resize((180, 180), SMOOTH[method]))
        ink = np.pad(smooth, ((10, 90), (60, 10)))[..., None] / 255
        back = pixels_to_image(np.rint(pen * ink + paper * (1 - ink)).astype(np.uint8))
        assert back is not None
        assert np.abs(centre_of_mass(back) - centre_of_mass(image)).max() < 1.05
        differences.append(difference(back, image))
    assert np.mean(differences) < 10  # the smoothing alone is 4; moved by a pixel is 16


def salted(pixels: np.ndarray) -> np.ndarray:
    noisy = pixels.copy()
    noisy[np.random.default_rng(0).random(pixels.shape) < 0.001] = 0
    return noisy


def grained(pixels: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(0).normal(0, 6, pixels.shape)
    return (pixels * 0.8 + 20 + grain).clip(0, 255).astype(np.uint8)


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    return read_picture(as_file(pixels, "JPEG", quality=40))


def on_transparent_paper(pen: int) -> Callable[[np.ndarray], np.ndarray]:
    def drawn(pixels: np.ndarray) -> np.ndarray:
        return np.dstack([np.full((*pixels.shape, 3), pen, np.uint8), 255 - pixels])

    return drawn


SAME_SEVEN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "light on dark": lambda pixels: 255 - pixels,
    "low contrast": lambda pixels: (pixels // 6 + 100).astype(np.uint8),
    "RGB": lambda pixels: np.dstack([pixels] * 3),
    "opaque RGBA": lambda pixels: np.dstack([pixels] * 3 + [np.full_like(pixels, 255)]),
    "black pen on nothing": on_transparent_paper(0),
    "white pen on nothing": on_transparent_paper(255),
    "dust": salted,
    "grain": grained,
    "jpeg": as_jpeg,
    "cropped close": lambda pixels: pixels[60:200, 90:190],
    "at the edge": lambda pixels: pixels[60:, :190],
    "enormous": lambda pixels: pixels.repeat(14, 0).repeat(14, 1),
}


@pytest.mark.parametrize("way", SAME_SEVEN)
def test_same_digit_is_seen_however_it_is_given(way: str) -> None:
    seen = pixels_to_image(SAME_SEVEN[way](canvas()))
    assert_like_mnist(seen)
    assert difference(seen, pixels_to_image(canvas())) < 4


ACROSS, DOWN = np.meshgrid(np.arange(280), np.arange(280))


def lit(light: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """As photographed: grey ink on white paper, in this light, with grain."""

    def photographed(pixels: np.ndarray) -> np.ndarray:
        photo = (40 + pixels * 0.77) * light + np.random.default_rng(0).normal(0, 2, pixels.shape)
        return photo.clip(0, 255).astype(np.uint8)

    return photographed


def on_lines(*distances: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """On paper with printed lines, 1.5 px wide and 28 apart."""

    def drawn(pixels: np.ndarray) -> np.ndarray:
        printed = np.minimum.reduce([np.where(d % 28 < 1.5, 110, 255) for d in distances])
        return np.minimum(pixels, printed).astype(np.uint8)

    return drawn


SLANTED = DOWN + 0.015 * ACROSS
PHOTOS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "window to the right": lit(0.45 + 0.55 * ACROSS / 280),
    "dark corners": lit(1 - 1.8 * ((ACROSS / 280 - 0.5) ** 2 + (DOWN / 280 - 0.5) ** 2)),
    "shadow across it": lit(np.where(ACROSS + DOWN / 2 > 190, 0.55, 1.0)),
    "chalk in uneven light": lambda pixels: 255 - lit(1 - 0.3 * ACROSS / 280)(pixels),
    "ruled": on_lines(SLANTED + 10),
    "squared": on_lines(SLANTED + 10, ACROSS - 0.015 * DOWN + 10),
    "squared, in uneven light": lambda pixels: lit(0.5 + 0.5 * DOWN / 280)(
        on_lines(SLANTED + 10, ACROSS - 0.015 * DOWN + 10)(pixels)
    ),
}


@pytest.mark.parametrize("way", PHOTOS)
def test_light_shadows_and_printed_lines_are_not_ink(way: str) -> None:
    seen = pixels_to_image(PHOTOS[way](canvas()))
    assert_like_mnist(seen)
    assert difference(seen, pixels_to_image(canvas())) < 6


@pytest.mark.parametrize("way", ["window to the right", "ruled", "squared", "squared, in uneven light"])
def test_paper_in_uneven_light_is_blank(way: str) -> None:
    assert pixels_to_image(PHOTOS[way](np.full((280, 280), 255, np.uint8))) is None


def test_three_bars_of_a_digit_are_no_printed_lines() -> None:
    pixels = np.full((120, 80), 255, np.uint8)
    for row in (0, 55, 110):  # an E, cropped close: its bars are long and straight, but as thick as a pen
        pixels[row : row + 10] = 0
    pixels[:, :10] = 0
    seen = pixels_to_image(pixels)
    assert seen is not None
    assert extents(seen) == (20, 13)


def test_a_pen_too_thick_for_the_drawing_is_read_as_a_thinner_one() -> None:
    strokes = [[[30.0, 30.0], [90.0, 30.0], [50.0, 120.0]]]
    widths = []
    for pen in (12, 30, 40):
        picture = Image.new("L", (160, 160))
        pencil = ImageDraw.Draw(picture)
        pencil.line([tuple(point) for point in strokes[0]], 255, pen, "curve")
        seen = pixels_to_image(np.asarray(picture))
        assert seen is not None
        widths.append((seen[22] > 127).sum())
    assert widths[0] <= 4
    assert max(widths) <= 6  # 40 px of 120 would be 7, and with the slant more


def test_dust_leaves_nothing_behind() -> None:
    dusty = canvas()
    dusty[3:6, 200:204] = dusty[180:184, 100:103] = 0  # far from the 7, and inside its box
    np.testing.assert_array_equal(pixels_to_image(dusty), pixels_to_image(canvas()))


def test_grain_leaves_nothing_behind() -> None:
    clean, seen = pixels_to_image(canvas()), pixels_to_image(grained(canvas()))
    assert clean is not None
    assert seen is not None
    assert not seen[clean == 0].any()


def test_hairline_is_not_dust() -> None:
    hairline = np.eye(120, dtype=np.uint8) * 255
    hairline[:20, :20] = 255
    seen = pixels_to_image(np.pad(hairline, 30))
    assert seen is not None
    assert 20 < (seen > 0).sum() < 100  # the block alone would fill 400 pixels


def test_largest_picture_takes_little_memory() -> None:
    pixels = np.full((4096, 4096, 3), 255, np.uint8)
    pixels[1000:3000, 1900:2100] = 0
    tracemalloc.start()
    image = pixels_to_image(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_like_mnist(image)
    assert peak < 100e6  # bytes; in full it would be a thousand million


def test_drawing_reads_the_same_by_pixels_and_by_strokes() -> None:
    strokes = [[[98, 68], [182, 68], [120, 192]]]  # the middle of canvas()'s lines
    assert difference(pixels_to_image(canvas()), strokes_to_image(strokes)) < 12


BLANKS = {
    "white": np.full((280, 280, 3), 255, np.uint8),
    "grey": np.full((280, 280), 128, np.uint8),
    "transparent": np.zeros((280, 280, 4), np.uint8),
    "transparent, its colours random": np.dstack(
        [np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8), np.zeros((50, 50, 1), np.uint8)]
    ),
    "one pixel of a picture": np.zeros((1, 1), np.uint8),
    "faint shadow": np.pad(np.full((100, 60), 220, np.uint8), 90, constant_values=235),
    "faint grain": np.random.default_rng(0).normal(200, 5, (280, 280)).astype(np.uint8),
    "faint noise": np.random.default_rng(0).integers(120, 150, (280, 280, 3)).astype(np.uint8),
    "two inked pixels": np.pad(np.diag([255] + [0] * 50 + [255]).astype(np.uint8), 100),
    "one inked pixel": np.pad(np.full((1, 1), 255, np.uint8), 100),
}


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_picture_has_no_digit(blank: str) -> None:
    assert pixels_to_image(BLANKS[blank]) is None


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((28, 28)),
        np.zeros((28, 28, 2), np.uint8),
        np.zeros(28, np.uint8),
        np.zeros((0, 28), np.uint8),
        np.zeros((28, 28, 1, 1), np.uint8),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match="must be a uint8 array"):
        pixels_to_image(pixels)


# Files


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


@pytest.mark.parametrize("size", [(12_000, 12_000), (4097, 1), (1, 60_000), (40_000, 40_000)])
def test_picture_bomb_is_refused_before_it_is_decoded(
    size: tuple[int, int], recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(InputError, match=r"holiday.png has a side over 4096 pixels"):
        read_picture(png_of_size(*size), "holiday.png")  # decoding it would fail as damaged
    assert not recwarn.list


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


# Lines of strokes


def test_line_gives_strokes_and_label() -> None:
    assert read_strokes_line(json.dumps({"strokes": SEVEN, "label": 7}), 1) == (SEVEN, 7)
    assert read_strokes_line('{"strokes": []}\n', 1) == ([], None)
    assert read_strokes_line('{"label": null, "strokes": [[[1, 2]]], "writer": 3}', 1) == ([[[1, 2]]], None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Line 12 is not JSON"),
        ("{'strokes': []}", "Line 12 is not JSON"),
        ("[" * 100_000, "Line 12 is not JSON"),
        ('{"strokes": [[[%s, 1]]]}' % ("9" * 5000), "Line 12 is not JSON"),
        ("[]", 'Line 12 has no "strokes"'),
        ("null", 'Line 12 has no "strokes"'),
        ('{"label": 3}', 'Line 12 has no "strokes"'),
        ('{"strokes": null}', "Line 12: Strokes must be a list"),
        ('{"strokes": [[[1, 2], [3]]]}', "Line 12: Each stroke must be"),
        ('{"strokes": [[[1, NaN]]]}', "Line 12: Coordinates"),
        ('{"strokes": [], "label": 10}', "Line 12: the label must be a digit"),
        ('{"strokes": [], "label": "3"}', "Line 12: the label must be a digit"),
        ('{"strokes": [], "label": true}', "Line 12: the label must be a digit"),
    ],
)
def test_malformed_line_is_refused_by_number(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_strokes_line(text, 12)
