"""Many pictures at once: a table of what was cut out of each, what the network got, and what it read."""

import base64
import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from mnist_core.messages import InputError, Message
from mnist_core.recognition.picture_files import read_picture
from mnist_core.recognition.recognizer import Prediction
from mnist_core.runs.run import Run
from ui.answers import answer_words, short_answer
from ui.class_names import is_digits, without_markup
from ui.drawing_input import MARGIN, DrawingInput, read
from ui.file_transfers import as_cell
from ui.html.digits import png_url, sure_text
from ui.i18n import formatted_number, list_text, ngettext, sentences_text, translate
from ui.i18n import gettext as _
from ui.prediction import SURE, UNSURE, doubts
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.recognition.segmentation import RowDigit

ROWS_KEPT = 400  # of all visitors' pictures
ORDER_KEY = "pictures"  # in the URL
CROP_SIDE = 160  # pixels of what is shown of a picture


@dataclass(frozen=True)
class Upload:
    """A file's name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, eq=False)
class Row:
    """The digits in a file, "?" for what is none, with the lowest confidence; or the problem.

    `found` are the digits themselves, without ink; `crop` is what was cut out of the picture, as a data URL.
    """

    file: str
    digits: str
    confidence: float | None
    unsure: int
    problem: Message | None = None
    found: "tuple[RowDigit, ...]" = ()
    crop: str = ""

    @property
    def doubt(self) -> float:
        """The doubt that sorts the rows: 3 without answer, 2 for no digit, 1 to 2 if unsure, else below."""
        if self.confidence is None:
            return 3.0
        if any(not digit.prediction.is_digit for digit in self.found):
            return 2.0
        return float(self.unsure > 0) + 1 - self.confidence


def show_table(run: Run, files: list[Upload]) -> None:
    """Read the files one after the other and show the table."""
    progress = st.empty()
    rows = []
    for number, file in enumerate(files, 1):
        words = _("Classifying picture {number} of {count}").format(number=number, count=len(files))
        progress.progress(number / len(files), text=words)
        rows.append(_row(str(run.checkpoints[-1]), _digest(file), run, file))
    progress.empty()
    dataset = run.config.dataset
    st.subheader(counts_text(rows, dataset))
    st.html(pictures_html(_ordered(rows), dataset))
    st.download_button(
        _("Download as CSV"),
        data=csv_text(rows),
        file_name="digit-lab-pictures.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _ordered(rows: list[Row]) -> list[Row]:
    """Show the choice of the rows' order; return them in it."""
    orders = {"uploaded": _("As uploaded"), "doubtful": _("Most doubtful first")}
    order = url_segments(_("Order"), orders, ORDER_KEY, "uploaded", label_visibility="collapsed")
    return sorted(rows, key=lambda row: -row.doubt) if order == "doubtful" else rows


def counts_text(rows: list[Row], dataset: str) -> str:
    """Return how many of the pictures were classified, and how many were not and why."""
    failed = sum(row.problem is not None for row in rows)
    empty = sum(row.problem is None and not row.digits for row in rows)
    read = len(rows) - failed - empty
    parts = [ngettext("{n} picture classified", "{n} pictures classified", read).format(n=read)]
    if empty:
        words = _("{n} without a digit") if is_digits(dataset) else _("{n} with nothing to read")
        parts.append(words.format(n=empty))
    if failed:
        parts.append(_("{n} could not be opened").format(n=failed))
    return list_text(parts)


def pictures_html(rows: list[Row], dataset: str) -> str:
    """Return a table with a row for each picture."""
    head = [_("Picture"), _("Network input"), _("Prediction")]
    columns = "".join(f'<th scope="col">{text}</th>' for text in head)
    return (
        f'<table class="lab-pictures"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(_row_html(row, dataset) for row in rows)}</tbody></table>"
    )


def _row_html(row: Row, dataset: str) -> str:
    ink = _("The ink that was found")
    crop = f'<img src="{row.crop}" alt="{ink}">' if row.crop else ""
    inputs = "".join(_input_html(digit.prediction) for digit in row.found)
    name = f'<th scope="row">{crop}{escape(row.file)}</th>'
    return f"<tr>{name}<td>{inputs}</td><td>{_answer_html(row, dataset)}</td></tr>"


