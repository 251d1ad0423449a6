"""The field beside each slider of the Train form: any number in the setting's range can be typed there.

The URL is the store of both controls. When a setting gets its value elsewhere, its field is replaced by a
new one under another key: a late message with the old field's text then finds no control to change.
"""

import math
import re
import unicodedata
from typing import NamedTuple

import streamlit as st

from mnist_core.config import FIELD_RANGES
from mnist_core.dataset_choices import DATASETS
from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.train_form.setting_labels import LABELS, number_text
from ui.train_form.state import control_key, read_form, rerun_form_fragments, type_value

FIELDS_KEY = "number_fields"  # the session's NumberField of each setting
WIDTH = 104  # pixels: eight digits, and 375 px leave the slider 200
MOST_CHARACTERS = 30  # of a number that is typed
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


class NumberField(NamedTuple):
    """A field that shows `text` for the setting's `value`; `refusal` says why the text isn't the value."""

    version: int
    value: float
    text: str
    refusal: str = ""


def show_number_field(field: str, value: float, lowest: float, disabled: bool) -> None:
    """Show the field of a setting; `lowest` is its minimum if that is above the setting's own."""
    shown = _field(field, value)
    key = f"{control_key(field)}_typed_{shown.version}"
    st.text_input(
        _("{setting}: type a number").format(setting=_(LABELS[field])),
        shown.text,
        max_chars=MOST_CHARACTERS,
        key=key,
        label_visibility="collapsed",
        disabled=disabled,
        width=WIDTH,
        on_change=_take_text,
        args=(field, key, lowest),
    )


def show_refusal(field: str, value: float) -> None:
    """Say why the text in a setting's field was not taken."""
    if refusal := _field(field, value).refusal:
        st.caption(f":material/error: {refusal}")


def _field(field: str, value: float) -> NumberField:
    """Return a setting's field, a new one if the setting got its value elsewhere."""
    fields = st.session_state.setdefault(FIELDS_KEY, {})
    known = fields.get(field)
    if known is None or known.value != value:
        fields[field] = NumberField(known.version + 1 if known else 0, value, number_text(value))
    return fields[field]


def _take_text(field: str, key: str, lowest: float) -> None:
    """Write what was typed to the URL, or remember why it can't be the setting's value."""
    text, value = st.session_state[key], read_form().settings[field]
    known = _field(field, value)
    if not key.endswith(f"_{known.version}"):
        return  # a field that has been replaced meanwhile
    number = read_number(text, whole=isinstance(value, int))
    refusal = refusal_text(field, text, number, value, lowest)
    if refusal or number is None:
        st.session_state[FIELDS_KEY][field] = known._replace(text=text, refusal=refusal)
    else:
        st.session_state[key] = number_text(number)
        st.session_state[FIELDS_KEY][field] = NumberField(known.version, number, number_text(number))
        type_value(field, number)
    rerun_form_fragments()


def refusal_text(field: str, text: str, number: float | None, value: float, lowest: float) -> str:
    """Return the sentence that says why a text is not taken; none for a number in the setting's range."""
    low, high = FIELD_RANGES[field]
    if field == "train_size":
        high = DATASETS[read_form().settings["dataset"]].images[0]
    low = max(low, lowest)
    stays = {"setting": _(LABELS[field]), "text": escape_markdown(text.strip()), "value": number_text(value)}
    if number is None:
        wanted = _("a whole number such as 100") if isinstance(value, int) else _("a number such as 0.001")
        return _("{setting}: “{text}” can't be read; type {wanted}. It stays at {value}.").format(
            wanted=wanted, **stays
        )
    if low <= number <= high:
        return ""
    return _("{setting}: {text} is outside {low} to {high}. It stays at {value}.").format(
        low=_bound_text(low, value), high=_bound_text(high, value), **stays
    )


def _bound_text(bound: float, value: float) -> str:
    return number_text(type(value)(bound))


def read_number(text: str, whole: bool) -> float | None:
    """Return the number that a person typed; None if it is no number, not whole as asked, or ambiguous.

    Full-width digits, 1e-3, and a comma are understood: 1,000 is a thousand where only whole numbers are
    meant; elsewhere 0,001 has a decimal comma, and 1,000 could be one or a thousand.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").replace(" ", "")
    if THOUSANDS.fullmatch(plain):
        if not whole:
            return None
        plain = plain.replace(",", "")
    elif not whole and plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if whole:
        return int(number) if number == int(number) else None
    return number
