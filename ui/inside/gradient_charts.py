"""Gradient norm and update ratio of each layer over the training, one layer emphasised."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.models.summary import describe_layers
from mnist_core.monitoring.probes import USUAL_RATIO, Probe
from ui.html.network import layer_names
from ui.i18n import count_text, formatted_number, sentences_text
from ui.i18n import gettext as _
from ui.inside.selection import InspectedRun
from ui.navigation import chapter_help, link
from ui.projection_chart import COLOURS, LOUD, QUIET
from ui.runs.progress import probes
from ui.url_controls import url_choice

if TYPE_CHECKING:
    import pandas as pd

MOST_TIMES = 1e9  # a gradient so much smaller than another is as good as none
FAR = 10  # times the rule of thumb, or its inverse
LAYER_KEY = "layer"
HEIGHT = 320
LABEL_HEIGHT = 14  # pixels of a line of text in the chart
EMPHASIS, FAINT_TEXT = COLOURS[0], COLOURS[7]


class LayerLines(NamedTuple):
    """A measurement of each layer at each probe: values [probes, layers] at `steps`, and the layers' names.

    `chosen` is the layer to emphasise, `now` the step of the checkpoint shown.
    """

    steps: Sequence[int]
    values: np.ndarray
    names: Sequence[str]
    chosen: int
    now: int


def show(inspected: InspectedRun) -> None:
    """Show the section."""
    recorded = probes(inspected.run)
    names = layer_names([layer for layer in describe_layers(inspected.run.config) if layer.parameters])
    if len(recorded) < 2 or len(recorded[-1].gradient_norms) != len(names):
        st.info(_("No gradients were recorded for this run; runs trained here record them."))
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        return
    chosen = _choose_layer(names)
    now = _step(inspected, recorded)
    _show_gradients(recorded, names, chosen, now)
    _show_update_ratios(recorded, names, chosen, now)


def _choose_layer(names: Sequence[str]) -> int:
    """Show the layers; return the place of the one to emphasise."""
    if len(names) == 1:
        return 0
    options = {str(number): name for number, name in enumerate(names, 1)}
    label = _("Emphasised layer")
    return int(url_choice(st.selectbox, label, options, LAYER_KEY, "1", width=280)) - 1


def _show_gradients(recorded: Sequence[Probe], names: Sequence[str], chosen: int, now: int) -> None:
    st.subheader(_("Gradient norm of each layer"), help=chapter_help("vanishing"))
    st.markdown(
        _(
            "How strongly the loss depends on the weights of a layer. A layer whose line is far below the "
            "others hardly learns."
        )
    )
    gradients = np.array([probe.gradient_norms for probe in recorded])
    lines = LayerLines([probe.step for probe in recorded], gradients, names, chosen, now)
    _show_lines(lines, _("gradient norm"), "gradients")
    if len(names) == 1:
        return
    st.markdown(gradient_words(gradients[-1], names))


def gradient_words(gradients: np.ndarray, names: Sequence[str]) -> str:
    """Return how the last gradient norms of several layers compare, in words."""
    if not np.isfinite(gradients).all():
        return _("At the last measurement the gradients were no longer numbers: the training diverged.")
    smallest, largest = int(gradients.argmin()), int(gradients.argmax())
    if not gradients[largest]:
        return _("At the last measurement no layer had a gradient: the network no longer learns.")
    if gradients[smallest] < gradients[largest] / MOST_TIMES:
        words = _(
            "At the last measurement the gradient was largest in “{largest}”, and none arrived in "
            "“{smallest}”: that layer no longer learns."
        )
        return words.format(largest=names[largest], smallest=names[smallest])
    words = _(
        "At the last measurement the gradient was largest in “{largest}” and smallest in "
        "“{smallest}”, {times} times smaller."
    )
    times = _two_figures(float(gradients[largest] / gradients[smallest]))
    return words.format(largest=names[largest], smallest=names[smallest], times=times)


def _two_figures(number: float) -> str:
    """Return a number of at least 1 rounded to two significant digits: 1.4, 29,000."""
    if not math.isfinite(number) or number < 10:
        return formatted_number(number, ".2g")
    return count_text(int(round(number, 1 - int(math.log10(number)))))


def _show_update_ratios(recorded: Sequence[Probe], names: Sequence[str], chosen: int, now: int) -> None:
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
    st.markdown(
        _(
            "How far one training step moves the weights of a layer: the norm of the change divided by "
            "the norm of the weights. About 0.001 (dotted line) is usual: a layer far below it learns "
            "slowly, one far above it is unstable."
        )
    )
    ratios = np.array([probe.update_ratios for probe in weighed])
    lines = LayerLines([probe.step for probe in weighed], ratios, names, chosen, now)
    _show_lines(lines, _("update ratio"), "update_ratios", USUAL_RATIO)
    st.markdown(ratio_words(ratios[-1], names))
    st.caption(
        _(
            "The rule of thumb is from Karpathy's course notes (CS231n). Where the learning rate falls "
            "towards the end, the ratios fall with it."
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
        most=names[most], large=_one_figure(known[most]), least=names[least], small=_one_figure(known[least])
    )
    if known[most] < USUAL_RATIO / FAR:
        judged = _("All are far below the rule of thumb: the network has nearly stopped learning.")
    elif known[most] > USUAL_RATIO * FAR:
        judged = _("That is far above the rule of thumb: a smaller learning rate may be more stable.")
    else:
        judged = _("That is not far from the rule of thumb.")
    return sentences_text([text, judged])


def _one_figure(number: float) -> str:
    """Return a small number rounded to one significant digit, as on the chart's axis: 0.000008."""
    return np.format_float_positional(number, 1, unique=False, fractional=False, trim="-")


