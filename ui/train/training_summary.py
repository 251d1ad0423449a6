"""A summary of the settings: images, steps, time, layers; and the Start button."""

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import ConfigSplits, split_images
from mnist_core.dataset_choices import MNIST
from mnist_core.messages import InputError
from mnist_core.models.summary import describe_layers
from mnist_core.training.memory import check_memory, memory_text, training_bytes
from mnist_core.training.speed_meter import Speed
from ui import resources, visitor
from ui.class_names import dataset_name
from ui.html.network import network_html
from ui.html.tables import markdown
from ui.i18n import duration_text, format_text, ngettext
from ui.i18n import gettext as _
from ui.train.run_panel import is_active
from ui.train.start import ERROR_KEY, REMEDY_KEY, expected_seconds, show_start
from ui.url_state import current_run

POLL_SECONDS = 1.0


def show_training_summary(config: TrainConfig, queue_busy: bool) -> None:
    """Show images, steps and time, and the start button; `queue_busy`: it would have to wait."""
    data = resources.dataset(config.dataset)
    splits = split_images(config, data)
    images = len(splits.train)
    monitored = (
        format_text(_("the {n:,} test images, as in the tutorials"), n=len(splits.test))
        if config.monitor == "test"
        else format_text(
            ngettext("{n:,} validation image", "{n:,} validation images", len(splits.validation)),
            n=len(splits.validation),
        )
    )
    steps = -(-images // config.batch_size)
    words = _("Training images: **{images:,}**. Steps per epoch: **{steps:,}**. Monitored: {watched}.")
    said = format_text(words, images=images, steps=steps, watched=monitored)
    if config.dataset != MNIST:
        said = _("Data set: **{name}**.").format(name=dataset_name(config.dataset)) + " " + said
    st.markdown(said)
    known = resources.training_speed(config) is not None
    run = resources.find_run(current_run())
    # Nothing changes before a run on the page has ended, which reruns the page.
    interval = None if queue_busy and run and is_active(run) else POLL_SECONDS
    st.fragment(_show_time, run_every=None if known else interval)(config, splits, known)
    st.fragment(show_start, run_every=interval if queue_busy else None)(config, queue_busy)
    # The callback doesn't say it: where the time is known only now, the rerun of the page would hide that.
    if st.session_state.pop(REMEDY_KEY, False):
        st.toast(  # as the form is far below on a phone
            _("The form now has this run's settings and the remedy. Start the training when you like."),
            icon=":material/healing:",
        )
    if error := st.session_state.pop(ERROR_KEY, None):
        with st.container(key="start_error"):  # on a phone it stands above Start, see style.css
            st.error(markdown(error))


def show_network(config: TrainConfig, expanded: bool) -> None:
    """Draw the network; the first call in a process loads torch."""
    layers = describe_layers(config)
    count = sum(layer.parameters for layer in layers)
    title = format_text(_("This network has **{count:,}** parameters"), count=count)
    with st.expander(title, expanded=expanded, key="network"):
        st.html(network_html(layers))
        st.caption(
            _(
                "Parameters are the weights and biases that training adjusts. Output is the shape of "
                "one image after the layer: channels x height x width, or the number of units."
            )
        )


def _show_time(config: TrainConfig, splits: ConfigSplits, known: bool) -> None:
    """Show an epoch's time on this machine and the memory; rerun the page once they are known.

    The rerun ends the polling. They become known together, as an estimate of the memory needs torch.
    """
    speed = resources.training_speed(config)
    if speed is not None and not known:
        st.rerun()
    try:
        if speed is not None:
            visitor.limits().check_training(config, expected_seconds(config))
        memory = _memory_text(config, len(splits.train)) if speed is not None else ""
    except InputError as error:
        st.error(markdown(error.message))
    else:
        st.caption(f":material/timer: {_time_text(config, splits, speed)} {memory}")


def _memory_text(config: TrainConfig, images: int) -> str:
    """Return the memory that the training takes; InputError if that is more than there is."""
    check_memory(config)
    return _("It takes about {memory} of memory.").format(memory=memory_text(training_bytes(config, images)))


def _time_text(config: TrainConfig, splits: ConfigSplits, speed: Speed | None) -> str:
    if speed is None and resources.training_queue().busy:
        return _("The time per epoch is measured when the training in progress has ended.")
    if speed is None:
        return _("Measuring the time per epoch on this machine")
    if not speed.training:
        return _("This network is too large for a timing trial; its speed is shown during training.")
    images, monitored = len(splits.train), len(splits.monitored)
    return _("About {epoch} per epoch on this machine, {all} in total; measured in a short trial.").format(
        epoch=duration_text(speed.epoch_seconds(images, monitored)),
        all=duration_text(expected_seconds(config)),
    )
