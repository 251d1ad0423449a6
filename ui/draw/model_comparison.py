"""Up to four networks read the same drawing side by side."""

from collections import Counter

import streamlit as st

from mnist_core.dataset_choices import DATASETS
from mnist_core.runs.run import Run
from ui.answers import answer_in_sentence
from ui.class_names import class_name, is_digits
from ui.drawing_input import ReadDrawing, read, show_nothing_yet
from ui.html.digits import sure_text
from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.navigation import link
from ui.prediction import probabilities_html
from ui.runs.names import readable_runs, run_labels

MOST = 4  # networks, with the page's own
CHOSEN_KEY = "others"


@st.fragment
def show(reading: ReadDrawing) -> None:
    """Show the section."""
    runs = choose(reading.run)
    if not runs:
        return
    if not reading.digits:
        show_nothing_yet(reading)
        return
    as_one = len(reading.digits) == 1
    readings = [reading, *(read(run, reading.writing, as_one) for run in runs)]
    labels = run_labels([found.run for found in readings])
    st.markdown(agreement([found.text for found in readings]))
    for column, found in zip(st.columns(len(readings)), readings, strict=True):
        with column:
            st.markdown(f"**{escape_markdown(labels[found.run.id])}**")
            show_reading(found)


def choose(present: Run) -> list[Run]:
    """Show the networks to choose from; return those chosen beside the present one."""
    classes = DATASETS[present.config.dataset].classes
    others = (run for run in readable_runs() if run.id != present.id)
    runs = {run.id: run for run in others if DATASETS[run.config.dataset].classes == classes}
    if not runs:
        words = _(
            "No other network knows these classes. Train another to compare their predictions for the same "
            "drawing."
        )
        if is_digits(present.config.dataset):
            words = _(
                "There is only one trained model. Train another to compare their predictions for the "
                "same drawing."
            )
        st.info(words)
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        return []
    labels = run_labels(runs.values())
    chosen = st.multiselect(
        _("Models to compare"),
        list(runs),
        default=list(runs)[:1],
        format_func=labels.get,
        key=CHOSEN_KEY,
        max_selections=MOST - 1,
        placeholder=_("Choose up to three"),
        persist_state="session",
    )
    return [runs[run] for run in chosen if run in runs]


def show_reading(reading: ReadDrawing) -> None:
    """Show what one network reads."""
    if len(reading.digits) == 1:
        prediction = reading.digits[0].prediction
        st.markdown(answer_in_sentence(prediction))
        st.html(probabilities_html(prediction))
        return
    st.markdown(_("predicts **{digits}**").format(digits=reading.text))
    least = min(reading.digits, key=lambda digit: digit.prediction.confidence).prediction
    words = _("Lowest confidence: {percent}, for the {digit}.")
    st.caption(
        words.format(digit=class_name(least.dataset, least.label), percent=sure_text(least.confidence))
    )


def agreement(texts: list[str]) -> str:
    """Return how many of the networks agree, in words."""
    (commonest, count), *others = Counter(texts).most_common()
    if not others:
        if count == 2:
            return _("Both predict **{digits}**.").format(digits=commonest)
        return _("All {n} predict **{digits}**.").format(n=count, digits=commonest)
    if count == 1:
        return _("All {n} predictions differ.").format(n=len(texts))
    return _("{n} of {all} predict **{digits}**.").format(n=count, all=len(texts), digits=commonest)
