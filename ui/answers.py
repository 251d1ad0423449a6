"""The words of an answer, the same on all pages: a digit, "not sure" between two digits, or no digit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_core.dataset_choices import MNIST
from mnist_core.recognition.recognizer import SURE, Prediction
from ui.class_names import class_name, is_digits
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
        digits = is_digits(prediction.dataset)
        heading = _("This does not look like a digit") if digits else _("This is only a dot")
        words = _("If it is a digit, {digit} is the most likely ({percent}).")
        words = words if digits else _("Of the classes {digit} is the most likely ({percent}).")
        return AnswerWords(heading, words.format(digit=_first(prediction), percent=first))
    if prediction.is_unsure:
        words = _("The network answers with one class if it gives it {percent} or more.")
        if is_digits(prediction.dataset):
            words = _("The network answers with one digit if it gives it {percent} or more.")
        return AnswerWords(_unsure_text(prediction, 1), words.format(percent=percent_text(SURE, 0)))
    words = _("Prediction: {digit}, confidence {percent}")
    return AnswerWords(words.format(digit=_first(prediction), percent=first), second_guess(prediction))


def second_guess(prediction: Prediction) -> str:
    """Return which digit is the second most likely."""
    if prediction.second_confidence < 0.001:
        digits = is_digits(prediction.dataset)
        return _("No other digit is likely.") if digits else _("No other class is likely.")
    share = percent_text(prediction.second_confidence, 1)
    return _("Second most likely: {digit} ({percent}).").format(
        digit=class_name(prediction.dataset, prediction.second), percent=share
    )


def short_answer(prediction: Prediction) -> str:
    """Return an answer to ink in a few words, as HTML: for captions and cells."""
    if not prediction.is_digit:
        words = _("Only a dot? Most likely <b>{digit}</b>")
        if is_digits(prediction.dataset):
            words = _("Not a digit? Most likely <b>{digit}</b>")
        return words.format(digit=_first(prediction))
    if prediction.is_unsure:
        return _unsure_text(prediction, 0, "<b>{}</b>")
    percent = sure_text(prediction.confidence, 0)
    return _("<b>{digit}</b> {percent}").format(digit=_first(prediction), percent=percent)


def answer_in_sentence(prediction: Prediction, digits: int = 1) -> str:
    """Return an answer as the beginning of a sentence, in Markdown; `digits`: decimals of percentages."""
    if not prediction.is_digit:
        words = _("Only a dot, most likely **{digit}**")
        if is_digits(prediction.dataset):
            words = _("Not a digit, most likely **{digit}**")
        return words.format(digit=_first(prediction))
    if prediction.is_unsure:
        return _unsure_text(prediction, digits, "**{}**")
    percent = sure_text(prediction.confidence, digits)
    return _("Prediction **{digit}**, confidence {percent}").format(digit=_first(prediction), percent=percent)


def _first(prediction: Prediction) -> str:
    return class_name(prediction.dataset, prediction.label or 0)


def _unsure_text(prediction: Prediction, digits: int, strong: str = "{}") -> str:
    """Return both digits of an unsure answer, with their probabilities in percent."""
    words = _("Not sure: {digit} ({percent}) or {second} ({second_percent})")
    return words.format(
        digit=strong.format(_first(prediction)),
        percent=percent_text(prediction.confidence, digits),
        second=strong.format(class_name(prediction.dataset, prediction.second)),
        second_percent=percent_text(prediction.second_confidence, digits),
    )


def answer_of(probabilities: np.ndarray | Sequence[float], dataset: str = MNIST) -> Prediction:
    """Return the answer in probabilities [C] of an image of which it is not asked whether it is a digit."""
    shares = np.asarray(probabilities, np.float32)
    label = int(shares.argmax())
    return Prediction(label, float(shares[label]), shares, None, dataset=dataset)
