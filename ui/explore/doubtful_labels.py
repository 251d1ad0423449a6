"""Label errors: test images whose labels people doubt."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.label_errors import LABEL_ERRORS, LabelError
from mnist_core.data.mnist import Dataset
from mnist_core.dataset_choices import MNIST
from mnist_core.runs.run import PRETRAINED_ID
from mnist_core.runtime.process import import_scipy
from ui import resources
from ui.answers import short_answer
from ui.explore.selection import show_image_links
from ui.html.digits import Figure, grid_html
from ui.i18n import count_text, list_text
from ui.i18n import gettext as _
from ui.navigation import link

if TYPE_CHECKING:
    from mnist_core.recognition.recognizer import Prediction

PAPER = "https://arxiv.org/abs/2103.14749"
VOTES = "https://github.com/cleanlab/label-errors"


def show(data: Dataset) -> None:
    """Show the section."""
    if data.key != MNIST:
        st.info(_("The doubtful labels are known of MNIST's test images. Choose MNIST above to see them."))
        return
    if data.source != "mnist":
        st.info(
            _(
                "These images belong to MNIST's test set. The offline sample is in use instead, so "
                "there is nothing to show."
            )
        )
        return
    st.markdown(
        _(
            "Some labels of the test set are wrong or ambiguous. [Northcutt, Athalye and "
            "Mueller]({paper}) (2021) let networks find the labels that look wrong, and asked "
            "five people about each image: is it the label, the networks' prediction, or neither? "
            "These are all 15 images for which fewer than three of the five chose the label "
            "([their votes]({votes}))."
        ).format(paper=PAPER, votes=VOTES)
    )
    readings = pretrained_readings(data) if st.toggle(_("Classify them with the pretrained model")) else {}
    figures = [doubtful_figure(data, doubtful, readings.get(doubtful.number)) for doubtful in LABEL_ERRORS]
    st.html(grid_html(figures, columns=5))
    if readings:
        other = sum(readings[doubtful.number].label != doubtful.label for doubtful in LABEL_ERRORS)
        st.markdown(
            _(
                "The pretrained model's prediction differs from the label for **{other}** of these {all}."
            ).format(other=other, all=len(LABEL_ERRORS))
        )
    show_image_links([doubtful.image for doubtful in LABEL_ERRORS], "of_doubtful")
    st.markdown(
        _(
            "So a test accuracy of 100% is not a sensible goal: a network that agrees with every "
            "one of these labels was lucky, or was tuned on them."
        )
    )
    link("pages/evaluate.py", _("See a network's errors"), ":material/fact_check:")


def doubtful_figure(data: Dataset, doubtful: LabelError, reading: "Prediction | None") -> Figure:
    """Return an image with its label, the five votes, and a network's prediction if it is known."""
    words = {"number": count_text(doubtful.number), "label": doubtful.label, "guess": doubtful.guess}
    caption = _("Label <b>{label}</b> &nbsp;no. {number}").format(**words)
    alt = _("Test image {number}, label {label}; the networks predicted {guess}").format(**words)
    lines = [caption, votes_text(doubtful), *([reading_text(reading)] if reading else [])]
    image = data.test.images[doubtful.number]
    return Figure(image, "<br>".join(lines), alt)


def votes_text(doubtful: LabelError) -> str:
    """Return the votes of the five people as HTML in which no vote is broken over two lines."""
    for_digit = _("{n} say {digit}")
    votes = [
        for_digit.format(n=doubtful.for_label, digit=doubtful.label),
        for_digit.format(n=doubtful.for_guess, digit=doubtful.guess),
    ]
    if doubtful.for_neither:
        votes.append(_("{n} neither").format(n=doubtful.for_neither))
    return list_text(f"<span class='lab-whole'>{vote}</span>" for vote in votes)


def reading_text(reading: "Prediction") -> str:
    """Return the model's prediction, in words."""
    return _("Model: {answer}").format(answer=short_answer(reading))


def pretrained_readings(data: Dataset) -> "dict[int, Prediction]":
    """Return the pretrained model's prediction for each of the images, by their numbers."""
    run = resources.find_run(PRETRAINED_ID)
    if run is None or not run.checkpoints:
        st.info(_("The pretrained model is missing."))
        return {}
    with st.spinner(_("Classifying the images")):
        import_scipy()
        from mnist_core.recognition.recognizer import predict

        model = resources.model(run)
        return {d.number: predict(model, data.test.images[d.number]) for d in LABEL_ERRORS}
