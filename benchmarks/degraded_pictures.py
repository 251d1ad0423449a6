"""MNIST's test digits in pictures as people take them: scans, photos, ruled paper, screenshots."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.measurement import markdown
from mnist_core.data.mnist import Split
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.recognizer import predict_all

IMAGES = 200
ENLARGED = (4.0, 8.0)  # times
MARGINS = (20, 120)  # pixels on each side
PAPER, PEN = 250.0, 40.0

Grey = NDArray[np.uint8]
Sheet = NDArray[np.float64]  # [H, W] from 0, black, to 255
Degradation = Callable[[Sheet, np.random.Generator], NDArray[np.float64]]

CONDITIONS = """\
The first {count} test images of MNIST, enlarged {enlarged[0]:.0f} to {enlarged[1]:.0f} times on a sheet.
As before: read as the unchanged image is. Of those, {refused:.1%} are refused. Seed 0."""


def _blurred(sheet: Sheet, radius: float) -> Sheet:
    picture = Image.fromarray(sheet.clip(0, 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), float)


def _as_jpeg(sheet: Sheet, quality: int) -> Sheet:
    file = BytesIO()
    Image.fromarray(sheet.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), float)


def _noisy(
    sheet: NDArray[np.float64], random: np.random.Generator, strength: float = 2
) -> NDArray[np.float64]:
    noisy: NDArray[np.float64] = sheet + random.normal(0, strength, sheet.shape)
    return noisy


def _in_light(sheet: Sheet, random: np.random.Generator) -> Sheet:
    """Light falls from one side, at 50 to 70 % of it on the other."""
    down, across = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]] / max(sheet.shape)
    angle = random.uniform(0, 2 * np.pi)
    slope = down * np.sin(angle) + across * np.cos(angle)
    light = 1 - random.uniform(0.3, 0.5) * (slope - slope.min()) / np.ptp(slope)
    return _noisy(sheet * light, random)


def _overexposed(sheet: Sheet, random: np.random.Generator) -> Sheet:
    """White to the left, where light was too much, and in shade to the right."""
    light = np.linspace(1.5, 0.6, sheet.shape[1])
    return _noisy(sheet * light, random)


def _pale(sheet: Sheet, contrast: float) -> Sheet:
    return PAPER - (PAPER - sheet) * contrast / (PAPER - PEN)


def _haloed(sheet: Sheet, random: np.random.Generator) -> Sheet:
    """Around pale ink lies a halo of a sixth of its darkness, as wide as two strokes."""
    ink = (PAPER - sheet) / (PAPER - PEN)
    near = _blurred(255 * ink, max(sheet.shape) / 60) > 6
    return PAPER - 130 * np.maximum(ink, 0.16 * near * random.uniform(0.5, 1, sheet.shape))


def _fine(sheet: Sheet, random: np.random.Generator) -> Sheet:
    """The digit's centre lines, one or two pixels wide."""
    from scipy import ndimage

    ink = sheet < (PAPER + PEN) / 2
    depth = ndimage.distance_transform_edt(ink)
    ridge = ink & (depth >= 0.8 * ndimage.maximum_filter(depth, 5))
    return np.where(ndimage.binary_closing(ridge, np.ones((3, 3))), PEN, PAPER)


def _lined(*ways: int) -> Degradation:
    def degraded(sheet: Sheet, random: np.random.Generator) -> Sheet:
        lined = sheet.copy()
        for way in ways:
            lines = np.arange(sheet.shape[way]) % 28 < 1.5
            lined = np.where(lines[:, None] if way == 0 else lines, np.minimum(lined, 150), lined)
        return lined

    return degraded


def _lined_and_turned(sheet: Sheet, random: np.random.Generator) -> Sheet:
    """Squared paper, turned by 3 to 12 degrees to either side, with the digit upright."""
    side = 2 * max(sheet.shape)
    lines = _lined(0, 1)(np.full((side, side), PAPER), random)
    degrees = float(random.choice([-1, 1]) * random.uniform(3, 12))
    turned = Image.fromarray(lines.astype(np.uint8)).rotate(degrees, Image.Resampling.BICUBIC)
    top, left = side // 4, side // 4
    paper = np.asarray(turned, float)[top : top + sheet.shape[0], left : left + sheet.shape[1]]
    return _in_light(np.minimum(sheet, paper), random)


def _on_table(sheet: Sheet, random: np.random.Generator) -> Sheet:
    margins = random.integers(30, 120, (2, 2))
    return _noisy(np.pad(sheet, margins, constant_values=random.choice([60, 110, 160])), random)


