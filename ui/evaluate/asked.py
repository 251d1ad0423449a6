"""What the Evaluate page is asked about: a run, and which images it is judged by; both are in the URL."""

from dataclasses import dataclass

import streamlit as st

from mnist_core.data import Dataset, Split
from mnist_core.evaluation import judging_splits
from mnist_core.runs.run import Run
from ui.controls import choice_in_url
from ui.translation import gettext as _

SPLIT_KEY = "split"


@dataclass(frozen=True, eq=False)
class Asked:
    """A run and the images to judge it by: "validation", "train" or "test" of `source` ("mnist", "sample").

    `first` is the place of the split's first image in the file it is from, `checkpoint` the weights judged.
    """

    run: Run
    checkpoint: str
    name: str
    split: Split
    first: int
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others, for caches."""
        return self.checkpoint, self.source, self.name

    @property
    def file(self) -> str:
        """Whether its images are from MNIST's "train" or "test" images."""
        return "test" if self.name == "test" else "train"

    def number(self, index: int) -> int:
        """Return the place of image `index` of the split in its file."""
        return self.first + index


def choose_split(run: Run, data: Dataset) -> Asked:
    """Show which images the run is judged by, and let others be chosen."""
    splits = judging_splits(run.config, data)
    names = {name: split_name(name) for name in splits}
    fair = run.config.monitor == "validation" and "validation" in splits
    name = choice_in_url(
        st.segmented_control,
        _("Images to judge it by"),
        names,
        SPLIT_KEY,
        "validation" if fair else "test",
        required=True,
        width="content",
    )
    return Asked(run, str(run.checkpoints[-1]), name, *splits[name], data.source)


def split_name(name: str) -> str:
    """Return what a split is called."""
    return {
        "validation": _("Validation"),
        "train": _("Training"),
        "test": _("Test"),
    }[name]


def why_these(asked: Asked) -> str:
    """Say what the images are to the run, and why others may judge it more or less fairly."""
    if asked.run.results.get("source", asked.source) != asked.source:
        return _("It learned from other images than are loaded here, so all of them are new to it.")
    if asked.name == "train":
        return _("It has learned from these images: they show what it couldn't learn, not how good it is.")
    if asked.name == "validation":
        return _(
            "Training images it never learned from. The test images are for the end: each time a choice is "
            "made after a look at them, they judge a little too kindly."
        )
    if asked.run.config.monitor == "test":
        return _(
            "It watched the test images while it trained: where they were used to choose settings or when to "
            "stop, they judge it a little too kindly."
        )
    return _(
        "Images kept for the end. Each time a choice is made after a look at them, they judge a little too "
        "kindly; use the validation images to choose."
    )