def _show_lines(lines: LayerLines, what: str, key: str, usual: float | None = None) -> None:
    st.vega_lite_chart(
        layer_points(lines),
        layer_spec(lines, _("step"), what, _("Layer"), usual and (usual, _("rule of thumb"))),
        key=key,
        alt=_("{what} of each layer during training").format(what=what),
    )
    st.caption(_reading_text(lines))


def _reading_text(lines: LayerLines) -> str:
    """Explain the colours and numbers in the chart."""
    words = [_("Vertical orange line: the checkpoint of the slider.")]
    if len(lines.names) > 1:
        blue = _("Blue: “{layer}”. Grey: the other layers; the number at the end of a line is its layer's.")
        words.insert(0, blue.format(layer=lines.names[lines.chosen]))
    return sentences_text(words)


def _step(inspected: InspectedRun, recorded: Sequence[Probe]) -> int:
    """Return the approximate step of the slider's snapshot."""
    epochs = inspected.last.epoch
    return round(recorded[-1].step * inspected.snapshot.epoch / epochs) if epochs else 0


def layer_points(lines: LayerLines) -> "pd.DataFrame":
    """Return the lines' points, without those that a logarithmic axis can't show."""
    import pandas as pd

    rows = [
        (step, lines.names[layer], layer == lines.chosen, float(value))
        for step, row in zip(lines.steps, lines.values, strict=True)
        for layer, value in enumerate(row)
        if np.isfinite(value) and value > 0
    ]
    return pd.DataFrame(rows, columns=["step", "layer", "chosen", "value"])


def layer_spec(
    lines: LayerLines, step: str, value: str, layer: str, usual: tuple[float, str] | None = None
) -> dict[str, Any]:
    """Return the specification of `layer_points`, a line a layer, its number at the end.

    `usual` is a value to compare with and its name, a dotted line.
    """
    x = {"field": "step", "type": "quantitative", "title": step, "scale": {"nice": False}}
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"type": "log"},
        "axis": {"format": ".6~g", "tickCount": 5},
    }
    facts = [
        {"field": "layer", "type": "nominal", "title": layer},
        {"field": "step", "type": "quantitative", "title": step, "format": ","},
        {"field": "value", "type": "quantitative", "title": value, "format": ".2~g"},
    ]
    place = {"x": x, "y": y}
    others = {
        "transform": [{"filter": "!datum.chosen"}],
        "mark": {"type": "line", "strokeWidth": 1.25, "color": QUIET, "opacity": 0.75},
        "encoding": place | {"detail": {"field": "layer", "type": "nominal"}},
    }
    emphasised = [{"filter": "datum.chosen"}]
    bold = {"type": "line", "strokeWidth": 3, "color": EMPHASIS}
    points = {"type": "point", "size": 120, "opacity": 0, "filled": True}
    parts = [
        checkpoint_rule(x, lines.now),
        *(_usual_rule(y, *usual) if usual else []),
        others,
        {"transform": emphasised, "mark": bold, "encoding": place},
        {"transform": emphasised, "mark": points, "encoding": place | {"tooltip": facts}},
        *_end_labels(lines, x, y),
    ]
    return {"height": HEIGHT, "padding": {"left": 0, "top": 5, "right": 28, "bottom": 5}, "layer": parts}


def _end_labels(lines: LayerLines, x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the number of each layer at the end of its line."""
    if len(lines.names) == 1:
        return []
    last = lines.values[-1]
    seen = [layer for layer, value in enumerate(last) if np.isfinite(value) and value > 0]
    drawn = lines.values[np.isfinite(lines.values) & (lines.values > 0)]
    if not seen:
        return []
    height = float(np.log(drawn.max() / drawn.min())) * LABEL_HEIGHT / HEIGHT
    heights = spread(np.log(last[seen]), height)
    values = [
        {
            "step": lines.steps[-1],
            "value": float(np.exp(at)),
            "text": str(layer + 1),
            "chosen": layer == lines.chosen,
        }
        for layer, at in zip(seen, heights, strict=True)
    ]
    colour = {"condition": {"test": "datum.chosen", "value": EMPHASIS}, "value": FAINT_TEXT}
    text = {"field": "text", "type": "nominal"}
    mark = {"type": "text", "align": "left", "dx": 6, "fontSize": 13, "fontWeight": 700, "clip": False}
    return [
        {
            "data": {"values": values},
            "mark": mark,
            "encoding": {"x": x, "y": y, "text": text, "color": colour},
        }
    ]


def spread(heights: np.ndarray, least: float) -> np.ndarray:
    """Return heights [N] moved so that neighbours are at least `least` apart, their order and middle kept."""
    order = np.argsort(heights, kind="stable")
    apart = heights[order].astype(float)
    for place in range(1, len(apart)):
        apart[place] = max(apart[place], apart[place - 1] + least)
    moved = np.empty(len(heights))
    moved[order] = apart - (apart.mean() - heights.mean())
    return moved


def _usual_rule(y: dict[str, Any], usual: float, name: str) -> list[dict[str, Any]]:
    """Return a dotted line at a value, with its name below it, as most layers begin above."""
    data = {"data": {"values": [{"value": usual}]}, "encoding": {"y": y}}
    rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [2, 3], "color": QUIET}
    label = {
        "type": "text",
        "text": name,
        "x": 6,
        "dy": 9,
        "align": "left",
        "fontSize": 12,
        "color": FAINT_TEXT,
    }
    return [data | {"mark": rule}, data | {"mark": label}]


def checkpoint_rule(x: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a line at the slider's snapshot."""
    return {
        "data": {"values": [{x["field"]: now}]},
        "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 4], "color": LOUD},
        "encoding": {"x": x},
    }
