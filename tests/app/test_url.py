"""The URL has one door: what went around it would be undone by a message that comes late."""

from tests.browser.server import ROOT


def test_only_its_module_reads_and_changes_the_url():
    sources = [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")]
    assert [path.name for path in sources if "st.query_params" in path.read_text("utf-8")] == ["url_state.py"]
