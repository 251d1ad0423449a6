"""Chapter "Softmax and cross-entropy": ten logits, their probabilities, the loss and its gradient."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from ui import resources
from ui.i18n import format_text, formatted_number, list_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import DIGITS, ChosenDigit, choose_digit
from ui.learn.lesson_jobs import background_result
from ui.learn.linked_cells import CellGrid, Source, number_text, show_linked_cells
from ui.number_fields import url_slider
from ui.url_controls import url_choice

if TYPE_CHECKING:
    from mnist_core.lessons.linear_neurons import LinearNeurons
    from mnist_core.lessons.softmax_loss import SoftmaxLoss
    from mnist_core.runtime.job import Steps

LOGIT_KEY, SHIFT_KEY, TEMPERATURE_KEY = "logit", "shift", "temperature"
SHIFTS = tuple(float(value) for value in np.arange(-10, 10.5, 0.5))
TEMPERATURES = (0.25, 0.5, 1, 2, 4, 8)
TABLE = "table"
LOGIT, EXPONENTIAL, PROBABILITY, ONE_HOT, GRADIENT = range(5)  # columns of the table


class Shown(NamedTuple):
    """The digit, its logits [10], the temperature, and their softmax and cross-entropy."""

    digit: ChosenDigit
    logits: np.ndarray
    temperature: float
    loss: "SoftmaxLoss"


def ask() -> Question:
    """Ask what the temperature changes."""
    text = _(
        "A network ends in ten logits, one number for each digit. Softmax turns them into probabilities. "
        "Before that, all logits can be divided by one number, the temperature T. What does a higher T "
        "change?"
    )
    options = {
        "certainty": _("How certain the answer is"),
        "answer": _("Which digit is the answer"),
        "both": _("Both"),
    }
    return Question(text, options)


def run() -> Shown | None:
    """Show logits that can be changed, and what follows from them, cell by cell."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        digit = choose_digit()
        moved = int(url_choice(st.selectbox, _("Logit to move"), DIGITS, LOGIT_KEY, "3", width=150))
    with st.container(horizontal=True, gap="small"):
        shift = url_slider(_("Add to this logit"), SHIFTS, SHIFT_KEY, 0, width=420)
        temperature = url_slider(_("Temperature T"), TEMPERATURES, TEMPERATURE_KEY, 1, width=360)
    neurons = _trained_neurons()
    if neurons is None:
        return None
    from mnist_core.lessons.softmax_loss import logits_of, softmax_loss

    logits = logits_of(neurons, digit.image)
    logits[moved] += shift
    shown = Shown(digit, logits, temperature, softmax_loss(logits, digit.label, temperature))
    _show_facts(shown)
    grid = _grid(shown)
    place = digit.label * grid.values.shape[1] + PROBABILITY
    show_linked_cells([grid], (TABLE, place), "lab_cells_softmax")
    return shown


def _trained_neurons() -> "LinearNeurons | None":
    data = resources.dataset()

    def steps() -> "Steps[LinearNeurons]":
        from mnist_core.lessons.linear_neurons import train_neurons

        return train_neurons(data.train, "softmax")

    return background_result(_("Training a layer with softmax"), ("softmax", data.source), steps)


def _show_facts(shown: Shown) -> None:
    """Show the answer, its probability and the loss."""
    probabilities = shown.loss.probabilities
    digit = int(probabilities.argmax())
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Answer"), str(digit), width="content")
        st.metric(_("Its probability"), percent_text(float(probabilities[digit]), 1), width="content")
        st.metric(_("Label"), str(shown.digit.label), width="content")
        st.metric(_("Loss"), formatted_number(shown.loss.cross_entropy, ".3f"), width="content")


def _grid(shown: Shown) -> CellGrid:
    """Return a row for each digit: logit, exponential, probability, one-hot label, gradient."""
    loss = shown.loss
    columns = [shown.logits, loss.exponentials, loss.probabilities, loss.one_hot, loss.gradient]
    values = np.stack(columns, axis=1)
    cells = [_cell(shown, values, row, column) for row in range(10) for column in range(5)]
    return CellGrid(
        TABLE,
        _("From logits to the gradient: a row for each digit"),
        values,
        largest=1.0,
        sources=[source for source, _note in cells],
        notes=[note for _source, note in cells],
        sentence="{note}",
        flat=True,
        cell=88,
        row_names=list(DIGITS),
        column_names=[_("logit z"), _("e^z, scaled"), _("softmax p"), _("one-hot y"), _("gradient")],
    )


