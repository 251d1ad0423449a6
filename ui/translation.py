"""The pages' language: gettext catalogs in locales/, chosen in the URL or by the browser."""

import functools
import gettext as gnu
from pathlib import Path

import streamlit as st

from mnist_core.messages import Message
from ui.state import LANGUAGE_KEY, choice_in_url

LOCALES = Path(__file__).parent.parent / "locales"
LANGUAGES = {"en": "English", "zh": "中文"}


def choose_language() -> None:
    """Show the language switch; its choice is in the URL, and starts as the browser's language."""
    choice_in_url(
        st.segmented_control,
        "Language / 语言",
        LANGUAGES,
        LANGUAGE_KEY,
        browser_language(st.context.locale),
        required=True,
        label_visibility="collapsed",
    )


def browser_language(locale: str | None) -> str:
    """Return the language of ours closest to a browser's locale, such as "zh-CN"."""
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def language() -> str:
    """Return the code of the visitor's language."""
    code = st.query_params.get(LANGUAGE_KEY, "")
    return code if code in LANGUAGES else browser_language(st.context.locale)


@functools.cache
def catalog(code: str) -> gnu.NullTranslations:
    """Return the translations into a language; English has none."""
    return gnu.translation("digitlab", LOCALES, [code], fallback=True)


def gettext(text: str) -> str:
    """Translate a sentence; pages import this as `_`."""
    return catalog(language()).gettext(text) if text else ""  # gettext("") is the catalog's header


def ngettext(singular: str, plural: str, n: int) -> str:
    """Translate a sentence that counts."""
    return catalog(language()).ngettext(singular, plural, n)


def say(message: Message) -> str:
    """Translate a message of mnist_core and fill in its values."""
    values = {name: say(v) if isinstance(v, Message) else v for name, v in message.values.items()}
    return gettext(message.template).format(**values)
