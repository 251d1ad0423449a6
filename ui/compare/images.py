"""The images that only one of two runs reads right."""

from html import escape

import numpy as np
import streamlit as st

from mnist_core.analysis.comparison import Comparison, Pair
from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from ui import resources
from ui.compare.choosing import Chosen
from ui.compare.shared import choose_pair, compare
from ui.compare.words import shortened
from ui.digits import Figure, grid_html, sure_text
from ui.explore.pictures import number_text
from ui.state import choice_in_url
from ui.translation import gettext as _

AT_ONCE = 24
PAGE_KEY = "images_page"  # (which images, number of the page)


def show(chosen: Chosen) -> None:
    """Show the section."""
    comparison = compare(chosen)
    pair = choose_pair(chosen, comparison)
    groups = _groups(chosen, comparison, pair)
    labels = {name: f"{label} ({len(images):,})" for name, (label, images) in groups.items()}
    which = choice_in_url(
        st.pills, _("Images"), labels, "right", "first", required=True, label_visibility="collapsed"
    )
    _show_pages(chosen, pair, groups[which][1], f"{pair.first}-{pair.second}-{which}")


def _groups(chosen: Chosen, comparison: Comparison, pair: Pair) -> dict[str, tuple[str, np.ndarray]]:
    """Return the images to choose from: what each group is called, and its indices in the test set."""
    first, second = (resources.evaluation(chosen.runs[place]) for place in (pair.first, pair.second))
    neither = np.intersect1d(first.errors, second.errors)
    only = _("Only {run} is right")
    return {
        "first": (only.format(run=shortened(chosen.names[pair.first])), pair.only_first),
        "second": (only.format(run=shortened(chosen.names[pair.second])), pair.only_second),
        "neither": (_("Neither is right"), neither),
    }


@st.fragment
def _show_pages(chosen: Chosen, pair: Pair, indices: np.ndarray, key: str) -> None:
    """Show the images a page at a time, so that turning it draws nothing else anew."""
    if not len(indices):
        st.info(_("There are none. Choose other images above, or another pair."))
        return
    last = (len(indices) - 1) // AT_ONCE
    page = _page(key)
    here = indices[page * AT_ONCE : (page + 1) * AT_ONCE]
    split = resources.dataset().test
    readers = [
        (chosen.names[place], resources.evaluation(chosen.runs[place])) for place in (pair.first, pair.second)
    ]
    st.html(grid_html((compared_figure(split, int(index), readers) for index in here), columns=6))
    words = _("Images {first:,} to {last:,} of {all:,}. The bold figure is the label.")
    first = page * AT_ONCE
    st.caption(words.format(first=first + 1, last=first + len(here), all=len(indices)))
    if last:
        with st.container(horizontal=True):
            st.button(
                _("Previous"),
                icon=":material/chevron_left:",
                on_click=_turn,
                args=(key, -1),
                disabled=page == 0,
            )
            st.button(
                _("Next"),
                icon=":material/chevron_right:",
                on_click=_turn,
                args=(key, 1),
                disabled=page == last,
            )


def compared_figure(split: Split, index: int, readers: list[tuple[str, Evaluation]]) -> Figure:
    """Return an image with its label and what each of two runs read, and how sure it was."""
    label = split.labels[index]
    lines = [f"<b>{label}</b> &nbsp;{number_text(index)}"]
    heard = []
    for name, result in readers:
        read = result.predictions[index]
        sure = sure_text(result.probabilities[index, read], 0)
        style = "" if read == label else " class='lab-wrong'"
        lines.append(f"{escape(shortened(name, 20))}: <b{style}>{read}</b> {sure}")
        heard.append(_("{run} reads {read}, {sure} sure").format(run=name, read=read, sure=sure))
    alt = _("Test image {number}, a {label}: {readings}")
    return Figure(
        split.images[index],
        "<br>".join(lines),
        alt.format(number=index, label=label, readings="; ".join(heard)),
    )


def _page(key: str) -> int:
    """Return which page is open; of other images, the first."""
    which, page = st.session_state.get(PAGE_KEY, ("", 0))
    return page if which == key else 0


def _turn(key: str, by: int) -> None:
    st.session_state[PAGE_KEY] = (key, max(0, _page(key) + by))
