"""Photographs: uneven light, shadows and printed lines are not ink."""

from collections.abc import Callable

import numpy as np
import pytest

from mnist_core.recognition.images import pixels_to_image
from tests.core.sevens import assert_like_mnist, canvas, difference, extents

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
    "pencil in uneven light": lambda pixels: lit(0.6 + 0.4 * ACROSS / 280)(
        255 - (255 - pixels.astype(float)) * 0.25
    ),
    "chalk in uneven light": lambda pixels: 255 - lit(1 - 0.3 * ACROSS / 280)(pixels),
    "ruled": on_lines(SLANTED + 10),
    "squared": on_lines(SLANTED + 10, ACROSS - 0.015 * DOWN + 10),
    "squared, turned by 6 degrees": on_lines(DOWN + 0.1 * ACROSS + 10, ACROSS - 0.1 * DOWN + 60),
    "squared, in uneven light": lambda pixels: lit(0.5 + 0.5 * DOWN / 280)(
        on_lines(SLANTED + 10, ACROSS - 0.015 * DOWN + 10)(pixels)
    ),
}


@pytest.mark.parametrize("way", PHOTOS)
def test_light_shadows_and_printed_lines_are_not_ink(way: str) -> None:
    seen = pixels_to_image(PHOTOS[way](canvas()))
    assert_like_mnist(seen)
    assert difference(seen, pixels_to_image(canvas())) < (
        15 if "turned" in way else 6
    )  # it is turned, and back


@pytest.mark.parametrize("way", ["window to the right", "ruled", "squared", "squared, turned by 6 degrees"])
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
