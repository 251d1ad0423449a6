"""A slider with a field beside it, in which any number in the slider's range can be typed.

The number is kept elsewhere, as in the URL, and both controls show it. When it changes there, the field is
replaced by a new one under another key: a late message with the old text then finds no control to change.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import streamlit as st

from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.i18n import number_text
from ui.url_controls import set_widget_value
from ui.url_state import received_parameters, set_url_parameters, url_parameters

FIELDS_KEY = "number_fields"  # the session's NumberField of each slider
WIDTH = 104  # pixels: eight digits, and 375 px leave the slider 200
MOST_CHARACTERS = 30  # of a number that is typed
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


class TypedNumber(NamedTuple):
    """A number from `low` to `high` with a slider under `key`; an int is a whole number.

    `read` returns it, `keep` takes a new one; `rerun` is called after each change or refusal of a text.
    """

    key: str
    label: str
    low: float
    high: float
    read: Callable[[], float]
    keep: Callable[[float], object]
    rerun: Callable[[], object] = lambda: None


class NumberField(NamedTuple):
    """A field that shows `text` for a number's `value`; `refusal` says why the text isn't the value."""

    version: int
    value: float
    text: str
    refusal: str = ""


def url_slider(
    label: str,
    values: Sequence[float],
    key: str,
    default: float,
    unit: str = "",
    *,
    per: float = 1,
    whole: bool = False,
    widget_key: str | None = None,
    **settings: Any,
) -> float:
    """Show a slider with a stop at each of `values`, and a field for any number between; return the number.

    The URL has the number divided by `per` under `key`. `unit` is written behind the slider's numbers;
    `settings` are those of `show_slider`; `widget_key` is for two sliders whose links use the same `key`.
    """
    low, high, as_number = min(values), max(values), int if whole else float

    def read() -> float:
        try:
            number = float(f"{float(url_parameters().get(key, '')) * per:.12g}")
        except ValueError:
            number = default
        if not low <= number <= high or (whole and number != int(number)):
            number = default
        return as_number(number)

    def keep(number: float) -> None:
        set_url_parameters({key: f"{number / per:.12g}"})

    number = TypedNumber(widget_key or key, label, low, high, read, keep)
    return show_slider(number, values, unit, **settings)


def show_slider(
    number: TypedNumber,
    values: Sequence[float],
    unit: str = "",
    width: int | str = "stretch",
    help_text: str | None = None,
) -> float:
    """Show a slider with a stop at each of `values`, and the field beside it; return the number."""
    value = number.read()
    set_widget_value(number.key, value)
    row = {"horizontal": True, "vertical_alignment": "center", "gap": "small", "width": width}
    with st.container(key=f"number_{number.key}", **row):
        st.select_slider(
            number.label,
            sorted({*map(type(value), values), value}),
            value,
            format_func=lambda each: number_text(each) + unit,
            key=number.key,
            help=help_text,
            on_change=_take_slider,
            args=(number,),
        )
        show_number_field(number)
        if (
            width != "stretch"
        ):  # other controls stand beside these: it gets a line of its own within their width
            show_refusal(number, width)
    if width == "stretch":
        show_refusal(number)
    return value


def show_number_field(number: TypedNumber, disabled: bool = False) -> None:
    """Show the field of a number."""
    shown = _field(number)
    key = f"{number.key}_typed_{shown.version}"
    st.text_input(
        _("{setting}: type a number").format(setting=number.label.strip("*")),
        shown.text,
        max_chars=MOST_CHARACTERS,
        key=key,
        label_visibility="collapsed",
        disabled=disabled,
        width=WIDTH,
        on_change=_take_text,
        args=(number, key),
    )


def show_refusal(number: TypedNumber, width: int | str = "stretch") -> None:
    """Say why the text in a number's field was not taken."""
    if refusal := _field(number).refusal:
        st.caption(f":material/error: {refusal}", width=width)


def _field(number: TypedNumber) -> NumberField:
    """Return a number's field, a new one if the number was changed elsewhere."""
    fields, value = st.session_state.setdefault(FIELDS_KEY, {}), number.read()
    known = fields.get(number.key)
    if known is None or known.value != value:
        fields[number.key] = NumberField(known.version + 1 if known else 0, value, number_text(value))
    return fields[number.key]


def _take_text(number: TypedNumber, key: str) -> None:
    """Keep the number that was typed, or remember why it can't be taken."""
    text, known = st.session_state[key], _field(number)
    if not key.endswith(f"_{known.version}"):
        return  # a field that has been replaced meanwhile
    typed = read_number(text, whole=isinstance(known.value, int))
    refusal = refusal_text(number.label, text, typed, known.value, number.low, number.high)
    if refusal or typed is None:
        st.session_state[FIELDS_KEY][number.key] = known._replace(text=text, refusal=refusal)
    else:
        st.session_state[key] = number_text(typed)
        st.session_state[FIELDS_KEY][number.key] = NumberField(known.version, typed, number_text(typed))
        st.session_state[_replaced_key(number)] = known.value
        number.keep(typed)
    number.rerun()


def _take_slider(number: TypedNumber) -> None:
    """Keep the slider's number, unless a message from before a number was typed says what it showed then."""
    chosen = st.session_state[number.key]
    is_old = chosen == st.session_state.get(_replaced_key(number))
    if not (is_old and received_parameters() != dict(url_parameters())):
        number.keep(chosen)
    number.rerun()


def _replaced_key(number: TypedNumber) -> str:
    """Return the key of the number that the last typed one replaced."""
    return f"{number.key}_replaced"


def refusal_text(label: str, text: str, number: float | None, value: float, low: float, high: float) -> str:
    """Return the sentence that says why a text is not taken; none for a number from `low` to `high`.

    `number` is what the text was read as, `value` the number that stays.
    """
    stays = {
        "setting": label.strip("*"),
        "text": escape_markdown(text.strip()),
        "value": number_text(value),
    }
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

    Full-width digits, 1e-3, a true minus sign, "%" or "°" behind the number and a comma are understood:
    1,000 is a thousand where only whole numbers are meant; elsewhere 0,001 has a decimal comma, and 1,000
    could be one or a thousand.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").replace(" ", "")
    plain = plain.replace("\N{MINUS SIGN}", "-").removesuffix("%").removesuffix("°")
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
