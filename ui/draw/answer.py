"""The answer: what the network reads, in words first; one digit with its probabilities, or a row of them."""

import numpy as np
import streamlit as st

from mnist_core.reading.recognition import Prediction
from ui.digits import Figure, bars_html, figure_html, grid_html, sure_text
from ui.draw.sketch import boxes_html
from ui.draw.slots import leave_empty
from ui.draw.writing import Reading
from ui.translation import gettext as _
from ui.translation import ngettext, sentences_text


def show_answer(reading: Reading, hint: str) -> None:
    """Show what was read; before there is anything, how to begin."""
    if not reading.digits:
        st.subheader(_("No digit yet"))
        st.markdown(hint)
        leave_empty(2)
    elif len(reading.digits) == 1:
        show_one(reading.digits[0].prediction)
    else:
        show_row(reading)


def show_one(prediction: Prediction) -> None:
    """Show one digit, or what is none, with the ten probabilities."""
    sure = sure_text(prediction.confidence)
    if prediction.is_digit:
        st.subheader(_("It reads {digit}, {percent} sure").format(digit=prediction.label, percent=sure))
        st.caption(second_guess(prediction))
    else:
        st.subheader(_("This doesn't look like a digit"))
        st.caption(
            _("If it is one after all, it looks most like a {digit} ({percent}).").format(
                digit=prediction.label, percent=sure
            )
        )
    numbers, picture = st.columns([3, 2])
    with numbers:
        show_probabilities(prediction)
    with picture:
        show_input(prediction)
    leave_empty(1)


def second_guess(prediction: Prediction) -> str:
    """Say what else it could be."""
    second = int(np.argsort(prediction.probabilities)[-2])
    share = prediction.probabilities[second]
    if share < 0.001:
        return _("No other digit comes close.")
    return _("Its second guess is {digit} ({percent}).").format(digit=second, percent=f"{share:.1%}")


def show_probabilities(prediction: Prediction) -> None:
    """Show the ten probabilities as bars with their numbers."""
    st.html(probabilities_html(prediction))
    st.caption(_("How likely the network holds each digit to be; the ten add up to 100%."))


def probabilities_html(prediction: Prediction) -> str:
    """Return the ten probabilities as bars."""
    names, texts = [str(d) for d in range(10)], [sure_text(p) for p in prediction.probabilities]
    return bars_html(names, prediction.probabilities, texts, strong=prediction.label)


def show_input(prediction: Prediction) -> None:
    """Show the image as the network gets it."""
    caption = _("What the network sees: scaled to 20 pixels and centred in 28 x 28, as MNIST's digits are.")
    alt = _("Your digit in 28 x 28 pixels")
    st.html(figure_html(Figure(prediction.image, caption, alt)), width=168)


def show_row(reading: Reading) -> None:
    """Show several digits: in a row, each in its box, and one by one."""
    count, unsure = len(reading.digits), sum(digit.unsure for digit in reading.digits)
    st.subheader(_("It reads {digits}").format(digits=reading.text))
    words = [_("{count} digits, from left to right.").format(count=count)]
    if unsure:
        words.append(
            ngettext("It is unsure of one of them.", "It is unsure of {n} of them.", unsure).format(n=unsure)
        )
    st.caption(sentences_text(words))
    alt = _("What you wrote, with a box around each digit")
    sketch, figures = st.columns([2, 3], gap="small")
    with sketch:
        st.html(boxes_html(reading.writing, reading.digits, alt))
    with figures:
        st.html(grid_html([_figure(digit.prediction, digit.unsure) for digit in reading.digits], columns=4))
    with st.expander(_("All probabilities")):
        st.html(table_html([digit.prediction for digit in reading.digits]))


def _figure(prediction: Prediction, unsure: bool) -> Figure:
    """A digit of a row as the network sees it, with what it reads and how sure it is."""
    sure = sure_text(prediction.confidence, 0)
    second = int(np.argsort(prediction.probabilities)[-2])
    if not prediction.is_digit:
        caption = _("No digit? Most like <b>{digit}</b>").format(digit=prediction.label)
    elif unsure:
        caption = _("<b>{digit}</b> unsure ({percent}), or {second}").format(
            digit=prediction.label, percent=sure, second=second
        )
    else:
        caption = _("<b>{digit}</b> {percent} sure").format(digit=prediction.label, percent=sure)
    alt = _("A digit of the row, read as {digit}").format(digit=prediction.label)
    return Figure(prediction.image, caption, alt)


def table_html(predictions: list[Prediction]) -> str:
    """Return the probabilities in whole percent: a row for each digit that was found."""
    heads = "".join(f"<th>{digit}</th>" for digit in range(10))
    rows = "".join(
        f"<tr><th>{number}.</th>{''.join(map(_cell, prediction.probabilities))}</tr>"
        for number, prediction in enumerate(predictions, 1)
    )
    return (
        f'<div class="lab-wide"><table class="lab-table lab-shares"><thead><tr><th>%</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(share: float) -> str:
    return f'<td style="--share:{share:.2f}">{share:.0%}</td>'.replace("%</td>", "</td>")
