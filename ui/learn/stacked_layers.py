"""Chapter "Layers": shapes and parameters of W and b; without an activation the layers are one matrix."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from ui import resources
from ui.html.tables import table_html
from ui.i18n import count_text, format_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import ChosenDigit, choose_digit
from ui.learn.lesson_jobs import background_result
from ui.learn.linked_cells import number_text
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.collapsed_layers import Collapse
    from mnist_core.runtime.job import Steps

HIDDEN_KEY, UNITS_KEY = "hidden", "units"
HIDDEN, UNITS = ("1", "2", "3"), ("16", "32", "64", "128")
PIXELS, DIGITS = 784, 10


class Shown(NamedTuple):
    """The digit, the widths of the hidden layers, and the trained networks."""

    digit: ChosenDigit
    widths: tuple[int, ...]
    collapse: "Collapse"


def ask() -> Question:
    """Ask what layers without an activation can do."""
    text = _(
        "A network has several layers, but no activation function between them: each layer only multiplies "
        "by its weights and adds its biases. What more can it learn than a single layer?"
    )
    options = {
        "more": _("Much more: it has more parameters"),
        "little": _("A little more"),
        "nothing": _("Nothing more"),
    }
    return Question(text, options)


def run() -> Shown | None:
    """Show the layers' shapes, train them with and without activation, and compare with one matrix."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        digit = choose_digit()
        counts = {count: count for count in HIDDEN}
        hidden = int(url_segments(_("Hidden layers"), counts, HIDDEN_KEY, "2"))
        sizes = {size: size for size in UNITS}
        label = _("Units in each")
        units = int(url_segments(label, sizes, UNITS_KEY, "64"))
    widths = (units,) * hidden
    st.html(_shapes_html(widths))
    found = _trained(widths)
    if found is None:
        return None
    _show_accuracies(found)
    _show_logits(found, digit)
    return Shown(digit, widths, found)


def _shapes_html(widths: tuple[int, ...]) -> str:
    """Return a table of the layers: shapes of W and b, and the parameters of each and of all."""
    rows = [[_("Input (not counted)"), "", "", "0", str(PIXELS)]]
    total, inputs = 0, PIXELS
    for number, units in enumerate((*widths, DIGITS), 1):
        is_last = number > len(widths)
        name = _("Layer {number}: output") if is_last else _("Layer {number}: hidden")
        parameters = units * inputs + units
        shapes = [f"[{units},\N{NO-BREAK SPACE}{inputs}]", f"[{units}]"]
        rows.append([name.format(number=number), *shapes, count_text(parameters), str(units)])
        total, inputs = total + parameters, units
    rows.append([_("Whole network"), "", "", count_text(total), ""])
    head = [_("Layer"), "W", "b", _("Parameters"), _("Values out")]
    return table_html(head, rows, strong=len(rows) - 1, words=_("Shapes and parameters of the layers"))


def _trained(widths: tuple[int, ...]) -> "Collapse | None":
    data = resources.dataset()

    def steps() -> "Steps[Collapse]":
        from mnist_core.lessons.collapsed_layers import train_collapse

        return train_collapse(data.train, widths)

    name = _("Training with ReLU, without activation, and a single layer")
    return background_result(name, ("layers", data.source, widths), steps)


def _show_accuracies(found: "Collapse") -> None:
    """Show how many held-out images each network reads rightly."""
    with st.container(horizontal=True, gap="medium"):
        for label, accuracy in (
            (_("With ReLU between the layers"), found.with_activation),
            (_("The same layers, no activation"), found.without_activation),
            (_("One single layer"), found.single_layer),
        ):
            st.metric(label, percent_text(accuracy, 1), width="content")
    words = _(
        "Accuracy on {held_out:,} images that were held out, after training on {trained_on:,} just now."
    )
    st.caption(format_text(words, held_out=found.held_out, trained_on=found.trained_on))


def _show_logits(found: "Collapse", digit: ChosenDigit) -> None:
    """Show the logits of the digit by the layers without activation, and by the one matrix."""
    from mnist_core.lessons.collapsed_layers import apply, as_vectors

    vectors = as_vectors(digit.image[None])
    by_layers, by_matrix = apply(found.layers, vectors)[0], apply([found.collapsed], vectors)[0]
    names = [_("{count} layers").format(count=len(found.layers)), _("One matrix")]
    rows = [
        [name, *(number_text(value, 4) for value in values)]
        for name, values in zip(names, (by_layers, by_matrix), strict=True)
    ]
    head = [_("Logit of"), *map(str, range(DIGITS))]
    strengths = np.zeros((len(rows), DIGITS))
    strengths[:, by_layers.argmax()] = 0.3
    words = _("The logits of this digit, by the layers and by one matrix")
    st.html(table_html(head, rows, strengths=strengths, words=words))


def answer(result: Shown) -> str:
    """Return that the layers are one matrix, and the largest difference."""
    words = _("Nothing more: one matrix gives the same logits (largest difference {difference})")
    return words.format(difference=_power_of_ten(result.collapse.difference))


def _power_of_ten(number: float) -> str:
    """Return a small number such as "2 x 10^-14", in LaTeX within Markdown."""
    digit, exponent = f"{number:.0e}".split("e")
    return rf"${digit} \cdot 10^{{{int(exponent)}}}$"


def explain(result: Shown) -> None:
    """Show how parameters are counted and why layers collapse, with the shapes of this network."""
    first, found = result.widths[0], result.collapse
    words = _(
        "**A layer** with n inputs and m neurons has a weight matrix **W** of shape [m, n] and m biases "
        "**b**; in PyTorch, `nn.Linear(n, m)` is the `nn.Module` that holds them. The input holds no "
        "parameters, so this network has {count} layers. It is one function of 784 numbers, and training "
        "adjusts its parameters. Layer 1:"
    )
    st.markdown(format_text(words, count=len(found.layers)))
    parameters = first * PIXELS + first
    st.latex(rf"m \cdot n + m = {first} \cdot {PIXELS} + {first} = {parameters}")
    st.markdown(
        _(
            "**Without an activation, layers collapse**: multiplied out, two layers are one layer with a "
            "matrix and a bias of their own. The {count} layers above are this one matrix, for any picture:"
        ).format(count=len(found.layers))
    )
    st.latex(r"W_2 (W_1 x + b_1) + b_2 = (W_2 W_1)\, x + (W_2 b_1 + b_2)")
    matrices = r" \;\; ".join(
        rf"\underset{{{layer.weights.shape[0]} \times {layer.weights.shape[1]}}}{{W_{number}}}"
        for number, layer in reversed([*enumerate(found.layers, 1)])
    )
    st.latex(rf"\underset{{10 \times 784}}{{W}} = {matrices}")
    words = _(
        "An **activation function** between the layers, such as ReLU, cannot be multiplied out. Only with it "
        "do more layers bring more: here {with_relu}, without it {without}."
    )
    accuracies = (found.with_activation, found.without_activation)
    with_relu, without = (percent_text(accuracy, 1) for accuracy in accuracies)
    st.markdown(format_text(words, with_relu=with_relu, without=without))


def training(result: Shown) -> dict[str, Any]:
    """Return tutorial 3's training with these layers and no activation."""
    return {"recipe": "tutorial-3", "widths": result.widths, "activation": "none", "epochs": 2}
