"""Layer by layer: first-layer weights and feature maps; gradients and update ratios over the training."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.models.summary import describe_layers
from mnist_core.monitoring.probes import USUAL_RATIO, Probe
from ui.explanations import MOST_TILES, hidden_count_text, show_layer
from ui.html.digits import tiles_html
from ui.html.network import layer_names
from ui.i18n import format_text, sentences_text
from ui.i18n import gettext as _
from ui.inside.selection import InspectedRun, activations_at, choose_image, weights_at
from ui.navigation import link
from ui.projection_chart import LOUD, QUIET
from ui.runs.progress import probes

if TYPE_CHECKING:
    import pandas as pd


def show(inspected: InspectedRun) -> None:
    """Show the section."""
    st.subheader(_("Weights of the first layer: what it looks for"))
    _show_weights(inspected)
    st.subheader(_("Feature maps: what each layer makes of an image"))
    viewed = choose_image(inspected)
    for layer in activations_at(inspected, viewed.image)[1:]:
        if layer.kind != "flatten":  # which only puts the same in a row
            show_layer(layer)


def _show_weights(inspected: InspectedRun) -> None:
    weights, largest = weights_at(inspected)
    window = weights.shape[1] < 28
    what = _("The weights of {count} units of the first layer, {side} x {side} each").format(
        count=min(len(weights), MOST_TILES), side=weights.shape[1]
    )
    st.html(tiles_html(weights[:MOST_TILES], largest, what))
    words = _(
        "Each picture is one convolution kernel, which slides over the image and gives one feature map."
    )
    if not window:
        words = _("Each picture is the weights of one unit, one weight for every pixel of the image.")
    meaning = _("Blue weights are positive, orange weights negative, pale weights near zero.")
    st.caption(sentences_text([words, meaning, *hidden_count_text(len(weights), MOST_TILES)]))


FAR = 10  # times above or below the rule of thumb


def show_training(inspected: InspectedRun) -> None:
    """Show the section."""
    recorded = probes(inspected.run)
    names = layer_names([layer for layer in describe_layers(inspected.run.config) if layer.parameters])
    if len(recorded) < 2 or len(recorded[-1].gradient_norms) != len(names):
        st.info(_("No gradients were recorded for this run; runs trained here record them."))
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        return
    gradients = np.array([probe.gradient_norms for probe in recorded])
    step = _step(inspected, recorded)
    st.subheader(_("Gradient norm of each layer"))
    _show_lines(recorded, gradients, names, _("gradient norm"), step, "gradients")
    smallest, largest = names[int(gradients[-1].argmin())], names[int(gradients[-1].argmax())]
    words = _(
        "At the last measurement the gradient was largest in “{largest}” and smallest in "
        "“{smallest}”, {times:.2g} times smaller."
    )
    times = gradients[-1].max() / max(gradients[-1].min(), 1e-30)
    st.caption(format_text(words, largest=largest, smallest=smallest, times=times))
    _show_update_ratios(recorded, names, step)


def _show_update_ratios(recorded: Sequence[Probe], names: Sequence[str], step: int) -> None:
    st.subheader(_("Update ratio of each layer"))
    weighed = [probe for probe in recorded if len(probe.update_ratios) == len(names)]
    if not weighed:
        st.info(
            _(
                "Update ratios were not recorded for this run. Continue its training or train it "
                "again to record them."
            )
        )
        return
    ratios = np.array([probe.update_ratios for probe in weighed])
    _show_lines(weighed, ratios, names, _("update ratio"), step, "update_ratios", USUAL_RATIO)
    st.markdown(ratio_words(ratios[-1], names))
    st.caption(
        _(
            "Update ratio: the norm of one training step's change of a layer's weights, divided "
            "by the norm of the weights. The dotted line is the rule of thumb of Karpathy's "
            "course notes (CS231n), about 0.001: a layer far below it learns slowly, one far "
            "above it is unstable. Where the learning rate falls towards the end, the ratios fall "
            "with it."
        )
    )


def ratio_words(ratios: np.ndarray, names: Sequence[str]) -> str:
    """Return how the last ratios compare with the rule of thumb, in words."""
    known = np.where(np.isfinite(ratios), ratios, 0)
    least, most = int(known.argmin()), int(known.argmax())
    words = _(
        "At the last measurement the largest update ratio was {large}, in “{most}”, the "
        "smallest {small}, in “{least}”."
    )
    if len(names) == 1:
        words = _("At the last measurement the update ratio of “{most}” was {large}.")
    text = words.format(
        most=names[most], large=_ratio(known[most]), least=names[least], small=_ratio(known[least])
    )
    if known[most] < USUAL_RATIO / FAR:
        judged = _("All are far below the rule of thumb: the network has nearly stopped learning.")
    elif known[most] > USUAL_RATIO * FAR:
        judged = _("That is far above the rule of thumb: a smaller learning rate may be more stable.")
    else:
        judged = _("That is not far from the rule of thumb.")
    return sentences_text([text, judged])


def _ratio(number: float) -> str:
    """Return one figure of a small number, as the chart's axis has it: 0.000008."""
    return np.format_float_positional(number, 1, unique=False, fractional=False, trim="-")


