"""Many pictures at once: a table of the prediction for each."""

import csv
import hashlib
import io
from dataclasses import dataclass

import streamlit as st

from mnist_core.messages import InputError, Message
from mnist_core.recognition.picture_files import read_picture
from mnist_core.runs.run import Run
from ui.drawing_input import DrawingInput, read
from ui.html.digits import sure_text
from ui.i18n import formatted_number, list_text, ngettext, translate
from ui.i18n import gettext as _

ROWS_KEPT = 400  # of all visitors' pictures
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of one


@dataclass(frozen=True)
class Upload:
    """A file's name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Row:
    """The digits in a file, "?" for what is none, with the lowest confidence; or the problem."""

    file: str
    digits: str
    confidence: float | None
    unsure: int
    problem: Message | None = None


def show_table(run: Run, files: list[Upload]) -> None:
    """Read the files one after the other and show the table."""
    progress = st.empty()
    rows = []
    for number, file in enumerate(files, 1):
        words = _("Classifying picture {number} of {count}").format(number=number, count=len(files))
        progress.progress(number / len(files), text=words)
        rows.append(_row(str(run.checkpoints[-1]), _digest(file), run, file))
    progress.empty()
    st.subheader(counts_text(rows))
    st.dataframe(_table(rows), hide_index=True, column_config=_columns())
    st.download_button(
        _("Download as CSV"),
        data=csv_text(rows),
        file_name="digit-lab-pictures.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def counts_text(rows: list[Row]) -> str:
    """Return how many of the pictures were classified, and how many were not and why."""
    failed = sum(row.problem is not None for row in rows)
    empty = sum(row.problem is None and not row.digits for row in rows)
    read = len(rows) - failed - empty
    parts = [ngettext("{n} picture classified", "{n} pictures classified", read).format(n=read)]
    if empty:
        parts.append(_("{n} without a digit").format(n=empty))
    if failed:
        parts.append(_("{n} could not be opened").format(n=failed))
    return list_text(parts)


def _columns() -> dict[str, object]:
    return {
        "file": st.column_config.TextColumn(_("File")),
        "digits": st.column_config.TextColumn(
            _("Prediction"), help=_("? marks something that does not look like a digit.")
        ),
        "sure": st.column_config.TextColumn(
            _("Confidence"), help=_("The lowest confidence among its digits.")
        ),
        "note": st.column_config.TextColumn(_("Note"), width="large"),
    }


def _table(rows: list[Row]) -> dict[str, list[str]]:
    return {
        "file": [row.file for row in rows],
        "digits": [row.digits for row in rows],
        "sure": ["" if row.confidence is None else sure_text(row.confidence) for row in rows],
        "note": [_note(row) for row in rows],
    }


def _note(row: Row) -> str:
    if row.problem:
        return translate(row.problem)
    if not row.digits:
        return _("No digit found.")
    return _("Low confidence: {n}.").format(n=row.unsure) if row.unsure else ""


def csv_text(rows: list[Row]) -> str:
    """Return the rows as CSV with a head; confidence is a share from 0 to 1."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["file", "digits", "confidence", "unsure", "problem"])
    for row in rows:
        confidence = "" if row.confidence is None else formatted_number(row.confidence, ".4f")
        writer.writerow([_cell(row.file), row.digits, confidence, row.unsure, _cell(str(row.problem or ""))])
    return file.getvalue()


def _cell(text: str) -> str:
    """Return text that a spreadsheet takes as text: one that begins like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _digest(file: Upload) -> str:
    return hashlib.sha256(file.name.encode() + b"\0" + file.content).hexdigest()


@st.cache_data(show_spinner=False, max_entries=ROWS_KEPT)
def _row(checkpoint: str, digest: str, _run: Run, _file: Upload) -> Row:
    return row_of(_run, _file)


def row_of(run: Run, file: Upload) -> Row:
    """Read one file; a file that can't be read becomes a row that says so."""
    try:
        reading = read(run, DrawingInput(pixels=read_picture(file.content, file.name)))
    except InputError as error:
        return Row(file.name, "", None, 0, error.message)
    digits = reading.digits
    least = min((digit.prediction.confidence for digit in digits), default=None)
    return Row(file.name, reading.text, least, sum(digit.unsure for digit in digits))
