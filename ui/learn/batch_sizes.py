"""Chapter "Batches and epochs": one image, a mini-batch or the whole set; noise, steps per epoch, time."""

from typing import Any, NamedTuple

import streamlit as st

from mnist_core.lessons.batch_steps import EPOCHS, HIDDEN, IMAGES, SIZES, BatchRun, batch_runs, expected_noise
from mnist_core.runtime.job import Steps
from ui import resources
from ui.html.tables import table_html
from ui.i18n import count_text, format_text, formatted_number, list_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.projection_chart import COLOURS, QUIET
from ui.url_controls import url_segments

SIZE_KEY, RATE_KEY = "batch", "rate"
RATES = {rate: rate for rate in ("0.01", "0.03", "0.1")}
HIGHEST = 3.0  # largest loss in the chart: a network that guesses has 2.3


class Batches(NamedTuple):
    """The trainings with each batch size, the chosen size and the learning rate."""

    runs: list[BatchRun]
    size: int
    rate: float

    @property
    def chosen(self) -> BatchRun:
        """The training with the chosen size."""
        return self.runs[SIZES.index(self.size)]


def ask() -> Question:
    """Ask which batch size learns most."""
    text = _(
        "Three networks start alike and see the same {images:,} images three times, with the same learning "
        "rate. One takes a step after each image, one after 64, one after all. Which has the lowest loss "
        "in the end?"
    )
    options = {
        "one": _("A step after each image"),
        "mini": _("After 64 images"),
        "all": _("After all images"),
        "same": _("All the same"),
    }
    return Question(format_text(text, images=IMAGES), options)


def run() -> Batches | None:
    """Show the loss over the epochs with each batch size, and the steps and time of an epoch."""
    size, rate = _choose()
    split = resources.dataset().file("train")

    def steps() -> Steps[list[BatchRun]]:
        runs: list[BatchRun] = []
        yield 0.05, None
        from mnist_core.runtime.devices import use_one_thread

        use_one_thread()  # the pages, and a run in training, need the other cores
        for found in batch_runs(split.images, split.labels, rate):
            runs.append(found)
            yield len(runs) / len(SIZES), None
        return runs

    runs = background_result(
        _("Training with each batch size"), ("batches", resources.dataset().source, rate), steps
    )
    if runs is None:
        return None
    result = Batches(runs, size, rate)
    chart, table = st.columns([1, 1], gap="medium")
    with chart:
        _show_chart(result)
    with table:
        _show_table(result)
    return result


def _choose() -> tuple[int, float]:
    sizes = {str(size): _size_text(size) for size in SIZES}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        size = url_segments(_("Batch size"), sizes, SIZE_KEY, "64")
        rate = url_segments(_("Learning rate"), RATES, RATE_KEY, "0.03")
    return int(size), float(rate)


def _size_text(size: int) -> str:
    return _("all {images}").format(images=count_text(size)) if size == IMAGES else str(size)


def _show_chart(result: Batches) -> None:
    said = format_text(
        _("Batch size {size}: the loss goes from {start:.2f} to {end} in {epochs} epochs."),
        size=_size_text(result.size),
        start=result.chosen.losses[0],
        end=_loss_text(result.chosen.losses[-1]),
        epochs=EPOCHS,
    )
    st.vega_lite_chart(_spec(result), key="lab_batches", alt=said)
    st.caption(
        format_text(
            _(
                "Loss on all {images:,} images; blue: the chosen batch size, grey: the others. Network: "
                "784-{hidden}-10, ReLU, SGD."
            ),
            images=IMAGES,
            hidden=HIDDEN,
        )
    )


