"""Draw: write a digit, or bring a picture of one, and have a network read it."""

import numpy as np
import streamlit as st

from mnist_core.messages import InputError
from mnist_core.reading.drawing import strokes_to_image
from mnist_core.reading.pictures import pixels_to_image, read_picture
from mnist_core.reading.recognition import Prediction, predict
from ui import resources
from ui.canvas import clear_canvas, show_canvas
from ui.digits import Figure, bars_html, figure_html, sure_text
from ui.runs import pick_run
from ui.state import choice_in_url, come_through_entry
from ui.translation import gettext as _
from ui.translation import say


def drawn_digit() -> np.ndarray | None:
    """Show the canvas; return the digit on it as MNIST would have it, None for a blank."""
    strokes = show_canvas()
    st.button(_("Clear"), icon=":material/delete:", on_click=clear_canvas)
    return strokes_to_image(strokes)


def pictured_digit() -> np.ndarray | None:
    """Show the upload; return the digit in the picture as MNIST would have it, None for a blank."""
    file = st.file_uploader(_("A picture of one digit, PNG or JPEG"), type=["png", "jpg", "jpeg"])
    if file is None:
        return None
    try:
        pixels = read_picture(file.getvalue(), file.name)
    except InputError as error:
        st.error(say(error.message))
        return None
    st.image(pixels, caption=file.name, width=140)
    return pixels_to_image(pixels)


def show_answer(prediction: Prediction) -> None:
    """Show what the network read, in words first."""
    if prediction.blank:
        st.subheader(_("No digit yet"))
        st.markdown(_("Draw one with a mouse, a pen or a finger, as large as you like."))
        return
    first, second = np.argsort(prediction.probabilities)[:-3:-1]
    sure, less_sure = prediction.probabilities[[first, second]]
    st.subheader(_("It reads {digit}, {percent} sure").format(digit=first, percent=sure_text(sure)))
    if less_sure < 0.001:
        st.caption(_("No other digit comes close."))
    else:
        second_guess = _("Its second guess is {digit} ({percent}).")
        st.caption(second_guess.format(digit=second, percent=f"{less_sure:.1%}"))


def show_probabilities(prediction: Prediction) -> None:
    """Show the ten probabilities as bars with their numbers."""
    names, texts = [str(d) for d in range(10)], [sure_text(p) for p in prediction.probabilities]
    st.html(bars_html(names, prediction.probabilities, texts, strong=prediction.label))
    st.caption(_("How likely the network holds each digit to be; the ten add up to 100%."))


def show_input(image: np.ndarray) -> None:
    """Show the image as the network gets it."""
    caption = _("What the network sees: scaled to 20 pixels and centred in 28 x 28, as MNIST's digits are.")
    st.html(figure_html(Figure(image, caption, _("Your digit in 28 x 28 pixels"))), width=168)


def read_digit() -> np.ndarray | None:
    """Show the canvas or the upload, whichever is chosen; return the digit, None for a blank."""
    ways = {"draw": _("Draw"), "upload": _("Upload a picture")}
    way = choice_in_url(
        st.segmented_control, _("Digit"), ways, "from", "draw", required=True, label_visibility="collapsed"
    )
    if way == "upload":
        return pictured_digit()
    st.markdown(_("Write a digit from 0 to 9. After each stroke the network says what it reads."))
    return drawn_digit()


@st.fragment
def show_page() -> None:
    """Show everything in a fragment, so that a stroke reruns no more than this."""
    writing, reading = st.columns([2, 3], gap="medium")
    with writing:
        image = read_digit()
    with reading:
        answer = st.container(key="answer")
        run = pick_run()
    with answer:
        prediction = predict(resources.model(run), image)
        show_answer(prediction)
        if not prediction.blank:
            numbers, picture = st.columns([3, 2])
            with numbers:
                show_probabilities(prediction)
            with picture:
                show_input(prediction.image)


come_through_entry()
st.title(_("Draw a digit"))
show_page()