def _in_corner_of_table(sheet: Sheet, random: np.random.Generator) -> Sheet:
    return _noisy(np.pad(sheet, ((0, 25), (30, 0)), constant_values=70), random)


def _chequered(sheet: Sheet, random: np.random.Generator) -> Sheet:
    down, across = np.indices(sheet.shape) // random.integers(6, 17)
    return np.where(sheet > 200, np.where((down + across) % 2, 204, 255), sheet)


def _framed(sheet: Sheet, random: np.random.Generator) -> Sheet:
    picture = Image.fromarray(np.pad(sheet, 16, constant_values=PAPER).astype(np.uint8))
    box = [(6, 6), (picture.width - 7, picture.height - 7)]
    ImageDraw.Draw(picture).rectangle(box, outline=60, width=int(random.integers(1, 4)))
    return np.asarray(picture, float)


def _far_away(sheet: Sheet, random: np.random.Generator) -> Sheet:
    height, width = sheet.shape
    small = np.asarray(Image.fromarray(sheet.astype(np.uint8)).resize((width // 3, height // 3)), float)
    margins = random.integers(300, 500, (2, 2))
    return _in_light(np.pad(small, margins, constant_values=PAPER), random)


def _in_two_colours(sheet: Sheet, random: np.random.Generator) -> NDArray[np.float64]:
    pen, paper = random.uniform(0, 255, (2, 3))
    while np.abs(pen - paper).max() < 60:
        pen = random.uniform(0, 255, 3)
    ink = ((PAPER - sheet) / (PAPER - PEN))[..., None]
    return _noisy(pen * ink + paper * (1 - ink), random, 1)


DEGRADATIONS: dict[str, Degradation] = {
    "blurred": lambda sheet, random: _blurred(sheet, random.uniform(2, 5)),
    "JPEG, quality 10 to 30": lambda sheet, random: _as_jpeg(sheet, int(random.integers(10, 30))),
    "scanner's halo": _haloed,
    "scanned in black and white": lambda sheet, random: np.where(_noisy(sheet, random, 60) < 150, 0.0, 255.0),
    "pale ink": lambda sheet, random: _noisy(_pale(sheet, random.uniform(30, 60)), random, 1),
    "pencil in uneven light": lambda sheet, random: _in_light(_pale(sheet, random.uniform(50, 90)), random),
    "fine pen": _fine,
    "pen and paper of any colours": _in_two_colours,
    "uneven light": _in_light,
    "too much light on one side": _overexposed,
    "ruled paper": _lined(0),
    "squared paper in uneven light": lambda sheet, random: _in_light(_lined(0, 1)(sheet, random), random),
    "squared paper, turned": _lined_and_turned,
    "sheet on a table": _on_table,
    "table along two sides": _in_corner_of_table,
    "frame": _framed,
    "chequers for transparency": _chequered,
    "under 5 % of the photo": _far_away,
}


def degraded_table(model: DigitClassifier, calibration: Calibration | None, test: Split) -> str:
    """Return a table of how many digits are read as before, and how many refused, in each kind of picture."""
    count = min(IMAGES, len(test))
    plain = predict_all(model, list(test.images[:count]), calibration)
    rows = []
    for name, degradation in DEGRADATIONS.items():
        random = np.random.default_rng(0)
        images = [pixels_to_image(picture_of(image, degradation, random)) for image in test.images[:count]]
        read = predict_all(model, images, calibration)
        same = np.mean([a.label == b.label for a, b in zip(plain, read, strict=True)])
        rows.append([name, f"{same:.1%}", f"{np.mean([not prediction.is_digit for prediction in read]):.1%}"])
    refused = np.mean([not prediction.is_digit for prediction in plain])
    conditions = CONDITIONS.format(count=count, enlarged=ENLARGED, refused=refused)
    return markdown(("MNIST in pictures", "read as before", "refused"), rows) + f"\n\n{conditions}"


def picture_of(image: Grey, degradation: Degradation, random: np.random.Generator) -> Grey:
    """Return an MNIST image, uint8 [28, 28], enlarged on a sheet and degraded: uint8, grey or RGB."""
    side = round(28 * random.uniform(*ENLARGED))
    ink = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), float) / 255
    ink = np.pad(ink, random.integers(*MARGINS, (2, 2)))
    return degradation(PAPER - (PAPER - PEN) * ink, random).clip(0, 255).astype(np.uint8)
