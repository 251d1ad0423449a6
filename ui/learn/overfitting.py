"""Chapter "Overfitting": 500 images learned by heart, and what helps."""

from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.choices import AUGMENTATIONS
from mnist_core.runtime.job import Steps
from ui import resources
from ui.html.tables import table_html
from ui.i18n import count_text, format_text, formatted_number, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.generalisation import Curves, Remedies

IMAGES_KEY, DROPOUT_KEY, DECAY_KEY, AUGMENTED_KEY = "learned", "drop", "decay", "augmented"  # in the URL
DROPOUTS = {"0": 0.0, "20": 0.2, "50": 0.5}  # by what stands in the URL, in percent
DECAYS = {"0": 0.0, "0.1": 0.1, "1": 1.0}
AUGMENTED = ("none", "shift", "affine")
LARGEST_LOSS = 1.0  # of the chart: all losses begin at 2.3 and are soon below it


class Trainings(NamedTuple):
    """The training on few images without remedies, the chosen remedies, and the training with them."""

    plain: "Curves"
    remedies: "Remedies"
    helped: "Curves | None"  # None where no remedy is chosen


def ask() -> Question:
    """Ask how well a network reads new images after it has learned few by heart."""
    text = _(
        "A network trains on 500 images until it reads every one of them correctly. How many of 2,000 "
        "images that it has never seen does it read correctly?"
    )
    return Question(text, {"all": _("Nearly all"), "most": _("80 to 90%"), "half": _("About half")})


def run() -> Trainings | None:
    """Train with and without the chosen remedies; show both curves."""
    remedies = _choose_remedies()
    plain = _trained(type(remedies)(), "overfitting")
    if plain is None:
        return None
    helped = None
    if remedies != type(remedies)():
        helped = _trained(remedies, "overfitting-helped")
        if helped is None:
            return None
    _show_curves(plain, helped)
    return Trainings(plain, remedies, helped)


def _choose_remedies() -> "Remedies":
    from mnist_core.lessons.generalisation import SIZES, Remedies

    st.markdown(
        _(
            "Without any of these remedies, 500 images are learned by heart. Choose one and compare; each "
            "training takes 1,000 steps of 50 images."
        )
    )
    sizes = {str(size): count_text(size) for size in SIZES}
    dropouts = {name: percent_text(share, 0) for name, share in DROPOUTS.items()}
    decays = {name: formatted_number(value, "g") for name, value in DECAYS.items()}
    augmentations = {name: _(AUGMENTATIONS[name].label) for name in AUGMENTED}

    def choose(label: str, options: dict[str, str], key: str) -> str:
        first = next(iter(options))
        return url_segments(label, options, key, first)

    with st.container(horizontal=True, gap="medium"):
        images = choose(_("Training images"), sizes, IMAGES_KEY)
        dropout = choose(_("Dropout"), dropouts, DROPOUT_KEY)
        decay = choose(_("Weight decay"), decays, DECAY_KEY)
        augmentation = choose(_("Augmentation"), augmentations, AUGMENTED_KEY)
    return Remedies(int(images), DROPOUTS[dropout], DECAYS[decay], augmentation)


def _trained(remedies: "Remedies", name: str) -> "Curves | None":
    source = resources.dataset().source
    return background_result(_("Training"), (name, remedies, source), lambda: _train(remedies))


def _train(remedies: "Remedies") -> "Steps[Curves]":
    """Do the steps of the job."""
    from mnist_core.lessons.generalisation import train_curves
    from mnist_core.runtime.devices import use_one_thread

    use_one_thread()  # the pages, and a run in training, need the other cores
    return (yield from train_curves(resources.wait_for_dataset(), remedies))


def _names(plain: "Curves") -> tuple[str, str]:
    return format_text(_("{count:,} images only"), count=plain.train_images), _("With your choice")


def _show_curves(plain: "Curves", helped: "Curves | None") -> None:
    """Show the losses of both sets over the steps, and the accuracies at the end."""
    named = dict(zip(_names(plain), (plain, helped), strict=True))
    curves = {name: curve for name, curve in named.items() if curve is not None}
    alt = _("Loss on training and validation images over the steps of each training")
    st.vega_lite_chart(_losses_spec(curves), alt=alt)
    head = [_("Network"), _("Training accuracy"), _("Validation accuracy"), _("Gap"), _("Test accuracy")]
    rows = []
    for name, curve in curves.items():
        last = curve.points[-1]
        gap = formatted_number(100 * (last.train_accuracy - last.validation_accuracy), ".1f")
        shares = (last.train_accuracy, last.validation_accuracy)
        rows.append(
            [name, *(percent_text(share, 1) for share in shares), gap, percent_text(curve.test_accuracy, 1)]
        )
    st.html(table_html(head, rows, strong=len(rows) - 1, words=_("Accuracies at the end")))
    st.caption(_("The gap is training minus validation accuracy, in points. Losses above 1 are not drawn."))


