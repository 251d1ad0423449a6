"""The words of an answer, the same on all pages: a digit, "not sure" between two digits, or no digit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_core.recognition.recognizer import SURE, Prediction
from ui.html.digits import sure_text
from ui.i18n import gettext as _
from ui.i18n import percent_text


class AnswerWords(NamedTuple):
    """A heading that says all in short, and a sentence under it; plain text."""

    heading: str
    sentence: str


def answer_words(prediction: Prediction) -> AnswerWords:
    """Return the words of an answer to ink."""
    first = sure_text(prediction.confidence)
    if not prediction.is_digit:
        words = _("If it is a digit, {digit} is the most likely ({percent}).")
        return AnswerWords(
            _("This does not look like a digit"), words.format(digit=prediction.label, percent=first)
        )
    if prediction.is_unsure:
        words = _("The network answers with one digit if it gives it {percent} or more.")
        return AnswerWords(_unsure_text(prediction, 1), words.format(percent=percent_text(SURE, 0)))
    words = _("Prediction: {digit}, confidence {percent}")
    return AnswerWords(words.format(digit=prediction.label, percent=first), second_guess(prediction))


def second_guess(prediction: Prediction) -> str:
    """Return which digit is the second most likely."""
    if prediction.second_confidence < 0.001:
        return _("No other digit is likely.")
    share = percent_text(prediction.second_confidence, 1)
    return _("Second most likely: {digit} ({percent}).").format(digit=prediction.second, percent=share)


def short_answer(prediction: Prediction) -> str:
    """Return an answer to ink in a few words, as HTML: for captions and cells."""
    if not prediction.is_digit:
        return _("Not a digit? Most likely <b>{digit}</b>").format(digit=prediction.label)
    if prediction.is_unsure:
        return _unsure_text(prediction, 0, "<b>{}</b>")
    percent = sure_text(prediction.confidence, 0)
    return _("<b>{digit}</b> {percent}").format(digit=prediction.label, percent=percent)


def answer_in_sentence(prediction: Prediction, digits: int = 1) -> str:
    """Return an answer as the beginning of a sentence, in Markdown; `digits`: decimals of percentages."""
    if not prediction.is_digit:
        return _("Not a digit, most likely **{digit}**").format(digit=prediction.label)
    if prediction.is_unsure:
        return _unsure_text(prediction, digits, "**{}**")
    percent = sure_text(prediction.confidence, digits)
    return _("Prediction **{digit}**, confidence {percent}").format(digit=prediction.label, percent=percent)


def _unsure_text(prediction: Prediction, digits: int, strong: str = "{}") -> str:
    """Return both digits of an unsure answer, with their probabilities in percent."""
    words = _("Not sure: {digit} ({percent}) or {second} ({second_percent})")
    return words.format(
        digit=strong.format(prediction.label),
        percent=percent_text(prediction.confidence, digits),
        second=strong.format(prediction.second),
        second_percent=percent_text(prediction.second_confidence, digits),
    )


def answer_of(probabilities: np.ndarray | Sequence[float]) -> Prediction:
    """Return the answer that probabilities [10] give, for an image that is known to be a digit."""
    shares = np.asarray(probabilities, np.float32)
    label = int(shares.argmax())
    return Prediction(label, float(shares[label]), shares, None)