def _cell(shown: Shown, values: np.ndarray, row: int, column: int) -> tuple[Source, str]:
    """Return a cell's inputs with its calculation, and the sentence before it."""

    def place(row: int, column: int) -> int:
        return row * values.shape[1] + column

    texts = [number_text(value, 2) for value in values[row]]
    temperature, largest = f"{shown.temperature:g}", number_text(float(shown.logits.max()), 2)
    if column == LOGIT:
        return Source({}), _("Logit: the sum of the neuron for {digit}.").format(digit=row)
    if column == EXPONENTIAL:
        text = f"e^(({_factor(texts[LOGIT])} − {_factor(largest)}) / {temperature}) = {texts[column]}"
        note = _("e to the power of (logit minus the largest logit) / T:")
        return Source({TABLE: [place(row, LOGIT)]}, text=text), note
    if column == PROBABILITY:
        total = number_text(float(values[:, EXPONENTIAL].sum()), 2)
        every = [place(digit, EXPONENTIAL) for digit in range(10)]
        note = _("Probability: this exponential divided by the sum of all ten:")
        return Source({TABLE: every}, text=f"{texts[EXPONENTIAL]} / {total} = {texts[column]}"), note
    if column == ONE_HOT:
        note = _("One-hot label: 1 for the right digit, {label}, and 0 for all others.")
        return Source({}), note.format(label=shown.digit.label)
    text = f"({texts[PROBABILITY]} − {values[row, ONE_HOT]:.0f}) / {temperature} = {texts[column]}"
    note = _("Slope of the loss by this logit, (p - y) / T:")
    return Source({TABLE: [place(row, PROBABILITY), place(row, ONE_HOT)]}, text=text), note


def _factor(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def answer(result: Shown) -> str:
    """Return the answer at the lowest and at the highest temperature."""
    from mnist_core.lessons.softmax_loss import answers

    found = answers(result.logits, TEMPERATURES)
    digits = sorted({digit for digit, _share in found.values()})
    (_low, sure), (_high, unsure) = found[TEMPERATURES[0]], found[TEMPERATURES[-1]]
    words = _("The answer at every T is {digits}; its probability falls from {sure} to {unsure}")
    return words.format(
        digits=list_text(map(str, digits)), sure=percent_text(sure, 1), unsure=percent_text(unsure, 1)
    )


def explain(result: Shown) -> None:
    """Show softmax, cross-entropy and the gradient with the numbers of the right digit."""
    loss, label = result.loss, result.digit.label
    own, temperature = float(loss.probabilities[label]), f"{result.temperature:g}"
    st.markdown(
        _(
            "**Softmax** takes e to the power of each logit, which is positive, and divides by the sum of "
            "all ten, so the probabilities add up to 1. The **temperature** T divides all logits alike: "
            "their order, and so the answer, stays; a high T brings the probabilities closer together."
        )
    )
    st.latex(
        rf"p_{{{label}}} = \frac{{e^{{z_{{{label}}} / T}}}}{{\sum_k e^{{z_k / T}}}} = {own:.4f}"
        rf"\qquad \sum_k p_k = {loss.probabilities.sum():.4f}"
    )
    st.markdown(
        _(
            "**Cross-entropy** compares the probabilities with the **one-hot** label y: only the logarithm "
            "of the right digit's probability is left. It is 0 if the network is certain and right, and has "
            "no upper limit. Its gradient is p minus y: a step against it raises the right logit and lowers "
            "all others."
        )
    )
    st.latex(rf"L = -\sum_k y_k \ln p_k = -\ln p_{{{label}}} = {loss.cross_entropy:.4f}")
    st.latex(
        rf"\frac{{\partial L}}{{\partial z_{{{label}}}}} = \frac{{p_{{{label}}} - y_{{{label}}}}}{{T}}"
        rf" = \frac{{{own:.4f} - 1}}{{{temperature}}} = {loss.gradient[label]:.4f}"
    )
    words = _(
        "**Log-softmax and negative log-likelihood (NLL)** is the same number in two steps: {nll}, and "
        "cross-entropy on logits gives {loss}. So with cross-entropy a network ends in plain logits; a "
        "softmax layer before it would be one too many."
    )
    nll, cross_entropy = loss.negative_log_likelihood, loss.cross_entropy
    st.markdown(format_text(words, nll=f"{nll:.6f}", loss=f"{cross_entropy:.6f}"))


def training(result: Shown) -> dict[str, Any]:
    """Return tutorial 4's network, whose last layer is a log-softmax."""
    return {"recipe": "tutorial-4a", "epochs": 1}
