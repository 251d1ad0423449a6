"""Digits found in pictures of any size, colour and noise, and brought to MNIST's form."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mnist_core.messages import InputError
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.pen_width import stroke_width
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.strokes import strokes_to_image
from tests.core.sevens import as_file, assert_like_mnist, canvas, centre_of_mass, difference, extents, grained


@pytest.mark.parametrize("factor", [1, 3, 7, 12])
@pytest.mark.parametrize("inverted", [False, True])
def test_enlarged_and_moved_mnist_comes_back(mnist_images: np.ndarray, factor: int, inverted: bool) -> None:
    differences = []
    for number, image in enumerate(mnist_images[inverted::8]):
        if stroke_width(image.astype(np.float32)) < 1.6 * max(extents(image)) / 20:
            continue  # may be thickened
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
    assert np.sum(np.array(differences) >= 1) <= 1  # moved by the pixel that its centre rounds to


SMOOTH = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}
COLOURS = {"red on green": ((255, 0, 0), (0, 130, 0)), "pale": ((205, 215, 205), (255, 255, 255))}


@pytest.mark.parametrize("method", SMOOTH)
@pytest.mark.parametrize("colours", COLOURS)
def test_smooth_coloured_mnist_comes_back(mnist_images: np.ndarray, method: str, colours: str) -> None:
    pen, paper = np.array(COLOURS[colours])
    differences = []
    for image in mnist_images[::6]:
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


THIN_PENS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1 px of 28": lambda lines: np.asarray(Image.fromarray(lines).resize((28, 28), Image.Resampling.NEAREST)),
    "a fine pen on a large sheet": lambda lines: np.pad(lines, 200),
    "the edges of its strokes": lambda lines: (
        lines & ~np.asarray(Image.fromarray(lines).filter(ImageFilter.MinFilter(3)))
    ),
}


@pytest.mark.parametrize("way", THIN_PENS)
def test_a_pen_too_thin_for_the_drawing_is_read_as_a_thicker_one(way: str) -> None:
    picture = Image.new("L", (112, 112))
    ImageDraw.Draw(picture).line([(12, 12), (80, 12), (40, 100)], 255, 5)
    seen = pixels_to_image(THIN_PENS[way](np.asarray(picture)))
    assert_like_mnist(seen)
    assert seen is not None
    assert ((seen[14:20] > 150).sum(axis=1) >= 1).all()  # it is dark, and has no gaps
    assert ((seen[14:20] > 50).sum(axis=1) <= 4).all()


def test_pale_and_uneven_strokes_are_inked_evenly() -> None:
    random = np.random.default_rng(0).uniform(0.25, 1, (14, 14)).repeat(20, 0).repeat(20, 1)
    uneven = (255 - (255 - canvas()) * random).astype(np.uint8)
    seen = pixels_to_image(uneven)
    assert_like_mnist(seen)
    assert seen is not None
    assert seen[seen > 0].mean() > 0.5 * 255


@pytest.mark.parametrize("factor", [1, 4])
def test_a_bold_8_that_fills_the_picture_is_no_sheet_with_two_dots_on_it(factor: int) -> None:
    picture = Image.new("L", (28 * factor, 28 * factor))
    for top in (0, 13 * factor):
        box = [(4 * factor, top), (23 * factor, top + 15 * factor)]
        ImageDraw.Draw(picture).ellipse(box, outline=255, width=5 * factor)
    seen = pixels_to_image(np.asarray(picture))
    assert seen is not None
    assert not seen[10, 13:15].any()
    assert (seen[14, 12:16] > 0).any()


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


def haloed(pixels: np.ndarray) -> np.ndarray:
    """As scanned: pale ink, around it a halo of a sixth of its darkness, 8 px wide and uneven."""
    ink = (255 - pixels.astype(float)) / 255
    blur = np.asarray(Image.fromarray(255 - pixels).filter(ImageFilter.BoxBlur(9)), float) / 255
    grain = np.random.default_rng(0).uniform(0.5, 1.0, pixels.shape)
    return (255 - 150 * np.maximum(ink, 0.16 * grain * (blur > 0))).astype(np.uint8)


def test_a_scanners_halo_is_no_ink() -> None:
    pixels = canvas()[::3, ::3]  # lines of 5 px
    seen, clean = pixels_to_image(haloed(pixels)), pixels_to_image(pixels)
    assert_like_mnist(seen)
    assert difference(seen, clean) < 10  # 20 with all of the halo
