"""Languages: gettext catalogs, numbers, percentages, durations and dates."""

import functools
import gettext as gnu
import math
import string
import threading
from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from mnist_core.messages import Message, Words
from ui.url_state import LANGUAGE_KEY, url_parameters

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

LOCALES = Path(__file__).parent.parent / "locales"
LANGUAGES = {"en": "English", "zh": "中文"}
DATES = {"en": "d MMM y, HH:mm", "zh": "y年M月d日 HH:mm"}  # in the notation of Unicode's CLDR
MOST_DIGITS = 25  # that Babel rounds: its decimal numbers have 28
BETWEEN_SENTENCES, BETWEEN_WORDS = {"en": " ", "zh": ""}, {"en": ", ", "zh": "、"}


def browser_language(locale: str | None) -> str:
    """Return the supported language closest to a browser's locale, such as "zh-CN"."""
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


class _ThisRun(threading.local):
    """The visitor's language while they have these parameters: a page asks a hundred times."""

    parameters: object = None
    language = ""


_this_run = _ThisRun()


def language() -> str:
    """Return the code of the visitor's language."""
    parameters = url_parameters()
    if parameters is not _this_run.parameters:
        code = parameters.get(LANGUAGE_KEY, "")
        _this_run.language = code if code in LANGUAGES else browser_language(st.context.locale)
        _this_run.parameters = parameters
    return _this_run.language


@functools.cache
def catalog(code: str) -> gnu.NullTranslations:
    """Return the translations into a language; English has none."""
    return gnu.translation("digitlab", LOCALES, [code], fallback=True)


def gettext(text: str) -> str:
    """Translate a sentence; pages import this as `_`."""
    return catalog(language()).gettext(text) if text else ""  # gettext("") is the catalog's header


_ = gettext


def ngettext(singular: str, plural: str, n: int) -> str:
    """Translate a sentence with a singular and a plural."""
    return catalog(language()).ngettext(singular, plural, n)


def translate(message: Message, escape: Callable[[str], str] = str) -> str:
    """Translate a message of mnist_core and fill in its values; text values are escaped by `escape`."""
    values = {name: _translated(value, escape) for name, value in message.values.items()}
    return _Formatter(escape).format(gettext(message.template), **values)


def _translated(value: object, escape: Callable[[str], str]) -> object:
    if isinstance(value, Message):
        return _Translated(translate(value, escape))
    return _Translated(list_text(map(escape, value))) if isinstance(value, Words) else value


def sentences_text(sentences: Iterable[str]) -> str:
    """Put sentences one after the other: Chinese has no space between them."""
    return BETWEEN_SENTENCES[language()].join(sentences)


def list_text(words: Iterable[str]) -> str:
    """Return words as one list: Optimizer, Epochs."""
    return BETWEEN_WORDS[language()].join(words)


def date_text(moment: str) -> str:
    """Return a time, given in ISO form, in the visitor's time zone: 22 Nov 2026, 14:03."""
    from babel.dates import format_datetime

    local = visitors_time(moment)
    return format_datetime(local, DATES[language()], locale=_locale(language())) if local else moment


def visitors_time(moment: str) -> datetime | None:
    """Return an ISO time in the visitor's time zone, without the zone; None if it is no time."""
    try:
        return datetime.fromisoformat(moment).astimezone(_visitors_zone()).replace(tzinfo=None)
    except ValueError:
        return None


def format_text(text: str, /, **values: object) -> str:
    """Fill a sentence in as str.format does, its numbers written in the visitor's language: {count:,}."""
    return _FORMATTER.format(text, **values)


def formatted_number(number: float, spec: str) -> str:
    """Write a number in the visitor's language, rounded as str.format does by `spec`: ",", ".2%", "+.1f".

    A negative one has a true minus sign.
    """
    text = _formatted(float(number), spec, language())
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def count_text(number: float) -> str:
    """Write a count: 60,000."""
    return formatted_number(number, ",.0f")


def number_text(value: float) -> str:
    """Write a number with all its digits: 0.0005, 1,000."""
    if isinstance(value, int):
        return count_text(value)
    decimals = format(Decimal(repr(float(value))), "f").partition(".")[2].rstrip("0")
    return formatted_number(value, f".{len(decimals)}f")


def percent_text(share: float, digits: int = 2) -> str:
    """Write a share of one in percent: 99.20%."""
    return formatted_number(share, f".{digits}%")


class _Translated(str):
    """A message within a message: its values are escaped already."""

    __slots__ = ()


class _Formatter(string.Formatter):
    def __init__(self, escape: Callable[[str], str] = str) -> None:
        self._escape = escape

    def format_field(self, value: object, spec: str) -> str:
        is_number = isinstance(value, Number) and not isinstance(value, bool)
        if spec and is_number:
            return formatted_number(value, spec)
        text = super().format_field(value, spec)
        return text if is_number or isinstance(value, _Translated) else self._escape(text)


_FORMATTER = _Formatter()


@functools.lru_cache(4096)
def _formatted(number: float, spec: str, code: str) -> str:
    plain = format(number, ",.0f" if spec == "," and number.is_integer() else spec)
    digits = plain.replace(",", "").lstrip("+").rstrip("%")
    if "e" in digits or not math.isfinite(number) or len(digits) > MOST_DIGITS:
        return plain  # Babel would write 1e-05 as 1E-5, and it has no rule for infinity
    percent, decimals = plain.endswith("%"), len(digits.partition(".")[2])
    value = Decimal(digits) / 100 if percent else Decimal(digits)
    written = _pattern(code, percent, decimals).apply(value, _locale(code), group_separator="," in spec)
    return f"+{written}" if plain.startswith("+") else written


@functools.cache
def _pattern(code: str, percent: bool, decimals: int) -> "NumberPattern":
    locale = _locale(code)
    pattern = copy((locale.percent_formats if percent else locale.decimal_formats)[None])
    pattern.frac_prec = decimals, decimals
    return pattern


@functools.cache
def _locale(code: str) -> "Locale":
    from babel import Locale

    return Locale.parse(code)


def duration_text(seconds: float) -> str:
    """Write a duration as seconds, minutes and seconds, or hours and minutes: 2 min 59 s.

    The units are the catalogs' own: CLDR's short ones, which Babel has, are "sec" and "hr" in English.
    """
    if round(seconds, 1) < 10:
        return brief_text(seconds)
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s").format(seconds=count_text(whole))
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return _("{minutes} min {seconds} s").format(minutes=count_text(minutes), seconds=count_text(rest))
    hours, rest = divmod(whole, 3600)
    return _("{hours} h {minutes} min").format(hours=count_text(hours), minutes=count_text(rest // 60))


def brief_text(seconds: float) -> str:
    """Write a duration of less than ten seconds to a tenth or hundredth; the shortest is 0.01 s, not 0."""
    tenths = round(float(seconds), 1)  # an int has no is_integer before Python 3.12
    digits = 2 if seconds < 0.1 else 0 if tenths.is_integer() else 1
    return _("{seconds} s").format(seconds=formatted_number(max(seconds, 0.01), f".{digits}f"))


def _visitors_zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
