"""A map of the test images by the last hidden layer, by PCA or t-SNE."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.runs.run import WeightSnapshot
from mnist_core.runtime.job import Job
from ui import resources
from ui.class_names import class_names
from ui.html.tables import markdown
from ui.i18n import format_text
from ui.i18n import gettext as _
from ui.inside.selection import InspectedRun, evaluation_at
from ui.jobs import SECONDS_BETWEEN_LOOKS, is_watched, show_progress, start_button, turn
from ui.projection_chart import (
    LOUD,
    MAP_FAILURE,
    QUIET,
    MapWords,
    choose_method,
    map_points,
    map_spec,
    map_words,
)
from ui.url_controls import url_segments

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.data.projection import Projection


def show(inspected: InspectedRun) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        method, colours = choose_method(), _choose_colours()
    if method == "pca":
        with st.spinner(_("Computing the activations of the test images")):
            found = map_at(inspected)
        _show_map(inspected, found.coordinates, colours)
        first, second = found.shares[:2]
        words = _(
            "**PCA** of the last layer's input: each image is projected onto the two directions "
            "of largest variance ({first:.0%} and {second:.0%} of it), rotated so that points "
            "move little between checkpoints. Training separates the classes until a linear layer "
            "can tell them apart."
        )
        st.markdown(format_text(words, first=first, second=second))
    else:
        _show_tsne(inspected, colours)


def _choose_colours() -> str:
    names = {"truth": _("Colour by label"), "errors": _("Highlight misclassified")}
    label = _("Colours")
    return url_segments(label, names, "colour", "truth", label_visibility="collapsed")


def _show_map(inspected: InspectedRun, positions: np.ndarray, colours: str) -> None:
    dataset = inspected.run.config.dataset
    split, count, names = resources.dataset(dataset).test, len(positions), class_names(dataset)
    labels, read = split.labels[:count], evaluation_at(inspected).predictions[:count]
    st.vega_lite_chart(
        answer_points(positions, labels, read, names),
        answer_map_spec(map_words(), names, _("Predicted label"), colours == "errors"),
        key="hidden_map",
        alt=_(
            "Scatter plot of test images, each drawn as its label; images that are similar to the "
            "last layer lie together"
        ),
    )
    wrong = int((labels != read).sum())
    words = _(
        "The first {count:,} test images, each drawn as its label; {wrong:,} of them are misclassified."
    )
    st.caption(format_text(words, count=count, wrong=wrong))


def _show_tsne(inspected: InspectedRun, colours: str) -> None:
    with st.spinner(_("Computing the activations of the test images")):
        job = tsne_at(inspected)
    if job.finished:
        _show_map(inspected, job.latest, colours)
    elif is_watched(job):
        _show_progress(inspected)
    else:
        _offer(inspected)
    st.markdown(
        _(
            "**t-SNE** places the points so that each keeps the neighbours that its image has in "
            "the last layer. Which points are neighbours is meaningful; the distances between "
            "clusters mean little."
        )
    )


def _offer(inspected: InspectedRun) -> None:
    """Show the button that starts the map of this snapshot."""
    if problem := tsne_at(inspected).problem:
        st.warning(markdown(problem))
    else:
        st.info(_("t-SNE is computed for each checkpoint: about ten seconds, in the background."))
    start_button(_("Compute t-SNE"), lambda: tsne_at(inspected))


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_progress(inspected: InspectedRun) -> None:
    job = tsne_at(inspected)
    show_progress(job, _("Computing t-SNE: {percent:.0%}"))
    if job.latest is not None:
        _show_map(inspected, job.latest, "truth")


def answer_points(
    positions: np.ndarray, labels: np.ndarray, read: np.ndarray, names: Sequence[str]
) -> "pd.DataFrame":
    """Return the map's points with what was read and whether that is wrong; wrong ones last, so on top."""
    points = map_points(positions, labels, names)
    points["read"], points["wrong"] = [names[label] for label in read], read != labels
    return points.sort_values("wrong", kind="stable")


def answer_map_spec(words: MapWords, names: Sequence[str], read: str, by_error: bool) -> dict[str, Any]:
    """Return the specification of `answer_points`; `by_error` only what is misread has a colour."""
    spec = map_spec(words, names)
    encoding = spec["layer"][0]["encoding"]
    encoding["tooltip"] = [*encoding["tooltip"], {"field": "read", "type": "nominal", "title": read}]
    if by_error:
        encoding["color"] = {"condition": {"test": "datum.wrong", "value": LOUD}, "value": QUIET}
        encoding["opacity"] = {"condition": {"test": "datum.wrong", "value": 1}, "value": 0.45}
    return {**spec, "height": 480}


MAP_IMAGES = 1500  # test images: enough to see groups, and little to send when the slider moves


def map_at(inspected: InspectedRun) -> "Projection":
    """Return the first MAP_IMAGES test images along two principal components of the last layer's inputs.

    The map is rotated so that images are as near as possible to their places at the last snapshot.
    """
    from mnist_core.data.projection import Projection, procrustes_aligned

    now, last = (
        _components(inspected.key(m), resources.dataset(inspected.run.config.dataset).source, inspected, m)
        for m in (inspected.snapshot, inspected.last)
    )
    return Projection(procrustes_aligned(now.coordinates, last.coordinates), now.shares)


def tsne_at(inspected: InspectedRun) -> Job[np.ndarray]:
    """Return the shared job that computes the t-SNE map of the same inputs: positions [N, 2]."""
    return _tsne(
        inspected.key(inspected.snapshot), resources.dataset(inspected.run.config.dataset).source, inspected
    )


@st.cache_resource(show_spinner=False, max_entries=64)
def _components(key: str, source: str, _inspected: InspectedRun, _moment: WeightSnapshot) -> "Projection":
    from mnist_core.data.projection import randomized_pca

    return randomized_pca(_features(_inspected, _moment), 2)


@st.cache_resource(show_spinner=False, max_entries=6)
def _tsne(key: str, source: str, _inspected: InspectedRun) -> Job[np.ndarray]:
    from mnist_core.data.projection import COMPONENTS, randomized_pca, tsne_of_points

    points = randomized_pca(_features(_inspected, _inspected.snapshot), COMPONENTS).coordinates
    return Job("t-SNE", lambda: tsne_of_points(points), turn=turn("t-SNE"), failure=MAP_FAILURE)


def _features(inspected: InspectedRun, snapshot: WeightSnapshot) -> np.ndarray:
    """Return the last layer's inputs for the first MAP_IMAGES test images; up to 19 MB, so not cached."""
    from mnist_core.evaluation.neighbours import hidden_features

    return hidden_features(
        resources.model(inspected.run, snapshot),
        resources.dataset(inspected.run.config.dataset).test.images[:MAP_IMAGES],
    )
