"""The resources that all visitors share: data, run store, training queue, loaded models."""

import atexit
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, fetch_mnist, find_mnist, load_sample, part_of_mnist
from mnist_core.dataset_choices import MNIST
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.run import PRETRAINED_ID, Run, WeightSnapshot, load_snapshot
from mnist_core.runs.store import RunStore
from mnist_core.runtime.cluster_setting import ClusterSetting
from mnist_core.runtime.job import Job, Steps, Watcher
from mnist_core.runtime.process import import_pandas, import_scipy
from ui import other_datasets
from ui.evaluations import Show, read_split
from ui.html.tables import markdown
from ui.i18n import format_text, percent_text
from ui.i18n import gettext as _
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, this_tab
from ui.other_datasets import is_offline

if TYPE_CHECKING:
    from mnist_core.cluster.cluster import Cluster
    from mnist_core.evaluation.metrics import Evaluation
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.runs.queue import TrainingQueue
    from mnist_core.search.server_searches import ServerSearches
    from mnist_core.training.speed_meter import Speed, SpeedMeter

logger = logging.getLogger(__name__)

HERE = {"localhost", "127.0.0.1", "::1"}
PRIVATE_VARIABLE, PRELOAD_VARIABLE = "DIGITLAB_PRIVATE", "DIGITLAB_PRELOAD"
MODELS_KEPT = 8  # a model may take 40 MB, and is loaded in 15 ms
SAMPLE_KEY = "sample_chosen"  # the visitor chose not to wait for MNIST
UNTOLD_KEY = "notice_untold"  # the notice is due, as the data was not loaded yet
SECONDS_UNSEEN = 0.3  # a shorter wait shows no progress
TORCH_MODULES = 800  # that importing torch loads
SECONDS_TO_PAINT = 2.0  # the first page of a server that has just started, on two slow cores
SECONDS_TO_OPEN = 1.5  # local data opens in milliseconds; what takes longer is a download


@st.cache_resource(show_spinner=False)
def dataset_job() -> Job[Dataset]:
    """Return the server's job of opening MNIST or downloading it."""
    failure = N_("MNIST could not be opened; the log of this server says why: error {error}.")
    return Job("dataset", _fetch, of_server=True, failure=failure)


def dataset(key: str = MNIST) -> Dataset:
    """Return a data set; while it is being downloaded, show how far that is and end the page's run."""
    if key != MNIST:
        return other_datasets.dataset(key)
    found = dataset_so_far()
    if found is None:
        _show_download()
        st.stop()
    if found.notice and st.session_state.pop(UNTOLD_KEY, False):
        st.rerun()
    return found


def wait_for_dataset(key: str = MNIST) -> Dataset:
    """Return a data set to background work; for MNIST the sample if the download failed or was stopped.

    Raises InputError if another set is not here and can't be downloaded.
    """
    if key != MNIST:
        return other_datasets.wait_for_dataset(key)
    job = dataset_job()
    if job.problem is None:  # it counts as a watcher, so that the download goes on for it
        job.start(Watcher())
    job.wait()
    return job.latest if job.finished else _sample(job.problem)


def show_notice(private: bool) -> None:
    """Show a notice if the data isn't MNIST, and a download button; `private` hides the server's paths."""
    data = dataset_so_far()
    st.session_state[UNTOLD_KEY] = data is None
    if data is None or data.notice is None or (private and data.source != "sample"):
        return
    words = _("The offline sample of 1,797 small digits is in use, not MNIST.")
    if data.source != "sample":
        words = _("MNIST is not in the folder that DIGITLAB_DATA names; another copy is in use.")
    with st.container(border=True, key="notice", horizontal=True, vertical_alignment="center"):
        st.markdown(":material/info: " + words, width="content")
        if not private:  # paths and the system's words are for who runs the server; the log has them too
            with st.popover(_("Details"), type="tertiary"):
                st.markdown(markdown(data.notice))
        if data.source == "sample" and not is_offline():
            st.button(_("Try to download MNIST again"), on_click=_download_again)


def find_run(run_id: str | None) -> Run | None:
    """Return the run with exactly this id, or None; ids are secrets, so a beginning is not enough."""
    if not run_id:
        return None
    try:
        run = run_store().get(run_id)
    except InputError:
        return None
    return run if run.id == run_id else None


def model(run: Run, snapshot: WeightSnapshot | None = None) -> "DigitClassifier":
    """Return a run's model in evaluation mode, of its last checkpoint or as it was at `snapshot`.

    The models used last stay in memory, for all visitors. Raises InputError if the file can't be read.
    """
    from mnist_core.runtime.devices import use_one_thread

    use_one_thread()  # the caller computes with the model, beside other visitors
    weights = _last_checkpoint(run) if snapshot is None else str(snapshot.file or "untrained")
    return _model(run.id, weights, run, snapshot)


