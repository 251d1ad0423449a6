"""What all visitors share: data, run store, training queue, loaded models."""

import atexit
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, find_mnist, load_dataset, load_sample
from mnist_core.messages import InputError
from mnist_core.runs.run import Run
from mnist_core.runs.store import RunStore
from mnist_core.runtime.process import keep_freed_memory
from ui.dataset_loader import DatasetLoader
from ui.evaluations import Show, read_split
from ui.i18n import gettext as _
from ui.i18n import percent_text, translate

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.runs.queue import TrainingQueue
    from mnist_core.training.speed_meter import SpeedMeter

logger = logging.getLogger(__name__)

OFFLINE_VARIABLE = "DIGITLAB_OFFLINE"  # set it, and nothing is ever downloaded
LARGEST_KEPT = 8  # megabytes: takes 150 MB off a CNN's training for a twentieth of its speed
UNTOLD_KEY = "notice_untold"  # the data wasn't there yet when its notice would have been shown
SECONDS_TO_OPEN = 1.5  # data that is there opens in milliseconds; what takes longer is a download


@st.cache_resource(show_spinner=False)
def dataset_loader() -> DatasetLoader:
    """Return the server's loader, started."""
    loader = DatasetLoader(_load, load_sample)
    loader.start()
    return loader


def dataset() -> Dataset:
    """Return the data; while it is being downloaded, show how far that is and end the page's run."""
    found = dataset_loader().wait(SECONDS_TO_OPEN)
    if found is None:
        _show_download()
        st.stop()
    if found.notice and st.session_state.pop(UNTOLD_KEY, False):
        st.rerun()
    return found


def show_notice(private: bool) -> None:
    """Say when the data isn't MNIST, and offer to fetch it again; `private` names no place of the server."""
    loader = dataset_loader()
    data = loader.wait(SECONDS_TO_OPEN)
    st.session_state[UNTOLD_KEY] = data is None
    if data is None or data.notice is None or (private and data.source != "sample"):
        return
    with st.container(border=True, key="notice"):
        briefly = _(
            "The offline sample of 1,797 small digits is in use, not MNIST. The server's log "
            "gives the reason and the remedy."
        )
        st.markdown(":material/info: " + (briefly if private else translate(data.notice)))
        if data.source == "sample" and not _offline():
            st.button(_("Try to download MNIST again"), on_click=loader.start)


def find_run(run_id: str | None) -> Run | None:
    """Return the run with exactly this id, or None: ids are secrets, so no "last" and no beginnings."""
    try:
        run = run_store().get(run_id or "")
    except InputError:
        return None
    return run if run.id == run_id else None


def model(run: Run) -> "DigitClassifier":
    """Return the model of a run's last checkpoint; InputError if it can't be read."""
    return _model(_last_checkpoint(run), run)


def evaluation(run: Run, show: Show | None = None) -> "Evaluation":
    """Return how a run's last checkpoint does on the test images; InputError if it can't be read.

    `show` is told how far that is, see read_split.
    """
    data = dataset()
    return read_split((_last_checkpoint(run), data.source, "test"), lambda: model(run), data.test, show)


@st.cache_resource(show_spinner=False)
def run_store() -> RunStore:
    """Return the server's runs."""
    return RunStore()


@st.cache_resource(show_spinner=False)
def training_queue() -> "TrainingQueue":
    """Return the server's training queue: DIGITLAB_WORKERS at a time, with one core left to the pages."""
    from mnist_core.runs.queue import TrainingQueue, number_of_workers
    from mnist_core.runtime.devices import usable_cores

    keep_freed_memory(LARGEST_KEPT)
    workers = number_of_workers()
    threads = max(1, (usable_cores() - 1) // workers)
    queue = TrainingQueue(run_store(), dataset_loader().wait, threads, workers)
    atexit.register(queue.close)
    return queue


@st.cache_resource(show_spinner=False)
def epoch_timer() -> "SpeedMeter":
    """Return the server's measurements of how fast settings train."""
    from mnist_core.training.speed_meter import SpeedMeter

    timer = SpeedMeter(_training_speed)
    atexit.register(timer.close)
    return timer


def _training_speed(config: TrainConfig) -> float | None:
    from mnist_core.runtime.devices import choose_device
    from mnist_core.training.autotune import training_speed

    queue = training_queue()
    data = dataset_loader().wait()
    return training_speed(config, data.train, queue.threads, lambda: queue.busy, choose_device())


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(checkpoint: str, _run: Run) -> "DigitClassifier":
    return _run.load_model()


def _last_checkpoint(run: Run) -> str:
    """Return a run's last checkpoint, "" when it was removed meanwhile: then loading says so."""
    return str(next(reversed(run.checkpoints), ""))


def _offline() -> bool:
    return bool(os.environ.get(OFFLINE_VARIABLE))


def _load(progress: Callable[[float], None]) -> Dataset:
    data = load_sample() if _offline() and find_mnist() is None else load_dataset(progress=progress)
    if data.notice:
        logger.warning("%s", data.notice)
    return data


@st.fragment(run_every=0.5)
def _show_download() -> None:
    loader = dataset_loader()
    if loader.dataset is not None:
        st.rerun()
    text = _("Downloading MNIST (11 MB, once): {percent}") if loader.fraction else _("Loading the images")
    st.progress(min(loader.fraction, 1.0), text=text.format(percent=percent_text(loader.fraction, 0)))
    st.button(_("Use the small offline sample instead"), on_click=loader.stop)
