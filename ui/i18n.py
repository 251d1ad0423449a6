"""Languages: gettext catalogs, numbers, percentages, durations and dates."""

import functools
import gettext as gnu
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from mnist_core.messages import Message
from ui.url_state import LANGUAGE_KEY, url_parameters

LOCALES = Path(__file__).parent.parent / "locales"
LANGUAGES = {"en": "English", "zh": "中文"}
DATES = {"en": "d MMM y, HH:mm", "zh": "y年M月d日 HH:mm"}  # in the notation of Unicode's CLDR
BETWEEN_SENTENCES, BETWEEN_WORDS = {"en": " ", "zh": ""}, {"en": ", ", "zh": "、"}


def browser_language(locale: str | None) -> str:
    """Return the language of ours closest to a browser's locale, such as "zh-CN"."""
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def language() -> str:
    """Return the code of the visitor's language."""
    code = url_parameters().get(LANGUAGE_KEY, "")
    return code if code in LANGUAGES else browser_language(st.context.locale)


@functools.cache
def catalog(code: str) -> gnu.NullTranslations:
    """Return the translations into a language; English has none."""
    return gnu.translation("digitlab", LOCALES, [code], fallback=True)


def gettext(text: str) -> str:
    """Translate a sentence; pages import this as `_`."""
    return catalog(language()).gettext(text) if text else ""  # gettext("") is the catalog's header


_ = gettext


def ngettext(singular: str, plural: str, n: int) -> str:
    """Translate a sentence that counts."""
    return catalog(language()).ngettext(singular, plural, n)


def translate(message: Message) -> str:
    """Translate a message of mnist_core and fill in its values."""
    values = {name: translate(v) if isinstance(v, Message) else v for name, v in message.values.items()}
    return gettext(message.template).format(**values)


def sentences_text(sentences: Iterable[str]) -> str:
    """Put sentences one after the other: Chinese has no space between them."""
    return BETWEEN_SENTENCES[language()].join(sentences)


def list_text(words: Iterable[str]) -> str:
    """Say several things in a row: Optimizer, Epochs."""
    return BETWEEN_WORDS[language()].join(words)


def date_text(moment: str) -> str:
    """Say a time, given in ISO form, by the visitor's clock: 22 Nov 2026, 14:03."""
    from babel.dates import format_datetime

    local = visitors_time(moment)
    return format_datetime(local, DATES[language()], locale=language()) if local else moment


def visitors_time(moment: str) -> datetime | None:
    """Return a time, given in ISO form, by the visitor's clock, without its zone; None for no time."""
    try:
        return datetime.fromisoformat(moment).astimezone(_visitors_zone()).replace(tzinfo=None)
    except ValueError:
        return None


def count_text(number: float) -> str:
    """Say a count, with a comma between the thousands: 60,000."""
    return f"{number:,.0f}"


def percent_text(share: float, digits: int = 2) -> str:
    """Say a share of one in percent: 99.20%."""
    return f"{share:.{digits}%}"


def duration_text(seconds: float) -> str:
    """Say a duration in seconds, or minutes and seconds, or hours and minutes."""
    if round(seconds, 1) < 10:
        return brief_text(seconds)
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def brief_text(seconds: float) -> str:
    """Say a duration of less than ten seconds to a tenth or hundredth: none is said to take no time."""
    number = f"{seconds:.1f}".removesuffix(".0") if seconds >= 0.1 else f"{max(seconds, 0.01):.2f}"
    return _("{seconds} s").format(seconds=number)


def _visitors_zone() -> tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
