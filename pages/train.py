"""Train: choose a network and its settings, and watch it learn."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data import hold_out
from mnist_core.messages import InputError
from mnist_core.runs import UNFINISHED, Run
from ui import resources, visitor
from ui.charts import CurveWords, accuracy_chart, loss_chart
from ui.form import show_form
from ui.progress import history, progress_text, status_text
from ui.runs import recipe_label
from ui.state import RUN_KEY, come_through_entry, current_run, link
from ui.takeaway import show_import, show_takeaway
from ui.translation import duration_text, say
from ui.translation import gettext as _

if TYPE_CHECKING:
    from mnist_core.training_queue import Snapshot

SECONDS_BETWEEN_LOOKS = 1.0


def start(config: TrainConfig) -> None:
    """Put a training in the queue; its run becomes the current one."""
    try:
        st.query_params[RUN_KEY] = resources.training_queue().submit(config, owner=visitor.identity())
    except InputError as error:
        st.session_state["start_error"] = error.message


def stop(run_id: str) -> None:
    """End a training; what it has learned is kept."""
    resources.training_queue().stop(run_id)


def show_plan(config: TrainConfig, live: Run | None) -> None:
    """Say what the settings amount to, and offer to start; or to stop what is running."""
    data = resources.dataset()
    train, validation = hold_out(data.train, config.validation_size)
    images = min(len(train), config.train_size)
    watched = (
        _("the {n:,} test images, as the tutorials do").format(n=len(data.test))
        if config.monitor == "test"
        else _("{n:,} validation images").format(n=len(validation))
    )
    parameters = st.container()
    st.markdown(
        _(
            "It learns from **{images:,}** images in **{steps:,}** steps per epoch and watches {watched}."
        ).format(images=images, steps=-(-images // config.batch_size), watched=watched)
    )
    if live and visitor.owns(live):
        st.button(_("Stop"), icon=":material/stop:", on_click=stop, args=(live.id,))
    else:
        st.button(
            _("Start training"), type="primary", icon=":material/play_arrow:", on_click=start, args=(config,)
        )
    if error := st.session_state.pop("start_error", None):
        st.error(say(error))
    with parameters:  # last, as it loads torch
        st.markdown(
            _("This network has **{count:,}** parameters.").format(count=resources.parameters(config))
        )


def show_run(run_id: str, was_live: bool) -> None:
    """Show a run's progress and curves; when it ends, have the whole page know."""
    run = resources.find_run(run_id)
    if run is None or (was_live and run.status not in UNFINISHED):
        st.rerun()
    snapshot = resources.training_queue().snapshot(run_id) if was_live else None
    st.subheader(_("{recipe}: {status}").format(recipe=recipe_label(run), status=status_text(run.status)))
    if snapshot:
        st.progress(snapshot.step / snapshot.steps if snapshot.steps else 0.0, text=progress_text(snapshot))
    else:
        show_result(run)
    show_curves(run, snapshot)


def show_result(run: Run) -> None:
    """Show how a run ended, and where to go from there."""
    if run.message:
        st.error(say(run.message))
    results = run.results
    if "test_accuracy" not in results:
        show_takeaway(run)
        return
    with st.container(horizontal=True, gap="small"):
        st.metric(_("Test accuracy"), f"{results['test_accuracy']:.2%}", width="content")
        st.metric(_("Before training"), f"{results['initial_accuracy']:.2%}", width="content")
        st.metric(_("Epochs"), f"{results['epochs']:g}", width="content")
        st.metric(_("Time"), duration_text(results["train_seconds"]), width="content")
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/evaluate.py", _("See where it errs"), ":material/fact_check:")
        link("pages/draw.py", _("Let it read your own writing"), ":material/draw:")
        show_takeaway(run)


def show_curves(run: Run, snapshot: "Snapshot | None") -> None:
    """Show loss and accuracy over the epochs."""
    rows = history(run, resources.training_queue().rows(run.id) if snapshot else None)
    if rows.empty:
        return
    monitored = _("test images") if run.config.monitor == "test" else _("validation images")
    names = (_("training images"), monitored, _("epoch"))
    epochs = run.config.epochs
    st.altair_chart(loss_chart(rows, epochs, CurveWords(*names, _("loss"))), key="loss")
    if rows["monitor_accuracy"].notna().any():
        st.altair_chart(accuracy_chart(rows, epochs, CurveWords(*names, _("accuracy"))), key="accuracy")


come_through_entry()
st.title(_("Train a network"))
st.markdown(_("Take a recipe as it is or change what you like, press start, and watch it learn."))
run = resources.find_run(current_run())
if current_run() and run is None:
    st.warning(
        _("The run in this link is not on this server. Runs are kept until the server's disk is cleared.")
    )
live = run if run and run.status in UNFINISHED else None
settings, course = st.columns([4, 5], gap="large")
with settings:
    try:
        config = show_form()
    except InputError as error:
        st.error(say(error.message))
        config = None
    show_import()
with course:
    plan = st.container(border=True, key="plan")
    if run:
        st.fragment(show_run, run_every=SECONDS_BETWEEN_LOOKS if live else None)(run.id, live is not None)
if config:
    with plan:
        show_plan(config, live)
