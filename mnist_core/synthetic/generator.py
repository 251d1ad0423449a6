"""A generator of synthetic handwriting: random variations of the glyphs, drawn as MNIST images.

Each image has its own glyph, point positions, slant, proportions, distortion and pen width. Strokes are
rendered by the same function as a visitor's drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Split
from mnist_core.data.mnist_format import IMAGE_SIZE, render_strokes
from mnist_core.synthetic.glyphs import DIGIT_GLYPHS, LETTER_GLYPHS, SHAPE_GLYPHS, Glyph

# Lengths are in glyph units: a glyph is 100 high.
POINTS_PER_SEGMENT = 6  # rendered points from one point of a glyph to the next
JITTER = 3.0  # standard deviation of each point's position
STROKE_JITTER = 1.5  # standard deviation of each stroke's position
WAVES = 3  # sine waves that distort the glyph
WAVE_AMPLITUDE = 2.8  # standard deviation of each wave's amplitude, in x and y
SLANT = (-0.15, 0.45)  # range of the shear to the right, per height
MAX_ROTATION = 8.0  # degrees, in both directions
WIDTH_FACTORS = (0.65, 1.3)  # range of the horizontal scale
PEN_WIDTHS = (1.0, 2.2, 4.5)  # pixels: minimum, mode and maximum of a triangular distribution

Points = NDArray[np.float64]


class StrokeSpline(NamedTuple):
    """A stroke of n control points, each anywhere on the line from its `starts` to its `ends` [n, 2].

    The curve's m points are `basis` [m, n] times the control points.
    """

    starts: Points
    ends: Points
    basis: Points


def generate_digits(count: int, seed: int) -> Split:
    """Generate `count` digits, equally many of each, in random order: uint8 [count, 28, 28] and labels."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
    return Split(_render([DIGIT_GLYPHS[digit] for digit in labels.tolist()], random), labels)


def generate_non_digits(count: int, seed: int) -> NDArray[np.uint8]:
    """Generate letters unlike any digit, shapes, and scribbles, a third each: uint8 [count, 28, 28]."""
    random = np.random.default_rng(seed)
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for number, kind in enumerate((list(LETTER_GLYPHS.values()), list(SHAPE_GLYPHS.values()))):
        chosen = random.integers(len(kind), size=len(images[number::3]))
        images[number::3] = _render([kind[index] for index in chosen], random)
    for image in images[2::3]:
        image[:] = render_strokes([scribble(random)], random.triangular(*PEN_WIDTHS))
    return images


def scribble(random: np.random.Generator) -> Points:
    """Generate one random stroke, [points, 2]: a damped random walk with a pull to the centre."""
    count, damping = random.integers(20, 120), random.uniform(0.75, 0.92)
    position, velocity, points = np.zeros(2), np.zeros(2), []
    for push in random.normal(0, 6, (count, 2)):
        velocity = damping * velocity + push - 0.03 * position
        position = position + velocity
        points.append(position)
    return np.array(points)


