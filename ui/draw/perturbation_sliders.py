"""Perturbations of the digit by sliders: rotation, shift, stroke width, noise."""

from typing import Any

import numpy as np
import streamlit as st

from mnist_core.evaluation.perturbations import PERTURBATIONS, Perturbation, perturb
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import Run
from ui import resources
from ui.answers import answer_in_sentence, answer_of
from ui.class_names import class_name, thing
from ui.drawing_input import ReadDrawing, calibration
from ui.html.digits import Figure, figure_html
from ui.i18n import gettext as _
from ui.i18n import number_text
from ui.number_fields import url_slider


def show(reading: ReadDrawing, place: int) -> None:
    """Show the section."""
    words = _(
        "Perturb your {thing} step by step and see how long the prediction stays the same. A network trained "
        "only on upright, centred images fails early. The blue curves show its confidence in the first "
        "prediction; the dashed line is the position of the slider."
    )
    st.markdown(words.format(thing=thing(reading.run.config.dataset)))
    image = reading.digits[place].prediction.image
    for names in (("turn", "move"), ("thicken", "noise")):
        for column, name in zip(st.columns(2, gap="large"), names, strict=True):
            with column:
                show_change(name, image, reading.run)


@st.fragment
def show_change(name: str, image: np.ndarray, run: Run) -> None:
    """Show one change: its slider, the changed digit, what is read, and where that changes."""
    entry = PERTURBATIONS[name]
    amount = url_slider(
        f"**{_(entry.label)}**",
        entry.amounts.tolist(),
        name,
        0,
        whole=entry.whole,
        widget_key=f"change_{name}",
        help_text=_(entry.description),
    )
    amounts = np.unique([*entry.amounts, amount])
    images = perturb(image, name, amounts)
    shares = _shares(str(run.checkpoints[-1]), name, (image.tobytes(), amounts.tobytes()), run, images)
    here, unchanged = int(np.abs(amounts - amount).argmin()), int(np.abs(amounts).argmin())
    label = int(shares[unchanged].argmax())
    name_of_class = class_name(run.config.dataset, label)
    alt = _("Your {thing}, perturbed").format(thing=thing(run.config.dataset))
    picture, words = st.columns([1, 2], vertical_alignment="center")
    with picture:
        st.html(figure_html(Figure(images[here], "", alt)), width=112)
    with words:
        st.markdown(sentence(entry, amounts[here], shares[here], run.config.dataset))
        st.caption(stability(entry, amounts, shares.argmax(1) == label, unchanged, name_of_class))
    st.vega_lite_chart(
        {"amount": amounts, "share": shares[:, label]},
        spec(entry, name_of_class, float(amounts[here])),
        alt=_("Confidence in {digit} by strength of the perturbation").format(digit=name_of_class),
        key=f"chart_{name}",
    )


def sentence(entry: Perturbation, amount: float, shares: np.ndarray, dataset: str) -> str:
    """Return the answer at one amount, in words; `shares` are the probabilities [C]."""
    words = _("{answer}. {what}: {amount}.") if amount else _("Unchanged. {answer}.")
    answer = answer_in_sentence(answer_of(shares, dataset))
    return words.format(answer=answer, what=_(entry.label), amount=amount_text(entry, amount))


def stability(entry: Perturbation, amounts: np.ndarray, same: np.ndarray, unchanged: int, label: str) -> str:
    """Return between which amounts the prediction stays the same, in words."""
    below, above = same[: unchanged + 1][::-1], same[unchanged:]
    first = unchanged - (int(below.argmin()) or len(below)) + 1
    last = unchanged + (int(above.argmin()) or len(above)) - 1
    if first == 0 and last == len(amounts) - 1:
        return _("The prediction stays {digit} over the whole range.").format(digit=label)
    words = _("The prediction stays {digit} from {least} to {most}.")
    least = amount_text(entry, amounts[first]) if entry.unit == "°" else number_text(amounts[first])
    most = amount_text(entry, amounts[last])
    return words.format(digit=label, least=least, most=most)


def amount_text(entry: Perturbation, amount: float) -> str:
    """Return an amount with its unit, and a true minus sign."""
    return number_text(amount) + ("°" if entry.unit == "°" else " " + _(entry.unit))


def spec(entry: Perturbation, label: str, amount: float) -> dict[str, Any]:
    """Return the chart: how sure it is of the digit at each amount, and where the slider stands."""
    by = {"field": "amount", "type": "quantitative", "title": _(entry.label)}
    sure = {"field": "share", "type": "quantitative", "title": _("confidence in {digit}").format(digit=label)}
    across = {**by, "title": None, "scale": {"domain": [entry.least, entry.most], "nice": False}}
    across["axis"] = {"tickCount": 6}  # of three figures each, on a phone
    upward = {**sure, "title": None, "scale": {"domain": [0, 1]}, "axis": {"format": ".0%", "tickCount": 3}}
    tooltip = [{**by, "format": "g"}, {**sure, "format": ".1%"}]
    curve = {
        "mark": {"type": "area", "line": True, "opacity": 0.3},
        "encoding": {"x": across, "y": upward, "tooltip": tooltip},
    }
    slider = {
        "data": {"values": [{"amount": amount}]},
        "mark": {"type": "rule", "strokeDash": [4, 3], "size": 2, "color": "#d9731a"},
        "encoding": {"x": across},
    }
    return {"height": 130, "padding": 0, "layer": [curve, slider]}


@st.cache_data(show_spinner=False, max_entries=64)
def _shares(
    checkpoint: str, name: str, image_and_amounts: tuple[bytes, bytes], _run: Run, _images: np.ndarray
) -> np.ndarray:
    """Return the probabilities of each digit at each amount, [N, 10]."""
    predictions = predict_all(resources.model(_run), list(_images), calibration(_run))
    return np.stack([prediction.probabilities for prediction in predictions])
