"""How the network read the test images at the moment, and how its reading of one image came about."""

from html import escape

import numpy as np
import streamlit as st

from ui.digits import sure_text
from ui.inside.asked import choose_image
from ui.inside.charts import reading_points, reading_spec
from ui.inside.shared import evaluation_at, readings
from ui.inside.travel import Seen, moment_text
from ui.translation import gettext as _


def show(seen: Seen) -> None:
    """Show the section."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_matrix(seen)
    with right:
        _show_reading(seen)


def _show_matrix(seen: Seen) -> None:
    with st.spinner(_("It reads the test images as it did then …")):
        result = evaluation_at(seen)
    right = int((result.predictions == result.labels).sum())
    words = _("**{accuracy:.2%}** of the first {all:,} test images right, {right:,} of them; loss {loss:.4f}")
    all_of_them = len(result.labels)
    st.markdown(words.format(accuracy=result.accuracy, right=right, all=all_of_them, loss=result.loss))
    st.html(matrix_html(result.confusion_matrix))
    st.caption(_("A row is the true digit, a column what was read; the diagonal, in blue, is right."))


def matrix_html(matrix: np.ndarray) -> str:
    """Return counts [true, read] as a table, coloured by their logarithm; it changes without a flicker."""
    head = "".join(f'<th scope="col">{digit}</th>' for digit in range(10))
    strongest = np.log1p(max(int(matrix.max()), 1))
    cells = (
        "".join(_cell(true, read, int(count), strongest) for read, count in enumerate(row))
        for true, row in enumerate(matrix)
    )
    rows = (f'<tr><th scope="row">{true}</th>{row}</tr>' for true, row in enumerate(cells))
    name = escape(_("Confusion matrix: rows are true digits, columns what was read"))
    return (
        f'<table class="lab-matrix" aria-label="{name}"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(true: int, read: int, count: int, strongest: float) -> str:
    strength = np.log1p(count) / strongest
    kind = "right" if true == read else "wrong"
    return f'<td class="{kind}" style="--strength:{strength:.0%}">{count or ""}</td>'


def _show_reading(seen: Seen) -> None:
    asked = choose_image(seen)
    with st.spinner(_("It reads the image at every moment …")):
        probabilities = readings(seen, asked.image)
    now = seen.moments.index(seen.moment)
    read = int(probabilities[now].argmax())
    words = _("{moment}: it reads **{read}**, {sure} sure.")
    sure = sure_text(float(probabilities[now, read]), 0)
    moment = moment_text(seen.moment)
    st.markdown(words.format(moment=moment[0].upper() + moment[1:], read=read, sure=sure))
    if len(seen.moments) > 1:
        st.vega_lite_chart(
            reading_points([moment.epoch for moment in seen.moments], probabilities),
            reading_spec(_("epoch"), _("probability"), _("Digit"), seen.moment.epoch),
            key="readings",
            alt=_("How likely each digit was held to be, from moment to moment"),
        )
        st.caption(_turns(probabilities, seen))


def _turns(probabilities: np.ndarray, seen: Seen) -> str:
    """Say since when it reads what it reads in the end."""
    read = probabilities.argmax(axis=1)
    other = np.flatnonzero(read != read[-1])
    if not len(other):
        return _("It read {read} at every moment.").format(read=read[-1])
    since = moment_text(seen.moments[int(other[-1]) + 1])
    return _("In the end it reads {read}, and has done so since: {moment}.").format(
        read=read[-1], moment=since
    )
