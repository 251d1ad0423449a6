"""A generator of images that show no digit, to train and measure how a network refuses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.synthetic.generator import Points, render_glyphs, render_in_some_quality, write_glyphs
from mnist_core.synthetic.glyphs import DIGIT_GLYPHS, Glyph
from mnist_core.synthetic.non_digit_glyphs import (
    CHINESE_GLYPHS,
    GREEK_GLYPHS,
    LETTER_GLYPHS,
    OTHER_HANDS,
    SHAPE_GLYPHS,
)

HALVED = (0, 2, 3)  # digits whose left half is unlike any digit

Random = np.random.Generator


def generate_non_digits(count: int, seed: int, kinds: tuple[str, ...] = ()) -> NDArray[np.uint8]:
    """Generate images of `kinds` of NON_DIGITS, all by default, in turn: uint8 [count, 28, 28].

    The kinds follow each other: of n kinds, the first has the images 0, n, 2n.
    """
    random, kinds = np.random.default_rng(seed), kinds or TRAINED_KINDS
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for number, kind in enumerate(kinds):
        images[number :: len(kinds)] = NON_DIGITS[kind](len(images[number :: len(kinds)]), random)
    return images


def scribble(random: Random) -> Points:
    """Generate one random stroke, [points, 2]: a damped random walk with a pull to the centre."""
    count, damping = random.integers(40, 160), random.uniform(0.75, 0.92)
    position, velocity, points = np.zeros(2), np.zeros(2), []
    for push in random.normal(0, 6, (count, 2)):
        velocity = damping * velocity + push - 0.03 * position
        position = position + velocity
        points.append(position)
    return np.array(points)


def _of(glyphs: Mapping[str, tuple[Glyph, ...]]) -> Callable[[int, Random], NDArray[np.uint8]]:
    """Return a generator of images uint8 [count, 28, 28], each of a random one of `glyphs`."""

    def generate(count: int, random: Random) -> NDArray[np.uint8]:
        kinds = list(glyphs.values())
        return render_glyphs([kinds[index] for index in random.integers(len(kinds), size=count)], random)

    return generate


def _drawn(draw: Callable[[Random], list[Points]]) -> Callable[[int, Random], NDArray[np.uint8]]:
    """Return a generator of images uint8 [count, 28, 28] of the strokes that `draw` returns."""

    def generate(count: int, random: Random) -> NDArray[np.uint8]:
        images = [render_in_some_quality(draw(random), random) for _ in range(count)]
        return np.array(images, np.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)

    return generate


def _random_sign(random: Random) -> list[Points]:
    """Draw a sign of no script: three to seven strokes between random points, straight or curved."""
    strokes = []
    for _ in range(random.integers(3, 8)):
        ends = random.uniform(0, 100, (3, 2))
        bend = ends[1] if random.random() < 0.4 else ends[[0, 2]].mean(axis=0) + random.normal(0, 4, 2)
        times = np.linspace(0, 1, 8)[:, None]
        strokes.append((1 - times) ** 2 * ends[0] + 2 * times * (1 - times) * bend + times**2 * ends[2])
    return strokes


def _outline(random: Random) -> list[Points]:
    """Draw an outline with bays, a polygon, a spiral, or a zigzag of many turns."""
    kind = random.integers(4)
    if kind == 0:
        return [_wavy_ring(random)]
    if kind == 1:
        count = int(random.integers(3, 7))
        angles = (np.arange(count) + random.uniform(-0.25, 0.25, count) + random.random()) * 2 * np.pi / count
        corners = random.uniform(30, 50, (len(angles), 1)) * np.stack(
            [np.cos(angles), np.sin(angles)], axis=1
        )
        return [np.concatenate([corners, corners[:1]])]
    if kind == 2:
        angles = np.linspace(0, random.choice([-1, 1]) * random.uniform(3.2, 8) * np.pi, 60)
        reach = np.linspace(random.uniform(0, 15), 50, 60)[:, None]
        angles += random.uniform(0, 6)
        return [reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    turns = int(random.integers(7, 12))  # fewer are an angular 3
    zigzag = np.stack([np.linspace(0, 100, turns), np.where(np.arange(turns) % 2, 80, 20)], axis=1)
    zigzag += random.normal(0, 8, zigzag.shape)
    return [zigzag[:, :: int(random.choice([-1, 1]))]]


def _wavy_ring(random: Random) -> Points:
    """Draw a closed line with three to six bays, [points, 2]."""
    angles = np.linspace(0, 2 * np.pi, 50)
    waves = random.uniform(0.2, 0.45) * np.cos(random.integers(3, 7) * angles + random.uniform(0, 6))
    waves += random.uniform(0, 0.25) * np.cos(random.integers(2, 8) * angles + random.uniform(0, 6))
    across, down = np.cos(angles), np.sin(angles) * random.uniform(0.6, 1.3)
    ring: Points = 50 * (1 + waves)[:, None] * np.stack([across, down], axis=1)
    return ring


def _crossed_out(random: Random) -> list[Points]:
    """Draw a digit that is crossed out by lines or a zigzag."""
    digit = write_glyphs([DIGIT_GLYPHS[int(random.integers(10))]], random)[0]
    points = np.concatenate(digit)
    low, extent = points.min(axis=0), np.ptp(points, axis=0) + 20
    if random.random() < 0.5:  # a zigzag
        turns = random.integers(5, 11)
        across = np.where(np.arange(turns) % 2, 1.05, -0.05) + random.normal(0, 0.08, turns)
        zigzag = np.stack([across, np.linspace(0.1, 0.9, turns) + random.normal(0, 0.03, turns)], axis=1)
        return [*digit, low - 10 + zigzag * extent]
    lines = random.uniform(0.1, 0.9, (random.integers(2, 5), 2))
    return [*digit, *(low - 10 + np.array([[-0.15, left], [1.15, right]]) * extent for left, right in lines)]


def _piece(random: Random) -> list[Points]:
    """Draw the left half of a digit of which that half is unlike any digit."""
    digit = write_glyphs([DIGIT_GLYPHS[int(random.choice(HALVED))]], random)[0]
    across = np.concatenate(digit)[:, 0]
    cut = across.min() + random.uniform(0.4, 0.5) * np.ptp(across)
    return [piece for stroke in digit for piece in _runs(stroke, stroke[:, 0] <= cut)] or digit


def _runs(stroke: Points, kept: NDArray[np.bool_]) -> list[Points]:
    """Return the runs of at least two `kept` points [n] of a stroke [n, 2]."""
    changes = np.flatnonzero(np.diff(kept)) + 1
    runs = zip(np.split(stroke, changes), np.split(kept, changes), strict=True)
    return [run for run, keep in runs if keep[0] and len(run) > 1]


def _two_digits(random: Random) -> list[Points]:
    """Draw two digits side by side."""
    first, second = write_glyphs([DIGIT_GLYPHS[int(digit)] for digit in random.integers(10, size=2)], random)
    start = np.concatenate(first)[:, 0].max() - np.concatenate(second)[:, 0].min() + random.uniform(8, 40)
    return [*first, *(stroke + np.array([start, 0]) for stroke in second)]


KINDS_OF_GLYPHS: dict[str, dict[str, tuple[Glyph, ...]]] = {
    "letters": LETTER_GLYPHS,
    "shapes": SHAPE_GLYPHS,
    "greek": GREEK_GLYPHS,
    "chinese": CHINESE_GLYPHS,
    "other hands": OTHER_HANDS,
}
"""The kinds of NON_DIGITS that are drawn from glyphs, and these by name."""

NON_DIGITS: dict[str, Callable[[int, Random], NDArray[np.uint8]]] = {
    "letters": _of(LETTER_GLYPHS),
    "shapes": _of(SHAPE_GLYPHS),
    "scribbles": _drawn(lambda random: [scribble(random)]),
    "greek": _of(GREEK_GLYPHS),
    "chinese": _of(CHINESE_GLYPHS),
    "signs": _drawn(_random_sign),
    "outlines": _drawn(_outline),
    "crossed out": _drawn(_crossed_out),
    "pieces": _drawn(_piece),
    "two digits": _drawn(_two_digits),
    "other hands": _of(OTHER_HANDS),
}
"""Kinds of non-digits: generators of `count` images, uint8 [count, 28, 28]."""

TRAINED_KINDS = tuple(kind for kind in NON_DIGITS if kind != "other hands")
"""The kinds that a classifier may be trained on; "other hands" are for measuring."""
