"""The server's data sets beside MNIST: opened or downloaded on first use, shared by all visitors."""

from functools import partial

import streamlit as st

from mnist_core.data.datasets import fetch_dataset, has_dataset, open_own_set
from mnist_core.data.download import is_offline
from mnist_core.data.mnist import Dataset
from mnist_core.data.published_files import PUBLISHED
from mnist_core.dataset_choices import DATASETS, is_own_key
from mnist_core.messages import N_, InputError, Message
from mnist_core.runtime.job import Job, Watcher
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.i18n import translate
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, start_button, this_tab

SECONDS_TO_OPEN = (
    1.5  # a set that is there opens in milliseconds; what takes longer is unpacked or downloaded
)
MEGABYTE = 1_000_000


@st.cache_resource(show_spinner=False)
def dataset_job(key: str) -> Job[Dataset]:
    """Return the server's job of opening a set, or of downloading it."""
    failure = N_("The data set could not be opened; the log of this server says why: error {error}.")
    return Job(f"data set {key}", partial(fetch_dataset, key), of_server=True, failure=failure)


def wait_for_dataset(key: str) -> Dataset:
    """Return a set to background work; InputError where it isn't here and can't be downloaded."""
    if is_own_key(key):
        return open_own_set(key)
    job = dataset_job(key)
    if not job.finished:
        job.start(Watcher())
    job.wait()
    if job.latest is None:
        problem = job.problem or Message(N_("The download was stopped; start it again."))
        raise InputError(problem.template, **problem.values)
    return job.latest


def dataset(key: str) -> Dataset:
    """Return a set; while it is not there, offer its download or show how far it is, and end the page's run.

    A set that lies on this server opens by itself; nothing is downloaded before somebody presses the button.
    """
    if is_own_key(key):
        return open_own_set(key)
    job = dataset_job(key)
    if not job.begun and has_dataset(key):
        job.start(this_tab())
        job.wait(SECONDS_TO_OPEN)
    if job.finished and job.latest is not None:
        return job.latest
    if is_watched(job):
        _show_download(key)
    else:
        _offer_download(key)
    st.stop()


def _offer_download(key: str) -> None:
    """Say that a set isn't here, why a download failed, and how to get it."""
    job, name = dataset_job(key), translate(Message(DATASETS[key].label))
    with st.container(border=True, key="dataset_missing"):
        if job.problem:
            st.markdown(":material/error: " + markdown(job.problem))
        elif is_offline():
            words = _("{name} is not on this server, which downloads nothing. Choose another data set.")
            st.markdown(":material/info: " + words.format(name=name))
        else:
            words = _("{name} is not on this server yet. Its download has {megabytes} MB, once for all.")
            megabytes = round(PUBLISHED[key].size / MEGABYTE)
            st.markdown(":material/info: " + words.format(name=name, megabytes=megabytes))
        if not is_offline():
            start_button(_("Download {name}").format(name=name), lambda: dataset_job(key))


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_download(key: str) -> None:
    name = translate(Message(DATASETS[key].label))
    show_progress(dataset_job(key), _("Downloading {name}").format(name=name) + ": {percent}")
