"""The digit that the visitor drew: watched in the runs they start, read before and after the training."""

from html import escape

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import MNIST
from mnist_core.monitoring.probes import Probe
from mnist_core.runs.run import Run
from ui import visitor
from ui.answers import answer_of, answer_words, short_answer
from ui.class_names import thing, without_markup
from ui.html.digits import png_url, sure_text
from ui.i18n import gettext as _
from ui.runs.progress import probes


def visible_digit(run: Run) -> np.ndarray | None:
    """Return the digit, uint8 [28, 28], that the visitor drew before this run; None for others' runs."""
    return run.own_digit if visitor.owns(run) else None


def show_note(image: np.ndarray | None, dataset: str) -> None:
    """Say before a start that the network will read the visitor's digit, if there is one."""
    if image is not None:
        words = _("Your {thing} is watched too: the network reads it before, during and after the training.")
        st.html(_with_picture(image, words.format(thing=thing(dataset)), dataset))


def show_before_and_after(run: Run) -> None:
    """Show a run's predictions for the visitor's digit before and after the training."""
    image, seen = visible_digit(run), [probe for probe in probes(run) if probe.own_probabilities]
    if image is None or not seen:
        return
    words, dataset = (
        _("<b>Your {thing}</b> before the training: {first}. After it: {last}."),
        run.config.dataset,
    )
    first, last = (short_answer(answer_of(probe.own_probabilities, dataset)) for probe in (seen[0], seen[-1]))
    text = words.format(thing=thing(dataset), first=first, last=last)
    st.html(_with_picture(image, text, dataset))


def own_digit_html(image: np.ndarray, probe: Probe, dataset: str = MNIST) -> str:
    """Return the visitor's digit with its prediction, as a cell beside the other watched digits."""
    if not probe.own_probabilities:
        return ""
    answer = answer_of(probe.own_probabilities, dataset)
    alt = _("Your {thing}: {answer}").format(thing=thing(dataset), answer=answer_words(answer).heading)
    own = _("your {thing}").format(thing=thing(dataset))
    caption = f"<b>{without_markup(answer.text)}</b> {sure_text(answer.confidence)}<br>{own}"
    return (
        f'<figure class="lab-digit" role="listitem">{_picture(image, alt)}'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _with_picture(image: np.ndarray, text: str, dataset: str) -> str:
    alt = _("Your {thing} in 28 x 28 pixels").format(thing=thing(dataset))
    return f'<div class="lab-own">{_picture(image, alt)}<span>{text}</span></div>'


def _picture(image: np.ndarray, alt: str) -> str:
    return f'<img src="{png_url(image)}" width="28" height="28" alt="{escape(alt)}">'
