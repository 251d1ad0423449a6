import ast
import functools
import re
from string import Formatter

import pytest

from locales import catalog as catalogs
from mnist_core.messages import Message, Words
from tests.browser.server import ROOT
from ui import i18n

# fmt: off
TEXT_CALLS = {
    "title", "header", "subheader", "markdown", "caption", "text", "write", "info", "warning",
    "error", "success", "button", "metric", "selectbox", "slider", "select_slider", "radio",
    "checkbox", "toggle", "segmented_control", "pills", "number_input", "text_input", "expander",
    "tabs", "progress", "spinner", "toast", "badge", "link", "page_link", "download_button",
    "file_uploader", "popover",
}
TEXT_KEYWORDS = {"help", "label", "placeholder"}
# fmt: on


def sources(message):
    """The source strings of an entry: one, or singular and plural."""
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translations(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


extracted_catalog = functools.cache(catalogs.extract)  # takes 2 s


def filled(message):
    return all(translations(message))


def fields(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_no_article_stands_before_a_word_that_is_filled_in():
    """It would be "a 8" or "a A"."""
    texts = [text for message in extracted_catalog() for text in sources(message)]
    assert len(texts) > 2000
    assert [text for text in texts if re.search(r"\b[Aa]n? [*`<>b]*\{|really a$", text)] == []


@pytest.mark.parametrize("path", catalogs.languages(), ids=lambda path: path.parent.parent.name)
class TestCatalog:
    def test_every_string_of_the_source_is_translated(self, path):
        catalog = catalogs.read(path)
        wanted = {message.id for message in extracted_catalog() if message.id}
        translated = {
            message.id for message in catalog if message.id and not message.fuzzy and filled(message)
        }
        assert wanted - translated == set(), "run `python -m locales.catalog` and translate what is listed"
        assert translated - wanted == set(), "no longer in the source: run `python -m locales.catalog`"

    def test_placeholders_are_the_same(self, path):
        wrong = [
            message.id
            for message in catalogs.read(path)
            if message.id and filled(message)
            for text in translations(message)
            if fields(text) != set().union(*map(fields, sources(message)))
        ]
        assert wrong == []

    def test_the_compiled_catalog_is_that_of_the_text(self, path):
        compiled = catalogs.compiled(catalogs.read(path))
        assert path.with_suffix(".mo").read_bytes() == compiled, "run `python -m locales.catalog`"


def marked_texts(source):
    """Return the texts that a source passes through the catalog, wherever the call stands."""
    return {
        text.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) in catalogs.KEYWORDS
        for text in call.args
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def test_every_marked_text_is_extracted():
    """Babel does not see a call within an f-string."""
    extracted = {text for message in extracted_catalog() for text in sources(message)}
    paths = [*app_sources(), *sorted((ROOT / "mnist_core").rglob("*.py"))]
    marked = set().union(*(marked_texts(path.read_text()) for path in paths))
    assert len(marked) > 2000
    assert marked - extracted == set()
    assert marked_texts("""f'<img alt="{_("Ink")}">'""") == {"Ink"}


def app_sources():
    return [
        ROOT / "streamlit_app.py",
        *sorted((ROOT / "pages").rglob("*.py")),
        *sorted((ROOT / "ui").rglob("*.py")),
    ]


def bare_texts(source):
    """Return the texts of a source that are shown without the catalog."""
    return [
        f"line {call.lineno}: {call.func.attr}({text.value!r})"
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in TEXT_CALLS
        and getattr(call.func.value, "id", None) != "logger"  # the server's log is in English
        for argument in [
            *call.args,
            *(keyword.value for keyword in call.keywords if keyword.arg in TEXT_KEYWORDS),
        ]
        for text in ([argument] if isinstance(argument, ast.Constant) else getattr(argument, "values", []))
        if isinstance(text, ast.Constant) and re.search(r"[A-Za-z]{2,} [a-z]", str(text.value))
    ]


@pytest.mark.parametrize("path", app_sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_text_shown_goes_through_the_catalog(path):
    assert bare_texts(path.read_text()) == []


def test_the_scan_sees_all_pages_and_their_sections():
    places = {path.relative_to(ROOT).parent.as_posix() for path in app_sources()}
    assert {".", "pages", "ui", "ui/draw", "ui/train", "ui/runs", "ui/html"} <= places


@pytest.mark.parametrize(
    "line",
    [
        'st.button("Start training")',
        'st.metric(name, 3, help=f"of {n} test images")',
        'row.text("Two words")',
    ],
)
def test_the_scan_finds_a_text_that_is_not_in_the_catalog(line):
    assert len(bare_texts(line)) == 1
    assert bare_texts('st.button(_("Start training"))') == []


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("zh", "zh"), ("en-GB", "en"), ("fr", "en"), ("", "en"), (None, "en")],
)
def test_the_browsers_language_decides_at_first(locale, language):
    assert i18n.browser_language(locale) == language


def test_a_message_is_filled_in_with_messages_too():
    inner = Message("it holds {n} files", {"n": 3})
    assert i18n.translate(Message("Look: {what}.", {"what": inner})) == "Look: it holds 3 files."


def test_the_switch_changes_the_language(app):
    test = app()
    assert test.title[0].value == "Handwritten digits"
    test.segmented_control(key="lang").set_value("zh").run()
    assert test.title[0].value == "手写数字"
    assert test.query_params["lang"] == "zh"
    assert app(lang="zh").title[0].value == "手写数字"
    assert app(lang="tlh").title[0].value == "Handwritten digits"


@pytest.mark.parametrize(("language", "said"), [("en", ("A. B.", "x, y")), ("zh", ("A.B.", "x、y"))])
def test_each_language_has_its_own_punctuation_between_sentences_and_words(language, said, monkeypatch):
    monkeypatch.setattr(i18n, "language", lambda: language)
    assert (i18n.sentences_text(["A.", "B."]), i18n.list_text(["x", "y"])) == said


@pytest.mark.parametrize(("language", "said"), [("en", "Of a, <B>: 2"), ("zh", "Of a、<B>: 2")])
def test_words_in_a_message_are_joined_as_the_language_does(language, said, monkeypatch):
    monkeypatch.setattr(i18n, "language", lambda: language)
    message = Message("Of {names}: {n}", {"names": Words(["a", "b"]), "n": 2})
    assert i18n.translate(message, lambda word: "<B>" if word == "b" else word) == said
    assert str(message) == "Of a, b: 2"
