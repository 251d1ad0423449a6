"""The confusion matrix, and the images behind each of its cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import DIGITS
from mnist_core.runtime.process import import_pandas
from ui.class_names import is_digits
from ui.evaluate.image_list import close_image, show_images
from ui.evaluate.selection import EvaluatedSplit, evaluation
from ui.i18n import count_text, formatted_number, ngettext
from ui.i18n import gettext as _
from ui.url_controls import url_choice, url_segments
from ui.url_state import set_url_parameters

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mnist_core.evaluation.metrics import Evaluation

TRUE_KEY, READ_KEY = "true", "read"
MATRIX_KEY = "matrix"
LAST_CLICK_KEY = "matrix_clicked"
MOST_NAMED = 5
MOST_BESIDE = 20  # classes: a matrix of more needs the width of the page, and is scrolled on a phone
MOST_WIDE = 30  # classes of a matrix that is scrolled less
LONGEST_LEVEL = 2  # characters of names that are written level above the columns
# With double clicks or dragging enabled, Plotly would lose clicks.
CHART = {
    "doubleClick": False,
    "doubleClickDelay": 1,
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"filename": "confusion-matrix", "scale": 2},
}


def show(evaluated: EvaluatedSplit) -> None:
    """Show the section."""
    result, names = evaluation(evaluated), evaluated.names
    many = len(names) > MOST_BESIDE
    chart, images = (st.container(), st.container()) if many else st.columns([5, 4], gap="large")
    with images:
        st.subheader(_("Images of the selected cell"))
        true, read = choose_cell(result, names)
    with chart:
        digits = is_digits(evaluated.dataset)
        st.subheader(
            _("Confusion matrix: which digits it mixes up")
            if digits
            else _("Confusion matrix: which classes it mixes up")
        )
        show_matrix(result, (true, read), names)
    with images:  # after the matrix, so that the next cell can be clicked as soon as they are seen
        show_cell(evaluated, result, true, read)
    show_largest(result, names)


def show_matrix(result: "Evaluation", marked: tuple[int, int], names: Sequence[str]) -> None:
    """Show the matrix, and the controls that change how it is shown."""
    with st.container(horizontal=True, gap="small"):
        by = choose_shares()
        diagonal = choose_diagonal()
    cell = _("{true} classified as {predicted}: {count}×").format(
        true="%{hovertext}", predicted="%{text}", count="%{customdata}"
    )
    words = MatrixWords(_("True label"), _("Predicted label"), cell)
    many = len(names) > MOST_BESIDE
    wide = "lab_wide_matrix" if len(names) <= MOST_WIDE else "lab_widest_matrix"
    with st.container(key=wide if many else None):
        st.plotly_chart(
            confusion_figure(result.confusion_matrix, words, by, diagonal, marked, names),
            config=CHART,
            alt=_("Confusion matrix"),
            key=MATRIX_KEY,
            on_select=open_clicked,
            selection_mode="points",
            width="content" if many else "stretch",
        )
    st.caption(
        _(
            "Rows: true label. Columns: predicted label. The diagonal is correct. Click a cell to "
            "see its images."
        )
    )


def choose_shares() -> str:
    """Show what the numbers in the cells can be; return "counts", "rows" or "columns"."""
    names = {"counts": _("Images"), "rows": _("% of row"), "columns": _("% of column")}
    return url_segments(
        _("Values in the cells"), names, "cells", "counts", label_visibility="collapsed", width="content"
    )


def choose_diagonal() -> bool:
    """Show whether the right answers are shown too; return that."""
    names = {"all": _("All"), "errors": _("Errors only")}
    return (
        url_segments(_("Cells"), names, "diagonal", "all", label_visibility="collapsed", width="content")
        == "all"
    )


def open_clicked() -> None:
    """Open the clicked cell; a second click on it, which removes Plotly's mark, opens it again."""
    points = st.session_state[MATRIX_KEY].selection.points
    clicked = (points[0]["y"], points[0]["x"]) if points else st.session_state.get(LAST_CLICK_KEY)
    if clicked:
        st.session_state[LAST_CLICK_KEY] = clicked
        open_cell(*map(int, clicked))


