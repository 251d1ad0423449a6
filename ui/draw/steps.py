"""Step by step: the way from the drawing to 28 x 28, and what the network would read at each step."""

import numpy as np
import streamlit as st

from mnist_core.reading.recognition import Prediction, predict_all
from ui import resources
from ui.digits import Figure, figure_html, sure_text
from ui.draw.answer import probabilities_html
from ui.draw.writing import Reading, calibration
from ui.translation import gettext as _


def show(reading: Reading, place: int) -> None:
    """Show the section."""
    st.markdown(
        _(
            "MNIST's digits were scaled and centred before anybody learned from them, so yours are too. This "
            "is what the network would read if that ended after each step."
        )
    )
    steps = reading.parts[place].steps()
    images = [step.image for step in steps]
    predictions = predict_all(resources.model(reading.run), images, calibration(reading.run))
    with st.container(key="steps"):
        columns = st.columns(len(steps))
    for number, (column, step) in enumerate(zip(columns, steps, strict=True)):
        with column:
            show_step(f"{number + 1}. {_(step.name)}", step.image, predictions[number])


def show_step(name: str, image: np.ndarray, prediction: Prediction) -> None:
    """Show the image after a step, and what is read in it."""
    sure = sure_text(prediction.confidence, 0)
    if prediction.is_digit:
        words = _("reads <b>{digit}</b>, {percent} sure").format(digit=prediction.label, percent=sure)
    else:
        words = _("no digit; most like <b>{digit}</b>").format(digit=prediction.label)
    st.html(figure_html(Figure(image, f"{name}<br>{words}", name)))
    st.html(probabilities_html(prediction))
