"""A generator of synthetic handwriting: random variations of the glyphs, drawn as MNIST images.

Each image has its own glyph, point positions, slant, proportions, distortion, pen width and quality: clean
strokes, rendered by the same function as a visitor's drawing, or those of a scan or picture.
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
from mnist_core.synthetic.glyphs import DIGIT_GLYPHS, Glyph
from mnist_core.synthetic.scan_quality import scan_strokes

# Lengths are in glyph units: a glyph is 100 high.
POINTS_PER_SEGMENT = 6  # rendered points from one point of a glyph to the next
JITTER = 3.2  # standard deviation of each point's position, for the average writer
STROKE_JITTER = 1.8  # standard deviation of each stroke's position, likewise
CARE = (0.2, 1.8)  # range of a writer's share of JITTER, STROKE_JITTER and WAVE_AMPLITUDE
WAVES = 3  # sine waves that distort the glyph
WAVE_AMPLITUDE = 3.0  # standard deviation of each wave's amplitude, in x and y, likewise
SLANT = (-0.2, 0.5)  # range of the shear to the right, per height
MAX_ROTATION = 10.0  # degrees, in both directions
WIDTH_FACTORS = (0.55, 1.45)  # range of the horizontal scale
PEN_WIDTHS = (0.8, 2.0, 4.5)  # pixels: minimum, mode and maximum of a triangular distribution
SCANNED = 0.5  # share of images in the quality of scans and pictures
SHAKY = 0.15  # share of images with a shaky line
TREMOR = 1.6  # largest standard deviation of a shaky line's points
FEW_POINTS = 0.12  # share of images with straight lines between few points, as from a slow mouse

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
    return Split(render_glyphs([DIGIT_GLYPHS[digit] for digit in labels.tolist()], random), labels)


def generate_all_forms(count: int, seed: int) -> NDArray[np.uint8]:
    """Generate each form of a digit, however rare, in turn, the digits in order: uint8 [count, 28, 28]."""
    forms = [(glyph,) for glyphs in DIGIT_GLYPHS.values() for glyph in glyphs]
    return render_glyphs([forms[number % len(forms)] for number in range(count)], np.random.default_rng(seed))


def render_glyphs(choices: Sequence[tuple[Glyph, ...]], random: np.random.Generator) -> NDArray[np.uint8]:
    """Render one random glyph of each choice: uint8 [N, 28, 28]."""
    images = np.empty((len(choices), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for index, strokes in enumerate(write_glyphs(choices, random)):
        images[index] = render_in_some_quality(strokes, random)
    return images


def write_glyphs(choices: Sequence[tuple[Glyph, ...]], random: np.random.Generator) -> list[list[Points]]:
    """Write one random glyph of each choice: N lists of strokes, [points, 2] each, in glyph units."""
    glyphs = [_choose_glyph(choice, random) for choice in choices]
    written: list[list[Points]] = [[] for _ in glyphs]
    for glyph in dict.fromkeys(glyphs):
        indices = [index for index, other in enumerate(glyphs) if other == glyph]
        for index, strokes in zip(indices, sample_strokes(glyph, len(indices), random), strict=True):
            written[index] = strokes
    return written


def render_in_some_quality(strokes: list[Points], random: np.random.Generator) -> NDArray[np.uint8]:
    """Render strokes, [points, 2] each, with a random hand, pen and quality: uint8 [28, 28]."""
    pen, shaky, few, scanned = random.triangular(*PEN_WIDTHS), *random.random(3)
    if shaky < SHAKY:
        strokes = [_shaken(stroke, random) for stroke in strokes]
    if few < FEW_POINTS:
        strokes = [_with_few_points(stroke, random) for stroke in strokes]
    return scan_strokes(strokes, pen, random) if scanned < SCANNED else render_strokes(strokes, max(pen, 1.0))


def _shaken(stroke: Points, random: np.random.Generator) -> Points:
    """Move each point of a stroke [points, 2] by a random distance, at most TREMOR on average."""
    return stroke + random.normal(0, random.uniform(0.3, TREMOR), stroke.shape)


def _with_few_points(stroke: Points, random: np.random.Generator) -> Points:
    """Keep each second to fifth point of a stroke [points, 2], and its ends."""
    step = int(random.integers(2, 6))
    return np.concatenate([stroke[:-1:step], stroke[-1:]])


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
    care = random.uniform(*CARE, (count, 1, 1))
    strokes = [_sample_stroke(spline, care, random) for spline in splines]
    return _distort(np.concatenate(strokes, axis=1), care, random)


def _angles_within(points: Points, first: StrokeSpline, degrees: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether the direction from the start of stroke `first` to its top is within `degrees`, bool [count].

    `points` are [count, m, 2].
    """
    top = int((first.basis @ (first.starts + first.ends))[:, 1].argmin())
    across, down = (points[:, top] - points[:, 0]).T
    angles = np.degrees(np.arctan2(-down, across))
    within: NDArray[np.bool_] = (degrees[0] <= angles) & (angles <= degrees[1])
    return within


def _sample_stroke(spline: StrokeSpline, care: Points, random: np.random.Generator) -> Points:
    """Sample the control points of a stroke by writers of `care` [count, 1, 1]: curves [count, m, 2]."""
    count = len(care)
    fraction = random.random((count, len(spline.starts), 1))
    points = spline.starts + fraction * (spline.ends - spline.starts)
    jitter = random.normal(0, JITTER, points.shape) + random.normal(0, STROKE_JITTER, (count, 1, 2))
    points += care * jitter
    curves: Points = spline.basis @ points
    return curves


def _distort(points: Points, care: Points, random: np.random.Generator) -> Points:
    """Distort [count, m, 2] by sine waves and a random affine map (width, slant, rotation)."""
    count = len(points)
    for _ in range(WAVES):
        wave = random.normal(0, 0.03, (count, 2, 1))
        push = care * random.normal(0, WAVE_AMPLITUDE, (count, 1, 2))
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
