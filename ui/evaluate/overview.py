"""How good a run is, in a few numbers and a sentence."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.analysis.significance import wilson_interval
from ui.evaluate.asked import Asked, why_these
from ui.takeaway import show_takeaway
from ui.translation import gettext as _
from ui.translation import percent_text, sentences_text

if TYPE_CHECKING:
    from mnist_core.evaluation import Evaluation


def show_summary(asked: Asked, result: "Evaluation") -> None:
    """Show accuracy, loss and size in numbers and in a sentence, and offer the run's files."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        show_accuracies(asked, result)
        st.metric(_("Average loss"), f"{result.loss:.4f}", width="content")
        st.metric(_("Errors"), f"{len(result.errors):,}", width="content")
        st.metric(_("Parameters"), f"{asked.run.results.get('parameters', 0):,}", width="content")
        show_takeaway(asked.run)
    images = len(result.labels)
    correct = images - len(result.errors)
    low, high = wilson_interval(correct, images)
    sentence = {
        "test": _("It reads **{correct:,}** of **{all:,}** test images right."),
        "validation": _("It reads **{correct:,}** of **{all:,}** validation images right."),
        "train": _("It reads **{correct:,}** of **{all:,}** training images right."),
    }[asked.name]
    said = [sentence.format(correct=correct, all=images)]
    if asked.name != "train":  # what it has learned from says nothing of other images
        words = _("Of all images like these it may well read {low:.1%} to {high:.1%} (95% interval, Wilson).")
        said.append(words.format(low=low, high=high))
    st.markdown(sentences_text(said))
    st.caption(why_these(asked))


def show_accuracies(asked: Asked, result: "Evaluation") -> None:
    """Show the accuracy on these images, after the one that was measured when training ended."""
    accuracy = percent_text(result.accuracy)
    if asked.name == "test":
        st.metric(_("Test accuracy"), accuracy, width="content")
        return
    if "test_accuracy" in asked.run.results:
        recorded = percent_text(asked.run.results["test_accuracy"])
        text = _("Measured once, when training ended.")
        st.metric(_("Test accuracy"), recorded, width="content", help=text)
    names = {"validation": _("On validation images"), "train": _("On training images")}
    st.metric(names[asked.name], accuracy, width="content")
