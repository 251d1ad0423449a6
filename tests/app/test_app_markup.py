"""Names that come from visitors, files and links are shown as they were typed."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.messages import Message
from mnist_core.runs.store import RunStore
from tests.app.markup import HOSTILE, unescaped
from tests.browser.server import ROOT
from ui.html.tables import escape_markdown, markdown


@pytest.fixture
def named(run):
    """A run whose owner gave it a name full of markup."""
    RunStore().rename(run, HOSTILE)
    file = RunStore().get(run).folder / "run.json"
    state = json.loads(file.read_text())
    state["results"] |= {"initial_accuracy": 0.1, "epochs": 1, "train_seconds": 1.0, "source": "sample"}
    file.write_text(json.dumps(state))
    return run


def test_the_detector_finds_markup():
    def page():
        import streamlit as st

        from tests.app.markup import HOSTILE
        from ui.html.tables import escape_markdown

        st.markdown(f"**{HOSTILE}**")
        st.button(HOSTILE)
        st.pills("a", [HOSTILE])
        st.html(f"<p>{HOSTILE}</p>")
        st.progress(0.5, text=HOSTILE)
        st.error(HOSTILE)
        st.caption(escape_markdown(HOSTILE))
        st.selectbox("a", [HOSTILE])
        st.text(HOSTILE)

    found = unescaped(AppTest.from_function(page, default_timeout=60).run())
    assert [place.partition(":")[0] for place in found] == [
        "markdown.body",
        "button.label",
        "button_group.content",
        "html",
        "progress.text",
        "error.body",
    ]


def test_addresses_in_names_become_no_links():
    """Streamlit makes links of these, also where they are escaped, unless something stands between."""
    for address in ("http://a.bc", "HTTPS://a.bc", "www.a.bc", "WWW.a.bc", "a@b.cd"):
        for shown in (escape_markdown(address), markdown(Message("{name}", {"name": address}))):
            plain = shown.replace("\\", "")
            assert not re.search(r"(?i)https?://|www\.|@\w", plain)
            assert plain.replace("\N{WORD JOINER}", "") == address


SLOW_PAGES = ("explore", "learn", "evaluate", "inside", "draw")
PAGES = ("train", "runs", *(pytest.param(page, marks=pytest.mark.slow) for page in SLOW_PAGES))
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
PARAMETERS = sorted(
    {*re.findall(r"`([a-z_]+)`", ARCHITECTURE.partition("## URL parameters")[2].partition("\n## ")[0])}
    - {"run", "runs", "lang"}
)


@pytest.mark.parametrize("page", PAGES)
def test_a_link_and_a_name_full_of_markup_are_text_on_every_page(app, named, page):
    test = app(page, run=named, **dict.fromkeys(PARAMETERS, HOSTILE))
    assert not test.exception
    assert unescaped(test) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", ["accuracy", "settings", "curves", "images", "repeats"])
def test_compared_names_full_of_markup_are_text(app, make, answer, part):
    runs = [make(name=HOSTILE), make(seed=1, name=f"{HOSTILE} 2"), make("tutorial-1", name=f"{HOSTILE} 3")]
    answer({runs[0]: [0, 1], runs[1]: [2]})
    test = app("compare", runs=",".join(runs), part=part, note=HOSTILE)
    assert not test.exception
    assert unescaped(test) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", ["layers", "answers", "map", "learning", "mixups", "sure", "robust"])
def test_a_name_full_of_markup_is_text_in_every_section(app, named, part):
    page = "inside" if part in ("layers", "answers", "map", "learning") else "evaluate"
    test = app(page, run=named, part=part, section=part)
    assert not test.exception
    assert unescaped(test) == []


@pytest.mark.parametrize("content", [b"no settings", json.dumps({HOSTILE: 1, "epochs": HOSTILE}).encode()])
def test_a_file_whose_name_and_settings_are_markup_is_refused_in_plain_text(app, content):
    test = app("train")
    test.file_uploader(key="import_file").set_value((f"{HOSTILE}.json", content, "application/json")).run()
    assert not test.exception
    assert len(test.error) == 1
    assert unescaped(test) == []


def test_a_sentence_keeps_its_own_markdown_and_escapes_its_values():
    inner = Message("`{file}` is *no* picture", {"file": "a*b.png"})
    said = markdown(
        Message(
            "**{name}**: {inner}, {count:,} of {share:.1%}",
            {
                "name": "x*y",
                "inner": inner,
                "count": 1234,
                "share": 0.5,
            },
        )
    )
    assert said == "**x\\*y**: `a\\*b.png` is *no* picture, 1,234 of 50.0%"
    assert markdown(Message("no {name!r}", {"name": "<b>"})) == "no '\\<b\\>'"
    names = Message("{name}", {"name": "DIGITLAB_RUNS_LIMIT, __init__ and _a b_"})
    assert markdown(names) == "DIGITLAB_RUNS_LIMIT, \\_\\_init\\_\\_ and \\_a b\\_"
    starts = ("# a", "- a", "1. a", "2) a", "  + a", "a - b 1.5 #")
    escaped = ["\\# a", "\\- a", "1\\. a", "2\\) a", "  \\+ a", "a - b 1.5 #"]
    assert [markdown(Message("{name}", {"name": name})) for name in starts] == escaped