def _input_html(prediction: Prediction) -> str:
    alt = _("28 x 28 pixels: {answer}").format(answer=answer_words(prediction).heading)
    return f'<img src="{png_url(prediction.image)}" width="28" height="28" alt="{escape(alt)}">'


def _answer_html(row: Row, dataset: str) -> str:
    """Return what was read in a picture, or why nothing was."""
    if row.problem:
        return escape(translate(row.problem))
    if row.confidence is None:
        return _("No digit found.") if is_digits(dataset) else _("Nothing to read was found.")
    if len(row.found) == 1:
        return short_answer(row.found[0].prediction)
    from mnist_core.recognition.segmentation import row_text

    sure = _("Lowest confidence: {percent}.").format(percent=sure_text(row.confidence, 0))
    return f"<b>{row_text(row.found)}</b><small>{sentences_text([sure, *doubts(row.found)])}</small>"


def csv_text(rows: list[Row]) -> str:
    """Return the rows as CSV with a head; confidence is a share from 0 to 1.

    `alternatives` are the second digits of those that it is not sure of, such as "2: 9" for the second one.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["file", "digits", "confidence", "unsure", "problem", "alternatives"])
    for row in rows:
        confidence = "" if row.confidence is None else formatted_number(row.confidence, ".4f")
        problem = as_cell(str(row.problem or ""))
        writer.writerow(
            [
                as_cell(row.file),
                as_cell(row.digits),
                confidence,
                row.unsure,
                problem,
                _alternatives(row.found),
            ]
        )
    return file.getvalue()


def _alternatives(digits: "Sequence[RowDigit]") -> str:
    numbered = enumerate((digit.prediction for digit in digits), 1)
    return "; ".join(f"{place}: {one.second_name}" for place, one in numbered if one.is_unsure)


def _digest(file: Upload) -> str:
    return hashlib.sha256(file.name.encode() + b"\0" + file.content).hexdigest()


@st.cache_data(show_spinner=False, max_entries=ROWS_KEPT)
def _row(checkpoint: str, digest: str, _run: Run, _file: Upload) -> Row:
    return row_of(_run, _file)


def row_of(run: Run, file: Upload) -> Row:
    """Read one file; a file that can't be read becomes a row that says so."""
    try:
        pixels = read_picture(file.content, file.name)
        reading = read(run, DrawingInput(pixels=pixels))
    except InputError as error:
        return Row(file.name, "", None, 0, error.message)
    digits = reading.digits
    if not digits:
        return Row(file.name, "", None, 0)
    least = min(digit.prediction.confidence for digit in digits)
    found = tuple(replace(digit, ink=None) for digit in digits)
    unsure = sum(digit.unsure for digit in digits)
    names = [one.prediction.name if one.prediction.is_digit else "?" for one in digits]
    text = without_markup(("; " if max(map(len, names)) > 1 else "").join(names))
    return Row(file.name, text, least, unsure, None, found, _crop_url(pixels, found))


def _crop_url(pixels: np.ndarray, digits: "Sequence[RowDigit]") -> str:
    """Return the part of a picture that has the digits, with a box around each if there are several."""
    boxes = np.array([digit.box for digit in digits])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    margin = MARGIN * max(right - left, bottom - top)
    area = (max(left - margin, 0), max(top - margin, 0), right + margin, bottom + margin)
    whole = Image.fromarray(pixels)
    area = (*map(int, area[:2]), min(int(area[2]) + 1, whole.width), min(int(area[3]) + 1, whole.height))
    cut = whole.crop(area).convert("RGBA")
    cut = Image.alpha_composite(Image.new("RGBA", cut.size, "silver"), cut).convert("RGB")
    factor = CROP_SIDE / max(cut.size)
    cut = cut.resize([max(1, round(side * factor)) for side in cut.size])
    draw = ImageDraw.Draw(cut)
    for digit in digits if len(digits) > 1 else ():
        box = (np.array(digit.box) - [*area[:2], *area[:2]]) * factor
        draw.rectangle(box.tolist(), outline=UNSURE if digit.unsure else SURE, width=2)
    file = io.BytesIO()
    cut.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