def evaluation(run: Run, show: Show | None = None) -> "Evaluation":
    """Return the evaluation of a run's last checkpoint on the test images; InputError if it can't be read.

    `show` gets the progress, see read_split.
    """
    data = dataset(run.config.dataset)
    return read_split((_last_checkpoint(run), data.source, "test"), lambda: model(run), data.test, show)


def load_network_soon() -> None:
    """Prepare the pretrained network once the first page is painted: a first digit need not wait for it."""
    job = network_job()
    if not job.begun:
        job.start(Watcher())


def load_network_first() -> None:
    """Prepare it before the server answers, if the operator asks for that: a class may open it at once."""
    if os.environ.get(PRELOAD_VARIABLE, "0") != "0":
        network_job(0.0).start(Watcher())
        network_job().wait()


@st.cache_resource(show_spinner=False)
def network_job(_pause: float | None = None) -> Job[bool]:
    """Return the server's job of loading PyTorch and the pretrained network.

    The first caller says after how many seconds it begins, by default SECONDS_TO_PAINT.
    """
    pause = SECONDS_TO_PAINT if _pause is None else _pause
    return Job("network", lambda: _load_network(pause), of_server=True)


def _load_network(pause: float) -> Steps[bool]:
    """Do the steps of `network_job`; importing takes 4 s, in which pages are answered more slowly."""
    for _tenth in range(int(10 * pause)):
        time.sleep(0.1)
        yield 0.0, None
    import_pandas()  # for the first chart
    import_scipy()
    model(run_store().get(PRETRAINED_ID))
    gc.freeze()  # else Python looks through PyTorch's objects now and then, which stops all pages for 0.2 s
    if ClusterSetting.from_environment():
        queue = training_queue()  # it continues what trained there before a restart
        threading.Thread(target=_continue_searches, args=(queue,), name="searches", daemon=True).start()
    return True


@st.cache_resource(show_spinner=False)
def torch_job() -> Job[bool]:
    """Return the server's job of importing PyTorch, for a page that can't wait for `network_job`."""
    return Job("torch", _import_torch, of_server=True)


def _import_torch() -> Steps[bool]:
    yield 0.0, None
    import_scipy()
    import torch  # noqa: F401

    return True


def wait_for_torch() -> None:
    """Show a progress bar until PyTorch is loaded: seconds on a server that has just started, else nothing.

    A click on something else ends the wait with this run of the page.
    """
    job = torch_job()
    if job.finished:
        return
    job.start(this_tab())
    job.wait(SECONDS_UNSEEN)
    place = st.empty()
    while job.running:
        loaded = sum(name.startswith("torch.") for name in tuple(sys.modules)) / TORCH_MODULES
        place.progress(
            min(loaded, 1.0), text=format_text(_("Loading PyTorch: {percent:.0%}"), percent=loaded)
        )
        job.wait(SECONDS_UNSEEN)
    place.empty()


@st.cache_resource(show_spinner=False)
def run_store() -> RunStore:
    """Return the server's runs."""
    return RunStore()


