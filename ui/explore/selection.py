"""Which split, digit and image the Explore page shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from mnist_core.data.mnist import Dataset, ImageReference, Split
from mnist_core.dataset_choices import number_of_classes
from ui import url_state
from ui.class_names import class_name, class_names, datasets_to_choose, image_alt, is_digits
from ui.html.digits import Figure, figure_html, grid_html, image_number_text
from ui.i18n import gettext as _
from ui.train_form.state import read_form
from ui.url_controls import set_widget_value, url_choice, url_number, url_segments
from ui.url_state import DATASET_KEY, option_in_url, set_url_parameters

VIEW_KEY, SPLIT_KEY, DIGIT_KEY, INDEX_KEY = "view", "split", "digit", "index"
ALL = "all"
DATASET_CONTROL_KEY = "explored_dataset"
MOST_PILLS = 27  # to choose a class by; of more there is a list


@dataclass(frozen=True, eq=False)
class ExploredSplit:
    """A split, its name (one of data.mnist.FILES), and where the data is from: a data set or "sample"."""

    split: Split
    name: str
    source: str

    @property
    def dataset(self) -> str:
        """The key of the data set."""
        return self.split.dataset

    def image(self, number: int) -> ImageReference:
        """Return the name of an image of the split."""
        return ImageReference(self.name, number)


def choose_split(data: Dataset) -> ExploredSplit:
    """Show the choice of the split; return the chosen one."""
    words = {"train": _("Training set"), "test": _("Test set"), "further": _("Further test images")}
    splits = {name: words[name] for name in data.files}
    name = url_segments(_("Images"), splits, SPLIT_KEY, "train", label_visibility="collapsed")
    return ExploredSplit(data.file(name), name, data.source)


def choose_dataset() -> str:
    """Show which data set is explored, which Train learns too, and the control to choose another."""
    chosen = read_form().settings["dataset"]
    names = datasets_to_choose(chosen)
    set_widget_value(DATASET_CONTROL_KEY, chosen, tuple(names.items()))

    def take() -> None:
        taken = st.session_state[DATASET_CONTROL_KEY]
        if taken in names:  # a page in another language sends its labels
            set_url_parameters({DATASET_KEY: taken, **dict.fromkeys((SPLIT_KEY, DIGIT_KEY, INDEX_KEY))})

    return st.selectbox(
        _("Data set"),
        list(names),
        index=list(names).index(chosen),
        format_func=names.get,
        key=DATASET_CONTROL_KEY,
        on_change=take,
        width=210,
        label_visibility="collapsed",
    )


def choose_digit(dataset: str, *fragments: str) -> int | None:
    """Show the choice of a class; None for all.

    `fragments` are the keys of the fragments to rerun when it changes; all of the page without any.
    """
    digits = is_digits(dataset)
    options = {ALL: _("All digits") if digits else _("All classes")}
    options |= {str(label): name for label, name in enumerate(class_names(dataset))}
    many = len(options) > MOST_PILLS
    url_choice(
        st.selectbox if many else st.pills,
        _("Digit") if digits else _("Class"),
        options,
        DIGIT_KEY,
        ALL,
        fragments,
        label_visibility="collapsed",
        **({"width": 200} if many else {"required": True, "wrap": True}),
    )
    return chosen_digit(dataset)


def chosen_digit(dataset: str) -> int | None:
    """Return which class is chosen, None for all."""
    labels = [str(label) for label in range(number_of_classes(dataset))]
    digit = option_in_url(labels, DIGIT_KEY, ALL)
    return None if digit == ALL else int(digit)


def number_in_url(key: str) -> int:
    """Return the whole number under `key` in the URL, 0 for none."""
    return url_state.number_in_url(key) or 0


def choose_number(label: str, last: int) -> int:
    """Show a field for an image's number, 0 to `last`, kept in the URL; return the number.

    The section itself says that a number is too high: after a change of the split, too.
    """
    return url_number(label, INDEX_KEY, last, 200, says_replaced=False)


def open_image(image: ImageReference) -> None:
    """Open the section that shows one image."""
    set_url_parameters({VIEW_KEY: "image", INDEX_KEY: str(image.number), SPLIT_KEY: image.file})


def labelled(split: Split, index: int) -> Figure:
    """Return an image with its label and its number."""
    name = escape(class_name(split.dataset, int(split.labels[index])))
    alt = image_alt(split, index)
    return Figure(split.images[index], f"<b>{name}</b> &nbsp;{image_number_text(index)}", alt)


def show_pictures(chosen: ExploredSplit, indices: Iterable[int], columns: int, key: str) -> None:
    """Show images of a split with labels, numbers and a link to each; `key` names the group."""
    places = [int(index) for index in indices]
    st.html(grid_html((labelled(chosen.split, index) for index in places), columns))
    show_image_links([chosen.image(place) for place in places], key)


def show_image_links(images: Sequence[ImageReference], key: str) -> None:
    """Show a field that opens one of the images in full size."""

    def turn() -> None:
        picked, st.session_state[key] = st.session_state[key], None
        if picked is not None:
            open_image(picked)

    st.selectbox(
        _("Show an image with its pixel values"),
        list(images),
        index=None,
        format_func=lambda image: image_number_text(image.number),
        key=key,
        on_change=turn,
        placeholder=_("Choose an image"),
        width=220,
    )


def show_large(figure: Figure, width: int = 340) -> None:
    """Show one image as large as possible, at most `width` pixels wide."""
    with st.container(width=width):
        st.html(figure_html(figure))
