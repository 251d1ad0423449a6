"""Slow motion of a run: one batch at a time, with its images, loss, gradients and weight changes."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.models.summary import LayerSummary, describe_layers
from mnist_core.runs.run import Run
from mnist_core.runs.slow_motion import CROWDED_SECONDS, IDLE_SECONDS
from ui import resources
from ui.class_names import class_names
from ui.html.digits import bars_html, png_url
from ui.html.network import layer_names
from ui.i18n import count_text, formatted_number, ngettext, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.runs.changes import may_change

if TYPE_CHECKING:
    from mnist_core.monitoring.batch_view import BatchView
    from mnist_core.runs.queued_run import Snapshot

SECONDS_TO_SEE = 1.0  # longest wait of a click for its batch, so that the rerun shows it
SHORTEST = 0.02  # of a bar that isn't zero


def show_slow_motion_button(run: Run) -> None:
    """Show the button that puts a run into slow motion."""
    st.button(
        _("Slow motion"),
        icon=":material/slow_motion_video:",
        key="slow_motion_on",
        on_click=_slow_down,
        args=(run.id,),
        help=_(
            "Holds the training after each batch and shows the batch and its step. Nothing it learns changes."
        ),
    )


def show_slow_motion(run: Run, snapshot: "Snapshot", may_control: bool) -> None:
    """Show the last batch of a run in slow motion, and the buttons for the next one and for full speed."""
    batch = snapshot.batch
    with st.container(border=True, key="slow_motion"):
        words = _("Slow motion") if batch is None else _("Slow motion: {batch}")
        steps = snapshot.steps or 1
        number = _("batch {step} of {steps}").format(
            step=count_text(batch.step if batch else 0), steps=count_text(steps)
        )
        st.markdown("**" + words.format(batch=number) + "**")
        if may_control and snapshot.status == "running":
            _show_buttons(run)
        if batch:
            _show_batch(run.config, batch)


def _show_buttons(run: Run) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("One batch"),
            type="primary",
            icon=":material/skip_next:",
            key="one_batch",
            on_click=_train_one_batch,
            args=(run.id,),
        )
        st.button(
            _("Full speed"),
            icon=":material/fast_forward:",
            key="full_speed",
            on_click=_go_on,
            args=(run.id,),
        )
    words = _(
        "The training waits for you. It is paused after {idle} minutes without a click; when another "
        "training has waited for {crowded} seconds, it lets that one go first."
    )
    seconds = count_text(CROWDED_SECONDS)
    st.caption(words.format(idle=count_text(IDLE_SECONDS / 60), crowded=seconds))


def _show_batch(config: TrainConfig, batch: "BatchView") -> None:
    st.html(_images_html(batch, class_names(config.dataset)))
    wrong = int((batch.labels != batch.predictions).sum())
    rest = batch.size - len(batch.images)
    said = [
        _("Under each image: its label, and what the network answered before this step if that is wrong.")
    ]
    if rest:
        said.append(
            ngettext(
                "{count} more image is in the batch.", "{count} more images are in the batch.", rest
            ).format(count=count_text(rest))
        )
    st.caption(sentences_text(said))
    st.markdown(
        _("Loss of this batch: **{loss}**. Of the {shown} images shown, {wrong} were read wrongly.").format(
            loss=formatted_number(batch.loss, ".4f"), shown=len(batch.images), wrong=wrong
        )
    )
    layers = [layer for layer in describe_layers(config) if layer.parameters]
    if len(layers) == len(batch.gradient_norms):
        _show_layers(layers, batch)


def _show_layers(layers: list[LayerSummary], batch: "BatchView") -> None:
    """Show each layer's gradient, and the size of its step."""
    gradients, moved = st.columns(2, gap="medium")
    names = layer_names(layers)
    with gradients:
        st.markdown("**" + _("Gradient of this batch") + "**")
        texts = [formatted_number(norm, ".2g") for norm in batch.gradient_norms]
        st.html(bars_html(names, _shares(batch.gradient_norms), texts))
        st.caption(_("The norm of the gradient, layer by layer: where the loss depends most on the weights."))
    with moved:
        st.markdown("**" + _("What this step moved") + "**")
        texts = [percent_text(ratio, 3) for ratio in batch.update_ratios]
        st.html(bars_html(names, _shares(batch.update_ratios), texts))
        st.caption(_("The size of the step relative to the layer's weights. About 0.1% is usual."))


def _shares(sizes: tuple[float, ...]) -> list[float]:
    """Return lengths of bars, the largest 1."""
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    return [max(SHORTEST, size / largest) if math.isfinite(size) and size > 0 else 0.0 for size in sizes]


def _images_html(batch: "BatchView", names: Sequence[str]) -> str:
    figures = []
    for image, *labels in zip(batch.images, batch.labels, batch.predictions, strict=True):
        label, read = (names[each] for each in labels)
        alt = _("Label {label}, read as {read}").format(label=label, read=read)
        picture = f'<img src="{png_url(image)}" width="28" height="28" alt="{escape(alt)}">'
        wrong = f' <span class="lab-wrong">{escape(read)}</span>' if read != label else ""
        caption = f"<figcaption><b>{escape(label)}</b>{wrong}</figcaption>"
        figures.append(f'<figure class="lab-digit" role="listitem">{picture}{caption}</figure>')
    columns = (
        "grid-template-columns:repeat(auto-fill,minmax(2.8rem,1fr))"  # 32 images: smaller than watched ones
    )
    return f'<div class="lab-watched" role="list" style="{columns}">{"".join(figures)}</div>'


def _slow_down(run_id: str) -> None:
    if may_change(run_id):
        resources.training_queue().slow_down(run_id)


def _train_one_batch(run_id: str) -> None:
    if may_change(run_id):
        resources.training_queue().one_batch(run_id, SECONDS_TO_SEE)


def _go_on(run_id: str) -> None:
    if may_change(run_id):
        resources.training_queue().full_speed(run_id)
