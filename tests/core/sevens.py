"""A 7 as strokes, on a canvas and in a file, and measures of the images made from it."""

from io import BytesIO

import numpy as np
from PIL import Image

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


def grained(pixels: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(0).normal(0, 6, pixels.shape)
    return (pixels * 0.8 + 20 + grain).clip(0, 255).astype(np.uint8)