def open_cell(true: int, read: int) -> None:
    """Show the images of a cell."""
    set_url_parameters({TRUE_KEY: str(true), READ_KEY: str(read)})
    close_image()


def choose_cell(result: "Evaluation", names: Sequence[str]) -> tuple[int, int]:
    """Show which cell's images are shown, at first the most frequent error's; return its labels."""
    true, read = divmod(int(np.argmax(errors_of(result))), len(names))
    if true == read:  # no error at all
        true, read = 0, 0
    digits = {str(label): name for label, name in enumerate(names)}
    with st.container(horizontal=True, gap="small"):
        chosen_true = url_choice(st.selectbox, _("True label"), digits, TRUE_KEY, str(true), width=130)
        chosen_read = url_choice(st.selectbox, _("Predicted label"), digits, READ_KEY, str(read), width=130)
    return int(chosen_true), int(chosen_read)


def show_cell(evaluated: EvaluatedSplit, result: "Evaluation", true: int, read: int) -> None:
    """Show the images of a cell, or that there are none."""
    indices = result.cell(true, read)
    if true == read:
        text = ngettext(
            "**{n}** image of **{true}**, classified correctly",
            "**{n}** images of **{true}**, classified correctly",
            len(indices),
        )
    else:
        text = ngettext(
            "**{n}** image of **{true}**, classified as **{read}**",
            "**{n}** images of **{true}**, classified as **{read}**",
            len(indices),
        )
    if len(indices):
        words = {"true": evaluated.names[true], "read": evaluated.names[read]}
        st.markdown(text.format(n=count_text(len(indices)), **words))
        show_images(evaluated, result, indices)
    else:
        st.info(
            _("No {true} was classified as {read}. Click a cell that has a number.").format(
                true=evaluated.names[true], read=evaluated.names[read]
            )
        )


def errors_of(result: "Evaluation") -> np.ndarray:
    """Return the confusion matrix with its diagonal set to 0."""
    return np.where(np.eye(len(result.confusion_matrix), dtype=bool), 0, result.confusion_matrix)


def show_largest(result: "Evaluation", names: Sequence[str]) -> None:
    """Show the most frequent confusions, each as a button that opens its images."""
    wrong = errors_of(result)
    largest = np.argsort(-wrong, axis=None, kind="stable")[:MOST_NAMED]
    places = [divmod(int(place), len(names)) for place in largest]
    named = [(true, read) for true, read in places if wrong[true, read]]
    if not named:
        st.markdown(_("There are no errors on these images."))
        return
    st.markdown(_("Most frequent errors:"))
    with st.container(horizontal=True, gap="small"):
        for true, read in named:
            text = error_text(names[true], names[read], int(wrong[true, read]))
            st.button(
                text,
                key=f"mix_up_{true}{read}" if len(names) <= 10 else f"mix_up_{true}_{read}",
                on_click=open_cell,
                args=(true, read),
            )


def error_text(true: str, predicted: str, count: int) -> str:
    """Return how often one class was predicted as another, in words."""
    return ngettext(
        "**{true}** classified as **{predicted}**: {count} time",
        "**{true}** classified as **{predicted}**: {count} times",
        count,
    ).format(true=true, predicted=predicted, count=count)


CELL, SMALL_CELL = 30, 20  # pixels, less than a cell is wide on a phone
MARKED = "#e0701a"  # the frame of the chosen cell, clear of the blues of the others


@dataclass(frozen=True)
class MatrixWords:
    """The names of a confusion matrix's axes, and a cell's tooltip with %{x}, %{y} and %{customdata}."""

    true: str
    predicted: str
    cell: str


