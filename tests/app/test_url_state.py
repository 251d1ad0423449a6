"""Only ui.url_state reads and writes the URL; links of version 0.1 still open the same."""

from types import SimpleNamespace

import pytest

from tests.browser.server import ROOT
from ui import url_state

CHECKPOINT, TEST_IMAGE = "Checkpoint (moment of the training)", "Test image no."
SECTION, WEIGHTS = "Section", "Weights and feature maps"


def test_only_url_state_reads_and_writes_the_url():
    sources = [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")]
    assert [path.name for path in sources if "st.query_params" in path.read_text("utf-8")] == ["url_state.py"]


@pytest.mark.parametrize("page", ["draw", "evaluate", "inside", "train"])
def test_links_of_version_0_1_to_the_pretrained_model_still_open_it(app, page):
    test = app(page, run="shipped")
    assert not test.exception
    assert not test.warning, [warning.value for warning in test.warning]


def test_a_comparison_of_version_0_1_with_the_pretrained_model_still_opens(app, make):
    first = make()
    assert app("compare", runs=f"{first},shipped").multiselect[0].value == [first, "pretrained"]


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("explore", {"view": "nowhere"}, [(SECTION, "Samples")]),
        ("inside", {"run": "pretrained", "index": "70000"}, [(TEST_IMAGE, "296")]),
        (
            "inside",
            {"run": "pretrained", "index": "first", "part": "x"},
            [(SECTION, WEIGHTS), (TEST_IMAGE, "0")],
        ),
        ("inside", {"run": "pretrained", "index": "7", "unknown": "7"}, []),
        ("learn", {"chapter": "nowhere"}, [("Chapter", "A picture is 784 numbers")]),
        ("learn", {"chapter": "layers", "hidden": "99"}, [("Hidden layers", "2")]),
        ("inside", {"run": "pretrained", "moment": "77"}, [(CHECKPOINT, "after epoch 19")]),
    ],
)
def test_a_value_of_the_link_that_is_not_available_is_told_of_once(app, page, query, said):
    test = app(page, **query)
    assert [toast.value for toast in test.toast] == [
        f"{control}: “{shown}” is shown; the link's value is not available." for control, shown in said
    ]
    assert not test.run().toast


@pytest.mark.parametrize(
    ("page", "query"),
    [("inside", {"run": "20260101-000000-aaaaaa"}), ("explore", {"view": "image", "index": "70000"})],
)
def test_what_the_page_itself_says_is_said_once(app, page, query):
    test = app(page, **query)
    assert len(test.warning) == 1
    assert not test.toast


@pytest.fixture
def reads(monkeypatch):
    """A run of a page at ?lang=zh, as Streamlit holds it, and how often the page's state was read."""
    run = SimpleNamespace(context_info=object(), page_script_hash="explore", query_string="lang=zh", reads=[])

    def read(context):
        run.reads.append(context.query_string)
        return {"lang": context.query_string.partition("=")[2]}

    monkeypatch.setattr(url_state, "get_script_run_ctx", lambda: run)
    monkeypatch.setattr(url_state, "_read_parameters", read)
    return run


def test_the_url_of_a_message_is_read_once(reads):
    assert [url_state.url_parameters() for _time in range(3)] == [{"lang": "zh"}] * 3
    assert reads.reads == ["lang=zh"]


@pytest.mark.parametrize(
    "change", [{"context_info": object()}, {"page_script_hash": "draw"}, {"query_string": "lang=en"}]
)
def test_the_url_of_another_message_page_or_query_is_read_anew(reads, change):
    url_state.url_parameters()
    vars(reads).update(change)
    assert url_state.url_parameters() == {"lang": reads.query_string.partition("=")[2]}
    assert len(reads.reads) == 2


def test_the_url_is_read_anew_after_the_server_has_changed_it(reads, monkeypatch):
    monkeypatch.setattr(url_state.st, "session_state", {})
    url_state.url_parameters()
    url_state._remember({"lang": "en"}, [])
    url_state.url_parameters()
    assert len(reads.reads) == 2


@pytest.mark.parametrize(("linked", "taken"), [("zh", "zh"), ("xx", "")])
def test_a_value_of_the_link_is_taken_once_and_not_after_a_change(reads, monkeypatch, linked, taken):
    monkeypatch.setattr(url_state.st, "session_state", {url_state.LINKED_KEY: {"lang": linked}})
    assert url_state.take_linked_value("lang") == taken
    assert url_state.take_linked_value("lang") == ""
