"""The introduction for new visitors: two sentences, an animation and a canvas."""

import functools
import json
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.dataset_choices import MNIST
from mnist_core.messages import InputError
from mnist_core.runs.run import PRETRAINED_ID
from ui import resources, visitor
from ui.browser_component import Html, one_line
from ui.canvas import READ_KEY, remember_read_images
from ui.class_names import dataset_name, is_digits, thing
from ui.drawing_input import INPUT_METHOD_KEY, DrawingInput, ReadDrawing, draw, read
from ui.fragments import clear_slots
from ui.html.digits import Figure, figure_html
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.i18n import language
from ui.navigation import LEARN_PAGE, link
from ui.page_headings import draw_heading
from ui.prediction import probabilities_html, row_html, show_label, show_row_label

DRAWING = "first_drawing"  # a fragment
WELCOMED_COOKIE = "digitlab_welcomed"
STYLE = one_line((Path(__file__).parent / "welcome.css").read_text())
# The browser closes the introduction and remembers that by itself, without the server.
CLOSE = """<button type="button" id="lab-close" aria-label="{label}" title="{label}">✕</button>
<script>{{
  const welcomed = () => document.documentElement.classList.add('lab-welcomed');
  if (document.cookie.includes('{cookie}=1')) welcomed();
  document.getElementById('lab-close').addEventListener('click', () => {{
    document.cookie = '{cookie}=1; path=/; max-age=31536000; SameSite=Lax';
    welcomed();
  }});
}}</script>"""


def is_newcomer() -> bool:
    """Whether the visitor has no run and has not closed the introduction in an earlier visit."""
    return st.context.cookies.get(WELCOMED_COOKIE) != "1" and not visitor.listed_runs()


def show_short_intro(dataset: str) -> None:
    """Say what the lab is for, and where to go, to visitors who were here before."""
    words = _(
        "In this lab you explore the images of {name}, train a neural network on them, "
        "evaluate its errors, and test it on images of your own."
    ).format(name=dataset_name(dataset))
    if is_digits(dataset):
        words = _(
            "In this lab you explore handwritten digits, train a neural network on them, "
            "evaluate its errors, and test it on your own handwriting."
        )
    st.markdown(words)
    with st.container(horizontal=True):
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        link("pages/draw.py", draw_heading(dataset), ":material/draw:")


def show_welcome() -> None:
    """Introduce the lab in two sentences and an animation."""
    st.html(_welcome_html(language()), unsafe_allow_javascript=True)


@functools.cache
def _welcome_html(_language: str) -> Html:
    """Return the introduction; as one element it takes least of the server's time when a class comes."""
    words = _(
        "A <b>neural network</b> learns from examples: it guesses, is told the answer and corrects itself, "
        "thousands of times. Draw a digit for a trained network to read; then train your own in seconds."
    )
    close = CLOSE.format(label=_("Close"), cookie=WELCOMED_COOKIE)
    content = f'<p class="words">{words}</p>{_lesson_html()}{close}'
    return Html(f'<style>{STYLE}</style><div class="lab-welcome">{content}</div>')


@functools.partial(st.fragment, key=DRAWING)
def show_drawing() -> None:
    """Show the canvas, and the pretrained network's answer to the drawing."""
    heading = st.container(key="first_heading", gap=None)
    with st.container(horizontal=True, gap="small"):
        with st.container(key="first_canvas", width=290):
            written = draw(with_pen_width=False)
        answer = st.container(key="answer", gap="small")
    if written.strokes:
        show_reading(written, heading, answer)
    else:
        show_prompt(heading, answer)


def show_prompt(heading: DeltaGenerator, answer: DeltaGenerator) -> None:
    """Say what to do with the empty canvas."""
    heading.subheader(_("Draw a digit"))
    heading.caption(_("Any digit from 0 to 9, with a finger or the mouse."))
    with answer:
        words = _("Keyboard, picture or camera instead")
        link("pages/draw.py", words, ":material/keyboard:", **{INPUT_METHOD_KEY: "keys"})
        link(LEARN_PAGE, _("New to networks? Learn them step by step"), ":material/school:")
        if READ_KEY in st.session_state:  # three elements stood here
            clear_slots(1)


def show_reading(written: DrawingInput, heading: DeltaGenerator, answer: DeltaGenerator) -> None:
    """Show the pretrained network's answer to strokes, and links to what comes next."""
    try:
        with heading:
            resources.wait_for_torch()
            reading = read(resources.find_run(PRETRAINED_ID), written)
    except InputError as error:
        heading.error(markdown(error.message))
        return
    remember_read_images("draw", [digit.prediction.image for digit in reading.digits])
    with heading:
        show_label(reading.digits[0].prediction) if len(reading.digits) == 1 else show_row_label(reading)
    with answer:
        with st.container(key="next_step"):
            link("pages/train.py", _("Now train your own"), ":material/model_training:")
        show_probabilities(reading)
        link("pages/draw.py", _("Why this prediction?"), ":material/help:", look="attention")


