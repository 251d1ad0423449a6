"""Precision, recall and F1 of each class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import DIGITS
from ui.class_names import is_digits
from ui.evaluate.selection import EvaluatedSplit, evaluation
from ui.i18n import gettext as _
from ui.i18n import percent_text, sentences_text

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.evaluation.metrics import Evaluation

STEP = 10  # percent: the bars begin at a multiple of this
DIGIT, CLASS, BAR, TAKEN_FOR = 60, 90, 140, 150  # pixels, so that all columns fit beside the list of runs


def show(evaluated: EvaluatedSplit) -> None:
    """Show precision, recall and F1 of each digit as numbers and bars, and the extremes in words."""
    result = evaluation(evaluated)
    digits = is_digits(evaluated.dataset)
    st.subheader(
        _("Per class: precision and recall of each digit")
        if digits
        else _("Per class: precision and recall of each class")
    )
    show_extremes(result, evaluated.names)
    table = digit_table(result, evaluated.names)
    floor = bars_begin(table)
    bar = st.column_config.ProgressColumn
    helps = {
        "precision": (
            _("Precision"),
            _("Of the images predicted as this digit, the share that really show it.")
            if digits
            else _("Of the images predicted as this class, the share that really show it."),
        ),
        "recall": (
            _("Recall"),
            _("Of the images of this digit, the share predicted as it.")
            if digits
            else _("Of the images of this class, the share predicted as it."),
        ),
        "f1": (_("F1"), _("The harmonic mean of precision and recall.")),
    }
    number = st.column_config.NumberColumn
    columns = {
        "digit": number(_("Digit"), width=DIGIT)
        if digits
        else st.column_config.TextColumn(_("Class"), width=CLASS),
        "images": number(_("Images"), width=DIGIT, format="localized"),
        "taken_for": st.column_config.TextColumn(_("Most often confused with"), width=TAKEN_FOR),
    }
    columns |= {
        name: bar(label, help=text, format="%.2f%%", min_value=floor, max_value=100, width=BAR)
        for name, (label, text) in helps.items()
    }
    order = ["digit", "images", "recall", "precision", "f1", "taken_for"]
    st.dataframe(table, column_config=columns, column_order=order, hide_index=True, height="content")
    words = [
        _("Recall: of the images of this digit, the share predicted as it.")
        if digits
        else _("Recall: of the images of this class, the share predicted as it."),
        _("Precision: of the images predicted as this digit, the share that really show it.")
        if digits
        else _("Precision: of the images predicted as this class, the share that really show it."),
        _("The bars start at {floor}% to make small differences visible.").format(floor=floor),
    ]
    st.caption(sentences_text(words))


def digit_table(result: "Evaluation", names: Sequence[str]) -> "pd.DataFrame":
    """Return a row for each class: its metrics in percent, and what it is most often taken for.

    A class without images has no recall and no F1.
    """
    import pandas as pd

    table = pd.DataFrame(result.per_class)
    table[["precision", "recall", "f1"]] *= 100
    table.loc[table["images"] == 0, ["recall", "f1"]] = np.nan
    if list(names) != list(DIGITS):
        table["digit"] = list(names)
    wrong = np.where(np.eye(len(names), dtype=bool), 0, result.confusion_matrix)
    table["taken_for"] = [
        f"{names[row.argmax()]} ({row.max()})" if row.any() else "\N{EN DASH}" for row in wrong
    ]
    return table


def bars_begin(table: "pd.DataFrame") -> int:
    """Return where the bars begin, in percent: a step below the smallest value."""
    seen = table[table["images"] > 0][["precision", "recall", "f1"]]
    least = float(seen.min().min()) if len(seen) else 0.0
    return min(90, max(0, int(least // STEP) * STEP))


def show_extremes(result: "Evaluation", names: Sequence[str]) -> None:
    """Show which classes have the highest and the lowest recall, in words."""
    there = [row for row in result.per_class if row.images]
    best, worst = max(there, key=lambda row: row.recall), min(there, key=lambda row: row.recall)
    if best.recall == worst.recall:
        words = _("Recall is the same for all classes: {share}.")
        if list(names) == list(DIGITS):
            words = _("Recall is the same for all digits: {share}.")
        st.markdown(words.format(share=percent_text(best.recall)))
        return
    st.markdown(
        _("Highest recall: **{best}** ({best_share}). Lowest recall: **{worst}** ({worst_share}).").format(
            best=names[best.digit],
            best_share=percent_text(best.recall),
            worst=names[worst.digit],
            worst_share=percent_text(worst.recall),
        )
    )
