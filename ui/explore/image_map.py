"""A map of images: each image a dot, like images near each other; by PCA at once, by t-SNE on demand."""

import numpy as np
import streamlit as st

from mnist_core.data import Dataset
from ui.background import SharedWork
from ui.controls import choice_in_url
from ui.digits import Figure
from ui.explore.charts import MapWords, map_points, map_spec
from ui.explore.choices import (
    INDEX_KEY,
    Chosen,
    choose_digit,
    choose_number,
    choose_split,
    number_in_url,
    open_image,
)
from ui.explore.pictures import show_large
from ui.explore.shared import ON_THE_MAP, projection, thumbnails, tsne_work
from ui.translation import gettext as _
from ui.watching import SECONDS_BETWEEN_LOOKS, is_watched, progress_and_stop, start_button

METHOD_KEY = "method"
WATCHED_KEY = "tsne_watched"


def show(data: Dataset) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen, digit, method = choose_split(data), choose_digit(), choose_method()
    chart, picture = st.columns([3, 1], gap="large")
    with picture:
        ring = show_one(chosen)
    with chart:
        if method == "pca":
            show_pca(chosen, digit, ring)
        else:
            show_tsne(chosen, digit, ring)


def choose_method() -> str:
    """Show the two ways to make the map; return "pca" or "tsne"."""
    methods = {"pca": "PCA", "tsne": "t-SNE"}
    return choice_in_url(
        st.segmented_control,
        _("Method"),
        methods,
        METHOD_KEY,
        "pca",
        required=True,
        label_visibility="collapsed",
    )


def show_one(chosen: Chosen) -> int:
    """Show which image has the ring around it, and that image; return its number."""
    last = min(ON_THE_MAP, len(chosen.split)) - 1
    if number_in_url(INDEX_KEY) > last:
        st.caption(_("The map has only images 0 to {last}.").format(last=f"{last:,}"))
    index = choose_number(_("Put a ring around no."), last)
    label = chosen.split.labels[index]
    alt = _("A handwritten {label}, image number {number}").format(label=label, number=index)
    show_large(Figure(chosen.split.images[index], _("Label <b>{label}</b>").format(label=label), alt), 200)
    st.button(_("See its pixel values"), on_click=open_image, args=(index, chosen.name))
    return index


def show_map(chosen: Chosen, positions: np.ndarray, digit: int | None, ring: int) -> None:
    """Show the dots, with their images to point at."""
    points = map_points(positions, chosen.split.labels[: len(positions)])
    points["image"] = thumbnails(chosen)
    if digit is not None:  # drawn last, so that it lies on top
        points = points.sort_values("label", key=lambda labels: labels == digit, kind="stable")
    st.vega_lite_chart(
        points,
        map_spec(map_words(), digit, ring, pictures=True),
        alt=_("A map of images, each shown as its digit; like images lie near each other"),
    )
    st.caption(
        _("The first {count:,} images, each drawn as its label. Point at one to see it.").format(
            count=len(positions)
        )
    )


def map_words() -> MapWords:
    """Return what a dot's facts are called."""
    return MapWords(label=_("Label"), number=_("Image no."))


def show_pca(chosen: Chosen, digit: int | None, ring: int) -> None:
    """Show the map along the two directions in which the images differ most."""
    found = projection(chosen)
    show_map(chosen, found.coordinates, digit, ring)
    st.markdown(
        _(
            "**PCA** (principal component analysis) looks at the 784-dimensional cloud of images from the "
            "side from which it is widest: left to right {first:.1%} of what makes them differ, bottom to "
            "top {second:.1%}. The rest is lost, so digits overlap."
        ).format(first=found.shares[0], second=found.shares[1])
    )


def show_tsne(chosen: Chosen, digit: int | None, ring: int) -> None:
    """Show the map made by t-SNE, or how far it is, or how to have it made."""
    work = tsne_work(chosen)
    if work.finished:
        show_map(chosen, work.latest, digit, ring)
    elif is_watched(work, WATCHED_KEY):
        show_progress(chosen)
    else:
        show_start(work)
    st.markdown(
        _(
            "**t-SNE** (van der Maaten and Hinton, 2008) moves the dots until each has the neighbours that "
            "its image has among all images. It was never told the labels, and yet the digits part. Trust "
            "who is near whom; how far apart groups lie, and how large they are, means little."
        )
    )


def show_start(work: SharedWork[np.ndarray]) -> None:
    """Offer to make the map."""
    if work.failed:
        st.warning(_("The map could not be made. Try again, or look at the PCA map."))
    else:
        st.info(
            _("This map has to be computed: about ten seconds on an ordinary computer, once for everybody.")
        )
    start_button(_("Make the t-SNE map"), WATCHED_KEY, lambda: work)


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def show_progress(chosen: Chosen) -> None:
    """Show how far the map is and where the dots are by now."""
    work = tsne_work(chosen)
    progress_and_stop(work, WATCHED_KEY, _("Moving the dots: {percent:.0%}"))
    positions = work.latest
    if positions is not None:
        points = map_points(positions, chosen.split.labels[: len(positions)])
        st.vega_lite_chart(points, map_spec(map_words()), alt=_("The dots on their way"))
