"""The network of a run with one of the watched digits in it, live while the run trains."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.mnist import split_images
from mnist_core.dataset_choices import is_here
from mnist_core.messages import InputError
from mnist_core.monitoring.probes import watched_digits
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.class_names import class_name, is_digits, thing
from ui.i18n import gettext as _
from ui.live_network import is_still, show_live_network
from ui.train.own_digit import visible_digit
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.monitoring.activation_view import ActivationView

DIGIT_KEY = "watched"
OWN = "own"
MOST = 10  # watched images to choose from
PICTURE_KEY = "live_network"


def show_network_panel(run_id: str) -> None:
    """Show the panel of a run, live while it trains; not without its images."""
    run = resources.find_run(run_id)
    if run is None or not is_here(run.config.dataset):
        return
    live = run.status in UNFINISHED
    if live or run.checkpoints:
        digits = is_digits(run.config.dataset)
        st.subheader(_("The network with a digit in it") if digits else _("The network with an image in it"))
        _show_picture(run, live)


def _show_picture(run: Run, live: bool) -> None:
    name, image = _choose_digit(run)
    feed = resources.training_queue().activation_feed(run.id) if live else None
    if feed:
        view = feed.latest(image)
        if view is None or not is_still(PICTURE_KEY):
            feed.request(image)
        if view is None:
            st.info(_("The picture appears with the first steps of the training."))
            return
    elif run.checkpoints:
        try:
            view = _view_at_end(str(run.checkpoints[-1]), image.tobytes(), run)
        except InputError:  # the run was deleted meanwhile
            return
    else:
        return
    show_live_network(view, run.config, PICTURE_KEY, f"{run.id} {name}", live=feed is not None)


def _choose_digit(run: Run) -> tuple[str, np.ndarray]:
    """Show the watched digits; return the name of one and its image, uint8 [28, 28]."""
    dataset = run.config.dataset
    split = split_images(run.config, resources.dataset(dataset)).monitored
    firsts = {int(split.labels[index]): index for index in reversed(watched_digits(split.labels)[:MOST])}
    names = {str(label): class_name(dataset, label) for label in sorted(firsts)}
    own = visible_digit(run)
    if own is not None:
        names = {OWN: _("Your {thing}").format(thing=thing(dataset)), **names}
    chosen = url_segments(
        _("Watched digit") if is_digits(dataset) else _("Watched image"), names, DIGIT_KEY, next(iter(names))
    )
    return chosen, own if chosen == OWN and own is not None else split.images[firsts[int(chosen)]]


@st.cache_resource(show_spinner=False, max_entries=16)
def _view_at_end(checkpoint: str, image: bytes, _run: Run) -> "ActivationView":
    from mnist_core.monitoring.activation_view import view_activations

    return view_activations(resources.model(_run), np.frombuffer(image, np.uint8).reshape(28, 28))
