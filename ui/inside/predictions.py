"""Confusion matrix at a checkpoint, and the predictions of one image over the training."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui import resources
from ui.answers import answer_in_sentence, answer_of
from ui.class_names import class_name, class_names, is_digits
from ui.i18n import format_text, formatted_number
from ui.i18n import gettext as _
from ui.inside.gradient_charts import checkpoint_rule
from ui.inside.selection import InspectedRun, choose_image, evaluation_at, snapshot_text
from ui.projection_chart import class_colours

if TYPE_CHECKING:
    import pandas as pd


def show(inspected: InspectedRun) -> None:
    """Show the section."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_matrix(inspected)
    with right:
        _show_reading(inspected)


def _show_matrix(inspected: InspectedRun) -> None:
    with st.spinner(_("Classifying the test images at this checkpoint")):
        result = evaluation_at(inspected)
    right = int((result.predictions == result.labels).sum())
    words = _(
        "Accuracy **{accuracy:.2%}** on the first {all:,} test images ({right:,} correct); loss {loss:.4f}"
    )
    all_of_them = len(result.labels)
    st.markdown(format_text(words, accuracy=result.accuracy, right=right, all=all_of_them, loss=result.loss))
    st.html(matrix_html(result.confusion_matrix, class_names(inspected.run.config.dataset)))
    st.caption(_("Rows: true label. Columns: predicted label. The blue diagonal is correct."))


def matrix_html(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Return counts [true, read] as a table, coloured by their logarithm; it changes without a flicker."""
    many = len(names) > MOST_AT_ONCE
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    strongest = np.log1p(max(int(matrix.max()), 1))
    cells = (
        "".join(_cell(true, read, int(count), strongest) for read, count in enumerate(row))
        for true, row in enumerate(matrix)
    )
    rows = (
        f'<tr><th scope="row">{escape(name)}</th>{row}</tr>' for name, row in zip(names, cells, strict=True)
    )
    name = escape(_("Confusion matrix: rows are true labels, columns are predicted labels"))
    table = (
        f'<table class="lab-matrix" aria-label="{name}"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    if not many:
        return table
    width = f"min-width:{len(names) * LEAST_CELL:.0f}rem"
    return f'<div class="lab-scroll" tabindex="0"><div style="{width}">{table}</div></div>'


MOST_AT_ONCE = 12  # classes; a matrix of more is scrolled where there is too little room
LEAST_CELL = 1.7  # rem that a cell of such a matrix is wide


def _cell(true: int, read: int, count: int, strongest: float) -> str:
    strength = np.log1p(count) / strongest
    kind = "right" if true == read else "wrong"
    return f'<td class="{kind}" style="--strength:{strength:.0%}">{count or ""}</td>'


def _show_reading(inspected: InspectedRun) -> None:
    viewed = choose_image(inspected)
    with st.spinner(_("Classifying the image at every checkpoint")):
        probabilities = readings(inspected, viewed.image)
    now, dataset = inspected.place, inspected.run.config.dataset
    names, kind = class_names(dataset), _("Digit") if is_digits(dataset) else _("Class")
    answer = answer_in_sentence(answer_of(probabilities[now], inspected.run.config.dataset), 0)
    words = _("{answer}; {moment}.")
    st.markdown(words.format(answer=answer, moment=snapshot_text(inspected.snapshot)))
    if len(inspected.snapshots) > 1:
        st.vega_lite_chart(
            reading_points([snapshot.epoch for snapshot in inspected.snapshots], probabilities, names),
            reading_spec(_("epoch"), _("probability"), kind, names, inspected.snapshot.epoch),
            key="readings",
            alt=_("Probability of each digit at every checkpoint")
            if is_digits(dataset)
            else _("Probability of each class at every checkpoint"),
        )
        st.caption(_turns(probabilities, inspected))


def _turns(probabilities: np.ndarray, inspected: InspectedRun) -> str:
    """Say since which epoch the prediction is the final one."""
    read = probabilities.argmax(axis=1)
    name = class_name(inspected.run.config.dataset, int(read[-1]))
    other = np.flatnonzero(read != read[-1])
    if not len(other):
        return _("The prediction was {read} at every checkpoint.").format(read=name)
    since = snapshot_text(inspected.snapshots[int(other[-1]) + 1])
    return _("The final prediction is {read}, unchanged since: {moment}.").format(read=name, moment=since)


LIKELY, SURELY_LIKELY = 2, 0.3  # times the probability before training, about 0.1 of ten; for few classes


def reading_points(
    epochs: Sequence[float], probabilities: np.ndarray, names: Sequence[str]
) -> "pd.DataFrame":
    """Return the probability [snapshots, C] of each class that was ever likely, at each snapshot."""
    import pandas as pd

    least = min(LIKELY / len(names), SURELY_LIKELY)
    likely = np.flatnonzero(probabilities.max(axis=0) > least)
    rows = [
        (str(place), epoch, formatted_number(epoch, "g"), names[digit], float(probabilities[place, digit]))
        for place, epoch in enumerate(epochs)
        for digit in likely
    ]
    return pd.DataFrame(rows, columns=["place", "epoch", "name", "digit", "probability"])


def reading_spec(
    epoch: str, probability: str, digit: str, names: Sequence[str], now: float
) -> dict[str, Any]:
    """Return the specification of `reading_points`, a line for each class; `now` is the epoch shown."""
    colour = {"field": "digit", "type": "nominal", "title": digit, "scale": class_colours(names)}
    x = {"field": "epoch", "type": "quantitative", "title": epoch, "scale": {"type": "sqrt", "nice": False}}
    y = {"field": "probability", "type": "quantitative", "title": probability}
    y |= {"axis": {"format": "~%", "values": [0, 0.2, 0.4, 0.6, 0.8, 1]}, "scale": {"domain": [0, 1.1]}}
    facts = [
        {"field": "digit", "type": "nominal", "title": digit},
        {"field": "name", "type": "nominal", "title": epoch},
        {"field": "probability", "type": "quantitative", "title": probability, "format": ".1%"},
    ]
    lines = {"mark": {"type": "line", "strokeWidth": 2, "opacity": 0.45}}
    digits = {
        "mark": {"type": "text", "fontSize": 15, "fontWeight": 700, "dy": -10},
        "encoding": {"text": {"field": "digit", "type": "nominal"}},
    }
    base = {"x": x, "y": y, "color": colour | {"legend": None}, "tooltip": facts}
    drawn = {"encoding": base, "layer": [lines, digits]}
    return {"height": 260, "layer": [checkpoint_rule(x, now), drawn]}


def readings(inspected: InspectedRun, image: np.ndarray) -> np.ndarray:
    """Return the probabilities of an image at every snapshot of the run, [snapshots, C]."""
    return _readings(" ".join(map(inspected.key, inspected.snapshots)), image.tobytes(), inspected, image)


@st.cache_resource(show_spinner=False, max_entries=32)
def _readings(key: str, image: bytes, _inspected: InspectedRun, _image: np.ndarray) -> np.ndarray:
    from mnist_core.recognition.recognizer import predict

    models = (resources.model(_inspected.run, snapshot) for snapshot in _inspected.snapshots)
    return np.stack([predict(model, _image).probabilities for model in models])
