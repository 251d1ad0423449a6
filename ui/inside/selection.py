"""Which checkpoint and which image the Inside page shows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.runs.run import Run
from mnist_core.runs.weight_snapshots import WeightSnapshot, snapshots_of
from mnist_core.runtime.job import Job
from ui import resources
from ui.canvas import last_read_image
from ui.evaluations import read_split
from ui.html.digits import Figure, figure_html
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.jobs import turn
from ui.navigation import link
from ui.projection_chart import MAP_FAILURE
from ui.url_controls import url_choice, url_number, url_segments
from ui.url_state import set_url_parameters

if TYPE_CHECKING:
    from mnist_core.data.projection import Projection
    from mnist_core.evaluation.attribution import LayerActivation
    from mnist_core.evaluation.metrics import Evaluation

SNAPSHOT_KEY = "moment"  # in the URL: after how many epochs; none means the last


@dataclass(frozen=True)
class InspectedRun:
    """A run as it was at one of its `snapshots`."""

    run: Run
    snapshot: WeightSnapshot
    snapshots: tuple[WeightSnapshot, ...]

    @property
    def last(self) -> WeightSnapshot:
        """The latest snapshot."""
        return self.snapshots[-1]

    @property
    def place(self) -> int:
        """The index of `snapshot` in `snapshots`."""
        return self.snapshots.index(self.snapshot)

    def key(self, snapshot: WeightSnapshot) -> str:
        """Return a cache key that identifies a snapshot of this run."""
        return f"{self.run.id} {snapshot.epoch} {snapshot.file}"


def choose_snapshot(run: Run) -> InspectedRun:
    """Show the slider; return the run at the snapshot it is set to."""
    snapshots = snapshots_of(run)
    if len(snapshots) == 1:
        st.caption(_("This run has only one checkpoint, so there is no slider."))
        return InspectedRun(run, snapshots[0], tuple(snapshots))
    labels = {f"{snapshot.epoch:g}": snapshot_text(snapshot) for snapshot in snapshots}
    chosen = url_choice(
        st.select_slider,
        _("Checkpoint (moment of the training)"),
        labels,
        SNAPSHOT_KEY,
        next(reversed(labels)),
        help=_("The arrow keys move it as well. Everything below shows the network at this checkpoint."),
    )
    return InspectedRun(run, snapshots[list(labels).index(chosen)], tuple(snapshots))


def snapshot_text(snapshot: WeightSnapshot) -> str:
    """Return the epoch of a snapshot, in words."""
    if snapshot.epoch == 0:
        return _("before training")
    if snapshot.epoch < 1:
        return format_text(_("after {share:.0%} of epoch 1"), share=snapshot.epoch)
    return format_text(_("after epoch {epoch:g}"), epoch=snapshot.epoch)


EVALUATED_IMAGES = 2000  # test images, so that the slider answers at once; the Evaluate page has them all
MAP_IMAGES = 1500  # of these: enough to see groups, and little to send when the slider moves


def evaluation_at(inspected: InspectedRun) -> "Evaluation":
    """Return the evaluation of a run at its snapshot on the first EVALUATED_IMAGES test images."""
    data = resources.dataset()
    key = (inspected.key(inspected.snapshot), data.source, f"test images 0 to {EVALUATED_IMAGES - 1}")
    return read_split(
        key, lambda: resources.model(inspected.run, inspected.snapshot), data.test[:EVALUATED_IMAGES]
    )


def weights_at(inspected: InspectedRun) -> tuple[np.ndarray, float]:
    """Return the first layer's weights [units, H, W] at the snapshot, and the last snapshot's largest."""
    from mnist_core.evaluation.attribution import first_layer_weights

    snapshots = (inspected.snapshot, inspected.last)
    now, last = (first_layer_weights(resources.model(inspected.run, snapshot)) for snapshot in snapshots)
    return now, float(np.quantile(np.abs(last), 0.995))


def activations_at(inspected: InspectedRun, image: np.ndarray) -> "list[LayerActivation]":
    """Return each layer's activations of an image at the snapshot."""
    from mnist_core.evaluation.attribution import activations

    return activations(resources.model(inspected.run, inspected.snapshot), image)


