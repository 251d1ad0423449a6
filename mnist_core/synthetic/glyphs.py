"""Glyphs of digits in the forms used around the world, and of some letters and shapes, as pen strokes.

A glyph is a list of strokes; a stroke is a text of points "x,y", x to the right and y down, with a height of
100. A smooth curve joins the points; "!" after a point makes it a corner, and "a~b" is a random point on the
line from a to b. The glyphs were entered by hand, after forms taught and used in Europe, Asia and America.
"""

from typing import NamedTuple

ANY_ANGLE = (-180.0, 180.0)  # degrees above the horizontal
UPSTROKE_ANGLES, BAR_ANGLES = (27.0, 80.0), (-15.0, 12.0)  # distinguish a 1 from an uncrossed 7
SERIF_BAR_ANGLES = (-15.0, 24.0)  # of a 7 that starts with a serif below its bar


class Glyph(NamedTuple):
    """One form of a character; `weight` is its frequency relative to the character's other forms.

    `angle_range` limits the direction from the first stroke's start to its highest point, in degrees above
    the horizontal. Random distortion then can't turn the upstroke of a 1 into the bar of a 7, or the reverse.
    """

    weight: float
    strokes: tuple[str, ...]
    angle_range: tuple[float, float] = ANY_ANGLE


def _glyph(*strokes: str, weight: float = 1.0, angle_range: tuple[float, float] = ANY_ANGLE) -> Glyph:
    return Glyph(weight, strokes, angle_range)


