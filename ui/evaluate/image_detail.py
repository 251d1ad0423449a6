"""One image: probabilities, saliency, feature maps, nearest training images."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.label_errors import LABEL_ERRORS
from mnist_core.dataset_choices import MNIST
from ui import explanations, resources
from ui.answers import answer_in_sentence, answer_of
from ui.class_names import image_alt, is_digits
from ui.evaluate.selection import EvaluatedSplit
from ui.html.digits import (
    Figure,
    bars_html,
    figure_html,
    sure_text,
)
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.navigation import link
from ui.url_controls import url_choice, url_segments
from ui.url_state import DATASET_KEY, SENT_KEY, url_parameters

if TYPE_CHECKING:
    from mnist_core.evaluation.attribution import LayerActivation
    from mnist_core.evaluation.metrics import Evaluation


def show_detail(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show the details of an image of the split; the slow ones only on request."""
    picture, bars = st.columns([2, 3], gap="medium")
    with picture:
        show_picture(evaluated, result, index)
    with bars:
        show_probabilities(evaluated, result, index)
    with st.container(horizontal=True, gap="small"):
        image = evaluated.split.reference(index)
        sent = {SENT_KEY: image.text, **_set_of_image(evaluated)}
        link("pages/draw.py", _("Open in Draw"), ":material/draw:", **sent)
        link(
            "pages/explore.py",
            _("Show pixel values"),
            ":material/grid_on:",
            view="image",
            split=image.file,
            index=str(image.number),
            **_set_of_image(evaluated),
        )
    questions = {
        "pixels": _("Saliency"),
        "layers": _("Feature maps"),
        "similar": _("Nearest training images"),
    }
    question = url_choice(
        st.pills,
        _("Explanation"),
        questions,
        "why",
        "pixels",
        required=True,
        label_visibility="collapsed",
    )
    {"pixels": show_saliency, "layers": show_layers, "similar": show_similar}[question](
        evaluated, result, index
    )


def _set_of_image(evaluated: EvaluatedSplit) -> dict[str, str]:
    """Return the parameter with which another page opens an image of the same data set."""
    if evaluated.dataset == MNIST and DATASET_KEY not in url_parameters():
        return {}
    return {DATASET_KEY: evaluated.dataset}


def show_picture(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show the image enlarged, with its label, and whether people doubt the label."""
    image = evaluated.split.reference(index)
    number = count_text(image.number)
    name = escape(evaluated.names[result.labels[index]])
    caption = _("Label <b>{label}</b> &nbsp;no. {number}").format(label=name, number=number)
    alt = image_alt(evaluated.split, index, number)
    st.html(figure_html(Figure(evaluated.split.images[index], caption, alt)))
    if evaluated.source == "mnist" and image in {disputed.image for disputed in LABEL_ERRORS}:
        st.caption(_("This label is disputed: see Explore, Label errors."))


def show_probabilities(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show the prediction, with the probabilities as bars."""
    shares = result.probabilities[index]
    read = int(result.predictions[index])
    answer = answer_in_sentence(answer_of(shares, evaluated.dataset))
    st.markdown(format_text(_("{answer}; loss {loss:.2f}."), answer=answer, loss=result.losses[index]))
    texts = [sure_text(float(share)) for share in shares]
    st.html(bars_html(evaluated.names, shares, texts, strong=read))


def show_saliency(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show which pixels speak for the prediction, or for the label, by two methods."""
    read, label = int(result.predictions[index]), int(result.labels[index])
    second = label if label != read else int(np.argsort(result.probabilities[index])[-2])
    names = {
        "read": _("Why {digit}?").format(digit=evaluated.names[read]),
        "other": _("Why not {digit}?").format(digit=evaluated.names[second]),
    }
    subject = _("Digit") if is_digits(evaluated.dataset) else _("Class")
    chosen = url_segments(subject, names, "of", "read", label_visibility="collapsed")
    target = read if chosen == "read" else second
    number = evaluated.split.reference(index).number
    alt = _("Image {number}: saliency for {digit}").format(number=number, digit=evaluated.names[target])
    explanations.show_saliency(evaluated.run, evaluated.split.images[index], target, alt)


def show_layers(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show each layer's activations of the image."""
    shown = [
        layer
        for layer in layer_activations(evaluated, index)
        if layer.kind not in ("image", "flatten", "output")
    ]
    if not shown:
        st.info(_("This network has no hidden layer: the pixels feed the outputs directly."))
        return
    explanations.show_layers(shown, evaluated.dataset)


def show_similar(evaluated: EvaluatedSplit, result: "Evaluation", index: int) -> None:
    """Show the training images nearest to this one by the last layer's inputs."""
    image = evaluated.split.reference(index)
    explanations.show_similar(evaluated.run, evaluated.split.images[index], columns=4, itself=image)


def layer_activations(evaluated: EvaluatedSplit, index: int) -> "list[LayerActivation]":
    """Return each layer's activations of an image."""
    return _layer_activations(evaluated.key, index, evaluated)


@st.cache_resource(show_spinner=False, max_entries=16)
def _layer_activations(
    key: tuple[str, ...], index: int, _evaluated: EvaluatedSplit
) -> "list[LayerActivation]":
    from mnist_core.evaluation.attribution import activations

    return activations(resources.model(_evaluated.run), _evaluated.split.images[index])
