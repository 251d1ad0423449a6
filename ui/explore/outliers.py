"""The images nearest to and farthest from the mean image of their digit."""

import streamlit as st

from mnist_core.data.mnist import Dataset
from mnist_core.data.statistics import typical_images_and_outliers
from ui.class_names import class_name, is_digits, thing
from ui.explore.selection import ExploredSplit, choose_digit, choose_split, show_large, show_pictures
from ui.explore.split_statistics import SplitFacts, split_facts
from ui.html.digits import Figure
from ui.i18n import format_text
from ui.i18n import gettext as _

OF_ONE_DIGIT = 9


def show(data: Dataset) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = choose_split(data)
        digit = choose_digit(chosen.dataset)
    words = _(
        "**Outliers** are the images farthest from the **mean image** of their class, by the root mean "
        "square difference of the pixels. This distance ignores shape, so a bold or slanted one counts as "
        "an outlier too."
    )
    if is_digits(chosen.dataset):
        words = _(
            "**Outliers** are the images farthest from the **mean image** of their digit, by the "
            "root mean square difference of the pixels. This distance ignores shape, so a bold or "
            "slanted digit counts as an outlier too."
        )
    st.markdown(words)
    with st.spinner(_("Comparing the images")):
        facts = split_facts(chosen)
    if digit is not None and facts.statistics.counts[digit] < 2:
        name = class_name(chosen.dataset, digit)
        words = _("There are too few images of {name} here. Choose another {thing}.")
        st.info(words.format(name=name, thing=thing(chosen.dataset)))
    elif digit is None:
        show_all_digits(chosen, facts)
    else:
        show_digit(chosen, facts, digit)


def show_all_digits(chosen: ExploredSplit, facts: SplitFacts) -> None:
    """Show the one most typical and the one oddest image of each digit."""
    digits = is_digits(chosen.dataset)
    pairs = [
        typical_images_and_outliers(chosen.split, facts.distances, label, 1)
        for label in range(chosen.split.classes)
    ]
    st.subheader(_("Most typical image of each digit") if digits else _("Most typical image of each class"))
    show_pictures(chosen, [index for nearest, _far in pairs for index in nearest], 10, "of_typical")
    st.subheader(
        _("Outlier of each digit (least typical image)")
        if digits
        else _("Outlier of each class (least typical image)")
    )
    show_pictures(chosen, [index for _near, farthest in pairs for index in farthest], 10, "of_odd")


def show_digit(chosen: ExploredSplit, facts: SplitFacts, digit: int) -> None:
    """Show a digit's mean image, and its most and least typical images."""
    nearest, farthest = typical_images_and_outliers(chosen.split, facts.distances, digit, OF_ONE_DIGIT)
    mean, typical, odd = st.columns([1, 2, 2], gap="large")
    with mean:
        st.subheader(_("Mean image"))
        alt = _("Mean of all images of {digit}").format(digit=class_name(chosen.dataset, digit))
        image = facts.statistics.means[digit].round().astype("uint8")
        show_large(Figure(image, "", alt), width=200)
    with typical:
        st.subheader(_("Most typical"))
        st.caption(away_text(facts.distances[nearest]))
        show_pictures(chosen, nearest, 3, "of_typical")
    with odd:
        st.subheader(_("Outliers (least typical)"))
        st.caption(away_text(facts.distances[farthest]))
        show_pictures(chosen, farthest, 3, "of_odd")


def away_text(distances) -> str:
    """Return the distances of images from the mean, in words."""
    return format_text(
        _("Distance from the mean image: {low:.0f} to {high:.0f} grey levels of 255"),
        low=distances.min(),
        high=distances.max(),
    )