def _render(choices: Sequence[tuple[Glyph, ...]], random: np.random.Generator) -> NDArray[np.uint8]:
    """Render one random glyph of each choice: uint8 [N, 28, 28]."""
    glyphs = [_choose_glyph(choice, random) for choice in choices]
    images = np.empty((len(glyphs), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for glyph in dict.fromkeys(glyphs):
        indices = [index for index, other in enumerate(glyphs) if other == glyph]
        for index, strokes in zip(indices, sample_strokes(glyph, len(indices), random), strict=True):
            images[index] = render_strokes(strokes, random.triangular(*PEN_WIDTHS))
    return images


def _choose_glyph(glyphs: tuple[Glyph, ...], random: np.random.Generator) -> Glyph:
    weights = np.array([glyph.weight for glyph in glyphs])
    return glyphs[random.choice(len(glyphs), p=weights / weights.sum())]


def sample_strokes(glyph: Glyph, count: int, random: np.random.Generator) -> list[list[Points]]:
    """Sample `count` random variations of `glyph`: for each, its strokes of points [n, 2] in glyph units.

    Variations whose first stroke is outside the glyph's `angle_range` are drawn again.
    """
    splines = [_parse_stroke(stroke) for stroke in glyph.strokes]
    points = _sample_glyphs(splines, count, random)
    while (rejected := ~_angles_within(points, splines[0], glyph.angle_range)).any():
        points[rejected] = _sample_glyphs(splines, int(rejected.sum()), random)
    ends = np.cumsum([len(spline.basis) for spline in splines])[:-1]
    return [np.split(sample, ends) for sample in points]


def _sample_glyphs(splines: list[StrokeSpline], count: int, random: np.random.Generator) -> Points:
    """Sample `count` variations of a glyph: the points of all its strokes, [count, m, 2]."""
    strokes = [_sample_stroke(spline, count, random) for spline in splines]
    return _distort(np.concatenate(strokes, axis=1), random)


def _angles_within(points: Points, first: StrokeSpline, degrees: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether the direction from the start of stroke `first` to its top is within `degrees`, bool [count].

    `points` are [count, m, 2].
    """
    top = int((first.basis @ (first.starts + first.ends))[:, 1].argmin())
    across, down = (points[:, top] - points[:, 0]).T
    angles = np.degrees(np.arctan2(-down, across))
    within: NDArray[np.bool_] = (degrees[0] <= angles) & (angles <= degrees[1])
    return within


def _sample_stroke(spline: StrokeSpline, count: int, random: np.random.Generator) -> Points:
    """Sample the control points of a stroke and return the points of the curves, [count, m, 2]."""
    fraction = random.random((count, len(spline.starts), 1))
    points = spline.starts + fraction * (spline.ends - spline.starts)
    points += random.normal(0, JITTER, points.shape) + random.normal(0, STROKE_JITTER, (count, 1, 2))
    curves: Points = spline.basis @ points
    return curves


def _distort(points: Points, random: np.random.Generator) -> Points:
    """Distort [count, m, 2] by sine waves and a random affine map (width, slant, rotation)."""
    count = len(points)
    for _ in range(WAVES):
        wave, push = random.normal(0, 0.03, (count, 2, 1)), random.normal(0, WAVE_AMPLITUDE, (count, 1, 2))
        points = points + push * np.sin(points @ wave + random.uniform(0, 2 * np.pi, (count, 1, 1)))
    turn = np.radians(random.uniform(-MAX_ROTATION, MAX_ROTATION, count))
    slant = random.uniform(*SLANT, count)
    cosine, sine, width = np.cos(turn), np.sin(turn), random.uniform(*WIDTH_FACTORS, count)
    rows_x = np.stack([width * cosine, -slant * cosine - sine], axis=1)
    rows_y = np.stack([width * sine, cosine - slant * sine], axis=1)
    distorted: Points = points @ np.stack([rows_x, rows_y], axis=1).swapaxes(1, 2)
    return distorted


@cache
def _parse_stroke(stroke: str) -> StrokeSpline:
    """Parse a stroke in the notation of glyphs.py."""
    ranges = [point.rstrip("!").split("~") for point in stroke.split()]
    starts, ends = (np.array([places[side].split(",") for places in ranges], float) for side in (0, -1))
    corners = [index for index, point in enumerate(stroke.split()) if point.endswith("!")]
    pieces = sorted({0, *corners, len(starts) - 1})
    basis = [_spline_basis((starts + ends) / 2, first, last) for first, last in pairwise(pieces)]
    return StrokeSpline(starts, ends, np.concatenate(basis))


def _spline_basis(points: Points, first: int, last: int) -> Points:
    """Return weights [m, n] of all n `points`: the natural cubic spline through points `first` to `last`."""
    from scipy.interpolate import CubicSpline  # slow to import

    steps = np.hypot(*np.diff(points[first : last + 1], axis=0).T)
    times = np.concatenate([[0], np.cumsum(np.sqrt(steps))])  # centripetal: no loops between close points
    positions = np.linspace(0, last - first, POINTS_PER_SEGMENT * (last - first) + 1)
    fine = np.interp(positions, np.arange(len(times)), times)
    weights = np.zeros((len(fine), len(points)))
    weights[:, first : last + 1] = CubicSpline(times, np.eye(len(times)), bc_type="natural")(fine)
    return weights
