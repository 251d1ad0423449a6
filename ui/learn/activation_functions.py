"""Chapter "Activation functions": curves and slopes of all, and each one's effect on a layer's outputs."""

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.choices import ACTIVATIONS
from ui import resources
from ui.html.tables import table_html
from ui.i18n import format_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.linked_cells import number_text
from ui.learn.svg import svg_html
from ui.number_fields import url_slider
from ui.url_controls import url_choice

if TYPE_CHECKING:
    from mnist_core.lessons.activation_curves import Curve, LayerOutputs

FUNCTION_KEY, POINT_KEY, SPREAD_KEY = "function", "at", "spread"
STOPS = tuple(float(value) for value in np.arange(-4, 4.25, 0.25))
SPREADS = (0.5, 1, 2, 4, 8)
MARKS = (-3, -1, 1, 3)  # inputs whose slopes the table has
BINS = 40
FORMULAS = {
    "none": "f(x) = x",
    "sigmoid": r"\sigma(x) = \frac{1}{1 + e^{-x}}",
    "tanh": r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
    "relu": r"\max(0, x)",
    "leaky_relu": r"\max(0, x) + 0.01 \min(0, x)",
    "prelu": r"\max(0, x) + a \min(0, x)",
    "rrelu": r"\max(0, x) + a \min(0, x), \quad a \sim U(1/8, 1/3)",
    "elu": r"\max(0, x) + \min(0, e^x - 1)",
    "selu": r"1.0507\,(\max(0, x) + 1.6733 \min(0, e^x - 1))",
    "gelu": r"x \, \Phi(x)",
    "silu": r"x \, \sigma(x)",
    "maxout": r"\max(w_1 x + b_1,\; w_2 x + b_2)",
}
CURVE_STYLE = """
.axis { stroke: var(--line); stroke-width: 0.06 }
polyline { fill: none; stroke-width: 0.16 }
.curve { stroke: var(--main) }
.slope { stroke: var(--warm); stroke-dasharray: 0.35 0.2 }
circle { fill: var(--text) }
"""
BARS_STYLE = """
rect { fill: var(--main) }
text { fill: var(--quiet); font-size: 11px; text-anchor: middle }
line { stroke: var(--line) }
"""


class Shown(NamedTuple):
    """The chosen activation, the point x, all curves, and the outputs of the layer."""

    name: str
    point: float
    curves: "dict[str, Curve]"
    outputs: "LayerOutputs"


def ask() -> Question:
    """Ask for the largest slope of the sigmoid."""
    text = _(
        "A gradient that goes backward through a layer is multiplied by the slope of its activation "
        "function. The sigmoid squeezes every number into the range from 0 to 1. How large is its slope at "
        "most?"
    )
    return Question(text, {"quarter": "1/4", "one": "1", "any": _("As large as you like")})


def run() -> Shown:
    """Show all curves, one of them with its value at a point, and the outputs of a layer with it."""
    names = {name: _(entry.label) for name, entry in ACTIVATIONS.items()}
    name = url_choice(
        st.pills, _("Activation function"), names, FUNCTION_KEY, "sigmoid", required=True, wrap=True
    )
    with st.container(horizontal=True, gap="small"):
        point = url_slider(_("Input x"), STOPS, POINT_KEY, 1, width=400)
        spread = url_slider(
            _("Size of the layer's sums (standard deviation)"), SPREADS, SPREAD_KEY, 1, width=440
        )
    data = resources.dataset()
    resources.wait_for_torch()
    from mnist_core.lessons.activation_curves import IMAGES, curve, layer_outputs

    curves = {each: curve(each) for each in ACTIVATIONS}
    outputs = layer_outputs(name, data.train.images[:IMAGES], spread)
    _show_point(names[name], point, curves[name])
    st.html(_curves_html(curves, names, name, point))
    st.caption(_("Solid blue: the function from -4 to 4. Dashed orange: its slope. A dot marks the input x."))
    _show_layer(names[name], outputs)
    return Shown(name, point, curves, outputs)


def _show_point(label: str, point: float, curve: "Curve") -> None:
    value, slope = curve.at(point)
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("{name} of {x}").format(name=label, x=number_text(point, 2)), number_text(value, 3))
        st.metric(_("Slope there"), number_text(slope, 3))
        st.metric(_("Largest slope"), number_text(float(curve.slopes.max()), 2))


def _curves_html(curves: "dict[str, Curve]", names: dict[str, str], chosen: str, point: float) -> str:
    """Return a picture of each curve with its name; the chosen one stands out."""
    figures = "".join(
        f'<figure class="{"chosen" if name == chosen else ""}">{_curve_svg(curve, names[name], point)}'
        f"<figcaption>{escape(names[name])}</figcaption></figure>"
        for name, curve in curves.items()
    )
    return f'<div class="lab-curves">{figures}</div>'