def _losses_spec(curves: "dict[str, Curves]") -> dict[str, Any]:
    """Return a chart with a line for each training and set: colours tell trainings, dashes tell sets."""
    training, validation = _("training images"), _("validation images")
    words = _("{network}: {images}")
    colours = st.get_option(f"theme.{st.context.theme.type or 'light'}.chartCategoricalColors")
    rows, lines = [], []
    for (network, curve), colour in zip(curves.items(), colours, strict=False):
        for images, set_name, dash in ((training, "train", [4, 4]), (validation, "validation", [1, 0])):
            name = words.format(network=network, images=images)
            lines.append((name, colour, dash))
            losses = ((point.step, getattr(point, f"{set_name}_loss")) for point in curve.points)
            rows += [{"step": step, "loss": loss, "line": name} for step, loss in losses]
    names, line_colours, dashes = (list(column) for column in zip(*lines, strict=True))
    legend = {
        "orient": "bottom",
        "columns": 1,
        "labelLimit": 330,
        "symbolStrokeWidth": 2.5,
        "symbolSize": 400,
    }
    line = {"field": "line", "type": "nominal", "title": None, "sort": None, "legend": legend}
    step = {"field": "step", "type": "quantitative", "title": _("Training step")}
    loss = {"field": "loss", "type": "quantitative", "title": _("Loss")}
    return {
        "data": {"values": rows},
        "height": 400,
        "mark": {"type": "line", "strokeWidth": 2.5, "clip": True},
        "encoding": {
            "x": {**step, "axis": {"tickCount": 6, "labelFlush": True, "labelFlushOffset": -4}},
            "y": {**loss, "scale": {"domain": [0, LARGEST_LOSS]}},
            "color": {**line, "scale": {"domain": names, "range": line_colours}},
            "strokeDash": {**line, "scale": {"domain": names, "range": dashes}},
            "tooltip": [{"field": "line", "title": _("Network")}, step, {**loss, "format": ".3f"}],
        },
    }


def answer(result: Trainings) -> str:
    """Return how many new images the network reads that learned few by heart."""
    last = result.plain.points[-1]
    words = _("{train:.1%} of the {few:,} training images, {held_out:.1%} of the {count:,} new ones")
    return format_text(
        words,
        train=last.train_accuracy,
        few=result.plain.train_images,
        held_out=last.validation_accuracy,
        count=result.plain.validation_images,
    )


def explain(result: Trainings) -> None:
    """Say what overfitting is, when it begins, what helped here, and what the three sets are for."""
    st.markdown(
        _(
            "**Overfitting**: the network also learns what is true only of its training images. The training "
            "loss goes on falling, the validation loss does not. More epochs help until the validation loss "
            "is lowest; stopping there is **early stopping**."
        )
    )
    last, best = result.plain.points[-1], result.plain.best
    st.latex(
        rf"L_\text{{val}} - L_\text{{train}} = {last.validation_loss:.3f} - {last.train_loss:.3f}"
        rf" = {last.validation_loss - last.train_loss:.3f}"
    )
    words = _(
        "These are the losses of the network without remedies at the end. Its validation loss was lowest "
        "after {step:,} of {steps:,} steps: {loss:.3f}."
    )
    st.markdown(format_text(words, step=best.step, steps=last.step, loss=best.validation_loss))
    _explain_remedies(result)
    st.markdown(
        _(
            "**Three sets**: the training set moves the weights. The **validation set** is for choices: "
            "which settings, when to stop. The **test set** is used once, at the end. Who looks at the test "
            "accuracy after each epoch and chooses by it, as some tutorials do, has made it a validation "
            "set, and the number is too good."
        )
    )


def _explain_remedies(result: Trainings) -> None:
    """Say what each remedy does, and what the chosen ones changed."""
    st.markdown(
        _(
            "**More images** leave less to learn by heart. **Augmentation** shifts or turns them at random, "
            "anew in each epoch: one image becomes many. **Dropout** switches units off at random while "
            "training, so that none can rely on another. **Weight decay** pulls all weights towards "
            "0, which makes the function smoother."
        )
    )
    if result.helped is None:
        return
    before, after = result.plain.points[-1], result.helped.points[-1]
    words = _(
        "Your choice changed the validation accuracy from {before:.1%} to {after:.1%}, and the gap between "
        "the losses from {old:.3f} to {new:.3f}."
    )
    st.markdown(
        format_text(
            words,
            before=before.validation_accuracy,
            after=after.validation_accuracy,
            old=before.validation_loss - before.train_loss,
            new=after.validation_loss - after.train_loss,
        )
    )


def training(result: Trainings) -> dict[str, Any]:
    """Return the settings of the training with the chosen remedies."""
    from mnist_core.lessons.generalisation import RECIPE, settings

    return {"recipe": RECIPE, **settings(result.remedies)}
