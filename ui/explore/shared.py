"""What all visitors of a server share about a split, computed when first asked for."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.data import Split
from mnist_core.dataset.embedding import Projection, principal_components, tsne
from mnist_core.dataset.statistics import Statistics, distances_to_mean
from mnist_core.dataset.statistics import statistics as gather
from ui.background import SharedWork
from ui.digits import png_url
from ui.explore.choices import Chosen

ON_THE_MAP = 2000  # images: enough to see groups, few enough to hover over


@dataclass(frozen=True, eq=False)
class SplitFacts:
    """A split's statistics, and each image's distance to the mean of its digit [N]."""

    statistics: Statistics
    distances: np.ndarray


def split_facts(chosen: Chosen) -> SplitFacts:
    """Return what is known of a split as a whole."""
    return _split_facts(chosen.source, chosen.name, chosen.split)


def projection(chosen: Chosen) -> Projection:
    """Return the first images of a split along their first two principal components."""
    return _projection(chosen.source, chosen.name, chosen.split)


def thumbnails(chosen: Chosen) -> list[str]:
    """Return the images on the map as data URLs."""
    return _thumbnails(chosen.source, chosen.name, chosen.split)


def tsne_work(chosen: Chosen) -> SharedWork[np.ndarray]:
    """Return the server's work on the t-SNE map of a split, positions [N, 2]."""
    return _tsne_work(chosen.source, chosen.name, chosen.split)


@st.cache_resource(show_spinner=False, max_entries=4)
def _split_facts(source: str, name: str, _split: Split) -> SplitFacts:
    found = gather(_split)
    return SplitFacts(found, distances_to_mean(_split, found.means))


@st.cache_resource(show_spinner=False, max_entries=4)
def _projection(source: str, name: str, _split: Split) -> Projection:
    return principal_components(_split.images[:ON_THE_MAP], 2)


@st.cache_resource(show_spinner=False, max_entries=4)
def _thumbnails(source: str, name: str, _split: Split) -> list[str]:
    return [png_url(image) for image in _split.images[:ON_THE_MAP]]


@st.cache_resource(show_spinner=False, max_entries=4)
def _tsne_work(source: str, name: str, _split: Split) -> SharedWork[np.ndarray]:
    return SharedWork("t-SNE", lambda: tsne(_split.images[:ON_THE_MAP]))