def _show_lines(
    recorded: Sequence[Probe],
    values: np.ndarray,
    names: Sequence[str],
    what: str,
    step: int,
    key: str,
    usual: float | None = None,
) -> None:
    st.vega_lite_chart(
        layer_points([probe.step for probe in recorded], values, names),
        layer_spec(_("step"), what, _("Layer"), names, step, usual and (usual, _("rule of thumb"))),
        key=key,
        alt=_("{what} of each layer during training").format(what=what),
    )


def _step(inspected: InspectedRun, recorded: Sequence[Probe]) -> int:
    """Return about which step the snapshot of the slider was."""
    return (
        round(recorded[-1].step * inspected.snapshot.epoch / inspected.last.epoch)
        if inspected.last.epoch
        else 0
    )


def layer_points(steps: Sequence[int], values: np.ndarray, names: Sequence[str]) -> "pd.DataFrame":
    """Return numbers [probes, layers], without those that a logarithmic axis can't show."""
    import pandas as pd

    rows = [
        (step, name, float(value))
        for step, row in zip(steps, values, strict=True)
        for name, value in zip(names, row, strict=True)
        if np.isfinite(value) and value > 0
    ]
    return pd.DataFrame(rows, columns=["step", "layer", "value"])


def layer_spec(
    step: str,
    value: str,
    layer: str,
    names: Sequence[str],
    now: int,
    usual: tuple[float, str] | None = None,
) -> dict[str, Any]:
    """Return the specification of `layer_points`, a line a layer.

    `now` is the step shown, `usual` a value to compare with and its name, a dotted line.
    """
    x = {"field": "step", "type": "quantitative", "title": step, "scale": {"nice": False}}
    kind = {"field": "layer", "type": "nominal", "title": None, "scale": {"domain": list(names)}}
    legend = {"orient": "top", "columns": 2, "symbolType": "stroke", "labelLimit": 160}
    encoding = {
        "x": x,
        "y": {
            "field": "value",
            "type": "quantitative",
            "title": value,
            "scale": {"type": "log"},
            "axis": {"format": ".6~g", "tickCount": 5},
        },
        "color": kind | {"legend": legend},
        "tooltip": [
            {"field": "layer", "type": "nominal", "title": layer},
            {"field": "step", "type": "quantitative", "title": step, "format": ","},
            {"field": "value", "type": "quantitative", "title": value, "format": ".2~g"},
        ],
    }
    lines = {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"strokeDash": kind}}
    layers = [{"encoding": encoding, "layer": [lines]}, checkpoint_rule(x, now)]
    return {"height": 280, "layer": [*layers, *(_usual_rule(encoding["y"], *usual) if usual else [])]}


def _usual_rule(y: dict[str, Any], usual: float, name: str) -> list[dict[str, Any]]:
    """A dotted line at a value, with its name under it: most layers begin above."""
    data = {"data": {"values": [{"value": usual}]}, "encoding": {"y": y}}
    rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [2, 3], "color": QUIET}
    label = {"type": "text", "text": name, "x": 6, "dy": 9, "align": "left", "fontSize": 12, "color": QUIET}
    return [data | {"mark": rule}, data | {"mark": label}]


def checkpoint_rule(x: dict[str, Any], now: float) -> dict[str, Any]:
    """A line at the snapshot of the slider."""
    return {
        "data": {"values": [{x["field"]: now}]},
        "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 4], "color": LOUD},
        "encoding": {"x": x},
    }