def _spec(result: Batches) -> dict[str, Any]:
    """Return the chart: the loss over the epochs, a line for each batch size with its name at the end."""
    rows = [
        {"epoch": epoch, "loss": loss, "size": _size_text(run.size), "chosen": run.size == result.size}
        for run in result.runs
        for epoch, loss in zip(run.epochs, run.losses, strict=True)
        if loss < 2 * HIGHEST
    ]
    x = {
        "field": "epoch",
        "type": "quantitative",
        "title": _("Epoch"),
        "axis": {"tickMinStep": 1, "format": "d"},
        "scale": {"domain": [0, EPOCHS], "nice": False},
    }
    y = {
        "field": "loss",
        "type": "quantitative",
        "title": _("Loss on all images"),
        "scale": {"domain": [0, HIGHEST], "nice": False},
    }
    by_size = {"detail": {"field": "size", "type": "nominal"}}
    facts = [
        {"field": "size", "type": "nominal", "title": _("Batch size")},
        {"field": "epoch", "type": "quantitative", "title": _("Epoch"), "format": ".2f"},
        {"field": "loss", "type": "quantitative", "title": _("Loss on all images"), "format": ".3f"},
    ]
    quiet = {"type": "line", "clip": True, "color": QUIET, "strokeWidth": 1.5}
    blue = {"clip": True, "color": COLOURS[0]}
    chosen = [{"filter": "datum.chosen"}]
    colour = {"condition": {"test": "datum.chosen", "value": COLOURS[0]}, "value": QUIET}
    ends = [{"filter": f"datum.epoch == {EPOCHS}"}]
    name = {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "fontWeight": 600}
    return {
        "data": {"values": rows},
        "height": 300,
        "padding": {"left": 0, "top": 5, "right": 60, "bottom": 5},
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "transform": [{"filter": "!datum.chosen"}],
                "mark": quiet,
                "encoding": by_size | {"tooltip": facts},
            },
            {"transform": chosen, "mark": blue | {"type": "line", "strokeWidth": 2.5}},
            {
                "transform": chosen,
                "mark": blue | {"type": "point", "filled": True, "size": 35, "opacity": 1},
                "encoding": {"tooltip": facts},
            },
            {
                "transform": ends,
                "mark": name,
                "encoding": {"text": {"field": "size", "type": "nominal"}, "color": colour},
            },
        ],
    }


def _show_table(result: Batches) -> None:
    rows = [
        [
            _size_text(run.size),
            count_text(run.steps),
            percent_text(run.noise, 0),
            f"{1000 * run.seconds:,.0f}\N{NO-BREAK SPACE}ms",
            _loss_text(run.loss_after(1.0)),
            _loss_text(run.losses[-1]),
        ]
        for run in result.runs
    ]
    after = _("Loss, epoch {epochs}")
    head = [
        _("Batch size"),
        _("Steps per epoch"),
        _("Noise"),
        _("Time per epoch"),
        after.format(epochs=1),
        after.format(epochs=EPOCHS),
    ]
    st.html(table_html(head, rows, strong=SIZES.index(result.size), words=_("All batch sizes")))
    st.caption(
        _(
            "Noise: how far the gradient of a batch is from that of the whole set at the start, as a share "
            "of its length. Time: measured on this server."
        )
    )


def _loss_text(loss: float) -> str:
    """Return a loss as text; an extremely large one as infinity."""
    return formatted_number(loss, ".2f") if loss < 1000 else "∞"


def answer(result: Batches) -> str:
    """Return the last losses of the three networks of the question."""
    words = _("{loss} with {size}")
    losses = [
        words.format(size=_size_text(size), loss=_loss_text(result.runs[SIZES.index(size)].losses[-1]))
        for size in (1, 64, IMAGES)
    ]
    return _("Loss: {losses}").format(losses=list_text(losses))


def explain(result: Batches) -> None:
    """Show that an epoch is steps times batch size, how the noise falls, and what each size costs."""
    run = result.chosen
    st.markdown(
        _(
            "An **epoch** shows each image once, in a new order (shuffled: drawn without replacement). A "
            "**step** takes one **batch**, calculates its gradient and moves the weights. More epochs help "
            "because each step moves them only a little."
        )
    )
    st.latex(rf"{IMAGES} = {run.steps} \times {run.size}")
    st.markdown(
        _(
            "The gradient of a batch estimates that of the whole set. Its **noise** falls with the root of "
            "the batch size B:"
        )
    )
    one = result.runs[0].noise
    expected = expected_noise(one, IMAGES, run.size)
    st.latex(
        rf"{one:.2f} \cdot \sqrt{{\frac{{N - B}}{{B\,(N - 1)}}}} = {one:.2f} \cdot "
        rf"\sqrt{{\frac{{{IMAGES - run.size}}}{{{run.size} \cdot {IMAGES - 1}}}}} = {expected:.2f}"
    )
    words = _(
        "Measured: {noise:.2f}. Batch size 1 is **stochastic** gradient descent: many cheap, noisy steps, "
        "too noisy if the learning rate is large. The whole set is **full-batch**: one exact step for each "
        "epoch. Between them is **mini-batch** gradient descent, also with batches of 64, which some "
        "tutorials call full-batch. A processor, and more so a GPU (CUDA, Apple's MPS), calculates many "
        "images at once, so large batches take less time per epoch."
    )
    st.markdown(format_text(words, noise=run.noise))


def training(result: Batches) -> dict[str, Any]:
    """Return the experiment's network with the chosen batch size and learning rate."""
    return {
        "recipe": "tutorial-3",
        "widths": (HIDDEN,),
        "train_size": IMAGES,
        "batch_size": result.size,
        "learning_rate": result.rate,
        "shuffle": True,
        "input_scaling": "standard",
        "epochs": EPOCHS,
    }
