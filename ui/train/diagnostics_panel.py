"""A run's diagnostics with their fixes; watched digits, gradients and dead units."""

import math
from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import split_images
from mnist_core.dataset_choices import is_here
from mnist_core.messages import InputError
from mnist_core.models.summary import LayerSummary, describe_layers
from mnist_core.monitoring.diagnostics import Finding
from mnist_core.monitoring.probes import Probe, watched_digits
from mnist_core.training.schedules import why_fixed
from ui import resources
from ui.class_names import class_names, is_digits
from ui.html.digits import bars_html, png_url, sure_text
from ui.html.network import layer_names
from ui.i18n import formatted_number, percent_text, sentences_text, translate
from ui.i18n import gettext as _
from ui.train.own_digit import own_digit_html
from ui.train.start import ERROR_KEY, REMEDY_KEY
from ui.train_form.state import fill_form, rerun_form_fragments

LIVE_FIXES = ("rate_too_large", "rate_too_small", "overfitting")  # findings that a change may still solve
DECADES = 4  # of gradient norms that the bars span


def show_findings(
    findings: Sequence[Finding], config: TrainConfig, run_id: str, controllable: bool, healthy: bool
) -> None:
    """Show the findings, or that there are none if the run is `healthy` after enough steps.

    `controllable`: the run trains now, and this visitor may change it.
    """
    has_dead_units = any(finding.name == "dead_units" for finding in findings)  # no rate revives them
    for finding in findings:
        if not finding.consequence:
            box = st.container(border=True, key=f"finding_{finding.name}")
        with box:
            _show_finding(finding, config, run_id, controllable and not has_dead_units)
    if not findings and healthy:
        st.markdown(":material/health_and_safety: " + _("Diagnostics: no problems found."))


def _show_finding(finding: Finding, config: TrainConfig, run_id: str, controllable: bool) -> None:
    title = translate(finding.title)
    if finding.consequence:
        st.markdown(_("Consequence: **{problem}**").format(problem=title))
    else:
        st.markdown(f":material/stethoscope: **{title}**")
    st.markdown(sentences_text([translate(finding.evidence), translate(finding.meaning)]))
    if finding.fix is None or finding.advice is None:
        return
    st.markdown(_("Remedy: {advice}").format(advice=translate(finding.advice)))
    with st.container(horizontal=True):
        st.button(
            _("Use this remedy"),
            icon=":material/healing:",
            key=f"fix_{finding.name}",
            on_click=_apply_fix,
            args=(config, finding),
            help=_("Fills the form with this run's settings and the remedy; then start a new run."),
        )
        fits = not any(why_fixed(setting, config) for setting in finding.fix)
        if controllable and fits and finding.name in LIVE_FIXES:
            st.button(
                _("Apply to this run"),
                key=f"change_{finding.name}",
                on_click=resources.training_queue().change,
                args=(run_id,),
                kwargs=dict(finding.fix),
            )


def _apply_fix(config: TrainConfig, finding: Finding) -> None:
    try:
        fill_form(replace(config, **(finding.fix or {})))
        st.session_state[REMEDY_KEY] = True
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message
    rerun_form_fragments()


def show_probe(config: TrainConfig, probe: Probe, own_digit: np.ndarray | None = None) -> None:
    """Show the predictions for the watched digits, each layer's gradient norm and share of dead units.

    `own_digit`, uint8 [28, 28], is the visitor's: it comes first.
    """
    if is_here(config.dataset):
        title = _("Predictions: twelve images it is not trained on")
        if is_digits(config.dataset):
            title = _("Predictions: twelve digits it is not trained on")
        st.markdown(f"**{title}**")
        st.html(_watched_html(config, probe, own_digit))
    layers = [layer for layer in describe_layers(config) if layer.parameters]
    if len(layers) != len(probe.gradient_norms):  # an older version built the run's network
        return
    gradients, dead = st.columns(2, gap="medium")
    with gradients:
        st.markdown("**" + _("Gradient norm of each layer") + "**")
        st.html(_gradients_html(layers, probe))
        st.caption(
            _(
                "Gradient norm: how strongly the loss depends on the weights of a layer. Layers with "
                "a tiny gradient hardly learn."
            )
        )
    if all(share is None for share in probe.dead_shares):
        return
    with dead:
        st.markdown("**" + _("Dead ReLU units of each layer") + "**")
        st.html(_dead_html(layers, probe))
        st.caption(
            _(
                "Dead units: their output is zero for every probed image, so they have no gradient "
                "and do not learn."
            )
        )


def _watched_html(config: TrainConfig, probe: Probe, own_digit: np.ndarray | None) -> str:
    split = split_images(config, resources.dataset(config.dataset)).monitored
    chosen = watched_digits(split.labels)
    cells = "".join(
        _digit_html(image, int(label), shares, class_names(config.dataset))
        for image, label, shares in zip(
            split.images[chosen], split.labels[chosen], probe.probabilities, strict=False
        )
    )
    own = own_digit_html(own_digit, probe, config.dataset) if own_digit is not None else ""
    return f'<div class="lab-watched" role="list">{own}{cells}</div>'


def _digit_html(image: np.ndarray, label: int, shares: np.ndarray, names: Sequence[str]) -> str:
    read = int(np.argmax(shares))
    sure = sure_text(float(shares[read]), 0)
    style = "" if read == label else ' class="lab-wrong"'
    alt = _("Label {label}, predicted {read}, confidence {sure}").format(
        label=names[label], read=names[read], sure=sure
    )
    picture = f'<img src="{png_url(image)}" width="28" height="28" alt="{escape(alt)}">'
    caption = f"<b{style}>{escape(names[read])}</b> {sure}"
    return f'<figure class="lab-digit" role="listitem">{picture}<figcaption>{caption}</figcaption></figure>'


def _gradients_html(layers: Sequence[LayerSummary], probe: Probe) -> str:
    largest = max((norm for norm in probe.gradient_norms if math.isfinite(norm)), default=0.0)
    shares = [_log_share(norm, largest) for norm in probe.gradient_norms]
    return bars_html(
        layer_names(layers), shares, [formatted_number(norm, ".2g") for norm in probe.gradient_norms]
    )


def _log_share(norm: float, largest: float) -> float:
    """Return the length of a bar, 0 to 1: a gradient norm ten times smaller is 1 / DECADES shorter."""
    if not math.isfinite(norm) or norm <= 0 or largest <= 0:
        return 0.0
    return max(0.02, 1 + math.log10(norm / largest) / DECADES)


def _dead_html(layers: Sequence[LayerSummary], probe: Probe) -> str:
    dead = {
        name: share
        for name, share in zip(layer_names(layers), probe.dead_shares, strict=True)
        if share is not None
    }
    return bars_html(list(dead), list(dead.values()), [percent_text(share, 0) for share in dead.values()])
