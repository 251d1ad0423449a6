"""Chapter "Gradient descent": the paths of all optimizers on one loss surface, and the learning rate."""

from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.choices import OPTIMIZERS
from mnist_core.lessons.descent import (
    ARRIVED,
    CURVATURES,
    RATES,
    SPEEDS,
    START,
    STEPS,
    WEIGHT_DECAY,
    DescentPath,
    all_paths,
    gradient,
    level_line,
    loss,
)
from mnist_core.runtime.job import Steps
from ui.html.tables import table_html
from ui.i18n import count_text, format_text, formatted_number, sentences_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.projection_chart import COLOURS, QUIET
from ui.url_controls import url_choice, url_segments

OPTIMIZER_KEY, SPEED_KEY = "path", "speed"
LEVELS = (0.01, 0.06, 0.16, 0.35, 0.65, 1.0, 1.5)  # of the loss at the start: lines of equal loss
WIDE, HIGH = 3.6, 2.4  # the part of the surface that the chart shows, either way from the lowest point
FARTHER = 3  # times this part with a rate that is too large, where the paths leave it
FIRST_STEPS = 10  # steps shown with such a rate
UPDATES = {
    "sgd": r"w \leftarrow w - \eta\, g",
    "momentum": r"v \leftarrow 0.9\, v + g, \quad w \leftarrow w - \eta\, v",
    "nesterov": r"v \leftarrow 0.9\, v + g, \quad w \leftarrow w - \eta\, (g + 0.9\, v)",
    "adagrad": r"s \leftarrow s + g^2, \quad w \leftarrow w - \eta\, g / \sqrt{s}",
    "rmsprop": r"s \leftarrow 0.99\, s + 0.01\, g^2, \quad w \leftarrow w - \eta\, g / \sqrt{s}",
    "adadelta": r"s \leftarrow 0.9\, s + 0.1\, g^2, \quad \Delta = g \sqrt{d} / \sqrt{s}, \quad "
    r"w \leftarrow w - \eta\, \Delta, \quad d \leftarrow 0.9\, d + 0.1\, \Delta^2",
    "adam": r"m \leftarrow 0.9\, m + 0.1\, g, \quad s \leftarrow 0.999\, s + 0.001\, g^2, \quad "
    r"w \leftarrow w - \eta\, \hat m / \sqrt{\hat s}",
    "adamw": r"w \leftarrow w - 0.01\, \eta\, w, \quad w \leftarrow w - \eta\, \hat m / \sqrt{\hat s}",
    "muon": r"v \leftarrow 0.9\, v + 0.1\, g, \quad w \leftarrow w - \eta \, \text{orth}(0.1\, g + 0.9\, v)",
}
"""One step of each optimizer with the gradient g; small constants against division by zero left out."""
Paths = dict[str, tuple[DescentPath, ...]]


class Descended(NamedTuple):
    """The paths of all optimizers with each rate of SPEEDS; the chosen optimizer and speed."""

    paths: Paths
    optimizer: str
    speed: str

    @property
    def chosen(self) -> DescentPath:
        """The path of the chosen optimizer with the chosen rate."""
        return self.paths[self.optimizer][SPEEDS.index(self.speed)]

    @property
    def rate(self) -> float:
        """The learning rate of the chosen path."""
        return RATES[self.optimizer][SPEEDS.index(self.speed)]


def ask() -> Question:
    """Ask what a learning rate that is too large does."""
    text = _(
        "Gradient descent (SGD) goes down a narrow valley. With learning rate {right} it arrives at the "
        "lowest point. What does it do with {large}?"
    )
    options = {
        "sooner": _("It arrives in fewer steps"),
        "zigzag": _("It zigzags from side to side and arrives"),
        "away": _("It moves away: the loss grows"),
    }
    _small, right, large = RATES["sgd"]
    return Question(text.format(right=right, large=large), options)


def run() -> Descended | None:
    """Show the surface and the paths, the chosen optimizer's in colour."""
    optimizer, speed = _choose()

    def steps() -> Steps[Paths]:
        paths: Paths = {}
        for name, found in all_paths():
            paths[name] = found
            yield len(paths) / len(RATES), None
        return paths

    paths = background_result(_("Calculating the paths"), ("descent",), steps)
    if paths is None:
        return None
    result = Descended(paths, optimizer, speed)
    chart, table = st.columns([3, 2])
    with chart:
        _show_chart(result)
    with table:
        _show_table(result)
    return result