def shares(matrix: np.ndarray, by: str) -> np.ndarray:
    """Return counts [true, predicted] as shares of their row ("rows") or column ("columns"); 0 of nothing."""
    totals = matrix.sum(axis=1 if by == "rows" else 0, keepdims=True)
    return matrix / np.maximum(totals, 1)


def confusion_figure(
    matrix: np.ndarray,
    words: MatrixWords,
    by: str = "counts",
    diagonal: bool = True,
    marked: tuple[int, int] | None = None,
    names: Sequence[str] = DIGITS,
) -> "go.Figure":
    """Draw counts [true, predicted], or their shares of "rows" or "columns", with the numbers in the cells.

    Without the `diagonal` the right answers are left out. The cell `marked` has a frame. Colours are of the
    logarithm, so that one error in a thousand images still shows. Squares that can't be seen lie on the
    cells: Plotly tells of no click on a heatmap itself.
    """
    import_pandas()
    import plotly.graph_objects as go

    shown = np.where(np.eye(len(names), dtype=bool) & (not diagonal), 0, matrix)
    values = shown if by == "counts" else shares(matrix, by) * (shown > 0)
    heatmap = go.Heatmap(
        z=np.log1p(values * (1 if by == "counts" else 1000)),
        text=[[_cell_text(value, by) for value in row] for row in values],
        texttemplate="%{text}",
        hoverinfo="skip",
        showscale=False,
        xgap=1,
        ygap=1,
    )
    true, predicted = np.indices(matrix.shape).reshape(2, -1)
    squares = go.Scatter(
        x=predicted,
        y=true,
        customdata=matrix.ravel(),
        text=[names[label] for label in predicted],
        hovertext=[names[label] for label in true],
        mode="markers",
        marker={
            "symbol": "square",
            "size": CELL if len(names) <= MOST_BESIDE else SMALL_CELL - 2,
            "opacity": 0,
        },
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=words.cell + "<extra></extra>",
    )
    return go.Figure([heatmap, squares], _matrix_layout(words, marked, names))


def _cell_text(value: float, by: str) -> str:
    if not value:
        return ""
    return str(value) if by == "counts" else formatted_number(100 * value, ".1f")


def _matrix_layout(
    words: MatrixWords, marked: tuple[int, int] | None, names: Sequence[str]
) -> dict[str, Any]:
    axis = {"tickvals": list(range(len(names))), "ticktext": list(names), "fixedrange": True}
    axis |= {"showgrid": False, "zeroline": False, "ticks": ""}
    frames = []
    if marked:
        true, predicted = marked
        corners = {"x0": predicted - 0.48, "x1": predicted + 0.48, "y0": true - 0.48, "y1": true + 0.48}
        frames = [{"type": "rect", **corners, "line": {"color": MARKED, "width": 3}}]
    ends, slanted, right = (-0.5, len(names) - 0.5), {}, 0
    if max(map(len, names)) > LONGEST_LEVEL:
        slanted = {"tickangle": -60, "ticklabeloverflow": "allow"}
        right = 8 + 4 * len(names[-1])  # pixels: a slanted name reaches beyond its column
    size: dict[str, Any] = {"height": 430}
    if len(names) > MOST_BESIDE:
        side = SMALL_CELL * len(names)
        size = {"height": side + 70, "width": side + 60, "font": {"size": 10}}
    return {
        **size,
        "margin": {"l": 0, "r": right, "t": 30, "b": 0},
        "clickmode": "event+select",
        "dragmode": False,
        "hovermode": "closest",
        "hoverdistance": -1,  # a click anywhere in a cell is one on its square, which may be smaller
        "showlegend": False,
        "shapes": frames,
        "xaxis": {"title": {"text": words.predicted}, "side": "top", "range": [*ends], **axis, **slanted},
        "yaxis": {"title": {"text": words.true}, "range": [*ends[::-1]], **axis},
    }
