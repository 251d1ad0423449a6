"""Shapes and scribbles of random proportions, drawn by formulas, to train a classifier of non-digits.

All variations of a glyph are distortions of one outline. Here a star has four to seven points, a heart is
wide or narrow, and an arrow points anywhere. Lengths are in glyph units, about 100 high.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.synthetic.generator import Points, render_in_some_quality

Random = np.random.Generator
Strokes = list[Points]


def generate_random_shapes(shapes: int, scribbles: int, seed: int) -> NDArray[np.uint8]:
    """Generate shapes, then scribbles, in all qualities: uint8 [shapes + scribbles, 28, 28]."""
    random = np.random.default_rng(seed)
    images = np.empty((shapes + scribbles, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for number in range(len(images)):
        draw = random_shape if number < shapes else random_scribble
        images[number] = render_in_some_quality(draw(random), random)
    return images


def random_shape(random: Random) -> Strokes:
    """Draw one of SHAPES, mirrored in half of all cases: strokes, [points, 2] each."""
    strokes = list(SHAPES.values())[random.integers(len(SHAPES))](random)
    if random.random() < 0.5:
        strokes = [stroke * np.array([-1, 1]) for stroke in strokes]
    return _squeezed(strokes, random.uniform(0.7, 1.4), random.uniform(-12, 12))


def random_scribble(random: Random) -> Strokes:
    """Draw one of SCRIBBLES, turned by any angle: strokes, [points, 2] each."""
    strokes = SCRIBBLES[random.integers(len(SCRIBBLES))](random)
    return _squeezed(strokes, random.uniform(0.7, 1.5), random.uniform(0, 360))


def _squeezed(strokes: Strokes, width: float, degrees: float) -> Strokes:
    """Scale strokes [points, 2] by `width` in x, then turn them."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [stroke * np.array([width, 1]) @ turn for stroke in strokes]


def _polar(angles: Points, reach: Points | float) -> Points:
    """Return points [n, 2] at `angles` [n] in radians and distances `reach` from the origin."""
    points: Points = np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
    return points


def _ring(random: Random, radius: float = 50.0, turns: float = 1.0) -> Points:
    """Draw a circle that starts anywhere and may not quite close."""
    start, over = random.uniform(0, 2 * np.pi), random.normal(0, 0.15)
    return _polar(np.linspace(start, start + turns * 2 * np.pi + over, int(30 * turns)), radius)


def _line(*ends: tuple[float, float]) -> Points:
    """Return corners with points between them, so that a shaky hand bends the lines."""
    corners = np.array(ends, float)
    pieces = [a + (b - a) * np.linspace(0, 1, 7)[:-1, None] for a, b in pairwise(corners)]
    return np.concatenate([*pieces, corners[-1:]])


def _star(random: Random) -> Strokes:
    """Draw an outline of a star, or one of lines that cross."""
    points, start = int(random.integers(4, 8)), random.uniform(0, 2 * np.pi)
    if points > 4 and random.random() < 0.5:
        angles = start + np.arange(points + 1) * 2 * np.pi * 2 / points
        if points == 6:  # two triangles
            halves = [start + np.arange(4) * 2 * np.pi / 3 + side for side in (0, np.pi)]
            return [_jagged(_polar(half, 50), random) for half in halves]
        return [_jagged(_polar(angles, 50), random)]
    reach = np.where(np.arange(2 * points + 1) % 2, 50 * random.uniform(0.25, 0.6), 50)
    return [_jagged(_polar(start + np.arange(2 * points + 1) * np.pi / points, reach), random)]


def _jagged(corners: Points, random: Random, jitter: float = 3.0) -> Points:
    """Move corners [n, 2] at random and join them by lines."""
    moved = corners + random.normal(0, jitter, corners.shape)
    return _line(*map(tuple, moved.tolist()))


def _heart(random: Random) -> Strokes:
    """Draw a heart with lobes and a tip of any depth."""
    times = np.linspace(0, 2 * np.pi, 40) + random.choice([0, np.pi, random.uniform(0, 2 * np.pi)])
    depth = random.uniform(0.6, 1.05)
    down = -(13 * np.cos(times) - depth * (5 * np.cos(2 * times) + 2 * np.cos(3 * times) + np.cos(4 * times)))
    return [np.stack([16 * np.sin(times), down], axis=1) * 3]