@st.cache_resource(show_spinner=False)
def training_queue() -> "TrainingQueue":
    """Return the server's training queue: DIGITLAB_WORKERS at a time, with one core left to the pages."""
    from mnist_core.runs.queue import TrainingQueue, number_of_workers
    from mnist_core.runtime.devices import usable_cores

    workers = number_of_workers()
    threads = max(1, (usable_cores() - 1) // workers)
    cluster, lost = _cluster(usable_cores() - 1), _limits_of_nobody()
    queue = TrainingQueue(run_store(), wait_for_dataset, threads, workers, cluster, lost)
    atexit.register(queue.close)
    _queues().append(queue)
    return queue


@st.cache_resource(show_spinner=False)
def searches() -> "ServerSearches":
    """Return the searches that this server works on."""
    from mnist_core.search.server_searches import ServerSearches

    found = ServerSearches(run_store(), training_queue)
    atexit.register(found.leave)
    return found


def _continue_searches(queue: "TrainingQueue") -> None:
    """Once the cluster has a worker, continue the searches that were under way before a restart."""
    queue.place_came.wait()
    try:
        searches().continue_lost(_limits_of_nobody())
    except InputError as error:  # the database can't be reached
        logger.warning("%s", error)


def bound_here() -> bool:
    """Return whether only this machine can reach the server."""
    return st.get_option("server.address") in HERE


def _limits_of_nobody() -> TrainingLimits:
    """Return the limits of what the server continues by itself: those of a visitor from elsewhere."""
    return TrainingLimits.of_server(os.environ.get(PRIVATE_VARIABLE, str(int(not bound_here()))) != "0")


def _cluster(cores: int) -> "Cluster | None":
    """Return the cluster that trains instead of this server; local processes share so many cores."""
    setting = ClusterSetting.from_environment()
    if setting is None:
        return None
    from mnist_core.cluster.cluster import Cluster

    return Cluster(setting, wait_for_dataset, max(1, cores // (setting.local or 1)))


def line() -> dict[str, int]:
    """Return how many runs train and how many wait, without creating the queue, which would load torch."""
    queues = _queues()
    return queues[0].line if queues else {"training": 0, "waiting": 0}


def why_not_on_cluster() -> Message | None:
    """Return why no run can train on the cluster now; None if one can, or there is no cluster in use."""
    queues = _queues()
    return queues[0].why_not_there if queues else None


def cluster_facts() -> Mapping[str, Any]:
    """Return what the operator is told of the cluster; nothing without one, or before a run needed it."""
    queues = _queues()
    return queues[0].places_facts if queues else {}


@st.cache_resource(show_spinner=False)
def _queues() -> "list[TrainingQueue]":
    """Return a list for the training queue, empty until it is needed."""
    return []


def training_speed(config: TrainConfig) -> "Speed | None":
    """Return how fast `config` trains here; None while a trial measures it."""
    return speed_meter().speed(config, this_tab())


@st.cache_resource(show_spinner=False)
def speed_meter() -> "SpeedMeter":
    """Return the server's measurements of training speeds."""
    from mnist_core.training.speed_meter import SpeedMeter

    return SpeedMeter(lambda config: training_queue().training_speed(config))


@st.cache_resource(show_spinner=False, max_entries=MODELS_KEPT)
def _model(run_id: str, weights: str, _run: Run, _snapshot: WeightSnapshot | None) -> "DigitClassifier":
    return _run.load_model() if _snapshot is None else load_snapshot(_run, _snapshot)


def _last_checkpoint(run: Run) -> str:
    """Return a run's last checkpoint, "" if it was deleted meanwhile, which loading then reports."""
    return str(next(reversed(run.checkpoints), ""))


def _fetch() -> Generator[tuple[float, None], None, Dataset]:
    """Do the steps of `dataset_job`."""
    if is_offline() and find_mnist() is None:
        return _sample(part_of_mnist())
    data = yield from fetch_mnist()
    if data.notice:
        logger.warning("%s", data.notice)
    return data


def dataset_so_far() -> Dataset | None:
    """Return the data that this visitor has so far; None while they wait for MNIST.

    It is MNIST as soon as it is there, whoever waited for it; before that the sample for those who don't
    wait, and where the download failed.
    """
    job = dataset_job()
    if job.finished:
        return job.latest
    if not st.session_state.get(SAMPLE_KEY):
        if job.problem is None:  # else each run of the page would try again
            job.start(this_tab())
        job.wait(SECONDS_TO_OPEN)
        if job.finished:
            return job.latest
    if job.problem:
        st.session_state[SAMPLE_KEY] = True  # they keep it while another visitor tries the download again
    return _sample(job.problem) if st.session_state.get(SAMPLE_KEY) else None


def _sample(reason: Message | None) -> Dataset:
    return _load_sample(str(reason), reason)


@st.cache_resource(show_spinner=False, max_entries=2)
def _load_sample(reason: str, _reason: Message | None) -> Dataset:
    data = load_sample(_reason)
    logger.warning("%s", data.notice)
    return data


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_download() -> None:
    job = dataset_job()
    if not is_watched(job):
        st.rerun()
    job.watch(this_tab())
    if job.fraction:
        percent = percent_text(job.fraction, 0)
        text = _("Downloading MNIST (11 MB, once): {percent}").format(percent=percent)
    else:
        text = _("Loading the images") if find_mnist() else _("Connecting to a server that has MNIST (11 MB)")
    st.progress(min(job.fraction, 1.0), text=text)
    st.button(_("Use the small offline sample instead"), on_click=_dont_wait)


def _dont_wait() -> None:
    """Give this visitor the sample; the download continues as long as others wait for it."""
    st.session_state[SAMPLE_KEY] = True
    dataset_job().stop(this_tab())


def _download_again() -> None:
    st.session_state.pop(SAMPLE_KEY, None)
    dataset_job().start(this_tab())
