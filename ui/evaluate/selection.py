"""Which run is evaluated on which split, with its accuracy in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.datasets import same_classes, transfer_text
from mnist_core.data.mnist import Dataset, ImageReference, Split, split_images
from mnist_core.dataset_choices import is_here
from mnist_core.evaluation.significance import wilson_interval
from mnist_core.runs.run import Run
from ui import resources
from ui.class_names import class_names, dataset_name, datasets_to_choose
from ui.evaluations import Show, read_split
from ui.i18n import count_text, format_text, formatted_number, percent_text, sentences_text, translate
from ui.i18n import gettext as _
from ui.navigation import chapter_help
from ui.runs.import_export import show_export
from ui.url_controls import url_choice, url_segments
from ui.url_state import url_parameters

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation

SPLIT_KEY = "split"
TRIED_KEY = "on"  # in the URL: the data set whose images are evaluated, where it isn't the run's own
IMAGE_KEY = "image"  # in the URL: the image that is open, such as "test-42"


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """A run and the images to judge it by: one of data.mnist.SPLITS of `source` (a data set, or "sample").

    `checkpoint` is the file of the weights judged.
    """

    run: Run
    checkpoint: str
    name: str
    split: Split
    source: str

    @property
    def dataset(self) -> str:
        """The key of the data set that the images are from."""
        return self.split.dataset

    @property
    def names(self) -> list[str]:
        """What the labels stand for."""
        return class_names(self.dataset)

    @property
    def key(self) -> tuple[str, str, str]:
        """Its key in caches."""
        return self.checkpoint, self.source, self.name


def choose_dataset(run: Run) -> str:
    """Show the data sets on which a run can be tried, its own first, if there are several; return one."""
    own, sets = run.config.dataset, _sets_to_try(run)
    if len(sets) == 1:
        return own
    names = {key: dataset_name(key) for key in sets}
    return url_choice(
        st.selectbox,
        _("Images of the data set"),
        names,
        TRIED_KEY,
        own,
        says_replaced=False,  # `show_missing_tried` does
        width=210,
        label_visibility="collapsed",
    )


def _sets_to_try(run: Run) -> list[str]:
    """Return the sets of a run's classes, its own first: those in the visitor's list, and the link's."""
    own, linked = run.config.dataset, url_parameters().get(TRIED_KEY, "")
    others = datasets_to_choose(linked if is_here(linked) else own)
    return [own, *(key for key in others if key != own and same_classes(own, key))]


def show_missing_tried(run: Run) -> None:
    """Say that the images which the link names can't be shown, and which are."""
    if url_parameters().get(TRIED_KEY, run.config.dataset) not in _sets_to_try(run):
        words = _(
            "The data set in the address is not on this server, or it has other classes than the network. "
            "The images of {name} are shown instead."
        )
        st.warning(words.format(name=dataset_name(run.config.dataset)))


def choose_split(run: Run, data: Dataset) -> EvaluatedSplit:
    """Show the choice of the images on which the run is evaluated; return it.

    First the validation images, if training watched them, else the test images; a link to an image of another
    split opens that split.
    """
    splits = split_images(run.config, data).to_evaluate
    names = {name: split_name(name) for name in splits}
    first = "validation" if run.config.monitor == "validation" and "validation" in splits else "test"
    image = image_in_url()
    if image and splits[first].place(image) is None:
        first = next((name for name, split in splits.items() if split.place(image) is not None), first)
    name = url_segments(_("Evaluate on"), names, SPLIT_KEY, first, width="content")
    return EvaluatedSplit(run, str(run.checkpoints[-1]), name, splits[name], data.source)


def image_in_url() -> ImageReference | None:
    """Return the image that is open in the URL, None for none."""
    return ImageReference.parse(url_parameters().get(IMAGE_KEY, ""))


def split_name(name: str) -> str:
    """Return the name of a split."""
    return {
        "validation": _("Validation set"),
        "train": _("Training set"),
        "test": _("Test set"),
        "further": _("Further test images"),
    }[name]


