"""Tables of numbers as HTML, and escaping of Markdown."""

import re
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from mnist_core.messages import Message
from ui.html.digits import png_url
from ui.i18n import gettext as _
from ui.i18n import translate

BRIGHT = 118  # from this grey on black text has more contrast than white


def pixels_html(pixels: np.ndarray, texts: Sequence[Sequence[str]], words: str) -> str:
    """Return a table of `texts`, each on the grey of its pixel uint8 [H, W]; `words` is its name."""
    columns = "".join(f'<th scope="col">{column}</th>' for column in range(pixels.shape[1]))
    rows = "".join(
        f'<tr><th scope="row">{number}</th>{"".join(map(_pixel_html, row.tolist(), line))}</tr>'
        for number, (row, line) in enumerate(zip(pixels, texts, strict=True))
    )
    table = f"<table><thead><tr><td></td>{columns}</tr></thead><tbody>{rows}</tbody></table>"
    return _scrolling("lab-pixels", table, words)


def _pixel_html(grey: int, text: str) -> str:
    style = ' class="bright"' if grey >= BRIGHT else "" if grey else ' class="paper"'
    return f'<td{style} style="--grey:{grey}">{text}</td>'


def vector_strip_html(pixels: np.ndarray, words: str) -> str:
    """Return the pixels uint8 [H, W] one after another, as a strip of greys."""
    url = png_url(pixels.reshape(1, -1))
    return f'<img class="lab-strip" src="{url}" alt="{escape(words)}">'


def vector_html(texts: Sequence[str], words: str) -> str:
    """Return numbers one after another in brackets."""
    return _scrolling("lab-vector", f"[{', '.join(texts)}]", words)


def table_html(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    strong: int | None = None,
    strengths: np.ndarray | None = None,
    style: str = "",
    words: str = "",
) -> str:
    """Return a table whose first column names the rows; row `strong` stands out.

    `strengths` [rows, columns], 0 to 1, colour the cells. With `words`, which say what it is, a table that is
    too wide scrolls by itself.
    """
    columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(
        _row_html(row, number == strong, () if strengths is None else strengths[number])
        for number, row in enumerate(rows)
    )
    classes = f"lab-table {style}".rstrip()
    table = f'<table class="{classes}"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>'
    return _scrolling("lab-wide", table, words) if words else table


def _row_html(row: Sequence[str], strong: bool, strengths: Iterable[float]) -> str:
    styles = (f' style="--share:{strength:.2f}"' for strength in strengths)
    cells = "".join(f"<td{next(styles, '')}>{escape(text)}</td>" for text in row[1:])
    mark = ' class="strong"' if strong else ""
    return f'<tr{mark}><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _scrolling(style: str, content: str, words: str) -> str:
    """Return a box that scrolls by itself; it can take the focus, so the arrow keys scroll it too."""
    return f'<div class="{style}" role="region" tabindex="0" aria-label="{escape(words)}">{content}</div>'


def coloured_name(place: int, name: str, dashes: Sequence[int] = ()) -> str:
    """Return a compared run's name in the colour of its place, from 0, with a piece of its line if dashed."""
    mark = f'<i aria-hidden="true" style="background: {_dashed(dashes)}"></i>' if dashes else ""
    return f'<span class="lab-run" style="--run: var(--lab-run-{place + 1})">{mark}{escape(name)}</span>'


def _dashed(dashes: Sequence[int]) -> str:
    """Return lengths of dashes and gaps as a CSS background; Streamlit takes pictures in SVG out of HTML."""
    ends = np.cumsum(dashes).tolist()
    stops = (
        f"{'transparent' if place % 2 else 'currentColor'} {end - length}px {end}px"
        for place, (length, end) in enumerate(zip(dashes, ends, strict=True))
    )
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def run_list_html(
    title: str, names: Sequence[str], dashes: Sequence[Sequence[int]], values: Sequence[str]
) -> str:
    """Return the legend of a chart of runs: each name in its colour with a piece of its line, and a value.

    An empty value is left out. `title` is what a screen reader says of the list.
    """
    named = [coloured_name(place, name, dashes[place]) for place, name in enumerate(names)]
    words = _("{run}: {value}")
    told = [
        words.format(run=run, value=escape(value)) if value else run
        for run, value in zip(named, values, strict=True)
    ]
    items = "".join(f"<li>{item}</li>" for item in told)
    return f'<ul class="lab-run-list" aria-label="{escape(title)}">{items}</ul>'


def escape_markdown(text: str) -> str:
    """Return text escaped for Markdown, in one line."""
    line = without_links(re.sub(r"[\r\n\t]+", " ", text))
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|~:$&" else c for c in line)


def without_links(text: str) -> str:
    """Return text with word joiners, which aren't seen, in what Streamlit's Markdown makes a link of.

    It looks for web and mail addresses after it has taken the escapes out, so that these can't keep it off.
    """
    return re.sub(r"(?i)(?<=www)(?=\.)|(?=://)|(?<=@)", "\N{WORD JOINER}", text)


def markdown(message: Message) -> str:
    """Translate a message for a place that shows Markdown, with the names and texts in it escaped."""
    return translate(message, _escape_within)


def _escape_within(text: str) -> str:
    """Escape markup within a line, and at its beginning the characters of headings and lists."""
    line = without_links(re.sub(r"[\r\n\t]+", " ", text))
    line = re.sub(r"[\\`*{}\[\]<>|~:$&]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", line)  # not a_b
    return re.sub(r"^(\s*(?:\d+(?=[.)]\s))?)([#+=.)-])", r"\1\\\2", line)
