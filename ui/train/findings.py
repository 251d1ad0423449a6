"""The run doctor's findings, each with its evidence and a button that takes its fix."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.monitoring.doctor import Finding
from ui import form_state, resources
from ui.translation import gettext as _
from ui.translation import say, sentences_text

CURED_ON_THE_WAY = ("rate_too_large", "rate_too_small")
FIXED_KEY = "fixed"  # set when a fix was taken, until the form shows it


def show_findings(
    findings: Sequence[Finding], config: TrainConfig, run_id: str, steered: bool, healthy: bool
) -> None:
    """Show what is wrong, or that nothing is; `steered` runs train now and can be changed on the way."""
    alive = not any(finding.name == "dead_units" for finding in findings)  # else no rate helps this run
    for finding in findings:
        _show(finding, config, run_id, steered and alive)
    if not findings and healthy:
        st.markdown(":material/health_and_safety: " + _("Run doctor: nothing wrong to be seen."))


def _show(finding: Finding, config: TrainConfig, run_id: str, steered: bool) -> None:
    with st.container(border=True, key=f"finding_{finding.name}"):
        st.markdown(f":material/stethoscope: **{say(finding.title)}**")
        st.markdown(sentences_text([say(finding.evidence), say(finding.meaning)]))
        if finding.fix is None or finding.advice is None:
            return
        st.markdown(_("What helps: {advice}").format(advice=say(finding.advice)))
        with st.container(horizontal=True):
            st.button(
                _("Use this fix"),
                icon=":material/healing:",
                key=f"fix_{finding.name}",
                on_click=_take,
                args=(config, finding),
                help=_("Fills the form with this run's settings and the fix; then start a new run."),
            )
            if steered and finding.name in CURED_ON_THE_WAY:
                st.button(
                    _("Change it in this run"),
                    key=f"change_{finding.name}",
                    on_click=resources.training_queue().set_learning_rate,
                    args=(run_id, finding.fix["learning_rate"]),
                )


def _take(config: TrainConfig, finding: Finding) -> None:
    try:
        form_state.fill(replace(config, **(finding.fix or {})))
    except InputError as error:
        st.session_state["start_error"] = error.message
    st.session_state[FIXED_KEY] = True
