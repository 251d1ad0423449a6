"""Chapter "Vanishing and exploding gradients": depth, activation, initialization; then skip connections."""

import json
import math
from typing import Any, NamedTuple

import streamlit as st

from mnist_core.choices import ACTIVATIONS
from mnist_core.lessons.gradient_flow import LARGE, STARTS, WIDTH, Flow, gradient_flow
from mnist_core.runtime.job import Steps
from ui import resources
from ui.i18n import count_text, format_text, formatted_number
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.url_controls import url_choice, url_segments

DEPTH_KEY, ACTIVATION_KEY, START_KEY, SKIP_KEY = "depth", "function", "weights", "skip"
DEPTHS = {str(depth): str(depth) for depth in range(2, 9)}
ACTIVATION_NAMES = ("none", "sigmoid", "tanh", "relu")
IMAGES = 100
MOST_TICKS = 8  # of the chart's axis
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(exponent: int) -> str:
    return "10" + str(exponent).translate(SUPERSCRIPTS)


POWERS = {exponent: _power(exponent) for exponent in range(-20, 8)}  # on the chart's axis


class Setting(NamedTuple):
    """A network of the experiment: hidden layers, activation and initialization by name, skip connections."""

    depth: int
    activation: str
    start: str
    skip: bool


class Measured(NamedTuple):
    """The chosen network, its gradients, and, if it has skip connections, those of the one without."""

    setting: Setting
    flow: Flow
    plain: Flow


def ask() -> Question:
    """Ask how much of the gradient reaches the first layer."""
    text = _(
        "In a network with 8 hidden layers and the sigmoid activation, the gradient goes backward from the "
        "loss through all layers. How large is it at the first layer, compared with the last hidden layer?"
    )
    options = {
        "same": _("About the same"),
        "half": _("About half"),
        "tiny": _("Over a thousand times smaller"),
    }
    return Question(text, options)


def run() -> Measured | None:
    """Show the gradient that arrives at each layer of the chosen network."""
    setting = _choose()
    split = resources.dataset().file("train")

    def steps() -> Steps[Measured]:
        images, labels = split.images[:IMAGES], split.labels[:IMAGES]
        yield 0.1, None
        plain = gradient_flow(images, labels, *setting[:3], skip=False)
        flow = gradient_flow(images, labels, *setting[:3], skip=True) if setting.skip else plain
        return Measured(setting, flow, plain)

    source = resources.dataset().source
    result = background_result(_("Calculating the gradients"), ("vanishing", source, *setting), steps)
    if result:
        _show_chart(result)
    return result