def split_explanation(evaluated: EvaluatedSplit) -> str:
    """Say what the split was used for in training, and what that means for its accuracy."""
    if text := transfer_text(evaluated.run.config.dataset, evaluated.dataset):
        return translate(text)
    if evaluated.run.results.get("source", evaluated.source) != evaluated.source:
        return _("It was trained on another data set, so all of these images are new to it.")
    if evaluated.name == "train":
        return _(
            "It was trained on these images: they show what it could not fit, not how well it generalizes."
        )
    if evaluated.name == "validation":
        return _(
            "Training images held out as the validation set. Keep the test set for the end: each "
            "choice made after looking at it makes its accuracy slightly too good."
        )
    if evaluated.run.config.monitor == "test":
        return _(
            "The test set was monitored during training. Where it was used to choose settings or "
            "when to stop, its accuracy is slightly too good."
        )
    return _(
        "Keep the test set for the end. Each choice made after looking at it makes its "
        "accuracy slightly too good; use the validation set to choose."
    )


def show_summary(evaluated: EvaluatedSplit, result: "Evaluation") -> None:
    """Show accuracy, loss and size in numbers and in a sentence, and offer the run's files."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        show_accuracies(evaluated, result)
        st.metric(_("Average loss"), formatted_number(result.loss, ".4f"), width="content")
        st.metric(_("Errors"), count_text(len(result.errors)), width="content")
        st.metric(_("Parameters"), count_text(evaluated.run.results.get("parameters", 0)), width="content")
        show_export(evaluated.run)
    images = len(result.labels)
    correct = images - len(result.errors)
    low, high = wilson_interval(correct, images)
    sentence = {
        "test": _("**{correct:,}** of **{all:,}** test images classified correctly."),
        "validation": _("**{correct:,}** of **{all:,}** validation images classified correctly."),
        "train": _("**{correct:,}** of **{all:,}** training images classified correctly."),
        "further": _("**{correct:,}** of **{all:,}** further test images classified correctly."),
    }[evaluated.name]
    said = [format_text(sentence, correct=correct, all=images)]
    if evaluated.name != "train" or tried_elsewhere(
        evaluated
    ):  # what it has learned from says nothing of other images
        words = _(
            "95% confidence interval (Wilson) of the accuracy on all images like these: {low:.1%} "
            "to {high:.1%}."
        )
        said.append(format_text(words, low=low, high=high))
    st.markdown(sentences_text(said))
    st.caption(split_explanation(evaluated))


def tried_elsewhere(evaluated: EvaluatedSplit) -> bool:
    """Whether the images are from another data set than the one that the run learned."""
    return evaluated.dataset != evaluated.run.config.dataset


def show_accuracies(evaluated: EvaluatedSplit, result: "Evaluation") -> None:
    """Show the accuracy on these images, and before it the one measured at the end of the training."""
    accuracy = percent_text(result.accuracy)
    if evaluated.name == "test":
        st.metric(_("Test accuracy"), accuracy, width="content", help=chapter_help("accuracy"))
        return
    if "test_accuracy" in evaluated.run.results:
        recorded = percent_text(evaluated.run.results["test_accuracy"])
        text = _("Measured once, at the end of training.")
        st.metric(_("Test accuracy"), recorded, width="content", help=text)
    names = {
        "validation": _("Validation accuracy"),
        "train": _("Training accuracy"),
        "further": _("Accuracy on the further test images"),
    }
    st.metric(names[evaluated.name], accuracy, width="content")


def evaluation(evaluated: EvaluatedSplit, show: Show | None = None) -> "Evaluation":
    """Return the evaluation of a run's last checkpoint on a split; InputError if it can't be read.

    `show` gets the progress, see read_split.
    """
    return read_split(evaluated.key, lambda: resources.model(evaluated.run), evaluated.split, show)