DIGIT_GLYPHS: dict[int, tuple[Glyph, ...]] = {
    0: (
        _glyph("38,2~30,0 6,28 4,62 26,99 52,84 60,46 48,10 30,0~24,6"),
        _glyph("30,0 58,22 60,66 32,100 6,78 2,34 22,4 40,1~46,10"),
        _glyph("24,14~30,2 4,30 4,70 30,100 58,70 56,24 34,2 20,8~30,24", weight=0.6),
        _glyph("30,0 6,28 4,62 26,99 52,84 60,46 48,10 30,0", "58,4~66,-4 2,96~-6,104", weight=0.25),
    ),
    1: (
        _glyph("20,0 20,100", weight=0.5),
        _glyph("16,16~-18,48 30,0! 30,100", weight=2.5, angle_range=UPSTROKE_ANGLES),
        _glyph("20,22~4,72 30,0! 29,100", weight=1.2, angle_range=UPSTROKE_ANGLES),
        _glyph("8,20~-44,70 30,0! 30,100", weight=2.5, angle_range=UPSTROKE_ANGLES),
        _glyph("4,16~-32,42 30,0! 28,100", weight=1.2, angle_range=UPSTROKE_ANGLES),
        _glyph("10,50~-16,92 30,0! 28,100", weight=1, angle_range=UPSTROKE_ANGLES),
        _glyph("18,20~-14,52 24,8~14,30 32,0! 28,100", weight=1, angle_range=UPSTROKE_ANGLES),
        _glyph("6,30~-36,52 12,12~-4,34 32,0! 30,100", weight=1.2, angle_range=UPSTROKE_ANGLES),
        _glyph("0,34~-30,66 20,6~6,14 32,0! 30,100", weight=1, angle_range=UPSTROKE_ANGLES),
        _glyph("8,30~-26,62 26,4 33,8 31,40 28,100", weight=0.8, angle_range=UPSTROKE_ANGLES),
        _glyph("6,22~-30,56 30,0! 38,50~26,54 28,100", weight=0.8, angle_range=UPSTROKE_ANGLES),
        _glyph(
            "14,18~-8,38 28,0! 28,100!", "6,100~-10,98 50,100~64,97", weight=1.5, angle_range=UPSTROKE_ANGLES
        ),
        _glyph(
            "4,20~-34,64 28,0! 28,100!", "10,100~-10,98 44,100~64,97", weight=1.5, angle_range=UPSTROKE_ANGLES
        ),
        _glyph("14,18~-8,38 28,0! 28,100! 4,99~-2,101 56,99", weight=0.4, angle_range=UPSTROKE_ANGLES),
        _glyph("30,0 28,100!", "4,100~-4,98 48,100~58,97", weight=0.4),
        _glyph("12,10~4,6 28,0! 28,100!", "8,2 46,0~30,1", "4,100 50,98", weight=0.3),
    ),
    2: (
        _glyph("4,22~0,34 16,2 42,2 52,24 34,56 2,96! 34,98 62,96~70,90"),
        _glyph("6,26 22,2 46,8 46,34 24,66 4,92 8,98 18,90 34,92 60,100~66,92"),
        _glyph("2,30~8,18 24,0 48,16 38,50 6,94 2,84 18,80 36,96 62,94"),
        _glyph("4,12~0,2 28,0 52,8 48,30 30,60 4,100! 58,98", weight=0.7),
        _glyph("0,6 50,4! 2,98! 58,96", weight=0.3),
    ),
    3: (
        _glyph("4,16~2,24 26,0 48,20 24,46! 54,66~58,76 28,100 0,86"),
        _glyph("0,3 50,2! 20,42! 50,54 52,82 26,100 0,88~-4,80", weight=1.6),
        _glyph("4,12 28,0 46,20 28,42 18,46 30,46 54,70 26,100 2,92"),
        _glyph("2,14 30,0 46,18 30,40 18,42 20,50 34,48 56,72 24,100 -4,90~-8,74", weight=0.8),
        _glyph("0,0 48,4~52,0 44,16 18,44! 48,56 48,86 18,100 -4,96", weight=0.6),
    ),
    4: (
        _glyph("22,0~10,4 2,60! 62,58~54,62", "46,28~40,44 42,100", weight=1.5),
        _glyph("8,0~16,2 8,38~4,46 20,56 50,46", "52,0~48,6 46,100"),
        _glyph("46,0 0,66! 64,64", "46,0 46,100", weight=0.8),
        _glyph("44,100 46,0! 0,66! 64,64", weight=0.8),
        _glyph("30,0 2,64! 58,62", "36,38~32,52 30,100", weight=1.5),
        _glyph("14,0 4,50! 52,48! ", "54,0 50,100", weight=0.6),
        _glyph("34,4~26,0 8,36 2,54 18,58 58,54", "42,22~38,36 34,100", weight=0.8),
    ),
    5: (
        _glyph("52,2 10,2! 6,44! 34,38 56,62 40,96 0,92~-4,82"),
        _glyph("10,4 6,46! 36,40 54,66 34,100 0,90", "8,4~16,8 56,2~64,-4", weight=1.6),
        _glyph("54,0 22,4 10,24 22,42 46,58 46,86 22,100 0,92", weight=0.7),
        _glyph("50,0~62,4 14,4! 2,50! 26,40 44,60 36,92 -6,100", weight=0.8),
        _glyph("14,8 12,50 22,46 48,60 40,94 6,98", "14,6 60,2", weight=0.7),
    ),
    6: (
        _glyph("40,0~50,4 14,30 2,70 20,100 48,84 44,58 20,54 4,76"),
        _glyph("22,0~34,0 6,44 6,84 28,100 50,80 36,58 8,70"),
        _glyph("54,8~58,14 34,0 8,28 2,72 26,100 54,80 40,56 6,68"),
        _glyph("30,0 10,50 12,90 34,98 44,74 28,62 12,80", weight=0.7),
    ),
    7: (
        _glyph("0,4~2,8 64,2! 24,100", weight=1.2, angle_range=BAR_ANGLES),
        _glyph("0,4 54,2! 22,100", "8,52~14,56 52,48~44,50", weight=2.2),
        _glyph("0,24~4,12 4,4! 56,2! 24,100", "10,54 52,50", weight=1.3),
        _glyph("0,22~4,12 4,4! 66,2! 28,100", weight=1, angle_range=SERIF_BAR_ANGLES),
        _glyph("0,16 10,3 34,8 66,2! 40,46 30,100", weight=0.7, angle_range=SERIF_BAR_ANGLES),
        _glyph("0,14 10,2 32,6 56,0! 32,50 24,100", "10,54 56,48", weight=1.2),
        _glyph("0,4 46,4 54,10 40,44 28,100", "12,52~18,56 54,48", weight=0.8),
    ),
    8: (
        _glyph("46,14~50,22 24,0 6,20 26,44 50,72 26,100 2,76 26,46 48,22 44,12"),
        _glyph("50,8 20,2 10,24 44,58 46,88 18,100 2,78 24,54 48,24 52,4~44,0"),
        _glyph("28,46 8,24 28,0 46,22 28,46 4,72 28,100 54,74 28,46"),
        _glyph("26,0 8,22 26,44 44,22 26,0", "26,44 2,72 28,100 54,72 28,44", weight=0.6),
        _glyph("54,4~58,10 36,14~22,0 6,22 40,54 48,82 24,100 6,78 36,44 56,12", weight=0.8),
        _glyph("10,4 40,52 44,84 22,100 4,80 24,48 48,4~54,10", weight=0.5),
    ),
    9: (
        _glyph("46,22~48,12 24,0 4,24 18,46 44,28 48,8! 46,100"),
        _glyph("48,20 26,0 4,22 20,46 46,30 50,12 48,70 26,100 2,90~-4,78", weight=2),
        _glyph("44,8 20,2 4,26 22,46 48,26 48,6! 50,60 40,96 10,100 -8,86", weight=1.2),
        _glyph("46,12 22,0 4,24 22,44 48,18 46,40 24,100"),
        _glyph("44,14 22,0 6,20 22,38 46,20 46,12 52,56 30,98 -6,96~0,80", weight=0.9),
    ),
}

