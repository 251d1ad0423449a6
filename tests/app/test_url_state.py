"""Only ui.url_state reads and writes the URL; links of version 0.1 still open the same."""

import pytest

from tests.browser.server import ROOT


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
