"""Glyphs of digits in the forms used around the world, as pen strokes.

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
        # doubled, open at the top, with a curl, round
        _glyph("30,0 6,28 4,62 26,99 52,84 60,46 48,10 30,2 10,26 8,64 28,96 50,82~60,60", weight=0.4),
        _glyph("36,8~26,2 6,28 4,62 26,99 52,84 60,50 52,20~44,10", weight=0.5),
        _glyph("30,6~22,18 2,40 10,92 36,98 58,60 48,12 24,0~32,-8 60,2~70,10", weight=0.4),
        _glyph("58,0~66,6 24,8 2,52 24,100 50,76 48,30 20,8~12,0", weight=0.4),
        _glyph("50,0 14,12 0,50 14,88 50,100 86,88 100,50 86,12 50,0~36,2", weight=0.5),
        _glyph("30,0 6,28 4,62 26,99 52,84 60,46 48,10 30,0", "46,26~58,6 16,76~4,96", weight=0.25),
        _glyph("14,-4~26,6 42,24 54,66 28,100 4,70 14,30 46,2~58,-6", weight=0.4),  # its ends cross
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
        # two sides of a roof
        _glyph("0,76~-34,100 28,0! 40,100~56,98", weight=1.2, angle_range=UPSTROKE_ANGLES),
        _glyph("2,60~-24,90 28,4 32,2 38,30 44,100~36,100", weight=0.8, angle_range=UPSTROKE_ANGLES),
        # a foot, drawn without lifting the pen, or apart from the stem
        _glyph("2,46~-30,72 28,0! 28,98! 2,100~-12,97 56,98~64,94", weight=0.6, angle_range=UPSTROKE_ANGLES),
        _glyph("28,0 28,98! 2,100~10,97 54,98", weight=0.3),
        _glyph(
            "14,18~-10,44 28,0! 28,90", "2,108~-14,98 54,106~66,96", weight=0.7, angle_range=UPSTROKE_ANGLES
        ),
        _glyph("8,30~-20,62 30,0! 30,88 40,100~20,102", weight=0.6, angle_range=UPSTROKE_ANGLES),
        _glyph("-6,44~-24,64 18,28 30,0! 30,100", weight=0.7, angle_range=UPSTROKE_ANGLES),
    ),
    2: (
        _glyph("4,22~0,34 16,2 42,2 52,24 34,56 2,96! 34,98 62,96~70,90"),
        _glyph("6,26 22,2 46,8 46,34 24,66 4,92 8,98 18,90 34,92 60,100~66,92"),
        _glyph("2,30~8,18 24,0 48,16 38,50 6,94 2,84 18,80 36,96 62,94"),
        _glyph("4,12~0,2 28,0 52,8 48,30 30,60 4,100! 58,98", weight=0.7),
        _glyph("0,6 50,4! 2,98! 58,96", weight=0.3),
        # large loop, curl at the start, no loop
        _glyph("2,22~8,30 22,0 48,16 40,48 14,90 0,92 6,78 26,84 44,100 64,90", weight=0.8),
        _glyph("18,24~10,32 4,14 24,0 48,16 36,52 4,98! 58,98~66,90", weight=0.5),
        _glyph("0,30~-4,18 10,6 34,0 50,20 34,58 2,100 28,92 64,100~70,94", weight=0.7),
        _glyph("4,22 24,0 46,20 30,60 4,98! 40,96~52,100", weight=0.7),
        _glyph("0,8~4,14 24,0 50,6 46,26 6,94! 60,98~54,86", weight=0.5),
    ),
    3: (
        _glyph("4,16~2,24 26,0 48,20 24,46! 54,66~58,76 28,100 0,86"),
        _glyph("0,3 50,2! 20,42! 50,54 52,82 26,100 0,88~-4,80", weight=1.6),
        _glyph("4,12 28,0 46,20 28,42 18,46 30,46 54,70 26,100 2,92"),
        _glyph("2,14 30,0 46,18 30,40 18,42 20,50 34,48 56,72 24,100 -4,90~-8,74", weight=0.8),
        _glyph("0,0 48,4~52,0 44,16 18,44! 48,56 48,86 18,100 -4,96", weight=0.6),
        # narrow with hardly a middle, flat, angular
        _glyph("4,10~0,18 24,0 40,18 28,42~34,46 44,70 24,100 0,90", weight=0.9),
        _glyph("4,6~0,0 42,2~36,0! 14,38~24,44! 44,56~52,62 40,84 8,100~0,94", weight=0.9),
        _glyph("8,0 44,6~38,0! 20,40! 46,58~40,52! 38,84 4,100", weight=0.4),
        _glyph("0,2 46,0! 22,38~28,34 48,48 50,78 26,100 0,90~4,82", weight=0.8),
        _glyph("6,14 28,0 44,20 24,46 20,46 52,66 30,100 4,92 8,80~14,76", weight=0.4),
    ),
    4: (
        _glyph("22,0~10,4 2,60! 62,58~54,62", "46,28~40,44 42,100", weight=1.5),
        _glyph("8,0~16,2 8,38~4,46 20,56 50,46", "52,0~48,6 46,100"),
        _glyph("46,0 0,66! 64,64", "46,0 46,100", weight=0.8),
        _glyph("44,100 46,0! 0,66! 64,64", weight=0.8),
        _glyph("30,0 2,64! 58,62", "36,38~32,52 30,100", weight=1.5),
        _glyph("14,0 4,50! 52,48! ", "54,0 50,100", weight=0.6),
        _glyph("34,4~26,0 8,36 2,54 18,58 58,54", "42,22~38,36 34,100", weight=0.8),
        # open, with a hooked, short or leaning stem
        _glyph("10,0~4,6 2,46 14,56 40,46~46,40", "46,12~40,0 46,58 34,100~18,102", weight=0.7),
        _glyph("22,0~10,4 2,60! 62,58~54,50", "46,36~38,48 44,86~40,74", weight=0.7),
        _glyph("14,0 0,48! 46,46~52,50 52,14~48,4! 44,100", weight=0.7),
        _glyph("18,0~12,8 2,50~8,58 40,48 52,26~46,34! 44,66 26,102~36,100", weight=0.8),
        _glyph("14,2~20,6 2,44~0,52! 16,50 44,30~50,40! 32,100~20,100", weight=0.7),
        # with a loop, round on the left
        _glyph("26,0 4,50 6,62 18,58 10,46~16,42 40,54 62,54~56,60", "44,24~48,34 40,100", weight=0.5),
        _glyph("20,0 2,56! 50,58 62,46 52,28 46,60 40,100~48,100", weight=0.5),
        _glyph("44,2~52,8 14,22 2,50 16,64 56,58~50,64", "48,0~44,10 46,100", weight=0.8),
        _glyph("30,0~36,6 6,40 4,58 52,54", "50,6~44,-4 40,100~30,98", weight=0.6),
        _glyph("46,0~52,4 6,42 8,60 46,52~52,56", "48,2~44,10 46,100", weight=0.6),
    ),
    5: (
        _glyph("52,2 10,2! 6,44! 34,38 56,62 40,96 0,92~-4,82"),
        _glyph("10,4 6,46! 36,40 54,66 34,100 0,90", "8,4~16,8 56,2~64,-4", weight=1.6),
        _glyph("54,0 22,4 10,24 22,42 46,58 46,86 22,100 0,92", weight=0.7),
        _glyph("50,0~62,4 14,4! 2,50! 26,40 44,60 36,92 -6,100", weight=0.8),
        _glyph("14,8 12,50 22,46 48,60 40,94 6,98", "14,6 60,2", weight=0.7),
        # a bar that is high, long, or missing; a flat or angular belly
        _glyph("10,8 6,46! 36,40 54,66 34,100 0,90", "8,-6~16,2 58,-14~64,0", weight=0.8),
        _glyph("10,2~4,0 6,46! 36,40 54,66 34,100 0,90", weight=0.3),
        _glyph("70,0~86,-6 12,6! 6,46~10,38! 40,44 48,66 20,100 -4,96~-10,88", weight=0.7),
        _glyph("62,4~80,0 10,4! 8,36 34,44 40,70 4,100~-12,96", weight=0.7),
        _glyph("52,0 6,0! 4,46! 40,44~50,48! 48,98~44,90! 0,98", weight=0.4),
        _glyph("54,0~60,6 14,2! 8,40 40,46~34,40 46,72 30,98 -4,94", weight=0.6),
        _glyph("22,4~14,0 16,44! 40,42 50,68 26,100 2,94", "0,0~-6,4 56,-6~62,2", weight=0.5),
    ),
    6: (
        _glyph("40,0~50,4 14,30 2,70 20,100 48,84 44,58 20,54 4,76"),
        _glyph("22,0~34,0 6,44 6,84 28,100 50,80 36,58 8,70"),
        _glyph("54,8~58,14 34,0 8,28 2,72 26,100 54,80 40,56 6,68"),
        _glyph("30,0 10,50 12,90 34,98 44,74 28,62 12,80", weight=0.7),
        # a tiny, large or open loop, a straight back
        _glyph("30,0~42,6 8,50 10,92 26,100 36,84~30,76 18,76 10,90", weight=0.6),
        _glyph("44,0 8,28 0,66 24,100 54,76 44,46 10,52~4,60", weight=0.7),
        _glyph("34,0 6,44 6,84 28,100 48,82 40,62 22,66~10,76", weight=0.6),
        _glyph("28,0~16,0 4,62 10,94 30,100 46,82 32,62 6,76", weight=0.8),
        _glyph("46,4~36,0 10,30 2,72 22,100 46,84 36,62 16,72 14,84~24,86", weight=0.4),
    ),
    7: (
        _glyph("0,4~2,8 64,2! 24,100", weight=1.2, angle_range=BAR_ANGLES),
        _glyph("0,4 54,2! 22,100", "8,52~14,56 52,48~44,50", weight=2.2),
        _glyph("0,24~4,12 4,4! 56,2! 24,100", "10,54 52,50", weight=1.3),
        _glyph("0,22~4,12 4,4! 66,2! 28,100", weight=1, angle_range=SERIF_BAR_ANGLES),
        _glyph("0,16 10,3 34,8 66,2! 40,46 30,100", weight=0.7, angle_range=SERIF_BAR_ANGLES),
        _glyph("0,14 10,2 32,6 56,0! 32,50 24,100", "10,54 56,48", weight=1.2),
        _glyph("0,4 46,4 54,10 40,44 28,100", "12,52~18,56 54,48", weight=0.8),
        # a bar that is low, falls, is wavy, or is joined to the stem by a loop
        _glyph("0,4 54,2! 22,100", "4,66~12,74 48,64~40,68", weight=0.6),
        _glyph("0,4 54,2! 22,100", "8,42~14,48 54,60~46,54", weight=0.5),
        _glyph("0,8~4,14 8,2 54,2! 22,100", "8,60~12,52 18,46 32,54 52,46~46,40", weight=0.4),
        _glyph("0,4 54,2! 36,50 24,96 12,82~8,86 18,62 56,46~50,54", weight=0.6, angle_range=BAR_ANGLES),
        _glyph("0,6 52,2~58,6! 30,48 26,80 34,100~20,100", "6,50~12,56 50,50", weight=0.5),
    ),
    8: (
        _glyph("46,14~50,22 24,0 6,20 26,44 50,72 26,100 2,76 26,46 48,22 44,12"),
        _glyph("50,8 20,2 10,24 44,58 46,88 18,100 2,78 24,54 48,24 52,4~44,0"),
        _glyph("28,46 8,24 28,0 46,22 28,46 4,72 28,100 54,74 28,46"),
        _glyph("26,0 8,22 26,44 44,22 26,0", "26,44 2,72 28,100 54,72 28,44", weight=0.6),
        _glyph("54,4~58,10 36,14~22,0 6,22 40,54 48,82 24,100 6,78 36,44 56,12", weight=0.8),
        _glyph("10,4 40,52 44,84 22,100 4,80 24,48 48,4~54,10", weight=0.5),
        # open at the top or bottom, two circles, tiny upper loop
        _glyph("44,6~52,14 22,2 8,20 28,46 50,72 28,100 4,78 22,52 38,26~46,16", weight=0.8),
        _glyph("26,0 8,22 26,42 44,22 26,0~20,4", "26,54~26,46 2,76 28,100 54,76 24,52~36,56", weight=0.5),
        _glyph("26,44 8,24 28,0 46,22 26,46 6,70 24,100 50,82~44,66", weight=0.5),
        _glyph("36,20 26,4 16,16 40,60 44,86 20,100 4,76 30,42 38,18~44,10", weight=0.6),
        _glyph("46,8 20,0 4,20 44,60 46,88 18,100 2,80 44,20~56,0", weight=0.7),
        _glyph("30,42~36,46 6,28 28,0 50,20 30,46 0,72 28,100 58,76 24,44~16,40", weight=0.5),
        _glyph("4,16~10,6 30,0 44,10 24,40 6,76 22,100 46,80 28,46 10,18~4,26", weight=0.6),
        _glyph("40,4~34,10 22,2 16,14 30,44 44,74 24,100 2,78 24,46 40,12~32,20", weight=0.5),
        _glyph("30,2 22,12 26,44 48,72 28,100 4,78 24,46 32,14 30,2~36,6", weight=0.4),
    ),
    9: (
        _glyph("46,22~48,12 24,0 4,24 18,46 44,28 48,8! 46,100"),
        _glyph("48,20 26,0 4,22 20,46 46,30 50,12 48,70 26,100 2,90~-4,78", weight=2),
        _glyph("44,8 20,2 4,26 22,46 48,26 48,6! 50,60 40,96 10,100 -8,86", weight=1.2),
        _glyph("46,12 22,0 4,24 22,44 48,18 46,40 24,100"),
        _glyph("44,14 22,0 6,20 22,38 46,20 46,12 52,56 30,98 -6,96~0,80", weight=0.9),
        # like a g, with a tiny, pointed, curled-in or open bowl, with a long straight or hooked tail
        _glyph("46,20 26,0 4,20 18,40 44,24 48,8! 50,70 34,98 6,96 -8,80~4,68", weight=0.9),
        _glyph("40,10 28,0 18,14 28,28 42,12~38,6! 44,60 36,100~20,98", weight=0.5),
        _glyph("34,20~26,22 44,6~48,12 22,0 6,20 18,40 44,26 46,50 34,100", weight=0.5),
        _glyph("38,4~46,10 14,4 4,24 22,40 42,28~38,32 46,54 38,88 8,100~-4,92", weight=0.9),
        _glyph("44,20 26,0 6,16 16,34 40,24 44,8! 34,100~48,100", weight=0.9),
        _glyph("46,4~40,0 8,10~2,18! 12,36 42,26 48,4! 34,100~44,100", weight=0.5),
        _glyph("50,10~44,4 20,0 2,22 20,42 48,20 52,0~48,8! 46,100 20,98~30,106", weight=0.6),
    ),
}
