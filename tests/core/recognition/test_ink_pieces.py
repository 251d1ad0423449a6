"""Digits in pictures with sheets, screens, frames, chequers, shadows, lines and cursors."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.recognition.images import pixels_to_image
from tests.core.sevens import assert_like_mnist, canvas, difference

ACROSS, DOWN = np.meshgrid(np.arange(280), np.arange(280))
CHEQUERS = np.where((ACROSS // 16 + DOWN // 16) % 2, 204, 255).astype(np.uint8)


def on_table(light: int, dark: int) -> Callable[[np.ndarray], np.ndarray]:
    """As a sheet that lies on a table or desk, with noise."""

    def photographed(pixels: np.ndarray) -> np.ndarray:
        photo = np.pad(pixels * (light / 255.0), ((70, 90), (110, 60)), constant_values=dark)
        return (photo + np.random.default_rng(0).normal(0, 2, photo.shape)).clip(0, 255).astype(np.uint8)

    return photographed


def with_drawing(draw: Callable[[ImageDraw.ImageDraw], object]) -> Callable[[np.ndarray], np.ndarray]:
    def drawn(pixels: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(pixels)
        draw(ImageDraw.Draw(picture))
        return np.asarray(picture)

    return drawn


def far_away(pixels: np.ndarray) -> np.ndarray:
    """As a photo of a large sheet in uneven light, the digit 4 % of it."""
    small = np.asarray(Image.fromarray(pixels).reduce(4), float)
    sheet = np.pad(small, 420, constant_values=255) * np.linspace(0.6, 1, 910)
    return (sheet + np.random.default_rng(0).normal(0, 2, sheet.shape)).clip(0, 255).astype(np.uint8)


def on_card(pixels: np.ndarray) -> np.ndarray:
    """As on a cream card with transparency around it."""
    card = np.dstack([pixels * share for share in (0.96, 0.93, 0.82)] + [np.full(pixels.shape, 255)])
    return np.pad(card, ((40, 40), (30, 50), (0, 0))).astype(np.uint8)


SEVENS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sheet on a dark table": on_table(250, 70),
    "sheet on a lighter table": on_table(180, 235),
    "small sheet on a large table": lambda pixels: np.pad(on_table(250, 70)(pixels), 100, constant_values=70),
    "table along half of the border": lambda pixels: np.pad(pixels, ((0, 40), (40, 0)), constant_values=70),
    "black screen on a white page": lambda pixels: np.pad(255 - pixels, 90, constant_values=255),
    "card on transparency": on_card,
    "chequers": lambda pixels: np.where(pixels < 128, pixels, CHEQUERS),
    "line along the top": with_drawing(lambda draw: draw.line([(0, 1), (280, 1)], 0, 3)),
    "table along the side": with_drawing(lambda draw: draw.rectangle([(0, 0), (30, 280)], 60)),
    "frame": with_drawing(lambda draw: draw.rectangle([(20, 20), (260, 262)], outline=0, width=3)),
    "box of a form": with_drawing(lambda draw: draw.rectangle([(1, 4), (277, 278)], outline=90, width=2)),
    "cursor": with_drawing(lambda draw: draw.circle((230, 200), 9, outline=170, width=2)),
    "pieces cut off": with_drawing(lambda draw: draw.line([(274, 100), (280, 130), (274, 150)], 0, 4)),
    "far away": far_away,
}


@pytest.mark.parametrize("way", SEVENS)
def test_a_digit_is_found_among_what_is_no_ink_of_it(way: str) -> None:
    seen = pixels_to_image(SEVENS[way](canvas()))
    assert_like_mnist(seen)
    assert difference(seen, pixels_to_image(canvas())) < (12 if way == "far away" else 5)


@pytest.mark.parametrize("pixels", [canvas(top=-20), canvas(left=-20), canvas(left=200)[:, 20:]])
def test_a_digit_that_the_border_cuts_keeps_its_ink(pixels: np.ndarray) -> None:
    seen, padded = pixels_to_image(pixels), pixels_to_image(np.pad(pixels, 30, constant_values=255))
    assert difference(seen, padded) < 3


def test_what_fills_the_picture_is_a_digit_if_nothing_is_on_it() -> None:
    seen = pixels_to_image(np.pad(np.zeros((100, 60), np.uint8), 10, constant_values=255))
    assert seen is not None
    assert (seen > 128).sum() > 80


@pytest.mark.parametrize("way", ["chequers", "frame", "box of a form", "far away"])
def test_a_background_without_ink_is_blank(way: str) -> None:
    assert pixels_to_image(SEVENS[way](np.full((280, 280), 255, np.uint8))) is None