def _arrow(random: Random) -> Strokes:
    """Draw an arrow to the right, left, up or down, or between these, with one head or two."""
    length, head, spread = 100.0, random.uniform(22, 50), random.uniform(0.35, 1.0)
    bend = random.normal(0, 8)
    ends = [(length, 0.0, np.pi), (0.0, 0.0, 0.0)][: 2 if random.random() < 0.25 else 1]
    strokes = [np.stack([np.linspace(0, length, 12), bend * np.sin(np.linspace(0, np.pi, 12))], axis=1)]
    for x, y, back in ends:
        tips = [(x + head * np.cos(back + s), y + head * np.sin(back + s)) for s in (spread, -spread)]
        strokes.append(_jagged(np.array([tips[0], (x, y), tips[1]]), random, 2))
    return _squeezed(strokes, 1, random.uniform(0, 360))


def _box(random: Random) -> Strokes:
    """Draw a box, as one line or four, mostly with something in it."""
    w, h = random.uniform(60, 110), 100.0
    corners = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h), (0.0, 0.0)]
    if random.random() < 0.6:
        strokes = [_jagged(np.array(corners), random)]
    else:
        strokes = [_jagged(np.array(pair), random) for pair in pairwise(corners)]
    inside = [[], [[(0, 0), (w, h)]], [[(0, 0), (w, h)], [(w, 0), (0, h)]], [[(0, h / 2), (w, h / 2)]]]
    inside.append([[(0, h / 2), (w, h / 2)], [(w / 2, 0), (w / 2, h)]])
    inside.append([[(0.2 * w, 0.6 * h), (0.4 * w, 0.85 * h), (1.1 * w, -0.1 * h)]])
    lines = inside[random.integers(len(inside))]
    return [*strokes, *(_jagged(np.array(line), random) for line in lines)]


def _triangle(random: Random) -> Strokes:
    """Draw a triangle whose angles are all above 35 degrees."""
    while True:
        corners = random.uniform(0, 100, (3, 2))
        sides = np.roll(corners, -1, axis=0) - corners
        unit = sides / np.hypot(*sides.T)[:, None]
        angles = np.degrees(np.arccos(np.clip(-(unit * np.roll(unit, 1, axis=0)).sum(axis=1), -1, 1)))
        if angles.min() > 35:
            return [_jagged(np.concatenate([corners, corners[:1]]), random, 2)]


def _house(random: Random) -> Strokes:
    """Draw a house, mostly with a door or a window."""
    w, roof = random.uniform(70, 110), random.uniform(25, 55)
    walls = [(0, 100), (0, roof), (w / 2, 0), (w, roof), (w, 100), (0, 100)]
    strokes = [_jagged(np.array(walls, float), random)]
    if random.random() < 0.4:
        strokes.append(_jagged(np.array([(0, roof), (w, roof)], float), random))
    if random.random() < 0.6:
        x, y = random.uniform(0.2, 0.5) * w, random.uniform(60, 75)
        door = [(x, 100), (x, y), (x + 0.25 * w, y), (x + 0.25 * w, 100)]
        strokes.append(_jagged(np.array(door, float), random, 2))
    return strokes


def _face(random: Random) -> Strokes:
    """Draw a round face with two eyes and a mouth."""
    strokes, apart = [_ring(random)], random.uniform(12, 24)
    high, long = random.uniform(-22, -8), random.uniform(2, 14)
    for x in (-apart, apart):
        strokes.append(_line((x, high - long / 2), (x + random.normal(0, 1.5), high + long / 2)))
    half, low, bend = random.uniform(14, 30), random.uniform(12, 24), random.uniform(-14, 18)
    across = np.linspace(-1, 1, 9)
    strokes.append(np.stack([half * across, low + bend * (1 - across**2)], axis=1))
    if random.random() < 0.3:
        strokes.append(_line((0, -6), (random.normal(0, 4), 6)))
    return strokes


