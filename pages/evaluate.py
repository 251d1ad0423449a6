"""Evaluate: how a trained network does on images it has never seen."""

import numpy as np
import streamlit as st

from mnist_core.data import Split
from mnist_core.evaluation import Evaluation
from mnist_core.runs.run import Run
from ui import resources
from ui.charts import confusion_figure
from ui.digits import Figure, grid_html, sure_text
from ui.runs import pick_run
from ui.state import come_through_entry, link
from ui.takeaway import show_takeaway
from ui.translation import gettext as _
from ui.translation import ngettext

ERRORS_AT_ONCE = 12
SAVE_BUTTON = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"filename": "confusion-matrix", "scale": 2},
}
CONFUSIONS = 5


def show_summary(run: Run, result: Evaluation) -> None:
    """Show accuracy, loss and size in numbers, and in a sentence."""
    correct = int((result.predictions == result.labels).sum())
    with st.container(horizontal=True, gap="small"):
        st.metric(_("Test accuracy"), f"{result.accuracy:.2%}", width="content")
        st.metric(_("Average loss"), f"{result.loss:.4f}", width="content")
        st.metric(_("Errors"), f"{len(result.errors):,}", width="content")
        st.metric(_("Parameters"), f"{run.results.get('parameters', 0):,}", width="content")
    st.markdown(
        _("It reads **{correct:,}** of **{all:,}** test images right.").format(
            correct=correct, all=len(result.labels)
        )
    )
    if run.config.monitor == "test":
        st.caption(_("It watched the test images while it trained, so they judge it a little too kindly."))


def show_confusions(result: Evaluation) -> None:
    """Show the confusion matrix, and its largest errors in words beside it."""
    st.subheader(_("Which digits it mixes up"))
    matrix = result.confusion_matrix
    chart, words = st.columns([3, 2], gap="medium")
    with chart:
        cell = _("{true} read as {predicted}: {count} times").format(
            true="%{y}", predicted="%{x}", count="%{customdata}"
        )
        figure = confusion_figure(matrix, _("True digit"), _("Read as"), cell)
        st.plotly_chart(figure, config=SAVE_BUTTON, alt=_("Confusion matrix"))
    with words:
        st.markdown(_("A row is the true digit, a column what the network read; the diagonal is right."))
        wrong = np.where(np.eye(10, dtype=bool), 0, matrix)
        largest = [divmod(int(place), 10) for place in np.argsort(-wrong, axis=None)[:CONFUSIONS]]
        lines = [mix_up(true, predicted, int(wrong[true, predicted])) for true, predicted in largest]
        st.markdown("\n".join(f"- {line}" for line in lines if line) or _("It makes no error here."))


def mix_up(true: int, predicted: int, count: int) -> str:
    """Say how often one digit was read as another; nothing for never."""
    if not count:
        return ""
    return ngettext(
        "**{true}** read as **{predicted}**: {count} time",
        "**{true}** read as **{predicted}**: {count} times",
        count,
    ).format(true=true, predicted=predicted, count=count)


def show_digits(result: Evaluation) -> None:
    """Show precision, recall and F1 of each digit."""
    import pandas as pd

    st.subheader(_("Digit by digit"))
    helps = {
        "precision": (_("Precision"), _("Of the images read as this digit, the share that are.")),
        "recall": (_("Recall"), _("Of the images of this digit, the share read as it.")),
        "f1": (_("F1"), _("The harmonic mean of precision and recall.")),
    }
    number = st.column_config.NumberColumn
    columns = {"digit": number(_("Digit")), "images": number(_("Images"))}
    columns |= {name: number(label, format="%.2f%%", help=text) for name, (label, text) in helps.items()}
    table = pd.DataFrame(result.per_class)
    table[list(helps)] *= 100
    st.dataframe(table, column_config=columns, hide_index=True, height="content")


def show_errors(result: Evaluation, split: Split) -> None:
    """Show the images it got wrong, the most certain errors first."""
    st.subheader(_("Its worst errors"))
    if not len(result.errors):
        st.markdown(_("It makes no error here."))
        return
    st.caption(_("Images it gave the least probability to the right digit, the worst first."))
    shown = st.session_state.setdefault("errors_shown", ERRORS_AT_ONCE)
    st.html(grid_html((error_figure(result, split, int(i)) for i in result.errors[:shown]), columns=4))
    if shown < len(result.errors):
        st.button(_("Show more"), on_click=show_more)


def show_more() -> None:
    """Show another dozen of errors."""
    st.session_state["errors_shown"] += ERRORS_AT_ONCE


def error_figure(result: Evaluation, split: Split, index: int) -> Figure:
    """Return a misread image with its true digit, what was read and how sure the network was."""
    read = result.predictions[index]
    sure = sure_text(result.probabilities[index, read], 0)
    words = {"true": result.labels[index], "read": read, "sure": sure}
    caption = _("<b>{true}</b> read as <b class='lab-wrong'>{read}</b><br>{sure} sure")
    alt = _("Test image {number}: a {true} read as {read}, {sure} sure")
    return Figure(split.images[index], caption.format(**words), alt.format(number=index, **words))


come_through_entry()
st.title(_("Evaluate"))
st.markdown(_("How well a network reads digits it has never seen, and where it goes wrong."))
chosen = pick_run()
with st.spinner(_("Reading the test images …")):
    evaluation = resources.evaluation(chosen)
show_summary(chosen, evaluation)
show_takeaway(chosen)
show_confusions(evaluation)
table, errors = st.columns([2, 3], gap="large")
with table:
    show_digits(evaluation)
with errors:
    show_errors(evaluation, resources.dataset().test)
link("pages/draw.py", _("Let it read your own writing"), ":material/draw:")
