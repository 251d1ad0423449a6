"""The confusion matrix; a cell clicked, or chosen by its two digits, opens its images."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.charts import MatrixWords, confusion_figure
from ui.controls import choice_in_url
from ui.evaluate.asked import Asked
from ui.evaluate.images import close_image, show_images
from ui.evaluate.shared import evaluation
from ui.translation import gettext as _
from ui.translation import ngettext
from ui.url import put_in_url

if TYPE_CHECKING:
    from mnist_core.evaluation import Evaluation

TRUE_KEY, READ_KEY = "true", "read"
MATRIX_KEY = "matrix"
LAST_CLICK_KEY = "matrix_clicked"
MOST_NAMED = 5
# With a second click taken for half a double click, or a drag, clicks get lost.
CHART = {
    "doubleClick": False,
    "doubleClickDelay": 1,
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"filename": "confusion-matrix", "scale": 2},
}


def show(asked: Asked) -> None:
    """Show the section."""
    result = evaluation(asked)
    chart, images = st.columns([5, 4], gap="large")
    with images:
        st.subheader(_("The images of a cell"))
        true, read = choose_cell(result)
    with chart:
        st.subheader(_("Which digits it mixes up"))
        show_matrix(result, (true, read))
    with images:  # after the matrix: who sees them can click on the next cell
        show_cell(asked, result, true, read)
    show_largest(result)


def show_matrix(result: "Evaluation", marked: tuple[int, int]) -> None:
    """Show the matrix, and how it can be shown otherwise."""
    with st.container(horizontal=True, gap="small"):
        by = choose_shares()
        diagonal = choose_diagonal()
    cell = _("{true} read as {predicted}: {count} times").format(
        true="%{y}", predicted="%{x}", count="%{customdata}"
    )
    words = MatrixWords(_("True digit"), _("Read as"), cell)
    st.plotly_chart(
        confusion_figure(result.confusion_matrix, words, by, diagonal, marked),
        config=CHART,
        alt=_("Confusion matrix"),
        key=MATRIX_KEY,
        on_select=open_clicked,
        selection_mode="points",
    )
    st.caption(
        _("A row is the true digit, a column what the network read; the diagonal is right. Click on a cell.")
    )


def choose_shares() -> str:
    """Show what the numbers in the cells can be; return "counts", "rows" or "columns"."""
    names = {"counts": _("Images"), "rows": _("% of row"), "columns": _("% of column")}
    return choice_in_url(
        st.segmented_control,
        _("Numbers"),
        names,
        "cells",
        "counts",
        required=True,
        label_visibility="collapsed",
        width="content",
    )


def choose_diagonal() -> bool:
    """Show whether the right answers are shown too; return that."""
    names = {"all": _("All"), "errors": _("Errors only")}
    return (
        choice_in_url(
            st.segmented_control,
            _("Cells"),
            names,
            "diagonal",
            "all",
            required=True,
            label_visibility="collapsed",
            width="content",
        )
        == "all"
    )


def open_clicked() -> None:
    """Open the cell that was clicked; a click on the one clicked last takes its mark away: the same again."""
    points = st.session_state[MATRIX_KEY].selection.points
    clicked = (points[0]["y"], points[0]["x"]) if points else st.session_state.get(LAST_CLICK_KEY)
    if clicked:
        st.session_state[LAST_CLICK_KEY] = clicked
        open_cell(*map(int, clicked))


def open_cell(true: int, read: int) -> None:
    """Show the images of a cell."""
    put_in_url({TRUE_KEY: str(true), READ_KEY: str(read)})
    close_image()


def choose_cell(result: "Evaluation") -> tuple[int, int]:
    """Show which cell's images are shown, at first the most frequent error's; return its digits."""
    true, read = divmod(int(np.argmax(errors_of(result))), 10)
    if true == read:  # no error at all
        true, read = 0, 0
    digits = {str(digit): str(digit) for digit in range(10)}
    with st.container(horizontal=True, gap="small"):
        chosen_true = choice_in_url(st.selectbox, _("True digit"), digits, TRUE_KEY, str(true), width=130)
        chosen_read = choice_in_url(st.selectbox, _("Read as"), digits, READ_KEY, str(read), width=130)
    return int(chosen_true), int(chosen_read)


def show_cell(asked: Asked, result: "Evaluation", true: int, read: int) -> None:
    """Show the images of a cell, or that there are none."""
    indices = result.cell(true, read)
    if true == read:
        text = ngettext(
            "**{n}** image of a **{true}**, read right",
            "**{n}** images of a **{true}**, read right",
            len(indices),
        )
    else:
        text = ngettext(
            "**{n}** image of a **{true}**, read as **{read}**",
            "**{n}** images of a **{true}**, read as **{read}**",
            len(indices),
        )
    if len(indices):
        st.markdown(text.format(n=f"{len(indices):,}", true=true, read=read))
        show_images(asked, result, indices)
    else:
        st.info(
            _("No {true} was read as {read}. Click on a cell with a number.").format(true=true, read=read)
        )


def errors_of(result: "Evaluation") -> np.ndarray:
    """Return the confusion matrix without what is right."""
    return np.where(np.eye(10, dtype=bool), 0, result.confusion_matrix)


def show_largest(result: "Evaluation") -> None:
    """Say which digits are mixed up most, each a way to its images."""
    wrong = errors_of(result)
    places = [divmod(int(place), 10) for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_NAMED]]
    named = [(true, read) for true, read in places if wrong[true, read]]
    if not named:
        st.markdown(_("It makes no error here."))
        return
    st.markdown(_("Its most frequent errors:"))
    with st.container(horizontal=True, gap="small"):
        for true, read in named:
            text = mix_up(true, read, int(wrong[true, read]))
            st.button(text, key=f"mix_up_{true}{read}", on_click=open_cell, args=(true, read))


def mix_up(true: int, predicted: int, count: int) -> str:
    """Say how often one digit was read as another."""
    return ngettext(
        "**{true}** read as **{predicted}**: {count} time",
        "**{true}** read as **{predicted}**: {count} times",
        count,
    ).format(true=true, predicted=predicted, count=count)
