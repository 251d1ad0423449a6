"""Runs as people see them: their names, and the control that picks one."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from mnist_core.architectures import ARCHITECTURES
from mnist_core.recipes import RECIPES
from mnist_core.runs import Run
from ui import resources
from ui.state import RUN_KEY, choice_in_url, current_run, link
from ui.translation import gettext as _


def recipe_label(run: Run) -> str:
    """Return the recipe's name, or the network's for settings of one's own."""
    if run.id == "shipped":
        return _("Shipped model")
    entry = RECIPES.get(run.config.recipe) or ARCHITECTURES[run.config.architecture]
    return _(entry.label)


def run_label(run: Run) -> str:
    """Return a run's name for a list: what it is, how good, and when it began."""
    parts = [recipe_label(run)]
    if "test_accuracy" in run.results:
        parts.append(f"{run.results['test_accuracy']:.2%}")
    if run.id != "shipped":
        begun = datetime.fromisoformat(run.created).astimezone(_visitors_time())
        parts.append(f"{begun:%Y-%m-%d %H:%M:%S}")
    return " · ".join(parts)


def pick_run() -> Run:
    """Show which run is in use and let another be chosen; with none to choose, say what to do and stop."""
    runs = {run.id: run for run in resources.readable_runs()}
    if not runs:
        st.info(_("There is no trained network yet. Train one first: the quick recipe takes seconds."))
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        st.stop()
    if current_run() and current_run() not in runs:
        st.warning(_("The run in this link has no saved weights here yet, so another is shown."))
    labels = {run.id: run_label(run) for run in runs.values()}
    return runs[choice_in_url(st.selectbox, _("Network"), labels, RUN_KEY, next(iter(labels)))]


def _visitors_time() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