def _choose() -> tuple[str, str]:
    names = {name: _(entry.label) for name, entry in OPTIMIZERS.items()}
    speeds = {"small": _("Too small"), "right": _("Right"), "large": _("Too large")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        optimizer = url_choice(st.selectbox, _("Optimizer"), names, OPTIMIZER_KEY, "sgd", width=200)
        speed = url_segments(_("Learning rate"), speeds, SPEED_KEY, "right")
    return optimizer, speed


def _show_chart(result: Descended) -> None:
    name, path = _(OPTIMIZERS[result.optimizer].label), result.chosen
    words = _(
        "{optimizer}, learning rate {rate:g}: the loss goes from {start:.3g} to {end} in {steps} steps."
    )
    said = format_text(
        words,
        optimizer=name,
        rate=result.rate,
        start=path.losses[0],
        end=_loss_text(path.losses[-1]),
        steps=STEPS,
    )
    st.vega_lite_chart(_spec(result), key="lab_descent", alt=said)
    lines = _(
        "Thin ellipses: lines of equal loss; cross: the lowest point. Grey: the other optimizers' paths."
    )
    first = format_text(_("The first {steps} steps are shown."), steps=FIRST_STEPS)
    st.caption(sentences_text([said, lines, *([first] if result.speed == "large" else [])]))


def _spec(result: Descended) -> dict[str, Any]:
    """Return the chart: lines of equal loss, all paths, the chosen one with a dot for each step."""
    zoom = FARTHER if result.speed == "large" else 1
    axes = {
        axis: {
            "field": axis,
            "type": "quantitative",
            "title": title,
            "axis": {"grid": False, "tickCount": 5},
            "scale": {"domain": [-reach, reach], "nice": False},
        }
        for axis, title, reach in (("x", "w₁", WIDE * zoom), ("y", "w₂", HIGH * zoom))
    }
    by_order = {"order": {"field": "step", "type": "quantitative"}}
    by_line = {"detail": {"field": "line", "type": "nominal"}} | by_order
    thin = {"type": "line", "clip": True, "color": QUIET, "strokeWidth": 1}
    facts = [
        {"field": "line", "type": "nominal", "title": " "},
        {"field": "step", "type": "quantitative", "title": _("step")},
        {"field": "loss", "type": "nominal", "title": _("Loss at this point")},
    ]
    chosen = [{"filter": "datum.chosen"}]
    blue = {"clip": True, "color": COLOURS[0]}
    levels = {"data": {"values": _level_rows()}, "mark": thin | {"opacity": 0.45}, "encoding": by_line}
    lowest = {
        "data": {"values": [{"x": 0, "y": 0}]},
        "mark": {
            "type": "point",
            "shape": "cross",
            "size": 90,
            "color": COLOURS[1],
            "filled": True,
            "opacity": 1,
        },
    }
    return {
        "data": {"values": _path_rows(result)},
        "height": 380,
        "encoding": axes,
        "layer": [
            levels,
            {
                "transform": [{"filter": "!datum.chosen"}],
                "mark": thin | {"strokeWidth": 1.5},
                "encoding": by_line | {"tooltip": facts},
            },
            {"transform": chosen, "mark": blue | {"type": "line", "strokeWidth": 2.5}, "encoding": by_order},
            {
                "transform": chosen,
                "mark": blue | {"type": "point", "filled": True, "size": 45, "opacity": 1},
                "encoding": {"tooltip": facts},
            },
            lowest,
        ],
    }


def _level_rows() -> list[dict[str, Any]]:
    start = float(loss(np.array(START)))
    return [
        {"line": share, "step": step, "x": x, "y": y}
        for share in LEVELS
        for step, (x, y) in enumerate(level_line(share * start).tolist())
    ]


def _path_rows(result: Descended) -> list[dict[str, Any]]:
    """Return the paths with the chosen speed; with a rate that is too large only their first steps."""
    last = FIRST_STEPS if result.speed == "large" else STEPS
    rows = []
    for name, paths in result.paths.items():
        path = paths[SPEEDS.index(result.speed)]
        for step, ((x, y), value) in enumerate(zip(path.points.tolist(), path.losses.tolist(), strict=True)):
            if step > last or not max(abs(x), abs(y)) < 1000:
                break
            label = _(OPTIMIZERS[name].label)
            chosen = name == result.optimizer
            rows.append(
                {"line": label, "step": step, "x": x, "y": y, "loss": _loss_text(value), "chosen": chosen}
            )
    return rows


def _show_table(result: Descended) -> None:
    """Show each optimizer's rate with the chosen speed, its last loss, and when it arrived."""
    rows = []
    for name, paths in result.paths.items():
        place = SPEEDS.index(result.speed)
        path = paths[place]
        arrival = _("never") if path.arrival is None else str(path.arrival)
        rows.append(
            [_(OPTIMIZERS[name].label), f"{RATES[name][place]:g}", arrival, _loss_text(path.losses[-1])]
        )
    head = [_("Optimizer"), _("Learning rate"), _("Steps to arrive"), _("Loss at the end")]
    st.html(table_html(head, rows, strong=[*RATES].index(result.optimizer), words=_("All optimizers")))
    words = _("Arrived: the loss stays below {share:.0%} of that at the start, within {steps} steps.")
    st.caption(format_text(words, share=ARRIVED, steps=STEPS))


def _loss_text(value: float) -> str:
    """Return a loss with two significant digits; an extremely large one as infinity."""
    if not value < 1e12:
        return "∞"
    if value >= 1000:
        return count_text(float(f"{value:.2g}"))
    return formatted_number(value, ".2g") if value >= 1e-3 else "< 0.001"


def answer(result: Descended) -> str:
    """Say what SGD does with the rate that is too large."""
    path = result.paths["sgd"][SPEEDS.index("large")]
    words = _("With {rate} the loss goes from {start} to {end} in {steps} steps")
    return words.format(
        rate=f"{RATES['sgd'][2]:g}",
        start=_loss_text(path.losses[0]),
        end=_loss_text(path.losses[-1]),
        steps=STEPS,
    )


def explain(result: Descended) -> None:
    """Show the update rule of the chosen optimizer with its first step, and the limit of the rate."""
    st.markdown(
        _(
            "**Gradient descent**: the gradient g has the slope of the loss for each weight. A step goes "
            "against it, the **learning rate** η times as far: forward, loss, backward, step, again and "
            "again. One step of the chosen optimizer, and where its first step leads:"
        )
    )
    st.latex(UPDATES[result.optimizer])
    first, start = result.chosen.points[1], np.array(START)
    st.latex(rf"\eta = {result.rate:g}, \quad g = {_pair(gradient(start))}")
    st.latex(rf"w: {_pair(start)} \to {_pair(first)}")
    limit = 2 / max(CURVATURES)
    words = _(
        "Too small a rate does not arrive in time. With too large a rate SGD jumps across the valley and "
        "farther up at each step; the limit is 2 divided by the largest curvature, here 2 / {curvature:g} = "
        "{limit:.3f}."
    )
    st.markdown(format_text(words, curvature=max(CURVATURES), limit=limit))
    st.markdown(
        _(
            "**Momentum** adds up steps of the same direction. **AdaGrad, RMSprop, Adadelta and Adam** "
            "divide by the size of earlier gradients, for each weight by itself: one with large gradients "
            "takes smaller steps. **AdamW** is Adam with weight decay. Which is fastest here says little "
            "about a real network, whose loss has as many directions as it has weights."
        )
    )


def _pair(values: np.ndarray) -> str:
    return f"({values[0]:.2f},\\ {values[1]:.2f})"


def training(result: Descended) -> dict[str, Any]:
    """Return tutorial 3's network, the chosen optimizer, and its usual rate made smaller or larger."""
    usual = OPTIMIZERS[result.optimizer].learning_rate
    factor = {"small": 0.01, "right": 1.0, "large": 20.0}[result.speed]
    decay = WEIGHT_DECAY.get(result.optimizer, 0.0)
    rate = float(f"{usual * factor:.2g}")
    return {
        "recipe": "tutorial-3",
        "optimizer": result.optimizer,
        "learning_rate": rate,
        "weight_decay": decay,
        "epochs": 2,
    }
