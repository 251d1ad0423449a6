"""SVG pictures of the chapters, in the colours of the theme."""

from html import escape
from urllib.parse import quote

import streamlit as st

# Those of ui/style.css, whose variables an image does not see; Streamlit removes SVG that is not an image.
COLOURS = {
    "light": {"text": "#1c2733", "quiet": "#52616f", "line": "#d5dde5", "main": "#0b62a8", "warm": "#c75300"},
    "dark": {"text": "#e8edf2", "quiet": "#a9b6c2", "line": "#33414f", "main": "#5ab0f2", "warm": "#f0913a"},
}
GROUND = {"light": "#ffffff", "dark": "#10161d"}


def svg_html(box: tuple[float, float, float, float], style: str, content: str, words: str) -> str:
    """Return an image of SVG elements; `box` is left, top, width and height of what it shows.

    `style` is its CSS, which knows the variables --text, --quiet, --line, --main, --warm and --ground;
    `words` say what is to be seen.
    """
    theme = st.context.theme.type or "light"
    colours = COLOURS[theme] | {"ground": GROUND[theme]}
    root = ";".join(f"--{name}:{value}" for name, value in colours.items())
    view = " ".join(f"{number:g}" for number in box)
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">'
        f"<style>:root{{{root}}}text{{font-family:sans-serif}}{style}</style>{content}</svg>"
    )
    url = "data:image/svg+xml," + quote(picture)
    return f'<img class="lab-svg" src="{url}" alt="{escape(words)}">'