def _choose() -> Setting:
    """Show the four controls."""
    activations = {name: _(ACTIVATIONS[name].label) for name in ACTIVATION_NAMES}
    starts = {name: _(entry.label) for name, entry in STARTS.items()}
    skips = {"no": _("Without"), "yes": _("With")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        depth = url_choice(st.select_slider, _("Hidden layers"), DEPTHS, DEPTH_KEY, "8", width=220)
        activation = url_segments(_("Activation"), activations, ACTIVATION_KEY, "sigmoid")
        start = url_choice(
            st.selectbox, _("Initialization of the weights"), starts, START_KEY, "xavier_normal", width=230
        )
        skip = url_segments(_("Skip connections"), skips, SKIP_KEY, "no")
    return Setting(int(depth), activation, start, skip == "yes")


def _show_chart(result: Measured) -> None:
    plain, skip = _("Without skip connections"), _("With skip connections")
    curves = {plain: result.plain} | ({skip: result.flow} if result.setting.skip else {})
    values = [
        {
            "layer": number,
            "size": size,
            "network": name,
            "text": _size_text(size),
            "named": flow is result.flow or number == 1,
        }
        for name, flow in curves.items()
        for number, size in enumerate(flow.sizes, 1)
    ]
    words = _("Size of the gradient at each hidden layer: {sizes}")
    sizes = ", ".join(f"{number}: {_size_text(size)}" for number, size in enumerate(result.flow.sizes, 1))
    st.vega_lite_chart(_spec(values, list(curves)), key="lab_gradient_flow", alt=words.format(sizes=sizes))
    st.caption(
        _(
            "Layer 1 is nearest to the image; the gradient comes from the right. The axis is "
            "logarithmic. The network is untrained and has {width} units per layer. Size: root "
            "mean square of the derivatives of the loss by a layer's sums z, over the first {images} "
            "training images."
        ).format(width=WIDTH, images=IMAGES)
    )


def _spec(values: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Return the specification of a chart with a point for each layer, on a logarithmic axis."""
    x = {"field": "layer", "type": "ordinal", "title": _("Hidden layer"), "axis": {"labelAngle": 0}}
    exponents = [math.log10(row["size"]) for row in values]
    powers = range(math.floor(min(exponents)), math.ceil(max(exponents)) + 1)
    ticks = [10.0**power for power in powers[:: -(-len(powers) // MOST_TICKS)]]
    y = {
        "field": "size",
        "type": "quantitative",
        "title": _("Size of the gradient"),
        "scale": {"type": "log", "padding": 20},
        "axis": {"labelExpr": f"{json.dumps(POWERS)}[round(log(datum.value) / log(10))]", "values": ticks},
    }
    legend = {"orient": "top", "columns": 1, "labelLimit": 300, "symbolType": "stroke"}
    shown = legend if len(names) > 1 else None
    network = {"field": "network", "type": "nominal", "title": None, "legend": shown, "sort": names}
    facts = [
        {"field": "network", "type": "nominal", "title": " "},
        {"field": "layer", "type": "nominal", "title": _("Hidden layer")},
        {"field": "text", "type": "nominal", "title": _("Size of the gradient")},
    ]
    text = {"text": {"field": "text", "type": "nominal"}}
    named = [{"filter": "datum.named"}]
    return {
        "data": {"values": values},
        "height": 320,
        "encoding": {"x": x, "y": y, "color": network, "tooltip": facts},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": {"strokeDash": network}},
            {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1}},
            {"transform": named, "mark": {"type": "text", "dy": -14, "fontSize": 12}, "encoding": text},
        ],
    }


def _size_text(size: float) -> str:
    """Return a number with two significant digits (0.023, 1,600), or with one if very small (2·10⁻⁶)."""
    if size >= 1e-3:
        return _times_text(size)
    mantissa, exponent = f"{size:.0e}".split("e")
    return f"{mantissa}·{_power(int(exponent))}"


def _times_text(times: float) -> str:
    """Return a number with two significant digits: 0.023, 1.4, 27,000."""
    return formatted_number(times, ".2g") if times < 10 else count_text(float(f"{times:.2g}"))


def answer(result: Measured) -> str:
    """Return how large the gradient is at the first layer."""
    ratio = result.flow.ratio
    if 0.5 < ratio < 2:
        words = _("At layer 1 it is {times} times that of layer {depth}: about the same")
    elif ratio < 1:
        words = _("At layer 1 it is {times} times smaller than at layer {depth}")
    else:
        words = _("At layer 1 it is {times} times larger than at layer {depth}")
    close = 0.5 < ratio < 2
    times = formatted_number(ratio, ".2f") if close else _times_text(max(ratio, 1 / ratio))
    return words.format(times=times, depth=result.setting.depth)


def explain(result: Measured) -> None:
    """Show the factor per layer as slope times weights, its power, and what skip connections do."""
    plain, steps = result.plain, result.setting.depth - 1
    st.markdown(
        _(
            "On its way back, each layer multiplies the gradient by two numbers: the **slope** of its "
            "activation, and a factor of its **weights**. Over many layers this is a product of many "
            "factors: below one it **vanishes**, above one it **explodes**. The sigmoid's slope is never "
            "above 1/4."
        )
    )
    slope, weights = _("slope"), _("weights")
    names = rf"\text{{{slope}}} \times \text{{{weights}}}"
    st.latex(f"{names} = {plain.slope:.3f} \\times {plain.gain:.3f} = {plain.expected:.3f}")
    st.latex(rf"{plain.expected:.3f}^{{{steps}}} = {_power_text(plain.expected**steps)}")
    words = _(
        "Measured without skip connections: {factor:.3f} for each layer, {ratio} in all. **ReLU** has "
        "slope 1 for positive sums and 0 for others, which eases vanishing. It does not remove exploding: "
        "see ReLU with twice Kaiming's weights."
    )
    st.markdown(format_text(words, factor=plain.factor, ratio=_size_text(plain.ratio)))
    if result.setting.skip:
        words = _(
            "**With skip connections** a layer adds its input to its output, so one part of the gradient "
            "goes back unchanged, whatever slope and weights are: {factor:.2f} for each layer here. That "
            "is how ResNet (2015) could be over a hundred layers deep."
        )
        st.markdown(format_text(words, factor=result.flow.factor))
    else:
        st.markdown(_("Now choose **skip connections: with**. Each layer then adds its input to its output."))


def _power_text(value: float) -> str:
    """Return a number with two significant digits for LaTeX."""
    if value >= 1e-3:
        return _times_text(value).replace(",", "{,}")
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def training(result: Measured) -> dict[str, Any]:
    """Return an MLP as chosen; with skip connections, the small ResNet."""
    setting = result.setting
    start = "kaiming_normal" if setting.start == LARGE else setting.start
    common = {"activation": setting.activation, "initialization": start, "epochs": 2}
    if setting.skip:
        return common | {
            "recipe": "tutorial-4b",
            "architecture": "resnet",
            "widths": (),
            "channels": (16, 32),
        }
    return common | {"recipe": "tutorial-2", "widths": (WIDTH,) * setting.depth}