def _marked_ring(random: Random) -> Strokes:
    """Draw a ring with a cross, a dot or a smaller ring in it, or with rays."""
    ring, kind = _ring(random), random.integers(4)
    if kind == 0:
        return [ring, *_cross(random)]
    if kind == 1:
        return [ring, _ring(random, random.uniform(3, 10))]
    if kind == 2:
        return [ring, _ring(random, random.uniform(15, 32))]
    angles = np.arange(random.integers(5, 10)) + random.random()
    rays = [_polar(np.full(4, angle * 2 * np.pi / len(angles)), np.linspace(60, 95, 4)) for angle in angles]
    return [ring, *rays]


def _cross(random: Random) -> Strokes:
    """Draw two lines that cross near their middles, at any angle to the page and 50 to 90 degrees apart."""
    first, apart = random.uniform(0, np.pi), np.radians(random.uniform(50, 90))
    lines = []
    for angle in (first, first + apart):
        along, middle = np.array([np.cos(angle), np.sin(angle)]), random.normal(0, 6, 2)
        reach = 50 * random.uniform(0.75, 1.1, 2)
        lines.append(middle + along * np.linspace(-reach[0], reach[1], 9)[:, None])
    return lines


def _asterisk(random: Random) -> Strokes:
    """Draw three to five lines through a point."""
    count = int(random.integers(3, 6))
    angles = (np.arange(count) + random.uniform(-0.2, 0.2, count) + random.random()) * np.pi / count
    return [_polar(np.full(5, angle), np.linspace(-50, 50, 5)) + random.normal(0, 3, 2) for angle in angles]


def _grid(random: Random) -> Strokes:
    """Draw parallel lines, level or slanted, and mostly others across them."""
    down, across = int(random.integers(2, 5)), int(random.choice([0, 2, 3]))
    slant, strokes = random.normal(0, 8, 4), []
    for count, turned in ((down, False), (across, True)):
        for place in (np.arange(count) + 0.5) / max(count, 1) * 100:
            ends = np.array([[random.normal(0, 5), place + slant[0]], [100 + random.normal(0, 5), place]])
            strokes.append(_jagged(ends[:, ::-1] if turned else ends, random, 2))
    return strokes


def _tick(random: Random) -> Strokes:
    """Draw a tick: a short line down, a long one up to the right."""
    turn, short = random.uniform(30, 50), random.uniform(18, 45)
    start = (-short * random.uniform(0.5, 1), -short)
    end = (random.uniform(50, 100), -random.uniform(80, 100))
    stroke = _jagged(np.array([start, (0, 0), end]), random, 2)
    return [stroke + np.array([0, turn])]


def _zigzag(random: Random) -> Strokes:
    """Draw a level zigzag or wave of two to seven turns."""
    turns, high = int(random.integers(4, 9)), random.uniform(25, 80)
    if random.random() < 0.5:
        corners = np.stack([np.linspace(0, 100, turns), np.where(np.arange(turns) % 2, high, 0)], axis=1)
        return [_jagged(corners, random, 5)]
    along = np.linspace(0, 100, 40)
    wave = np.sin(along / 100 * np.pi * random.uniform(2.6, 7) + random.uniform(0, 6))
    return [np.stack([along, wave * high / 2], axis=1)]


def _spiral(random: Random) -> Strokes:
    """Draw a spiral of nearly two to four turns."""
    turns, start = random.uniform(1.7, 3.8), random.uniform(0, 2 * np.pi)
    angles = start + np.linspace(0, turns * 2 * np.pi, int(24 * turns))
    return [_polar(angles, np.linspace(random.uniform(0, 10), 50, len(angles)) ** random.uniform(0.9, 1.1))]


def _infinity(random: Random) -> Strokes:
    """Draw a level infinity sign or a bow tie."""
    times = np.linspace(0, 2 * np.pi, 40) + random.uniform(0, 6)
    high = random.uniform(0.6, 1.2)
    if random.random() < 0.7:
        return [50 * np.stack([np.cos(times), high * np.sin(times) * np.cos(times)], axis=1)]
    return [_jagged(np.array([(0, 0), (100, 70 * high), (100, 0), (0, 70 * high), (0, 0)]), random)]


def _question(random: Random) -> Strokes:
    """Draw a question mark with its dot, or a hook over a small ring."""
    angles = np.linspace(np.pi * random.uniform(0.9, 1.2), np.pi * 2.45, 16)
    hook = _polar(angles, random.uniform(18, 28)) + np.array([25, 28])
    stem = np.array([[26 + random.normal(0, 2), 58], [25 + random.normal(0, 3), 72 + random.normal(0, 3)]])
    return [np.concatenate([hook, stem]), _ring(random, random.uniform(1, 5)) + np.array([25, 94])]