def show_probabilities(reading: ReadDrawing) -> None:
    """Show the ten probabilities of a digit beside the network's input, or all digits of a row."""
    if len(reading.digits) > 1:
        st.html(row_html(reading))
        return
    prediction = reading.digits[0].prediction
    with st.container(key="first_bars", horizontal=True, gap="small"):
        st.html(probabilities_html(prediction))
        seen = Figure(
            prediction.image,
            _("Network input"),
            _("Your {thing} in 28 x 28 pixels").format(thing=thing(MNIST)),
        )
        st.html(figure_html(seen), width=84)


# The moving picture, in a box of 400 x 96: a 7 in pixels, a network, and the bars of three outputs.
SEVEN = (".......", ".#####.", ".....#.", "....##.", "....#..", "...##..", "...#...", "...#...", ".......")
PIXEL = 8
INPUTS = [(92, y) for y in (16, 37, 59, 80)]
HIDDEN = [(165, y) for y in (12, 30, 48, 66, 84)]
OUTPUTS = [(238, y) for y in (20, 48, 76)]
BARS = (("1", "wrong"), ("7", "right"), ("9", "other"))
SHOWN_FLOWS = 3  # every third line has pulses on it, in each direction


def _lesson_html() -> str:
    """Return the animation: a network guesses, is told the answer, changes, and guesses again.

    It plays three times, as an endless one would keep a phone's processor busy, and again when its button is
    pressed. It stands still for visitors whose system asks for reduced motion.
    """
    scenes = [
        _("It guesses: <b>1</b>."),
        _("It is told the answer, <b>7</b>, and corrects itself."),
        _("It guesses again: <b>7</b>."),
    ]
    summary = _("It guesses, is told the answer, corrects itself, and guesses better.")
    captions = "".join(f'<span class="scene" aria-hidden="true">{scene}</span>' for scene in scenes)
    return (
        f'<div class="lab-lesson"><div class="picture"></div>'
        f'<p>{captions}<span class="summary">{summary}</span></p>{_script(summary)}</div>'
    )


def _lesson_svg(words: str) -> str:
    pixels = "".join(
        _rect_svg("pixel", 12 + PIXEL * x, 12 + PIXEL * y, PIXEL - 1, PIXEL - 1)
        for y, row in enumerate(SEVEN)
        for x, ink in enumerate(row)
        if ink == "#"
    )
    lines = [(start, end) for start in INPUTS for end in HIDDEN] + [(a, b) for a in HIDDEN for b in OUTPUTS]
    drawn = "".join(_line_svg("line", *line) for line in lines)
    flows = "".join(_line_svg(way, *line) for way in ("forward", "backward") for line in lines[::SHOWN_FLOWS])
    units = "".join(f'<circle class="unit" cx="{x}" cy="{y}" r="5"/>' for x, y in HIDDEN + OUTPUTS)
    bars = "".join(_bar_svg(y, *bar) for (_x, y), bar in zip(OUTPUTS, BARS, strict=True))
    sheet = _rect_svg("sheet", 8, 8, 64, 80)
    return (
        f'<svg viewBox="0 0 400 96" role="img" aria-label="{escape(words)}">'
        f"{sheet}{pixels}{drawn}{flows}{units}{bars}</svg>"
    )


def _line_svg(style: str, start: tuple[int, int], end: tuple[int, int]) -> str:
    return f'<line class="{style}" x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}"/>'


def _bar_svg(y: int, digit: str, style: str) -> str:
    track, bar = (_rect_svg(name, 276, y - 8, 116, 16) for name in ("track", f"bar {style}"))
    return f'<text x="262" y="{y + 5}">{digit}</text>{track}{bar}'


def _rect_svg(style: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="2"/>'


# The picture is put in by the script, without "<" in its text: Streamlit removes SVG, and scripts with tags.
# Scene 0 is the start, with empty bars.
SCRIPT = """<button type="button" data-stop="{stop}" data-play="{play}"></button>
<script>{{
  // A page that is built anew still has the old picture for a moment; only a new one has no scene.
  const boxes = [...document.querySelectorAll('.lab-lesson')];
  const box = boxes.find(each => !each.dataset.scene) ?? boxes.at(-1), button = box.querySelector('button');
  let round = 0, timer;
  const next = () => {{
    const scene = (Number(box.dataset.scene) + 1) % {scenes};
    if (!box.isConnected || (scene === 0 && ++round === {rounds})) return hold(true);
    box.dataset.scene = scene;
    timer = setTimeout(next, scene === 0 ? {start} : {milliseconds});
  }};
  const hold = still => {{
    clearTimeout(timer);
    box.classList.toggle('lab-still', still);
    box.dataset.scene = still ? {scenes} - 1 : 0;
    button.title = still ? button.dataset.play : button.dataset.stop;
    button.setAttribute('aria-label', button.title);
    if (still) return;
    round = 0;
    timer = setTimeout(next, {start});
  }};
  box.querySelector('.picture').innerHTML = {picture};
  hold(matchMedia('(prefers-reduced-motion: reduce)').matches);
  button.addEventListener('click', () => hold(!box.classList.contains('lab-still')));
}}</script>"""
TIMES = {"scenes": 4, "rounds": 3, "start": 300, "milliseconds": 3500}


def _script(summary: str) -> str:
    words = {"stop": escape(_("Stop the animation")), "play": escape(_("Play the animation"))}
    picture = json.dumps(_lesson_svg(summary)).replace("<", "\\u003c")
    return SCRIPT.format(picture=picture, **words, **TIMES)
