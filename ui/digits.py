"""Digits as HTML: pixel images and bars, drawn by the browser without scripts or chart libraries."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Figure:
    """An image uint8 [28, 28] or [28, 28, 3], its caption (HTML), and in words for who can't see it."""

    image: np.ndarray
    caption: str
    alt: str


def png_url(image: np.ndarray) -> str:
    """Return an image uint8 [H, W], or in colours [H, W, 3 or 4], as the data URL of a PNG."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def figure_html(figure: Figure) -> str:
    """Return one image with its caption."""
    picture = f'<img src="{png_url(figure.image)}" width="28" height="28" alt="{escape(figure.alt)}">'
    return f'<figure class="lab-digit">{picture}<figcaption>{figure.caption}</figcaption></figure>'


def grid_html(figures: Iterable[Figure], columns: int, least: float = 5.5) -> str:
    """Return images in rows of `columns`; of fewer where an image would be narrower than `least` rem."""
    cells = "".join(map(figure_html, figures))
    return f'<div class="lab-digits" style="--columns:{columns};--least:{least}rem">{cells}</div>'


def sure_text(share: float, digits: int = 1) -> str:
    """Return a confidence, 0 to 1, in percent, but never as 100: rounding must not claim certainty."""
    highest = 1 - 0.1**digits / 100
    return f"{share:.{digits}%}" if share <= highest else f"> {highest:.{digits}%}"


def bars_html(
    names: Sequence[str], shares: Sequence[float], texts: Sequence[str], strong: int | None = None
) -> str:
    """Return horizontal bars: `shares` are lengths from 0 to 1, `strong` the bar to point out."""
    rows = (
        _bar_html(name, share, text, "row strong" if i == strong else "row")
        for i, (name, share, text) in enumerate(zip(names, shares, texts, strict=True))
    )
    return f'<div class="lab-bars" role="list">{"".join(rows)}</div>'


def _bar_html(name: str, share: float, text: str, style: str) -> str:
    bar = f'<span class="bar" style="width:{share:.2%}"></span>'
    return (
        f'<div class="{style}" role="listitem"><span class="name">{escape(name)}</span>'
        f'<span class="track" aria-hidden="true">{bar}</span><span class="value">{escape(text)}</span></div>'
    )
