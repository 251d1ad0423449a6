"""Numbers and sentences in the visitor's language; English and Chinese write numbers alike."""

import pytest

from ui import i18n
from ui.i18n import brief_text, count_text, duration_text, format_text, formatted_number, percent_text


@pytest.fixture
def speak(monkeypatch):
    return lambda code: monkeypatch.setattr(i18n, "language", lambda: code)


@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize("spec", [",", ",.0f", ".0%", ".1%", ".2%", ".2f", ".4f", "+.2f", ".3g", "g", ",.1f"])
@pytest.mark.parametrize("number", [0, 1, 0.5, 0.125, 0.99995, 2.5, -0.25, 60_000, 1_234.5, 1e-7])
def test_numbers_are_rounded_as_python_rounds_them(code, spec, number, speak):
    speak(code)
    text = format(number, spec)
    assert formatted_number(number, spec) == (f"\N{MINUS SIGN}{text[1:]}" if number < 0 else text)


def test_a_number_of_more_digits_than_babel_rounds_is_written_too(speak):
    speak("en")
    assert formatted_number(1e30, ",.0f") == format(1e30, ",.0f")


def test_signs_and_separators_are_the_languages_own(speak):
    speak("de")
    assert count_text(60_000) == "60.000"
    assert formatted_number(-1234.5, ",.2f") == "\N{MINUS SIGN}1.234,50"
    assert percent_text(0.992) == "99,20\N{NO-BREAK SPACE}%"
    assert format_text("{n:,} / {x:+.1f} / {name}", n=60_000, x=0.25, name="a") == "60.000 / +0,2 / a"


@pytest.mark.parametrize(
    ("number", "text"), [(float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "\N{MINUS SIGN}inf")]
)
def test_what_is_no_number_is_said_so(number, text, speak):
    speak("en")
    assert formatted_number(number, ".2f") == text


def test_flags_and_words_are_left_as_they_are():
    assert format_text("{flag} {word!r} {word:>3}", flag=True, word="a") == "True 'a'   a"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.004, "0.01 s", "0.01 秒"),
        (0.4, "0.4 s", "0.4 秒"),
        (59.4, "59 s", "59 秒"),
        (179, "2 min 59 s", "2 分 59 秒"),
        (7260, "2 h 1 min", "2 小时 1 分"),
    ],
)
def test_durations(seconds, english, chinese, monkeypatch):
    for code, said in (("en", english), ("zh", chinese)):
        monkeypatch.setattr(i18n, "language", lambda code=code: code)
        assert duration_text(seconds) == said


def test_no_duration_is_said_to_take_no_time():
    assert brief_text(0) == "0.01 s"
    assert brief_text(2.04) == "2 s"