LETTER_GLYPHS: dict[str, tuple[Glyph, ...]] = {
    "A": (_glyph("0,100 30,0! 60,100", "12,64 50,62"),),
    "C": (_glyph("54,14 28,0 2,44 24,98 56,84"),),
    "E": (_glyph("50,0 4,0! 2,100! 52,98", "4,48 44,46"),),
    "F": (_glyph("52,2 4,0! 2,100", "4,46 42,46"),),
    "H": (_glyph("2,0 0,100", "54,0 54,100", "2,50 54,48"),),
    "K": (_glyph("2,0 0,100", "50,0 4,54! 54,100"),),
    "L": (_glyph("4,0 2,98! 52,98"),),
    "M": (_glyph("0,100 6,0! 36,70! 66,0! 72,100"),),
    "N": (_glyph("0,100 2,0! 54,100! 56,0"),),
    "P": (_glyph("4,100 4,0", "4,2 46,10 40,46 4,54"),),
    "R": (_glyph("4,100 4,0", "4,2 46,10 40,44 4,52! 50,100"),),
    "T": (_glyph("0,2 64,0", "32,2 30,100"),),
    "U": (_glyph("0,0 4,70 28,100 52,70 54,0"),),
    "V": (_glyph("0,0 28,100! 56,0"),),
    "W": (_glyph("0,0 18,100! 38,30! 56,100! 76,0"),),
    "X": (_glyph("0,0 56,100", "54,0 0,100"),),
    "e": (_glyph("8,54 52,44 28,20 2,60 26,100 56,84"),),
    "f": (_glyph("46,6 26,4 22,40 22,100", "2,44 46,42"),),
    "h": (_glyph("4,0 2,100! 8,58 34,44 44,60 44,100"),),
    "k": (_glyph("4,0 2,100", "38,40 6,66! 42,100"),),
    "m": (_glyph("0,30 0,100! 4,50 22,32 32,52 32,100! 36,50 54,32 64,50 64,100"),),
    "n": (_glyph("0,30 0,100! 4,50 28,30 44,50 46,100"),),
    "t": (_glyph("22,0 20,84 34,100 46,92", "2,32 44,30"),),
    "w": (_glyph("0,30 10,90 26,98 36,44! 44,96 62,90 70,30"),),
}

SHAPE_GLYPHS: dict[str, tuple[Glyph, ...]] = {
    "square": (_glyph("0,0 60,0~100,0! 60,100~100,100! 0,100! 0,0"),),
    "triangle": (_glyph("40,0 80,90! 0,90! 40,0"),),
    "star": (_glyph("0,36 100,36! 20,100! 50,0! 80,100! 0,36"),),
    "plus": (_glyph("50,0 50,100", "0,50 100,50"),),
    "cross": (_glyph("0,0 90,90", "90,0 0,90"),),
    "tick": (_glyph("0,60 30,100! 90,0"),),
    "arrow": (_glyph("0,50 100,50", "70,20 100,50! 70,80"),),
    "dash": (_glyph("0,10~0,40 100,30~100,0"),),
    "heart": (_glyph("50,100 0,40 20,0 50,30! 80,0 100,40 50,100"),),
    "spiral": (_glyph("50,50 58,42 62,56 46,66 32,50 48,26 78,42 70,82 30,86 8,50 30,6 80,4"),),
    "zigzag": (_glyph("0,50 20,0! 40,100! 60,0! 80,100! 100,40"),),
    "wave": (_glyph("0,60 20,20 40,60 60,90 80,60 100,20 120,60"),),
    "hash": (_glyph("30,0 24,100", "70,0 64,100", "0,32 100,30", "0,68 100,66"),),
    "equals": (_glyph("0,20 80,18", "0,60 80,58"),),
    "smile": (_glyph("50,0 2,40 20,92 80,92 98,40 50,0", "32,36 33,42", "66,36 67,42", "26,60 50,78 74,60"),),
}
