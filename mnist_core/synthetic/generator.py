"""Handwriting of our own making: characters inked from the courses in letterforms.py, each time anew.

Each image has its own form, bent points, slant, proportions, wobble and pen; it is inked as a visitor's
strokes are, so that it looks as those do.
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

STEPS = 6  # points of the pen's course from one point of a form to the next
JITTER = 3.0  # hundredths of the height that each point is off, as a standard deviation
STROKE_JITTER = 1.5  # and that each stroke is off as a whole
WOBBLE = 2.8  # hundredths that the whole sheet is bent, as a standard deviation, in each of WAVES waves
WAVES = 3
SLANT = (-0.15, 0.45)  # to the right, as a share of the height
TURN = 8.0  # degrees each way
WIDTH = (0.65, 1.3)  # times the form's own
PENS = (1.0, 2.2, 4.5)  # pixels: thinnest, most frequent, thickest

Points = NDArray[np.float64]


class Course(NamedTuple):
    """A stroke: its [n] points lie anywhere from `starts` to `ends`, [n, 2]; `spline` [m, n] joins them."""

    starts: Points
    ends: Points
    spline: Points


def write_digits(count: int, seed: int) -> Split:
    """Write `count` digits, as many of each, in random order: uint8 [count, 28, 28] and their labels."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
    return Split(_written([DIGIT_GLYPHS[digit] for digit in labels.tolist()], random), labels)


def write_non_digits(count: int, seed: int) -> NDArray[np.uint8]:
    """Write letters that look like no digit, shapes, and scribbles, a third each: uint8 [count, 28, 28]."""
    random = np.random.default_rng(seed)
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for number, kind in enumerate((list(LETTER_GLYPHS.values()), list(SHAPE_GLYPHS.values()))):
        chosen = random.integers(len(kind), size=len(images[number::3]))
        images[number::3] = _written([kind[index] for index in chosen], random)
    for image in images[2::3]:
        image[:] = render_strokes([scribble(random)], random.triangular(*PENS))
    return images


def scribble(random: np.random.Generator) -> Points:
    """One stroke that wanders without aim, [points, 2]: a hand with momentum, drawn back to the middle."""
    count, calm = random.integers(20, 120), random.uniform(0.75, 0.92)
    place, speed, course = np.zeros(2), np.zeros(2), []
    for push in random.normal(0, 6, (count, 2)):
        speed = calm * speed + push - 0.03 * place
        place = place + speed
        course.append(place)
    return np.array(course)


def _written(choices: Sequence[tuple[Glyph, ...]], random: np.random.Generator) -> NDArray[np.uint8]:
    """Write one of the forms of each choice and ink it: uint8 [N, 28, 28]."""
    forms = [_choose(choice, random) for choice in choices]
    images = np.empty((len(forms), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for form in dict.fromkeys(forms):
        places = [index for index, other in enumerate(forms) if other == form]
        for place, strokes in zip(places, write(form, len(places), random), strict=True):
            images[place] = render_strokes(strokes, random.triangular(*PENS))
    return images


def _choose(forms: tuple[Glyph, ...], random: np.random.Generator) -> Glyph:
    weights = np.array([form.weight for form in forms])
    return forms[random.choice(len(forms), p=weights / weights.sum())]


def write(form: Glyph, count: int, random: np.random.Generator) -> list[list[Points]]:
    """Write `form` so many times, differently each time: strokes of points [n, 2] on a sheet 100 high."""
    courses = [_course(stroke) for stroke in form.strokes]
    sheets = _sheets(courses, count, random)
    while (unclear := ~_rises_within(sheets, courses[0], form.rise)).any():
        sheets[unclear] = _sheets(courses, int(unclear.sum()), random)
    ends = np.cumsum([len(course.spline) for course in courses])[:-1]
    return [np.split(sheet, ends) for sheet in sheets]


def _sheets(courses: list[Course], count: int, random: np.random.Generator) -> Points:
    """Write the strokes of a form on `count` sheets, [count, m, 2]."""
    return _moved(np.concatenate([_bent(course, count, random) for course in courses], axis=1), random)


def _rises_within(sheets: Points, first: Course, degrees: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether sheets [count, m, 2] rise so far from the first point of `first` to its highest: [count]."""
    top = int((first.spline @ (first.starts + first.ends))[:, 1].argmin())
    across, down = (sheets[:, top] - sheets[:, 0]).T
    rises = np.degrees(np.arctan2(-down, across))
    within: NDArray[np.bool_] = (degrees[0] <= rises) & (rises <= degrees[1])
    return within


def _bent(course: Course, count: int, random: np.random.Generator) -> Points:
    """Choose the points of a stroke and join them: [count, m, 2]."""
    between = random.random((count, len(course.starts), 1))
    points = course.starts + between * (course.ends - course.starts)
    points += random.normal(0, JITTER, points.shape) + random.normal(0, STROKE_JITTER, (count, 1, 2))
    joined: Points = course.spline @ points
    return joined


def _moved(sheets: Points, random: np.random.Generator) -> Points:
    """Bend, widen, slant and turn whole sheets, [count, m, 2]."""
    count = len(sheets)
    for _ in range(WAVES):
        wave, push = random.normal(0, 0.03, (count, 2, 1)), random.normal(0, WOBBLE, (count, 1, 2))
        sheets = sheets + push * np.sin(sheets @ wave + random.uniform(0, 2 * np.pi, (count, 1, 1)))
    turn, slant = np.radians(random.uniform(-TURN, TURN, count)), random.uniform(*SLANT, count)
    cosine, sine, width = np.cos(turn), np.sin(turn), random.uniform(*WIDTH, count)
    rows_x = np.stack([width * cosine, -slant * cosine - sine], axis=1)
    rows_y = np.stack([width * sine, cosine - slant * sine], axis=1)
    moved: Points = sheets @ np.stack([rows_x, rows_y], axis=1).swapaxes(1, 2)
    return moved


@cache
def _course(stroke: str) -> Course:
    """Read a stroke of letterforms.py."""
    ranges = [point.rstrip("!").split("~") for point in stroke.split()]
    starts, ends = (np.array([places[side].split(",") for places in ranges], float) for side in (0, -1))
    corners = [index for index, point in enumerate(stroke.split()) if point.endswith("!")]
    pieces = sorted({0, *corners, len(starts) - 1})
    spline = [_spline((starts + ends) / 2, first, last) for first, last in pairwise(pieces)]
    return Course(starts, ends, np.concatenate(spline))


def _spline(points: Points, first: int, last: int) -> Points:
    """Return the weights, [m, n], of all n `points` in a natural cubic spline through first to last."""
    from scipy.interpolate import CubicSpline  # slow to import

    steps = np.hypot(*np.diff(points[first : last + 1], axis=0).T)
    times = np.concatenate([[0], np.cumsum(np.sqrt(steps))])  # centripetal: no loops where points are close
    fine = np.interp(np.linspace(0, last - first, STEPS * (last - first) + 1), np.arange(len(times)), times)
    weights = np.zeros((len(fine), len(points)))
    weights[:, first : last + 1] = CubicSpline(times, np.eye(len(times)), bc_type="natural")(fine)
    return weights
