"""What all visitors of a server share, made once: the data."""

import os
from collections.abc import Callable

import streamlit as st

from mnist_core.data import Dataset, find_mnist, load_dataset, load_sample
from ui.dataset_loader import DatasetLoader
from ui.translation import gettext as _
from ui.translation import say

OFFLINE_VARIABLE = "DIGITLAB_OFFLINE"  # set it, and nothing is ever downloaded
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
    return found


def show_notice() -> None:
    """Say when the data isn't MNIST, and offer to fetch it again."""
    loader = dataset_loader()
    data = loader.wait(SECONDS_TO_OPEN)
    if data is None or data.notice is None:
        return
    with st.container(border=True, key="notice"):
        st.markdown(":material/info: " + say(data.notice))
        if data.source == "sample" and not _offline():
            st.button(_("Try to download MNIST again"), on_click=loader.start)


def _offline() -> bool:
    return bool(os.environ.get(OFFLINE_VARIABLE))


def _load(progress: Callable[[float], None]) -> Dataset:
    return load_sample() if _offline() and find_mnist() is None else load_dataset(progress=progress)


@st.fragment(run_every=0.5)
def _show_download() -> None:
    loader = dataset_loader()
    if loader.dataset is not None:
        st.rerun()
    text = _("Downloading MNIST, 11 MB, once: {percent}").format(percent=f"{loader.fraction:.0%}")
    st.progress(min(loader.fraction, 1.0), text=text)
    st.button(_("Don't wait: use the small offline sample"), on_click=loader.stop)