def readings(inspected: InspectedRun, image: np.ndarray) -> np.ndarray:
    """Return the probabilities of an image at every snapshot of the run, [snapshots, 10]."""
    return _readings(" ".join(map(inspected.key, inspected.snapshots)), image.tobytes(), inspected, image)


def map_at(inspected: InspectedRun) -> "Projection":
    """Return the first MAP_IMAGES test images along two principal components of the last layer's inputs.

    The map is rotated so that images are as near as possible to their places at the last snapshot.
    """
    from mnist_core.data.projection import Projection, procrustes_aligned

    now, last = (
        _components(inspected.key(m), resources.dataset().source, inspected, m)
        for m in (inspected.snapshot, inspected.last)
    )
    return Projection(procrustes_aligned(now.coordinates, last.coordinates), now.shares)


def tsne_at(inspected: InspectedRun) -> Job[np.ndarray]:
    """Return the shared job that computes the t-SNE map of the same inputs: positions [N, 2]."""
    return _tsne(inspected.key(inspected.snapshot), resources.dataset().source, inspected)


@st.cache_resource(show_spinner=False, max_entries=32)
def _readings(key: str, image: bytes, _inspected: InspectedRun, _image: np.ndarray) -> np.ndarray:
    from mnist_core.recognition.recognizer import predict

    models = (resources.model(_inspected.run, snapshot) for snapshot in _inspected.snapshots)
    return np.stack([predict(model, _image).probabilities for model in models])


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
        resources.model(inspected.run, snapshot), resources.dataset().test.images[:MAP_IMAGES]
    )


IMAGE_KEY = "index"


@dataclass(frozen=True, eq=False)
class InspectedImage:
    """An image uint8 [28, 28], what it is called, and its label if that is known."""

    image: np.ndarray
    name: str
    label: int | None = None


def choose_image(inspected: InspectedRun) -> InspectedImage:
    """Show which image is chosen, and the controls to choose another."""
    sources = {"test": _("A test image"), "drawing": _("My drawing")}
    source = url_segments(_("Image"), sources, "of", "test", label_visibility="collapsed")
    drawn = last_read_image() if source == "drawing" else None
    if source == "drawing" and drawn is None:
        st.info(_("There is no drawing yet, so a test image is shown. Draw a digit first, then come back."))
        link("pages/draw.py", _("Draw a digit"), ":material/draw:")
    viewed = _choose_test_image(inspected) if drawn is None else InspectedImage(drawn, _("Your drawing"))
    alt = (
        viewed.name
        if viewed.label is None
        else _("{name}, a {label}").format(name=viewed.name, label=viewed.label)
    )
    label = "" if viewed.label is None else f"<b>{viewed.label}</b> &nbsp;"
    st.html(figure_html(Figure(viewed.image, label + viewed.name, alt)), width=150)
    return viewed


def _choose_test_image(inspected: InspectedRun) -> InspectedImage:
    split = resources.dataset().test
    last = len(split) - 1

    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = url_number(_("Test image no."), IMAGE_KEY, last, 170, key="inside_index")
        st.button(
            _("Next misclassified"),
            on_click=_next_error,
            args=(inspected, index),
            help=format_text(
                _("Among the first {count:,} images, at the checkpoint of the slider."),
                count=EVALUATED_IMAGES,
            ),
        )
    name = _("no. {number}").format(number=count_text(index))
    return InspectedImage(split.images[index], name, int(split.labels[index]))


def _next_error(inspected: InspectedRun, index: int) -> None:
    """Go to the misread image with the next number, after the last to the first."""
    errors = np.sort(evaluation_at(inspected).errors)
    if len(errors):
        later = errors[errors > index]
        set_url_parameters({IMAGE_KEY: str(int(later[0] if len(later) else errors[0]))})