def _curve_svg(curve: "Curve", label: str, point: float) -> str:
    value = curve.at(point)[0]
    axes = '<path class="axis" d="M-4 0H4M0 -4V4"/>'
    lines = _line("slope", curve.inputs, curve.slopes) + _line("curve", curve.inputs, curve.outputs)
    dot = f'<circle cx="{point}" cy="{-value:.3f}" r="0.28"/>'
    words = _("{name}: its curve and its slope").format(name=label)
    return svg_html((-4, -4.2, 8, 6.4), CURVE_STYLE, axes + lines + dot, words)


def _line(style: str, inputs: np.ndarray, values: np.ndarray) -> str:
    points = " ".join(f"{x:.2f},{-y:.3f}" for x, y in zip(inputs[::2], values[::2], strict=True))
    return f'<polyline class="{style}" points="{points}"/>'


def _show_layer(label: str, outputs: "LayerOutputs") -> None:
    """Show histograms of the sums of a layer and of its outputs."""
    st.markdown(_("**A layer of 50 units with random weights, on 200 digits**"))
    with st.container(horizontal=True, gap="medium"):
        for title, values in (
            (_("Sums, before the activation"), outputs.sums),
            (_("Outputs, after {name}").format(name=label), outputs.outputs),
        ):
            with st.container(width=330, gap=None):
                st.caption(title)
                st.html(_histogram_html(values, title))
    words = _(
        "Outputs that are exactly 0: {zero}. Outputs where the slope is below 0.05, so that hardly any "
        "gradient passes: {flat}."
    )
    st.markdown(format_text(words, zero=percent_text(outputs.zero, 0), flat=percent_text(outputs.flat, 0)))


def _histogram_html(values: np.ndarray, words: str) -> str:
    counts, edges = np.histogram(values, BINS)
    width = 320 / BINS
    heights = counts / counts.max() * 80
    bars = "".join(
        f'<rect x="{place * width:.1f}" y="{84 - height:.1f}" width="{width - 1:.1f}" height="{height:.1f}"/>'
        for place, height in enumerate(heights)
    )
    ends = "".join(
        f'<text x="{x}" y="99">{number_text(float(value), 1)}</text>'
        for x, value in ((16, edges[0]), (160, edges[BINS // 2]), (304, edges[-1]))
    )
    return svg_html(
        (0, 0, 320, 104), BARS_STYLE, f'{bars}<line x1="0" y1="84" x2="320" y2="84"/>{ends}', words
    )


def answer(result: Shown) -> str:
    """Return the sigmoid's largest slope and where it is."""
    sigmoid = result.curves["sigmoid"]
    place = int(sigmoid.slopes.argmax())
    words = _("{slope}, at x = {x}")
    return words.format(
        slope=number_text(float(sigmoid.slopes[place]), 2), x=number_text(float(sigmoid.inputs[place]), 0)
    )


def explain(result: Shown) -> None:
    """Show the formula with its numbers, what the shapes mean for learning, and a table of all slopes."""
    entry = ACTIVATIONS[result.name]
    value, slope = result.curves[result.name].at(result.point)
    st.markdown(f"**{_(entry.label)}**: {_(entry.description)}")
    st.latex(FORMULAS[result.name])
    x = f"{result.point:g}"
    st.latex(rf"f({x}) = {value:.3f} \qquad f'({x}) = {slope:.3f}")
    if result.name == "maxout":
        st.markdown(
            _("The picture shows a Maxout unit whose two maps are x and -x; training learns both maps.")
        )
    st.markdown(
        _(
            "**Sigmoid and tanh** are flat at both ends: a unit with a large sum is saturated and hardly "
            "learns. **ReLU** has slope 1 above 0, which eases vanishing gradients but does not by itself "
            "remove exploding ones; below 0 its slope is 0, and a unit whose sum is below 0 for "
            "every image is dead: it learns nothing. LeakyReLU, PReLU, RReLU and ELU keep a slope below 0."
        )
    )
    rows = [
        [
            _(ACTIVATIONS[name].label),
            *(number_text(curve.at(x)[1], 2) for x in MARKS),
            number_text(float(curve.slopes.max()), 2),
        ]
        for name, curve in result.curves.items()
    ]
    head = [_("Slope"), *(_("at {x}").format(x=number_text(x, 0)) for x in MARKS), _("largest")]
    st.html(
        table_html(head, rows, strong=[*ACTIVATIONS].index(result.name), words=_("Slopes of all functions"))
    )


def training(result: Shown) -> dict[str, Any]:
    """Return tutorial 2's network with the chosen activation."""
    return {"recipe": "tutorial-2", "activation": result.name, "epochs": 2}
