"""Test images that only one of the compared runs classifies correctly, or none."""

from html import escape
from itertools import combinations

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Split
from mnist_core.evaluation.metrics import Evaluation
from ui import resources
from ui.class_names import class_names
from ui.compare.selection import ComparedRuns, compare, shortened
from ui.html.digits import Figure, grid_html, image_number_text, sure_text
from ui.html.tables import coloured_name, escape_markdown
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.url_controls import url_choice

AT_ONCE = 24
PAGE_KEY = "images_page"  # (which images, number of the page)


def show(chosen: ComparedRuns) -> None:
    """Show the section."""
    compare(chosen)
    places = _choose_places(chosen)
    groups = _groups(chosen, places)
    labels = {name: f"{label} ({count_text(len(images))})" for name, (label, images) in groups.items()}
    which = url_choice(
        st.pills,
        _("Images"),
        labels,
        "right",
        next(iter(labels)),
        required=True,
        label_visibility="collapsed",
    )
    _show_pages(chosen, places, groups[which][1], f"{places} {which}")


def _choose_places(chosen: ComparedRuns) -> tuple[int, ...]:
    """Show the choice of two of the runs or all; return their indices."""
    everyone = tuple(range(len(chosen.runs)))
    if len(everyone) == 2:
        return everyone
    pairs = {f"{a + 1}-{b + 1}": (a, b) for a, b in combinations(everyone, 2)}
    labels = {"all": _("All runs")}
    labels |= {key: " – ".join(chosen.names[place] for place in pair) for key, pair in pairs.items()}
    key = url_choice(st.selectbox, _("Compared runs"), labels, "among", "all", width=520)
    return pairs.get(key, everyone)


def _groups(chosen: ComparedRuns, places: tuple[int, ...]) -> dict[str, tuple[str, np.ndarray]]:
    """Return the images to choose from: what each group is called, and its indices in the test set."""
    results = [resources.evaluation(chosen.runs[place]) for place in places]
    right = np.array([result.predictions == result.labels for result in results])
    often = right.sum(axis=0)
    only, names = _("Only {run} correct"), [escape_markdown(shortened(name)) for name in chosen.names]
    groups = {
        str(place + 1): (only.format(run=names[place]), np.flatnonzero(row & (often == 1)))
        for place, row in zip(places, right, strict=True)
    }
    none = _("Neither correct") if len(places) == 2 else _("None correct")
    return groups | {"none": (none, np.flatnonzero(often == 0))}


@st.fragment
def _show_pages(chosen: ComparedRuns, places: tuple[int, ...], indices: np.ndarray, key: str) -> None:
    """Show the images a page at a time; a fragment, so that turning a page reruns nothing else."""
    if not len(indices):
        st.info(_("There are no such images. Choose others above."))
        return
    last = (len(indices) - 1) // AT_ONCE
    page = _page(key)
    here = indices[page * AT_ONCE : (page + 1) * AT_ONCE]
    split = resources.dataset(chosen.runs[0].config.dataset).test
    readers = [(place, chosen.names[place], resources.evaluation(chosen.runs[place])) for place in places]
    st.html(grid_html((compared_figure(split, int(index), readers) for index in here), columns=6))
    words = _("Images {first:,} to {last:,} of {all:,}. Bold: the label.")
    first = page * AT_ONCE
    st.caption(format_text(words, first=first + 1, last=first + len(here), all=len(indices)))
    if last:
        with st.container(horizontal=True):
            st.button(
                _("Previous page"),
                icon=":material/chevron_left:",
                on_click=_turn,
                args=(key, -1),
                disabled=page == 0,
            )
            st.button(
                _("Next page"),
                icon=":material/chevron_right:",
                on_click=_turn,
                args=(key, 1),
                disabled=page == last,
            )


def compared_figure(split: Split, index: int, readers: list[tuple[int, str, Evaluation]]) -> Figure:
    """Return an image with its label and what each run read, and how sure it was.

    `readers` are the runs' places in the comparison, their names and their predictions.
    """
    label, names = split.labels[index], class_names(split.dataset)
    lines = [f"<b>{escape(names[label])}</b> &nbsp;{image_number_text(index)}"]
    heard = []
    for place, name, result in readers:
        read = result.predictions[index]
        sure = sure_text(result.probabilities[index, read], 0)
        style = "" if read == label else " class='lab-wrong'"
        run = coloured_name(place, shortened(name, 20))
        lines.append(_("{run}: {value}").format(run=run, value=f"<b{style}>{escape(names[read])}</b> {sure}"))
        heard.append(
            _("{run} predicts {read}, confidence {sure}").format(run=name, read=names[read], sure=sure)
        )
    alt = _("Test image {number}, label {label}: {readings}")
    return Figure(
        split.images[index],
        "<br>".join(lines),
        alt.format(number=count_text(index), label=names[label], readings="; ".join(heard)),
    )


def _page(key: str) -> int:
    """Return which page is open; of other images, the first."""
    which, page = st.session_state.get(PAGE_KEY, ("", 0))
    return page if which == key else 0


def _turn(key: str, by: int) -> None:
    st.session_state[PAGE_KEY] = (key, max(0, _page(key) + by))