def _flower(random: Random) -> Strokes:
    """Draw three to seven petals around a point."""
    petals, times = int(random.integers(3, 8)), np.linspace(0, 2 * np.pi, 80)
    return [
        _polar(times + random.uniform(0, 6), 50 * np.abs(np.cos(petals * times / 2)) + random.uniform(2, 12))
    ]


def _walk(random: Random) -> Points:
    """Draw a damped random walk with a pull to the centre, longer or shorter than `scribble` draws."""
    count, damping, pull = (
        int(random.integers(30, 260)),
        random.uniform(0.7, 0.96),
        random.uniform(0.01, 0.06),
    )
    position, velocity, points = np.zeros(2), np.zeros(2), []
    for push in random.normal(0, 6, (count, 2)):
        velocity = damping * velocity + push - pull * position
        position = position + velocity
        points.append(position)
    return np.array(points)


def _walks(random: Random) -> Strokes:
    """Draw one to three random walks beside or over each other."""
    walks = [_walk(random) for _ in range(random.choice([1, 1, 2, 3]))]
    return [walk + random.normal(0, 20, 2) for walk in walks]


def _coil(random: Random) -> Strokes:
    """Draw loops along a line, as with a pen that is tried."""
    loops, radius = random.uniform(2.5, 8), random.uniform(14, 40)
    times = np.linspace(0, loops * 2 * np.pi, int(loops * 20)) + random.uniform(0, 6)
    forth = np.linspace(0, random.uniform(40, 130), len(times))
    size = radius * (1 + 0.3 * np.sin(times * random.uniform(0.1, 0.4) + random.uniform(0, 6)))
    return [np.stack([forth + size * np.cos(times), size * np.sin(times)], axis=1)]


def _hatching(random: Random) -> Strokes:
    """Draw lines to and fro, of different lengths, as when blackening an area."""
    turns = int(random.integers(6, 18))
    side = np.where(np.arange(turns) % 2, 100.0, 0.0) + random.normal(0, 14, turns)
    forth = np.linspace(0, random.uniform(60, 120), turns) + random.normal(0, 4, turns)
    return [_line(*map(tuple, np.stack([side, forth], axis=1).tolist()))]


def _ball(random: Random) -> Strokes:
    """Draw three to nine turns around a centre that moves."""
    turns = random.uniform(3, 9)
    times = np.linspace(0, turns * 2 * np.pi, int(turns * 20))
    drift = _smooth(len(times), random) * random.uniform(5, 18)
    return [_polar(times, 50 * (1 + 0.4 * _smooth(len(times), random)[:, 0])) + drift]


def _smooth(count: int, random: Random) -> Points:
    """Draw a smooth random curve, [count, 2], about normal."""
    knots = np.linspace(0, count - 1, max(4, count // 12))
    at = np.arange(count)
    return np.stack([np.interp(at, knots, random.normal(0, 1, len(knots))) for _ in range(2)], axis=1)


def _loose_curve(random: Random) -> Strokes:
    """Draw a smooth curve through seven to twelve random points."""
    from scipy.interpolate import CubicSpline  # slow to import

    corners = random.uniform(0, 100, (int(random.integers(7, 13)), 2))
    return [CubicSpline(np.arange(len(corners)), corners)(np.linspace(0, len(corners) - 1, 8 * len(corners)))]


SHAPES: dict[str, Callable[[Random], Strokes]] = {
    "star": _star,
    "heart": _heart,
    "arrow": _arrow,
    "box": _box,
    "triangle": _triangle,
    "house": _house,
    "face": _face,
    "marked ring": _marked_ring,
    "cross": _cross,
    "asterisk": _asterisk,
    "grid": _grid,
    "tick": _tick,
    "zigzag": _zigzag,
    "spiral": _spiral,
    "infinity": _infinity,
    "question": _question,
    "flower": _flower,
}

SCRIBBLES: tuple[Callable[[Random], Strokes], ...] = (_walks, _walks, _coil, _hatching, _ball, _loose_curve)
