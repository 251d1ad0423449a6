"""The activations of one digit, drawn in the browser: units, connections, what adds up to each unit."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.choices import ACTIVATIONS
from mnist_core.config import TrainConfig
from ui.browser_component import browser_component
from ui.class_names import class_name, class_names, is_digits
from ui.html.digits import full_colour, stretched, sure_text
from ui.i18n import count_text, format_text, translate
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.monitoring.activation_view import ActivationView, LayerView, UnitSum

SHADES = 127  # of a colour
HTML = """<div class="stage">
<div class="tools"><p class="hint"></p><button type="button" class="still"></button></div>
<svg class="lines" aria-hidden="true"></svg>
<div class="why" hidden></div>
<p class="said" aria-live="polite"></p>
</div>"""
_picture = browser_component("digitlab_network", __file__, HTML)


def show_live_network(
    view: "ActivationView", config: TrainConfig, key: str, subject: str, live: bool = False
) -> None:
    """Show a view of a network with `config`; `live`: further views follow while it trains.

    `subject` identifies network and digit: a picture that is held still changes only with it.
    """
    read = int(view.probabilities.argmax())
    words = _("The network reads **{digit}** ({share}).")
    if view.step is not None:
        words = _("Step {step}: the network reads **{digit}** ({share}).")
    share = sure_text(float(view.probabilities[read]), 0)
    st.markdown(
        words.format(digit=class_name(config.dataset, read), share=share, step=count_text(view.step or 0))
    )
    data = {
        "layers": layers_data(view, config),
        "read": read,
        "subject": subject,
        "version": f"{subject} {view.step}",
        "live": live,
        "still": is_still(key),
        "hint": _("Point at a unit, or move with the arrow keys, to see what adds up to its value."),
        "words": _words(is_digits(config.dataset)),
        "names": class_names(config.dataset),
    }
    _picture(data=data, key=key, default={"still": is_still(key)}, on_still_change=lambda: None)
    st.caption(
        _(
            "From the image above to the outputs below. Blue: above zero, speaks for a unit. Orange: "
            "below zero, speaks against it. The lines are the strongest connections: activation times "
            "weight."
        )
    )


def is_still(key: str) -> bool:
    """Return whether the visitor holds the picture still."""
    return bool(st.session_state.get(key, {}).get("still"))


def layers_data(view: "ActivationView", config: TrainConfig) -> list[dict[str, Any]]:
    """Return what the browser draws of a network with `config`: at most 120 KB as JSON."""
    return [_layer(layer, view, config) for layer in view.layers]


def _layer(layer: "LayerView", view: "ActivationView", config: TrainConfig) -> dict[str, Any]:
    """Return what the browser draws of a layer."""
    values = layer.values if layer.maps is None else layer.maps
    power = 1.0 if layer.kind in ("image", "output") else None
    shown = view.probabilities[layer.units] if layer.kind == "output" else values
    limit = 1.0 if power else full_colour(values)
    shades = np.rint(SHADES * (np.clip(shown, 0, 1) if power else stretched(shown, limit))).astype(np.int8)
    activation = ACTIVATIONS[config.activation]
    activated = layer.kind in ("convolution", "residual", "linear") and activation.layer is not None
    return {
        "kind": layer.kind,
        "title": translate(layer.title),
        "note": _note(layer),
        "units": layer.units.tolist(),
        "values": [_short(value) for value in layer.values],
        "shades": shades.ravel().tolist() if layer.maps is None else [],
        "shares": [sure_text(float(share)) for share in view.probabilities[layer.units]]
        if layer.kind == "output"
        else [],
        "maps": None if layer.maps is None else base64.b64encode(shades.tobytes()).decode(),
        "side": None if layer.maps is None else list(layer.maps.shape[1:]),
        "sums": [_sum(own) for own in layer.sums],
        "links": [[source, place, _short(amount)] for source, place, amount in layer.links],
        "activation": _(activation.label) if activated else "",
    }


def _note(layer: "LayerView") -> str:
    """Return how many units are above zero, and that not all are shown, in words."""
    if layer.kind in ("image", "output"):
        return ""
    words = _("{active:,} of {count:,} above zero")
    if layer.count > len(layer.units):
        words = _("{active:,} of {count:,} above zero; the strongest {shown} are shown")
    return format_text(words, active=layer.active, count=layer.count, shown=len(layer.units))


def _sum(own: "UnitSum") -> dict[str, Any]:
    return {
        "terms": [[list(index), _short(value), _short(weight)] for index, value, weight in own.terms],
        "others": _short(own.others),
        "otherCount": own.other_count,
        "bias": _short(own.bias),
        "skip": None if own.skip is None else _short(own.skip),
        "total": _short(own.total),
        "place": own.place,
    }


def _short(value: float) -> float:
    """Return a number to four figures: the browser shows three."""
    return float(f"{value:.4g}")


def _words(digits: bool) -> dict[str, str]:
    return {
        "still": _("Hold still"),
        "image": _("The image: 28 x 28 pixels"),
        "unit": _("Unit {unit}: {value}"),
        "map": _("Feature map {unit}: at most {value}"),
        "digit": _("Digit {unit}: {value}") if digits else _("Class {unit}: {value}"),
        "whyUnit": _("Unit {unit} has the value {value}"),
        "whyMap": _("Feature map {unit} is strongest in row {row}, column {column}: {value}"),
        "whyDigit": _("The output for {unit} is {value}"),
        "average": _("The mean of feature map {unit} is {value}"),
        "from": _("input"),
        "value": _("value"),
        "weight": _("weight"),
        "product": _("product"),
        "pixel": _("pixel {row}, {column}"),
        "place": _("map {unit} at {row}, {column}"),
        "inner": _("inner map {unit} at {row}, {column}"),
        "input": _("unit {unit}"),
        "others": _("other inputs ({count})"),
        "skip": _("skip connection"),
        "bias": _("bias"),
        "total": _("sum"),
        "after": _("After the activation ({activation}): {value}"),
    }
