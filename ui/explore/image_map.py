"""A map of the images by PCA or t-SNE."""

from html import escape

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Dataset, Split
from mnist_core.data.projection import Projection, principal_components, tsne
from mnist_core.runtime.job import Job
from ui.class_names import class_name, class_names, image_alt
from ui.explore.selection import (
    INDEX_KEY,
    ExploredSplit,
    choose_digit,
    choose_number,
    choose_split,
    number_in_url,
    open_image,
    show_large,
)
from ui.html.digits import Figure, png_url
from ui.html.tables import markdown
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, start_button, turn
from ui.projection_chart import MAP_FAILURE, choose_method, map_points, map_spec, map_words


def show(data: Dataset) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = choose_split(data)
        digit, method = choose_digit(chosen.dataset), choose_method()
    chart, picture = st.columns([3, 1], gap="large")
    with picture:
        ring = show_one(chosen)
    with chart:
        if method == "pca":
            show_pca(chosen, digit, ring)
        else:
            show_tsne(chosen, digit, ring)


def show_one(chosen: ExploredSplit) -> int:
    """Show the choice of the image with the ring, and that image; return its number."""
    last = min(MAP_IMAGES, len(chosen.split)) - 1
    if number_in_url(INDEX_KEY) > last:
        st.caption(_("The chart has only images 0 to {last}.").format(last=count_text(last)))
    index = choose_number(_("Mark image no."), last)
    name = escape(class_name(chosen.dataset, int(chosen.split.labels[index])))
    caption, alt = _("Label <b>{label}</b>").format(label=name), image_alt(chosen.split, index)
    show_large(Figure(chosen.split.images[index], caption, alt), 200)
    st.button(_("Show pixel values"), on_click=open_image, args=(chosen.image(index),))
    return index


def show_map(chosen: ExploredSplit, positions: np.ndarray, digit: int | None, ring: int) -> None:
    """Show the map, with each image as the tooltip of its dot."""
    points = map_points(positions, chosen.split.labels[: len(positions)], class_names(chosen.dataset))
    points["image"] = thumbnails(chosen)
    if digit is not None:  # drawn last, so that it lies on top
        points = points.sort_values(
            "label", key=lambda names: names == class_name(chosen.dataset, digit), kind="stable"
        )
    st.vega_lite_chart(
        points,
        map_spec(map_words(), class_names(chosen.dataset), digit, ring, pictures=True),
        alt=_("Scatter plot of images, each drawn as its label; similar images lie near each other"),
    )
    st.caption(
        format_text(
            _("The first {count:,} images, each drawn as its label. Point at one to see it."),
            count=len(positions),
        )
    )


def show_pca(chosen: ExploredSplit, digit: int | None, ring: int) -> None:
    """Show the map along the two directions in which the images differ most."""
    found = projection(chosen)
    show_map(chosen, found.coordinates, digit, ring)
    st.markdown(
        format_text(
            _(
                "**PCA** (principal component analysis) projects the 784-dimensional images onto the "
                "two directions of largest variance: left to right {first:.1%} of the variance, "
                "bottom to top {second:.1%}. The rest is lost, so classes overlap."
            ),
            first=found.shares[0],
            second=found.shares[1],
        )
    )


def show_tsne(chosen: ExploredSplit, digit: int | None, ring: int) -> None:
    """Show the map by t-SNE, or its progress, or the button that starts it."""
    job = tsne_job(chosen)
    if job.finished:
        show_map(chosen, job.latest, digit, ring)
    elif is_watched(job):
        show_tsne_progress(chosen)
    else:
        show_start(job)
    st.markdown(
        _(
            "**t-SNE** (van der Maaten and Hinton, 2008) places the points so that each keeps the "
            "neighbours of its image. It does not use the labels, and yet the classes form "
            "clusters. Which points are neighbours is meaningful; the sizes of clusters and the "
            "distances between them mean little."
        )
    )


def show_start(job: Job[np.ndarray]) -> None:
    """Show the button that starts the map."""
    if job.problem:
        st.warning(markdown(job.problem))
    else:
        st.info(
            _("t-SNE takes about ten seconds on an ordinary computer. It is computed once, for all visitors.")
        )
    start_button(_("Compute t-SNE"), lambda: job)


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_tsne_progress(chosen: ExploredSplit) -> None:
    """Show the progress of the map and the present places of the dots."""
    job = tsne_job(chosen)
    show_progress(job, _("Computing t-SNE: {percent:.0%}"))
    positions = job.latest
    if positions is not None:
        names = class_names(chosen.dataset)
        points = map_points(positions, chosen.split.labels[: len(positions)], names)
        st.vega_lite_chart(points, map_spec(map_words(), names), alt=_("t-SNE in progress"))


MAP_IMAGES = 2000  # images: enough to see groups, few enough to hover over


def projection(chosen: ExploredSplit) -> Projection:
    """Return the first images of a split along their first two principal components."""
    return _projection(chosen.source, chosen.name, chosen.split)


def thumbnails(chosen: ExploredSplit) -> list[str]:
    """Return the images on the map as data URLs."""
    return _thumbnails(chosen.source, chosen.name, chosen.split)


def tsne_job(chosen: ExploredSplit) -> Job[np.ndarray]:
    """Return the shared job that computes the t-SNE map of a split: positions [N, 2]."""
    return _tsne_job(chosen.source, chosen.name, chosen.split)


@st.cache_resource(show_spinner=False, max_entries=4)
def _projection(source: str, name: str, _split: Split) -> Projection:
    return principal_components(_split.images[:MAP_IMAGES], 2)


@st.cache_resource(show_spinner=False, max_entries=4)
def _thumbnails(source: str, name: str, _split: Split) -> list[str]:
    return [png_url(image) for image in _split.images[:MAP_IMAGES]]


@st.cache_resource(show_spinner=False, max_entries=4)
def _tsne_job(source: str, name: str, _split: Split) -> Job[np.ndarray]:
    return Job("t-SNE", lambda: tsne(_split.images[:MAP_IMAGES]), turn=turn("t-SNE"), failure=MAP_FAILURE)
