"""My handwriting: the visitor's own test sheet, how well each network reads it, and a copy that learns it."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import streamlit as st

from mnist_core.messages import InputError
from mnist_core.reading.recognition import predict_all
from mnist_core.reading.sheet import Entry
from mnist_core.runs.run import Run
from ui import resources
from ui.digits import Figure, grid_html
from ui.draw import own_sheet
from ui.draw.tuning import show_tuning
from ui.draw.writing import Reading
from ui.explore.numbers import table_html
from ui.runs import distinct_labels, readable_runs
from ui.translation import gettext as _
from ui.translation import ngettext, percent_text, say

MOST_RUNS = 8  # that are scored
MOST_SHOWN = 30
FILE_KEY, ROUND_KEY, PROBLEM_KEY = "sheet_file", "sheet_round", "sheet_problem"


@st.fragment
def show(reading: Reading) -> None:
    """Show the section."""
    drawings = own_sheet.sheet()
    st.markdown(
        _(
            "Your own test sheet: what you drew, with what it really was. It is kept for this visit only: "
            "download it to have it again."
        )
    )
    show_files(drawings)
    if not drawings:
        st.info(_("Nothing in it yet. Draw a digit, press **It was really a …** and say which it was."))
        return
    scores, pictures = st.columns([2, 3], gap="large")
    with scores:
        show_scores(drawings, reading.run)
    with pictures:
        show_drawings(drawings, reading.run)
    show_tuning(reading.run, drawings)


def show_files(drawings: Sequence[Entry]) -> None:
    """Show the ways to take the sheet away, bring one back, and empty it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.download_button(
            _("Download"),
            data=lambda: own_sheet.to_text(drawings),
            file_name=f"digit-lab-sheet-{date.today().isoformat()}.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            disabled=not drawings,
            on_click="ignore",
        )
        with st.popover(_("Bring one back"), icon=":material/upload:"):
            number = st.session_state.setdefault(ROUND_KEY, 0)
            st.file_uploader(
                _("A sheet saved here: JSON lines of strokes or pixels, with labels"),
                type=["jsonl", "json", "txt"],
                key=f"{FILE_KEY}_{number}",
                on_change=_bring_back,
            )
        st.button(
            _("Empty the sheet"), icon=":material/delete:", on_click=own_sheet.clear, disabled=not drawings
        )
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(say(problem))


def _bring_back() -> None:
    """Add the drawings of the file that was chosen, and forget the file."""
    file = st.session_state[f"{FILE_KEY}_{st.session_state[ROUND_KEY]}"]
    if file is None:
        return
    try:
        own_sheet.add(own_sheet.from_text(file.getvalue()))
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
    st.session_state[ROUND_KEY] += 1


def show_scores(drawings: Sequence[Entry], present: Run) -> None:
    """Show how many of the drawings each network reads right, the best first."""
    others = [run for run in readable_runs() if run.id != present.id]
    runs = [present, *others][:MOST_RUNS]
    right = {run.id: int(np.sum(read_labels(run, drawings) == _labels(drawings))) for run in runs}
    labels = distinct_labels(runs)
    ranked = sorted(runs, key=lambda run: -right[run.id])
    rows = [
        [labels[run.id], f"{right[run.id]} / {len(drawings)}", percent_text(right[run.id] / len(drawings), 0)]
        for run in ranked
    ]
    head = [_("Network"), _("Read right"), _("Share")]
    st.html(table_html(head, rows, strong=ranked.index(present)))
    if len(drawings) < 20:
        st.caption(_("So few drawings say little yet: a single one more or less right may be chance."))


def show_drawings(drawings: Sequence[Entry], present: Run) -> None:
    """Show the latest drawings, those read wrong marked."""
    read = read_labels(present, drawings)
    wrong = int(np.sum(read != _labels(drawings)))
    words = ngettext("{wrong} of {n} drawing read wrong", "{wrong} of {n} drawings read wrong", len(drawings))
    st.markdown("**" + words.format(wrong=wrong, n=len(drawings)) + "**")
    latest = range(len(drawings))[: -MOST_SHOWN - 1 : -1]
    st.html(grid_html([_figure(drawings[place], int(read[place])) for place in latest], columns=6))
    if len(drawings) > MOST_SHOWN:
        st.caption(_("The latest {n} are shown.").format(n=MOST_SHOWN))
    st.button(_("Take the latest off"), icon=":material/undo:", on_click=own_sheet.remove, args=(latest[0],))


def _figure(one: Entry, read: int) -> Figure:
    if read == one.label:
        caption, alt = f"<b>{one.label}</b>", _("Your {label}, read right").format(label=one.label)
    else:
        words = _("<b>{label}</b> read as <b class='lab-wrong'>{read}</b>")
        caption = words.format(label=one.label, read=read)
        alt = _("Your {label}, read as {read}").format(label=one.label, read=read)
    return Figure(one.image, caption, alt)


def _labels(drawings: Sequence[Entry]) -> np.ndarray:
    return np.array([one.label for one in drawings])


def read_labels(run: Run, drawings: Sequence[Entry]) -> np.ndarray:
    """Return what a run reads in each drawing, [N]."""
    images = b"".join(one.image.tobytes() for one in drawings)
    return _read_labels(str(run.checkpoints[-1]), images, run)


@st.cache_data(show_spinner=False, max_entries=64)
def _read_labels(checkpoint: str, images: bytes, _run: Run) -> np.ndarray:
    pixels = np.frombuffer(images, np.uint8).reshape(-1, 28, 28)
    return np.array([prediction.label for prediction in predict_all(resources.model(_run), list(pixels))])
