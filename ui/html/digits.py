"""Images as HTML: digits, grids, feature maps, bars, signed colours."""

import base64
import functools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image

from ui.i18n import count_text, percent_text
from ui.i18n import gettext as _

SHAPE = (28, 28)  # of a digit


@dataclass(frozen=True)
class Figure:
    """An image uint8 [28, 28] or [28, 28, 3], its caption (HTML), and its text alternative."""

    image: np.ndarray
    caption: str
    alt: str


def image_number_text(index: int) -> str:
    """Return an image's number as text in the visitor's language."""
    return _("no. {number}").format(number=count_text(index))


def png_url(image: np.ndarray) -> str:
    """Return an image uint8 [H, W], or in colours [H, W, 3 or 4], as the data URL of a PNG."""
    if image.shape == SHAPE and image.dtype == np.uint8:
        return _digit_url(image.tobytes())
    return _png_url(image)


@functools.lru_cache(1024)  # 2 MB: the images that every visitor sees first are written once
def _digit_url(pixels: bytes) -> str:
    return _png_url(np.frombuffer(pixels, np.uint8).reshape(SHAPE))


def _png_url(image: np.ndarray) -> str:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def figure_html(figure: Figure) -> str:
    """Return one image with its caption."""
    picture = f'<img src="{png_url(figure.image)}" width="28" height="28" alt="{escape(figure.alt)}">'
    return f'<figure class="lab-digit">{picture}<figcaption>{figure.caption}</figcaption></figure>'


def grid_html(figures: Iterable[Figure], columns: int, least: float = 5.5) -> str:
    """Return images in rows of `columns`, or of fewer if an image would be narrower than `least` rem."""
    cells = "".join(map(figure_html, figures))
    return f'<div class="lab-digits" style="--columns:{columns};--least:{least}rem">{cells}</div>'


def sure_text(share: float, digits: int = 1) -> str:
    """Return a confidence, 0 to 1, in percent, but never as 100: rounding must not claim certainty."""
    highest = 1 - 0.1**digits / 100
    text = percent_text(min(share, highest), digits)
    return text if share <= highest else f"> {text}"


def bars_html(
    names: Sequence[str],
    shares: Sequence[float],
    texts: Sequence[str],
    strong: int | Collection[int] | None = None,
) -> str:
    """Return horizontal bars: `shares` are lengths from 0 to 1, `strong` the bar or bars to point out.

    More than MOST_BARS stand in as many columns as there is room for.
    """
    marked = strong if isinstance(strong, Collection) else {strong}
    rows = [
        _bar_html(name, share, text, "row strong" if i in marked else "row")
        for i, (name, share, text) in enumerate(zip(names, shares, texts, strict=True))
    ]
    if len(rows) <= MOST_BARS:
        return f'<div class="lab-bars" role="list">{"".join(rows)}</div>'
    parts = ("".join(rows[at : at + BARS_IN_COLUMN]) for at in range(0, len(rows), BARS_IN_COLUMN))
    columns = "".join(f'<div class="lab-bars" role="presentation">{part}</div>' for part in parts)
    return f'<div class="lab-bar-columns" role="list">{columns}</div>'


MOST_BARS, BARS_IN_COLUMN = 12, 10


def _bar_html(name: str, share: float, text: str, style: str) -> str:
    bar = f'<span class="bar" style="width:{share:.2%}"></span>'
    return (
        f'<div class="{style}" role="listitem"><span class="name">{escape(name)}</span>'
        f'<span class="track" aria-hidden="true">{bar}</span><span class="value">{escape(text)}</span></div>'
    )


STRETCH = 0.6  # exponent from value to colour: a tenth of the strongest value has a quarter of the colour
STRONGEST = 0.99  # quantile of the nonzero values that gets the full colour


def full_colour(values: np.ndarray) -> float:
    """Return the absolute value to draw in full colour; the largest may be an outlier."""
    sizes = np.abs(values[values != 0])
    return float(np.quantile(sizes, STRONGEST)) if len(sizes) else 1.0


def stretched(values: np.ndarray, largest: float) -> np.ndarray:
    """Return the strength of each value's colour, with the value's sign: -1 to 1."""
    return np.sign(values) * np.clip(np.abs(values) / max(largest, 1e-12), 0, 1) ** STRETCH


def signed_url(values: np.ndarray, largest: float) -> str:
    """Return values [H, W] as the data URL of a PNG: colours show the sign, their strength the size.

    The strength is (size / `largest`) to the power STRETCH; in proportion, most of a map would be too faint.
    """
    strength = np.abs(stretched(values, largest))
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = sign_colours(values)
    pixels[..., 3] = np.round(255 * strength)
    return png_url(pixels)


def tiles_html(pictures: Iterable[np.ndarray], largest: float, what: str, side: float = 4) -> str:
    """Return pictures [H, W] side by side, each at least `side` rem wide; `what` is the text alternative."""
    images = "".join(f'<img src="{signed_url(picture, largest)}" alt="">' for picture in pictures)
    style = f"--side:{side}rem"
    return f'<div class="lab-tiles" role="img" aria-label="{escape(what)}" style="{style}">{images}</div>'


def in_rows(values: np.ndarray, columns: int = 32) -> np.ndarray:
    """Return units [F] as a picture with rows of `columns`; the last row is filled with 0."""
    columns = min(columns, len(values))
    rows = -(-len(values) // columns)
    filled = np.zeros(rows * columns, values.dtype)
    filled[: len(values)] = values
    return filled.reshape(rows, columns)


ABOVE, BELOW = (58, 152, 230), (235, 122, 32)  # blue: for, orange: against; visible on white and black
FAINT = 0.4  # how bright the ink is under the colours


def on_ink(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return values [28, 28] as colours on the faint ink of `image` [28, 28]: uint8 [28, 28, 3]."""
    strength = _strength(values)
    return np.rint(image[..., None] * FAINT * (1 - strength) + sign_colours(values) * strength).astype(
        np.uint8
    )


def _strength(values: np.ndarray) -> np.ndarray:
    """Return absolute values relative to the largest, 0 to 1: [..., 1]."""
    return np.abs(values)[..., None] / max(float(np.abs(values).max()), 1e-12)


def sign_colours(values: np.ndarray) -> np.ndarray:
    """Return the colour of each value's sign, at full strength: [..., 3]."""
    return np.where(values[..., None] >= 0, ABOVE, BELOW)
