"""Which checkpoint and which image the Inside page shows, and the evaluation at that checkpoint."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.runs.run import Run, WeightSnapshot, snapshots_of
from ui import resources
from ui.canvas import last_read_image
from ui.class_names import class_name
from ui.evaluations import read_split
from ui.html.digits import Figure, figure_html
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.navigation import link
from ui.page_headings import draw_heading
from ui.runs.progress import epochs_text
from ui.url_controls import url_choice, url_number, url_segments
from ui.url_state import set_url_parameters

if TYPE_CHECKING:
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
    return _("after epoch {epoch}").format(epoch=epochs_text(snapshot.epoch))


EVALUATED_IMAGES = 2000  # test images, so that the slider answers at once; the Evaluate page has them all


def evaluation_at(inspected: InspectedRun) -> "Evaluation":
    """Return the evaluation of a run at its snapshot on the first EVALUATED_IMAGES test images."""
    data = resources.dataset(inspected.run.config.dataset)
    key = (inspected.key(inspected.snapshot), data.source, f"test images 0 to {EVALUATED_IMAGES - 1}")
    return read_split(
        key, lambda: resources.model(inspected.run, inspected.snapshot), data.test[:EVALUATED_IMAGES]
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
        st.info(_("There is no drawing yet, so a test image is shown. Draw something first, then come back."))
        link("pages/draw.py", draw_heading(inspected.run.config.dataset), ":material/draw:")
    viewed = _choose_test_image(inspected) if drawn is None else InspectedImage(drawn, _("Your drawing"))
    alt, label = viewed.name, ""
    if viewed.label is not None:
        name = class_name(inspected.run.config.dataset, viewed.label)
        alt = _("{name}: {label}").format(name=viewed.name, label=name)
        label = f"<b>{escape(name)}</b> &nbsp;"
    st.html(figure_html(Figure(viewed.image, label + viewed.name, alt)), width=150)
    return viewed


def _choose_test_image(inspected: InspectedRun) -> InspectedImage:
    split = resources.dataset(inspected.run.config.dataset).test
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
